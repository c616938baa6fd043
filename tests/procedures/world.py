"""A world that procedures act on in memory, and a journal and commands that break off wherever they are told to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from egov.procedures import Journal, Procedure, Result, Runner, Step
from egov.procedures.journal import Phase
from egov.procedures.model import Head

NOON = datetime(2018, 12, 31, 12, tzinfo=UTC)


class Crash(BaseException):
    """The controller loses power."""


def step(name: str, *, verify: bool = True, undo: bool = True, last: bool = False) -> Step:
    """Return a step whose commands name what they do: `do a`, `verify a`, `undo a`."""
    commands = {phase: ("egov", phase, name) for phase, there in (("verify", verify), ("undo", undo)) if there}
    return Step(id=name, title=name, do=("egov", "do", name), point_of_no_return=last, **commands)  # type: ignore[arg-type]


def procedure(*steps: Step) -> Procedure:
    """Return a procedure of these steps."""
    return Procedure(Head(id="p", title_zh="试", title_en="try"), steps)


@dataclass
class World:
    """Which steps hold, and what was called. A step may only be done on the one before it, undone before that one."""

    steps: tuple[Step, ...]
    holds: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fails: set[str] = field(default_factory=set)

    def execute(self, words: tuple[str, ...], _seconds: int) -> int:
        """Act as a playbook does: the second time changes nothing; a failing command has half changed something."""
        _, phase, name = words
        names = [step.id for step in self.steps]
        self.calls.append(f"{phase} {name}")
        if phase == "verify":
            return int(name not in self.holds or f"{phase} {name}" in self.fails)
        if phase == "do" and name not in self.holds:
            assert self.holds == names[: names.index(name)], f"do {name} on {self.holds}"
            self.holds.append(name)
        if phase == "undo" and name in self.holds and f"undo {name}" not in self.fails:
            assert self.holds[-1] == name, f"undo {name} of {self.holds}"
            self.holds.remove(name)
        return int(f"{phase} {name}" in self.fails)


@dataclass
class Power:
    """Breaks off at one point of a run: before it, after it, or with half a line written.

    `at` counts all that happens from 1, or names it: `intent do a`, `call do a`, `result do a`.
    """

    at: int | str
    how: str
    passed: int = 0
    now: str = ""

    def goes_on(self, what: str) -> None:
        """Come to the next point."""
        self.passed += 1
        self.now = what

    def out(self, how: str) -> bool:
        """Say whether the power goes now."""
        return how == self.how and self.at in {self.passed, self.now}


class FrailJournal(Journal):
    """A journal that loses power."""

    def __init__(self, path: Path, power: Power) -> None:
        super().__init__(path, lambda: NOON)
        self._power = power

    def write(self, step: str, phase: Phase, code: int | None = None, seconds: float | None = None) -> None:
        """Write an entry, or not, or half of it."""
        self._power.goes_on(f"{'intent' if code is None else 'result'} {phase} {step}")
        if self._power.out("before"):
            raise Crash
        super().write(step, phase, code, seconds)
        if self._power.out("torn"):
            text = self.path.read_bytes()
            self.path.write_bytes(text[:-9])
        if self._power.out("torn") or self._power.out("after"):
            raise Crash


def run(path: Path, world: World, power: Power | None = None, asked: str = "run") -> Result | None:
    """Begin or resume a run in a world; None if the power went."""
    power = power or Power(0, "never")
    journal = FrailJournal(path, power)

    def execute(words: tuple[str, ...], seconds: int) -> int:
        power.goes_on(f"call {words[1]} {words[2]}")
        if power.out("before"):
            raise Crash
        code = world.execute(words, seconds)
        if power.out("after"):
            raise Crash
        return code

    if not path.exists():
        journal.begin(Procedure(procedure().head, world.steps))
    runner = Runner(journal, execute)
    try:
        result: Result = getattr(runner, asked)()
    except Crash:
        return None
    return result


def points(steps: Iterable[Step], fails: Iterable[str], folder: Path) -> list[tuple[int, str]]:
    """Return every point at which the power can go in an undisturbed run of these steps."""
    counted = Power(0, "never")
    run(folder / "counted.jsonl", World(tuple(steps), fails=set(fails)), counted)
    return [(n, how) for n in range(1, counted.passed + 1) for how in ("before", "after", "torn")]
