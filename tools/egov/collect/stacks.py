"""Rendered stacks → what judges said of them, as facts: an audit rests on a run, not on a rendering of that moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from egov.capture.manifests import Object
from egov.capture.programs import Stacks
from egov.city import City
from egov.city.workloads import CONTAINER_HOST
from egov.errors import UsageError
from egov.facts import RunWriter
from egov.facts.cloud import StackVerdict
from egov.judges.all import JUDGES, clusters, of_cluster
from egov.judges.verdict import Verdict

_DEPARTMENT = "egov/department"
_WORDS = 5


def take_in(evidence: Path, stacks: Stacks, city: City) -> tuple[str, list[StackVerdict]]:
    """Render all stacks, have them judged and keep what was said; return the run and its rows."""
    at = datetime.now(UTC)
    found = clusters([stacks.graph(name) for name in stacks.programs()])
    rows = [row for name, objects in found.items() for row in _rows(name, objects, stacks, city, at)]
    command = f"egov render stacks --env {stacks.environment}"
    with RunWriter.begin(evidence, "stacks", [command], at) as run:
        for row in rows:
            run.add(row)
    return run.id, rows


def _rows(cluster: str, found: Sequence[Object], stacks: Stacks, city: City, at: datetime) -> Iterator[StackVerdict]:
    operator = _operator(city)
    counts = Counter((made.data["metadata"].get("labels") or {}).get(_DEPARTMENT) or operator for made in found)
    said: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in of_cluster(found, stacks, city):
        said.setdefault((verdict.department or operator, verdict.judge), []).append(verdict)
    for department in sorted(counts):
        for judge in JUDGES:
            verdicts = said.get((department, judge), [])
            concerns = sum(verdict.outcome == "violation" for verdict in verdicts)
            more = [f"{len(verdicts) - _WORDS} more"] if len(verdicts) > _WORDS else []
            yield StackVerdict(
                observed_at=at,
                collected_at=at,
                source=f"egov render stacks --env {stacks.environment}",
                department=department,
                environment=stacks.environment,
                cluster=cluster,
                judge=judge,
                objects=counts[department],
                concerns=concerns,
                not_judged=len(verdicts) - concerns,
                text="; ".join([*(f"{v.thing}: {v.message}" for v in verdicts[:_WORDS]), *more]),
            )


def _operator(city: City) -> str:
    """Return the department that answers for what is no department's own: whose the first container host is."""
    hosts = sorted((h.id, h.department) for h in city.hosts.values() if CONTAINER_HOST in h.roles)
    if not hosts:
        message = f"no host with the role {CONTAINER_HOST}: nobody answers for the cloud"
        raise UsageError(message)
    return hosts[0][1]
