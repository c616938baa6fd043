"""Flows → what each workload may reach and be reached by: the flow compiler's answer for the cloud. Pure.

A workload is meant only by flows that name its system. Flows of zones, prefixes and hosts that happen to hold its host
are the host's: they open no door to what runs there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from egov.city import City, Ends, Flow, Host
from egov.city.workloads import CONTAINER_HOST
from egov.render.flows import open_flows, services
from egov.render.intent import Service
from egov.render.reach import Reach, merged


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a flow as a workload sees it: systems that are workloads, and networks outside the cloud."""

    systems: tuple[str, ...]
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Door:
    """A flow that opens something to or from workloads."""

    flow: Flow
    clients: Side
    servers: Side
    services: tuple[Service, ...]


def doors(city: City, on: date) -> list[Door]:
    """Return what the flows that are open on a day mean for workloads, by flow; flows that name none are left out."""
    reach = Reach(city)
    carriers = sorted((h for h in city.hosts.values() if CONTAINER_HOST in h.roles), key=lambda host: host.id)
    found = []
    for flow in open_flows(city, on):
        if not any(_runs(city, name) for name in (*flow.clients.systems, *flow.servers.systems)):
            continue
        clients = _side(city, reach, carriers, flow.clients, opening=True)
        servers = _side(city, reach, carriers, flow.servers, opening=False)
        found.append(Door(flow, clients, servers, services(flow)))
    return found


def _runs(city: City, system: str) -> bool:
    return city.systems[system].workload is not None


def _side(city: City, reach: Reach, carriers: list[Host], ends: Ends, *, opening: bool) -> Side:
    inside = tuple(sorted({name for name in ends.systems if _runs(city, name)}))
    outside = ends.model_copy(update={"systems": tuple(name for name in ends.systems if not _runs(city, name))})
    seen = [a for host in carriers for s in reach.seen(outside, host, opening=opening) for a in s.addresses]
    return Side(inside, merged(seen))


Reached = tuple[str, str, str, int, int]
"""Who opens, who answers (a system, or a network), protocol, first and last port."""


def reachable(city: City, on: date) -> frozenset[Reached]:
    """Return all that flows let workloads reach and be reached by; a system reaches itself without a flow."""
    return frozenset(_reached(city, on))


def _reached(city: City, on: date) -> Iterator[Reached]:
    for door in doors(city, on):
        for service in door.services:
            for client in (*door.clients.systems, *door.clients.networks):
                for server in (*door.servers.systems, *door.servers.networks):
                    # Between two ends outside the cloud it is the routers' matter.
                    if client in door.clients.systems or server in door.servers.systems:
                        yield client, server, service.protocol, service.first, service.last
