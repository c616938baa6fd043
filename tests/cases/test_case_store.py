"""Opening and advancing cases on disk: all or nothing, for people who mistype, and what a decision then exempts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from build import Build, binding, duty, law
from casefile import DECISION, Keys, at, city_folder, given, head, write_case

from egov.cases import advance, open_case, read_cases, store
from egov.cases.store import decisions
from egov.errors import DescriptionError, EgovError, GuardError, UsageError

OPENING = {"at": at(1), "by": "市民政局", "documents": ("申请",)}


@pytest.fixture
def folder(tmp_path: Path, signing_key: Keys) -> Path:
    """Return a city's folder with its signers."""
    return city_folder(tmp_path / "city", signing_key)


def step(kind: str, transition: str, number: int, /, **fields: object) -> dict[str, Any]:
    """Return a step as the command line hands it over."""
    return {"at": at(number), **given(kind, transition), **fields}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder with its bytes, hidden ones too."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_case_goes_its_way_on_disk(folder: Path, signing_key: Keys) -> None:
    """Each step adds lines to the file and changes none; what `advance` returns is what the file says."""
    path = open_case(folder, head("rectification"), {"at": at(1), "by": "inspector"})
    states = []
    for number, name in enumerate(("consult", "answer", "verify", "rectify", "close"), 2):
        before = path.read_bytes()
        key = signing_key("inspector") if name == "close" else None
        case = advance(folder, "rectification-r1", step("rectification", name, number), key)

        assert path.read_bytes().startswith(before)
        assert [case] == list(read_cases(folder).values())
        states.append(case.state)

    assert states == ["consulting", "answered", "verified", "rectifying", "closed"]


WRONG = {
    "no-document": ({"documents": ()}, "leader", GuardError, "grant needs 1 document(s)"),
    "no-decision": ({"decision": None}, "leader", GuardError, "grant needs a decision"),
    "other-subject": ({"decision": {**DECISION, "subject": "r2"}}, "leader", GuardError, "speaks of something else"),
    "unsigned": ({}, None, GuardError, "needs a signature by leader as approver"),
    "key-of-another-role": ({}, "inspector", GuardError, "needs a signature by leader as approver"),
    "key-of-a-stranger": ({}, "stranger", GuardError, "needs a signature by leader as approver"),
    "name-of-another": ({"by": "inspector"}, "leader", GuardError, "needs a signature by inspector as approver"),
    "before-the-case": ({"at": "2018-02-01T09:00:00+08:00"}, "leader", GuardError, "E501 is before e1"),
    "key-expired": ({"at": "2019-02-01T09:00:00+08:00"}, "leader", GuardError, "by a key valid on 2019-02-01"),
    "no-such-step": ({"transition": "close"}, "leader", UsageError, "steps from there: grant, refuse, withdraw"),
    "not-from-here": ({"transition": "revoke"}, "leader", UsageError, "exemption-r1 is requested; steps from"),
    "nobody": ({"by": " "}, "leader", UsageError, "by: String should have at least 1 character"),
    "no-zone": ({"at": "2018-03-02T09:00:00"}, "leader", UsageError, "at: expected a time with its zone"),
    "no-bound": (
        {"decision": {**DECISION, "upper": float("nan")}},
        "leader",
        UsageError,
        "upper: Input should be a fin",
    ),
    "endless": (
        {"decision": {**DECISION, "upper": float("inf")}},
        "leader",
        UsageError,
        "upper: Input should be a fini",
    ),
    "no-expiry": ({"decision": {**DECISION, "expires_on": None}}, "leader", UsageError, "expires_on: expected a date"),
}


