"""R02 容灾备份, 二(一)2: what each single failure stops in the city's database, who decides, what it costs at most.

The rules are those of the parts. Members of etcd elect a leader with a majority of all members. A copy that leads and
loses the majority steps down. With a recovery point of 0 a commit waits for the other copy. Drills hold it to account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from egov.city import City
from egov.render.database import (
    ARCHIVE,
    ARCHIVE_SECONDS,
    DATABASE,
    ENDPOINT,
    OFFSITE_SECONDS,
    REPOSITORY,
    TAKEOVER_SECONDS,
    WITNESS,
    database,
)

Kind = Literal["host", "link", "site", "site-link"]
Writes = Literal["continue", "pause", "stop"]
Decides = Literal["nobody", "majority", "leader", "person"]
Backups = Literal["continue", "off-site-waits", "waits"]
_ROLES = frozenset({DATABASE, WITNESS, ENDPOINT, REPOSITORY, ARCHIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One single failure. `leads`: whether the copy that leads is hit, None if no copy is.

    `writes`: continue, pause (they go on by themselves within `pause_s`), or stop (until a person acts).
    `decides`: who brings writes back. `loss_s`: acknowledged writes lost at most, as time before the failure (s); None:
    no copy is left. `alone`: no second copy, so that the next failure loses data. `backups`: `waits` while the
    repository is away, WAL gathering on the leader; `off-site-waits` while only the province is. `stops`: hosts whose
    part is not there.
    """

    kind: Kind
    id: str
    leads: bool | None
    writes: Writes
    reads: bool
    decides: Decides
    pause_s: int
    loss_s: int | None
    alone: bool
    backups: Backups
    stops: tuple[str, ...]
    applications: tuple[str, ...]
    """Hosts of applications that still reach the database."""
    drill: str | None
    """The drill that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuityPlan:
    """All single failures, and those that would end worse with two sites and no third."""

    failures: tuple[Failure, ...]
    without_third: tuple[Failure, ...]


@dataclass(frozen=True, slots=True)
class _Parts:
    """The hosts that take part, by role, and how the copies are run."""

    hosts: dict[str, frozenset[str]]
    sites: dict[str, str]
    synchronous: bool
    takeover_s: int

    def those(self, *roles: str) -> frozenset[str]:
        """Return the hosts that have one of the roles."""
        return frozenset(host for host, has in self.hosts.items() if has & {*roles})


def continuity(city: City) -> ContinuityPlan:
    """Return what every single failure of a host, a link or a site does; no failures if there is no database."""
    parts = _parts(city)
    found = tuple(_failures(parts)) if parts else ()
    if not parts or not parts.those(WITNESS):
        return ContinuityPlan(failures=found, without_third=found)
    two = replace(parts, hosts={host: has for host, has in parts.hosts.items() if has != {WITNESS}})
    known = {(row.kind, row.id, row.leads): row for row in found}
    worse = tuple(row for row in _failures(two) if row.writes != known[row.kind, row.id, row.leads].writes)
    return ContinuityPlan(failures=found, without_third=worse)


def _parts(city: City) -> _Parts | None:
    variables = database(city).get(DATABASE)
    if variables is None:
        return None
    hosts = {host.id: frozenset(host.roles) & _ROLES for host in city.hosts.values() if _ROLES & {*host.roles}}
    sites = {host: city.hosts[host].site for host in hosts}
    return _Parts(hosts, sites, variables["patroni_synchronous"], variables["patroni_ttl"] + TAKEOVER_SECONDS)


def _failures(parts: _Parts) -> Iterator[Failure]:
    """Yield every failure, sites first; one that hits a copy twice if it may lead or follow."""
    sites = sorted({*parts.sites.values()})
    hit: list[tuple[Kind, str, frozenset[str]]] = []
    sites_hit: tuple[Kind, ...] = ("site", "site-link")
    for kind in sites_hit:
        hit += [(kind, site, frozenset(h for h in parts.hosts if parts.sites[h] == site)) for site in sites]
    hosts_hit: tuple[Kind, ...] = ("host", "link")
    for kind in hosts_hit:
        hit += [(kind, host, frozenset({host})) for host in sorted(parts.hosts)]
    copies = parts.those(DATABASE)
    for kind, name, gone in hit:
        for leads in _leads(copies, gone):
            yield _failure(parts, kind, name, gone, leads=leads)


def _leads(copies: frozenset[str], gone: frozenset[str]) -> tuple[bool | None, ...]:
    if not gone & copies:
        return (None,)
    return (True,) if copies <= gone else (True, False)


def _failure(parts: _Parts, kind: Kind, name: str, gone: frozenset[str], *, leads: bool | None) -> Failure:
    voters, copies = parts.those(DATABASE, WITNESS), parts.those(DATABASE)
    elects = 2 * len(voters - gone) > len(voters)
    left = copies - gone
    writes: Writes = "continue"
    decides: Decides = "nobody"
    pause = 0
    if not elects or not left:
        writes, decides = "stop", "person"
    elif leads:
        writes, decides, pause = "pause", "majority", parts.takeover_s
    elif leads is False and parts.synchronous:
        writes, decides, pause = "pause", "leader", parts.takeover_s
    # Cut off from the others a host goes on, and so do applications beside a copy: they read, and are told no commit.
    cut = kind in {"link", "site-link"}
    return Failure(
        kind=kind,
        id=name,
        leads=leads,
        writes=writes,
        reads=bool(left) or (cut and kind == "site-link" and bool(copies & gone)),
        decides=decides,
        pause_s=pause,
        loss_s=_loss(parts, gone, leads=leads, cut=cut),
        alone=len(left) < 2,  # noqa: PLR2004 - one copy
        backups=_backups(parts, gone),
        stops=tuple(sorted(gone)),
        applications=tuple(sorted(parts.those(ENDPOINT) - gone)) if elects and left else (),
        drill=_drill(parts, kind, gone, leads=leads),
    )


def _loss(parts: _Parts, gone: frozenset[str], *, leads: bool | None, cut: bool) -> int | None:
    """Return the acknowledged writes that are lost at most, s. What is cut off but not lost comes back."""
    copies = parts.those(DATABASE)
    if copies - gone:
        # Without a synchronous copy the old leader goes on acknowledging until its lock has run out.
        return 0 if parts.synchronous or not leads else parts.takeover_s
    if cut:
        return 0
    if parts.those(REPOSITORY) - gone:
        return ARCHIVE_SECONDS
    return ARCHIVE_SECONDS + OFFSITE_SECONDS if parts.those(ARCHIVE) - gone else None


def _backups(parts: _Parts, gone: frozenset[str]) -> Backups:
    if not parts.those(REPOSITORY) - gone:
        return "waits"
    return "continue" if parts.those(ARCHIVE) - gone else "off-site-waits"


def _drill(parts: _Parts, kind: Kind, gone: frozenset[str], *, leads: bool | None) -> str | None:
    """Return the drill that breaks just this; None if none does."""
    roles = frozenset[str]().union(*(parts.hosts[host] for host in gone))
    if kind in {"site", "site-link"} and leads:
        return "lose-site" if kind == "site" else "cut-site"
    if leads is not None and len(gone) == 1:
        return {("host", True): "leader-off", ("host", False): "standby-off", ("link", True): "cut-leader-30"}.get(
            (kind, leads)
        )
    if roles == {WITNESS}:
        return "etcd-member-lost" if kind in {"host", "site"} else "cut-third-room"
    return "repository-lost" if roles == {REPOSITORY} and kind == "host" else None
