"""A city's folder with signers, and case files written event by event, sound or broken on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from egov.cases import CaseHead, Event, payload
from egov.cases.fold import link
from egov.cases.model import case_kinds
from egov.cases.store import _entry
from egov.facts.signing import DECISION_NAMESPACE, sign

Keys = Callable[[str], Path]
# Who signs for which role; every key is valid in 2018 only.
PEOPLE = {"leader": "approver", "inspector": "auditor", "operator": "operator"}
BY_ROLE = {"department": "市民政局", "auditor": "inspector", "approver": "leader", "operator": "operator"}
SCOPE = {"check": "room-area", "subject_kind": "rooms", "subject": "r1"}
DECISION = {
    "document": "葫信组〔2018〕1号",
    **SCOPE,
    "upper": 25.0,
    "ground": "有安全管理要求",
    "expires_on": "2020-12-31",
}
Steps = Iterable[tuple[str, Mapping[str, Any]]]


def city_folder(folder: Path, keys: Keys) -> Path:
    """Return a city's folder that holds nothing but who may sign."""
    lines = ["signers:"]
    for name, role in PEOPLE.items():
        public = " ".join(keys(name).with_suffix(".pub").read_text("utf-8").split()[:2])
        days = "valid_from: 2018-01-01, valid_to: 2018-12-31"
        lines.append(f"  - {{id: {name}, name: {name}, roles: [{role}], {days}, key: {public}}}")
    folder.mkdir(exist_ok=True)
    (folder / "signers.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def head(kind: str) -> dict[str, Any]:
    """Return what a case of a kind is about: the area of room r1."""
    return {"id": f"{kind}-r1", "kind": kind, **SCOPE, "department": "a"}


def given(kind: str, transition: str) -> dict[str, Any]:
    """Return what a step must bring, no more: documents, decision, finding, and who may take it."""
    step = case_kinds()[kind].transitions[transition]
    found: dict[str, Any] = {"transition": transition, "by": BY_ROLE[step.role]}
    if step.note:
        found["note"] = "called by 10.9.0.1"
    if step.documents:
        found["documents"] = tuple(f"葫函〔2018〕{n}号" for n in range(step.documents))
    if step.decision:
        found["decision"] = DECISION
    if step.finding:
        found |= {"finding": step.finding[0], "evidence": "seal 1"}
    if step.quiet:
        found["quiet_since"] = day_of(kind, 3).isoformat()  # the third step closes the system off
        found["quiet_days"] = step.quiet
    return found


def day_of(kind: str, number: int) -> date:
    """Return the day of a case's event *number*, from 2018-03-01 on: one a day, or as far apart as steps of it wait."""
    apart = 32 if any(step.waits for step in case_kinds()[kind].transitions.values()) else 1
    return date(2018, 3, 1) + timedelta(days=apart * (number - 1))


def at(number: int, kind: str = "exemption") -> str:
    """Return the time of a case's event *number*."""
    return f"{day_of(kind, number)}T09:00:00+08:00"


def write_case(
    folder: Path, kind: str, steps: Steps, keys: Keys, name: str | None = None, scope: Mapping[str, str] = SCOPE
) -> Path:
    """Write a case as a person could by hand: each step a transition with fields that replace what is right.

    The chain is whole and what must be signed is signed, after the replacement, unless `signature` is replaced;
    `signed_with` names another key than that of who acts for the role.
    """
    about = CaseHead.model_validate({**head(kind), **scope})
    known = case_kinds()[kind]
    entries: list[Event] = []
    for number, (transition, fields) in enumerate(steps, 1):
        step = known.transitions.get(transition)
        role = step.role if step else known.head.initial_role
        right = given(kind, transition) if step else {"transition": transition, "by": BY_ROLE[role]}
        place = {
            "id": f"e{number}",
            "at": at(number, kind),
            "role": role,
            "previous": link(entries[-1] if entries else about),
        }
        values = {**place, **right, **fields}
        key = values.pop("signed_with", BY_ROLE[role] if step and step.signed else None)
        event = Event.model_validate(values)
        if key and "signature" not in fields:
            signature = sign(payload(about, event), keys(key), DECISION_NAMESPACE)
            event = Event.model_validate({**values, "signature": signature})
        entries.append(event)
    path = folder / "cases" / f"{name or about.id}.yml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"case: {about.model_dump_json(exclude_none=True)}\nevents:\n{''.join(map(_entry, entries))}", encoding="utf-8"
    )
    return path
