"""Which packets to send to prove the zones apart, and what must become of each: pure, from the description alone.

Every pair of described hosts in different prefixes, both versions of IP, every port that any flow names and some that
none does. For each the path is followed device by device; the first one that does not permit it must drop and count it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

from egov.city import City, Host, Interface
from egov.city.fields import parsed_address, parsed_network
from egov.render.flows import Compiler, firewalled
from egov.render.intent import Cell, Intent, Permit, Protocol, Service
from egov.render.nftables import counter
from egov.render.reach import ROUTER

# Ports that no flow of any city should need: discard and chargen.
NEVER = (Service("tcp", 9, 9), Service("udp", 19, 19))
UNMANAGED_PEERS = frozenset({"controller"})


@dataclass(frozen=True, slots=True)
class Probe:
    """One packet: from a host's interface, under a source, to a destination.

    drops: the counters of which exactly one must count it (two where two links are equally good), with their device;
    empty if it must arrive at *server*.
    """

    client: str
    interface: str
    server: str
    version: int
    protocol: Protocol
    port: int
    source: str
    destination: str
    device: str = ""
    drops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """A host's business interface, as a place to send from and to."""

    host: Host
    interface: Interface


class Prober:
    """Plans the probes of the hosts chosen (the lab's), on a day."""

    def __init__(self, city: City, on: date, hosts: list[Host]) -> None:
        self.city = city
        self.compiler = Compiler(city, on)
        self.reach = self.compiler.reach
        self.hosts = hosts
        self._guarded = {host.id for host in firewalled(city)}

    @cached_property
    def ends(self) -> list[End]:
        """Every host that is no router, by the interface that has a router."""
        plain = (h for h in self.hosts if ROUTER not in h.roles and not UNMANAGED_PEERS.intersection(h.roles))
        return [End(h, i) for h in plain for i in self.city.business(h) if i.gateway]

    @cached_property
    def services(self) -> list[Service]:
        """One service per edge of every range that a flow names, and some that none does."""
        edges = {(s.protocol, port) for p in self._permits() for s in p.services for port in (s.first, s.last)}
        return sorted({*(Service(protocol, port, port) for protocol, port in edges), *NEVER})

    def _permits(self) -> Iterator[Permit]:
        for router in self.reach.routers:
            for cell, permits in self._intent(router).cells.items():
                yield from permits if all(cell) else ()

    def _intent(self, router: Host) -> Intent:
        if router.id not in self._intents:
            self._intents[router.id] = self.compiler.intent(router)
        return self._intents[router.id]

    @cached_property
    def _intents(self) -> dict[str, Intent]:
        return {}

    def plan(self) -> Iterator[Probe]:
        """Yield every probe, in order of client, server, version and service; false sources last."""
        for client in self.ends:
            for server in self.ends:
                if client.interface.prefix != server.interface.prefix:
                    yield from self._pair(client, server)
            yield from self._spoofed(client)

    def _pair(self, client: End, server: End) -> Iterator[Probe]:
        path = self._path(client, server)
        for version in (4, 6):
            source = _address(client.interface, version)
            destination = self._reached_by(server, version)
            if not path or source is None or destination is None:
                continue
            for service in self.services:
                if (service.protocol, version) in {("icmp", 6), ("icmpv6", 4)}:
                    continue
                device, drops = self._fate(client, server, version, service, path)
                yield Probe(
                    client.host.id,
                    client.interface.name,
                    server.host.id,
                    version,
                    service.protocol,
                    service.first,
                    source,
                    destination,
                    device,
                    drops,
                )

    def _spoofed(self, client: End) -> Iterator[Probe]:
        """A packet of each version under somebody else's address: the first router must know better, and count it."""
        router, came_by = self._gateway(client)
        behind = self.reach.behind(router)[came_by.name]
        others = [end for end in self.ends if end.interface.prefix not in behind]
        for version in (4, 6):
            for false, server in pairwise(others):
                source, destination = _address(false.interface, version), self._reached_by(server, version)
                if source and destination and _address(client.interface, version):
                    yield Probe(
                        client.host.id,
                        client.interface.name,
                        server.host.id,
                        version,
                        "udp",
                        NEVER[1].first,
                        source,
                        destination,
                        router.id,
                        (counter("spoofed", came_by.name),),
                    )
                    break

    def _fate(
        self, client: End, server: End, version: int, service: Service, path: list[tuple[Host, list[Cell]]]
    ) -> tuple[str, tuple[str, ...]]:
        for device, cells in path:
            source = self._as_seen(client, device, version, opening=True)
            destination = self._as_seen(server, device, version, opening=False)
            permits = self._intent(device).cells
            if not any(_permitted(permits.get(cell, ()), source, destination, service) for cell in cells):
                return device.id, tuple(counter("drop", *cell) for cell in cells)
        return "", ()

    def _as_seen(self, end: End, device: Host, version: int, *, opening: bool) -> str:
        found = self.reach.seen_address(end.interface, device, opening=opening)
        return next(address for address in found if (":" in address) == (version == 6))  # noqa: PLR2004

    def _reached_by(self, server: End, version: int) -> str | None:
        """Return the address a client uses for a server: the published one, where the server's own is translated."""
        if version == 6:  # noqa: PLR2004
            return server.interface.ipv6
        translated = self.reach.translator(self.city.prefixes[server.interface.prefix])
        return server.interface.published if translated else server.interface.address

    def gateways(self) -> dict[str, tuple[str, str]]:
        """Return for each host that sends the router it sends to and that router's interface."""
        found = {end.host.id: self._gateway(end) for end in self.ends}
        return {host: (router.id, interface.name) for host, (router, interface) in found.items()}

    def _gateway(self, end: End) -> tuple[Host, Interface]:
        members = self.reach.members_of(self.city.prefixes[end.interface.prefix])
        return next((h, i) for h, i in members if i.address == end.interface.gateway)

    def _path(self, client: End, server: End) -> list[tuple[Host, list[Cell]]]:
        """Return the devices on the shortest way, each with the cells a packet may take (two links: two cells)."""
        steps: list[tuple[Host, list[Cell]]] = []
        router, came = self._gateway(client)
        arrived = [came.name]
        for _ in self.reach.routers:
            leaves = self._leaving(router, arrived, server.interface.prefix)
            steps.append((router, [(i, o.name) for i in arrived for o in leaves]))
            if not leaves:
                return []
            if leaves[0].prefix == server.interface.prefix:
                return steps
            prefixes = {o.prefix for o in leaves}
            beyond = [
                (h, i)
                for p in sorted(prefixes)
                for h, i in self.reach.members_of(self.city.prefixes[p])
                if h is not router
            ]
            routers = [(h, i) for h, i in beyond if ROUTER in h.roles]
            if not routers:
                return []
            router, arrived = routers[0][0], [i.name for h, i in routers if h is routers[0][0]]
        return []

    def _leaving(self, router: Host, arrived: list[str], target: str) -> list[Interface]:
        behind = self.reach.behind(router)
        direct = [i for i in router.interfaces[1:] if i.prefix == target]
        ways = [i for i in router.interfaces[1:] if target in behind[i.name] and i.name not in arrived]
        return direct or ways


def _permitted(permits: tuple[Permit, ...], source: str, destination: str, service: Service) -> bool:
    return any(
        _within(source, p.sources)
        and _within(destination, p.destinations)
        and any(s.protocol == service.protocol and s.first <= service.first <= s.last for s in p.services)
        for p in permits
    )


def _within(address: str, networks: tuple[str, ...]) -> bool:
    parsed = parsed_address(address)
    return any(parsed in parsed_network(text) for text in networks)


def _address(interface: Interface, version: int) -> str | None:
    return interface.ipv6 if version == 6 else interface.address  # noqa: PLR2004
