"""A small network and its evidence in memory: two zones, a router between them, one flow, a line to the Internet."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from build import AS_OF, Build, at

from egov.city import Access, Circuit, Ends, Exit, Flow, Host, Interface, Prefix, Zone
from egov.city.model import Vrf
from egov.collect.isolation import loaded
from egov.facts import (
    CellCount,
    Certificate,
    ExitSeen,
    InterfaceAddress,
    Listener,
    PacketPair,
    RenderedRuleset,
    Route,
    Ruleset,
)
from egov.render.flows import rulesets

CELL = "drop__left__right"
INSIDE, OUTSIDE = "10.1.0.0/24", "203.0.113.0/24"


def network() -> Build:
    """Return a city of two zones and the Internet around the router r1, with a host h1 and one flow."""
    build = Build()
    build.department("a")
    build._put("vrfs", Vrf(id="main", name_zh="main"))
    for zone, kind, prefix in (
        ("clients", "public", INSIDE),
        ("servers", "data-centre", "10.2.0.0/24"),
        ("management", "management", "10.9.0.0/24"),
        ("internet", "internet", OUTSIDE),
        ("links", "transit", "10.8.0.0/30"),
    ):
        build._put("zones", Zone(id=zone, name_zh=zone, name_en=zone, kind=kind))
        build._put("prefixes", Prefix(id=zone, prefix=prefix, vrf="main", zone=zone, department="a"))
    router(build, "r1", ("left", "clients", "10.1.0.1"), ("right", "servers", "10.2.0.1"))
    host(build, "h1", "clients", ("mgmt0", "management", "10.9.0.11"), ("eth0", "clients", "10.1.0.11"))
    ends = (Ends(zones=("clients",)), Ends(zones=("servers",)))
    build._put(
        "flows",
        Flow(
            id="web",
            clients=ends[0],
            servers=ends[1],
            services=("443/tcp",),
            why="-",
            department="a",
            until=date(2019, 12, 31),
        ),
    )
    build._put("exits", Exit(id="city", name_zh="出口", department="a", kind="unified", addresses=("198.51.100.31",)))
    return build


def router(build: Build, name: str, *interfaces: tuple[str, str, str]) -> None:
    """Add a router, its management interface first."""
    first = ("mgmt0", "management", f"10.9.0.{len(build.kinds.get('hosts', {})) + 1}")
    host(build, name, "servers", first, *interfaces, roles=("router",))


def host(build: Build, name: str, zone: str, *interfaces: tuple[str, str, str], roles: tuple[str, ...] = ()) -> None:
    """Add a host of the lab whose gateway is the first address of its prefix."""
    made = tuple(Interface(name=n, prefix=p, address=a) for n, p, a in interfaces)
    given: dict[str, Any] = {"department": "a", "site": "hall", "zone": zone, "os": "debian-12", "lab": True}
    build._put("hosts", Host(id=name, interfaces=made, roles=roles, **given))


def line(build: Build, purpose: str = "internet", until: date = date(2020, 1, 1), **fields: Any) -> None:  # noqa: ANN401 - any field
    """Add a leased line."""
    given = {
        "provider": "甲",
        "department": "a",
        "site": "hall",
        "contract_from": date(2016, 1, 1),
        "yearly_cost_cny": 9,
    }
    build._put("circuits", Circuit(id="line", purpose=purpose, contract_until=until, **{**given, **fields}))


def access(build: Build, access_class: str = "A") -> None:
    """Add the department's access to the extranet."""
    build._put("accesses", Access(id="access", department="a", access_class=access_class, prefix="clients"))


def sent(build: Build, permitted: int = 1, arrived: int = 1, wrong: str = "") -> None:
    """Add packets sent from h1."""
    row = PacketPair(
        host="h1", server="s", version=4, sent=9, permitted=permitted, arrived=arrived, wrong=wrong, **at()
    )
    build.rows.append(row)
    build.covered("h1", PacketPair)


def counted(build: Build, expected: int = 5, counted_: int = 5) -> None:
    """Add what r1 counted as dropped."""
    build.rows.append(CellCount(host="r1", cell=CELL, expected=expected, counted=counted_, **at()))
    build.covered("r1", CellCount)


def looked_at(
    build: Build, *, proxy: bool = False, addresses: tuple[str, ...] = ("10.1.0.11/24",), gateway: str = "10.1.0.1"
) -> None:
    """Add what a collection from h1 saw."""
    for address in addresses:
        build.rows.append(InterfaceAddress(host="h1", interface="eth0", address=address, **at()))
    build.rows.append(Route(host="h1", destination="default", gateway=gateway, interface="eth0", **at()))
    if proxy:
        build.listens("h1", "3128/tcp")
    for table in (InterfaceAddress, Route, Listener):
        build.covered("h1", table)


def arrived_as(build: Build, seen: str | None, way: str = "direct") -> None:
    """Add the source address under which a canary of h1 arrived outside."""
    build.rows.append(ExitSeen(host="h1", way=way, seen=seen, **at()))
    build.covered("h1", ExitSeen)


def ruleset(*rules: dict[str, Any], policy: str = "drop", packets: int = 0) -> str:
    """Return a ruleset as nft prints it: one forward chain with these rules, each accepting, for the flow `web`."""
    entries: list[dict[str, Any]] = [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "egov"}}]
    for hook in ("input", "forward", "output"):
        chain = {"family": "inet", "table": "egov", "name": hook, "type": "filter", "hook": hook, "prio": 0}
        entries.append({"chain": {**chain, "policy": policy}})
    for handle, match in enumerate(rules, 1):
        expressions = [{"match": match}, {"counter": {"packets": packets, "bytes": 0}}, {"accept": None}]
        rule = {"family": "inet", "table": "egov", "chain": "forward", "handle": handle, "comment": "web flows.yml:1"}
        entries.append({"rule": {**rule, "expr": expressions}})
    return json.dumps({"nftables": entries})


