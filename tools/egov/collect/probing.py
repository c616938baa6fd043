"""Sends every probe from its host's own network namespace and counts what arrived and what was dropped where.

Double entry: each packet sent either arrives or is counted by exactly one device. Nothing is sent but to described
hosts; frames leave beside the host's own filter, so what is proved is what stands between the hosts.
"""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from egov.collect.packets import frame, number_in
from egov.collect.parse_calls import Call, remembered_calls
from egov.errors import CollectionError
from egov.render.canonical import counted_flows
from egov.render.nftables import TABLE
from egov.render.probes import Probe

Enter = Callable[[Path], AbstractContextManager[None]]
_ALL = 0x0003  # ETH_P_ALL
_BURST = 200  # frames between two looks at what arrived: no queue overflows
_SETTLE_SECONDS = 2.0
_LEARN_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of a set of probes: the numbers that arrived at their server, and by how much each counter rose.

    rose: of dropped packets, by device and counter; passed: of packets that a flow let through, by device and flow.
    """

    arrived: frozenset[int]
    strayed: tuple[tuple[int, str], ...]
    rose: Mapping[tuple[str, str], int]
    passed: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Where each host's network namespace is, and how to enter one."""

    of: Callable[[str], Path]
    enter: Enter


def send(probes: Sequence[Probe], gateways: Mapping[str, bytes], where: Namespaces, routers: Sequence[str]) -> Counted:
    """Send all probes; CollectionError if a namespace or a counter cannot be read. Takes a second per 5,000 probes.

    What our own packets left behind in what devices remember of calls is taken out again: they are nobody's calls.
    """
    interfaces = {(p.client, p.interface) for p in probes}
    devices = sorted({*routers, *(probe.server for probe in probes)})
    seen: dict[int, str] = {}
    strayed: list[tuple[int, str]] = []
    with ExitStack() as stack:
        sockets = {end: stack.enter_context(_socket(where, *end)) for end in sorted(interfaces)}

        def look() -> int:
            found = 0
            for (host, _), link in sockets.items():
                for number in _received(link):
                    found += 1
                    if probes[number].server == host:
                        seen[number] = host
                    else:
                        strayed.append((number, host))
            return found

        own = {end: _hardware_address(where, *end) for end in sockets}

        def put(number: int) -> None:
            probe = probes[number]
            end = (probe.client, probe.interface)
            sockets[end].send(frame(number, gateways[probe.client], own[end], probe))

        rulesets = _rulesets(devices, where)
        _learn(probes, put, look)
        seen.clear()
        strayed.clear()
        before = {router: counters(where.of(router)) for router in routers}
        for number in range(len(probes)):
            put(number)
            if number % _BURST == 0:
                look()
        rose = _settled(probes, before, where, look, seen)
        after, used = _rulesets(devices, where), _flows(rulesets)
        passed = {key: count - used.get(key, 0) for key, count in _flows(after).items()}
        _forget(_calls(after) - _calls(rulesets), where)
    return Counted(frozenset(seen), tuple(strayed), rose, {key: count for key, count in passed.items() if count})


def _learn(probes: Sequence[Probe], put: Callable[[int], None], look: Callable[[], int]) -> None:
    """Send one packet per pair of hosts beforehand: a router holds few packets back while it learns a neighbour."""
    first: dict[tuple[str, str, int], int] = {}
    for number, probe in enumerate(probes):
        first.setdefault((probe.client, probe.server, probe.version), number)
    for number in first.values():
        put(number)
    quiet = time.monotonic() + _LEARN_SECONDS
    while time.monotonic() < quiet:
        if look():
            quiet = time.monotonic() + _LEARN_SECONDS
        time.sleep(0.02)


def _settled(
    probes: Sequence[Probe],
    before: Mapping[str, Mapping[str, int]],
    where: Namespaces,
    look: Callable[[], int],
    seen: Mapping[int, str],
) -> dict[tuple[str, str], int]:
    """Wait until every packet is accounted for, or nothing has moved for a while; return by how much counters rose."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while True:
        moved = look()
        rose = {
            (router, name): count - before[router].get(name, 0)
            for router in before
            for name, count in counters(where.of(router)).items()
            if count != before[router].get(name, 0)
        }
        if len(seen) + sum(rose.values()) >= len(probes) or (not moved and time.monotonic() > deadline):
            return rose
        time.sleep(0.02)  # packets are on their way through other namespaces: nothing tells us


def counters(namespace: Path) -> dict[str, int]:
    """Return a device's named counters of dropped packets: name → packets."""
    listed = json.loads(_listed(namespace, "counters"))["nftables"]
    named = (entry["counter"] for entry in listed if "counter" in entry)
    return {counter["name"]: int(counter["packets"]) for counter in named}


def _rulesets(devices: Sequence[str], where: Namespaces) -> dict[str, str]:
    """Return what each device's packet filter prints of itself."""
    return {device: _listed(where.of(device), "ruleset") for device in devices}


def _flows(rulesets: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Return what each flow's rules counted so far, by device and flow."""
    return {(device, flow): count for device, text in rulesets.items() for flow, count in counted_flows(text).items()}


def _calls(rulesets: Mapping[str, str]) -> set[tuple[str, Call]]:
    """Return whose calls each device remembers."""
    return {(device, call) for device, text in rulesets.items() for call in remembered_calls(text)}


def _forget(calls: set[tuple[str, Call]], where: Namespaces) -> None:
    for device, call in sorted(calls):
        _nft(where.of(device), "delete", "element", "inet", TABLE, call[0], f"{{ {' . '.join(call[1:])} }}")


def _listed(namespace: Path, what: str) -> str:
    return _nft(namespace, "-j", "list", what)


def _nft(namespace: Path, *words: str) -> str:
    command = ["nsenter", f"--net={namespace}", "nft", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{namespace.name}: nft {' '.join(words)}: {done.stderr.strip()}"
        raise CollectionError(message)
    return done.stdout


def _socket(where: Namespaces, host: str, interface: str) -> socket.socket:
    with where.enter(where.of(host)):
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
        link.bind((interface, 0))
    link.settimeout(0)
    return link


def _hardware_address(where: Namespaces, host: str, interface: str) -> bytes:
    with where.enter(where.of(host)), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as link:
        link.bind((interface, 0))
        address: bytes = link.getsockname()[4]
        return address


def hardware_addresses(ends: Mapping[str, tuple[str, str]], where: Namespaces) -> dict[str, bytes]:
    """Return for each host the hardware address of its gateway, given as (router, interface)."""
    return {host: _hardware_address(where, *gateway) for host, gateway in ends.items()}


def _received(link: socket.socket) -> Iterator[int]:
    while True:
        try:
            data, (_, _, kind, _, _) = link.recvfrom(2048)
        except BlockingIOError:
            return
        if kind == socket.PACKET_OUTGOING:
            continue
        number = number_in(data)
        if number is not None:
            yield number


def entries(probes: Sequence[Probe], counted: Counted) -> dict[tuple[str, tuple[str, ...]], tuple[int, int]]:
    """Return per device and counter (or pair of equally good ones) how many drops were expected, how many counted."""
    expected: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for probe in probes:
        if probe.drops:
            expected[probe.device, probe.drops] += 1
    owner: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for device, names in expected:
        for name in names:
            owner[device, name].append((device, names))
    found: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for (device, name), rose in counted.rose.items():
        group = owner.get((device, name), [(device, (name,))])
        found[group[0]] += rose
    return {key: (expected[key], found[key]) for key in sorted({*expected, *found})}
