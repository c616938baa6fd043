"""`nft -j list ruleset` → chains, rules, sets and maps. The text is a host's answer: nothing is believed unread."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

FAMILIES = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
HOOKS = frozenset({"prerouting", "input", "forward", "output", "postrouting"})

_TEXTS = ("family", "table", "chain", "name", "hook", "policy")


class Unreadable(ValueError):  # noqa: N818 - it says what the text is
    """The text is no ruleset at all."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands."""

    family: str
    table: str
    chain: str
    handle: int

    def __str__(self) -> str:
        return f"{self.family} {self.table} {self.chain} handle {self.handle}"


@dataclass(slots=True, eq=False)
class Rule:
    """One rule: where it stands and its expressions in order."""

    place: Place
    expressions: list[Any]
    reads_any_ports: bool = False  # by `th`, whatever the protocol


@dataclass(slots=True)
class Chain:
    """A chain; hook, priority and policy only where it is a base chain."""

    family: str
    table: str
    name: str
    kind: str | None = None
    hook: str | None = None
    priority: int = 0
    policy: str = "accept"
    rules: list[Rule] = field(default_factory=list)


@dataclass(slots=True)
class Elements:
    """A named set or map: its elements as printed; `dynamic` where packets change it."""

    elements: list[Any]
    dynamic: bool = False


@dataclass(slots=True)
class Ruleset:
    """A whole ruleset, and what of it was passed over (families other than ip, ip6 and inet)."""

    chains: dict[tuple[str, str, str], Chain] = field(default_factory=dict)
    sets: dict[tuple[str, str, str], Elements] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    dormant: set[tuple[str, str]] = field(default_factory=set)
    perhaps_dormant: set[tuple[str, str]] = field(default_factory=set)
    droppers: list[tuple[str, frozenset[str], str]] = field(default_factory=list)
    """Chains at a device's own hooks, which are not read but can drop: the hook, the devices (none: all), the name."""
    directed: bool = False
    """Whether a rule may ask in which direction of its connection a packet goes."""

    def at(self, hook: str, version: int) -> list[Chain]:
        """Return the filtering base chains of a hook for a version of IP, in the order they are asked."""
        chains = (
            chain
            for chain in self.chains.values()
            if chain.hook == hook and chain.kind in {"filter", "route"} and version in FAMILIES[chain.family]
        )
        return sorted(chains, key=lambda chain: chain.priority)

    @property
    def translates(self) -> list[str]:
        """Names of chains that translate addresses: compared by the drift witness, not proved."""
        return sorted(f"{c.family} {c.table} {c.name}" for c in self.chains.values() if c.kind == "nat")


def read(text: str) -> Ruleset:
    """Return a ruleset; Unreadable if the text is none."""
    try:
        entries = json.loads(text)["nftables"]
        found = Ruleset(directed='"direction"' in text)
        for entry in entries:
            for kind, content in entry.items():
                _take(found, kind, content)
        for rule in (rule for chain in found.chains.values() for rule in chain.rules):
            _note_updates(found, rule)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        message = f"not what `nft -j list ruleset` prints: {type(error).__name__} {str(error)[:80]}"
        raise Unreadable(message) from None
    return found


def _refuse_other_than_text(content: dict[str, Any]) -> None:
    wrong = [key for key in _TEXTS if content.get(key) is not None and not isinstance(content[key], str)]
    if wrong:
        message = f"{wrong[0]} is no text"
        raise TypeError(message)


def _note_updates(found: Ruleset, rule: Rule) -> None:
    """Mark the sets a rule adds to or takes from: nft 1.0.6 leaves `dynamic` out of the flags it prints."""
    for expression in rule.expressions:
        for kind in {"set", "map"} & expression.keys() if isinstance(expression, dict) else ():
            content = expression[kind]
            name = str(content.get(kind)).removeprefix("@") if isinstance(content, dict) else ""
            elements = found.sets.get((rule.place.family, rule.place.table, name))
            if elements:
                elements.dynamic = True


def _take(found: Ruleset, kind: str, content: dict[str, Any]) -> None:
    family = content.get("family", "")
    _refuse_other_than_text(content)
    if kind in {"metainfo", "counter", "quota", "limit", "ct helper", "ct timeout"}:
        return
    if kind == "chain" and content.get("hook") in {"ingress", "egress"}:
        devices = content.get("dev", [])
        names = frozenset([devices] if isinstance(devices, str) else devices)
        found.droppers.append((content["hook"], names, f"{family} {content['table']} {content['name']}"))
    if family not in FAMILIES:
        found.passed_over.append(f"{kind} {family} {content.get('name', '')}".strip())
        return
    if kind == "chain":
        key = (family, content["table"], content["name"])
        priority, policy = int(content.get("prio", 0)), content.get("policy", "accept")
        hook = None if key[:2] in found.dormant else content.get("hook")
        found.chains[key] = Chain(*key, str(content.get("type")), hook, priority, policy)
    elif kind in {"set", "map"}:
        dynamic = bool({"dynamic", "timeout"} & set(content.get("flags", []))) or not _only_counts(content.get("stmt"))
        found.sets[family, content["table"], content["name"]] = Elements(list(content.get("elem", [])), dynamic)
    elif kind == "rule":
        place = Place(family, content["table"], content["chain"], int(content.get("handle", 0)))
        expressions = list(content.get("expr", []))
        rule = Rule(place, expressions, "'protocol': 'th'" in str(expressions))
        found.chains[family, place.table, place.chain].rules.append(rule)
    elif kind == "table":
        _note_sleep(found, (family, content["name"]), content.get("flags", []))
    else:
        found.passed_over.append(f"{kind} {family} {content.get('name', '')}".strip())


def _note_sleep(found: Ruleset, table: tuple[str, str], flags: Any) -> None:  # noqa: ANN401 - whatever nft prints
    """Note a table that filters nothing; nft 1.0.6 prints its name in place of its flags, which may be any."""
    if "dormant" in flags:
        found.dormant.add(table)
    elif flags:
        found.perhaps_dormant.add(table)


def _only_counts(statements: Any) -> bool:  # noqa: ANN401 - whatever nft prints
    """Say whether a set's own statements leave its look-ups alone: a limit or quota per element does not."""
    return statements is None or all(set(statement) == {"counter"} for statement in statements)
