"""Intent against what runs: for every cell a proof, or one packet that shows the difference. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from egov.proof.match import PROTOCOLS, REPLY, Packets, icmp_type
from egov.proof.ruleset import Ruleset, read
from egov.proof.space import (
    ANY_PORT,
    DESTINATION,
    PORT,
    PROTOCOL,
    SOURCE,
    SOURCE_PORT,
    Box,
    Intervals,
    Region,
    addresses,
    everything,
    join,
    meet,
    minus,
    narrowed,
    normal,
    written,
)
from egov.proof.walk import Walk
from egov.render.intent import LOCAL, Cell, Intent, Permit

Verdict = Literal["proved", "leak", "blocked", "undetermined"]
_STATES = ("new", "established", "related", "invalid", "untracked")
_VERSIONS = (4, 6)


@dataclass(frozen=True, slots=True)
class CellResult:
    """What is proved of one cell and version: with a packet that shows a leak or a block, or what could not be read."""

    cell: Cell
    version: int
    verdict: Verdict
    packet: str = ""
    why: tuple[str, ...] = ()


def cells_of(interfaces: Iterable[str]) -> list[Cell]:
    """Return every pair of interfaces, and every interface with the device itself."""
    names = list(interfaces)
    return [*product(names, names), *((name, LOCAL) for name in names), *((LOCAL, name) for name in names)]


def compare(intent: Intent, live: str | Ruleset, *, forwards: bool = True) -> list[CellResult]:
    """Return the result of every cell of a device, both versions; Unreadable if the text is no ruleset.

    forwards: False leaves out what the device passes on, where something else decides that (containers).
    """
    ruleset = live if isinstance(live, Ruleset) else read(live)
    proof = _Proof(intent, Walk(ruleset))
    cells = [cell for cell in cells_of(intent.behind) if forwards or LOCAL in cell]
    return [proof.cell(cell, version) for cell in cells for version in _VERSIONS]


def states(*, directed: bool) -> tuple[str, ...]:
    """Return the states packets may be in; answers have one of their own where the direction may matter."""
    return (*_STATES, REPLY) if directed else _STATES


def hooks(cell: Cell) -> tuple[str, ...]:
    """Return the hooks a packet of a cell meets."""
    if cell[1] == LOCAL:
        return ("prerouting", "input")
    return ("output", "postrouting") if cell[0] == LOCAL else ("prerouting", "forward", "postrouting")


class _Proof:
    def __init__(self, intent: Intent, walk: Walk) -> None:
        self._intent = intent
        self._walk = walk
        self._states = states(directed=walk.ruleset.directed or bool(intent.closed))
        self._regions: dict[tuple[int, int], Region] = {}
        self._behind: dict[tuple[str, int], Region] = {}

    def cell(self, cell: Cell, version: int) -> CellResult:
        unknown: list[str] = []
        for state in self._states:
            packets = Packets(version, cell[0] or None, cell[1] or None, state)
            found, doubts = self._walk.accepted(hooks(cell), packets, everything(version))
            wanted = self._wanted(cell, version, state)
            if found == wanted and not doubts:
                continue
            unsure = [box for region, _ in doubts for box in region]
            for verdict, wrong in (("leak", minus(found, wanted)), ("blocked", minus(wanted, found))):
                certain = minus(wrong, unsure)
                if certain:
                    text = packet(certain[0], version, cell, state)
                    return CellResult(cell, version, "leak" if verdict == "leak" else "blocked", text)
            unknown += [why for _, why in doubts]
        if unknown:
            return CellResult(cell, version, "undetermined", why=tuple(dict.fromkeys(unknown)))
        return CellResult(cell, version, "proved")

    def _wanted(self, cell: Cell, version: int, state: str) -> Region:
        if state == "invalid":
            return []
        genuine = self._genuine(cell[0], version)
        permits = self._intent.cells.get(cell, ())
        if state == "established" and (closed := self._intent.closed.get(cell)):
            open_ = self._permitted([permit for permit in permits if permit.tracked], version)
            return minus(genuine, minus(self._permitted(closed, version), open_))
        if state in {"established", "related", REPLY}:
            return genuine
        if not permits:
            return []
        return meet(genuine, self._permitted([p for p in permits if p.tracked == (state == "new")], version))

    def _genuine(self, interface: str, version: int) -> Region:
        """Return the headers whose source may come in by an interface."""
        if interface == LOCAL:
            return everything(version)
        key = (interface, version)
        if key not in self._behind:
            sources = _intervals(self._intent.behind[interface], version)
            self._behind[key] = narrowed(everything(version), SOURCE, sources)
        return self._behind[key]

    def _permitted(self, permits: Sequence[Permit], version: int) -> Region:
        region: Region = []
        for permit in permits:
            key = (id(permit), version)
            if key not in self._regions:
                self._regions[key] = permitted(permit, version)
            region = join(region, self._regions[key])
        return region


def permitted(permit: Permit, version: int) -> Region:
    """Return the headers that a permit lets through."""
    sources, destinations = _intervals(permit.sources, version), _intervals(permit.destinations, version)
    if not sources or not destinations:
        return []
    region: Region = []
    for protocol in dict.fromkeys(service.protocol for service in permit.services):
        if (protocol, version) in {("icmp", 6), ("icmpv6", 4)}:
            continue
        number = PROTOCOLS[protocol]
        ranges = normal((s.first, s.last) for s in permit.services if s.protocol == protocol)
        if protocol in {"icmp", "icmpv6"}:
            ranges = normal((first, icmp_type(last)[1]) for first, last in ranges)
        ports = ANY_PORT if protocol == "ospf" else ranges
        region = join(region, [(sources, destinations, ((number, number),), ANY_PORT, ports)])
    return region


def _intervals(networks: Iterable[str], version: int) -> Intervals:
    return normal(addresses(text) for text in networks if (":" in text) == (version == 6))  # noqa: PLR2004


def packet(box: Box, version: int, cell: Cell, state: str) -> str:
    """Return one packet of a box in words."""
    number = box[PROTOCOL][0][0]
    name = next((name for name, value in PROTOCOLS.items() if value == number), f"protocol {number}")
    source, destination = written(version, box[SOURCE][0][0]), written(version, box[DESTINATION][0][0])
    to = f"{name} {source} -> {destination}"
    if name in {"tcp", "udp"}:
        if ":" in source:
            source, destination = f"[{source}]", f"[{destination}]"
        to = f"{name} {source}:{box[SOURCE_PORT][0][0]} -> {destination}:{box[PORT][0][0]}"
    elif name in {"icmp", "icmpv6"}:
        to += f" type {box[PORT][0][0]}"
    return f"{to}, {state}, in {cell[0] or 'local'} out {cell[1] or 'local'}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A packet that two rulesets treat differently; `box` holds all of its kind."""

    cell: Cell
    version: int
    state: str
    box: Box
    first_accepts: bool