ANY_TCP = {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}


def runs(build: Build, text: str, host_id: str = "r1") -> None:
    """Add the ruleset that runs on a device."""
    build.rows.append(Ruleset(host=host_id, text=text, **at()))


def rendered(build: Build, text: str, host_id: str = "r1") -> None:
    """Add the ruleset that should run on a device."""
    build.rows.append(RenderedRuleset(host=host_id, text=text, **at()))


def certified(build: Build, *days_left: int) -> None:
    """Add certificates on h1 with so many days left at the end of the as-of day."""
    for days in days_left:
        times = {"valid_from": at()["observed_at"] - timedelta(days=400), "valid_until": _midnight(days)}
        given = {"host": "h1", "path": f"/etc/c{days}.pem", "subject": "CN=h1", "issuer": "CN=a", "fingerprint": "00"}
        build.rows.append(Certificate(**given, **times, **at()))
    build.covered("h1", Certificate)


def certificates_gone(build: Build) -> None:
    """Add certificates on h1 that a later collection did not find."""
    certified(build, 9)
    build.covered("h1", Certificate, run="later")


def _midnight(days: int) -> datetime:
    return datetime.combine(AS_OF + timedelta(days=days), time(), UTC)


def _case(*changes: Callable[[Build], None]) -> Build:
    build = network()
    for change in changes:
        change(build)
    return build


def _second_link(build: Build) -> None:
    router(build, "r2", ("up", "links", "10.8.0.1"))
    first = build.kinds["prefixes"]["links"]
    build._put("prefixes", first.model_copy(update={"id": "links-b", "prefix": "10.8.0.4/30"}))
    router(build, "r2", ("up", "links", "10.8.0.1"), ("upb", "links-b", "10.8.0.5"))


def _second_router(build: Build) -> None:
    router(build, "r2", ("left", "clients", "10.1.0.2"), ("right", "servers", "10.2.0.2"))


def _unified(build: Build) -> None:
    line(build)
    build.kinds["exits"]["city"] = build.kinds["exits"]["city"].model_copy(update={"circuit": "line"})


def _proved(build: Build) -> None:
    """Let the router run what is rendered for it."""
    runs(build, loaded(rulesets(build.city(), AS_OF)["r1"]))


def network_cases() -> list[tuple[str, dict[str, Any], Build]]:
    """Return (check, its parameters, a network) so that every outcome of every check on a network occurs."""
    lease, levels = {"last_budget_year": 2018}, {"levels": {"city": "2017-12-31"}}
    business = {"purpose": "business-network"}
    return [
        ("private-line", lease, _case(line)),
        ("private-line", lease, _case(_unified)),
        ("private-line", lease, _case(lambda b: line(b, until=date(2018, 1, 1)))),
        ("private-line", lease, _case(lambda b: line(b, "national-network"))),
        ("private-line", lease, _case(lambda b: line(b, **business))),
        ("private-line", lease, _case(lambda b: line(b, **business, mergeable=True))),
        ("private-line", lease, _case(lambda b: line(b, **business, mergeable=False, merge_reason="-"))),
        ("private-exit", {}, _case(looked_at, lambda b: arrived_as(b, None))),
        ("private-exit", {}, _case(looked_at, lambda b: arrived_as(b, "203.0.113.83"))),
        ("extranet-access", levels, _case(access, lambda b: b.department("b"))),
        ("extranet-access", {"levels": {"county": "2017-12-31"}}, _case(access)),
        ("extranet-access", levels, _case(lambda b: access(b, "C"))),
        ("extranet-access", levels, _case(access, sent)),
        ("extranet-access", levels, _case(access, lambda b: sent(b, arrived=0))),
        ("approval-path", {"entrances": ("s",)}, _case(access, sent)),
        ("approval-path", {"entrances": ("s",)}, _case(access, lambda b: sent(b, arrived=0))),
        ("single-router", {}, _case()),
        ("single-router", {}, _case(_second_router)),
        ("single-link", {}, _case(lambda b: router(b, "r2", ("up", "links", "10.8.0.1")))),
        ("single-link", {}, _case(_second_link)),
        ("flow-use", {}, _case(lambda b: runs(b, ruleset(ANY_TCP)))),
        ("flow-use", {}, _case(lambda b: runs(b, ruleset(ANY_TCP, packets=1)))),
        ("zone-isolation", {}, _case(_proved)),
        ("zone-isolation", {}, _case(lambda b: runs(b, ruleset()))),
        ("zone-isolation", {}, _case(lambda b: runs(b, ruleset(policy="accept")))),
        ("cell-packets", {}, _case(counted)),
        ("cell-packets", {}, _case(lambda b: counted(b, counted_=4))),
        ("certificate-expiry", {"min_days": 30}, _case(lambda b: certified(b, 30, 397))),
        ("certificate-expiry", {"min_days": 30}, _case(lambda b: certified(b, 29, 397))),
        ("certificate-expiry", {"min_days": 30}, _case(lambda b: certified(b, -1, 10))),
        ("certificate-expiry", {"min_days": 30}, _case(certificates_gone)),
        ("flow-packets", {}, _case(sent)),
        ("flow-packets", {}, _case(lambda b: sent(b, wrong="tcp/22 passed"))),
        ("firewall-drift", {}, _case(lambda b: runs(b, ruleset()), lambda b: rendered(b, ruleset()))),
        ("firewall-drift", {}, _case(lambda b: runs(b, ruleset(ANY_TCP)), lambda b: rendered(b, ruleset()))),
    ]


__all__ = ["ANY_TCP", "AS_OF"]
