"""What a drill measured: the ledger of what was acknowledged against the rows that are there afterwards. Pure.

Every row is held to what its client was told: acknowledged rows are there once, unaltered, in the client's order;
refused ones are not there; those of unknown outcome may be either. Nothing is there that nobody sent.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from egov.drills.ledger import ACK, REFUSED, Ledger, Row, Write


@dataclass(frozen=True, slots=True)
class Measured:
    """Counts of rows, gaps in seconds, the recovery point (epoch, s). `problems`: why nothing of it may be trusted."""

    acked: int
    lost: int
    duplicated: int
    reordered: int
    altered: int
    foreign: int
    gap_write_s: float
    gap_read_s: float | None
    rpo_s: float
    recovery_point: float | None
    problems: tuple[str, ...] = ()
    examples: tuple[str, ...] = field(default=())

    @property
    def whole(self) -> bool:
        """Say whether every row is as its client was told."""
        return not (self.lost or self.duplicated or self.reordered or self.altered or self.foreign)


def digest(run: str, client: int, seq: int) -> str:
    """Return what a row must hold (the writer has the same function; a test compares them)."""
    return hashlib.sha256(f"{run}:{client}:{seq}".encode()).hexdigest()


def verify(ledger: Ledger, rows: Sequence[Row], problems: Sequence[str] = ()) -> Measured:
    """Return what came of the run; *problems* are those of the read-back.

    rpo_s: time from the recovery point to the last acknowledgement that is lost, 0 if none is.
    recovery_point: when the newest row was acknowledged up to which, in order of acknowledgement, nothing is lost.
    """
    sent = {(write.client, write.seq): write for write in ledger.writes}
    there: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        there[row.client, row.seq].append(row)
    acked = sorted((w for w in ledger.writes if w.outcome == ACK), key=lambda w: w.ended)
    lost = [w for w in acked if (w.client, w.seq) not in there]
    duplicated = [key for key, found in there.items() if len(found) > 1]
    altered = [key for key, found in there.items() for row in found if row.digest != digest(ledger.run, *key)]
    foreign = [key for key in there if key not in sent or sent[key].outcome == REFUSED]
    reordered = list(_reordered(rows))
    point = _recovery_point(acked, lost)
    return Measured(
        acked=len(acked),
        lost=len(lost),
        duplicated=sum(len(there[key]) - 1 for key in duplicated),
        reordered=len(reordered),
        altered=len(altered),
        foreign=len(foreign),
        gap_write_s=_gap(ledger, [w.ended for w in acked]),
        gap_read_s=_gap(ledger, ledger.reads) if ledger.reads else None,
        rpo_s=round(lost[-1].ended - (point if point is not None else ledger.started), 3) if lost else 0.0,
        recovery_point=point,
        problems=(*ledger.problems, *problems),
        examples=tuple(
            f"{name} {client}/{seq}"
            for name, keys in (
                ("lost", [(w.client, w.seq) for w in lost]),
                ("duplicated", duplicated),
                ("reordered", reordered),
                ("altered", altered),
                ("foreign", foreign),
            )
            for client, seq in keys[:3]
        ),
    )


def _reordered(rows: Sequence[Row]) -> Iterable[tuple[int, int]]:
    """Yield the rows that stand before an earlier one of the same client, or share a position with any other."""
    newest: dict[int, int] = {}
    positions: set[int] = set()
    for row in sorted(rows, key=lambda row: row.position):
        if row.seq < newest.get(row.client, 0) or row.position in positions:
            yield row.client, row.seq
        positions.add(row.position)
        newest[row.client] = max(row.seq, newest.get(row.client, 0))


def _recovery_point(acked: Sequence[Write], lost: Sequence[Write]) -> float | None:
    if not lost:
        return acked[-1].ended if acked else None
    before = [w.ended for w in acked if w.ended < lost[0].ended]
    return before[-1] if before else None


def _gap(ledger: Ledger, times: Iterable[float]) -> float:
    """Return the longest time without an answer between the start and the end of the ledger, s."""
    moments = (ledger.started, *sorted(times), max(ledger.ended, ledger.started))
    return round(max((b - a for a, b in pairwise(moments)), default=0.0), 3)
