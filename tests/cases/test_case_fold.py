"""The fold: every way through both kinds of case, and whatever a step may lack or break refuses the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from casefile import DECISION, Keys, at, city_folder, day_of, given, write_case

from egov.cases import case_kinds, read_case, read_cases
from egov.cases.store import city_signers, decisions, open_rectifications
from egov.errors import DescriptionError
from egov.mandate import Decision, WorkingCalendar

# Final state → kind and the steps that lead there.
WAYS = {
    "granted": ("exemption", ("grant",)),
    "refused": ("exemption", ("refuse",)),
    "withdrawn": ("exemption", ("withdraw",)),
    "revoked": ("exemption", ("grant", "revoke")),
    "closed": ("rectification", ("consult", "answer", "verify", "rectify", "close")),
    "retired": ("retirement", ("notify", "quarantine", "decide", "archive", "remove", "update")),
    "released": ("retirement", ("notify", "object", "uphold", "release")),
    "dismissed": ("rectification", ("consult", "answer", "dismiss")),
}
TRANSITIONS = [(kind.head.id, t) for kind in case_kinds().values() for t in kind.transitions.values()]


@pytest.fixture
def folder(tmp_path: Path, signing_key: Keys) -> Path:
    """Return a city's folder with its signers."""
    return city_folder(tmp_path / "city", signing_key)


def way_to(kind: str, transition: str) -> tuple[str, ...]:
    """Return the steps of a case up to and with *transition*."""
    return next(
        ("open", *steps[: steps.index(transition) + 1])
        for way_kind, steps in WAYS.values()
        if way_kind == kind and transition in steps
    )


def refused(path: Path, folder: Path) -> list[tuple[str, int, str]]:
    """Return (code, line, message) of every problem of a case file; it must be no case then."""
    case, problems = read_case(path, city_signers(folder))
    assert (case is None) == bool(problems)
    return [(p.code, p.line, p.message) for p in problems]


