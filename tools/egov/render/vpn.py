"""VRFs as carrier routers take them from site to site: MPLS or SRv6 VPNs (RFC 4364, RFC 9252) as frr.conf. Pure.

The lab's kernel has neither VRF devices nor MPLS: there a VRF is a namespace, and these files are parsed, not run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal

from egov.city import City, Host, Interface
from egov.city.network import Vrf
from egov.render.frr import AREA, links, statics
from egov.render.reach import Reach

Form = Literal["mpls", "srv6"]
_FIRST_TABLE = 1000
_NAMES: dict[Form, str] = {"mpls": "MPLS", "srv6": "SRv6"}


def carriers(city: City, form: Form) -> list[Host]:
    """Return the routers that carry VRFs in a form: those with a loopback, and for SRv6 a locator."""
    found = [h for h in Reach(city).routers if h.loopback and (form == "mpls" or h.locator)]
    return sorted(found, key=lambda host: host.id)


def vpn(city: City, form: Form) -> dict[str, str]:
    """Return frr.conf of every carrier router, by host."""
    reach, routers = Reach(city), carriers(city, form)
    return {router.id: "\n".join(_lines(reach, router, routers, form)) + "\n" for router in routers}


def _lines(reach: Reach, router: Host, routers: list[Host], form: Form) -> Iterator[str]:
    transit = [i for i in router.interfaces[1:] if reach.kind(i.prefix) == "transit"]
    inside = _by_vrf(reach.city, [i for i in router.interfaces if i not in transit])
    yield f"! {router.id}: rendered from the description, for a kernel with VRF and {_NAMES[form]}"
    yield "frr defaults traditional"
    yield f"hostname {router.id}"
    yield "service integrated-vtysh-config"
    yield "!"
    for vrf, interfaces in inside.items():
        yield from _vrf(reach, router, vrf, interfaces)
    yield "interface lo"
    yield f" ip address {router.loopback}/32"
    yield "!"
    yield from links(transit)
    yield from _underlay(reach, router, transit)
    if form == "mpls":
        yield from _labels(router, transit)
    else:
        yield from _segments(router)
    carried = [vrf for vrf in inside if vrf.rd]
    if carried:
        as_number = str(carried[0].rd).partition(":")[0]  # one in the whole network (E317)
        yield from _sessions(router, [other for other in routers if other.id != router.id], form, as_number)
        for vrf in carried:
            yield from _carried(vrf, form, as_number)
    yield "line vty"


def _by_vrf(city: City, interfaces: list[Interface]) -> dict[Vrf, list[Interface]]:
    found: dict[str, list[Interface]] = defaultdict(list)
    for interface in interfaces:
        found[city.prefixes[interface.prefix].vrf].append(interface)
    return {city.vrfs[name]: found[name] for name in sorted(found)}


def _vrf(reach: Reach, router: Host, vrf: Vrf, interfaces: list[Interface]) -> Iterator[str]:
    """Name a VRF with its static routes; the device itself is the platform's to make."""
    table = _FIRST_TABLE + sorted(reach.city.vrfs).index(vrf.id)
    yield f"! ip link add {vrf.id} type vrf table {table}"
    for interface in interfaces:
        yield f"! ip link set {interface.name} master {vrf.id}"
    yield f"vrf {vrf.id}"
    for interface in interfaces[interfaces[0] == router.interfaces[0] :]:
        yield from (f" {line}" for line in statics(reach, router, interface))
    yield "exit-vrf"
    yield "!"


def _underlay(reach: Reach, router: Host, transit: list[Interface]) -> Iterator[str]:
    """Reach the other routers' loopbacks and locators over the links between sites."""
    yield "router ospf"
    yield f" ospf router-id {router.loopback}"
    yield f" network {router.loopback}/32 area {AREA}"
    for interface in transit:
        yield f" network {reach.city.prefixes[interface.prefix].prefix} area {AREA}"
    yield "!"
    yield "router ospf6"
    yield f" ospf6 router-id {router.loopback}"
    yield " redistribute connected"
    if router.locator:
        yield " redistribute static"
    yield "!"


def _labels(router: Host, transit: list[Interface]) -> Iterator[str]:
    yield "mpls ldp"
    yield f" router-id {router.loopback}"
    yield " address-family ipv4"
    yield f"  discovery transport-address {router.loopback}"
    for interface in transit:
        yield f"  interface {interface.name}"
        yield "  exit"
    yield " exit-address-family"
    yield "!"


def _segments(router: Host) -> Iterator[str]:
    yield f"ipv6 route {router.locator} blackhole"
    yield "segment-routing"
    yield " srv6"
    yield "  locators"
    yield "   locator city"
    yield f"    prefix {router.locator}"
    yield "   exit"
    yield "  exit"
    yield " exit"
    yield "exit"
    yield "!"


def _sessions(router: Host, others: list[Host], form: Form, as_number: str) -> Iterator[str]:
    yield f"router bgp {as_number}"
    yield f" bgp router-id {router.loopback}"
    yield " no bgp default ipv4-unicast"
    for other in others:
        yield f" neighbor {other.loopback} remote-as {as_number}"
        yield f" neighbor {other.loopback} update-source lo"
    if form == "srv6":
        yield " segment-routing srv6"
        yield "  locator city"
        yield " exit"
    for version in ("ipv4", "ipv6"):
        yield f" address-family {version} vpn"
        yield from (f"  neighbor {other.loopback} activate" for other in others)
        yield " exit-address-family"
    yield "!"


def _carried(vrf: Vrf, form: Form, as_number: str) -> Iterator[str]:
    yield f"router bgp {as_number} vrf {vrf.id}"
    for version in ("ipv4", "ipv6"):
        yield f" address-family {version} unicast"
        yield "  redistribute connected"
        yield "  redistribute static"
        yield f"  {'label' if form == 'mpls' else 'sid'} vpn export auto"
        yield f"  rd vpn export {vrf.rd}"
        yield f"  rt vpn both {vrf.rd}"
        yield "  export vpn"
        yield "  import vpn"
        yield " exit-address-family"
    yield "!"
