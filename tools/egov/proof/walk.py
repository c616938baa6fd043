"""What a ruleset does with packets: which headers are accepted on the whole way through a device. Pure, exact.

An expression that is not understood makes a rule one that may or may not match. Both are followed; where they end
differently the headers are undetermined, and the expression is named.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

from egov.proof.match import (
    PORTLESS,
    Choice,
    Fields,
    NotRead,
    Packets,
    Term,
    chosen,
    constant,
    flat,
    holds,
    is_state,
    not_read,
    rewrites,
    state_fits,
    term,
    values,
)
from egov.proof.ruleset import Chain, Elements, Rule, Ruleset
from egov.proof.space import PROTOCOL, Region, both, join, meet, minus, narrowed, split

_WITHOUT_EFFECT = frozenset({"counter", "log", "comment", "last"})
_CONDITIONS = frozenset({"limit", "quota", "ct count", "set", "map", "meter", "mangle"})  # may end a rule, no more
_MALFORMED = (NotRead, KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)
_CONNTRACK, _DNAT, _SNAT = -200, -100, 100  # the priorities at which the kernel does it
_MOST_SAID = 160
_VERDICTS = frozenset({"accept", "drop", "reject", "return", "jump", "goto", "continue"})
_ENDS = {"accept": "accept", "drop": "drop", "reject": "drop"}
_ANY = "*"
MOST_JUMPS = 16  # the kernel's own limit (NFT_JUMP_STACK_SIZE)
_Ways = tuple[str | None, str | None]
_Found = TypeVar("_Found")
Unknown = list[tuple[Region, str]]
"""Headers whose fate is not known, and why."""


@dataclass(slots=True)
class _Fate:
    """What a chain does with the headers that enter it; `maybe` is what would become of them if a rule matched."""

    accepted: Region = field(default_factory=list)
    dropped: Region = field(default_factory=list)
    returned: Region = field(default_factory=list)
    maybe: list[tuple[Region, str, str]] = field(default_factory=list)
    asked: frozenset[str] = frozenset()

    def leave_open(self, region: Region, why: str) -> None:
        """Note headers that may be accepted here, and may be dropped."""
        self.maybe += [(region, "accept", why), (region, "drop", why)]


@dataclass(frozen=True, slots=True)
class _Step:
    """Where in the walk a verdict is applied; `unsure` says why the rule may or may not match."""

    rule: Rule
    packets: Packets
    fate: _Fate
    depth: int
    unsure: str | None


class Walk:
    """Follows headers through one ruleset for packets that come and leave by given interfaces, in a given state."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self._translates = bool(ruleset.translates)
        self.reached: set[int] = set()  # rules (by identity) that some header reached and matched
        self._fates: dict[tuple[Any, ...], dict[_Ways, _Fate]] = {}
        self._results: dict[tuple[Any, ...], dict[_Ways, tuple[Region, Unknown]]] = {}
        self._ways: dict[tuple[tuple[str, ...], int], list[tuple[str, Chain]]] = {}
        self._asked: set[str] = set()
        self._kept: list[Region] = []  # regions whose identity is part of a key must live as long as the keys
        self._indexes: dict[int, dict[tuple[Any, ...], Any] | None] = {}

    def accepted(self, hooks: tuple[str, ...], packets: Packets, region: Region) -> tuple[Region, Unknown]:
        """Return which headers of *region* pass all chains of the hooks, and those whose fate is not known."""
        results = self._results.setdefault((hooks, packets.version, packets.state, id(region)), {})
        if (known := _for_these(results, packets)) is not None:
            return known
        way = (hooks, packets.version)
        if way not in self._ways:
            self._ways[way] = [(hook, chain) for hook in hooks for chain in self.ruleset.at(hook, packets.version)]
        self._asked = set()
        found = self._through(self._ways[way], packets, region)
        self._doubt_droppers(packets, found)
        results[_those_asked(self._asked, packets)] = found
        self._kept.append(region)
        return found

    def _doubt_droppers(self, packets: Packets, found: tuple[Region, Unknown]) -> None:
        """Add what chains at the devices themselves, which are not read, may drop of what passes."""
        passed, unknown = found
        for hook, devices, name in self.ruleset.droppers:
            self._asked |= {"comes", "leaves"}
            device = packets.comes_by if hook == "ingress" else packets.leaves_by
            if passed and device is not None and (not devices or device in devices):
                unknown.append((passed, f"{name}: {hook} is not read"))

    def _through(self, chains: list[tuple[str, Chain]], packets: Packets, region: Region) -> tuple[Region, Unknown]:
        if not chains or not region:
            return region, []
        (hook, chain), rest = chains[0], chains[1:]
        fate = self._base(hook, chain, packets, region)
        accepted = fate.accepted
        passed, unknown = self._through(rest, packets, accepted)
        for headers, verdict, why in fate.maybe:
            would, more = self._through(rest, packets, headers) if verdict == "accept" else ([], [])
            unknown += more
            now = meet(passed, headers)
            differs = [*minus(would, now), *minus(now, would)]
            if differs:
                unknown.append((differs, why))
        return passed, unknown

    def _base(self, hook: str, chain: Chain, packets: Packets, region: Region) -> _Fate:
        """Follow a base chain; the same for all interfaces that no rule on the way asks about."""
        at = _known_at(hook, chain, packets, translates=self._translates)
        fates = self._fates.setdefault((id(chain), at.version, at.state, id(region)), {})
        if (known := _for_these(fates, at)) is not None:
            self._asked |= known.asked
            return known
        fate = self._chain(chain, at, region, 0)
        if (chain.family, chain.table) in self.ruleset.perhaps_dormant:
            fate.maybe.append((region, "accept", f"{chain.family} {chain.table}: its flags are not read"))
        if chain.policy != "drop":
            fate.accepted = join(fate.accepted, fate.returned)
        fate.asked = frozenset(at.asked)
        self._asked |= at.asked
        fates[_those_asked(at.asked, at)] = fate
        self._kept.append(region)
        return fate

    def _chain(self, chain: Chain, packets: Packets, region: Region, depth: int) -> _Fate:
        fate = _Fate()
        left = region
        for rule in chain.rules:
            if not left:
                break
            left = self._rule(rule, packets, left, fate, depth)
        fate.returned = join(fate.returned, left)
        return fate

    def _rule(self, rule: Rule, packets: Packets, region: Region, fate: _Fate, depth: int) -> Region:
        """Follow one rule; return the headers that go on to the next one."""
        matching = region
        passing: Region = []
        unsure: str | None = None
        for expression in rule.expressions:
            if not matching:
                return region
            kind, content = _expression(expression)
            if kind == "match":
                try:
                    selected = self._selected(rule, content, packets)
                    _refuse_portless(rule, content["left"], matching)
                except _MALFORMED as what:
                    unsure = unsure or _named(rule, what, content)
                    continue
                matching, others = _parted(matching, selected)
                passing = [*passing, *others]
            elif kind == "vmap":
                self.reached.add(id(rule))
                step = _Step(rule, packets, fate, depth, unsure)
                return join(passing, self._mapped(step, content, matching))
            elif kind in _VERDICTS:
                self.reached.add(id(rule))
                step = _Step(rule, packets, fate, depth, unsure)
                if unsure:
                    self._perhaps(step, (kind, content), matching, unsure)
                    return region
                return join(passing, self._verdict(step, (kind, content), matching))
            elif kind in _CONDITIONS and not rewrites(content):
                unsure = unsure or f"{rule.place}: {kind}"
            elif kind not in _WITHOUT_EFFECT:
                fate.leave_open(matching, f"{rule.place}: {kind}")
        return region

    def _selected(self, rule: Rule, content: Any, packets: Packets) -> list[Fields]:  # noqa: ANN401
        """Return what a match selects as alternatives (one, or one per element of a concatenation)."""
        left, operator = content["left"], str(content.get("op", "=="))
        single = None if is_state(left) or "concat" in left else term(left, packets)
        if single is not None and not single.exists:
            return []  # whatever the set holds, and may be changed to
        elements = flat(content["right"], lambda name: self._set(rule, name))
        if is_state(left):
            return [{}] if state_fits(content, packets, elements) else []
        if single is None:
            terms = [term(part, packets) for part in left["concat"]]
            if operator not in {"==", "in"}:
                not_read(operator, "on a concatenation")
            found = [_together(terms, element) for element in elements]
            return [fields for fields in found if fields is not None]
        selected = chosen(single, operator, elements)
        return [] if selected is None else [selected]

    def _set(self, rule: Rule, name: str) -> Elements:
        found = self.ruleset.sets.get((rule.place.family, rule.place.table, name))
        if found is None:
            not_read("set", name, "is not there")
        return found

    def _verdict(self, step: _Step, verdict: tuple[str, Any], region: Region) -> Region:
        """Apply a verdict to headers; return those that go on to the next rule."""
        (kind, content), fate, place = verdict, step.fate, step.rule.place
        if kind in _ENDS:
            if _ENDS[kind] == "accept":
                fate.accepted = join(fate.accepted, region)
            else:
                fate.dropped = join(fate.dropped, region)
            return []
        if kind == "return":
            fate.returned = join(fate.returned, region)
            return []
        if kind == "continue":
            return region
        name = content.get("target") if isinstance(content, dict) else None
        target = self.ruleset.chains.get((place.family, place.table, str(name)))
        if target is None or step.depth >= MOST_JUMPS:
            fate.leave_open(region, f"{place}: {kind}")
            return region
        inner = self._chain(target, step.packets, region, step.depth + 1)
        fate.accepted = join(fate.accepted, inner.accepted)
        fate.dropped = join(fate.dropped, inner.dropped)
        fate.maybe += inner.maybe
        if kind == "goto":
            fate.returned = join(fate.returned, inner.returned)
            return []
        return inner.returned

    def _perhaps(self, step: _Step, verdict: tuple[str, Any], region: Region, why: str) -> None:
        """Note what would become of headers if a rule that is not understood matched them."""
        inner = _Fate()
        onward = self._verdict(_Step(step.rule, step.packets, inner, step.depth, None), verdict, region)
        step.fate.maybe += [(inner.accepted, "accept", why), (inner.dropped, "drop", why), *inner.maybe]
        if inner.returned and not onward:  # the rest of the chain would be skipped, and nobody has followed that
            step.fate.leave_open(inner.returned, why)

    def _mapped(self, step: _Step, content: Any, region: Region) -> Region:  # noqa: ANN401
        """Follow a verdict map; return the headers that no element matches, or that come back."""
        try:
            pairs = self._pairs(step.rule, content, step.packets)
            _refuse_portless(step.rule, content["key"], region)
        except _MALFORMED as what:
            step.fate.leave_open(region, _named(step.rule, what, content))
            return region
        left = region
        onward: Region = []
        for selected, verdict in pairs:
            if isinstance(selected, str):
                self._perhaps(step, verdict, left, f"{step.rule.place}: {selected}")
                continue
            inside, others = split(left, selected)
            if not inside:
                continue
            if step.unsure:
                self._perhaps(step, verdict, inside, step.unsure)
                continue
            onward = join(onward, self._verdict(step, verdict, inside))
            left = others
        return join(onward, left)

    def _pairs(
        self, rule: Rule, content: dict[str, Any], packets: Packets
    ) -> list[tuple[Fields | str, tuple[str, Any]]]:
        """Return a verdict map as (what it selects, verdict) for these packets; text instead where it is not read."""
        data = content["data"]
        named = self._set(rule, data[1:]) if isinstance(data, str) else Elements(data["set"])
        if named.dynamic:
            not_read("map", data, "is changed by packets")
        entries = named.elements
        parts = content["key"]["concat"] if "concat" in content["key"] else [content["key"]]
        known = tuple(constant(part, packets) for part in parts)
        index = None if None in known else self._index(rule, entries)
        if index is not None:
            verdict = index.get(known)
            return [({}, verdict)] if verdict is not None else []
        terms = [term(part, packets) for part in parts]
        found: list[tuple[Fields | str, tuple[str, Any]]] = []
        for element, verdict in entries:
            plain = element["elem"]["val"] if isinstance(element, dict) and "elem" in element else element
            words = plain if len(parts) > 1 else {"concat": [plain]}
            try:
                selected = _together(terms, words)
            except NotRead as what:
                found.append((str(what), _expression(verdict)))
                continue
            if selected is not None:
                found.append((selected, _expression(verdict)))
        return found

    def _index(self, rule: Rule, entries: list[Any]) -> dict[tuple[Any, ...], Any] | None:
        """Return a map whose key is interfaces and states only as a dictionary: thousands of cells are one look-up."""
        if id(rule) not in self._indexes:
            index: dict[tuple[Any, ...], Any] | None = None
            keys = [e["concat"] if isinstance(e, dict) and "concat" in e else [e] for e, _ in entries]
            if all(isinstance(part, str) and not part.endswith("*") for key in keys for part in key):
                index = {tuple(k): _expression(v) for k, (_, v) in zip(keys, entries, strict=True)}
            self._indexes[id(rule)] = index
        return self._indexes[id(rule)]