def differences(one: Ruleset, other: Ruleset, interfaces: Iterable[str]) -> Iterator[Difference]:
    """Yield packets that exactly one of two rulesets accepts; nothing if they do the same to every packet."""
    walks = Walk(one), Walk(other)
    those = states(directed=one.directed or other.directed)
    for cell, version, state in product(cells_of(interfaces), _VERSIONS, those):
        packets = Packets(version, cell[0] or None, cell[1] or None, state)
        first, second = (walk.accepted(hooks(cell), packets, everything(version))[0] for walk in walks)
        for accepts, wrong in ((True, minus(first, second)), (False, minus(second, first))):
            for box in wrong:
                yield Difference(cell, version, state, box, accepts)


def unreached(intent: Intent, live: Ruleset) -> list[str]:
    """Return the rules with a verdict that no packet of any cell reaches: shadowed, or for no interface."""
    walk = Walk(live)
    for cell, version, state in product(cells_of([*intent.behind, "lo"]), _VERSIONS, states(directed=live.directed)):
        packets = Packets(version, cell[0] or None, cell[1] or None, state)
        walk.accepted(hooks(cell), packets, everything(version))
    rules = (rule for chain in live.chains.values() if chain.kind != "nat" for rule in chain.rules)
    return [str(rule.place) for rule in rules if id(rule) not in walk.reached and _decides(rule.expressions)]


def _decides(expressions: list[object]) -> bool:
    return any(
        isinstance(e, dict) and {"accept", "drop", "reject", "jump", "goto", "vmap"} & set(e) for e in expressions
    )
