"""A small city with systems that live or not: use, business, resources and maintenance, day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from build import AS_OF, Build, Component, at, binding

from egov.city.model import Matter, Project
from egov.facts import MaintenanceSign, ProcessUse, ResourceDay, UseClient, UseDay, UseLog

DAY = timedelta(days=1)
USE: dict[str, Any] = {
    "window_days": 70,
    "seasonal": ("yearly",),
    "seasonal_window_days": 400,
    "min_known_share": 0.9,
    "max_unread_share": 0.01,
}
NARROW: dict[str, Any] = {**USE, "narrow_scopes": ("section",), "max_clients": 5, "min_days_per_week": 1}
IDLE: dict[str, Any] = {
    "window_days": 70,
    "min_idle_share": 0.9,
    "max_cpu_p95_ratio": 0.05,
    "max_network_bytes": 1e6,
    "needs": ("cpu", "network"),
    "min_day_seconds": 64_800,
}
MAINTAINED: dict[str, Any] = {
    "window_days": 365,
    "signs": ("release", "work-order"),
    "max_age_days": 90,
    "contract_keeps": True,
}
OVERLAP: dict[str, Any] = {
    "item_cut": 0.3,
    "generic_above": 10,
    "min_covered_share": 0.7,
    "max_undescribed_share": 0.05,
    "use_window_days": 180,
}


def ago(days: int) -> date:
    """Return the day so many days before the as-of day."""
    return AS_OF - days * DAY


def moment(day: date, hour: int = 4) -> datetime:
    """Return a moment of a day; 04:00 UTC is noon in the city."""
    return datetime.combine(day, time(hour), UTC)


class Life(Build):
    """A city of systems on one host each, with evidence of their life."""

    def runs(self, system: str, host: str, **fields: object) -> None:
        """Add a system with one component on *host*, which appears by itself."""
        if host not in self.kinds.get("hosts", {}):
            number = len(self.kinds.get("hosts", {})) + 1
            self.host(host, f"10.0.{number // 250}.{number % 250 + 1}", "lan")
        self.system(system, components=(Component(name="web", host=host),), **fields)

    def log(self, system: str, first: date, last: date, unread: int = 0, clock_off: timedelta = timedelta()) -> None:
        """Add a log that covers the days from *first* to *last*, a minute at their ends left out."""
        given = {"path": f"{system}.{first}.log", "content_sha256": "0" * 64, "log_format": "combined", "lines": 1000}
        spans = {"first_at": moment(first, 0) - timedelta(hours=7) + clock_off, "last_at": moment(last, 15) + clock_off}
        self.rows.append(UseLog(system=system, unread=unread, **given, **spans, **at(last)))

    def used(
        self, system: str, days: Iterable[date], agent: str = "human", clients: int = 1, writes: int | None = None
    ) -> None:
        """Add use by the same *clients* addresses on each of the days."""
        known = sorted(days)
        for day in known:
            spans = {"first_at": moment(day), "last_at": moment(day, 8)}
            given = {"requests": 9 * clients, "clients": clients, "writes": writes, **spans, **at(day)}
            self.rows.append(UseDay(system=system, day=day, agent_class=agent, **given))
        for n in range(clients if known else 0):
            ends = {"first_at": moment(known[0]), "last_at": moment(known[-1], 8), **at(known[-1])}
            given = {"client": f"10.9.{n // 250}.{n % 250}", "agent_class": agent, "requests": 9, "days": len(known)}
            self.rows.append(UseClient(system=system, **given, **ends))

    def did(self, system: str, item: str, count: int, first: date, last: date) -> None:
        """Add the transactions of an item in a period."""
        period = {"first_day": first, "last_day": last, "transactions": count}
        self.rows.append(ProcessUse(system=system, item=item, **period, **at(last)))

    def maintained(self, system: str, sign: str, last: date | None, looked_from: date, on: date = AS_OF) -> None:
        """Say what looking for one sort of maintenance found."""
        found = {"sign": sign, "last_day": last, "looked_from": looked_from}
        self.rows.append(MaintenanceSign(system=system, **found, **at(on)))

    def measured(self, host: str, days: Iterable[date], cpu: float | None, network: float | None, **over: Any) -> None:  # noqa: ANN401
        """Add days of a host's resources: 95th percentile of processor use, bytes on the network."""
        for day in days:
            given = {"samples": 288, "covered_seconds": 86_400.0, "cpu_p95_ratio": cpu, "network_bytes": network}
            self.rows.append(ResourceDay(host=host, day=day, **{**given, **over}, **at(day)))


def days(first: int, last: int = 0, step: int = 1) -> list[date]:
    """Return the days from *first* days ago to *last* days ago."""
    return [ago(n) for n in range(first, last - 1, -step)]


