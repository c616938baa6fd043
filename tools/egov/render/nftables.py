"""Intent → one nftables file: loaded whole or not at all. Deterministic; each rule names its flow and where it stands.

Every cell has a counter of what it dropped, so that sent = accepted + dropped can be checked packet by packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, product

from egov.render.intent import LOCAL, Cell, Intent, Permit, Service
from egov.render.nat import PodTranslation, Translation
from egov.render.reach import merged

TABLE = "egov"
# The kernel takes time by the square of the number of sets without a name: 2,000 of them cost more than all the rest.
_NAMED_FROM = 6  # where a set it must be: longer ones have a name, and are shared
_EACH = 4  # up to so many pairs of networks have a rule each
# Who called what is closed, by the version of IP: client, server, protocol and port, with a count and the time since.
CALLS = {4: "calls4", 6: "calls6"}
CALLS_DAYS = 400  # how long a caller is remembered: longer than anything that happens once a year is apart
WATCH = "watch"
WATCH_DAYS = 3650
_MOST_CALLS = 65535
OSPF = 89  # by number: a minimal server has no /etc/protocols
_COMMENT = 120  # nft takes 127 bytes
_ALL = (["0.0.0.0/0"], ["::/0"])
# Pods of one host share a bridge: what one sends another directly would pass no rule above.
_APART = (
    f"table bridge {TABLE} {{",
    "  chain forward {",
    "    type filter hook forward priority filter; policy drop;",
    "  }",
    "}",
)


@dataclass
class _Sets:
    """Named sets of networks and services, in order of first use."""

    names: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    def text(self, version: int, networks: Sequence[str]) -> str:
        """Return networks as nft writes a set: its name if it is long, its members if not."""
        if len(networks) == 1:
            return networks[0]
        if len(networks) < _NAMED_FROM:
            return "{ " + ", ".join(networks) + " }"
        return self.named(f"ipv{version}_addr", networks)

    def named(self, kind: str, elements: Sequence[str]) -> str:
        """Return the name of the set of these elements; the same elements have the same name."""
        if len(elements) == 1:
            return elements[0]
        word = "networks" if kind in {"ipv4_addr", "ipv6_addr"} else "services"
        return "@" + self.names.setdefault((kind, tuple(elements)), f"{word}{len(self.names) + 1}")

    def lines(self) -> Iterator[str]:
        for (kind, elements), name in self.names.items():
            yield f"  set {name} {{"
            yield f"    type {kind}; flags interval;"
            yield "    elements = { " + ",\n      ".join(elements) + " }"
            yield "  }"


@dataclass(frozen=True, slots=True)
class _Said:
    """What rules say beside what they do: where their flow is described, and of which flows they log connections."""

    place: Callable[[str], str]
    logged: frozenset[str]

    def comment(self, permit: Permit) -> str:
        """Return a rule's comment: the flow, and where it stands."""
        return f"{permit.flow} {self.place(permit.flow)}".strip()[:_COMMENT]


def counter(kind: str, *ends: str) -> str:
    """Return the name of a counter or chain of a cell or interface.

    Counters: what a cell dropped (`drop`), what came under a false source (`spoofed`). Chains: new connections of a
    cell (`cell`), what goes on over older ones (`again`), sources by an interface (`from`).
    """
    return "__".join((kind, *(end or "local" for end in ends)))


