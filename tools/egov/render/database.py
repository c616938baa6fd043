"""City → who makes up the database over the sites, as variables of the roles etcd, patroni and database_endpoint."""

from __future__ import annotations

from typing import Any

from egov.city import City, Continuity

DATABASE = "database"
WITNESS = "witness"
ENDPOINT = "database-endpoint"
REPOSITORY = "backup-repository"
ARCHIVE = "archive"
# Patroni's own default, and the least it accepts (seconds). A silent leader is replaced after ttl; electing another
# one and the endpoints' noticing it took up to 10 s more when measured (docs/datacenter.md).
_TTL, _LEAST_TTL, _TAKEOVER = 30, 20, 10
_DATA = "/var/lib/postgresql"
WAL_SECONDS = 60
"""A segment is closed and goes to the repository after this long at most (role patroni, archive_timeout)."""
OFFSITE_SECONDS = 3600
"""The province takes a copy of the repository this often (role offsite, offsite_at)."""


def database(city: City) -> dict[str, dict[str, Any]]:
    """Return the variables of each role of hosts that takes part, of each host by its id; empty without a database."""
    copies, voters = addresses(city, DATABASE), addresses(city, DATABASE, WITNESS)
    endpoints, repositories = addresses(city, ENDPOINT), addresses(city, REPOSITORY)
    if not copies:
        return {}
    store = {"etcd_members": voters, "etcd_token": city.profile.id}
    cluster = {
        "patroni_scope": city.profile.id,
        "patroni_members": copies,
        "patroni_etcd": voters,
        "patroni_clients": endpoints,
        "patroni_archive": bool(repositories),
        "patroni_synchronous": synchronous(city),
        "patroni_ttl": _ttl(city),
    } | _slot_wal(city)
    backup = {
        "pgbackrest_stanza": city.profile.id,
        "pgbackrest_copies": copies,
        "pgbackrest_repositories": repositories,
    }
    return {
        DATABASE: store | cluster | backup,
        WITNESS: store,
        ENDPOINT: {"database_endpoint_servers": copies},
        REPOSITORY: backup | {"offsite_archives": addresses(city, ARCHIVE)},
        **{host: {"database_endpoint_address": address} for host, address in endpoints.items()},
        **{host: {"offsite_address": address} for host, address in repositories.items()},
    }


def synchronous(city: City) -> bool:
    """Say whether a commit waits for the other site: where no loss is allowed, and where nobody set an objective."""
    wanted = strictest(city)
    return wanted is None or wanted.rpo_seconds == 0


def takeover_seconds(city: City) -> int:
    """Return how long nobody may write at most until a silent leader is replaced, s."""
    return _ttl(city) + _TAKEOVER


def _ttl(city: City) -> int:
    wanted = strictest(city)
    return min(_TTL, max(_LEAST_TTL, (wanted.rto_seconds if wanted else 0) - _TAKEOVER))


def _slot_wal(city: City) -> dict[str, int]:
    """Return how much WAL is kept for a copy that is away, MiB: a quarter of the smallest disk that is described."""
    disks = [disk for host in city.hosts.values() if DATABASE in host.roles for disk in host.disks]
    sizes = [disk.size_gib for disk in disks if f"{_DATA}/".startswith(f"{disk.mount}/")]
    return {"patroni_slot_wal_mib": min(sizes) * 1024 // 4} if sizes else {}


def strictest(city: City) -> Continuity | None:
    """Return the shortest objectives of the systems that keep data on a host with the role database; None: no such."""
    copies = {host.id for host in city.hosts.values() if DATABASE in host.roles}
    found = [
        system.continuity
        for system in city.systems.values()
        if system.continuity and copies & {component.host for component in system.components}
    ]
    return min(found, key=lambda wanted: (wanted.rpo_seconds, wanted.rto_seconds), default=None)


def addresses(city: City, *roles: str) -> dict[str, str]:
    """Return the business address of each host that has one of the roles."""
    hosts = sorted((h for h in city.hosts.values() if {*roles} & {*h.roles}), key=lambda h: h.id)
    return {host.id: city.business(host)[0].address for host in hosts}
