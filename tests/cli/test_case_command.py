"""`egov case`: from a concern to its closing on evidence and signature, and an exemption that an audit believes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from casefile import write_case
from town import founded, measured

from egov.cases import read_cases
from egov.cli import case as command

Egov = Callable[..., Any]
Keys = Callable[[str], Path]
NAME = "rectification-room-finance"


@pytest.fixture
def city(tmp_path: Path, egov: Egov, monkeypatch: pytest.MonkeyPatch, signing_key: Keys) -> Path:
    """Return a city whose one department room measures 25 m², with an auditor and an approver who may sign."""
    folder = founded(tmp_path, egov)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EGOV_CITY", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    lines = ["signers:"]
    for name, role in (("leader", "approver"), ("inspector", "auditor")):
        public = " ".join(signing_key(name).with_suffix(".pub").read_text("utf-8").split()[:2])
        lines.append(f"  - {{id: {name}, name: {name}, roles: [{role}], valid_from: 2018-01-01, key: {public}}}")
    (folder / "signers.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    measured(folder, egov, 25)
    return folder


@pytest.fixture
def rectifying(city: Path, egov: Egov) -> Path:
    """Return the city with a case about its room that waits for being put right."""
    opened = egov("case", "open", "rectification", "room-area", "room-finance", "--id", NAME, "--by", "inspector")
    assert opened.exit_code == 0
    steps = (
        ("consult", "inspector", "函1"), ("answer", "财政局", "函2"), ("verify", "inspector", None),
        ("rectify", "inspector", "函3"),
    )  # fmt: skip
    for step, by, document in steps:
        words = ("case", "step", NAME, step, "--by", by, *(("--document", document) if document else ()))
        assert egov(*words).exit_code == 0, step
    return city


def close(egov: Egov, key: Path) -> Any:  # noqa: ANN401 - what the command left
    """Try to close the case with a key."""
    return egov("case", "step", NAME, "close", "--by", "inspector", "--key", key)


def test_a_list_closes_on_evidence_and_signature(rectifying: Path, egov: Egov, signing_key: Keys) -> None:
    """While the room is too large the case stays open, whoever signs; measured anew it closes, and says on what."""
    too_early = close(egov, signing_key("inspector"))
    measured(rectifying, egov, 19.8)
    unsigned = egov("case", "step", NAME, "close", "--by", "inspector")
    by_another = close(egov, signing_key("leader"))
    closed = close(egov, signing_key("inspector"))

    (case,) = read_cases(rectifying).values()
    evidence = json.loads(egov("audit", "room-area", "--format", "json").stdout)["provenance"]["evidence"]
    assert (4, "E502 close needs a finding pass or exempt, got violation" in too_early.stderr) == (
        too_early.exit_code,
        True,
    )
    assert (4, 4) == (unsigned.exit_code, by_another.exit_code)
    assert "E503 close needs a signature by inspector as auditor" in by_another.stderr
    assert (0, f"{NAME}: closed\n") == (closed.exit_code, closed.stdout)
    assert ("closed", "pass", evidence) == (case.state, case.events[-1].finding, case.events[-1].evidence)


def test_an_open_case_stands_beside_its_finding(rectifying: Path, egov: Egov) -> None:
    """An audit names the open case with the concern, and the list says since when and until when."""
    listed = json.loads(egov("case", "list", "--format", "json").stdout)
    shown = egov("case", "show", NAME, "--lang", "zh").stdout
    (finding,) = json.loads(egov("audit", "room-area", "--format", "json").stdout)["findings"]

    assert NAME == finding["case"]
    assert [(NAME, "room-area", "room-finance")] == [(c["id"], c["check"], c["subject"]) for c in listed]
    assert "下达整改  inspector  函3" in shown
    assert rectifying.name in str(rectifying)


def test_a_signed_exemption_is_believed(city: Path, egov: Egov, signing_key: Keys) -> None:
    """Granted with a key the audit calls the room exempt; too small an upper value, and it stays a concern."""
    terms = ("--decision", "文1", "--ground", "安全", "--expires", "2100-12-31", "--document", "文1", "--by", "leader")
    for name, upper in (("small", "24.9"), ("enough", "25")):
        egov("case", "open", "exemption", "room-area", "room-finance", "--id", name, "--by", "财政局")
        before = egov("audit", "room-area").exit_code
        granted = egov("case", "step", name, "grant", *terms, "--upper", upper, "--key", signing_key("leader"))

        assert (1, 0, f"{name}: granted\n") == (before, granted.exit_code, granted.stdout)
        assert egov("audit", "room-area").exit_code == (1 if name == "small" else 0)

    assert {"small", "enough"} == read_cases(city).keys()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("--decision", "文1"), "a decision needs its --ground and the last day it holds", id="no-terms"),
        pytest.param(("--upper", "much"), "'much' is not a valid float", id="upper-no-number"),
        pytest.param(
            ("--decision", "文", "--ground", "x", "--expires", "2100-01-01", "--upper", "nan"),
            "decision.upper: Input should be a finite number",
            id="upper-not-a-number",
        ),
        pytest.param(("--key", "nowhere"), "no signing key at nowhere", id="no-key"),
        pytest.param(("--document", ""), "documents.1: String should have at least 1 character", id="no-document"),
    ],
)
def test_terms_that_cannot_be_are_said(city: Path, egov: Egov, words: tuple[str, ...], message: str) -> None:
    """A mistyped decision is exit 2 in words, and the case stays as it was."""
    egov("case", "open", "exemption", "room-area", "room-finance", "--id", "one", "--by", "财政局")
    before = (city / "cases" / "one.yml").read_bytes()

    result = egov("case", "step", "one", "grant", "--by", "leader", "--document", "文1", *words)

    assert (2, "") == (result.exit_code, result.stdout)
    assert message in result.stderr
    assert before == (city / "cases" / "one.yml").read_bytes()


def test_a_step_is_dated_in_the_city(city: Path, egov: Egov) -> None:
    """The day of a step is the day where the city is, whatever clock the operator's machine shows."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    egov("case", "open", "exemption", "room-area", "room-finance", "--id", "one", "--by", "财政局")

    (case,) = read_cases(city).values()

    at = case.events[0].at
    assert before <= at <= datetime.now(UTC)
    assert at.utcoffset() == datetime.now(ZoneInfo("Asia/Shanghai")).utcoffset() == timedelta(hours=8)