def ruleset(
    intent: Intent,
    place: Callable[[str], str],
    translation: Translation | PodTranslation,
    *,
    forwards: bool,
    alone: bool,
    logged: Iterable[str] = (),
) -> str:
    """Return the file for one device.

    place: flow → file and line where it is described. forwards: the device passes packets on, so false sources count.
    alone: nothing else on the device writes rules (a cluster does on its hosts), so that the file may begin with an
    empty ruleset. logged: flows whose new connections are logged.
    """
    sets, said = _Sets(), _Said(place, frozenset(logged))
    names = list(intent.behind)
    chains: list[str] = []
    counters: list[str] = []
    ends = [("input", [(name, LOCAL) for name in names]), ("output", [(LOCAL, name) for name in names])]
    if alone:  # on a host of a cluster others pass packets on, and say what
        ends.append(("forward", [(i, o) for i, o in product(names, names)]))
    if forwards:
        chains += _antispoofing(intent, sets)
        counters += [counter("spoofed", name) for name in names]
    for hook, cells in ends:
        chains += _hook(hook, cells, intent, sets, said)
        counters += [counter("drop", *cell) for cell in cells]
    begin = ["flush ruleset"] if alone else [f"table inet {TABLE}", f"delete table inet {TABLE}"]
    return "\n".join(
        [
            "#!/usr/sbin/nft -f",
            f"# {intent.device}: rendered from the description's flows; changes by hand are found and undone.",
            *begin,
            f"table inet {TABLE} {{",
            *(f"  counter {name} {{ }}" for name in counters),
            *sets.lines(),
            *(_watch() if intent.closed else ()),
            *chains,
            *translation.chains(),
            "}",
            *(_APART if isinstance(translation, PodTranslation) else ()),
            "",
        ]
    )


def _antispoofing(intent: Intent, sets: _Sets) -> Iterator[str]:
    """Yield a chain for each interface that not every source may come in by, and the look-up that leads to them."""
    guarded: list[str] = []
    for name, networks in intent.behind.items():
        rules = []
        for version, word in ((4, "ip"), (6, "ip6")):
            own = _of(version, networks)
            if own not in _ALL:
                match = f"{word} saddr != {sets.text(version, own)}" if own else f"meta nfproto ipv{version}"
                rules.append(f"    {match} counter name {counter('spoofed', name)} drop")
        if rules:
            guarded.append(name)
            yield from (f"  chain {counter('from', name)} {{", *rules, "  }")
    jumps = ",\n      ".join(f'"{name}" : jump {counter("from", name)}' for name in guarded)
    yield "  chain prerouting {"
    yield "    type filter hook prerouting priority raw; policy accept;"
    if guarded:
        yield f"    iifname vmap {{ {jumps} }}"
    yield "  }"


def _hook(hook: str, cells: Sequence[Cell], intent: Intent, sets: _Sets, said: _Said) -> Iterator[str]:
    """Yield the chains of its cells, for new connections and for older ones, and the base chain that leads to them."""
    key = {"input": "iifname", "output": "oifname", "forward": "iifname . oifname"}[hook]
    opened: list[Cell] = []
    asked: list[Cell] = []
    for cell in cells:
        permits, closed = intent.cells.get(cell, ()), intent.closed.get(cell, ())
        for kind, to, rules in (
            ("cell", opened, [*_cell(permits, sets, said), *_closed(closed, sets, said)]),
            ("again", asked, list(_again(cell, closed, sets))),
        ):
            if rules:
                yield from (f"  chain {counter(kind, *cell)} {{", *rules, "  }")
                to.append(cell)
    untracked = dict.fromkeys(p for cell in cells for p in intent.cells.get(cell, ()) if not p.tracked)

    def value(cell: Cell) -> str:
        return " . ".join(f'"{name}"' for name in cell if name != LOCAL)

    def jumps(kind: str, to: Sequence[Cell]) -> str:
        return ",\n      ".join(f"{value(cell)} : jump {counter(kind, *cell)}" for cell in to)

    yield f"  chain {hook} {{"
    yield f"    type filter hook {hook} priority filter; policy drop;"
    if hook != "forward":
        yield f'    {key} "lo" accept'
    if asked:
        yield f"    ct state established ct direction original {key} vmap {{ {jumps('again', asked)} }}"
    yield "    ct state vmap { established : accept, related : accept }"
    for _, match in (found for permit in untracked for found in _matches(permit, sets)):
        yield f"    ct state untracked {match} counter accept"
    if opened:
        yield f"    ct state new {key} vmap {{ {jumps('cell', opened)} }}"
    yield f'    limit rate 5/second burst 20 packets log prefix "egov drop {hook} "'
    counts = ",\n      ".join(f'{value(cell)} : "{counter("drop", *cell)}"' for cell in cells)
    yield f"    counter name {key} map {{ {counts} }} drop"
    yield "  }"


