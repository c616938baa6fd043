"""Small cities with random flows, and what each flow lets through: written down when it is drawn, not compiled."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from egov.city import City, Department, Ends, Flow, Host, Interface, Prefix, Quota, Site, System, Wave, Zone
from egov.city.model import Contact, Profile, Vrf
from egov.city.workloads import Capacity, Workload

ON = date(2026, 12, 1)
IMAGE = "registry.example/app:1.0@sha256:" + 64 * "b"
OUTSIDE = {"lan": "10.1.0.0/24", "other-lan": "10.1.1.0/24", "data": "10.2.0.0/24"}
Pair = tuple[str, str, str]


def city(seed: int) -> tuple[City, set[Pair]]:
    """Return a city and all (who opens, who answers, service) of its flows that are open on the day."""
    chance = random.Random(seed)  # noqa: S311 - drawn, not secret
    base = _base(chance.randint(1, 4))
    systems = {s.id: s for s in _systems(chance, sorted(base.departments))}
    flows, pairs = {}, set()
    for number in range(chance.randint(0, 12)):
        flow = _flow(chance, f"flow-{number}", sorted(systems), base)
        flows[flow.id] = flow
        if flow.is_open(ON):
            pairs |= set(_pairs(flow, systems))
    return replace(base, systems=systems, flows=flows), pairs


def _base(departments: int) -> City:
    names = [f"d{number}" for number in range(departments)]
    quota = Quota(cpu_millicores=90000, memory_mib=90000, storage_gib=900, pods=90, document="文")
    given: dict[str, Any] = {"level": "city", "site": "hall", "contact": Contact(office="室")}
    made = {
        name: Department(id=name, name_zh=name, name_en=name, credit_code="11210000MB0000002Q", quota=quota, **given)
        for name in names
    }
    prefixes = {
        name: Prefix(id=name, prefix=net, vrf="main", zone=name, department="d0") for name, net in OUTSIDE.items()
    }
    prefixes["cloud"] = Prefix(id="cloud", prefix="10.3.0.0/24", vrf="main", zone="cloud", department="d0")
    hosts = [
        _host("carrier", "cloud", "10.3.0.11", roles=("container-host",)),
        _host("db", "data", "10.2.0.5"),
        _host("desk", "lan", "10.1.0.7"),
    ]
    return City(
        profile=Profile(id="c", name_zh="城", name_en="c", region_code="210000"),
        departments=made,
        sites={"hall": Site(id="hall", name_zh="厅", name_en="hall")},
        zones={name: Zone(id=name, name_zh=name, name_en=name) for name in prefixes},
        vrfs={"main": Vrf(id="main", name_zh="main")},
        prefixes=prefixes,
        hosts={host.id: host for host in hosts},
        waves={"w": Wave(id="w", name_zh="批", starts=date(2026, 1, 1), until=date(2027, 1, 1), decision="文")},
    )


def _host(name: str, prefix: str, address: str, roles: tuple[str, ...] = ()) -> Host:
    interface = Interface(name="eth0", prefix=prefix, address=address)
    capacity = Capacity(cpu_millicores=900000, memory_mib=900000) if roles else None
    given: dict[str, Any] = {"department": "d0", "site": "hall", "zone": prefix, "os": "debian-12"}
    return Host(id=name, interfaces=(interface,), roles=roles, capacity=capacity, **given)


def _systems(chance: random.Random, departments: list[str]) -> Iterator[System]:
    for number in range(chance.randint(1, 6)):
        workload = Workload(
            protection=chance.choice(("basic", "standard", "elevated")),
            image=IMAGE,
            replicas=2,
            storage_gib=chance.choice((None, None, 10)),
            wave=chance.choice((None, None, "w")),
        )
        department = chance.choice(departments)
        yield System(id=f"s{number}", department=department, network="extranet", placement="cloud", workload=workload)


def _flow(chance: random.Random, name: str, systems: list[str], base: City) -> Flow:
    def some(least: int) -> tuple[str, ...]:
        return tuple(sorted(chance.sample(systems, chance.randint(least, len(systems)))))

    clients, servers = some(0), some(0)
    outside = [
        Ends(systems=clients, hosts=tuple(chance.sample(["desk", "db"], chance.randint(0, 2)))),
        Ends(systems=servers, prefixes=tuple(chance.sample(sorted(OUTSIDE), chance.randint(0, 2)))),
    ]
    chance.shuffle(outside)
    ends = [e if any((e.systems, e.hosts, e.prefixes)) else Ends(systems=some(1)) for e in outside]
    first = chance.randint(1, 60000)
    services = (f"{first}/tcp", f"{first}-{first + chance.randint(1, 500)}/udp")[: chance.randint(1, 2)]
    bridge = (chance.random() < 0.2 and any(base.waves)) or None
    return Flow(
        id=name,
        clients=ends[0],
        servers=ends[1],
        services=services,
        why="-",
        department="d0",
        starts=chance.choice((None, date(2026, 1, 1), date(2026, 12, 2))),
        until=chance.choice((date(2026, 11, 30), ON, date(2027, 1, 1))),
        bridge="w" if bridge else None,
    )


def _pairs(flow: Flow, systems: dict[str, System]) -> Iterator[Pair]:
    addresses = {"desk": "10.1.0.7/32", "db": "10.2.0.5/32"}

    def names(ends: Ends) -> list[str]:
        hosts = [addresses[host] for host in ends.hosts]
        return [*ends.systems, *hosts, *(OUTSIDE[prefix] for prefix in ends.prefixes)]

    for client in names(flow.clients):
        for server in names(flow.servers):
            if client in systems or server in systems:
                yield from ((client, server, service) for service in flow.services)


def programs() -> Path:
    """Return the folder of the programs."""
    return Path(__file__).parents[2] / "stacks"