def test_a_due_day_beyond_the_calendar_is_said(rectifying: Path, egov: Egov, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a year whose holidays nobody announced the day is undetermined: exit 3, the file to write, the list whole."""
    path = rectifying / "cases" / f"{NAME}.yml"
    path.unlink()
    monkeypatch.setattr(command, "now_in", lambda _city: datetime(2060, 12, 20, 9, tzinfo=ZoneInfo("Asia/Shanghai")))
    egov("case", "open", "rectification", "room-area", "room-finance", "--id", "far", "--by", "inspector")
    egov("case", "open", "exemption", "room-area", "room-finance", "--id", "near", "--by", "财政局")

    result = egov("case", "list", "--lang", "en")
    off = {"name": "元旦", "date": "2060-01-01", "isOffDay": True}
    notice = {"year": 2060, "papers": ["国办发明电〔2059〕1号"], "days": [off]}
    (rectifying / "calendar" / "2060.json").write_text(json.dumps(notice), encoding="utf-8")
    known = egov("case", "list", "--format", "json")

    assert result.exit_code == 3
    assert "no legal working days are known for 2060" in result.stderr
    assert "calendar/2060.json" in result.stderr
    assert ["far", "near"] == [line.split()[0] for line in result.stdout.splitlines()[1:]]
    assert (0, [str(date(2060, 12, 27)), ""]) == (known.exit_code, [case["due"] for case in json.loads(known.stdout)])


def test_nobody_called_is_no_finding_where_nobody_looked(city: Path, egov: Egov, signing_key: Keys) -> None:
    """Without a device in front and without logs a system's silence says nothing: the step is refused, and says why."""
    about = {"check": "zombie", "subject_kind": "systems", "subject": "finance-budget", "department": "finance"}
    steps = [(step, {}) for step in ("open", "notify", "quarantine")]
    path = write_case(city, "retirement", steps, signing_key, "retirement-r1", about)
    before = path.read_bytes()
    words = ("--by", "leader", "--document", "函1", "--key", signing_key("leader"))

    looked = egov("case", "watch")
    decided = egov("case", "step", "retirement-r1", "decide", *words)

    assert (0, "") == (looked.exit_code, looked.stderr)
    assert "2018-05-04: -; 0 working days watched by access logs; last by access logs, -" in looked.stdout
    assert (4, before) == (decided.exit_code, path.read_bytes())
    assert "on 0 working days of the 20 needed; during quarantine, every day: take its access logs in" in decided.stderr