def _watch() -> Iterator[str]:
    """Yield the sets that remember who called what is closed.

    The one element of `watch` runs out so slowly that what is left of it tells since when the sets have been there.
    """
    for version, name in CALLS.items():
        yield f"  set {name} {{"
        yield f"    type ipv{version}_addr . ipv{version}_addr . inet_proto . inet_service; size {_MOST_CALLS};"
        yield f"    flags dynamic,timeout; timeout {CALLS_DAYS}d; counter;"
        yield "  }"
    yield f"  set {WATCH} {{"
    yield f"    type mark; flags timeout; elements = {{ 1 timeout {WATCH_DAYS}d }}"
    yield "  }"


def _cell(permits: Iterable[Permit], sets: _Sets, said: _Said) -> Iterator[str]:
    for permit in permits:
        for _, match in _matches(permit, sets) if permit.tracked else ():
            if permit.flow in said.logged:
                yield f'    {match} limit rate 10/second burst 20 packets log prefix "egov flow {permit.flow} "'
            yield f'    {match} counter accept comment "{said.comment(permit)}"'


def _closed(permits: Iterable[Permit], sets: _Sets, said: _Said) -> Iterator[str]:
    """Yield what remembers who calls by a closed flow."""
    for permit in permits:
        for version, match in _matches(permit, sets):
            word = {4: "ip", 6: "ip6"}[version]
            key = f"{word} saddr . {word} daddr . meta l4proto . th dport"
            yield f'    {match} update @{CALLS[version]} {{ {key} }} comment "closed {said.comment(permit)}"'


def _again(cell: Cell, permits: Sequence[Permit], sets: _Sets) -> Iterator[str]:
    """Yield what judges calls by a closed flow as new ones though their connection is older than its closing.

    Whatever goes elsewhere leaves at once: a cell may have thousands of flows that are to open next month.
    """
    servers = merged(network for permit in permits for network in permit.destinations)
    for version, word in ((4, "ip"), (6, "ip6")):
        own = _of(version, servers)
        if servers and own not in _ALL:
            yield f"    {f'{word} daddr != {sets.text(version, own)}' if own else f'meta nfproto ipv{version}'} return"
    for _, match in (found for permit in permits for found in _matches(permit, sets)):
        yield f"    {match} jump {counter('cell', *cell)}"
        yield f"    {match} counter name {counter('drop', *cell)} drop"


def _matches(permit: Permit, sets: _Sets) -> Iterator[tuple[int, str]]:
    """Yield the matches that together are a permit, each with its version of IP."""
    for version, word in ((4, "ip"), (6, "ip6")):
        sources, destinations = _of(version, permit.sources), _of(version, permit.destinations)
        if not sources or not destinations:
            continue
        services = [
            _service(protocol, list(group), sets)
            for protocol, group in groupby(permit.services, key=lambda service: service.protocol)
            if (protocol, version) not in {("icmp", 6), ("icmpv6", 4)}
        ]
        each = len(sources) * len(destinations) <= _EACH
        sides = [
            [f"{word} {side} {text} " for text in (own if each else [sets.named(f"ipv{version}_addr", own)])]
            if own not in _ALL
            else [""]
            for side, own in (("saddr", sources), ("daddr", destinations))
        ]
        yield from ((version, "".join(parts)) for parts in product(*sides, services))


def _service(protocol: str, services: Sequence[Service], sets: _Sets) -> str:
    if protocol == "ospf":
        return f"meta l4proto {OSPF}"
    field_, kind = {
        "tcp": ("tcp dport", "inet_service"),
        "udp": ("udp dport", "inet_service"),
        "icmp": ("icmp type", "icmp_type"),
        "icmpv6": ("icmpv6 type", "icmpv6_type"),
    }[protocol]
    ranges = [str(s.first) if s.first == s.last else f"{s.first}-{s.last}" for s in services]
    return f"{field_} {sets.named(kind, ranges)}"


def _of(version: int, networks: Iterable[str]) -> list[str]:
    return [text for text in networks if (":" in text) == (version == 6)]  # noqa: PLR2004
