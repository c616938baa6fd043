"""Where every prefix lies as seen from each router, and under which addresses it appears there. Pure.

A router's interface leads to all prefixes that could be reached through it without coming back through the router:
with two links between sites both lead to the other site, so what is compiled holds whichever of them is up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Any, NamedTuple

from egov.city import City, Ends, Host, Interface, Prefix
from egov.city.fields import parsed_network

ROUTER = "router"
Net = IPv4Network | IPv6Network
EVERYTHING = ("0.0.0.0/0", "::/0")


class Seen(NamedTuple):
    """What one prefix adds to one side of a flow: the prefix, and addresses or networks of it as seen somewhere."""

    prefix: str
    addresses: tuple[str, ...]


class Reach:
    """The city's network as a graph of routers and prefixes."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._behind: dict[str, dict[str, frozenset[str]]] = {}
        self.routers = sorted((h for h in city.hosts.values() if ROUTER in h.roles), key=lambda host: host.id)

    def kind(self, prefix: str) -> str | None:
        """Return the kind of a prefix's zone."""
        return self.city.zones[self.city.prefixes[prefix].zone].kind

    @cached_property
    def _links(self) -> dict[str, list[tuple[Host, Interface]]]:
        """Return, per prefix, the routers in it; management networks lead nowhere."""
        found: dict[str, list[tuple[Host, Interface]]] = {name: [] for name in self.city.prefixes}
        for router in self.routers:
            for interface in router.interfaces[1:]:
                found[interface.prefix].append((router, interface))
        return found

    def behind(self, host: Host) -> dict[str, frozenset[str]]:
        """Return, per interface, the prefixes that lie behind it. The first (management) leads to its own only."""
        if host.id not in self._behind:
            first, *others = host.interfaces
            self._behind[host.id] = {
                first.name: frozenset({first.prefix}),
                **{i.name: frozenset(self._component(i.prefix, host)) for i in others},
            }
        return self._behind[host.id]

    def _component(self, start: str, without: Host) -> set[str]:
        found, todo = {start}, [start]
        while todo:
            for router, _ in self._links[todo.pop()]:
                if router.id != without.id:
                    new = {i.prefix for i in router.interfaces[1:]} - found
                    found |= new
                    todo += sorted(new)
        return found

    def translator(self, prefix: Prefix) -> tuple[Host, Interface] | None:
        """Return the router that translates a prefix, with its interface in the access range; None if none does."""
        for router, _ in self._links[prefix.id] if prefix.translated_to else []:
            for interface in router.interfaces:
                if interface.prefix == prefix.translated_to:
                    return router, interface
        return None

    def whole(self, ends: Ends) -> list[Prefix]:
        """Return the prefixes that one side of a flow means as a whole: those of its zones, and those it names."""
        zones = [p for p in self.city.prefixes.values() if p.zone in ends.zones and not p.container]
        return zones + [self.city.prefixes[name] for name in ends.prefixes]

    def seen(self, ends: Ends, at: Host, *, opening: bool) -> Iterator[Seen]:
        """Yield one side of a flow as a device sees it: as the side that opens connections, or that answers them."""
        for prefix in self.whole(ends):
            yield Seen(prefix.id, tuple(self._networks(prefix, at, opening=opening)))
        for _, interface in self.city.members(ends):
            seen = self.seen_address(interface, at, opening=opening)
            yield Seen(interface.prefix, tuple(map(_single, seen)))

    def inside(self, prefix: Prefix, at: Host) -> bool:
        """Say whether a device sees a translated prefix's own addresses: from within, or as the one that translates."""
        translator = self.translator(prefix)
        return translator is None or translator[0].id == at.id or any(i.prefix == prefix.id for i in at.interfaces)

    def _networks(self, prefix: Prefix, at: Host, *, opening: bool) -> Iterator[str]:
        if self.kind(prefix.id) == "internet":
            yield from self.outside
            return
        if self.inside(prefix, at):
            yield prefix.prefix
        else:
            for _, interface in self.members_of(prefix):
                if interface.published:
                    yield f"{interface.published}/32"
            translator = self.translator(prefix)
            if opening and translator:
                yield f"{translator[1].address}/32"
        if prefix.ipv6:
            yield prefix.ipv6

    def seen_address(self, interface: Interface, at: Host, *, opening: bool) -> tuple[str, ...]:
        """Return the addresses (at most one per version) under which a device sees an interface; () if under none."""
        prefix = self.city.prefixes[interface.prefix]
        translator = self.translator(prefix)
        four: str | None = interface.address
        if translator and not self.inside(prefix, at):
            four = interface.published or (translator[1].address if opening else None)
        return tuple(filter(None, (four, interface.ipv6)))

    def address_from(self, interface: Interface, client: Prefix) -> tuple[str, ...]:
        """Return the addresses (at most one per version) by which clients in a prefix reach an interface."""
        prefix = self.city.prefixes[interface.prefix]
        beyond = prefix.id != client.id and self.translator(prefix) is not None
        return tuple(filter(None, (interface.published if beyond else interface.address, interface.ipv6)))

    def members_of(self, prefix: Prefix) -> list[tuple[Host, Interface]]:
        """Return the interfaces in a prefix, with their hosts."""
        return [(h, i) for h in self.city.hosts.values() for i in h.interfaces if i.prefix == prefix.id]

    def sources_behind(self, at: Host, interface: str) -> tuple[str, ...]:
        """Return the networks that packets coming in by an interface may have as their source, merged and sorted."""
        found: list[str] = []
        for name in sorted(self.behind(at)[interface]):
            prefix = self.city.prefixes[name]
            if self.kind(name) == "internet":
                found += self.outside
                continue
            if self.inside(prefix, at):
                found.append(prefix.prefix)
            if prefix.ipv6:
                found.append(prefix.ipv6)
        return merged(found)

    @cached_property
    def outside(self) -> tuple[str, ...]:
        """Everything that is not described as the city's own: what "the Internet" means in a flow."""
        own = [p for p in self.city.prefixes.values() if self.kind(p.id) != "internet"]
        texts = [text for p in own for text in (p.prefix, p.ipv6) if text]
        result: list[str] = []
        for everything in EVERYTHING:
            whole = parsed_network(everything)
            taken = [n for n in map(parsed_network, merged(texts)) if n.version == whole.version]
            result += map(str, _without(whole, taken))
        return tuple(result)


def _single(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


def merged(networks: Iterable[str]) -> tuple[str, ...]:
    """Return the fewest prefixes that cover exactly these, IPv4 first, sorted."""
    return _merged(tuple(networks))


@lru_cache(maxsize=65536)
def _merged(networks: tuple[str, ...]) -> tuple[str, ...]:
    parsed = [parsed_network(text) for text in networks]
    four = collapse_addresses(n for n in parsed if isinstance(n, IPv4Network))
    six = collapse_addresses(n for n in parsed if isinstance(n, IPv6Network))
    return (*map(str, four), *map(str, six))


def _without(whole: Net, taken: list[Net]) -> list[Net]:
    """Return what is left of a network without others, which lie in it and do not overlap."""
    left: list[Any] = [whole]  # one version only, which the types of ipaddress cannot say
    for hole in taken:
        left = [piece for net in left for piece in (net.address_exclude(hole) if hole.subnet_of(net) else [net])]
    return sorted(left)
