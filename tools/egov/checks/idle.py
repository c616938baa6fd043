"""R25, limb Z3 所占用资源长期处于空闲状态: what a system's hosts used, day by day."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from egov.checks.registry import Judgement, check, judge, undetermined
from egov.checks.windows import Window
from egov.checks.zombies import in_service, of_window
from egov.city import Host, System
from egov.city.fields import Part
from egov.facts import Facts, ResourceDay

Measure = Literal["cpu", "network", "disk"]


class IdleParameters(Part):
    """What an idle day is, and which share of the window must be idle days.

    needs: measures without which a day is not known to be idle; a day above any bound is busy whatever else is known.
    """

    window_days: int = Field(gt=0)
    min_idle_share: float = Field(gt=0, le=1)
    max_cpu_p95_ratio: float = Field(ge=0, le=1)
    max_network_bytes: float = Field(ge=0)
    max_disk_bytes: float | None = None
    needs: tuple[Measure, ...] = Field(min_length=1)
    min_day_seconds: float = Field(gt=0, le=86_400)

    def busy(self, row: ResourceDay) -> bool:
        """Say whether the day was busy by any measure; bytes seen in part of a day are at least that many."""
        return (
            _over(row.cpu_p95_ratio, self.max_cpu_p95_ratio)
            or _over(row.network_bytes, self.max_network_bytes)
            or _over(row.disk_bytes, self.max_disk_bytes)
        )

    def idle(self, row: ResourceDay) -> bool:
        """Say whether the day is known to have been idle: enough of it seen, by every measure needed."""
        seen = {"cpu": row.cpu_p95_ratio, "network": row.network_bytes, "disk": row.disk_bytes}
        whole = row.covered_seconds >= self.min_day_seconds
        return whole and all(seen[need] is not None for need in self.needs) and not self.busy(row)


def _over(value: float | None, bound: float | None) -> bool:
    return value is not None and bound is not None and value > bound


@check("zombie-idle", of=System, when=in_service, outcomes=("in-use", "idle"))
def zombie_idle(system: System, facts: Facts, p: IdleParameters) -> Judgement:
    """Z3 所占用资源长期处于空闲状态: every host of the system idle on nearly all days, seen and not supposed.

    A day nobody measured may have been busy. A busy host that several systems share says nothing of one of them.
    Low processor use alone is no verdict: of 50 real machines 35 stay under 5 % on 95 % of samples (GWA-T-12).
    """
    window = Window.until(facts.as_of, p.window_days)
    hosts = [facts.city.hosts[name] for name in sorted({component.host for component in system.components})]
    if not hosts:
        return undetermined(["System.components"])
    counted = {host.id: _days(host, facts, window, p) for host in hosts}
    shared = [host.id for host in hosts if _shared(host, system, facts)]
    idle, busy = min(n for n, _, _ in counted.values()), max(n for _, n, _ in counted.values())
    seen = min(n + m for n, m, _ in counted.values())
    shown: dict[str, Any] = of_window(window, seen / window.days) | {
        "idle_days": idle,
        "busy_days": busy,
        "hosts": {host: f"{n}/{m}" for host, (n, m, _) in counted.items()},
        "shared": shared,
        "min_idle_share": p.min_idle_share,
    }
    cites = tuple(row for _, _, row in counted.values() if row is not None)
    if idle >= p.min_idle_share * window.days:
        return judge(False, cites=cites, **shown)
    used = [host for host, (_, n, _) in counted.items() if n > (1 - p.min_idle_share) * window.days]
    if set(used) - set(shared):
        return judge(True, cites=cites, **shown)
    return undetermined(["ResourceDay.shared" if used else "ResourceDay"], cites=cites, **shown)


def _days(host: Host, facts: Facts, window: Window, p: IdleParameters) -> tuple[int, int, ResourceDay | None]:
    """Return the host's idle and busy days in the window, and its newest row. Busy counts before idle."""
    rows = [row for row in facts.rows(ResourceDay, host) if row.day in window]
    busy = {row.day for row in rows if p.busy(row)}
    idle = {row.day for row in rows if p.idle(row)} - busy
    return len(idle), len(busy), max(rows, key=lambda row: row.day, default=None)


def _shared(host: Host, system: System, facts: Facts) -> bool:
    return any(
        c.host == host.id for other in facts.city.systems.values() if other.id != system.id for c in other.components
    )