def _for_these(found: dict[_Ways, _Found], packets: Packets) -> _Found | None:
    """Return what was found for these interfaces, or for any where no rule asked."""
    comes, leaves = packets.comes_by, packets.leaves_by
    for ways in ((comes, leaves), (comes, _ANY), (_ANY, leaves), (_ANY, _ANY)):
        if ways in found:
            return found[ways]
    return None


def _those_asked(asked: set[str], packets: Packets) -> _Ways:
    return packets.comes_by if "comes" in asked else _ANY, packets.leaves_by if "leaves" in asked else _ANY


def _known_at(hook: str, chain: Chain, packets: Packets, *, translates: bool) -> Packets:
    """Return what a chain can see: before routing not the way out, and for the device's own packets no way in.

    Before connection tracking every packet reads as invalid; before and after translation, addresses are others.
    """
    leaves = None if hook in {"prerouting", "input"} else packets.leaves_by
    comes = None if hook == "output" else packets.comes_by
    state, translated = packets.state, frozenset[str]()
    early, late = hook in {"prerouting", "output"}, hook in {"postrouting", "input"}
    if early and chain.priority <= _CONNTRACK:
        state = "invalid" if chain.priority < _CONNTRACK else None
    if translates and early and chain.priority <= _DNAT:
        translated = frozenset({"daddr", "dport"})
    if translates and late and chain.priority >= _SNAT:
        translated = frozenset({"saddr", "sport"})
    return Packets(packets.version, comes, leaves, state, translated)


