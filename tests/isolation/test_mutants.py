"""Every rule of a rendered file deleted, widened, moved, shadowed: proof and packets must see the same difference."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from router import Packet, Router

from egov.city import City, load
from egov.proof import Ruleset, differences, read
from egov.proof.compare import Difference
from egov.proof.space import DESTINATION, PORT, PROTOCOL, SOURCE, Intervals, addresses, both, normal, written
from egov.render.flows import Compiler, rulesets
from egov.render.intent import LOCAL
from egov.render.reach import Reach

pytestmark = pytest.mark.drill
CITY = Path(__file__).parents[2] / "inventory" / "huludao"
DAY = date(2026, 11, 26)
DEVICE = "bk-rt1"
SENT = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6"}
# Addresses that a kernel forwards at all: no multicast, no link-local ones, not the unspecified one.
UNICAST = {
    4: normal(
        [
            addresses("10.0.0.0/8"),
            addresses("192.168.0.0/16"),
            addresses("198.51.100.0/24"),
            addresses("203.0.113.0/24"),
        ]
    ),
    6: normal([addresses("2001:db8::/32")]),
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


def packet(city: City, difference: Difference, reach: Reach) -> Packet | None:
    """Return a packet of a difference that can be sent: new, passing through, of a protocol that has probes."""
    (comes, leaves), box = difference.cell, difference.box
    if difference.state != "new" or LOCAL in difference.cell:
        return None
    protocol = next((number for number in SENT if both(box[PROTOCOL], ((number, number),))), None)
    device = city.hosts[DEVICE]
    there = both(box[DESTINATION], behind(reach, device.id, leaves, difference.version))
    sources = both(box[SOURCE], UNICAST[difference.version])
    port = box[PORT][0][0]
    if protocol in {1, 58}:
        wanted = 8 if protocol == 1 else 128
        if not both(box[PORT], ((wanted, wanted),)):
            return None
        port = wanted
    if protocol is None or not there or not sources or (protocol, difference.version) in {(1, 6), (58, 4)}:
        return None
    source, destination = (near_the_end(difference.version, values) for values in (sources, there))
    return Packet(comes, SENT[protocol], port, source, destination, leaves)


def near_the_end(version: int, values: Intervals) -> str:
    """Return an address of a set, away from the first ones, which are routers' own, and from a broadcast address."""
    first, last = values[0]
    return written(version, last - (last > first))


def behind(reach: Reach, device: str, interface: str, version: int) -> Intervals:
    """Return the addresses behind an interface that a packet can be sent to."""
    networks = reach.sources_behind(reach.city.hosts[device], interface)
    found = normal(addresses(text) for text in networks if (":" in text) == (version == 6))
    return both(found, UNICAST[version])


def test_proof_and_packets_agree_on_every_mutant(city: City) -> None:
    """A change that the proof sees is seen by packets, packet for packet; where it sees none, packets see none."""
    text = rulesets(city, DAY)[DEVICE]
    intent = Compiler(city, DAY).intent(city.hosts[DEVICE])
    reach = Reach(city)
    counted: Counter[str] = Counter()
    with Router.of(city, city.hosts[DEVICE]) as router:
        assert router.load(text) is None
        original = read(router.live())
        usual = sample(city, reach, original, list(intent.behind))
        before = router.passed(usual)
        for what, mutant in mutants(text):
            refused = router.load(mutant)
            if refused is not None:
                counted["refused by nft"] += 1
                continue
            found = list(differences(original, read(router.live()), intent.behind))
            pairs = [(d, p) for d in found if (p := packet(city, d, reach))][:TRIED]
            if not found:
                counted["equivalent"] += 1
                assert before == router.passed(usual), what
            elif not pairs:
                counted["seen by the proof only"] += 1
            else:
                counted["caught"] += 1
                passed = router.passed([p for _, p in pairs])
                assert [not d.first_accepts for d, _ in pairs] == [name is not None for name in passed], (what, pairs)
    print(dict(counted))  # noqa: T201 - the figures are what the drill is run for
    assert sum(counted.values()) - counted["refused by nft"] >= 200
    assert counted["caught"] > 100


def sample(city: City, reach: Reach, original: Ruleset, interfaces: list[str]) -> list[Packet]:
    """Return packets that show what the original does: all that differ from a device that lets nothing through."""
    nothing = read(NOTHING)
    shown = differences(original, nothing, interfaces)
    return [p for d in shown if (p := packet(city, d, reach))]


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