MATTER = Matter(code="2100-001", name="低保")
GRANTS = ("低保申请受理", "低保审批", "救助金发放")
SETS = (("zombie-process", "zombie-narrow"), ("zombie-idle", "zombie-unmaintained", "zombie-narrow"))
REUSE: dict[str, Any] = {**OVERLAP, "min_upgrade_share": 0.4}
LIMBS = {
    "zombie-process": USE,
    "zombie-replaceable": OVERLAP,
    "zombie-idle": IDLE,
    "zombie-unmaintained": MAINTAINED,
    "zombie-narrow": NARROW,
}
Case = Callable[[Life], None]


def made(*cases: Case, **fields: Any) -> Life:  # noqa: ANN401 - fields of a system
    """Return a city with system s1 on host h1, after *cases*."""
    build = Life(beside=tuple(binding(name, **parameters) for name, parameters in LIMBS.items()))
    build.runs("s1", "h1", **fields)
    for case in cases:
        case(build)
    return build


def logged(first: int = 75, last: int = 0) -> Case:
    """Return a case: a log of s1 from *first* to *last* days ago."""
    return lambda b: b.log("s1", ago(first), ago(last))


def looked(last: date | None, since: int = 400, on: int = 0, *signs: str) -> Case:
    """Return a case: all signs of maintenance (or these) were looked for, so far back, so long ago."""

    def make(build: Life) -> None:
        for sign in signs or ("release", "work-order"):
            build.maintained("s1", sign, last, ago(since), ago(on))

    return make


def idle_host(build: Life) -> None:
    """Let host h1 be idle over the window."""
    build.measured("h1", days(69), 0.01, 1e3)


def other(*functions: str, **fields: Any) -> Case:  # noqa: ANN401
    """Return a case: a second system s2 with these functions."""
    return lambda b: b.system("s2", functions=functions, **fields)


def no_transactions(build: Life) -> None:
    """Let s1's matter be counted over the window, and never done."""
    build.did("s1", MATTER.code, 0, ago(80), AS_OF)


def proposed(*functions: str) -> Case:
    """Return a case: a proposed project with the id s1 beside a system of the three grants."""

    def make(build: Life) -> None:
        build._put("projects", Project(id="s1", department="a", name_zh="救助平台", functions=functions))
        build.system("s2", functions=GRANTS)

    return make


def life_cases() -> list[tuple[str, dict[str, Any], Life]]:
    """Return (check, its parameters, a city) so that every outcome of every check on the life of systems occurs."""
    full = {"functions": GRANTS}
    dead = (logged(), idle_host, looked(None))
    more = other(*GRANTS, "优抚核查")
    return [
        ("zombie", {"sets": SETS}, made(*dead, matters=())),
        ("zombie", {"sets": SETS}, made(*dead, more, matters=(), **full)),
        ("zombie", {"sets": SETS}, made(lambda b: b.used("s1", days(69)))),
        ("zombie-narrow", NARROW, made(logged())),
        ("zombie-narrow", NARROW, made(logged(), lambda b: b.used("s1", days(60, 50, 10)))),
        ("zombie-narrow", NARROW, made(lambda b: b.used("s1", days(69)))),
        ("zombie-narrow", NARROW, made(lambda b: b.used("s1", days(9), clients=9))),
        ("zombie-narrow", NARROW, made(lambda b: b.used("s1", days(69), "script"))),
        ("zombie-process", USE, made(no_transactions, matters=(MATTER,))),
        ("zombie-process", USE, made(lambda b: b.did("s1", MATTER.code, 1, ago(9), AS_OF), matters=(MATTER,))),
        ("zombie-process", USE, made(logged(), matters=())),
        ("zombie-process", USE, made(lambda b: b.used("s1", days(9)), matters=())),
        ("zombie-process", USE, made(lambda b: b.did("s1", "查询", 0, ago(80), AS_OF), functions=("查询",))),
        ("zombie-idle", IDLE, made(idle_host)),
        ("zombie-idle", IDLE, made(lambda b: b.measured("h1", days(69), 0.5, 1e9))),
        ("zombie-unmaintained", MAINTAINED, made(looked(None))),
        ("zombie-unmaintained", MAINTAINED, made(looked(AS_OF))),
        ("zombie-unmaintained", MAINTAINED, made(looked(None), contract_until=AS_OF)),
        ("zombie-replaceable", OVERLAP, made(other(*GRANTS, "优抚核查"), **full)),
        ("zombie-replaceable", OVERLAP, made(other("雨情采集"), **full)),
        ("zombie-replaceable", OVERLAP, made(other(*GRANTS, scope="section"), scope="city", **full)),
        ("project-reuse", REUSE, made(proposed(*GRANTS))),
        ("project-reuse", REUSE, made(proposed(GRANTS[0], "水库调度"))),
        ("project-reuse", REUSE, made(proposed("水库调度"), function="雨情采集")),
    ]


def life_concerns() -> dict[str, tuple[Life, dict[str, Any], str]]:
    """Return, per check, a city whose s1 is a concern, the parameters, and the kind of s1."""
    kinds = {"project-reuse": "projects"}
    found: dict[str, tuple[Life, dict[str, Any], str]] = {}
    for name, parameters, build in life_cases():
        found.setdefault(name, (build, parameters, kinds.get(name, "systems")))
    return found
