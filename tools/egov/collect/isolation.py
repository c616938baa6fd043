"""One run of the packet witness as evidence: what was sent, what arrived, what each device counted, what should run."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from egov.city import City, Host
from egov.collect.probing import Counted, Namespaces, entries, hardware_addresses, send
from egov.errors import CollectionError
from egov.facts import CellCount, Coverage, Fact, FlowCount, PacketPair, RenderedRuleset, RunWriter
from egov.render.flows import rulesets
from egov.render.probes import Probe, Prober

_WORDS = 6  # wrong packets named one by one; the rest is a number


def prove(evidence: Path, city: City, hosts: Sequence[Host], where: Namespaces, on: date) -> tuple[str, Counted, int]:
    """Send every probe between *hosts*, keep what came of it as a run; return the run, the counts, packets sent."""
    prober = Prober(city, on, list(hosts))
    probes = list(prober.plan())
    routers = [router.id for router in prober.reach.routers if router in hosts]
    started = datetime.now(UTC)
    with RunWriter.begin(evidence, "packets", [f"one packet per cell and service as of {on}"], started) as run:
        counted = send(probes, hardware_addresses(prober.gateways(), where), where, routers)
        at = datetime.now(UTC)
        for fact in facts(probes, counted, routers, at):
            run.add(fact)
        for fact in rendered(city, on, [host.id for host in hosts], at):
            run.add(fact)
    return run.id, counted, len(probes)


def facts(probes: Sequence[Probe], counted: Counted, routers: Sequence[str], at: datetime) -> Iterator[Fact]:
    """Yield one row per pair of hosts and version, one per device and cell, and the coverage of both."""
    times: dict[str, Any] = {"observed_at": at, "collected_at": at, "source": "packets from namespace to namespace"}
    pairs: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for number, probe in enumerate(probes):
        pairs[probe.client, probe.server, probe.version].append(number)
    for (client, server, version), numbers in sorted(pairs.items()):
        arrived = [n for n in numbers if n in counted.arrived]
        wrong = [n for n in numbers if (n in counted.arrived) == bool(probes[n].drops)]
        yield PacketPair(
            **times,
            host=client,
            server=server,
            version=version,
            sent=len(numbers),
            permitted=sum(not probes[n].drops for n in numbers),
            arrived=len(arrived),
            wrong=_words([probes[n] for n in wrong]),
        )
    for (device, names), (expected, found) in entries(probes, counted).items():
        yield CellCount(**times, host=device, cell=" | ".join(names), expected=expected, counted=found)
    for (device, flow), packets in sorted(counted.passed.items()):
        yield FlowCount(**times, host=device, flow=flow, packets=packets)
    for host in sorted({probe.client for probe in probes}):
        yield Coverage(**times, table=PacketPair.__name__, host=host, status="ok")
    for router in routers:
        yield Coverage(**times, table=CellCount.__name__, host=router, status="ok")


def _words(wrong: Sequence[Probe]) -> str:
    named = [
        f"{p.protocol}/{p.port} {p.source} -> {p.destination} {'passed' if p.drops else 'was lost'}"
        for p in wrong[:_WORDS]
    ]
    more = len(wrong) - len(named)
    return "; ".join([*named, *([f"{more} more"] if more > 0 else [])])


def rendered(city: City, on: date, hosts: Sequence[str], at: datetime) -> Iterator[Fact]:
    """Yield each device's rendered ruleset as the packet filter itself reads it, from an empty namespace."""
    for host, text in rulesets(city, on).items():
        if host in hosts:
            source = "egov render nftables, loaded in an empty namespace"
            yield RenderedRuleset(observed_at=at, collected_at=at, source=source, host=host, text=loaded(text))


def loaded(text: str) -> str:
    """Return a ruleset as `nft -j list ruleset` prints it after loading; CollectionError if nft refuses it."""
    if shutil.which("nft") is None:
        message = "nft is not installed here; on Debian: apt-get install nftables"
        raise CollectionError(message)
    script = "nft -f - && nft -j list ruleset"
    # Root needs no namespace of users, in which the kernel would limit how large a ruleset may be.
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    done = subprocess.run(
        [*alone, "sh", "-c", script],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"the rendered ruleset does not load: {done.stderr.strip()[:500]}"
        raise CollectionError(message)
    return done.stdout.strip()