@pytest.mark.parametrize(("fields", "key", "error", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_step_changes_nothing(
    folder: Path, signing_key: Keys, fields: Mapping[str, Any], key: str | None, error: type[EgovError], words: str
) -> None:
    """A step that is not allowed, or holds what no step can, is refused in words; the folder stays byte for byte."""
    open_case(folder, head("exemption"), OPENING)
    before = contents(folder)

    with pytest.raises(error) as caught:
        advance(folder, "exemption-r1", step("exemption", "grant", 2, **fields), signing_key(key) if key else None)

    assert words in str(caught.value)
    assert before == contents(folder)


def test_a_key_that_is_not_there_is_said(folder: Path, tmp_path: Path) -> None:
    """A missing key file is named, and how to make one."""
    open_case(folder, head("exemption"), OPENING)

    with pytest.raises(UsageError, match=r"no signing key at .*nowhere; make one with: ssh-keygen"):
        advance(folder, "exemption-r1", step("exemption", "grant", 2), tmp_path / "nowhere")


class Interrupted(BaseException):
    """What a signal does to a program, wherever it stands."""


@pytest.mark.parametrize("place", ["read_case", "sign", "_entry"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_step_changes_nothing(
    folder: Path, signing_key: Keys, monkeypatch: pytest.MonkeyPatch, place: str, when: str
) -> None:
    """Wherever a step is interrupted, the folder is as before, and the step can be taken again."""
    open_case(folder, head("exemption"), OPENING)
    before = contents(folder)
    real: Callable[..., Any] = getattr(store, place)

    def interrupted(*arguments: Any) -> None:  # noqa: ANN401 - whatever the function takes
        if when == "after":
            real(*arguments)
        raise Interrupted

    monkeypatch.setattr(store, place, interrupted)
    with pytest.raises(Interrupted):
        advance(folder, "exemption-r1", step("exemption", "grant", 2), signing_key("leader"))
    left = contents(folder)
    monkeypatch.undo()
    case = advance(folder, "exemption-r1", step("exemption", "grant", 2), signing_key("leader"))

    assert before == left
    assert case.state == "granted"


@pytest.mark.parametrize("place", ["write_text", "rename"])
def test_a_disk_that_fails_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """A full or failing disk leaves the case as it was: the new file takes the old one's place only when whole."""
    open_case(folder, head("exemption"), OPENING)
    before = contents(folder)

    def fails(*_arguments: Any, **_options: Any) -> None:  # noqa: ANN401 - as Path's own
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, place, fails)
    with pytest.raises(OSError, match="No space left"):
        advance(folder, "exemption-r1", step("exemption", "withdraw", 2), None)
    monkeypatch.undo()

    assert before == contents(folder)


def test_a_case_is_opened_once(folder: Path) -> None:
    """A second case of the same id is refused and the first one stays; a wrong id or kind is said in words."""
    open_case(folder, head("exemption"), OPENING)
    before = contents(folder)

    with pytest.raises(GuardError, match="exists; a case is opened once"):
        open_case(folder, head("exemption"), OPENING)
    with pytest.raises(UsageError, match="no kind of case exemtion; did you mean exemption"):
        open_case(folder, head("exemption") | {"kind": "exemtion"}, OPENING)
    with pytest.raises(UsageError, match="id: String should match pattern"):
        open_case(folder, head("exemption") | {"id": "../x"}, OPENING)
    with pytest.raises(UsageError, match="no case exemption-r2; did you mean exemption-r1"):
        advance(folder, "exemption-r2", step("exemption", "withdraw", 2), None)

    assert before == contents(folder)


def test_a_broken_file_is_not_built_on(folder: Path, signing_key: Keys) -> None:
    """A case whose file somebody changed takes no further step; every problem of it is named."""
    path = write_case(folder, "exemption", [("open", {}), ("grant", {})], signing_key)
    path.write_text(path.read_text("utf-8").replace('"upper": 25.0', '"upper": 95.0'), encoding="utf-8")
    before = contents(folder)

    with pytest.raises(DescriptionError, match="E503 grant needs a signature by leader as approver"):
        advance(folder, "exemption-r1", step("exemption", "revoke", 3), signing_key("leader"))

    assert before == contents(folder)


# What is decided, on which day it is asked about, and what the audit then says of a room of 25 m² under a cap of 20.
DECIDED = {
    "covers": ({}, date(2018, 3, 2), "exempt"),
    "on-its-last-day": ({}, date(2020, 12, 31), "exempt"),
    "the-day-before": ({}, date(2018, 3, 1), "violation"),
    "expired": ({}, date(2021, 1, 1), "violation"),
    "room-is-larger": ({"upper": 24.99}, date(2018, 3, 2), "violation"),
    "no-upper-value": ({"upper": None}, date(2018, 3, 2), "violation"),
}


@pytest.mark.parametrize(("terms", "day", "verdict"), DECIDED.values(), ids=DECIDED)
def test_a_decision_exempts_no_more_than_it_says(
    folder: Path, signing_key: Keys, terms: Mapping[str, Any], day: date, verdict: str
) -> None:
    """From the signed file to the finding: in time, up to the value it names, and nothing else."""
    write_case(folder, "exemption", [("open", {}), ("grant", {"decision": {**DECISION, **terms}})], signing_key)
    build = Build()
    build.room("r1")
    build.survey("r1", 25.0, day=date(2018, 1, 1))
    bound = law(duty("R20", binding("room-area", max_area_m2=20)))

    (finding,) = build.judged(bound, *decisions(read_cases(folder)), as_of=day).findings

    assert verdict == finding.verdict


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"upper": 25.0', '"upper": 26.0', id="more"),
        pytest.param('"expires_on": "2020-12-31"', '"expires_on": "2029-12-31"', id="longer"),
        pytest.param('by: "leader"', 'by: "inspector"', id="in-another-name"),
        pytest.param('"subject": "r1"', '"subject": "r2"', id="for-another-room"),
        pytest.param("2018-03-02T09", "2018-03-02T08", id="earlier"),
    ],
)
def test_an_altered_decision_is_no_decision(folder: Path, signing_key: Keys, old: str, new: str) -> None:
    """What was signed cannot be widened afterwards, not even together with the case's own head: nothing is exempt."""
    path = write_case(folder, "exemption", [("open", {}), ("grant", {})], signing_key)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")

    with pytest.raises(DescriptionError, match="E503 grant needs a signature"):
        read_cases(folder)


def test_a_removed_signer_decides_nothing(folder: Path, signing_key: Keys) -> None:
    """Once a key is off the list, what it signed counts no more."""
    write_case(folder, "exemption", [("open", {}), ("grant", {})], signing_key)
    path = folder / "signers.yml"
    kept = [line for line in path.read_text("utf-8").splitlines() if "leader" not in line]
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")

    with pytest.raises(DescriptionError, match="E503 grant needs a signature by leader"):
        read_cases(folder)
