"""R02 容灾备份中心, 二(一)2: for each single failure what stops, what goes on, who decides and what is lost. Pure.

From the description alone: where voters, copies, repositories and routers stand, and which prefixes they join.
GB/T 20988-2007 5.1 asks for the analysis of risks and of their effects before any objective is set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from egov.city import Access, City, Host, System
from egov.city.workloads import CONTAINER_HOST
from egov.facts import DrillResult
from egov.render.database import (
    ARCHIVE,
    DATABASE,
    OFFSITE_SECONDS,
    REPOSITORY,
    WAL_SECONDS,
    WITNESS,
    synchronous,
    takeover_seconds,
)
from egov.render.reach import Reach

Kind = Literal["site", "site-cut", "link", "host", "host-cut"]
"""`-cut`: what stands there runs on, and nobody reaches it."""
State = Literal["goes-on", "taken-over", "stops", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that fails, alone, and what follows."""

    kind: Kind
    id: str
    database: State
    """`taken-over`: the other copy leads after a while; `stops`: no copy is joined to a majority of voters."""
    interruption_seconds: int | None
    """Longest time in which the database takes no writes; None: until somebody has acted."""
    loss_seconds: int | None
    """Newest writes that the database may lose; None: no copy is left from which it could be known."""
    stops: dict[str, tuple[str, ...]]
    """Systems that stop, each with the components that it lacks (`workload`: no host for its containers)."""
    without_copy: tuple[str, ...]
    """Systems that stop and whose data stood on what failed, with no copy described."""
    goes_on: tuple[str, ...]
    """Systems that go on, some after the database's interruption."""
    cut_off: tuple[str, ...]
    """Departments whose access no longer leads to the data centre."""
    decides: tuple[str, ...]
    """Departments that have to act; none where everything goes on by itself."""
    drills: tuple[str, ...]
    """Drills that break just this."""
    measured_seconds: float | None
    """Longest time without writes in the newest run of each of them; None: none was run."""
    measured_lost: int | None
    """Acknowledged rows that were lost in those runs."""


@dataclass(frozen=True, slots=True)
class ContinuityPlan:
    """Every single failure, the gravest kind first; and the sites without which the others cannot elect a leader."""

    failures: tuple[Failure, ...]
    voters: int
    decisive_sites: tuple[str, ...]
    """Sites that hold half of the voters or more. Two sites alone always have one: nobody takes over by itself there,
    as the other site cannot tell a dead site from a cut line."""
    without_third: tuple[str, ...]
    """Failures (`kind id`) that stop the database only if there were no voter but the copies: why there is a third."""
    not_described: tuple[str, ...]
    """Systems of which no component is described: nothing can be said of them."""


class _After(NamedTuple):
    """What is left when something failed: hosts that stand, and the prefixes joined to each other, by a number."""

    standing: frozenset[str]
    parts: dict[str, int]


def continuity(city: City, drills: Iterable[DrillResult] = ()) -> ContinuityPlan:
    """Return the plan; *drills* are all results there are, in order of time."""
    plan = _Plan(city, {row.drill: row for row in drills if not row.problems})
    failures = tuple(plan.failures())
    witnesses = [host.id for host in city.hosts.values() if WITNESS in host.roles and DATABASE not in host.roles]
    bare = replace(city, hosts={name: host for name, host in city.hosts.items() if name not in witnesses})
    stopped = {(f.kind, f.id) for f in _Plan(bare, {}).failures() if f.database == "stops"} if witnesses else set()
    voters = [host for host in city.hosts.values() if {DATABASE, WITNESS} & {*host.roles}]
    at_sites = Counter(host.site for host in voters)
    decisive = sorted(site for site, number in at_sites.items() if 2 * number >= len(voters))
    helped = tuple(f"{f.kind} {f.id}" for f in failures if f.database != "stops" and (f.kind, f.id) in stopped)
    return ContinuityPlan(failures, len(voters), tuple(decisive), helped, plan.not_described)


