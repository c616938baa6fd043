"""Case files of a city: read all, open one, append one event. Files only ever grow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from egov.cases.fold import OPEN, Case, link, payload, read_case
from egov.cases.model import CaseHead, Event, case_kinds
from egov.city.codes import Code
from egov.city.load import SIGNERS, unknown
from egov.errors import DescriptionError, GuardError, Problem, UsageError
from egov.facts.signing import DECISION_NAMESPACE, Signer, sign, signers
from egov.mandate.decision import Decision

Model = TypeVar("Model", bound=BaseModel)

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
        if case is None:
            continue
        if case.head.id != path.stem:  # two files of one id: one of them would be lost
            message = f"the case {case.head.id} belongs in {case.head.id}.yml"
            problems.append(Problem(f"cases/{path.name}", 1, 1, Code.E501.name, message, "文件名应与事项编号一致"))
        cases[case.head.id] = case
    if problems:
        raise DescriptionError(problems)
    return cases


def decisions(cases: Mapping[str, Case]) -> list[Decision]:
    """Return the decisions in force: granted, signed, not revoked. Expiry is judged on the day asked about."""
    return [case.decision for case in cases.values() if case.decision is not None]


def open_rectifications(cases: Mapping[str, Case]) -> dict[tuple[str, str, str], str]:
    """Return (check, subject kind, subject) → case id of every rectification or retirement that is not final."""
    return {
        (case.head.check, case.head.subject_kind, case.head.subject): case.head.id
        for case in cases.values()
        if case.head.kind in {"rectification", "retirement"} and not case.final
    }


def open_case(city_dir: Path, head: Mapping[str, Any], event: Mapping[str, Any]) -> Path:
    """Write a new case file with its first event and return its path; GuardError if the case exists."""
    about = _made(CaseHead, head)
    if about.kind not in case_kinds():
        what = "kind of case"
        raise unknown(what, about.kind, case_kinds())
    path = _path(city_dir, about.id)
    if path.exists():
        message = f"{path} exists; a case is opened once"
        raise GuardError(message)
    role = case_kinds()[about.kind].head.initial_role
    first = _made(Event, {**event, "id": "e1", "transition": OPEN, "role": role, "previous": link(about)})
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(about.model_dump(exclude_none=True), ensure_ascii=False)
    start = f"{_SCHEMA}# Only ever grows; change it with `egov case`.\ncase: {text}\nevents:\n"
    _replace(path, start + _entry(first), city_signers(city_dir))
    return path


def advance(city_dir: Path, case_id: str, event: Mapping[str, Any], key: Path | None) -> Case:
    """Append one event (signed with *key* if given) and return the case; a step not allowed changes nothing."""
    known = city_signers(city_dir)
    path = _path(city_dir, case_id)
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
    place = {"id": f"e{len(case.events) + 1}", "role": transition.role, "previous": link(case.events[-1])}
    new = _made(Event, {**event, **place})
    if key is not None:
        new = new.model_copy(update={"signature": sign(payload(case.head, new), key, DECISION_NAMESPACE)})
    return _replace(path, path.read_text("utf-8") + _entry(new), known)


def _path(city_dir: Path, case_id: str) -> Path:
    return city_dir / "cases" / f"{case_id}.yml"


def _made(model: type[Model], values: Mapping[str, Any]) -> Model:
    """Return the values as a model; UsageError that names each value which is not what the model holds."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors())
        message = "; ".join(wrong)
        raise UsageError(message) from None


def _replace(path: Path, text: str, known: Mapping[str, Signer]) -> Case:
    """Make *text* the file's content if it is a sound case, all at once; GuardError, and nothing changed, if not."""
    trial = path.with_name(f".{path.name}.new")
    try:
        trial.write_text(text, encoding="utf-8")
        case, problems = read_case(trial, known)
        if case is None:
            message = "; ".join(f"{p.code} {p.message}" for p in problems)
            raise GuardError(message)
        trial.rename(path)
    finally:
        trial.unlink(missing_ok=True)
    return case


def _entry(event: Event) -> str:
    """Return one event as a YAML list entry; JSON is YAML, one key a line keeps the differences readable."""
    data = event.model_dump(mode="json", exclude_none=True)
    lines = [
        f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in data.items() if value not in ([], ())
    ]
    return "  - " + "\n    ".join(lines) + "\n"
