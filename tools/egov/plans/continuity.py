"""R02 容灾备份中心, 二(一)2: for each single failure what stops, what goes on, who decides and what is lost. Pure.

From the description alone: where voters, copies, repositories and routers stand, and which prefixes they join.
GB/T 20988-2007 5.1 asks for the analysis of risks and of their effects before any objective is set.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from egov.city import Access, City, System
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
    """What is left when something failed: hosts that are gone, and the prefixes joined to each other, by a number."""

    gone: frozenset[str]
    parts: Mapping[str, int]


def continuity(city: City, drills: Iterable[DrillResult] = ()) -> ContinuityPlan:
    """Return the plan; *drills* are all results there are, in order of time."""
    plan = _Plan(city, {row.drill: row for row in drills if not row.problems})
    failures = tuple(plan.failures())
    witnesses = [host.id for host in city.hosts.values() if WITNESS in host.roles and DATABASE not in host.roles]
    bare = replace(city, hosts={name: host for name, host in city.hosts.items() if name not in witnesses})
    stopped = _Plan(bare, {}).stopping() if witnesses else set()
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
        self._synchronous, self._takeover_s = synchronous(city), takeover_seconds(city)
        self._copies, self._voters = self._with(DATABASE), self._with(DATABASE, WITNESS)
        self._repositories, self._archives = self._with(REPOSITORY), self._with(ARCHIVE)
        self._carriers = self._with(CONTAINER_HOST)
        self._prefix = {host: city.business(city.hosts[host])[0].prefix for host in self._voters}
        self._routers = frozenset(router.id for router in self._reach.routers)
        self._parts: dict[tuple[frozenset[str], str | None], Mapping[str, int]] = {}
        centre = {prefix for prefix in city.prefixes if self._reach.kind(prefix) == "data-centre"}
        self._centre, self._lans = centre, [(a.department, self._lan(a)) for a in city.accesses.values()]
        self._reaching = self._departments_at(self._joined(frozenset(), None))

    def failures(self) -> Iterator[Failure]:
        """Yield every failure with what follows."""
        yield from (self._failure(kind, name, gone) for kind, name, gone in self._single())

    def stopping(self) -> set[tuple[Kind, str]]:
        """Return the failures that stop the database."""
        found = ((kind, name, self._database(self._after(kind, name, gone))) for kind, name, gone in self._single())
        return {(kind, name) for kind, name, database in found if database == "stops"}

    def _single(self) -> Iterator[tuple[Kind, str, frozenset[str]]]:
        """Yield everything that may fail alone, with the hosts that nobody reaches then."""
        hosts = self._city.hosts.values()
        sites = {site: frozenset(h.id for h in hosts if h.site == site) for site in sorted({h.site for h in hosts})}
        for site, there in sites.items():
            yield "site", site, there
            yield "site-cut", site, there
        for prefix in self._links():
            yield "link", prefix, frozenset()
        for host in hosts:
            yield "host", host.id, frozenset({host.id})
            yield "host-cut", host.id, frozenset({host.id})

    def _links(self) -> list[str]:
        """Return the prefixes by which routers reach each other."""
        first = [router.interfaces[0].prefix for router in self._reach.routers]
        ends = Counter(i.prefix for router in self._reach.routers for i in router.interfaces[1:])
        return sorted(prefix for prefix, routers in ends.items() if routers > 1 and prefix not in first)

    def _joined(self, gone: frozenset[str], cut: str | None) -> Mapping[str, int]:
        """Return the number of the part that each prefix is in without routers that are gone and a link that is cut."""
        key = gone & self._routers, cut
        if key not in self._parts:
            part = {name: number for number, name in enumerate(self._city.prefixes)}
            for router in self._reach.routers:
                joined = {part[i.prefix] for i in router.interfaces[1:] if i.prefix != cut}
                if router.id not in gone and joined:
                    part = {name: min(joined) if number in joined else number for name, number in part.items()}
            self._parts[key] = part
        return self._parts[key]

    def _after(self, kind: Kind, name: str, gone: frozenset[str]) -> _After:
        return _After(gone, self._joined(gone, name if kind == "link" else None))

    def _failure(self, kind: Kind, name: str, gone: frozenset[str]) -> Failure:
        after, cut = self._after(kind, name, gone), kind.endswith("-cut")
        database = self._database(after)
        lacking = {system.id: self._lacking(system, after, database) for system in self._systems}
        stops = {system: parts for system, parts in lacking.items() if parts}
        cut_off = tuple(sorted(self._reaching - self._departments_at(after.parts)))
        owners = {self._city.systems[system].department for system in stops}
        if database == "stops":
            owners |= {self._city.hosts[host].department for host in self._copies}
        if cut_off:
            owners |= {self._city.hosts[h].department for h in gone} or {self._city.prefixes[name].department}
        drills = _drills(kind, frozenset[str]().union(*(self._city.hosts[host].roles for host in gone)))
        runs = [self._drills[drill] for drill in drills if drill in self._drills]
        return Failure(
            kind=kind,
            id=name,
            database=database,
            interruption_seconds={"taken-over": self._takeover_s, "stops": None}.get(database, 0),
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

    def _with(self, *roles: str) -> frozenset[str]:
        return frozenset(host.id for host in self._city.hosts.values() if {*roles} & {*host.roles})

    def _database(self, after: _After) -> State:
        if not self._copies:
            return "none"
        place = {host: after.parts[self._prefix[host]] for host in self._voters - after.gone}
        majority = [part for part, number in Counter(place.values()).items() if 2 * number > len(self._voters)]
        left = [host for host in self._copies if majority and place.get(host) == majority[0]]
        if not left:
            return "stops"
        return "goes-on" if len(left) == len(self._copies) else "taken-over"

    def _lacking(self, system: System, after: _After, database: State) -> tuple[str, ...]:
        """Return what a system lacks: its database, components on lost hosts, any host for its containers."""
        found = []
        for component in system.components:
            if component.host in self._copies:
                lacks = database == "stops"
            else:
                lacks = component.host in after.gone and not (system.workload and component.host in self._carriers)
            if lacks:
                found.append(component.name)
        if system.workload and self._carriers <= after.gone:
            found.append("workload")
        return tuple(found)

    def _departments_at(self, parts: Mapping[str, int]) -> set[str]:
        """Return the departments whose access leads to the data centre."""
        centre = {parts[prefix] for prefix in self._centre}
        return {department for department, lan in self._lans if centre & {parts[prefix] for prefix in lan}}

    def _lan(self, access: Access) -> list[str]:
        """Return the department's networks behind an access, which an access router translates; or the access's own."""
        behind = [p.id for p in self._city.prefixes.values() if p.translated_to == access.prefix]
        return behind or [access.prefix]

    def _without_copy(self, stops: Iterable[str], gone: frozenset[str]) -> tuple[str, ...]:
        elsewhere = self._copies | self._repositories | self._archives
        hosts = {name: {c.host for c in self._city.systems[name].components} for name in stops}
        return tuple(name for name, of in hosts.items() if (of & gone) - elsewhere)

    def _loss(self, after: _After, *, cut: bool) -> int | None:
        """Return the newest writes that are lost at most, s; what is only cut off comes back with all it has."""
        if self._copies - after.gone:
            return 0 if self._synchronous else None
        if cut:
            return 0
        if self._repositories - after.gone:
            return WAL_SECONDS
        return WAL_SECONDS + OFFSITE_SECONDS if self._archives - after.gone else None


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