def _named(rule: Rule, what: Exception, content: Any) -> str:  # noqa: ANN401
    """Say which part of a rule is not understood."""
    said = str(what) if isinstance(what, NotRead) else str(content)
    return f"{rule.place}: {said[:_MOST_SAID]}"


def _refuse_portless(rule: Rule, key: Any, region: Region) -> None:  # noqa: ANN401
    """NotRead where `th` would read the ports of headers that have none: it then compares whatever stands there."""
    if not rule.reads_any_ports:
        return
    parts = key.get("concat", [key])
    named = {
        str(word) for part in parts for field in part.values() if isinstance(field, dict) for word in field.values()
    }
    if "th" in named and not named & {"l4proto", "protocol", "nexthdr"} and narrowed(region, PROTOCOL, PORTLESS):
        not_read("th, of protocols without ports")


def _expression(expression: Any) -> tuple[str, Any]:  # noqa: ANN401 - whatever nft prints
    """Return the kind of an expression and what it says."""
    return next(iter(expression.items())) if isinstance(expression, dict) and expression else (str(expression), None)


def _together(terms: list[Term], element: Any) -> Choice:  # noqa: ANN401
    """Return what one element of a concatenation selects."""
    parts = element["concat"] if isinstance(element, dict) and "concat" in element else element
    if not isinstance(parts, list) or len(parts) != len(terms):
        not_read("element", element)
    fields: Fields = {}
    for of, part in zip(terms, parts, strict=True):
        if of.field is None:
            if part != "*" and not holds(of, "==", [part]):
                return None
            continue
        if not of.exists:
            return None
        for number, intervals in (*of.needs, (of.field, values(of, flat(part, _no_set)))):
            kept = both(fields[number], intervals) if number in fields else intervals
            if not kept:
                return None
            fields[number] = kept
    return fields


def _no_set(name: str) -> Elements:
    not_read("set", name, "in a concatenation")


def _parted(region: Region, alternatives: list[Fields]) -> tuple[Region, Region]:
    """Return the headers that any alternative selects, and the others."""
    found: Region = []
    left = region
    for fields in alternatives:
        inside, left = split(left, fields)
        found = [*found, *inside]
    return found, left
