"""The one step runner: journals, verifies, resumes after a crash, walks back on failure.

A run ends *done* or *undone*. Once a step marked as the point of no return is begun there is only forward: if it
fails there, the run is *stuck* until a person has repaired what failed and resumes it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from egov.errors import GuardError
from egov.procedures.journal import Journal, Phase
from egov.procedures.model import Step

Execute = Callable[[tuple[str, ...], int], int]
"""Runs a command with a time limit in seconds and returns its exit code."""

Codes = Mapping[tuple[str, Phase], int | None]
"""(step, phase) → the newest result, None while its end is not known; no key: never begun."""


class Outcome(Enum):
    """How a run stands."""

    DONE = "done"
    UNDONE = "undone"
    STUCK = "stuck"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended; `step` is where it failed, `reason` why."""

    outcome: Outcome
    step: str | None = None
    reason: str = ""


class Runner:
    """Runs what a journal began. Calling `run` again after a crash goes on where it stopped."""

    def __init__(
        self,
        journal: Journal,
        execute: Execute,
        say: Callable[[str], None] = lambda _text: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._steps = journal.procedure().steps
        self._journal = journal
        self._execute = execute
        self._say = say
        self._sleep = sleep

    def run(self) -> Result:
        """Go forward through all steps not yet done; walk back if one fails, unless that is no longer possible.

        After a crash, a command whose end is not known is run again (a playbook changes nothing the second time) and a
        step that failed is walked back from. The last step that was done is proved anew, or done again if it has no
        proof: a host may have undone it by itself in the meantime (commit-confirm), and the next step stands on it.
        """
        before = self._codes()
        if any(phase == "undo" for _, phase in before):
            return self.walk_back("a walk back was interrupted and goes on")
        if self.outcome() is Outcome.DONE:
            return Result(Outcome.DONE)
        failed = [step.id for step in self._steps if before.get((step.id, "do")) or before.get((step.id, "verify"))]
        if failed and not self._past_return(before):
            return self.walk_back(f"step {failed[-1]} failed")
        proved = [step for step in self._steps if before.get((step.id, "verify")) == 0]
        for step in self._steps:
            if step not in proved[:-1] and not self._forward(step, before):
                return self.walk_back(f"step {step.id} failed")
        return Result(Outcome.DONE)

    def walk_back(self, reason: str = "asked to") -> Result:
        """Undo every step that was begun, last first; stuck if a point of no return was begun or an undo fails."""
        codes = self._codes()
        begun = [step for step in self._steps if (step.id, "do") in codes]
        failed = begun[-1].id if begun else None
        if self._past_return(codes):
            return Result(Outcome.STUCK, failed, f"{reason}; no way back from here: repair it, then resume")
        for step in reversed(begun):
            if codes.get((step.id, "undo")) != 0 and self._call(step, "undo") != 0:
                return Result(Outcome.STUCK, step.id, f"{reason}; undo of {step.id} failed")
        return Result(Outcome.UNDONE, failed, reason)

    def undo(self) -> Result:
        """Walk back a run on request; GuardError if that is not, or no longer, possible."""
        result = self.walk_back()
        if result.outcome is Outcome.STUCK:
            raise GuardError(result.reason)
        return result

    def outcome(self) -> Outcome:
        """Return how the run stands by its journal alone: done, undone, or open (to be resumed or undone)."""
        codes = self._codes()
        undone = [codes.get((step.id, "undo")) == 0 for step in self._steps if (step.id, "do") in codes]
        if any(phase == "undo" for _, phase in codes):
            return Outcome.UNDONE if all(undone) else Outcome.OPEN
        done = all(codes.get((step.id, "verify")) == 0 for step in self._steps)
        return Outcome.DONE if done else Outcome.OPEN

    def _forward(self, step: Step, before: Codes) -> bool:
        """Bring one step to its end from where the journal *before* this run left it; say whether it is done."""
        did, proved = before.get((step.id, "do")), before.get((step.id, "verify"))
        again = did != 0 or bool(proved) or step.verify is None
        if again:
            if self._call(step, "do") != 0:
                return False
            self._sleep(step.hold_seconds)
        return self._call(step, "verify") == 0

    def _past_return(self, codes: Codes) -> bool:
        return any(step.point_of_no_return and (step.id, "do") in codes for step in self._steps)

    def _codes(self) -> Codes:
        return {(entry.step, entry.phase): entry.code for entry in self._journal.entries()}

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
