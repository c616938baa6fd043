"""What a command ends with: 0 done, 1 a concern, 2 usage or description, 3 undetermined, 4 refused by a guard."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from town import founded, measured

Egov = Callable[..., Any]
CODE = "from egov.cli import main; main()"


@pytest.fixture
def city(tmp_path: Path, egov: Egov, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a small city, which commands find without being told."""
    folder = founded(tmp_path, egov)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EGOV_CITY", raising=False)
    return folder


@pytest.mark.parametrize(
    ("area_m2", "exit_code"),
    [
        pytest.param(20.0, 0, id="passes"),
        pytest.param(20.01, 1, id="concern"),
        pytest.param(None, 3, id="not-measured"),
    ],
)
def test_an_audit_ends_with_what_it_found(city: Path, egov: Egov, area_m2: float | None, exit_code: int) -> None:
    """0 if all named checks pass, 1 with a concern, 3 if only something is not known; a report ends likewise."""
    if area_m2 is not None:
        measured(city, egov, area_m2)

    assert exit_code == egov("audit", "room-area").exit_code


def test_a_concern_counts_more_than_an_open_question(city: Path, egov: Egov) -> None:
    """With both a concern and something undetermined the audit ends with 1, and so does the report."""
    measured(city, egov, 30)

    assert egov("audit", "room-area", "room-contents").exit_code == 1
    assert egov("report", "--to", city.parent / "out").exit_code == 1


@pytest.mark.usefixtures("city")
def test_only_what_is_named_counts(egov: Egov) -> None:
    """An audit ends with what was asked about, whatever else is open."""
    assert egov("audit", "room-count").exit_code == 0
    assert egov("audit", "room-contents").exit_code == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(("audit", "room-aera"), "no check, duty or subject room-aera; did you mean room-area?", id="name"),
        pytest.param(("audit", "--as-of", "2018-13-01"), "'2018-13-01' is not a date as 2018-12-31", id="date"),
        pytest.param(("audit", "--as-of", "2017-01-01"), "not under version control", id="past-day"),
        pytest.param(("audit", "--lang", "fr"), "'fr' is not one of 'zh', 'en'", id="language"),
        pytest.param(("show", "rooms", "--format", "csv"), "no form csv here; there are table, json", id="form"),
        pytest.param(("show", "rooms", "--city", "nowhere"), "nowhere is not a folder", id="city"),
        pytest.param(("show", "rooms", "--output", "/proc/x/y"), "cannot write /proc/x/y:", id="output"),
        pytest.param(("report", "--to", "/proc/x"), "cannot write /proc/x/audit.", id="report-output"),
        pytest.param(("frobnicate",), "No such command 'frobnicate'", id="command"),
        pytest.param(("show",), "Missing argument 'ID|KIND|DUTY|OBJECT'", id="argument"),
        pytest.param(("collect", "survey", "x.csv"), "x.csv.yml", id="sheet"),
        pytest.param(("facts", "seal", "--key", "nokey"), "nothing to seal", id="nothing-to-seal"),
        pytest.param(("case", "show", "x"), "no case x", id="case"),
        pytest.param(
            ("case", "open", "exemption", "room-area", "room-financ", "--by", "a"), "room-finance?", id="subject"
        ),
        pytest.param(("diff", "--", "--output=x"), "git has no inventory/mycity at --output=x", id="revision"),
    ],
)
@pytest.mark.usefixtures("city")
def test_what_cannot_be_done_is_said(egov: Egov, words: tuple[str, ...], message: str) -> None:
    """A wrong word on the command line is exit 2: what is wrong, on stderr, without a traceback; stdout stays empty."""
    result = egov(*words)

    assert (2, "") == (result.exit_code, result.stdout)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_an_invalid_description_is_2_for_every_command(city: Path, egov: Egov) -> None:
    """All problems with their place on stderr for commands that need the description; on stdout for `validate`."""
    text = (city / "city.yml").read_text("utf-8")
    (city / "city.yml").write_text(text.replace("site: hall, departments", "site: hal, departments"), encoding="utf-8")
    for words in (
        ("audit",),
        ("show", "rooms"),
        ("report",),
        ("render", "ansible"),
        ("case", "open", "a", "b", "c", "--by", "d"),
    ):
        result = egov(*words)

        assert (2, "") == (result.exit_code, result.stdout), words
        assert "city.yml:34:" in result.stderr
        assert "E302" in result.stderr
    validated = egov("validate")

    assert (2, "") == (validated.exit_code, validated.stderr)
    assert "E302" in validated.stdout


def test_a_guard_refuses_with_4(city: Path, egov: Egov) -> None:
    """What a guard refuses is exit 4: a second case of one id, a step without its document."""
    words = ("case", "open", "exemption", "room-area", "room-finance", "--id", "one", "--by", "市财政局")
    first, second = egov(*words), egov(*words)
    step = egov("case", "step", "one", "refuse", "--by", "leader")

    assert (0, f"{city.parent / 'mycity' / 'cases' / 'one.yml'}\n") == (
        first.exit_code,
        str(Path(first.stdout).resolve()),
    )
    assert (4, "") == (second.exit_code, second.stdout)
    assert (4, "") == (step.exit_code, step.stdout)
    assert "E502 refuse needs 1 document(s)" in step.stderr


@pytest.mark.usefixtures("city")
def test_a_reader_that_closes_early_is_no_error() -> None:
    """`egov … | head -1` ends quietly."""
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'"{sys.executable}" -c "{CODE}" show R13 --format json | head -c 1'],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ("{", "") == (done.stdout, done.stderr)


@pytest.mark.usefixtures("city")
def test_a_workbook_is_not_printed_on_a_terminal() -> None:
    """Bytes for a spreadsheet do not go to a screen: exit 2, and how to write a file instead."""
    terminal, screen = pty.openpty()
    words = [sys.executable, "-c", CODE, "audit", "room-count", "--format", "xlsx"]

    done = subprocess.run(words, stdout=screen, stderr=subprocess.PIPE, text=True, check=False)
    os.close(screen)
    os.close(terminal)

    assert done.returncode == 2
    assert "xlsx is not for a terminal; name a file with --output" in done.stderr
