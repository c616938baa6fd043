"""Every rule of a rendered file deleted, widened, moved, shadowed: proof and packets must see the same difference."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest
from router import JOINED, NEXT_HOP6, Packet, Router, link_local

from egov.city import City, load
from egov.proof import Ruleset, differences, read
from egov.proof.compare import Difference
from egov.proof.space import DESTINATION, PORT, PROTOCOL, SOURCE, Box, Intervals, addresses, both, normal, written
from egov.render.flows import Compiler, rulesets
from egov.render.intent import LOCAL

pytestmark = pytest.mark.drill
CITY = Path(__file__).parents[2] / "inventory" / "huludao"
DAY = date(2026, 11, 26)
DEVICE = "bk-rt1"
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "ospf": 89}
DISCOVERY = (133, 134, 135, 136, 143)  # types of ICMPv6 that connection tracking leaves alone


def without(one: Intervals, other: Intervals) -> Intervals:
    """Return the addresses of one set that are not in another."""
    gaps = list(one)
    for first, last in other:
        gaps = [part for a, b in gaps for part in ((a, min(b, first - 1)), (max(a, last + 1), b)) if part[0] <= part[1]]
    return tuple(gaps)


# Addresses that packets are sent between: networks of the sample city and their surroundings.
UNICAST = {
    4: normal(map(addresses, ("10.0.0.0/8", "192.168.0.0/16", "198.51.100.0/24", "203.0.113.0/24"))),
    6: normal([addresses("2001:db8::/32")]),
}
LINK = {4: (), 6: normal([addresses("fe80::/64")])}
NEIGHBOUR = {4: (), 6: normal([addresses(NEXT_HOP6)])}  # on every link, with a known hardware address
GROUPS = {version: normal(addresses(g) for g in JOINED if (":" in g) == (version == 6)) for version in (4, 6)}
FORWARDED = {
    4: without(normal([addresses("1.0.0.0/8"), (2 << 24, (224 << 24) - 1)]), normal([addresses("127.0.0.0/8")])),
    6: without((addresses("::/0"),), normal(map(addresses, ("::/128", "fe80::/10", "ff00::/8")))),
}
TRIED = 6  # differences of one mutant that are sent as packets


@pytest.fixture(scope="module")
def city() -> City:
    """Return the sample city."""
    return load(CITY)


def statements(text: str) -> list[str]:
    """Return a file as statements: lines that go on are joined."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith("      ") and found:
            found[-1] += " " + line.strip()
        else:
            found.append(line)
    return found


def is_rule(statement: str) -> bool:
    """Say whether a statement is a rule that decides about packets that come in or pass through."""
    return (
        statement.startswith("    ")
        and bool(re.search(r"\b(accept|drop|jump)\b", statement))
        and "type " not in statement.split("hook", maxsplit=1)[0][:9]
    )


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Yield (what was done, the file after it)."""
    lines = statements(text)
    rules = [n for n, line in enumerate(lines) if is_rule(line)]
    for n in rules:
        line = lines[n]
        yield f"delete {line.strip()[:60]}", joined(lines, n, [])
        for name, pattern, new in WIDER:
            wider = re.sub(pattern, new, line, count=1)
            if wider != line:
                yield f"widen {name} {line.strip()[:60]}", joined(lines, n, [wider])
        if n + 1 in rules:
            swapped = [*lines]
            swapped[n], swapped[n + 1] = lines[n + 1], line
            yield f"swap {line.strip()[:60]}", "\n".join(swapped) + "\n"
        if line.rstrip().endswith(("accept", "drop")) or 'accept comment "' in line:
            yield f"shadow {line.strip()[:60]}", joined(lines, n, [inverted(line), line])


WIDER = (
    ("port", r"(tcp|udp) dport (\{[^}]*\}|[0-9-]+)", r"\1 dport 1-65535"),
    ("source", r"ip6? saddr (\{[^}]*\}|@?[^ {]+) ", ""),
    ("destination", r"ip6? daddr (\{[^}]*\}|@?[^ {]+) ", ""),
)


def inverted(line: str) -> str:
    """Return a rule with the other verdict, without counter and comment."""
    bare = re.sub(r' comment "[^"]*"', "", line).replace(" counter accept", " accept")
    bare = re.sub(r" counter name .* drop$", " drop", bare)
    return re.sub(r"(accept|drop)$", lambda m: "drop" if m[1] == "accept" else "accept", bare.rstrip())


def joined(lines: list[str], n: int, instead: list[str]) -> str:
    """Return a file with one statement replaced."""
    return "\n".join([*lines[:n], *instead, *lines[n + 1 :]]) + "\n"


def packet(city: City, difference: Difference) -> Packet | None:
    """Return a packet of a difference that can be sent, or None: an error about another connection, a broken one.

    New connections of protocols that have probes, neighbour discovery (which is never tracked), echo requests of a
    connection that exists; passing through, to the router itself, or from it.
    """
    (comes, leaves), box, version = difference.cell, difference.box, difference.version
    own = ours(city, version, comes or leaves)
    away = without(UNICAST[version], own)
    sources = both(box[SOURCE], own) if comes == LOCAL else ()
    sources = sources or both(box[SOURCE], away if LOCAL not in difference.cell else either(away, LINK[version]))
    answering = {LOCAL: either(own, GROUPS[version])}.get(leaves, away)
    reached = either(answering, GROUPS[version], NEIGHBOUR[version]) if comes == LOCAL else answering
    there = both(box[DESTINATION], reached)
    kind = sent_as(difference)
    if kind is None or not there or not sources:
        return None
    source, destination = (near_the_end(version, values) for values in (sources, there))
    return Packet(comes, *kind, source, destination, leaves)


def ours(city: City, version: int, interface: str) -> Intervals:
    """Return the router's own addresses, the one that an interface gave itself among them."""
    interfaces = city.hosts[DEVICE].interfaces
    described = [a for i in interfaces for a in (i.address, i.ipv6) if a and (":" in a) == (version == 6)]
    number = [i.name for i in interfaces].index(interface)
    return normal(map(addresses, [*described, *([link_local(number)] if version == 6 else [])]))


