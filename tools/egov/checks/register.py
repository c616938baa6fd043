"""R18 系统审计, 五(三), and R22 纳入范围, 一(三): the register of systems against what was collected."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any

from pydantic import Field

from egov.checks.registry import Judgement, NoParameters, check, judge, undetermined
from egov.city import Department, Host, Prefix, System
from egov.city.fields import Part, parsed_address, parsed_network
from egov.city.network import meet
from egov.facts import Facts, InterfaceAddress, Listener, Neighbour, SystemRecord

# The seven facts of a record that 五(三) lists; the eighth, 数量, is the department's total.
SEVEN = ("name_zh", "function", "scope", "frequency", "approved_by", "approved_on", "funding")
_IN_USE = frozenset({"daily", "weekly"})


class RegisterParameters(Part):
    """How many of the seven facts evidence must confirm before a record counts as known."""

    min_confirmed: int = Field(ge=0, le=7)


def in_scope(system: System, _facts: Facts) -> bool:
    """Say whether the system is within the plan's scope."""
    return system.in_scope


@check("system-register", of=System, when=in_scope, outcomes=("recorded", "contradicted"))
def system_register(system: System, facts: Facts, p: RegisterParameters) -> Judgement:
    """Seven audit facts, each missing, declared, confirmed or contradicted by ledgers and hosts."""
    records = facts.rows(SystemRecord, system)[-1:]
    silent, listeners = _silent_components(system, facts)
    seven = {name: _state(system, name, records) for name in SEVEN}
    if silent and system.frequency in _IN_USE:
        observed = f"not listening: {', '.join(silent)}"
        seven["frequency"] = {"state": "contradicted", "declared": system.frequency, "observed": observed}
    states = [entry["state"] for entry in seven.values()]
    cites = [*records, *listeners]
    shown: dict[str, Any] = {"seven": seven, "confirmed": states.count("confirmed")}
    if "contradicted" in states:
        return judge(False, cites=cites, **shown, which=_named(seven, "contradicted"))
    if "missing" in states:
        return judge(False, "incomplete", cites=cites, **shown, which=_named(seven, "missing"))
    if not records:
        return undetermined(["SystemRecord"], cites=cites, **shown)
    if shown["confirmed"] < p.min_confirmed:
        missing = [f"SystemRecord.{name}" for name in _named(seven, "declared")]
        return undetermined(missing, cites=cites, **shown, min_confirmed=p.min_confirmed)
    return judge(True, cites=cites, **shown)


def _state(system: System, name: str, records: list[SystemRecord]) -> dict[str, Any]:
    declared = getattr(system, name)
    observed = getattr(records[0], name) if records else None
    if declared is None:
        return {"state": "missing", "declared": None, "observed": observed}
    if observed is None:
        return {"state": "declared", "declared": declared, "observed": None}
    state = "confirmed" if _same(declared, observed) else "contradicted"
    return {"state": state, "declared": declared, "observed": observed}


def _same(declared: str | date, observed: str | date) -> bool:
    """Compare days exactly and texts without width, white space and punctuation, which ledgers write freely."""
    if isinstance(declared, date) or isinstance(observed, date):
        return declared == observed
    return _folded(declared) == _folded(observed)


