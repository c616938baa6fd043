"""Signs of life of a system that is being retired, and the change of flows that closes it off meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_address, ip_network
from zoneinfo import ZoneInfo

from egov.cases.fold import Case, closed_since
from egov.city import City, System
from egov.city.network import Ends, Flow, meet
from egov.facts import CallWatch, Facts, RefusedCall, UseClient
from egov.render.flows import Compiler, firewalled
from egov.render.intent import Permit

# Machines that look in by themselves are no sign of life; programs of others are.
_LIVING = frozenset({"human", "script"})
_REFUSED = "refused"
# What is missing of a day that counts as watched: a device that loads rules or restarts forgets who called before.
_UNWATCHED = timedelta(hours=1)
_DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
_NEVER = datetime.min.replace(tzinfo=UTC)
Front = Mapping[str, tuple[Permit, ...]]
"""The devices that drop calls to a system that is closed off, each with what it drops and remembers."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who called a system: client address, its class (`refused`: a device dropped the call), and when last (UTC)."""

    client: str
    agent_class: str
    last_at: datetime

    def __str__(self) -> str:
        return f"{self.client} ({self.agent_class}, {self.last_at:%Y-%m-%d %H:%M} UTC)"


def in_front(city: City, system: System, on: date) -> Front:
    """Return the devices that drop calls to a system on a day; none where no flow that leads to it is closed."""
    compiler = Compiler(city, on)
    closed = {flow.id for flow in compiler.closed if _leads(flow, system)}
    found = {
        host.id: tuple(p for permits in compiler.intent(host).closed.values() for p in permits if p.flow in closed)
        for host in (firewalled(city) if closed else ())
    }
    return {host: permits for host, permits in found.items() if permits}


def callers(case: Case, facts: Facts, front: Front) -> list[Caller]:
    """Return who called the case's system after the day it was closed off, the latest first."""
    zone, since = ZoneInfo(facts.city.profile.timezone), closed_since(case.events)
    system = facts.city.systems[case.head.subject]
    calls = [(row.client, row.agent_class, row.last_at) for row in facts.rows(UseClient, system)]
    newest: dict[tuple[str, str], datetime] = {}
    for client, agent, last in (*calls, *_refused(facts, front)):
        if agent in {*_LIVING, _REFUSED} and last.astimezone(zone).date() > since:
            newest[client, agent] = max(last, newest.get((client, agent), last))
    found = [Caller(client, agent, last) for (client, agent), last in newest.items()]
    return sorted(found, key=lambda caller: (-caller.last_at.timestamp(), caller.client))


def _refused(facts: Facts, front: Front) -> Iterator[tuple[str, str, datetime]]:
    """Yield the calls to a system that devices dropped, but for those of our own monitoring."""
    own = set(facts.city.probing_addresses)
    for host, permits in front.items():
        for row in facts.rows(RefusedCall, facts.city.hosts[host]):
            if row.client not in own and any(_permits(permit, row) for permit in permits):
                yield row.client, _REFUSED, row.observed_at - timedelta(seconds=row.age_seconds)


def _permits(permit: Permit, call: RefusedCall) -> bool:
    server = ip_address(call.server)
    return meet([call.service], [service.text for service in permit.services]) and any(
        server in ip_network(destination) for destination in permit.destinations
    )


@dataclass(frozen=True, slots=True)
class Watched:
    """On which days after a system was closed off a call would have been seen, and until when (UTC) at all.

    front: the devices that would have seen it; none where only access logs could.
    by: what saw least: the device whose newest look is the oldest.
    """

    days: frozenset[date]
    until: datetime | None
    by: str
    front: tuple[str, ...] = ()


def watched(case: Case, facts: Facts, front: Front, logged: Iterable[date]) -> Watched:
    """Return when a call to the case's system would have been seen.

    Where devices stand in front of it, when all of them remembered calls by every flow that is closed for it; where
    none does, on the days that its access logs cover (*logged*).
    """
    zone, since = ZoneInfo(facts.city.profile.timezone), closed_since(case.events)
    if not front:
        days = frozenset(day for day in logged if day > since)
        last = max(days, default=None)
        until = datetime.combine(last + _DAY, time(), zone).astimezone(UTC) if last else None
        return Watched(days, until, "access logs")
    spans = {(host, permit.flow): list[Span]() for host, permits in sorted(front.items()) for permit in permits}
    for host, flow in spans:
        looks = facts.rows(CallWatch, facts.city.hosts[host])
        spans[host, flow] = _joined(look for look in looks if look.flow == flow)
    least = min(spans, key=lambda name: spans[name][-1][1] if spans[name] else _NEVER)
    seen = frozenset.intersection(*(frozenset(_whole_days(found, zone)) for found in spans.values()))
    until = spans[least][-1][1] if spans[least] else None
    return Watched(frozenset(day for day in seen if day > since), until, least[0], tuple(sorted(front)))


