"""Intent against what runs: for each cell and IP version a proof, or one packet that is treated otherwise than meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network
from itertools import product
from typing import Literal

from egov.proof.ruleset import Ruleset
from egov.proof.space import (
    IPV4,
    NOTHING,
    PORTS,
    PROTOCOLS,
    SERVICE,
    SPACES,
    WITH_PORTS,
    WITH_TYPES,
    Intervals,
    Packet,
    Region,
    Version,
    box_of,
    overlap,
    unite,
)
from egov.proof.walk import Doubt, Outcome, Walk
from egov.render.intent import LOCAL, Cell, Intent, Permit, Service

Verdict = Literal["leak", "blocked", "undetermined", "proved"]
VERSIONS: tuple[Version, ...] = (4, 6)


@dataclass(frozen=True, slots=True)
class CellProof:
    """What was found of a cell.

    leak: a packet that passes and must not; blocked: one that must pass and does not; open: one of which the ruleset
    does not tell, with the expressions (table, chain, rule handle, text) that hide it. None of them: proved.
    """

    cell: Cell
    version: Version
    leak: Packet | None = None
    blocked: Packet | None = None
    open: Packet | None = None
    unread: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst that was found."""
        if self.leak:
            return "leak"
        if self.blocked:
            return "blocked"
        return "undetermined" if self.open else "proved"

    def __str__(self) -> str:
        found = self.leak or self.blocked or self.open
        text = f"IPv{self.version} {self.verdict}: {found or 'every packet'}, {way(self.cell)}"
        return f"{text}; not read: {'; '.join(self.unread)}" if self.verdict == "undetermined" else text


@dataclass(frozen=True, slots=True)
class Comparison:
    """All cells, in the order of the interfaces; rules no packet meets within their hook; what was not followed."""

    cells: tuple[CellProof, ...]
    unreached: tuple[str, ...]
    nat: tuple[str, ...]
    not_read: tuple[str, ...]

    def of(self, verdict: Verdict) -> list[CellProof]:
        """Return the cells with this verdict."""
        return [cell for cell in self.cells if cell.verdict == verdict]


@dataclass(frozen=True, slots=True)
class Difference:
    """A packet that two rulesets treat differently: `first` and `second` say how each does."""

    cell: Cell
    packet: Packet
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.packet}, {way(self.cell)}: {self.first} by the first, {self.second} by the second"


def way(cell: Cell) -> str:
    """Return a cell as text."""
    incoming, outgoing = cell
    return ", ".join([*([f"in {incoming}"] if incoming else []), *([f"out {outgoing}"] if outgoing else [])]).replace(
        ", out", " out"
    )


def cells_of(interfaces: Iterable[str]) -> list[Cell]:
    """Return all cells of a device: each pair of interfaces (one with itself too), each one's input and its output."""
    names = list(dict.fromkeys(interfaces))
    return [*product(names, names), *((name, LOCAL) for name in names), *((LOCAL, name) for name in names)]


def interfaces_of(intent: Intent) -> list[str]:
    """Return the interfaces an intent speaks of, sorted."""
    named = {name for cell in intent.cells for name in cell} | set(intent.behind)
    return sorted(named - {LOCAL})


def compare(intent: Intent, live: Ruleset, interfaces: Iterable[str] | None = None) -> Comparison:
    """Compare what a device is meant to let through with what its ruleset does, in every cell, IPv4 and IPv6.

    interfaces: those the device has; by default those the intent speaks of. Name others as well, if there are:
    nothing may pass by an interface that the intent does not know.

    New connections pass as permitted and from sources behind the interface. Established and related packets must pass
    from such sources; from others they may, as no such connection can be. `invalid` never passes, `untracked` only
    where a permit says so (as neighbour discovery is never tracked, its being dropped as `new` or not says nothing).
    """
    walk, meant = Walk(live), _Meant(intent)
    names = interfaces_of(intent) if interfaces is None else list(interfaces)
    cells = tuple(_proof(walk, meant, cell, version) for cell in cells_of(names) for version in VERSIONS)
    return Comparison(cells, _unreached(walk, live, names), live.nat, live.not_read)


def equivalent(first: Ruleset, second: Ruleset, interfaces: Iterable[str]) -> Difference | None:
    """Return the first packet that two rulesets treat differently, None if there is none.

    Packets that both leave open count as treated alike if the same words, in the same chains, hide their fate.
    """
    one, other = Walk(first), Walk(second)
    for cell, version in product(cells_of(interfaces), VERSIONS):
        a, b = one.outcome(*cell, version), other.outcome(*cell, version)
        apart = next(_apart(a, b), None)
        if apart:
            packet = SPACES[version].sample(apart)
            return Difference(cell, packet, _fate(a, packet), _fate(b, packet))
    return None


def _apart(a: Outcome, b: Outcome) -> Iterator[Region]:
    for x, y in ((a.passing, b.passing), (b.passing, a.passing)):
        yield from filter(None, [x - y])
    if not a.doubts and not b.doubts:
        return
    for x, y in ((a.dropped, b.dropped), (b.dropped, a.dropped)):
        yield from filter(None, [x - y])
    for x, y in ((a, b), (b, a)):
        for doubt in x.doubts:
            alike = [one.packets for one in y.doubts if _words(one) == _words(doubt)]
            left = doubt.packets & x.open
            for region in alike:
                left -= region
            yield from filter(None, [left])


