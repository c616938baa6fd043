"""Rules across kinds. Each is one function that yields problems; the loader runs all of them.

Addresses and prefixes are unique per VRF because departments' LANs overlap behind NAT (one prefix, one VRF, as NetBox).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from egov.city.codes import Code
from egov.city.fields import COUNT_ONLY, parsed_address, parsed_network
from egov.city.model import City
from egov.city.network import Prefix
from egov.city.shape import Kinds
from egov.errors import Problem

Rule = Callable[[City, Kinds], Iterator[Problem]]

_CLASSIFIED = re.compile(r"(?<!非)涉密|(?<!非)机密级|绝密级|秘密级")


def address_in_prefix(city: City, kinds: Kinds) -> Iterator[Problem]:
    """Each interface's address and gateway lie in the prefix it names."""
    for host in city.hosts.values():
        for index, interface in enumerate(host.interfaces):
            prefix = city.prefixes.get(interface.prefix)
            if prefix is None:
                continue
            network = parsed_network(prefix.prefix)
            for name, value in (("address", interface.address), ("gateway", interface.gateway)):
                if value is not None and parsed_address(value) not in network:
                    message = f"{name}: {value} is not in {prefix.id} {prefix.prefix}"
                    loc = ("interfaces", index, name)
                    yield kinds.problem("hosts", host.id, loc, Code.E303, message, "地址不在网段内")


def prefixes_apart(city: City, kinds: Kinds) -> Iterator[Problem]:
    """In one VRF prefixes do not overlap, but a container may hold smaller ones."""
    by_vrf = defaultdict(list)
    for prefix in city.prefixes.values():
        network = parsed_network(prefix.prefix)
        start = int(network.network_address)
        by_vrf[prefix.vrf, network.version].append((start, network.prefixlen, prefix))
    for members in by_vrf.values():
        members.sort(key=lambda member: member[:2])
        around: list[tuple[int, Prefix]] = []  # (end, prefix) of those that the current one lies in
        for start, _, prefix in members:
            while around and around[-1][0] <= start:
                around.pop()
            if around and not (around[-1][1].container and around[-1][1].prefix != prefix.prefix):
                outer = around[-1][1]
                message = f"prefix: {prefix.prefix} overlaps {outer.id} {outer.prefix} in VRF {prefix.vrf}"
                hint = "同一VRF内网段重叠; 若其一是容器请写 container: true"
                yield kinds.problem("prefixes", prefix.id, ("prefix",), Code.E304, message, hint)
            around.append((start + parsed_network(prefix.prefix).num_addresses, prefix))


def addresses_unique(city: City, kinds: Kinds) -> Iterator[Problem]:
    """In one VRF an address stands on one interface only."""
    first: dict[tuple[str, str], str] = {}
    for host in city.hosts.values():
        for index, interface in enumerate(host.interfaces):
            prefix = city.prefixes.get(interface.prefix)
            if prefix is None:
                continue
            if owner := first.get((prefix.vrf, interface.address)):
                message = f"address: {interface.address} is already on {owner} in VRF {prefix.vrf}"
                loc = ("interfaces", index, "address")
                yield kinds.problem("hosts", host.id, loc, Code.E306, message, "地址重复")
            else:
                first[prefix.vrf, interface.address] = f"{host.id} {interface.name}"


def rack_units(city: City, kinds: Kinds) -> Iterator[Problem]:
    """Devices fit into their rack, do not overlap, and stand in the rack's room."""
    taken: dict[tuple[str, int], str] = {}
    for device in city.devices.values():
        rack = city.racks.get(device.rack or "")
        if rack is None:
            continue
        if rack.room != device.room:
            message = f"rack: {rack.id} stands in {rack.room}, the device in {device.room}"
            yield kinds.problem("devices", device.id, ("rack",), Code.E311, message, "机柜与设备不在同一机房")
        if device.position_u is None:
            continue
        units = range(device.position_u, device.position_u + device.height_u)
        if units[-1] > rack.height_u:
            message = f"position_u: units {units[0]}-{units[-1]} do not fit rack {rack.id} of {rack.height_u}"
            yield kinds.problem("devices", device.id, ("position_u",), Code.E305, message, "超出机柜高度")
        for unit in units:
            other = taken.setdefault((rack.id, unit), device.id)
            if other != device.id:
                message = f"position_u: unit {unit} of rack {rack.id} is taken by {other}"
                yield kinds.problem("devices", device.id, ("position_u",), Code.E305, message, "机位重叠")
                break


def numbers_unique(city: City, kinds: Kinds) -> Iterator[Problem]:
    """A credit code, serial number or asset tag names one thing only."""
    for kind, name in (("departments", "credit_code"), ("devices", "serial"), ("devices", "asset_tag")):
        first: dict[str, str] = {}
        for item in getattr(city, kind).values():
            value = getattr(item, name)
            if value is not None and first.setdefault(value, item.id) != item.id:
                message = f"{name}: {value} already belongs to {first[value]}"
                yield kinds.problem(kind, item.id, (name,), Code.E309, message, "编号重复使用")


def no_classified_detail(city: City, kinds: Kinds) -> Iterator[Problem]:
    """Classified systems are counted per department, never described (六(五), R50)."""
    for system in city.systems.values():
        for name in ("name_zh", "function", "out_of_scope_reason"):
            if _CLASSIFIED.search(getattr(system, name) or ""):
                message = f"{name}: a classified system is counted at its department, never described"
                yield kinds.problem("systems", system.id, (name,), Code.E307, message, COUNT_ONLY)


def fields_agree(city: City, kinds: Kinds) -> Iterator[Problem]:
    """Fields that only make sense together."""
    loc: tuple[str, ...]
    for system in city.systems.values():
        if system.in_scope != (system.out_of_scope_reason is None):
            message = "in_scope: a system out of scope needs out_of_scope_reason, one in scope has none"
            loc = ("out_of_scope_reason",) if system.in_scope else ("in_scope",)
            yield kinds.problem("systems", system.id, loc, Code.E207, message, "不纳入整合范围须写明理由")
    for device in city.devices.values():
        if device.position_u is not None and device.rack is None:
            message = "position_u: a rack unit without a rack"
            yield kinds.problem("devices", device.id, ("position_u",), Code.E207, message, "有机位须有机柜")
    for department in city.departments.values():
        inner = department.inner_network
        if inner is not None and inner.approved_on is not None and inner.approval is None:
            message = "inner_network: approved_on without the number of the approval"
            loc = ("inner_network", "approved_on")
            yield kinds.problem("departments", department.id, loc, Code.E207, message, "有审批日期须有审批文号")


RULES: tuple[Rule, ...] = (
    address_in_prefix,
    prefixes_apart,
    addresses_unique,
    rack_units,
    numbers_unique,
    no_classified_detail,
    fields_agree,
)
