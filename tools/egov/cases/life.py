"""Signs of life of a system that is being retired, and the change of flows that closes it off meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from egov.cases.fold import Case, closed_since
from egov.city import City, System
from egov.city.network import Ends, Flow
from egov.facts import Facts, UseClient

# Machines that look in by themselves are no sign of life; programs of others are.
_LIVING = frozenset({"human", "script"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called a system: client address, its class, and when last (UTC)."""

    client: str
    agent_class: str
    last_at: datetime

    def __str__(self) -> str:
        return f"{self.client} ({self.agent_class}, {self.last_at:%Y-%m-%d %H:%M} UTC)"


def callers(case: Case, facts: Facts) -> list[Caller]:
    """Return who called the case's system after the day it was closed off, the latest first."""
    zone, since = ZoneInfo(facts.city.profile.timezone), closed_since(case.events)
    system = facts.city.systems[case.head.subject]
    newest: dict[tuple[str, str], datetime] = {}
    for row in facts.rows(UseClient, system):
        if row.agent_class in _LIVING and row.last_at.astimezone(zone).date() > since:
            key = (row.client, row.agent_class)
            newest[key] = max(row.last_at, newest.get(key, row.last_at))
    found = [Caller(client, agent, last) for (client, agent), last in newest.items()]
    return sorted(found, key=lambda caller: (-caller.last_at.timestamp(), caller.client))


@dataclass(frozen=True, slots=True)
class Closing:
    """A flow as it is to be written: without the system's host, and the part to it, closed until it opens by itself.

    `held` is None where the flow ends before that day.
    """

    flow: Flow
    kept: Flow | None
    held: Flow | None


def closing(city: City, system: System, last: date) -> tuple[list[Closing], list[str]]:
    """Return the change of flows that closes a system off up to *last*, and flows it cannot close, with the reason.

    Nothing is denied: what is open to the system's hosts opens again on the day after, unless it was retired.
    """
    mine = {component.host for component in system.components}
    ports = {component.host: set(component.listens) for component in system.components}
    changes, left = [], []
    for flow in sorted(city.flows.values(), key=lambda flow: flow.id):
        met = sorted(host for host in mine & {*flow.servers.hosts} if ports[host] & set(flow.services))
        if met:
            changes.append(_closed(flow, met, last))
    for host in sorted(mine):
        left += [f"{flow}: names a zone or prefix of {host}, not the host" for flow in _wide(city, host, ports[host])]
        others = [
            s.id for s in city.systems.values() if s.id != system.id and any(c.host == host for c in s.components)
        ]
        if others:
            left.append(f"{host}: carries {', '.join(sorted(others))} as well")
    return changes, left


def _closed(flow: Flow, hosts: list[str], last: date) -> Closing:
    kept = tuple(host for host in flow.servers.hosts if host not in hosts)
    others = kept or flow.servers.zones or flow.servers.prefixes or flow.servers.management
    rest = flow.servers.model_copy(update={"hosts": kept})
    again = last + timedelta(days=1)
    held = flow.model_copy(
        update={"id": f"{flow.id}-held" if others else flow.id, "servers": Ends(hosts=tuple(hosts)), "starts": again}
    )
    kept_flow = flow.model_copy(update={"servers": rest}) if others else None
    return Closing(flow, kept_flow, held if again <= flow.until else None)


def _wide(city: City, host: str, ports: set[str]) -> Iterator[str]:
    """Yield the flows that reach a host by its zone or prefix and open one of the ports."""
    prefixes = {interface.prefix for interface in city.business(city.hosts[host])}
    zones = {city.prefixes[prefix].zone for prefix in prefixes}
    for flow in city.flows.values():
        if (prefixes & {*flow.servers.prefixes} or zones & {*flow.servers.zones}) and ports & {*flow.services}:
            yield flow.id
