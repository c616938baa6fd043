"""The proof over all packets says of any one packet what following the rules by hand says of it.

The hand is a naive interpreter, packet by packet, written from nft(8) alone; it shares no code with the prover. A test
it cannot read (`meta mark`) it tries both ways each time, so a packet has one fate or two.
"""

from __future__ import annotations

import ipaddress
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from egov.proof import read
from egov.proof.match import Packets
from egov.proof.space import Box, everything
from egov.proof.walk import Walk

HOOKS = ("prerouting", "forward", "postrouting")
BITS = {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1}
NAMES = ("a1", "a2", "b1")
ADDRESSES = ("10.0.0.0", "10.0.0.1", "10.0.0.7", "10.0.0.8", "10.0.1.0", "10.0.3.255", "11.0.0.0")
PORTS = (21, 22, 23, 80, 81)
UNREAD = {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 7}}


@dataclass(frozen=True)
class One:
    """One packet."""

    comes: str
    leaves: str
    state: str
    source: str
    destination: str
    protocol: int
    source_port: int
    port: int


Chains = dict[str, list[list[dict[str, Any]]]]


class Hand:
    """Follows one packet; `answers` are what unread tests say, in the order in which they are met."""

    def __init__(
        self, chains: Chains, sets: dict[str, list[Any]], one: One, hook: str, answers: Iterator[bool]
    ) -> None:
        self.chains, self.sets, self.one, self.hook, self.answers = chains, sets, one, hook, answers

    def fate(self, base: str, policy: str) -> str:
        """Return accept or drop."""
        return self.chain(base) or policy

    def chain(self, name: str) -> str | None:
        """Return a verdict, or None where the chain ends or returns."""
        for rule in self.chains[name]:
            said = self.rule(rule)
            if said == "return":
                return None
            if said is not None:
                kind, _, target = said.partition(" ")
                if kind == "goto":
                    return self.chain(target)
                if kind == "jump":
                    said = self.chain(target)
                if said is not None:
                    return said
        return None

    def rule(self, expressions: list[dict[str, Any]]) -> str | None:
        """Return what a rule says: a verdict, or None if it does not match or says nothing."""
        for expression in expressions:
            ((kind, content),) = expression.items()
            if kind == "match":
                if not (next(self.answers) if expression == UNREAD else self.matches(content)):
                    return None
            elif kind == "vmap":
                return self.mapped(content)
            elif kind != "counter":
                return self.verdict(expression)
        return None

    @staticmethod
    def verdict(expression: dict[str, Any]) -> str | None:
        """Return a verdict as text."""
        ((kind, content),) = expression.items()
        return {"reject": "drop", "continue": None}.get(kind, f"{kind} {content['target']}" if content else kind)

    def mapped(self, content: dict[str, Any]) -> str | None:
        """Return the verdict of the element that fits, if one does."""
        parts = content["key"].get("concat", [content["key"]])
        found = [self.value(part) for part in parts]
        for key, verdict in content["data"]["set"]:
            elements = key["concat"] if isinstance(key, dict) and "concat" in key else [key]
            if None not in found and all(self.equal(v, e) for v, e in zip(found, elements, strict=True)):
                return self.verdict(verdict)
        return None

    def matches(self, content: dict[str, Any]) -> bool:
        """Say whether one match holds."""
        left, operator, right = content["left"], content["op"], content["right"]
        if left == {"ct": {"key": "state"}} and not isinstance(right, dict):
            return self.state(operator, right)
        if "concat" in left:
            found = [self.value(part) for part in left["concat"]]
            rows = [element["concat"] for element in right["set"]]
            return None not in found and any(all(map(self.equal, found, row)) for row in rows)
        value = self.value(left)
        if value is None:
            return False
        if operator in {"<", ">"}:
            return value < self.number(right) if operator == "<" else value > self.number(right)
        named = self.sets[right[1:]] if isinstance(right, str) and right.startswith("@") else None
        elements = (
            named if named is not None else right["set"] if isinstance(right, dict) and "set" in right else [right]
        )
        return any(self.equal(value, element) for element in elements) == (operator == "==")

    def state(self, operator: str, right: Any) -> bool:  # noqa: ANN401
        """Compare bits as the kernel does."""
        bits = sum(BITS[word] for word in (right if isinstance(right, list) else [right]))
        own = BITS[self.one.state]
        return {"in": own & bits != 0, "!": own & bits == 0, "==": own == bits, "!=": own != bits}[operator]

    def value(self, left: dict[str, Any]) -> Any:  # noqa: ANN401
        """Return what the packet has in a field, None if it has no such field."""
        one = self.one
        ((kind, content),) = left.items()
        if kind == "ct":
            return one.state
        if kind == "meta":
            unknown_way = "" if self.hook == "prerouting" else one.leaves
            return {"iifname": one.comes, "oifname": unknown_way, "l4proto": one.protocol}[content["key"]]
        protocol, field = content["protocol"], content["field"]
        if protocol == "ip":
            return int(ipaddress.ip_address(one.source if field == "saddr" else one.destination))
        if NUMBERS[protocol] != one.protocol:
            return None
        return one.source_port if field == "sport" else one.port

    @staticmethod
    def number(value: Any) -> int:  # noqa: ANN401
        """Return an address, a protocol or a port as a number."""
        if isinstance(value, str):
            return NUMBERS[value] if value in NUMBERS else int(ipaddress.ip_address(value))
        return int(value)

    def equal(self, value: Any, element: Any) -> bool:  # noqa: ANN401
        """Say whether a value is an element, or in it."""
        if isinstance(element, dict) and "prefix" in element:
            prefix = element["prefix"]
            return ipaddress.ip_address(value) in ipaddress.ip_network(f"{prefix['addr']}/{prefix['len']}")
        if isinstance(element, dict):
            first, last = element["range"]
            return self.number(first) <= value <= self.number(last)
        if isinstance(value, str):
            return value.startswith(element[:-1]) if element.endswith("*") else value == element
        return bool(value == self.number(element))


