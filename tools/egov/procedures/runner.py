"""The one step runner: journals, verifies, resumes after a crash, walks back on failure.

A run ends *done* or *undone*, never between; past a point of no return it can only be resumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from egov.errors import GuardError
from egov.procedures.journal import Journal, Phase
from egov.procedures.model import Procedure, Step

Execute = Callable[[tuple[str, ...], int], int]
"""Runs a command with a time limit in seconds and returns its exit code."""


class Outcome(Enum):
    """How a run stands."""

    DONE = "done"
    UNDONE = "undone"
    STUCK = "stuck"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended; `step` is where it failed, `reason` why."""

    outcome: Outcome
    step: str | None = None
    reason: str = ""


class Runner:
    """Runs one procedure against one journal. Calling `run` again after a crash goes on where it stopped."""

    def __init__(
        self, procedure: Procedure, journal: Journal, execute: Execute, say: Callable[[str], None] = lambda _text: None
    ) -> None:
        self._procedure = procedure
        self._journal = journal
        self._execute = execute
        self._say = say

    def run(self) -> Result:
        """Go forward through all steps not yet verified; walk back if one fails, unless that is no longer possible."""
        if self._begun("undo"):
            return self.walk_back("a walk back was interrupted and goes on")
        for step in self._procedure.steps:
            if step.id in self._verified():
                continue
            if step.id in self._begun("do") and self._ok(step, "verify"):
                continue  # it was done before the crash, only its result was not written
            if self._call(step, "do") != 0 or not self._ok(step, "verify"):
                return self.walk_back(f"step {step.id} failed")
        return Result(Outcome.DONE)

    def walk_back(self, reason: str = "asked to") -> Result:
        """Undo every step that was begun, last first; stuck if a point of no return was passed or an undo fails."""
        begun = [step for step in self._procedure.steps if step.id in self._begun("do")]
        failed = begun[-1].id if begun else None
        if any(step.point_of_no_return and step.id in self._verified() for step in begun):
            self._say(f"{reason}; past the point of no return: repair and resume")
            return Result(Outcome.STUCK, failed, f"{reason}; past the point of no return")
        undone = {e.step for e in self._journal.entries() if e.phase == "undo" and e.code == 0}
        for step in reversed(begun):
            if step.id not in undone and step.undo is not None and self._call(step, "undo") != 0:
                return Result(Outcome.STUCK, step.id, f"{reason}; undo of {step.id} failed")
        return Result(Outcome.UNDONE, failed, reason)

    def undo(self) -> Result:
        """Walk back a run on request; GuardError if a point of no return was passed."""
        result = self.walk_back()
        if result.outcome is Outcome.STUCK:
            raise GuardError(result.reason)
        return result

    def outcome(self) -> Outcome:
        """Return how the run stands by its journal alone."""
        entries = self._journal.entries()
        if any(entry.phase == "undo" for entry in entries):
            undone = {e.step for e in entries if e.phase == "undo" and e.code == 0}
            begun = {s.id for s in self._procedure.steps if s.undo and s.id in self._begun("do")}
            return Outcome.UNDONE if begun <= undone else Outcome.STUCK
        return Outcome.DONE if {s.id for s in self._procedure.steps} <= self._verified() else Outcome.RUNNING

    def _begun(self, phase: Phase) -> set[str]:
        return {entry.step for entry in self._journal.entries() if entry.phase == phase}

    def _verified(self) -> set[str]:
        return {entry.step for entry in self._journal.entries() if entry.phase == "verify" and entry.code == 0}

    def _ok(self, step: Step, phase: Phase) -> bool:
        return self._call(step, phase) == 0

    def _call(self, step: Step, phase: Phase) -> int:
        """Journal the intent, run the command of a phase (none counts as success), journal the result."""
        command: tuple[str, ...] | None = getattr(step, phase)
        limit = step.undo_seconds or step.timeout_seconds if phase == "undo" else step.timeout_seconds
        self._journal.write(step.id, phase)
        started = time.monotonic()
        if command:
            self._say(f"{step.id} {phase}: {' '.join(command)}")
        code = self._execute(command, limit) if command else 0
        self._journal.write(step.id, phase, code, round(time.monotonic() - started, 3))
        return code
