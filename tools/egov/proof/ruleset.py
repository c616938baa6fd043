"""`nft -j list ruleset` → chains, rules, sets and maps. The text is a host's answer: nothing is believed unread."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

FAMILIES = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
HOOKS = frozenset({"prerouting", "input", "forward", "output", "postrouting"})


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
    """One rule: where it stands, its expressions in order, and the one interface it is for, if it begins with that."""

    place: Place
    expressions: list[Any]
    comes_by: str | None = None


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
        found = Ruleset()
        for entry in entries:
            for kind, content in entry.items():
                _take(found, kind, content)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"not what `nft -j list ruleset` prints: {error!r}"
        raise Unreadable(message) from None
    return found


def _take(found: Ruleset, kind: str, content: dict[str, Any]) -> None:
    family = content.get("family", "")
    if kind in {"metainfo", "counter", "quota", "limit", "ct helper", "ct timeout"}:
        return
    if family not in FAMILIES:
        found.passed_over.append(f"{kind} {family} {content.get('name', '')}".strip())
        return
    if kind == "chain":
        key = (family, content["table"], content["name"])
        priority, policy = int(content.get("prio", 0)), content.get("policy", "accept")
        found.chains[key] = Chain(*key, content.get("type"), content.get("hook"), priority, policy)
    elif kind in {"set", "map"}:
        dynamic = "dynamic" in content.get("flags", []) or "timeout" in content.get("flags", [])
        found.sets[family, content["table"], content["name"]] = Elements(list(content.get("elem", [])), dynamic)
    elif kind == "rule":
        place = Place(family, content["table"], content["chain"], int(content.get("handle", 0)))
        expressions = list(content.get("expr", []))
        rule = Rule(place, expressions, _comes_by(expressions))
        found.chains[family, place.table, place.chain].rules.append(rule)
    elif kind != "table":
        found.passed_over.append(f"{kind} {family} {content.get('name', '')}".strip())


def _comes_by(expressions: list[Any]) -> str | None:
    """Return the interface that a rule begins by naming: most rules are for another one and are passed over unread."""
    first = expressions[0].get("match") if expressions and isinstance(expressions[0], dict) else None
    if not isinstance(first, dict) or first.get("op") != "==" or first.get("left") != {"meta": {"key": "iifname"}}:
        return None
    name = first.get("right")
    return name if isinstance(name, str) and not name.startswith("@") and not name.endswith("*") else None