def line_of(path: Path, number: int, field: str) -> int:
    """Return the line of a field of the file's event *number*; of the event where the field is not there."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line == f'  - id: "e{number}"')
    end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("  - ")), len(lines))
    return next((n for n in range(start, end) if lines[n].startswith(f"    {field}: ")), start) + 1


@pytest.mark.parametrize("state", WAYS)
def test_every_way_ends_in_its_state(folder: Path, signing_key: Keys, state: str) -> None:
    """A case that took all its steps rightly stands in that state, for good, since the day of the last step."""
    kind, steps = WAYS[state]
    write_case(folder, kind, [(step, {}) for step in ("open", *steps)], signing_key)

    (case,) = read_cases(folder).values()

    assert (state, True, day_of(kind, len(steps) + 1)) == (case.state, case.final, case.since)
    assert [case] == list(read_cases(folder).values())


def test_the_ways_cover_every_step() -> None:
    """No transition of any kind is left out of these tests."""
    taken = {(kind, step) for kind, steps in WAYS.values() for step in steps}

    assert {(kind, t.id) for kind, t in TRANSITIONS} == taken


def broken() -> Iterator[Any]:
    """Yield each step of each kind with one thing wrong, and the field and words of the refusal."""
    for kind, step in TRANSITIONS:
        for what, fields, field, words in _breakages(kind, step.id):
            yield pytest.param(kind, step.id, fields, (field, words), id=f"{kind}-{step.id}-{what}")


def _breakages(kind: str, name: str) -> Iterator[tuple[str, dict[str, Any], str, str]]:
    step = case_kinds()[kind].transitions[name]
    other = "approver" if step.role == "operator" else "operator"
    yield "role", {"role": other}, "role", f"{name} is for the role {step.role}, not {other}"
    if step.note:
        yield "note", {"note": None}, "note", f"{name} needs a note"
    if step.waits:
        number = len(way_to(kind, name)) - 1
        said = f"{name} waits {step.waits} working days after {day_of(kind, number)}"
        yield "too-soon", {"at": at(number, kind)}, "at", said
    if step.documents:
        yield "documents", {"documents": ()}, "documents", f"{name} needs {step.documents} document(s)"
    if step.finding:
        for verdict in ("violation" if "pass" in step.finding else "pass", "undetermined", None):
            said = f"{name} needs a finding {' or '.join(step.finding)}, got {verdict}"
            yield f"finding-{verdict}", {"finding": verdict}, "finding", said
    if step.decision:
        yield "decision", {"decision": None}, "decision", f"{name} needs a decision"
        for field, other in {"check": "room-count", "subject_kind": "devices", "subject": "r2"}.items():
            said = "the decision speaks of something else than its case"
            yield f"decision-{field}", {"decision": {**DECISION, field: other}}, "decision", said
    else:
        yield "decision", {"decision": DECISION}, "decision", f"{name} has no decision"
    if step.signed:
        by = given(kind, name)["by"]
        said = f"{name} needs a signature by {by} as {step.role}, by a key valid on "
        yield "unsigned", {"signature": None}, "signature", said
        yield "of-another", {"signed_with": "inspector" if step.role == "operator" else "operator"}, "signature", said
        yield "of-a-stranger", {"signed_with": "stranger"}, "signature", said
        yield "too-late", {"at": "2019-01-01T09:00:00+08:00"}, "signature", said
    yield "before", {"at": "2018-02-28T09:00:00+08:00"}, "at", "is before e"


@pytest.mark.parametrize(("kind", "step", "fields", "told"), list(broken()))
def test_a_broken_step_refuses_the_file(
    folder: Path, signing_key: Keys, kind: str, step: str, fields: dict[str, Any], told: tuple[str, str]
) -> None:
    """A step with one thing wrong makes the file no case, and the message stands at the thing."""
    steps = way_to(kind, step)
    path = write_case(folder, kind, [(s, fields if s == step else {}) for s in steps], signing_key)

    found = refused(path, folder)

    field, words = told
    assert line_of(path, len(steps), field) in {line for _, line, said in found if words in said}
    with pytest.raises(DescriptionError):
        read_cases(folder)


def out_of_order() -> Iterator[Any]:
    """Yield every step from every state that it does not start from."""
    reached: dict[str, tuple[str, tuple[str, ...]]] = {k.head.initial: (k.head.id, ()) for k in case_kinds().values()}
    for kind, steps in WAYS.values():
        for count, name in enumerate(steps, 1):
            reached[case_kinds()[kind].transitions[name].to] = (kind, steps[:count])
    for state, (kind, steps) in reached.items():
        for name, step in case_kinds()[kind].transitions.items():
            if state not in step.from_:
                yield pytest.param(kind, (*steps, name), state, id=f"{state}-{name}")


@pytest.mark.parametrize(("kind", "steps", "state"), list(out_of_order()))
def test_a_step_out_of_order_refuses_the_file(
    folder: Path, signing_key: Keys, kind: str, steps: tuple[str, ...], state: str
) -> None:
    """No step is taken from a state it does not start from."""
    path = write_case(folder, kind, [(step, {}) for step in ("open", *steps)], signing_key)

    (found,) = refused(path, folder)

    assert ("E502", line_of(path, len(steps) + 1, "transition")) == found[:2]
    assert f"no transition {steps[-1]} from {state}" in found[2]


@pytest.mark.parametrize(
    ("steps", "code", "words"),
    [
        pytest.param([], "E501", "a case begins with an event `open`", id="no-event"),
        pytest.param([("withdraw", {})], "E502", "opened once, by its first event", id="not-opened"),
        pytest.param([("open", {}), ("open", {})], "E502", "opened once, by its first event", id="opened-twice"),
        pytest.param([("open", {"role": "approver"})], "E502", "opened by the role department", id="wrong-role"),
        pytest.param([("open", {"signed_with": "leader"})], "E503", "open needs a signature by", id="false-signature"),
        pytest.param([("open", {"previous": "0" * 64})], "E501", "does not follow what stands before", id="no-chain"),
    ],
)
def test_a_case_is_opened_once_by_its_role(
    folder: Path, signing_key: Keys, steps: list[tuple[str, dict[str, Any]]], code: str, words: str
) -> None:
    """A case begins with one `open` by the role that may open it, chained to what the case is about."""
    path = write_case(folder, "exemption", steps, signing_key)

    assert (code, True) in {(found, words in said) for found, _, said in refused(path, folder)}


def test_a_signature_nobody_asked_for_must_be_true(folder: Path, signing_key: Keys) -> None:
    """Any step may be signed, which makes it unchangeable; a signature of someone else refuses the file."""
    signed = write_case(
        folder, "rectification", [("open", {"by": "inspector", "signed_with": "inspector"})], signing_key, "signed"
    )
    false = write_case(
        folder, "rectification", [("open", {}), ("consult", {"signed_with": "leader"})], signing_key, "false"
    )

    assert [] == refused(signed, folder)
    assert [("E503", line_of(false, 2, "signature"))] == [found[:2] for found in refused(false, folder)]


@pytest.mark.parametrize("state", ["revoked", "closed"])
def test_a_changed_byte_is_seen(folder: Path, signing_key: Keys, state: str) -> None:
    """Whatever byte of a case with a signed end is changed: the file is refused, or says the same as before.

    It says the same where the byte belongs to no value (a comment, white space). A letter is changed everywhere the
    file's text differs in kind: in every line, at its first, middle and last letter or digit.
    """
    kind, steps = WAYS[state]
    path = write_case(folder, kind, [(step, {}) for step in ("open", *steps)], signing_key)
    text = path.read_bytes()
    known = city_signers(folder)
    before, _ = read_case(path, known)
    places = sorted(
        {
            line.start() + found[number].start()
            for line in re.finditer(rb".+", text)
            if (found := list(re.finditer(rb"[0-9A-Za-z+/]", line[0])))
            for number in (0, len(found) // 2, -1)
        }
    )
    missed = []
    for place in places:
        other = b"b" if text[place : place + 1] != b"b" else b"c"
        path.write_bytes(text[:place] + other + text[place + 1 :])
        case, problems = read_case(path, known)
        if not problems and case != before:
            missed.append(text[place - 20 : place + 20])

    assert len(places) > 3 * len(steps)
    assert missed == []


def test_a_file_is_named_after_its_case(folder: Path, signing_key: Keys) -> None:
    """A copy of a case under another name is refused: one of two files of one id would be lost."""
    write_case(folder, "exemption", [("open", {})], signing_key)
    write_case(folder, "exemption", [("open", {})], signing_key, "copy")

    with pytest.raises(DescriptionError) as caught:
        read_cases(folder)

    assert ["cases/copy.yml:1:1: E501 the case exemption-r1 belongs in exemption-r1.yml (文件名应与事项编号一致)"] == [
        str(problem) for problem in caught.value.problems
    ]


def test_a_decision_is_in_force_between_grant_and_revocation(folder: Path, signing_key: Keys) -> None:
    """A granted exemption is a decision with its scope and signer; revoked it is none, nor are others ever."""
    write_case(folder, "exemption", [("open", {}), ("grant", {})], signing_key)
    granted = decisions(read_cases(folder))
    for steps in (("open", "grant", "revoke"), ("open", "refuse"), ("open", "withdraw"), ("open",)):
        write_case(folder, "exemption", [(step, {}) for step in steps], signing_key)

        assert [] == decisions(read_cases(folder))

    assert granted == [
        Decision(
            case="exemption-r1",
            document="葫信组〔2018〕1号",
            signer="leader",
            check="room-area",
            kind="rooms",
            subject="r1",
            decided_on=date(2018, 3, 2),
            expires_on=date(2020, 12, 31),
            upper=25.0,
        )
    ]


def test_only_open_rectifications_are_open(folder: Path, signing_key: Keys) -> None:
    """A finding shows its rectification or retirement until that is over; an exemption asked for is none."""
    open_after = {}
    for name, (kind, steps) in WAYS.items():
        for count in range(len(steps) + 1):
            path = write_case(folder, kind, [(step, {}) for step in ("open", *steps[:count])], signing_key)
            open_after[name, count] = open_rectifications(read_cases(folder))
            path.unlink()

    questions = {
        name: {("room-area", "rooms", "r1"): f"{kind}-r1"} for name, (kind, _) in WAYS.items() if kind != "exemption"
    }
    assert {key for key, found in open_after.items() if found} == {
        *(("closed", n) for n in range(5)),
        *(("dismissed", n) for n in range(3)),
        *(("retired", n) for n in range(6)),
        *(("released", n) for n in range(4)),
    }
    assert {} == {key: found for key, found in open_after.items() if found and found != questions[key[0]]}


# 2018-03-02 is a Friday; the days are counted by hand from the calendar of 2018: 4-5 to 4-7 Qingming (4-8 made up),
# 4-29 to 5-1 Labour Day (4-28 made up).
@pytest.mark.parametrize(
    ("steps", "state", "since", "due"),
    [
        pytest.param(0, "suspected", date(2018, 3, 1), date(2018, 3, 8), id="5-days"),
        pytest.param(1, "consulting", date(2018, 3, 2), date(2018, 3, 16), id="10-days"),
        pytest.param(2, "answered", date(2018, 3, 3), date(2018, 3, 16), id="10-days-from-a-saturday"),
        pytest.param(3, "verified", date(2018, 3, 4), date(2018, 3, 9), id="5-days-from-a-sunday"),
        pytest.param(4, "rectifying", date(2018, 3, 5), date(2018, 5, 30), id="60-days-over-two-feasts"),
        pytest.param(5, "closed", date(2018, 3, 6), None, id="closed-is-never-due"),
    ],
)
def test_due_by_legal_working_days(
    folder: Path, signing_key: Keys, steps: int, state: str, since: date, due: date | None
) -> None:
    """A case is due after the working days its state allows, counted from the day after it came there."""
    taken = ("open", *WAYS["closed"][1][:steps])
    write_case(folder, "rectification", [(step, {}) for step in taken], signing_key)
    (case,) = read_cases(folder).values()

    assert (state, since, due) == (case.state, case.since, case.due(WorkingCalendar().add_working_days))
