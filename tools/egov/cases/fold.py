"""State = fold of a case's events. Pure: the same file, signers and day give the same state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from egov.cases.model import CaseHead, Event, Kind, Transition, case_kinds
from egov.city.codes import Code
from egov.city.shape import Kinds, nearest, read_kinds
from egov.errors import Problem
from egov.facts.signing import DECISION_NAMESPACE, Signer, verified_by
from egov.mandate import WorkingCalendar, YearNotCovered
from egov.mandate.decision import Decision

OPEN = "open"


@dataclass(frozen=True, slots=True)
class Case:
    """A case as of now: where it stands, since when, until when it may stand there, and its valid decision."""

    head: CaseHead
    kind: Kind
    state: str
    since: date
    events: tuple[Event, ...]
    decision: Decision | None = None

    @property
    def final(self) -> bool:
        """Whether nothing more is due."""
        return self.kind.states[self.state].final

    def due(self, add_working_days: Callable[[date, int], date]) -> date | None:
        """Return the last day the case may stay in its state, by the legal working calendar."""
        days = self.kind.states[self.state].working_days
        return add_working_days(self.since, days) if days is not None else None


def closed_since(events: Sequence[Event]) -> date:
    """Return the day from which a call is a sign of life: of the quarantine, before that of the case's opening."""
    days = [event.day for event in events if event.transition == "quarantine"]
    return days[-1] if days else events[0].day


def canonical(part: CaseHead | Event, *, without_signature: bool = False) -> bytes:
    """Return the bytes that hashes and signatures are made over: canonical JSON in UTF-8."""
    exclude = {"signature"} if without_signature else set()
    data = part.model_dump(mode="json", exclude=exclude, exclude_none=True)
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def link(part: CaseHead | Event) -> str:
    """Return the hash that the next event names as `previous`."""
    return hashlib.sha256(canonical(part)).hexdigest()


def payload(head: CaseHead, event: Event) -> bytes:
    """Return what a signer signs: the case's head and the event without its signature."""
    return canonical(head) + b"\n" + canonical(event, without_signature=True) + b"\n"


def read_case(path: Path, signers: Mapping[str, Signer]) -> tuple[Case | None, list[Problem]]:
    """Read one case file; the case is None, with its problems, if anything in it is wrong."""
    read = read_kinds(path.parent.parent, [path], {"events": Event}, {"case": CaseHead})
    document = next(iter(read.documents.values()))
    head = read.sections.get("case")
    if read.problems or not isinstance(head, CaseHead):
        missing = document.problem((), Code.E204, "case is missing", "缺少 case")
        return None, read.problems or [missing]
    kind = case_kinds().get(head.kind)
    if kind is None:
        guess = nearest(head.kind, case_kinds())
        message = f"no kind of case {head.kind}" + (f"; did you mean {guess}?" if guess else "")
        return None, [document.problem(("case", "kind"), Code.E502, message, "没有这种事项")]
    events = tuple(read.items["events"].values())
    problems = list(_problems(read, head, kind, events, signers, path.parent.parent))
    if problems:
        return None, problems
    return folded(head, kind, events, signers), []


def folded(head: CaseHead, kind: Kind, events: Sequence[Event], signers: Mapping[str, Signer]) -> Case:
    """Return the state after *events*, which must be sound (see `read_case`)."""
    state, decision = kind.head.initial, None
    for event in events:
        if event.transition != OPEN:
            state = kind.transitions[event.transition].to
        decision = _decision(head, event, signers) if event.decision else None
    return Case(head, kind, state, events[-1].day, tuple(events), decision)


def _decision(head: CaseHead, event: Event, signers: Mapping[str, Signer]) -> Decision | None:
    decided = event.decision
    signer = _signer(head, event, signers)
    if decided is None or signer is None:
        return None
    return Decision(
        case=head.id,
        document=decided.document,
        signer=signer.id,
        check=decided.check,
        kind=decided.subject_kind,
        subject=decided.subject,
        decided_on=event.day,
        expires_on=decided.expires_on,
        upper=decided.upper,
    )


def _signer(head: CaseHead, event: Event, signers: Mapping[str, Signer]) -> Signer | None:
    """Return who validly signed the event: known key, the event's role, key valid on that day, own name."""
    if event.signature is None:
        return None
    signer = verified_by(payload(head, event), event.signature, signers, DECISION_NAMESPACE)
    if signer is None or signer.id != event.by or not signer.may(event.role, event.day):
        return None
    return signer


