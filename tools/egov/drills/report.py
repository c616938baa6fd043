"""What a drill measured, as a row of facts and as data to print, judged against the objective. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from egov.checks.continuity import kept
from egov.city import Continuity
from egov.drills.run import Done
from egov.drills.verify import Measured
from egov.facts import DrillResult


def verdict(measured: Measured, objective: Continuity | None, recovery: str = "automatic") -> str:
    """Return pass, violation or undetermined (measured in vain, or against no objective), as the audit judges it."""
    if measured.problems:
        return "undetermined"
    return {True: "pass", False: "violation", None: "undetermined"}[kept(measured, objective, recovery)]


def fact(done: Done, cluster: str, now: datetime) -> DrillResult:
    """Return the row that the evidence store keeps."""
    measured = done.measured
    return DrillResult(
        observed_at=done.started,
        collected_at=now,
        source=f"drill {done.journal.path.stem}",
        drill=done.drill.id,
        fault=done.drill.load.fault,
        recovery=done.drill.load.recovery,
        seed=done.seed,
        cluster=cluster,
        ended=done.result.outcome.value,
        acked=measured.acked,
        lost=measured.lost,
        duplicated=measured.duplicated,
        reordered=measured.reordered,
        altered=measured.altered,
        foreign=measured.foreign,
        gap_write_s=measured.gap_write_s,
        gap_read_s=measured.gap_read_s,
        rpo_s=measured.rpo_s,
        recovery_point=_time(measured.recovery_point),
        problems="; ".join(measured.problems),
    )


def as_data(done: Done, objective: Continuity | None) -> dict[str, Any]:
    """Return everything about a drill that was run, ready for JSON."""
    measured = done.measured
    point = _time(measured.recovery_point)
    steps = [
        {"step": e.step, "phase": e.phase, "code": e.code, "seconds": e.seconds, "at": e.at}
        for e in done.journal.entries()
        if e.code is not None
    ]
    return {
        "drill": done.drill.id,
        "run": done.journal.path.stem,
        "seed": done.seed,
        "acked": measured.acked,
        "acked_by": done.acked_by,
        "lost": measured.lost,
        "duplicated": measured.duplicated,
        "reordered": measured.reordered,
        "altered": measured.altered,
        "foreign": measured.foreign,
        "gap_write_s": measured.gap_write_s,
        "gap_read_s": measured.gap_read_s,
        "rpo_s": measured.rpo_s,
        "recovery_point": point.isoformat() if point else None,
        "objective": objective.model_dump() if objective else None,
        "verdict": verdict(measured, objective, done.drill.load.recovery),
        "problems": list(measured.problems),
        "examples": list(measured.examples),
        "steps": steps,
    }


def _time(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
