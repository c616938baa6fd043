"""The one flow compiler: flows of the description → what each router and host is meant to let through. Pure.

Nothing else in the project decides what a firewall passes: nftables files, NetworkPolicies and the proof read `Intent`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from egov.city import City, Ends, Flow, Host
from egov.city.fields import parsed_network
from egov.city.network import ports
from egov.city.placement import Pod, pods
from egov.city.workloads import CONTAINER_HOST
from egov.render.intent import LOCAL, Cell, Intent, Permit, Service
from egov.render.nat import PodTranslation, Translation, translation
from egov.render.nftables import ruleset
from egov.render.reach import EVERYTHING, ROUTER, Reach, Seen, merged

# Hosts that a department runs itself: the city's firewalls stand in front of them, not on them.
UNMANAGED = frozenset({"department-legacy", "internet-peer", "controller"})
# What an interface needs before any flow can pass: IPv6 neighbour discovery (RFC 4861, 4862) with its own sources.
DISCOVERY = Permit("ipv6-neighbour-discovery", ("::/0",), ("::/0",), (Service("icmpv6", 133, 136),), tracked=False)
MULTICAST = Permit(
    "ipv6-multicast-listener", ("::/0",), ("ff02::16/128",), (Service("icmpv6", 143, 143),), tracked=False
)
LINK_LOCAL = ("fe80::/10", "::/128")
_ROUTERS = ("ff02::5/128", "ff02::6/128", "224.0.0.5/32", "224.0.0.6/32")
PODS = "pods0"
"""The bridge of a container host's own pods, as the role `container_host` names it."""


def routing(links: Iterable[str]) -> tuple[Permit, ...]:
    """Return what routers say to each other on the links between sites: OSPF, and BFD (RFC 5881, port 3784)."""
    ends = merged([*links, "fe80::/10"])
    hello = Permit("ospf", ends, merged([*ends, *_ROUTERS]), (Service("ospf", 0, 0),))
    return hello, Permit("bfd", ends, ends, (Service("udp", 3784, 3784),))


def open_flows(city: City, on: date) -> list[Flow]:
    """Return the flows that are open on a day, by id."""
    return sorted((flow for flow in city.flows.values() if flow.is_open(on)), key=lambda flow: flow.id)


def closed_flows(city: City, on: date) -> list[Flow]:
    """Return the flows that are described and not open on a day (not yet, or no more), by id."""
    return sorted((flow for flow in city.flows.values() if not flow.is_open(on)), key=lambda flow: flow.id)


def firewalled(city: City) -> list[Host]:
    """Return the devices that get a ruleset: routers, and every host the city itself runs; none without flows."""
    hosts = (host for host in city.hosts.values() if not UNMANAGED.intersection(host.roles))
    return sorted(hosts, key=lambda host: host.id) if city.flows else []


def services(flow: Flow) -> tuple[Service, ...]:
    """Return a flow's services; `ping` is an echo request of either version."""
    found: list[Service] = []
    for text in flow.services:
        protocol, first, last = ports(text)
        if protocol == "ping":
            found += [Service("icmp", 8, 8), Service("icmpv6", 128, 128)]
        else:
            found.append(Service("tcp" if protocol == "tcp" else "udp", first, last))
    return tuple(sorted(found))


def alone(host: Host) -> bool:
    """Say whether nothing but the rendered file decides what a host passes on: false on the hosts of a cluster."""
    return CONTAINER_HOST not in host.roles or host.pods is not None


