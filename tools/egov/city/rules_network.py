"""Rules on the network: what an interface, a translated prefix and a flow must fulfil. Run with the other rules.

Flows are refused where nobody could defend them in an audit: any-to-any, twice the same, straight from a private
network to the Internet (三(四)3), management services outside the management network (GB/T 22239-2019 8.1.5, 8.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from egov.city.codes import Code
from egov.city.fields import parsed_address, parsed_network
from egov.city.network import Ends, Flow, ports
from egov.city.shape import Kinds
from egov.errors import Problem

if TYPE_CHECKING:
    from egov.city.model import City

# Remote administration: ssh, telnet, rdp, vnc; snmp and ipmi.
MANAGEMENT = ("22/tcp", "23/tcp", "3389/tcp", "5900/tcp", "161/udp", "623/udp")
_LONGEST_INTERFACE = 15  # IFNAMSIZ of Linux, less the end mark
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
            if not any((ends.zones, ends.prefixes, ends.hosts, ends.management, ends.systems)):
                yield kinds.problem("flows", flow.id, (side,), Code.E312, f"{side}: names nobody", "须写明对象")
            if len(city.zones) > 1 and city.zones.keys() == set(ends.zones):
                message = f"{side}: every zone; name those that need it"
                yield kinds.problem("flows", flow.id, (side, "zones"), Code.E312, message, "不允许任意到任意")
        if flow.starts and flow.until < flow.starts:
            message = f"until: {flow.until} is before starts {flow.starts}"
            yield kinds.problem("flows", flow.id, ("until",), Code.E313, message, "期限在起始之前")
        yield from _way_out(city, kinds, flow)
        yield from _management(city, kinds, flow)


def _way_out(city: City, kinds: Kinds, flow: Flow) -> Iterator[Problem]:
    private = sorted({zone for _, zone in _members(city, flow.clients) if city.zones[zone].kind in NO_WAY_OUT})
    for loc, zone in _members(city, flow.servers) if private else ():
        if city.zones[zone].kind == "internet":
            message = f"servers: {private[0]} straight to the Internet; go through a proxy in the Internet access zone"
            yield kinds.problem("flows", flow.id, ("servers", *loc), Code.E315, message, "互联网访问须经统一出口")
            return


def _management(city: City, kinds: Kinds, flow: Flow) -> Iterator[Problem]:
    business = sorted({zone for _, zone in _members(city, flow.servers) if city.zones[zone].kind != "management"})
    for index, service in enumerate(flow.services) if business else ():
        held = [port for port in MANAGEMENT if _covers(service, port)]
        if held:
            named = service if service in MANAGEMENT else f"{service} holds {held[0]}, which"
            message = f"services: {named} is management; {business[0]} is a business zone"
            yield kinds.problem("flows", flow.id, ("services", index), Code.E316, message, "管理流量须走管理网")


def _covers(outer: str, inner: str) -> bool:
    """Say whether a service holds another one."""
    protocol, first, last = ports(outer)
    other, lowest, highest = ports(inner)
    return protocol == other and first <= lowest and highest <= last


def _members(city: City, ends: Ends) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every member of a side by where it is written, with each zone that it touches."""
    for index, zone in enumerate(ends.zones):
        yield ("zones", index), zone
    for index, prefix in enumerate(ends.prefixes):
        yield ("prefixes", index), city.prefixes[prefix].zone
    for index, host in enumerate(ends.hosts):
        for interface in city.business(city.hosts[host]):
            yield ("hosts", index), city.prefixes[interface.prefix].zone
    for index, host in enumerate(ends.management):
        yield ("management", index), city.prefixes[city.hosts[host].interfaces[0].prefix].zone
    for index, system in enumerate(ends.systems):
        for carrier in city.carriers(city.systems[system]):
            for interface in city.business(carrier):
                yield ("systems", index), city.prefixes[interface.prefix].zone


def flows_once(city: City, kinds: Kinds) -> Iterator[Problem]:
    """A flow that another one contains is noise that outlives its reason."""
    by_service: dict[str, list[Flow]] = defaultdict(list)
    for flow in city.flows.values():
        for service in flow.services:
            by_service[service].append(flow)
    covering = {
        inner: {flow.id for outer, flows in by_service.items() if _covers(outer, inner) for flow in flows}
        for inner in by_service
    }
    around = {
        flow.id: set.intersection(*(covering[service] for service in flow.services)) - {flow.id}
        for flow in city.flows.values()
    }
    sides = {flow.id: (_side(city, flow.clients), _side(city, flow.servers)) for flow in city.flows.values()}

    def inside(inner: Flow, outer: Flow) -> bool:
        long_enough = inner.until <= outer.until and (outer.starts or date.min) <= (inner.starts or date.min)
        return long_enough and all(map(_within, sides[inner.id], sides[outer.id]))

    for flow in city.flows.values():
        for name in sorted(around[flow.id]):
            other = city.flows[name]
            if not inside(flow, other) or flow.clients.systems or flow.servers.systems:
                continue  # hosts let a workload's packets pass for the whole host; its own policy is narrower
            if name > flow.id and flow.id in around[name] and inside(other, flow):
                continue  # of two that are alike one must go: said of the one later by name
            place = kinds.places["flows", name]
            message = f"{flow.id} is contained in {name} ({place.file}:{place.line})"
            yield kinds.problem("flows", flow.id, ("id",), Code.E314, message, "重复或被覆盖的访问关系")
            break


class _Side(NamedTuple):
    """One side of a flow, made comparable: what it names, and every prefix that it holds whole."""

    zones: frozenset[str]
    named: frozenset[str]
    whole: frozenset[str]
    members: Mapping[tuple[str, str], str]


def _side(city: City, ends: Ends) -> _Side:
    zones = frozenset(ends.zones)
    in_zones = {prefix.id for prefix in city.prefixes.values() if prefix.zone in zones}
    members = {(host.id, interface.name): interface.prefix for host, interface in city.members(ends)}
    return _Side(zones, frozenset(ends.prefixes), frozenset(in_zones.union(ends.prefixes)), members)


def _within(inner: _Side, outer: _Side) -> bool:
    return (
        inner.zones <= outer.zones
        and inner.named <= outer.whole
        and all(member in outer.members or prefix in outer.whole for member, prefix in inner.members.items())
    )


def vrfs_carried(city: City, kinds: Kinds) -> Iterator[Problem]:
    """A VRF between sites has a name that a Linux router takes, and the one AS number that the network has."""
    carried = [vrf for vrf in city.vrfs.values() if vrf.rd]
    for vrf in carried:
        first, own = (str(one.rd).partition(":")[0] for one in (carried[0], vrf))
        if len(vrf.id) > _LONGEST_INTERFACE:
            message = f"id: {vrf.id} has more than {_LONGEST_INTERFACE} characters; a VRF is an interface of its router"
            yield kinds.problem("vrfs", vrf.id, ("id",), Code.E317, message, "路由域名称过长")
        if own != first:
            message = f"rd: AS {own}, but {carried[0].id} has AS {first}; the network has one"
            yield kinds.problem("vrfs", vrf.id, ("rd",), Code.E317, message, "自治系统号不一致")


NETWORK_RULES = (addresses_of_both_versions, flows_defensible, flows_once, vrfs_carried)