def _words(doubt: Doubt) -> tuple[str, str]:
    """Return a doubt's chain and text, without the handle: that differs from one loading to the next."""
    place, _, text = doubt.name.partition(": ")
    return place.partition(", rule ")[0], text


def _fate(outcome: Outcome, packet: Packet) -> str:
    point = SPACES[packet.version].point(packet)
    passes, drops = bool(outcome.passing & point), bool(outcome.dropped & point)
    return "left open" if passes and drops else "passed" if passes else "dropped"


def _proof(walk: Walk, meant: _Meant, cell: Cell, version: Version) -> CellProof:
    found = walk.outcome(*cell, version)
    required, allowed = meant.cell(cell, version)
    extra, lacking = found.passing - allowed, required - found.passing
    if not found.doubts and not extra and not lacking:
        return CellProof(cell, version)
    space, hidden = SPACES[version], found.open
    leak, doubtful = extra - hidden, (extra | required) & hidden
    names = [doubt.name for doubt in found.doubts if doubt.packets & doubtful] if doubtful else []
    return CellProof(
        cell,
        version,
        space.sample(leak) if leak else None,
        space.sample(lacking) if lacking else None,
        space.sample(doubtful) if doubtful else None,
        tuple(dict.fromkeys(names)),
    )


def _unreached(walk: Walk, live: Ruleset, names: list[str]) -> tuple[str, ...]:
    """Ask as well about interfaces that only the rules know (lo), then return the rules that no packet met."""
    everywhere = [*names, *live.interfaces]
    for cell, version in product(cells_of(everywhere), VERSIONS):
        if not set(cell) <= {*names, LOCAL}:
            walk.outcome(*cell, version)
    rules = (rule for rules in live.chains.values() for rule in rules)
    return tuple(rule.name for rule in rules if rule not in walk.reached)


class _Meant:
    """The packets that must pass and those that may, per cell."""

    def __init__(self, intent: Intent) -> None:
        self._intent = intent
        self._idle: dict[tuple[str, Version], tuple[Region, Region]] = {}

    def cell(self, cell: Cell, version: Version) -> tuple[Region, Region]:
        """Return what must pass in a cell, and what may."""
        required, allowed = self._without_permits(cell[0], version)
        permits = self._intent.cells.get(cell, ())
        if not permits:
            return required, allowed
        genuine = self._genuine(cell[0], version)
        new = [_packets(permit, version, genuine, ("new",)) for permit in permits]
        stray = [_packets(permit, version, genuine, ("untracked",)) for permit in permits if not permit.tracked]
        wanted = [region for permit, region in zip(permits, new, strict=True) if permit.tracked]
        return _all(required, [*wanted, *stray]), _all(allowed, [*new, *stray])

    def _without_permits(self, incoming: str, version: Version) -> tuple[Region, Region]:
        key = (incoming, version)
        if key not in self._idle:
            space = SPACES[version]
            known = space.state_values(("established", "related"))
            genuine = self._genuine(incoming, version)
            required = Region((box_of((known, space.services, genuine, space.addresses, space.ports)),))
            allowed = Region((box_of((known, *space.box[1:])),))
            self._idle[key] = (required if genuine else NOTHING, allowed)
        return self._idle[key]

    def _genuine(self, incoming: str, version: Version) -> Intervals:
        if incoming == LOCAL:
            return SPACES[version].addresses
        return _addresses(self._intent.behind.get(incoming, ()), version)


def _all(region: Region, more: list[Region]) -> Region:
    return Region((*region.boxes, *(box for one in more for box in one.boxes)))


def _packets(permit: Permit, version: Version, genuine: Intervals, states: tuple[str, ...]) -> Region:
    sources = overlap(_addresses(permit.sources, version), genuine)
    destinations = _addresses(permit.destinations, version)
    services = _services(permit.services, version)
    if not sources or not destinations or not services:
        return NOTHING
    space = SPACES[version]
    return Region((box_of((space.state_values(states), services, sources, destinations, space.ports)),))


@cache
def _services(services: tuple[Service, ...], version: Version) -> Intervals:
    """ICMP belongs to IPv4 and ICMPv6 to IPv6 alone, whatever prefixes stand beside them."""
    pairs = []
    for service in services:
        if service.protocol == ("icmpv6" if version == IPV4 else "icmp"):
            continue
        number = PROTOCOLS[service.protocol]
        fine = number in WITH_PORTS or number in WITH_TYPES
        first, last = (service.first, service.last) if fine else (0, 0)
        pairs.append((number * PORTS + first, number * PORTS + last))
    return overlap(SPACES[version].services, unite(pairs)) if pairs else ()


@cache
def _addresses(prefixes: tuple[str, ...], version: Version) -> Intervals:
    networks = [ip_network(prefix) for prefix in prefixes]
    pairs = [(int(net[0]), int(net[-1])) for net in networks if net.version == version]
    return overlap(SPACES[version].addresses, unite(pairs)) if pairs else ()