class Writer:
    """Writes rulesets at random, of all that the hand can follow."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - the same every time
        self.unread = 0
        self.sets = {"nets": [self.network() for _ in range(2)]}

    def ruleset(self) -> tuple[Chains, dict[str, tuple[str, int, str]]]:
        """Return chains of rules, and the base ones among them with hook, priority and policy."""
        bases = {
            "f0": ("forward", 0, self.chance.choice(("accept", "drop"))),
            "f1": ("forward", 10, self.chance.choice(("accept", "drop"))),
            "p0": ("prerouting", 0, "accept"),
        }
        used = self.chance.sample(sorted(bases), self.chance.choice((1, 2, 3)))
        chains = {name: [self.rule(["c1", "c2"]) for _ in range(self.chance.randint(1, 5))] for name in used}
        chains["c1"] = [self.rule(["c2"]) for _ in range(self.chance.randint(0, 4))]
        chains["c2"] = [self.rule([]) for _ in range(self.chance.randint(0, 4))]
        return chains, {name: bases[name] for name in used}

    def rule(self, targets: list[str]) -> list[dict[str, Any]]:
        """Return one rule."""
        tests = [self.test() for _ in range(self.chance.choice((0, 1, 1, 2, 2, 3)))]
        if self.unread < 3 and self.chance.random() < 0.1:
            self.unread += 1
            tests.insert(0, UNREAD)
        if self.chance.random() < 0.2:
            return [*tests, {"vmap": self.map(targets)}]
        return [*tests, {"counter": {"packets": 1, "bytes": 2}}, self.verdict(targets)]

    def verdict(self, targets: list[str]) -> dict[str, Any]:
        """Return a verdict."""
        kinds = ["accept", "drop", "drop", "return", "continue", "reject", *(("jump", "goto") if targets else ())]
        kind = self.chance.choice(kinds)
        return {kind: {"target": self.chance.choice(targets)} if kind in {"jump", "goto"} else None}

    def map(self, targets: list[str]) -> dict[str, Any]:
        """Return a verdict map on one field, or on two."""
        pick = self.chance.randrange(3)
        if pick == 0:
            words = self.chance.sample(sorted(BITS), 3)
            return {"key": {"ct": {"key": "state"}}, "data": {"set": [[word, self.verdict(targets)] for word in words]}}
        if pick == 1:
            ports = [{"range": [21, 22]}, 80]
            key = {"payload": {"protocol": "tcp", "field": "dport"}}
            return {"key": key, "data": {"set": [[port, self.verdict(targets)] for port in ports]}}
        pairs = self.chance.sample([[i, o] for i in NAMES for o in NAMES], 3)
        key = {"concat": [{"meta": {"key": "iifname"}}, {"meta": {"key": "oifname"}}]}
        return {"key": key, "data": {"set": [[{"concat": pair}, self.verdict(targets)] for pair in pairs]}}

    def network(self) -> Any:  # noqa: ANN401
        """Return an address, a prefix or a range."""
        first, last = sorted(self.chance.sample(ADDRESSES, 2))
        prefix = {"prefix": {"addr": self.chance.choice(("10.0.0.0", "10.0.0.8")), "len": 29}}
        return self.chance.choice(
            (first, prefix, {"range": [first, last]}, {"prefix": {"addr": "10.0.0.0", "len": 22}})
        )

    def test(self) -> dict[str, Any]:
        """Return one test."""
        choose = self.chance.choice
        equal = choose(("==", "!="))
        address = {"payload": {"protocol": "ip", "field": choose(("saddr", "daddr"))}}
        port = {"payload": {"protocol": choose(("tcp", "udp")), "field": choose(("sport", "dport"))}}
        name = {"meta": {"key": choose(("iifname", "oifname"))}}
        state = {"ct": {"key": "state"}}
        words = self.chance.sample(sorted(BITS), 2)
        row = {"concat": [self.network(), choose(PORTS)]}
        tcp = {"payload": {"protocol": "tcp", "field": "dport"}}
        op, left, right = choose(
            (
                (equal, name, choose((*NAMES, "a*"))),
                (equal, name, {"set": list(NAMES[:2])}),
                (equal, address, self.network()),
                (equal, address, "@nets"),
                (choose(("<", ">")), address, choose(ADDRESSES[1:-1])),
                (equal, port, {"set": [22, {"range": [80, 81]}]}),
                (choose(("<", ">")), port, choose(PORTS)),
                (equal, {"meta": {"key": "l4proto"}}, choose(("tcp", "udp", "icmp"))),
                (equal, {"payload": {"protocol": "icmp", "field": "type"}}, choose((8, 21, {"range": [20, 22]}))),
                (choose(("in", "!")), state, words),
                (choose(("in", "!", "==", "!=")), state, words[0]),
                (equal, state, words),
                (equal, state, {"set": words}),
                ("==", {"concat": [address, tcp]}, {"set": [row]}),
            )
        )
        return {"match": {"op": op, "left": left, "right": right}}

    def packet(self) -> One:
        """Return one packet."""
        choose = self.chance.choice
        protocol = choose((6, 6, 17, 1))
        return One(
            *(choose(NAMES), choose(NAMES), choose(sorted(BITS)), choose(ADDRESSES), choose(ADDRESSES)),
            *(protocol, choose(PORTS), choose(PORTS)),
        )


def printed(chains: Chains, bases: dict[str, tuple[str, int, str]], sets: dict[str, list[Any]]) -> str:
    """Return a ruleset as nft prints it."""
    at = {"family": "inet", "table": "t"}
    items: list[dict[str, Any]] = [{"table": {"family": "inet", "name": "t"}}]
    items += [{"set": {**at, "name": name, "type": "ipv4_addr", "elem": elements}} for name, elements in sets.items()]
    for name in chains:
        hook = dict(zip(("hook", "prio", "policy"), bases[name], strict=True)) if name in bases else {}
        items.append({"chain": {**at, "name": name, **({"type": "filter"} if hook else {}), **hook}})
    rules = [(name, rule) for name, rules in chains.items() for rule in rules]
    items += [{"rule": {**at, "chain": name, "handle": n, "expr": rule}} for n, (name, rule) in enumerate(rules, 1)]
    return json.dumps({"nftables": items})


def by_hand(chains: Chains, bases: dict[str, tuple[str, int, str]], sets: dict[str, list[Any]], one: One) -> set[str]:
    """Return the fates a packet may have, over all answers of up to seven unread tests on its way."""
    order = sorted(bases, key=lambda name: (HOOKS.index(bases[name][0]), bases[name][1]))
    fates = set()
    asks = any(UNREAD in rule for rules in chains.values() for rule in rules)
    for answers in range(128 if asks else 1):
        said = iter([bool(answers >> bit & 1) for bit in range(7)])
        passed = all(
            Hand(chains, sets, one, bases[name][0], said).fate(name, bases[name][2]) == "accept" for name in order
        )
        fates.add("accept" if passed else "drop")
    return fates


def holds(box: Box, one: One) -> bool:
    """Say whether a packet lies in a box."""
    addresses = (int(ipaddress.ip_address(one.source)), int(ipaddress.ip_address(one.destination)))
    point = (*addresses, one.protocol, one.source_port, one.port)
    return all(any(first <= at <= last for first, last in axis) for at, axis in zip(point, box, strict=True))


@pytest.mark.parametrize("seed", range(150))
def test_any_packet_of_any_ruleset(seed: int) -> None:
    """Passed means passed and dropped means dropped; a packet with two fates is always among the undetermined."""
    writer = Writer(seed)
    chains, bases = writer.ruleset()
    text = printed(chains, bases, writer.sets)
    walk = Walk(read(text))
    wrong = []
    for _ in range(40):
        one = writer.packet()
        fates = by_hand(chains, bases, writer.sets, one)
        packets = Packets(4, one.comes, one.leaves, one.state)
        accepted, doubts = walk.accepted(HOOKS, packets, everything(4))
        unsure = any(holds(box, one) for region, _ in doubts for box in region)
        said = "accept" if any(holds(box, one) for box in accepted) else "drop"
        if not unsure and fates != {said}:
            wrong.append((one, fates, said))
        if unsure and not writer.unread:
            wrong.append((one, fates, "undetermined, though all can be read"))

    assert [] == wrong, text
