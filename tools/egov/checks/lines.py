"""R14 整合专网专线, 三(四)3; R12 政务外网全覆盖 and R30, 三(四)1; R21, 198·二(三): lines, ways out, accesses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import Field

from egov.checks.registry import Judgement, NoParameters, check, judge, undetermined
from egov.city import Circuit, Department, Flow, Host, Prefix
from egov.city.fields import Day, Part, parsed_address, parsed_network
from egov.city.model import Level
from egov.city.network import Access
from egov.facts import ExitSeen, Facts, FlowCount, InterfaceAddress, Listener, NotObserved, PacketPair, Route, Ruleset
from egov.render.canonical import counted_flows
from egov.render.reach import ROUTER, Reach


class LeaseParameters(Part):
    """Last year whose budget pays for private lines."""

    last_budget_year: int = Field(ge=2017)


def leads_out(circuit: Circuit, _facts: Facts) -> bool:
    """Say whether the line is one that the plan wants ended or merged, or leaves to the State."""
    return circuit.purpose in {"internet", "business-network", "national-network"}


@check("private-line", of=Circuit, when=leads_out, outcomes=("ended", "still-leased"))
def private_line(circuit: Circuit, facts: Facts, p: LeaseParameters) -> Judgement:
    """Internet lines of departments are cancelled; business networks that qualify are merged; national ones are listed.

    「自行租用的互联网专线全部取消 … 2019年市财政不再安排相关网络的租赁费用」
    """
    shown: dict[str, Any] = {
        "provider": circuit.provider,
        "contract_until": circuit.contract_until,
        "yearly_cost_cny": circuit.yearly_cost_cny,
        "network": circuit.network,
        "beyond_budget": circuit.contract_until > date(p.last_budget_year, 12, 31),
    }
    if any(exit_.circuit == circuit.id and exit_.kind == "unified" for exit_ in facts.city.exits.values()):
        return judge(True, "unified-exit", **shown)
    if circuit.contract_until < facts.as_of:
        return judge(True, **shown)
    if circuit.purpose == "national-network":
        return judge(True, "national-schedule", **shown)
    if circuit.purpose == "internet":
        return judge(False, **shown)
    if circuit.mergeable is None or (circuit.mergeable is False and circuit.merge_reason is None):
        return undetermined(["Circuit.mergeable" if circuit.mergeable is None else "Circuit.merge_reason"], **shown)
    return judge(not circuit.mergeable, "stays-apart" if not circuit.mergeable else "to-merge", **shown)


class ExitParameters(Part):
    """Ports by which a host lends its own way out to others."""

    proxy_ports: tuple[str, ...] = ()


def inside(host: Host, facts: Facts) -> bool:
    """Say whether the host belongs into the extranet: it stands in no zone of the Internet itself, and is no router."""
    kinds = {facts.city.zones[facts.city.prefixes[i.prefix].zone].kind for i in facts.city.business(host)}
    return (
        bool(facts.city.exits) and ROUTER not in host.roles and "controller" not in host.roles and kinds != {"internet"}
    )


@check("private-exit", of=Host, when=inside, outcomes=("only-extranet", "private-exit"))
def private_exit(host: Host, facts: Facts, p: ExitParameters) -> Judgement:
    """No way to the Internet but the extranet's own: addresses, routes, proxies and what arrived outside must agree."""
    addresses, routes = facts.snapshot(InterfaceAddress, host), facts.snapshot(Route, host)
    listeners = facts.snapshot(Listener, host) if facts.covered(Listener, host) else []
    seen = facts.snapshot(ExitSeen, host) if facts.covered(ExitSeen, host) else []
    unified = {a for e in facts.city.exits.values() if e.kind == "unified" for a in e.addresses}
    gateways = {g for i in host.interfaces for g in (i.gateway,) if g}
    is_exit = any(address in unified for i in host.interfaces for address in (i.address, i.ipv6))
    lent = [] if is_exit else [r for r in listeners if f"{r.port}/{r.protocol}" in p.proxy_ports]
    signals = [
        *((f"{r.interface} {r.address}", r) for r in addresses if _outside(facts, r.address)),
        *((f"default {r.gateway}", r) for r in routes if _strange(facts, host, r, gateways)),
        *((f"{r.port}/{r.protocol}", r) for r in lent),
        *((f"{r.way} {r.seen}", r) for r in seen if r.seen and r.seen not in unified),
    ]
    cites = [row for _, row in signals] or [*addresses, *seen]
    since = min((row.observed_at.date() for _, row in signals), default=None)
    shown: dict[str, Any] = {"signals": [*dict.fromkeys(text for text, _ in signals)], "since": since}
    if not signals and not seen:
        return undetermined(["ExitSeen"], cites=cites, **shown)
    return judge(not signals, cites=cites, **shown)