class Compiler:
    """Compiles the flows of a city that are open on a day, device by device."""

    def __init__(self, city: City, on: date) -> None:
        self.reach = Reach(city)
        self.flows = open_flows(city, on)
        self.closed = closed_flows(city, on)
        self._pods: dict[str, list[Pod]] = defaultdict(list)
        for pod in pods(city, on):
            self._pods[pod.host].append(pod)

    def intent(self, host: Host) -> Intent:
        """Return what a device is meant to let through, cell by cell."""
        cells = self._basics(host)
        self._add(host, self.flows, cells)
        closed: dict[Cell, list[Permit]] = defaultdict(list)
        self._add(host, self.closed, closed)
        sources = {i.name: self._sources(host, i.name) for i in host.interfaces}
        if host.pods is not None:
            sources[PODS] = (host.pods,)
        calls = {cell: [found for permit in permits if (found := permit.calls)] for cell, permits in closed.items()}
        return Intent(host.id, _sorted(cells), sources, _sorted(calls))

    def _add(self, host: Host, flows: Iterable[Flow], cells: dict[Cell, list[Permit]]) -> None:
        """Add what flows let through a device."""
        for flow in flows:
            if ROUTER in host.roles:
                self._forwarded(host, flow, cells)
            self._own(host, flow, cells)
            if host.pods is not None:
                self._to_and_from_pods(host, flow, cells)

    def _basics(self, host: Host) -> dict[Cell, list[Permit]]:
        """Return what a device lets through whatever the flows: neighbours, routing, and if its pods are well."""
        cells: dict[Cell, list[Permit]] = defaultdict(list)
        for interface in host.interfaces:
            for cell in ((interface.name, LOCAL), (LOCAL, interface.name)):
                cells[cell] += [DISCOVERY, MULTICAST]
                if ROUTER in host.roles and self.reach.kind(interface.prefix) == "transit":
                    prefix = self.reach.city.prefixes[interface.prefix]
                    cells[cell] += routing(filter(None, (prefix.prefix, prefix.ipv6)))
        if host.pods is not None:
            cells[LOCAL, PODS] += [DISCOVERY, MULTICAST]  # what the kernel says on any bridge; pods have no IPv6
            gateway = f"{parsed_network(host.pods)[1]}/32"
            for pod in self._pods[host.id]:
                well = (Service("tcp", pod.port, pod.port),)
                cells[LOCAL, PODS].append(Permit(f"health-{pod.system}", (gateway,), (f"{pod.address}/32",), well))
        return cells

    def translation(self, host: Host) -> Translation | PodTranslation:
        """Return the addresses that a device translates."""
        if host.pods is None:
            return translation(self.reach, host)
        return PodTranslation(PODS, host.pods, tuple(self._pods[host.id]), tuple(self.reach.city.business(host)))

    def _sources(self, host: Host, interface: str) -> tuple[str, ...]:
        if ROUTER in host.roles:
            return merged([*self.reach.sources_behind(host, interface), *LINK_LOCAL])
        return EVERYTHING  # an end host has one way in; its router has checked

    def _forwarded(self, host: Host, flow: Flow, cells: dict[Cell, list[Permit]]) -> None:
        """Add what a router passes on: between interfaces that lead to different places, and never for management."""
        behind = self.reach.behind(host)
        names = [interface.name for interface in host.interfaces[1:]]
        clients = list(self.reach.seen(flow.clients, host, opening=True))
        servers = list(self.reach.seen(flow.servers, host, opening=False))
        coming = {name: _addresses(clients, behind[name]) for name in names}
        going = {name: _addresses(servers, behind[name]) for name in names}
        for i in names:
            for o in names:
                if coming[i] and going[o] and not behind[i] & behind[o]:
                    cells[i, o].append(Permit(flow.id, coming[i], going[o], services(flow)))

    def _to_and_from_pods(self, host: Host, flow: Flow, cells: dict[Cell, list[Permit]]) -> None:
        """Add what a host passes on for its own pods."""
        here = {pod.system: f"{pod.address}/32" for pod in self._pods[host.id]}
        clients = merged(here[name] for name in flow.clients.systems if name in here)
        servers = merged(here[name] for name in flow.servers.systems if name in here)
        asking = _addresses(self.reach.seen(flow.clients, host, opening=True), None)
        answering = _addresses(self.reach.seen(flow.servers, host, opening=False), None)
        for interface in self.reach.city.business(host):
            if clients and answering:
                cells[PODS, interface.name].append(Permit(flow.id, clients, answering, services(flow)))
            if servers and asking:
                cells[interface.name, PODS].append(Permit(flow.id, asking, servers, services(flow)))
        if clients and servers:
            cells[PODS, PODS].append(Permit(flow.id, clients, servers, services(flow)))

    def _itself(self, ends: Ends) -> Ends:
        """Return one side of a flow as it means a container host itself: what its pods are meant by is theirs."""
        systems = self.reach.city.systems
        return ends.model_copy(update={"systems": tuple(s for s in ends.systems if systems[s].workload is None)})

    def _own(self, host: Host, flow: Flow, cells: dict[Cell, list[Permit]]) -> None:
        """Add what a device itself answers and opens."""
        behind = self.reach.behind(host)
        clients = list(self.reach.seen(flow.clients, host, opening=True))
        servers = list(self.reach.seen(flow.servers, host, opening=False))
        clients_itself, servers_itself = clients, servers
        if host.pods is not None:
            clients_itself = list(self.reach.seen(self._itself(flow.clients), host, opening=True))
            servers_itself = list(self.reach.seen(self._itself(flow.servers), host, opening=False))
        for interface in host.interfaces:
            mine = merged([f"{interface.address}/32", *([f"{interface.ipv6}/128"] if interface.ipv6 else [])])
            there = None if len(host.interfaces) == 1 or ROUTER not in host.roles else behind[interface.name]
            asked = _addresses(clients, there)
            if _holds(servers_itself, interface.prefix, mine) and asked:
                cells[interface.name, LOCAL].append(Permit(flow.id, asked, mine, services(flow)))
            answered = _addresses(servers, there)
            if _holds(clients_itself, interface.prefix, mine) and answered:
                cells[LOCAL, interface.name].append(Permit(flow.id, mine, answered, services(flow)))


def _sorted(cells: Mapping[Cell, list[Permit]]) -> dict[Cell, tuple[Permit, ...]]:
    return {cell: tuple(permits) for cell, permits in sorted(cells.items()) if permits}


def _addresses(seen: Iterable[Seen], among: Iterable[str] | None) -> tuple[str, ...]:
    chosen = [a for s in seen if among is None or s.prefix in among for a in s.addresses]
    return merged(chosen)


def _holds(seen: Iterable[Seen], prefix: str, mine: tuple[str, ...]) -> bool:
    """Say whether an interface is itself one of the members of a side: its prefix is, or its address is named."""
    return any(one.prefix == prefix and merged([*one.addresses, *mine]) == merged(one.addresses) for one in seen)


def rulesets(city: City, on: date) -> dict[str, str]:
    """Return the nftables file of every device that gets one, by host."""
    compiler = Compiler(city, on)
    logged = [flow.id for flow in compiler.flows if flow.log]

    def place(flow: str) -> str:
        found = city.places.get(("flows", flow))
        return f"{found.file}:{found.line}" if found else ""

    return {
        host.id: ruleset(
            compiler.intent(host),
            place,
            compiler.translation(host),
            forwards=ROUTER in host.roles or host.pods is not None,
            alone=alone(host),
            logged=logged,
        )
        for host in firewalled(city)
    }
