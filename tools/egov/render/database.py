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
_TTL, _LEAST_TTL, TAKEOVER_SECONDS = 30, 20, 10
# Age of the newest WAL segment that a restore may lack (the role patroni's archive_timeout), and how much older a copy
# with the province may be (the role offsite's timer). Seconds.
ARCHIVE_SECONDS, OFFSITE_SECONDS = 60, 3600


def database(city: City) -> dict[str, dict[str, Any]]:
    """Return the variables of each role of hosts that takes part, of each host by its id; empty without a database."""
    copies, voters = _addresses(city, DATABASE), _addresses(city, DATABASE, WITNESS)
    endpoints, repositories = _addresses(city, ENDPOINT), _addresses(city, REPOSITORY)
    if not copies:
        return {}
    store = {"etcd_members": voters, "etcd_token": city.profile.id}
    wanted = strictest(city)
    rpo, rto = (wanted.rpo_seconds, wanted.rto_seconds) if wanted else (0, 0)
    cluster = {
        "patroni_scope": city.profile.id,
        "patroni_members": copies,
        "patroni_etcd": voters,
        "patroni_clients": endpoints,
        "patroni_archive": bool(repositories),
        "patroni_synchronous": rpo == 0,
        "patroni_ttl": min(_TTL, max(_LEAST_TTL, rto - TAKEOVER_SECONDS)),
    }
    backup = {
        "pgbackrest_stanza": city.profile.id,
        "pgbackrest_copies": copies,
        "pgbackrest_repositories": repositories,
    }
    archives = _addresses(city, ARCHIVE)
    return {
        DATABASE: store | cluster | backup,
        WITNESS: store,
        ENDPOINT: {"database_endpoint_servers": copies},
        REPOSITORY: backup | {"offsite_archives": archives},
        ARCHIVE: {"archive_addresses": archives},
        **{host: {"database_endpoint_address": address} for host, address in endpoints.items()},
        **{host: {"offsite_address": address} for host, address in repositories.items()},
    }


def strictest(city: City) -> Continuity | None:
    """Return the shortest objectives of the systems that keep data on a host with the role database; None: no such."""
    copies = {host.id for host in city.hosts.values() if DATABASE in host.roles}
    found = [
        system.continuity
        for system in city.systems.values()
        if system.continuity and copies & {component.host for component in system.components}
    ]
    return min(found, key=lambda wanted: (wanted.rpo_seconds, wanted.rto_seconds), default=None)


def _addresses(city: City, *roles: str) -> dict[str, str]:
    """Return the business address of each host that has one of the roles."""
    hosts = sorted((h for h in city.hosts.values() if {*roles} & {*h.roles}), key=lambda h: h.id)
    return {host.id: city.business(host)[0].address for host in hosts}