def _outside(facts: Facts, address: str) -> bool:
    """Say whether an address lies in a prefix of the Internet, or in none at all though it is routed publicly."""
    parsed = parsed_address(address.partition("/")[0].partition("%")[0])
    if parsed.is_loopback or parsed.is_link_local:
        return False
    zones = {
        facts.city.zones[prefix.zone].kind
        for prefix in facts.city.prefixes.values()
        for text in (prefix.prefix, prefix.ipv6)
        if text and parsed in parsed_network(text)
    }
    return zones == {"internet"} or (not zones and parsed.is_global)


def _strange(facts: Facts, host: Host, route: Route, gateways: set[str]) -> bool:
    """Say whether a default route leads by a gateway that is no described router's address on one of its prefixes."""
    if route.destination != "default" or not route.gateway or route.gateway in gateways:
        return False
    own = {interface.prefix for interface in host.interfaces}
    routers = (h for h in facts.city.hosts.values() if ROUTER in h.roles)
    known = {a for h in routers for i in h.interfaces if i.prefix in own for a in (i.address, i.ipv6)}
    return route.gateway not in known and not parsed_address(route.gateway.partition("%")[0]).is_link_local


class CoverageParameters(Part):
    """By which day units of each level must be covered, and access classes that keep an exit of their own."""

    levels: Mapping[Level, Day] = Field(min_length=1)
    own_exit_classes: tuple[str, ...] = ("C", "E")


def has_accesses(_department: Department, facts: Facts) -> bool:
    """Say whether the city describes accesses at all."""
    return bool(facts.city.accesses)


@check("extranet-access", of=Department, when=has_accesses, outcomes=("answers", "no-access"))
def extranet_access(department: Department, facts: Facts, p: CoverageParameters) -> Judgement:
    """A unit is covered when its access is declared, configured and *answering*; a declaration alone proves nothing."""
    accesses = _accesses(department, facts)
    shown: dict[str, Any] = {
        "level": department.level,
        "classes": sorted({a.access_class for a in accesses}),
        "configured": sorted(a.id for a in accesses if _configured(a, facts)),
        "by": p.levels.get(department.level),
    }
    rows = [row for access in accesses for row in _packets(access, facts)]
    shown["packets"] = sum(row.arrived for row in rows)
    own_exit = any(a.access_class in p.own_exit_classes for a in accesses)
    if shown["packets"] and not own_exit:
        return judge(True, cites=rows, **shown)
    if shown["by"] is None or facts.as_of <= shown["by"]:
        return judge(True, "later", cites=rows, **shown)
    if own_exit:
        return judge(False, "own-exit", cites=rows, **shown)
    if not accesses:
        return judge(False, **shown)
    return judge(False, "silent", cites=rows, **shown) if rows else undetermined(["PacketPair"], **shown)


def _accesses(department: Department, facts: Facts) -> list[Access]:
    return [access for access in facts.city.accesses.values() if access.department == department.id]


def _configured(access: Access, facts: Facts) -> bool:
    """Say whether a router was seen to have its described address in the access's range."""
    ends = [(h, i.address) for h, i in Reach(facts.city).members_of(facts.city.prefixes[access.prefix])]
    return any(
        row.address.partition("/")[0] == address
        for host, address in ends
        if ROUTER in host.roles and facts.covered(InterfaceAddress, host)
        for row in facts.snapshot(InterfaceAddress, host)
    )


class ApprovalParameters(Part):
    """Hosts by which the approval system is reached over the extranet."""

    entrances: tuple[str, ...] = Field(min_length=1)


def has_access(department: Department, facts: Facts) -> bool:
    """Say whether the unit has an access of its own on record; that others have none is what R12 judges."""
    return bool(_accesses(department, facts))