def _problems(
    read: Kinds, head: CaseHead, kind: Kind, events: Sequence[Event], signers: Mapping[str, Signer], city_dir: Path
) -> Iterator[Problem]:
    document = next(iter(read.documents.values()))
    if not events:
        yield document.problem(("events",), Code.E501, "a case begins with an event `open`", "事项须以 open 开始")
        return
    state = kind.head.initial
    before: CaseHead | Event = head
    for number, event in enumerate(events):

        def at(field: str, code: Code, message: str, hint: str, event: Event = event) -> Problem:
            return read.problem("events", event.id, (field,), code, message, hint)

        yield from _chain_problems(at, event, before)
        before = event
        if (event.transition == OPEN) != (number == 0):
            yield at("transition", Code.E502, "a case is opened once, by its first event", "只有第一个事件为 open")
        elif number == 0:
            if event.role != kind.head.initial_role:
                message = f"a {head.kind} is opened by the role {kind.head.initial_role}, not {event.role}"
                yield at("role", Code.E502, message, "角色不符")
            yield from _signature_problems(at, head, event, signers, required=False)
        else:
            transition = kind.transitions.get(event.transition)
            if transition is None or state not in transition.from_:
                known = [t.id for t in kind.transitions.values() if state in t.from_]
                message = f"no transition {event.transition} from {state}; from here: {', '.join(known) or 'none'}"
                yield at("transition", Code.E502, message, "没有这一步")
                return
            yield from _transition_problems(at, head, event, transition)
            yield from _waiting_problems(at, event, events[number - 1].day, transition, city_dir)
            yield from _quiet_problems(at, event, closed_since(events[:number]), transition)
            yield from _signature_problems(at, head, event, signers, required=transition.signed)
            state = transition.to


At = Callable[[str, Code, str, str], Problem]
"""Makes a problem at a field of the event in question."""


def _chain_problems(at: At, event: Event, before: CaseHead | Event) -> Iterator[Problem]:
    if event.previous != link(before):
        message = f"does not follow what stands before it; expected {link(before)}"
        yield at("previous", Code.E501, message, "事件链断裂")
    if isinstance(before, Event) and event.at < before.at:
        yield at("at", Code.E501, f"is before {before.id}", "时间倒置")


def _signature_problems(
    at: At, head: CaseHead, event: Event, signers: Mapping[str, Signer], *, required: bool
) -> Iterator[Problem]:
    """Yield a problem for a signature that is required and missing, or that is given and not true."""
    if (required or event.signature is not None) and _signer(head, event, signers) is None:
        message = f"{event.transition} needs a signature by {event.by} as {event.role}, by a key valid on {event.day}"
        yield at("signature", Code.E503, message, "签名缺失或无效")


def _waiting_problems(at: At, event: Event, since: date, transition: Transition, city_dir: Path) -> Iterator[Problem]:
    """Yield a problem for a step taken before its working days have passed, or whose days nobody can count."""
    if not transition.waits:
        return
    try:
        until = WorkingCalendar.of_city(city_dir).add_working_days(since, transition.waits)
    except YearNotCovered as error:
        yield at("at", Code.E502, f"{transition.id} waits {transition.waits} working days: {error}", "工作日历缺失")
        return
    if event.day <= until:
        message = f"{transition.id} waits {transition.waits} working days after {since}: possible after {until}"
        yield at("at", Code.E502, message, "等待期未满")


def _quiet_problems(at: At, event: Event, since: date, transition: Transition) -> Iterator[Problem]:
    """Yield a problem for a step that does not say, over its signature, that nobody called and that one would know."""
    if transition.quiet and event.quiet_since != since:
        message = (
            f"{transition.id} needs quiet_since: {since}: that nobody was seen to call since the system was closed off"
        )
        yield at("quiet_since", Code.E502, message, "须写明隔离以来无人调用")
    if (event.quiet_days or 0) < transition.quiet:
        message = (
            f"{transition.id} needs quiet_days: {transition.quiet} working days on which a call would have been seen"
        )
        yield at("quiet_days", Code.E502, message, "观察到的工作日不足")


def _transition_problems(at: At, head: CaseHead, event: Event, transition: Transition) -> Iterator[Problem]:
    """Yield what a step lacks: role, documents, finding, decision within the case's scope."""
    if event.role != transition.role:
        yield at("role", Code.E502, f"{transition.id} is for the role {transition.role}, not {event.role}", "角色不符")
    if len(event.documents) < transition.documents:
        yield at("documents", Code.E502, f"{transition.id} needs {transition.documents} document(s)", "缺少文书")
    if transition.note and not event.note:
        yield at("note", Code.E502, f"{transition.id} needs a note: who or what is the reason", "缺少说明")
    if transition.finding and event.finding not in transition.finding:
        message = f"{transition.id} needs a finding {' or '.join(transition.finding)}, got {event.finding}"
        yield at("finding", Code.E502, message, "须有符合或经批准例外的检查结果")
    if (event.decision is not None) != transition.decision:
        yield at(
            "decision", Code.E502, f"{transition.id} {'needs a' if transition.decision else 'has no'} decision", "决定"
        )
    decided = event.decision
    if decided and (decided.check, decided.subject_kind, decided.subject) != (
        head.check,
        head.subject_kind,
        head.subject,
    ):
        yield at("decision", Code.E502, "the decision speaks of something else than its case", "决定超出事项范围")
