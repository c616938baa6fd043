"""Routing of every router as one frr.conf: static routes on trees, OSPF over the links between sites. Pure.

OSPF runs only on transit prefixes; everything else is passive. BFD (RFC 5880, 3 x 300 ms) notices a link that is cut
where the interface itself does not: with OSPF's own 3 s, TCP's retries would be at 6 s (R30: 可靠性; tests/lab).
"""

from __future__ import annotations

from collections.abc import Iterator

from egov.city import City, Host, Interface
from egov.city.fields import parsed_network
from egov.render.reach import Reach

HELLO_SECONDS = 1
DEAD_SECONDS = 3
AREA = "0.0.0.0"  # noqa: S104 - the backbone area, not an address to bind


def frr(city: City) -> dict[str, str]:
    """Return frr.conf of every router, by host."""
    reach = Reach(city)
    return {router.id: "\n".join(_lines(reach, router)) + "\n" for router in reach.routers}


def _lines(reach: Reach, router: Host) -> Iterator[str]:
    transit = [i for i in router.interfaces[1:] if reach.kind(i.prefix) == "transit"]
    yield f"! {router.id}: rendered from the description; changes by hand are found and undone"
    yield "frr defaults traditional"
    yield f"hostname {router.id}"
    yield "log syslog warnings"
    yield "service integrated-vtysh-config"
    # Kernel nexthop objects vanish with an interface, and FRR 8.4 does not bring their routes back (seen in tests/lab).
    yield "no zebra nexthop kernel enable"
    yield "!"
    yield from _published(reach, router)
    for interface in router.interfaces[1:]:
        yield from statics(reach, router, interface)
    yield "!"
    yield from links(transit)
    if transit:
        yield from _ospf(reach, router, transit)
    yield "line vty"


def links(transit: list[Interface]) -> Iterator[str]:
    """Speak OSPF on the links between sites, for both versions."""
    for interface in transit:
        yield f"interface {interface.name}"
        yield from (f" {line}" for line in _ospf_interface("ip ospf"))
        if interface.ipv6:
            yield f" ipv6 ospf6 area {AREA}"
            yield from (f" {line}" for line in _ospf_interface("ipv6 ospf6"))
        yield "!"


def _ospf_interface(word: str) -> Iterator[str]:
    yield f"{word} hello-interval {HELLO_SECONDS}"
    yield f"{word} dead-interval {DEAD_SECONDS}"
    yield f"{word} network point-to-point"
    yield f"{word} bfd"


def _published(reach: Reach, router: Host) -> Iterator[str]:
    """Take the addresses by which others reach hosts of a translated prefix."""
    for interface in router.interfaces[1:]:
        found = reach.translator(reach.city.prefixes[interface.prefix])
        if found is None or found[0].id != router.id:
            continue
        published = sorted(
            i.published for _, i in reach.members_of(reach.city.prefixes[interface.prefix]) if i.published
        )
        if published:
            yield f"interface {found[1].name}"
            yield from (f" ip address {address}/32" for address in published)
            yield "!"


def statics(reach: Reach, router: Host, interface: Interface) -> Iterator[str]:
    """Route to what lies behind a neighbouring router that speaks no OSPF with us; else by the default way."""
    if reach.kind(interface.prefix) == "transit":
        return
    own = {interface.prefix for interface in router.interfaces}
    neighbour = _neighbour(reach, router, interface)
    if interface.gateway:
        yield f"ip route 0.0.0.0/0 {interface.gateway}"
        if neighbour and neighbour.ipv6:
            yield f"ipv6 route ::/0 {neighbour.ipv6}"
        return
    if neighbour is None:
        return
    for name in sorted(reach.behind(router)[interface.name] - own):
        prefix = reach.city.prefixes[name]
        if not prefix.translated_to:
            yield f"ip route {prefix.prefix} {neighbour.address}"
        if prefix.ipv6 and neighbour.ipv6:
            yield f"ipv6 route {prefix.ipv6} {neighbour.ipv6}"


def _neighbour(reach: Reach, router: Host, interface: Interface) -> Interface | None:
    """Return the other router's interface on a prefix, the one that is the gateway if there are several."""
    others = [
        i
        for h, i in reach.members_of(reach.city.prefixes[interface.prefix])
        if h.id != router.id and h in reach.routers
    ]
    return next((i for i in others if i.address == interface.gateway), others[0] if others else None)


def _ospf(reach: Reach, router: Host, transit: list[Interface]) -> Iterator[str]:
    """Announce what is connected and what static routes lead to; the side of the centre is the others' default."""
    management = router.interfaces[0]
    default = any(reach.kind(i.prefix) == "internet" for i in router.interfaces)
    yield "ip prefix-list management seq 5 permit " + reach.city.prefixes[management.prefix].prefix
    yield "route-map announced deny 5"
    yield " match ip address prefix-list management"
    yield "route-map announced permit 10"
    yield "!"
    yield "router ospf"
    yield f" ospf router-id {management.address}"
    yield " redistribute connected route-map announced"
    yield " redistribute static"
    if default:
        yield " default-information originate always"
    for interface in transit:
        yield f" network {parsed_network(reach.city.prefixes[interface.prefix].prefix)} area {AREA}"
    yield "!"
    yield "router ospf6"
    yield f" ospf6 router-id {management.address}"
    yield " redistribute connected"
    yield " redistribute static"
    if default:
        yield " default-information originate always"
    yield "!"
