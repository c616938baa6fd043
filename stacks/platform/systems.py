"""A described system → its components. The one place where programs turn the description into workloads."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi

from egov.city import City, System, Wave
from egov.city.workloads import Protection
from egov.city.workloads import Workload as Described
from stacks.platform.data import Database, DatabaseArgs, SharedEndpoint, SharedEndpointArgs
from stacks.platform.setting import Setting
from stacks.platform.workload import Workload, WorkloadArgs

_LEVELS: tuple[Protection, ...] = ("basic", "standard", "elevated")
DATABASE_HOST = "database"


def highest(levels: Iterable[Protection]) -> Protection:
    """Return the highest of some levels of protection; basic if there are none."""
    return max(levels, key=_LEVELS.index, default="basic")


def serving(city: City, serves_as: str) -> System | None:
    """Return the system that serves as the gateway, or as the backup; None if none does."""
    for system in city.systems.values():
        if system.workload is not None and system.workload.serves_as == serves_as:
            return system
    return None


def applications(city: City) -> list[tuple[System, Described]]:
    """Return the systems that run in the cloud and are no gateway, with their workloads, by id."""
    found = [(s, s.workload) for s in city.systems.values() if s.workload and s.workload.serves_as == "application"]
    return sorted(found, key=lambda pair: pair[0].id)


def under_way(setting: Setting) -> list[Wave]:
    """Return the waves that have started, in their order."""
    waves = [wave for wave in setting.city.waves.values() if wave.starts <= setting.on]
    return sorted(waves, key=lambda wave: (wave.starts, wave.id))


def addresses(city: City, role: str) -> tuple[str, ...]:
    """Return the business addresses of the hosts of a role, IPv4 first."""
    hosts = sorted((h for h in city.hosts.values() if role in h.roles), key=lambda host: host.id)
    interfaces = [interface for host in hosts for interface in city.business(host)]
    return (*(i.address for i in interfaces), *(i.ipv6 for i in interfaces if i.ipv6))


def deploy(
    setting: Setting,
    system: System,
    described: Described,
    opts: pulumi.ResourceOptions,
    *,
    wave: Wave | None = None,
    standby: bool = False,
) -> None:
    """Register a system's workload and its database; its shared interfaces unless it only stands by."""
    numbers = setting.numbers
    elevated = described.protection == "elevated"
    Workload(
        WorkloadArgs(
            system=system.id,
            department=system.department,
            described=described,
            storage_class=numbers.encrypted_storage_class if elevated else numbers.storage_class,
            secret_store=numbers.secret_store,
            spread=numbers.spread,
            max_replicas=numbers.max_replicas,
            decision=wave.decision if wave else None,
            standby=standby,
        ),
        opts,
    )
    if described.database_gib is not None:
        Database(
            DatabaseArgs(
                system=system.id,
                department=system.department,
                protection=described.protection,
                size_gib=described.database_gib,
                servers=addresses(setting.city, DATABASE_HOST),
                secret_store=numbers.secret_store,
            ),
            opts,
        )
    front = serving(setting.city, "gateway")
    if standby or front is None or front.workload is None or front.workload.hostname is None:
        return
    for share in described.shares:
        SharedEndpoint(
            SharedEndpointArgs(
                system=system.id,
                department=system.department,
                share=share,
                port=described.port,
                hostname=front.workload.hostname,
            ),
            opts,
        )
