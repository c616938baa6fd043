"""The ledger of a drill as its writer printed it, and the rows as the database gave them back. Pure parsing.

Both are text from outside: what is not exactly as the writer says it becomes a problem, and a drill with a problem in
its ledger has measured nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

ACK, REFUSED, UNKNOWN = "ack", "refused", "unknown"
_TIME = r"[0-9]{1,12}\.[0-9]{6}"
_OUTCOME = f"({ACK}|{REFUSED}|{UNKNOWN})"
_HEADER = re.compile(rf"ledger ([a-z0-9-]+) ([0-9]{{1,6}}) ([0-9]{{1,6}}) ({_TIME})")
_WRITE = re.compile(rf"w ([0-9]{{1,6}}) ([0-9]{{1,12}}) ({_TIME}) ({_TIME}) {_OUTCOME}")
_READ = re.compile(rf"r ({_TIME}) ({_TIME}) {_OUTCOME}")
_END = re.compile(rf"end ([0-9]{{1,12}}) ([0-9]{{1,12}}) ({_TIME})")
_ROW = re.compile(r"row ([0-9]{1,6}) ([0-9]{1,12}) (\S+) ([0-9]{1,18})")
_ROWS = re.compile(r"rows ([0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class Write:
    """One row that a client sent: when, when the answer was there (epoch, s), and what it was."""

    client: int
    seq: int
    sent: float
    ended: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row as the database has it; `position` grows with every insert."""

    client: int
    seq: int
    digest: str
    position: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the clients of one run were told. `reads` are the times at which an answer was there."""

    run: str = ""
    started: float = 0.0
    ended: float = 0.0
    writes: tuple[Write, ...] = ()
    reads: tuple[float, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass
class _Reading:
    run: str = ""
    clients: range = range(0)
    started: float = 0.0
    ended: float | None = None
    writes: list[Write] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    read_count: int = 0
    problems: list[str] = field(default_factory=list)


def ledger(lines: Sequence[str]) -> Ledger:
    """Return the ledger of the writer's output; whatever is wrong with it is in `problems`."""
    found = _Reading()
    header = _HEADER.fullmatch(lines[0]) if lines else None
    if header is None:
        return Ledger(problems=("the ledger does not begin with its header",))
    first, clients = int(header[2]), int(header[3])
    found.run, found.clients, found.started = header[1], range(first, first + clients), float(header[4])
    for number, line in enumerate(lines[1:], 2):
        if found.ended is not None:
            found.problems.append(f"line {number} comes after the end")
        elif end := _END.fullmatch(line):
            _close(found, int(end[1]), int(end[2]), float(end[3]))
        elif write := _WRITE.fullmatch(line):
            found.writes.append(Write(int(write[1]), int(write[2]), float(write[3]), float(write[4]), write[5]))
        elif read := _READ.fullmatch(line):
            found.read_count += 1
            found.reads += [float(read[2])] if read[3] == ACK else []
        else:
            found.problems.append(f"line {number} is none of a ledger")
    if found.ended is None:
        found.problems.append("the ledger has no end")
    found.problems += _sound(found)
    ended = found.ended if found.ended is not None else found.started
    return Ledger(
        found.run, found.started, ended, tuple(found.writes), tuple(sorted(found.reads)), tuple(found.problems)
    )


def _close(found: _Reading, writes: int, reads: int, at: float) -> None:
    found.ended = at
    if writes != len(found.writes):
        found.problems.append(f"the ledger counts {writes} writes and holds {len(found.writes)}")
    if reads != found.read_count:
        found.problems.append(f"the ledger counts {reads} reads and holds {found.read_count}")


def _sound(found: _Reading) -> Iterable[str]:
    """Yield what cannot be: times that go back, numbers that leave one out or come twice, clients that are not."""
    last: dict[int, Write] = {}
    for write in found.writes:
        name = f"write {write.client}/{write.seq}"
        before = last.get(write.client)
        if write.client not in found.clients:
            yield f"{name} is of no client of the run"
        if write.seq != (before.seq + 1 if before else 1):
            yield f"{name} comes after {before.seq if before else 'none'}"
        if not (before.ended if before else found.started) <= write.sent <= write.ended:
            yield f"{name} has times that go back"
        if found.ended is not None and write.ended > found.ended:
            yield f"{name} ends after the ledger"
        last[write.client] = write


def acknowledged_at(line: str) -> float | None:
    """Return when a line of a ledger says that a commit was acknowledged (epoch, s); None if it says nothing of it."""
    write = _WRITE.fullmatch(line.rstrip("\n"))
    return float(write[4]) if write and write[5] == ACK else None


def merged(ledgers: Mapping[str, Ledger]) -> Ledger:
    """Return what the clients on all hosts were told in one run, as one ledger; each problem names its host."""
    found = ledgers.values()
    return Ledger(
        run=next((one.run for one in found), ""),
        started=min((one.started for one in found), default=0.0),
        ended=max((one.ended for one in found), default=0.0),
        writes=tuple(write for one in found for write in one.writes),
        reads=tuple(sorted(at for one in found for at in one.reads)),
        problems=tuple(f"{host}: {problem}" for host, one in ledgers.items() for problem in one.problems),
    )


def rows(lines: Sequence[str]) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return the rows of the read-back in its order, and what is wrong with it."""
    found: list[Row] = []
    problems: list[str] = []
    count = None
    for number, line in enumerate(lines, 1):
        if count is not None:
            problems.append(f"row line {number} comes after the end")
        elif match := _ROW.fullmatch(line):
            found.append(Row(int(match[1]), int(match[2]), match[3], int(match[4])))
        elif match := _ROWS.fullmatch(line):
            count = int(match[1])
        else:
            problems.append(f"row line {number} is none")
    if count != len(found):
        problems.append(f"the database counts {count} rows and gave {len(found)}")
    return tuple(found), tuple(problems)