@check("approval-path", of=Department, when=has_access, outcomes=("reaches", "silent"))
def approval_path(department: Department, facts: Facts, p: ApprovalParameters) -> Judgement:
    """From its own LAN, over the extranet, a department reaches the approval system: packets arrived there.

    「审核、审批人员在本部门通过政务外网登录网上审批系统即可办理相关工作」(葫政办发〔2017〕198号 二(三)).
    """
    rows = [r for a in _accesses(department, facts) for r in _packets(a, facts) if r.server in p.entrances]
    if not rows:
        return undetermined(["PacketPair"], entrances=p.entrances)
    arrived = sum(row.arrived for row in rows)
    return judge(arrived > 0, cites=rows, packets=arrived, entrances=p.entrances)


def _packets(access: Access, facts: Facts) -> list[PacketPair]:
    """Return what was sent, with the flows' leave, from hosts behind an access."""
    city = facts.city
    behind = {p.id for p in city.prefixes.values() if access.prefix in {p.id, p.translated_to}}
    hosts = [h for h in city.hosts.values() if ROUTER not in h.roles and any(i.prefix in behind for i in h.interfaces)]
    found: list[PacketPair] = []
    for host in hosts:
        try:
            found += [row for row in facts.snapshot(PacketPair, host) if row.permitted]
        except NotObserved:
            continue
    return found


def routes(host: Host, facts: Facts) -> bool:
    """Say whether the host is a router among others."""
    return ROUTER in host.roles and bool(facts.city.flows)


@check("single-router", of=Host, when=routes, outcomes=("replaceable", "single-point"))
def single_router(host: Host, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """Zones that can reach each other only through one router are apart when it fails."""
    reach = Reach(facts.city)
    ways = [places for name, places in reach.behind(host).items() if name != host.interfaces[0].name]
    apart = sorted({min(places) for places in ways})
    return judge(len(apart) <= 1 or _a_leaf(reach, host), separates=len(apart))


def _a_leaf(reach: Reach, host: Host) -> bool:
    """Say whether a router serves one department only: what it cuts off is its own LAN, not others' ways."""
    own = [i for i in host.interfaces[1:] if reach.city.prefixes[i.prefix].translated_to]
    return bool(own)


def is_transit(prefix: Prefix, facts: Facts) -> bool:
    """Say whether the prefix is a link between sites."""
    return facts.city.zones[prefix.zone].kind == "transit"


@check("single-link", of=Prefix, when=is_transit, outcomes=("doubled", "single-point"))
def single_link(prefix: Prefix, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """Between sites there are two links, so that one may fail (GB/T 22239-2019 8.1.2.1, 线路冗余)."""
    reach = Reach(facts.city)
    ends = {h.id for h, _ in reach.members_of(prefix) if ROUTER in h.roles}
    others = [
        other.id
        for other in facts.city.prefixes.values()
        if other.id != prefix.id and is_transit(other, facts) and {h.id for h, _ in reach.members_of(other)} >= ends
    ]
    return judge(bool(others), ends=sorted(ends), others=others)


def is_open(flow: Flow, facts: Facts) -> bool:
    """Say whether the flow is open on the day."""
    return flow.is_open(facts.as_of)


@check("flow-use", of=Flow, when=is_open, outcomes=("used", "never-used"))
def flow_use(flow: Flow, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """A flow whose rules counted nothing on any device is a hole that nobody needs (8.1.3.2: 优化访问控制列表).

    Packets that we sent to prove the isolation are no use: only more than those show that somebody needs it.
    """
    rows = [facts.rows(Ruleset, host)[-1] for host in facts.city.hosts.values() if facts.rows(Ruleset, host)]
    counts = [(row, counted_flows(row.text).get(flow.id)) for row in rows]
    found = [(row, count) for row, count in counts if count is not None]
    if not found:
        return undetermined(["Ruleset"])
    packets = sum(count for _, count in found)
    since = {row.host: row.observed_at for row, _ in found}
    ours = [r for r in facts.rows(FlowCount, flow) if r.host in since and r.observed_at <= since[r.host]]
    shown: dict[str, Any] = {"packets": packets, "ours": sum(row.packets for row in ours), "devices": len(found)}
    cites = [*(row for row, _ in found), *ours]
    if 0 < packets <= shown["ours"]:
        return undetermined(["FlowCount"], cites=cites, **shown)
    return judge(packets > 0, cites=cites, **shown)
