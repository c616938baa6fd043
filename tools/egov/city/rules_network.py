"""Rules on the network: what an interface, a translated prefix and a flow must fulfil. Run with the other rules.

Flows are refused where nobody could defend them in an audit: any-to-any, twice the same, straight from a private
network to the Internet (三(四)3), management services outside the management network (GB/T 22239-2019 8.1.5, 8.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from egov.city.codes import Code
from egov.city.fields import parsed_address, parsed_network
from egov.city.network import Ends, Flow
from egov.city.shape import Kinds
from egov.errors import Problem

if TYPE_CHECKING:
    from egov.city.model import City

# Remote administration: ssh, telnet, rdp, vnc; snmp and ipmi.
MANAGEMENT = frozenset({"22/tcp", "23/tcp", "3389/tcp", "5900/tcp", "161/udp", "623/udp"})
# Zones from which nobody reaches the Internet but through the extranet's own exit and its proxies.
NO_WAY_OUT = frozenset({"private", "department-lan", "county-access", "public"})


def addresses_of_both_versions(city: City, kinds: Kinds) -> Iterator[Problem]:
    """IPv6 and published addresses lie in the prefixes they belong to."""
    for host in city.hosts.values():
        for index, interface in enumerate(host.interfaces):
            prefix = city.prefixes.get(interface.prefix)
            if prefix is None:
                continue
            access = city.prefixes.get(prefix.translated_to or "")
            for name, value, network in (
                ("ipv6", interface.ipv6, prefix.ipv6),
                ("published", interface.published, access.prefix if access else None),
            ):
                if value is None or (network and parsed_address(value) in parsed_network(network)):
                    continue
                where = f"is not in {network}" if network else f"belongs to no prefix: {prefix.id} has none for it"
                loc = ("interfaces", index, name)
                yield kinds.problem("hosts", host.id, loc, Code.E303, f"{name}: {value} {where}", "地址不在网段内")


def flows_defensible(city: City, kinds: Kinds) -> Iterator[Problem]:
    """No any-to-any, no ends without members, no way round the exit, no management outside its network."""
    for flow in city.flows.values():
        for side in ("clients", "servers"):
            ends: Ends = getattr(flow, side)
            if not any((ends.zones, ends.prefixes, ends.hosts, ends.management)):
                yield kinds.problem("flows", flow.id, (side,), Code.E312, f"{side}: names nobody", "须写明对象")
        if len(flow.clients.zones) == len(city.zones) or len(flow.servers.zones) == len(city.zones):
            message = "clients, servers: every zone; say which"
            yield kinds.problem("flows", flow.id, ("clients",), Code.E312, message, "不允许任意到任意")
        if flow.starts and flow.until < flow.starts:
            message = f"until: {flow.until} is before starts {flow.starts}"
            yield kinds.problem("flows", flow.id, ("until",), Code.E313, message, "期限在起始之前")
        yield from _way_out(city, kinds, flow)
        yield from _management(city, kinds, flow)


def _way_out(city: City, kinds: Kinds, flow: Flow) -> Iterator[Problem]:
    private = sorted(zone for zone in _zones(city, flow.clients) if zone in _of_kinds(city, NO_WAY_OUT))
    outside = _zones(city, flow.servers) & _of_kinds(city, frozenset({"internet"}))
    if private and outside:
        message = f"servers: {private[0]} straight to the Internet; go through a proxy in the Internet access zone"
        yield kinds.problem("flows", flow.id, ("servers",), Code.E315, message, "互联网访问须经统一出口")


def _management(city: City, kinds: Kinds, flow: Flow) -> Iterator[Problem]:
    services = sorted(MANAGEMENT.intersection(flow.services))
    business = sorted(_zones(city, flow.servers) - _of_kinds(city, frozenset({"management"})))
    if services and business:
        message = f"services: {services[0]} is management; {business[0]} is a business zone"
        yield kinds.problem("flows", flow.id, ("services",), Code.E316, message, "管理流量须走管理网")


def _of_kinds(city: City, kinds: frozenset[str]) -> set[str]:
    return {zone.id for zone in city.zones.values() if zone.kind in kinds}


def _zones(city: City, ends: Ends) -> set[str]:
    """Return the zones an end touches."""
    prefixes = {*ends.prefixes, *(i.prefix for _, i in city.members(ends))}
    return {*ends.zones, *(city.prefixes[name].zone for name in prefixes)}


def flows_once(city: City, kinds: Kinds) -> Iterator[Problem]:
    """A flow that another one contains is noise that outlives its reason."""
    by_service: dict[str, list[Flow]] = defaultdict(list)
    for flow in city.flows.values():
        for service in flow.services:
            by_service[service].append(flow)
    for flow in city.flows.values():
        candidates = set.intersection(*({f.id for f in by_service[service]} for service in flow.services))
        for name in sorted(candidates - {flow.id}):
            other = city.flows[name]
            if not _inside(city, flow, other) or (_inside(city, other, flow) and other.id > flow.id):
                continue
            place = kinds.places["flows", other.id]
            message = f"{flow.id} is contained in {other.id} ({place.file}:{place.line})"
            yield kinds.problem("flows", flow.id, ("id",), Code.E314, message, "重复或被覆盖的访问关系")
            break


def _inside(city: City, inner: Flow, outer: Flow) -> bool:
    return (
        inner.until <= outer.until
        and (outer.starts or date.min) <= (inner.starts or date.min)
        and _within(city, inner.clients, outer.clients)
        and _within(city, inner.servers, outer.servers)
    )


def _within(city: City, inner: Ends, outer: Ends) -> bool:
    zones = set(outer.zones)
    prefixes = {*outer.prefixes, *(p.id for p in city.prefixes.values() if p.zone in zones)}
    named = city.members(outer)
    return (
        set(inner.zones) <= zones
        and set(inner.prefixes) <= prefixes
        and all(member in named or member[1].prefix in prefixes for member in city.members(inner))
    )


NETWORK_RULES = (addresses_of_both_versions, flows_defensible, flows_once)
