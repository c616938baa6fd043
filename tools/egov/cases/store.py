"""Case files of a city: read all, open one, append one event. Files only ever grow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from egov.cases.fold import OPEN, Case, folded, link, payload, read_case
from egov.cases.model import CaseHead, Event, case_kinds
from egov.city.load import SIGNERS, unknown
from egov.errors import DescriptionError, GuardError, Problem, UsageError
from egov.facts.signing import DECISION_NAMESPACE, Signer, sign, signers
from egov.mandate.decision import Decision

_SCHEMA = "# yaml-language-server: $schema=../../../schema/case.schema.json\n"


def case_files(city_dir: Path) -> list[Path]:
    """Return the case files of a city, sorted."""
    return sorted((city_dir / "cases").glob("*.yml"))


def city_signers(city_dir: Path) -> dict[str, Signer]:
    """Return who may sign for the city (`signers.yml`)."""
    return signers([city_dir / SIGNERS])


def read_cases(city_dir: Path) -> dict[str, Case]:
    """Return all cases by id; DescriptionError with every problem of every file."""
    known = city_signers(city_dir)
    cases: dict[str, Case] = {}
    problems: list[Problem] = []
    for path in case_files(city_dir):
        case, found = read_case(path, known)
        problems += found
        if case is not None:
            cases[case.head.id] = case
    if problems:
        raise DescriptionError(problems)
    return cases


def decisions(cases: Mapping[str, Case]) -> list[Decision]:
    """Return the decisions in force: granted, signed, not revoked. Expiry is judged on the day asked about."""
    return [case.decision for case in cases.values() if case.decision is not None]


def open_rectifications(cases: Mapping[str, Case]) -> dict[tuple[str, str, str], str]:
    """Return (check, subject kind, subject) → case id of every rectification that is not final."""
    return {
        (case.head.check, case.head.subject_kind, case.head.subject): case.head.id
        for case in cases.values()
        if case.head.kind == "rectification" and not case.final
    }


def open_case(city_dir: Path, head: CaseHead, event: Mapping[str, Any]) -> Path:
    """Write a new case file with its first event; GuardError if the case exists."""
    if head.kind not in case_kinds():
        what = "kind of case"
        raise unknown(what, head.kind, case_kinds())
    path = city_dir / "cases" / f"{head.id}.yml"
    if path.exists():
        message = f"{path} exists; a case is opened once"
        raise GuardError(message)
    first = Event.model_validate(
        {
            **event,
            "id": "e1",
            "transition": OPEN,
            "previous": link(head),
            "role": case_kinds()[head.kind].head.initial_role,
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    head_text = json.dumps(head.model_dump(exclude_none=True), ensure_ascii=False)
    path.write_text(
        f"{_SCHEMA}# Only ever grows; change it with `egov case`.\ncase: {head_text}\nevents:\n{_entry(first)}", "utf-8"
    )
    return path


def advance(city_dir: Path, case_id: str, event: Mapping[str, Any], key: Path | None) -> Case:
    """Append one event (signed with *key* if given) and return the case; a step not allowed changes nothing."""
    known = city_signers(city_dir)
    path = city_dir / "cases" / f"{case_id}.yml"
    if not path.is_file():
        what = "case"
        raise unknown(what, case_id, [p.stem for p in case_files(city_dir)])
    case, problems = read_case(path, known)
    if case is None:
        raise DescriptionError(problems)
    transition = case.kind.transitions.get(str(event["transition"]))
    if transition is None or case.state not in transition.from_:
        known_steps = [t.id for t in case.kind.transitions.values() if case.state in t.from_]
        message = f"{case_id} is {case.state}; steps from there: {', '.join(known_steps) or 'none'}"
        raise UsageError(message)
    number = f"e{len(case.events) + 1}"
    new = Event.model_validate({**event, "id": number, "role": transition.role, "previous": link(case.events[-1])})
    if key is not None:
        new = new.model_copy(update={"signature": sign(payload(case.head, new), key, DECISION_NAMESPACE)})
    text = path.read_text("utf-8") + _entry(new)
    trial = path.with_name(f".{path.name}.new")
    trial.write_text(text, encoding="utf-8")
    try:
        advanced, problems = read_case(trial, known)
        if advanced is None:
            message = "; ".join(f"{p.code} {p.message}" for p in problems)
            raise GuardError(message)
        trial.rename(path)
    finally:
        trial.unlink(missing_ok=True)
    return folded(case.head, case.kind, (*case.events, new), known)


def _entry(event: Event) -> str:
    """Return one event as a YAML list entry; JSON is YAML, one key a line keeps the differences readable."""
    data = event.model_dump(mode="json", exclude_none=True)
    lines = [
        f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in data.items() if value not in ([], ())
    ]
    return "  - " + "\n    ".join(lines) + "\n"
