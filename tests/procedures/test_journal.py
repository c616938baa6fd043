"""The journal: what is on disk is what was written, a torn line is no line, and one runner at a time."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from world import World, procedure, run, step

from egov.errors import EvidenceError, GuardError
from egov.procedures import Entry, Journal

NOON = datetime(2018, 12, 31, 12, tzinfo=UTC)
PLAN = procedure(step("a"), step("b", verify=False, last=True))
INTENT = Entry(NOON.isoformat(), "a", "do")
RESULT = Entry(NOON.isoformat(), "a", "do", 0, 1.5)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return a journal that was begun."""
    found = Journal(tmp_path / "runs" / "one.jsonl", lambda: NOON)
    found.begin(PLAN)
    return found


def test_remembers_what_was_begun(journal: Journal) -> None:
    """A journal gives back its procedure and entries; nothing but the journal itself is left in the folder."""
    journal.write("a", "do")
    journal.write("a", "do", 0, 1.5)

    again = Journal(journal.path)

    assert (PLAN, [INTENT, RESULT]) == (again.procedure(), again.entries())
    assert ["one.jsonl"] == [path.name for path in journal.path.parent.iterdir()]


def test_every_line_is_synchronised_before_anything_goes_on(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """When `write` returns, the line has been handed to the disk."""
    synchronised: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda _descriptor: synchronised.append(len(journal.path.read_bytes())))

    journal.write("a", "do")

    assert synchronised == [len(journal.path.read_bytes())]


def test_a_torn_line_was_never_written(journal: Journal) -> None:
    """However much of the last line is on disk, it counts as not written, and the next write takes its place."""
    journal.write("a", "do")
    whole = journal.path.read_bytes()
    journal.write("a", "do", 0, 1.5)
    longer = journal.path.read_bytes()
    for length in range(len(whole), len(longer)):
        journal.path.write_bytes(longer[:length])

        assert [INTENT] == journal.entries()

        journal.write("a", "do", 0, 1.5)

        assert longer == journal.path.read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"\x00\x00\x00", id="zeros"),
        pytest.param(b"\xff\xfe", id="not-text"),
        pytest.param(b"{}", id="empty-object"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"at": "x", "step": "a", "phase": "do", "who": "?"}', id="unknown-field"),
    ],
)
def test_a_spoilt_line_is_named(journal: Journal, line: bytes) -> None:
    """A whole line that is no entry stops everything, with file and line: nothing is guessed about hosts."""
    journal.write("a", "do")
    journal.path.write_bytes(journal.path.read_bytes() + line + b"\n")

    with pytest.raises(EvidenceError, match=r"one\.jsonl:3: not a journal line"):
        journal.entries()


def test_a_journal_that_begins_with_nothing_is_named(journal: Journal) -> None:
    """A file whose first line is no procedure is no journal."""
    journal.path.write_bytes(b'{"head": {}}\n')

    with pytest.raises(EvidenceError, match=r"one\.jsonl:1: not a procedure"):
        journal.procedure()


def test_a_run_is_begun_once(journal: Journal) -> None:
    """A second run of the same name is refused and the first one's journal stays as it is."""
    journal.write("a", "do")
    before = journal.path.read_bytes()

    with pytest.raises(GuardError, match="run one exists"):
        Journal(journal.path).begin(PLAN)

    assert (before, ["one.jsonl"]) == (journal.path.read_bytes(), [path.name for path in journal.path.parent.iterdir()])


def test_one_runner_at_a_time(journal: Journal) -> None:
    """While a run is at work nobody else may resume it; afterwards they may."""
    with journal.held(), pytest.raises(GuardError, match="run one is at work"), Journal(journal.path).held():
        pass

    with Journal(journal.path).held() as lock:
        assert lock > 2


def test_a_command_that_outlives_its_runner_holds_the_run(journal: Journal) -> None:
    """A playbook still running after its egov was killed keeps the run from being resumed beside it."""
    with journal.held() as lock:
        left = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(lock,)
        )
    with left:
        with pytest.raises(GuardError, match="or a command that one began"), journal.held():
            pass

        left.communicate()

    with journal.held():
        pass


def test_resumes_by_the_steps_it_began_with(tmp_path: Path) -> None:
    """A procedure rewritten in the meantime does not change what a run that began before it does or undoes."""
    world = World((step("a"), step("b")), fails={"undo a", "do b"})
    stuck = run(tmp_path / "run.jsonl", world)
    world.fails.clear()
    rewritten = World((step("x"),), holds=world.holds, calls=world.calls)

    undone = run(tmp_path / "run.jsonl", world)

    assert stuck is not None
    assert undone is not None
    assert ("stuck", "undone") == (stuck.outcome.value, undone.outcome.value)
    assert [] == rewritten.holds
    assert "do x" not in world.calls


def test_the_lock_is_the_journals_own(journal: Journal) -> None:
    """Writing goes on under the lock, and the lock is on the file that is written."""
    with journal.held() as lock:
        journal.write("a", "do")

        assert os.fstat(lock).st_ino == journal.path.stat().st_ino
        with journal.path.open("rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
