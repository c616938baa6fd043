"""The journal of one run of a procedure: what was to be done, then intent before and result after each command.

Each line is on disk before anything goes on. The first line is the procedure as it was begun, so that a run resumes
and walks back by the steps it started with, whatever the files say by then.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from egov.errors import EvidenceError, GuardError
from egov.procedures.model import Procedure

Phase = Literal["do", "verify", "undo"]

_PROCEDURE = TypeAdapter(Procedure)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `code` is None for an intent, the command's exit code for a result."""

    at: str
    step: str
    phase: Phase
    code: int | None = None
    seconds: float | None = None


class Journal:
    """An append-only file; every write is synchronised."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self._now = now

    def begin(self, procedure: Procedure) -> None:
        """Write the journal's first line, whole or not at all; GuardError if the run exists."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=self.path.parent, prefix=".new-") as file:
            file.write(_PROCEDURE.dump_json(procedure) + b"\n")
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(file.name, self.path)
            except FileExistsError:
                message = f"run {self.path.stem} exists; a run is begun once"
                raise GuardError(message) from None
        _synchronise(self.path.parent)

    @contextmanager
    def held(self) -> Iterator[int]:
        """Keep every other runner away from the run; GuardError if one is at work.

        Yields the lock's file descriptor. Commands inherit it: one that outlives its runner still holds the run.
        """
        with self.path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"run {self.path.stem} is at work: another egov runs it, or a command that one began"
                raise GuardError(message) from None
            yield file.fileno()

    def procedure(self) -> Procedure:
        """Return the procedure as the run began it; EvidenceError if the journal does not begin with one."""
        with self.path.open("rb") as file:
            first = file.readline()
        try:
            return _PROCEDURE.validate_json(first)
        except ValidationError:
            message = f"{self.path}:1: not a procedure"
            raise EvidenceError(message) from None

    def entries(self) -> list[Entry]:
        """Return all entries; a torn last line (power loss while writing) counts as not written."""
        lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        found = []
        for number, line in enumerate(lines[1:-1], 2):
            try:
                found.append(Entry(**json.loads(line)))
            except (ValueError, TypeError) as error:
                message = f"{self.path}:{number}: not a journal line: {error}"
                raise EvidenceError(message) from None
        return found

    def write(self, step: str, phase: Phase, code: int | None = None, seconds: float | None = None) -> None:
        """Append one entry in place of a torn one, and wait until it is on disk."""
        entry = Entry(self._now().isoformat(), step, phase, code, seconds)
        with self.path.open("r+b") as file:
            file.seek(file.read().rfind(b"\n") + 1)
            file.truncate()
            file.write(json.dumps(asdict(entry)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _synchronise(folder: Path) -> None:
    """Wait until the folder's list of files is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