def forwardable(difference: Difference) -> bool:
    """Say whether a kernel passes such packets on at all: none from or to a link (RFC 4291 2.5.6), none to groups."""
    version = difference.version
    ends = (difference.box[SOURCE], difference.box[DESTINATION])
    return LOCAL in difference.cell or all(both(end, FORWARDED[version]) for end in ends)


def sent_as(difference: Difference) -> tuple[str, int] | None:
    """Return protocol and port (or type) of a packet that has the state of a difference; None if none can."""
    box, version = difference.box, difference.version
    icmp, request = ("icmp", 8) if version == 4 else ("icmpv6", 128)
    pings = holds(box, NUMBERS[icmp], request)
    if difference.state == "new":
        for protocol in ("tcp", "udp"):
            if holds(box, NUMBERS[protocol]):
                return protocol, box[PORT][0][0]
        return (icmp, request) if pings else ("ospf", 0) if holds(box, NUMBERS["ospf"]) else None
    if difference.state == "untracked" and version == 6:
        return next((("icmpv6", kind) for kind in DISCOVERY if holds(box, NUMBERS["icmpv6"], kind)), None)
    return (icmp, request) if difference.state == "established" and pings else None


def holds(box: Box, protocol: int, port: int | None = None) -> bool:
    """Say whether headers of a protocol (and port, or type) are in a box."""
    ports = box[PORT] if port is None else both(box[PORT], ((port, port),))
    return bool(ports and both(box[PROTOCOL], ((protocol, protocol),)))


def either(*sets: Intervals) -> Intervals:
    """Return the addresses of several sets."""
    return normal(interval for one in sets for interval in one)


def near_the_end(version: int, values: Intervals) -> str:
    """Return an address of a set, away from the first ones, which are routers' own, and from a broadcast address."""
    first, last = values[0]
    return written(version, last - (last > first))


def test_proof_and_packets_agree_on_every_mutant(city: City) -> None:
    """A change that the proof sees is seen by packets, packet for packet; where it sees none, packets see none."""
    text = rulesets(city, DAY)[DEVICE]
    intent = Compiler(city, DAY).intent(city.hosts[DEVICE])
    counted: Counter[str] = Counter()
    unseen: list[str] = []
    with Router.of(city, city.hosts[DEVICE]) as router:
        assert router.load(text) is None
        original = read(router.live())
        usual = sample(city, original, list(intent.behind))
        before = router.passed(usual)
        for what, mutant in mutants(text):
            refused = router.load(mutant)
            if refused is not None:
                counted["refused by nft"] += 1
                continue
            found = [d for d in differences(original, read(router.live()), intent.behind) if forwardable(d)]
            opening, going_on = pairs(city, found)
            counted["equivalent" if not found else "caught" if opening or going_on else "proof only"] += 1
            if not found:
                assert before == router.passed(usual), what
            seen = router.passed([p for _, p in opening]) + router.passed_established(mutant, [p for _, p in going_on])
            expected = [not d.first_accepts for d, _ in [*opening, *going_on]]
            assert expected == [name is not None for name in seen], (what, opening, going_on, seen)
            unseen += [what] if found and not opening and not going_on else []
    print(dict(counted))  # noqa: T201 - the figures are what the drill is run for
    assert sum(counted.values()) - counted["refused by nft"] >= 200
    assert unseen == []


Pairs = list[tuple[Difference, Packet]]


def pairs(city: City, found: Sequence[Difference]) -> tuple[Pairs, Pairs]:
    """Return some differences with packets that show them: first packets of a connection, later ones of another."""
    sent = [(d, p) for d in found if (p := packet(city, d))]
    later = [pair for pair in sent if pair[0].state == "established"]
    return [pair for pair in sent if pair not in later][:TRIED], later[:2]


def sample(city: City, original: Ruleset, interfaces: list[str]) -> list[Packet]:
    """Return packets that show what the original does: all that differ from a device that lets nothing through."""
    nothing = read(NOTHING)
    shown = differences(original, nothing, interfaces)
    return [p for d in shown if d.state != "established" and (p := packet(city, d))]


NOTHING = json.dumps(
    {
        "nftables": [
            {
                "chain": {
                    "family": "inet",
                    "table": "t",
                    "name": hook,
                    "type": "filter",
                    "hook": hook,
                    "prio": 0,
                    "policy": "drop",
                }
            }
            for hook in ("input", "forward", "output")
        ]
    }
)
