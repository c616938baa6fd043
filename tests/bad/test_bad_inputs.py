"""A folder per mistake: a small input, and the exact answer of `egov validate inventory` (or of the `command` in it).

`# wrong: TEXT` at the end of an input's line says what is wrong there: the position must fall on TEXT.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from egov.city import Code

CASES = sorted(path for path in Path(__file__).parent.iterdir() if (path / "expected.txt").is_file())
# Codes whose mistake has no text of its own: it is missing, unreadable or a whole file.
NOWHERE = {"E101", "E102", "E106", "E108", "E204", "E310", "E601"}

all_cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@dataclass(frozen=True)
class Told:
    """A line of an answer."""

    file: Path
    line: int
    col: int
    code: str
    message: str


def told(case: Path) -> Iterator[Told]:
    """Yield the problems of a case's expected answer."""
    for text in (case / "expected.txt").read_text(encoding="utf-8").splitlines():
        match = re.fullmatch(r"(?P<file>[^:]+):(?P<line>\d+):(?P<col>\d+): (?P<code>E\d{3}) (?P<message>.+)", text)
        if match:
            beside = case / match["file"]
            file = beside if beside.is_file() else case / "inventory" / match["file"]
            yield Told(file, int(match["line"]), int(match["col"]), match["code"], match["message"])


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@all_cases
def test_bad_input(case: Path, egov: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder's input yields exactly its expected text and exit code 2, and takes no evidence in."""
    expected = (case / "expected.txt").read_text(encoding="utf-8")
    command = case / "command"  # all but validate, whose result is the problems, tell them on stderr
    arguments = command.read_text(encoding="utf-8").split() if command.is_file() else ["validate", "inventory"]
    monkeypatch.chdir(case)

    result = egov("--evidence", tmp_path / "evidence", *arguments)

    assert (("", expected) if command.is_file() else (expected, "")) == (result.stdout, result.stderr)
    assert (2, False) == (result.exit_code, (tmp_path / "evidence").exists())


def test_every_code_has_a_bad_input() -> None:
    """No code exists without an input that is refused with it."""
    refused = {case.name[:4] for case in CASES if case.name[:4] in {problem.code for problem in told(case)}}

    assert {code.name for code in Code} == refused


@all_cases
def test_position_is_within_what_is_wrong(case: Path) -> None:
    """Line and column lead an editor's cursor to the first character of what must be changed."""
    marked = {
        (file, number): text.partition("# wrong: ")
        for file in case.rglob("*.yml")
        for number, text in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n"), 1)
        if "# wrong: " in text
    }
    places = [(problem.file, problem.line, problem.col) for problem in told(case)]
    missed = {
        f"{file.name}:{number}: {wrong}"
        for (file, number), (line, _, wrong) in marked.items()
        if not any(line.startswith(wrong, col - 1) for *at, col in places if at == [file, number])
    }

    assert set() == missed
    assert marked or case.name[:4] in NOWHERE or (case / "command").is_file()


def test_position_in_a_sheet_is_the_cell() -> None:
    """In a sheet line and column are row and column: what a message quotes stands in that cell."""
    quoted, cells = [], []
    for case in CASES:
        for problem in told(case):
            match = re.match(r"[^:]+: '(.+?)' ", problem.message)
            if match and problem.file.name == "areas.csv":
                rows = list(csv.reader(problem.file.read_text(encoding="utf-8").splitlines()))
                quoted.append(match[1])
                cells.append(rows[problem.line - 1][problem.col - 1])

    assert quoted == cells
    assert {"约20", "199平方英尺"} <= set(quoted)


def test_problems_as_json(egov: Callable[..., Any]) -> None:
    """--json holds the same problems, field by field, and no counts of an invalid city."""
    case = next(case for case in CASES if case.name.startswith("E303-address"))
    problem = next(told(case))
    message, _, hint = problem.message.rstrip(")").rpartition(" (")

    result = egov("validate", case / "inventory", "--json")

    expected = {"file": "hosts.yml", "line": problem.line, "col": problem.col, "code": "E303", "message": message}
    assert {"problems": [{**expected, "hint": hint}], "counts": {}} == json.loads(result.stdout)
    assert (2, "") == (result.exit_code, result.stderr)
