"""Same city, evidence and day: the same bytes in every form, whoever makes them, where and when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sample import AS_OF, CITY, copied

FILES = [
    "audit.en.csv",
    "audit.en.html",
    "audit.en.xlsx",
    "audit.json",
    "audit.zh.csv",
    "audit.zh.html",
    "audit.zh.xlsx",
]
CODE = "from egov.cli import main; main()"


def run(folder: Path, evidence: Path, seed: str, *arguments: str, **environment: str) -> tuple[int, bytes]:
    """Run egov in a process and folder of its own, with a hash seed; return its exit code and what it printed."""
    words = ("--city", str(CITY), "--as-of", str(AS_OF), "--description-of-today", "--evidence", str(evidence))
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments, *words],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": seed, **environment},
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.returncode, done.stdout


def test_two_reports_are_alike_to_the_byte(tmp_path: Path, evidence: Path) -> None:
    """Another process, hash seed, time zone, terminal and place of the evidence change no byte of a report."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    elsewhere = copied(evidence, there / "copy")
    odd = {"TZ": "Pacific/Kiritimati", "COLUMNS": "40", "LC_ALL": "C", "XDG_CACHE_HOME": str(there / "cache")}

    first = run(here, evidence, "1", "report", "--to", "out")
    second = run(there, elsewhere, "2", "report", "--to", "out", **odd)

    assert (1, 1) == (first[0], second[0])
    assert FILES == sorted(path.name for path in (here / "out").iterdir())
    assert FILES == sorted(line.removeprefix("out/") for line in first[1].decode().splitlines())
    for name in FILES:
        made = (here / "out" / name).read_bytes()

        assert made == (there / "out" / name).read_bytes(), name
        assert str(tmp_path).encode() not in made, name


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_what_is_printed_is_alike_to_the_byte(tmp_path: Path, evidence: Path, form: str) -> None:
    """What `egov audit` prints depends on the terminal's width and on nothing else of the machine."""
    odd = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "COLUMNS": "80"}

    first = run(tmp_path, evidence, "1", "audit", "--format", form, COLUMNS="80")
    second = run(CITY, evidence, "2", "audit", "--format", form, **odd)

    assert first[1]
    assert first == second