def _folded(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _named(seven: dict[str, dict[str, Any]], state: str) -> list[str]:
    return [name for name, entry in seven.items() if entry["state"] == state]


def _silent_components(system: System, facts: Facts) -> tuple[list[str], list[Listener]]:
    """Return declared ports that a covered host does not listen on, and the rows of those that it does."""
    silent: list[str] = []
    found: list[Listener] = []
    for component in system.components:
        host = facts.city.hosts[component.host]
        if not component.listens or not facts.covered(Listener, host):
            continue
        rows = {f"{row.port}/{row.protocol}": row for row in facts.snapshot(Listener, host)}
        silent += [f"{host.id} {port}" for port in component.listens if port not in rows]
        found += [rows[port] for port in component.listens if port in rows]
    return silent, found


@check("register-total", of=Department, outcomes=("agrees", "differs"))
def register_total(department: Department, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """Number of systems (数量): declared against the newest ledger. Classified systems are only ever counted."""
    records = facts.rows(SystemRecord, department)
    if not records:
        return undetermined(["SystemRecord"])
    newest = [record for record in records if record.run == records[-1].run]
    declared = {s.id for s in facts.city.systems_of(department.id) if s.in_scope and s.placement != "retired"}
    recorded = {record.system for record in newest if record.system}
    return judge(
        declared == recorded and all(record.system for record in newest),
        cites=newest,
        declared=len(declared),
        ledger=len(newest),
        only_declared=sorted(declared - recorded),
        only_in_ledger=sorted(record.name_zh for record in newest if record.system not in declared),
        classified=department.classified.systems if department.classified else None,
    )


class FundingParameters(Part):
    """The four kinds of funding that put a system in scope."""

    kinds: tuple[str, ...] = Field(min_length=1)


@check("system-funding", of=System, when=in_scope, outcomes=("funded", "unstated"))
def system_funding(system: System, facts: Facts, p: FundingParameters) -> Judgement:  # noqa: ARG001
    """Each system in scope has one of the four kinds; a bought service is one by funding and by placement alike."""
    shown: dict[str, Any] = {"funding_kind": system.funding_kind, "placement": system.placement}
    if system.funding_kind not in p.kinds:
        return judge(False, **shown)
    if (system.placement == "bought-service") and system.funding_kind != "bought-service":
        return judge(False, "kind-contradicts-placement", **shown)
    return judge(True, **shown)


class ListenerParameters(Part):
    """Ports that any host may listen on, and whether sockets that only the host itself reaches count."""

    expected: tuple[str, ...] = ()
    ignore_loopback: bool = True
    ignore_dynamic_udp: bool = False


@check("undeclared-listener", of=Host, outcomes=("all-declared", "undeclared"))
def undeclared_listener(host: Host, facts: Facts, p: ListenerParameters) -> Judgement:
    """Every socket that others reach belongs to a component, to a flow that names the host, or is expected."""
    declared, named = set(p.expected), list[str]()
    for system in facts.city.systems.values():
        for component in system.components:
            if component.host == host.id:
                declared.update(component.listens)
    for flow in facts.city.flows.values():
        if host.id in (*flow.servers.hosts, *flow.servers.management):
            named += flow.services
    rows = [
        row
        for row in facts.snapshot(Listener, host)
        if not (p.ignore_loopback and _is_loopback(row.address))
        and not (p.ignore_dynamic_udp and row.protocol == "udp" and row.port >= _DYNAMIC)
        and f"{row.port}/{row.protocol}" not in declared
        and not meet([f"{row.port}/{row.protocol}"], named)
    ]
    names = sorted({f"{row.port}/{row.protocol} {row.process or '?'}" for row in rows})
    return judge(not rows, cites=rows, undeclared=names)


_DYNAMIC = 49152  # RFC 6335: from here on ports are given out for a while, to the asking side


def _is_loopback(address: str) -> bool:
    try:
        parsed = parsed_address(address.partition("%")[0])
    except ValueError:
        return False
    # A socket for both versions shows 127.0.0.1 as ::ffff:127.0.0.1, which is not loopback by itself.
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_loopback


# States of an entry that the host only asked for: nobody was seen at that address.
_NO_ANSWER = frozenset({"failed", "incomplete"})


def not_a_container(prefix: Prefix, _facts: Facts) -> bool:
    """Say whether hosts stand in the prefix itself."""
    return not prefix.container


@check("undeclared-host", of=Prefix, when=not_a_container, outcomes=("all-described", "undescribed-address"))
def undeclared_host(prefix: Prefix, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """Every address of the prefix that its hosts carry or have seen on the link belongs to a described interface."""
    observers = [h for h in facts.city.hosts.values() if any(i.prefix == prefix.id for i in h.interfaces)]
    covered = [host for host in observers if facts.covered(Neighbour, host)]
    if not covered:
        return undetermined(["Neighbour"], observers=sorted(host.id for host in observers))
    described = {
        i.address
        for h in facts.city.hosts.values()
        for i in h.interfaces
        if facts.city.prefixes[i.prefix].vrf == prefix.vrf
    }
    network = parsed_network(prefix.prefix)
    unknown: list[Neighbour | InterfaceAddress] = []
    for host in covered:
        links = {i.name for i in host.interfaces if i.prefix == prefix.id}
        seen: list[Neighbour | InterfaceAddress] = [
            row for row in facts.snapshot(Neighbour, host) if row.state not in _NO_ANSWER
        ]
        if facts.covered(InterfaceAddress, host):
            seen += facts.snapshot(InterfaceAddress, host)
        unknown += [
            row
            for row in seen
            if row.interface in links
            and parsed_address(_bare(row.address)) in network
            and _bare(row.address) not in described
        ]
    return judge(not unknown, cites=unknown, undescribed=sorted({_bare(row.address) for row in unknown}))


def _bare(address: str) -> str:
    return address.partition("/")[0].partition("%")[0]