class _Plan:
    def __init__(self, city: City, drills: Mapping[str, DrillResult]) -> None:
        self._city = city
        self._reach = Reach(city)
        self._drills = drills
        running = sorted((s for s in city.systems.values() if s.placement != "retired"), key=lambda s: s.id)
        self._systems = [system for system in running if system.components or system.workload]
        self.not_described = tuple(s.id for s in running if not s.components and not s.workload)
        self._before = self._after(frozenset(), None)

    def failures(self) -> Iterator[Failure]:
        hosts = self._city.hosts.values()
        sites = {site: frozenset(h.id for h in hosts if h.site == site) for site in sorted({h.site for h in hosts})}
        for site, there in sites.items():
            yield self._failure("site", site, there)
            yield self._failure("site-cut", site, there)
        for prefix in self._links():
            yield self._failure("link", prefix, frozenset())
        for host in hosts:
            yield self._failure("host", host.id, frozenset({host.id}))
            yield self._failure("host-cut", host.id, frozenset({host.id}))

    def _links(self) -> list[str]:
        """Return the prefixes by which routers reach each other."""
        first = [router.interfaces[0].prefix for router in self._reach.routers]
        ends = Counter(i.prefix for router in self._reach.routers for i in router.interfaces[1:])
        return sorted(prefix for prefix, routers in ends.items() if routers > 1 and prefix not in first)

    def _after(self, gone: frozenset[str], cut: str | None) -> _After:
        part = {name: number for number, name in enumerate(self._city.prefixes)}
        for router in self._reach.routers:
            joined = {part[i.prefix] for i in router.interfaces[1:] if i.prefix != cut}
            if router.id not in gone and joined:
                part = {name: min(joined) if number in joined else number for name, number in part.items()}
        return _After(frozenset(self._city.hosts) - gone, part)

    def _failure(self, kind: Kind, name: str, gone: frozenset[str]) -> Failure:
        after, cut = self._after(gone, name if kind == "link" else None), kind.endswith("-cut")
        database = self._database(after)
        lacking = {system.id: self._lacking(system, after, database) for system in self._systems}
        stops = {system: parts for system, parts in lacking.items() if parts}
        cut_off = self._cut_off(after)
        owners = {self._city.systems[system].department for system in stops}
        if database == "stops":
            owners |= {host.department for host in self._with(DATABASE)}
        if cut_off:
            owners |= {self._city.hosts[h].department for h in gone} or {self._city.prefixes[name].department}
        drills = _drills(kind, frozenset[str]().union(*(self._city.hosts[host].roles for host in gone)))
        runs = [self._drills[drill] for drill in drills if drill in self._drills]
        return Failure(
            kind=kind,
            id=name,
            database=database,
            interruption_seconds={"taken-over": takeover_seconds(self._city), "stops": None}.get(database, 0),
            loss_seconds=self._loss(after, cut=cut) if database in {"taken-over", "stops"} else 0,
            stops=stops,
            without_copy=() if cut else self._without_copy(stops, gone),
            goes_on=tuple(system for system, parts in lacking.items() if not parts),
            cut_off=cut_off,
            decides=tuple(sorted(owners)),
            drills=drills,
            measured_seconds=max((run.gap_write_s for run in runs), default=None),
            measured_lost=sum(run.lost for run in runs) if runs else None,
        )

    def _with(self, *roles: str) -> list[Host]:
        return [host for host in self._city.hosts.values() if {*roles} & {*host.roles}]

    def _database(self, after: _After) -> State:
        copies, voters = self._with(DATABASE), self._with(DATABASE, WITNESS)
        if not copies:
            return "none"
        place = {h.id: after.parts[self._city.business(h)[0].prefix] for h in voters if h.id in after.standing}
        majority = [part for part, number in Counter(place.values()).items() if 2 * number > len(voters)]
        left = [host for host in copies if majority and place.get(host.id) == majority[0]]
        if not left:
            return "stops"
        return "goes-on" if len(left) == len(copies) else "taken-over"

    def _lacking(self, system: System, after: _After, database: State) -> tuple[str, ...]:
        """Return what a system lacks: its database, components on lost hosts, any host for its containers."""
        found = []
        for component in system.components:
            host = self._city.hosts[component.host]
            if DATABASE in host.roles:
                lacks = database == "stops"
            else:
                lacks = host.id not in after.standing and not (system.workload and CONTAINER_HOST in host.roles)
            if lacks:
                found.append(component.name)
        carriers = [host for host in self._city.carriers(system) if host.id in after.standing]
        if system.workload and not carriers:
            found.append("workload")
        return tuple(found)

    def _cut_off(self, after: _After) -> tuple[str, ...]:
        """Return the departments whose access led to the data centre before, and does not now."""
        centre = [prefix for prefix in self._city.prefixes if self._reach.kind(prefix) == "data-centre"]

        def reaching(state: _After) -> set[str]:
            parts = {state.parts[prefix] for prefix in centre}
            accesses = self._city.accesses.values()
            return {a.department for a in accesses if parts & {state.parts[prefix] for prefix in self._lan(a)}}

        return tuple(sorted(reaching(self._before) - reaching(after)))

    def _lan(self, access: Access) -> list[str]:
        """Return the department's networks behind an access, which an access router translates; or the access's own."""
        behind = [p.id for p in self._city.prefixes.values() if p.translated_to == access.prefix]
        return behind or [access.prefix]

    def _without_copy(self, stops: Iterable[str], gone: frozenset[str]) -> tuple[str, ...]:
        elsewhere = {host.id for host in self._with(DATABASE, REPOSITORY, ARCHIVE)}
        hosts = {name: {c.host for c in self._city.systems[name].components} for name in stops}
        return tuple(name for name, of in hosts.items() if (of & gone) - elsewhere)

    def _loss(self, after: _After, *, cut: bool) -> int | None:
        """Return the newest writes that are lost at most, s; what is only cut off comes back with all it has."""
        if any(host.id in after.standing for host in self._with(DATABASE)):
            return 0 if synchronous(self._city) else None
        if cut:
            return 0
        for role, seconds in ((REPOSITORY, WAL_SECONDS), (ARCHIVE, WAL_SECONDS + OFFSITE_SECONDS)):
            if any(host.id in after.standing for host in self._with(role)):
                return seconds
        return None


def _drills(kind: Kind, roles: frozenset[str]) -> tuple[str, ...]:
    """Return the drills that break just this: by what fails, and the gravest role that stood there."""
    return next(
        (drills for role, by_kind in _PROOFS.items() if role in roles for drills in [by_kind.get(kind, ())]), ()
    )


_PROOFS: dict[str, dict[Kind, tuple[str, ...]]] = {
    DATABASE: {
        "site": ("lose-site",),
        "site-cut": ("cut-site",),
        "host": ("leader-off", "standby-off"),
        "host-cut": ("cut-leader-30", "cut-leader-90"),
    },
    WITNESS: {
        "site": ("etcd-member-lost",),
        "site-cut": ("cut-third-room",),
        "host": ("etcd-member-lost",),
        "host-cut": ("cut-third-room",),
    },
    REPOSITORY: {"host": ("repository-lost",)},
}
