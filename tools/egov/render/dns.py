"""Names of hosts and systems as each part of the extranet may use them: BIND views, one zone file each. Pure.

Views follow from the flows: who may ask a name server gets one, and in it the names of what it may reach, under the
address by which it reaches it (a host behind NAT has one inside its LAN and another beyond it). A name is no permit.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from egov.city import City, Ends, Flow, Host, Interface, Prefix
from egov.city.fields import parsed_address, parsed_network
from egov.city.network import ports
from egov.render.flows import open_flows
from egov.render.reach import Reach, merged

NAME_SERVER = "dns"
FOLDER = "/etc/bind/egov"
PORT = 53
TTL_SECONDS = 300

Names = Mapping[str, tuple[str, ...]]
"""Host or system id → its addresses."""


@dataclass(frozen=True, slots=True)
class View:
    """What one group of clients sees."""

    name: str
    prefixes: tuple[str, ...]
    networks: tuple[str, ...]
    """Addresses under which the name server sees them."""
    names: Names
    recursive: bool


def dns(city: City, on: date) -> dict[str, dict[str, str]]:
    """Return per name server its files by name: named.conf and one zone file per view. None without a domain."""
    servers = [host for host in city.hosts.values() if NAME_SERVER in host.roles] if city.profile.domain else []
    return {server.id: _files(city, server, views(city, server, on)) for server in sorted(servers, key=lambda h: h.id)}


class _Open(NamedTuple):
    """An open flow, with what both sides are in the network."""

    flow: Flow
    clients: frozenset[str]
    """Prefixes that it names, or whose hosts it names."""
    servers: tuple[tuple[Host, Interface], ...]


def views(city: City, server: Host, on: date) -> list[View]:
    """Return the views of a name server on a day, those of small networks before those that hold them."""
    reach = Reach(city)
    flows = [_Open(f, _clients(reach, f.clients), tuple(served(reach, f.servers))) for f in open_flows(city, on)]
    asking = [o for o in flows if _asks(o.flow) and any(host.id == server.id for host, _ in o.servers)]
    alike: dict[tuple[tuple[str, tuple[str, ...]], ...], list[str]] = defaultdict(list)
    for client in sorted({prefix for o in asking for prefix in o.clients}):
        names = _names(reach, [o for o in flows if client in o.clients], city.prefixes[client])
        alike[tuple(sorted({**names, server.id: _own(server, city)}.items()))].append(client)
    found = [_view(reach, server, members, dict(names)) for names, members in alike.items()]
    return sorted(found, key=lambda view: (-min(parsed_network(n).prefixlen for n in view.networks), view.name))


def _asks(flow: Flow) -> bool:
    return any(first <= PORT <= last and protocol != "ping" for protocol, first, last in map(ports, flow.services))


def _view(reach: Reach, server: Host, members: list[str], names: Names) -> View:
    seen = reach.seen(Ends(prefixes=tuple(members)), server, opening=True)
    networks = merged([address for one in seen for address in one.addresses])
    outside = any(reach.kind(name) == "internet" for name in members)
    return View(members[0], tuple(members), networks, names, recursive=not outside)


def served(reach: Reach, ends: Ends) -> Iterator[tuple[Host, Interface]]:
    """Yield the hosts that one side of a flow means, each with the interface it is meant by."""
    yield from reach.city.members(Ends(hosts=ends.hosts))
    for prefix in reach.whole(ends):
        for host, interface in reach.members_of(prefix):
            if interface in reach.city.business(host):
                yield host, interface


def _clients(reach: Reach, ends: Ends) -> frozenset[str]:
    whole = {prefix.id for prefix in reach.whole(ends)}
    return frozenset(whole | {interface.prefix for _, interface in reach.city.members(Ends(hosts=ends.hosts))})


def _names(reach: Reach, flows: list[_Open], client: Prefix) -> dict[str, tuple[str, ...]]:
    """Return what clients in a prefix may call by name: hosts that a flow lets one of them reach, and their systems."""
    found: dict[str, set[str]] = defaultdict(set)
    for _, _, servers in flows:
        for host, interface in servers:
            found[host.id] |= set(reach.address_from(interface, client))
    for system in reach.city.systems.values():
        hosts = [found[c.host] for c in system.components if c.host in found]
        if hosts:
            found[system.id] = set().union(*hosts)
    return {name: tuple(sorted(addresses)) for name, addresses in sorted(found.items()) if addresses}


def _own(server: Host, city: City) -> tuple[str, ...]:
    return tuple(a for i in city.business(server) for a in (i.address, i.ipv6) if a)


def _files(city: City, server: Host, found: list[View]) -> dict[str, str]:
    zones = {f"{view.name}.zone": _zone(city.profile.domain or "", server.id, view) for view in found}
    return {"named.conf": "\n".join(_named(city, server, found)) + "\n", **zones}


def _named(city: City, server: Host, found: list[View]) -> Iterator[str]:
    own = _own(server, city)
    yield f"// {server.id}: rendered from the description's flows; changes by hand are found and undone."
    yield "options {"
    yield '  directory "/var/cache/bind";'
    yield "  listen-on { " + "; ".join(["127.0.0.1", *(a for a in own if ":" not in a)]) + "; };"
    yield "  listen-on-v6 { " + "; ".join(["::1", *(a for a in own if ":" in a)]) + "; };"
    yield "  recursion no;"
    yield "  allow-transfer { none; };"
    yield "  minimal-responses yes;"
    yield "  version none;"
    yield "};"
    for view in found:
        clients = "; ".join(view.networks)
        yield f"// clients in {', '.join(view.prefixes)}"
        yield f'view "{view.name}" {{'
        yield f"  match-clients {{ {clients}; }};"
        if view.recursive:
            yield "  recursion yes;"
            yield f"  allow-recursion {{ {clients}; }};"
        yield f'  zone "{city.profile.domain}" {{ type primary; file "{FOLDER}/{view.name}.zone"; }};'
        yield "};"


def _zone(domain: str, server: str, view: View) -> str:
    """Return a zone file. Nobody transfers it, so the serial need not grow: it says whether anything differs."""
    records = [
        f"{name} IN {'A' if parsed_address(address).version == 4 else 'AAAA'} {address}"  # noqa: PLR2004 - IPv4
        for name, addresses in sorted(view.names.items())
        for address in addresses
    ]
    serial = zlib.crc32("\n".join(records).encode())
    timing = f"{serial} 3600 600 604800 {TTL_SECONDS}"
    head = [
        f"; what clients in {', '.join(view.prefixes)} see; rendered from the description",
        f"$ORIGIN {domain}.",
        f"$TTL {TTL_SECONDS}",
        f"@ IN SOA {server} hostmaster ({timing})",
        f"@ IN NS {server}",
    ]
    return "\n".join([*head, *records]) + "\n"
