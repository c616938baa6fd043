"""Which container host runs which replica, where no cluster decides it (`pods` on the hosts). Pure, the same each time.

A host is chosen as Kubernetes' scheduler would: room for cores and memory, the workload's port free on the host's own
address (as `hostPort`), no second replica of a system on one host, sites evenly. Among equals the lowest hash of
system and host wins (rendezvous hashing): a host that comes or goes moves no replica but its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from egov.city.fields import parsed_network
from egov.city.workloads import CONTAINER_HOST, Workload

if TYPE_CHECKING:
    from egov.city.model import City, Host


class Pod(NamedTuple):
    """One replica: whose it is, where it runs, its address on that host alone, and the port it listens on.

    Others reach it by the host's own address and the same port.
    """

    system: str
    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Placement:
    """System → its hosts, and system → why there is no place for it."""

    hosts: Mapping[str, tuple[str, ...]]
    refused: Mapping[str, str]


@dataclass(slots=True)
class _Room:
    host: Host
    cpu_millicores: int
    memory_mib: int
    ports: set[int]

    def lacks(self, workload: Workload) -> str | None:
        if workload.port in self.ports:
            return f"port {workload.port} free"
        if workload.cpu_millicores * workload.containers > self.cpu_millicores:
            return "so many cores"
        return "so much memory" if workload.memory_mib * workload.containers > self.memory_mib else None

    def take(self, workload: Workload) -> None:
        self.ports.add(workload.port)
        self.cpu_millicores -= workload.cpu_millicores * workload.containers
        self.memory_mib -= workload.memory_mib * workload.containers


def placement(city: City) -> Placement:
    """Return where each workload runs; both empty in a city whose hosts run no pods by themselves."""
    rooms = [
        _Room(host, host.capacity.cpu_millicores, host.capacity.memory_mib, set())
        for _, host in sorted(city.hosts.items())
        if CONTAINER_HOST in host.roles and host.pods and host.capacity
    ]
    hosts: dict[str, tuple[str, ...]] = {}
    refused: dict[str, str] = {}
    for name, system in sorted(city.systems.items()) if rooms else ():
        workload = system.workload
        if workload is None or workload.serves_as != "application":
            continue
        chosen = list(_chosen(name, workload, rooms))
        if len(chosen) == workload.replicas:
            hosts[name] = tuple(room.host.id for room in chosen)
            for room in chosen:
                room.take(workload)
        else:
            lacking = sorted({what for room in rooms if room not in chosen and (what := room.lacks(workload))})
            left = f"; the others have not {' or '.join(lacking)}" if lacking else ""
            refused[name] = f"{workload.replicas} replicas need a container host each, {len(chosen)} can take one{left}"
    return Placement(hosts, refused)


def _chosen(system: str, workload: Workload, rooms: list[_Room]) -> Iterator[_Room]:
    sites: dict[str, int] = {}
    able = sorted((r for r in rooms if r.lacks(workload) is None), key=lambda room: _weight(system, room.host.id))
    for _ in range(min(workload.replicas, len(able))):
        best = min(able, key=lambda room: sites.get(room.host.site, 0))  # the first of equals: able is in order
        able.remove(best)
        sites[best.host.site] = sites.get(best.host.site, 0) + 1
        yield best


def _weight(system: str, host: str) -> str:
    return hashlib.sha256(f"{system} {host}".encode()).hexdigest()


def pods(city: City, on: date) -> list[Pod]:
    """Return every replica that runs on a day, by system and host: those of waves that have started."""
    found = []
    for name, hosts in placement(city).hosts.items():
        workload = city.systems[name].workload
        if workload is not None and (workload.wave is None or city.waves[workload.wave].starts <= on):
            port = workload.port
            found += [Pod(name, host, _address(city.hosts[host], port), port) for host in sorted(hosts)]
    return found


def _address(host: Host, port: int) -> str:
    return str(parsed_network(host.pods or "")[port])