def _joined(rows: Iterable[CallWatch]) -> list[Span]:
    """Return from when to when calls were remembered, in order, those that touch as one."""
    found: list[Span] = []
    for begin, end in sorted((r.observed_at - timedelta(seconds=r.watched_seconds), r.observed_at) for r in rows):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _whole_days(spans: Iterable[Span], zone: ZoneInfo) -> Iterator[date]:
    """Yield the days of a zone of which at most an hour lies outside the spans."""
    left: dict[date, timedelta] = {}
    for begin, end in spans:
        day = begin.astimezone(zone).date()
        while (midnight := datetime.combine(day, time(), zone)) < end:
            inside = min(end, midnight + _DAY) - max(begin, midnight)
            left[day] = left.get(day, _DAY) - inside
            day += _DAY
    yield from (day for day, missing in left.items() if missing <= _UNWATCHED)


@dataclass(frozen=True, slots=True)
class Closing:
    """A flow as it is to be written: what is left of it, and the part that leads to the system, which is closed.

    held: opens again by itself on the day after; meanwhile devices remember who calls. None where the flow would have
    ended by then.
    """

    flow: Flow
    kept: Flow | None
    held: Flow | None


def closing(city: City, system: System, last: date) -> tuple[list[Closing], list[str]]:
    """Return the change of flows that closes a system off up to *last*, and in words what it leaves undone.

    Nothing is denied: what is open to the system opens again on the day after, unless it was retired.
    """
    changes = [
        _closed(flow, system, last)
        for flow in sorted(city.flows.values(), key=lambda flow: flow.id)
        if _leads(flow, system)
    ]
    ports = _ports(system)
    left = [
        f"not remembered: {change.flow.id} ends on {change.flow.until}, before it would open again; "
        "who calls through it is dropped and not named"
        for change in changes
        if change.held is None
    ]
    for host in sorted(ports):
        wide = _wide(city, host, ports[host])
        left += [f"not closed: {flow}: names a zone or prefix of {host}, not the host" for flow in wide]
        others = [
            s.id for s in city.systems.values() if s.id != system.id and any(c.host == host for c in s.components)
        ]
        if others:
            left.append(f"not closed: {host}: carries {', '.join(sorted(others))} as well")
    return changes, left


def _ports(system: System) -> dict[str, set[str]]:
    """Return the services that each of the system's hosts answers for it."""
    found: dict[str, set[str]] = {}
    for component in system.components:
        found.setdefault(component.host, set()).update(component.listens)
    return found


def _met(flow: Flow, system: System) -> tuple[str, ...]:
    """Return the system's hosts that a flow leads to, on a port that the system answers."""
    ports = _ports(system)
    return tuple(sorted(host for host in {*flow.servers.hosts} & {*ports} if meet(ports[host], flow.services)))


def _leads(flow: Flow, system: System) -> bool:
    return system.id in flow.servers.systems or bool(_met(flow, system))


def _closed(flow: Flow, system: System, last: date) -> Closing:
    met, servers = _met(flow, system), flow.servers
    hers = Ends(hosts=met, systems=tuple(name for name in servers.systems if name == system.id))
    others_of = {
        "hosts": tuple(host for host in servers.hosts if host not in met),
        "systems": tuple(name for name in servers.systems if name != system.id),
    }
    rest = servers.model_copy(update=others_of)
    others = rest != Ends()
    again = last + _DAY
    name = f"{flow.id}-held" if others else flow.id
    held = flow.model_copy(update={"id": name, "servers": hers, "starts": again})
    kept = flow.model_copy(update={"servers": rest}) if others else None
    return Closing(flow, kept, held if again <= flow.until else None)


def _wide(city: City, host: str, ports: set[str]) -> Iterator[str]:
    """Yield the flows that reach a host by its zone or prefix and open one of the ports."""
    prefixes = {interface.prefix for interface in city.business(city.hosts[host])}
    zones = {city.prefixes[prefix].zone for prefix in prefixes}
    for flow in city.flows.values():
        if (prefixes & {*flow.servers.prefixes} or zones & {*flow.servers.zones}) and meet(ports, flow.services):
            yield flow.id
