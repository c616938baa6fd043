"""What a command and all that it starts cost: CPU, wall time, peak memory; a table of such costs with their bars."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds (user and system) and peak memory as the kernel counted them for a process and its children."""

    cpu_s: float
    wall_s: float
    peak_mib: float
    output: str


# Starts the command and waits for it. A process of its own and small, because the kernel counts the memory of the
# process that starts a program as that program's peak.
_LAUNCH = """
import os, sys, time
started = time.perf_counter()
child = os.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
_, status, used = os.wait4(child, 0)
wall_s = time.perf_counter() - started
with open(sys.argv[1], "w") as figures:
    print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / 1024, file=figures)
"""


def cost(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run *command* from the repository's root, expect it to end well, and return what it cost."""
    with tempfile.NamedTemporaryFile("r") as figures:
        launch = [sys.executable, "-I", "-S", "-c", _LAUNCH, figures.name, *command]
        done = subprocess.run(
            launch, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        code, cpu_s, wall_s, peak_mib = map(float, figures.read().split())
    assert code == 0, f"{' '.join(command)}: exit {code:.0f}\n{done.stdout}{done.stderr}"
    return Cost(cpu_s, wall_s, peak_mib, done.stdout)


def least(rounds: int, *runs: Callable[[], Cost]) -> list[Cost]:
    """Return the cheapest of each of *runs*, taken in turn so that all meet the same machine.

    The cheapest, as what else the machine does only ever adds.
    """
    found = [[run() for run in runs] for _ in range(rounds)]
    return [min(costs, key=lambda one: one.cpu_s) for costs in zip(*found, strict=True)]


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure and the bound it is held to."""

    what: str
    figure: float
    unit: str
    bound: float
    at_most: bool = True

    @property
    def holds(self) -> bool:
        """Whether the figure keeps to its bound."""
        return self.figure <= self.bound if self.at_most else self.figure >= self.bound

    def __str__(self) -> str:
        word = "at most" if self.at_most else "at least"
        verdict = "holds" if self.holds else "MISSED"
        return f"  {self.what:<62} {self.figure:9.3f} {self.unit:<6} {word} {self.bound:g}: {verdict}"


def report(title: str, costs: Mapping[str, Cost], bars: Sequence[Bar]) -> None:
    """Print the costs, each in proportion to the first, and the bars; fail if one is missed."""
    first = next(iter(costs.values())).cpu_s
    busy = f"{title}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"
    lines = ["", "", busy, f"  {'':<62} {'CPU s':>9} {'wall s':>9} {'peak MiB':>9} {'ratio':>9}"]
    for what, found in costs.items():
        figures = f"{found.cpu_s:9.3f} {found.wall_s:9.3f} {found.peak_mib:9.0f} {first / found.cpu_s:9.1f}"
        lines.append(f"  {what:<62} {figures}")
    print("\n".join([*lines, *map(str, bars)]))  # noqa: T201 - a bench's result is what it prints
    assert [] == [bar.what for bar in bars if not bar.holds]
