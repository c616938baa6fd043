"""One router of the description in an empty network namespace: any ruleset can be loaded, any packet sent through it.

Each interface is one end of a veth pair; packets are put on the other end and looked for on the others. Every prefix is
routed to a neighbour that does not exist but whose hardware address is known, so no host has to be there.

    unshare --net python router.py < commands      one JSON object a line, answered by one
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from egov.city import City, Host
from egov.collect.packets import frame, number_in
from egov.render.probes import Probe
from egov.render.reach import Reach

NEXT_HOP, NEXT_HOP6 = "169.254.0.1", "fe80::1"


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet that comes in by an interface; `leaves` is the one it is routed to, if not as usual."""

    interface: str
    protocol: str
    port: int
    source: str
    destination: str
    leaves: str = ""


def wiring(city: City, router: Host) -> dict[str, Any]:
    """Return what the namespace needs to stand in for a router: its interfaces and what lies behind each."""
    reach = Reach(city)
    taken: set[str] = set()
    interfaces = {}
    for interface in router.interfaces:
        routes = []
        for name in sorted(reach.behind(router)[interface.name] - taken):
            prefix = city.prefixes[name]
            if reach.kind(name) == "internet":
                routes += reach.outside
            else:
                routes += [prefix.prefix] * reach.inside(prefix, router) + [*filter(None, [prefix.ipv6])]
            taken.add(name)
        interfaces[interface.name] = {"address": interface.address, "ipv6": interface.ipv6, "routes": sorted(routes)}
    return interfaces


class Router:
    """A running stand-in."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @classmethod
    def of(cls, city: City, router: Host) -> AbstractContextManager[Router]:
        """Return the stand-in of a router; its namespace ends with it."""
        return cls.wired(wiring(city, router))

    @classmethod
    @contextmanager
    def wired(cls, interfaces: dict[str, Any]) -> Iterator[Router]:
        """Yield a stand-in with these interfaces: name → address, ipv6 (or None), routes."""
        command = ["unshare", "--net", sys.executable, __file__]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            made = cls(process)
            made._ask({"wire": interfaces})
            try:
                yield made
            finally:
                assert process.stdin is not None
                process.stdin.close()

    def load(self, text: str) -> str | None:
        """Load a ruleset; return what nft says against it, or None."""
        said = self._ask({"load": text})
        return None if said is None else str(said)

    def live(self) -> str:
        """Return the ruleset as `nft -j list ruleset` prints it."""
        return str(self._ask({"live": True}))

    def passed(self, packets: Sequence[Packet]) -> list[str | None]:
        """Return for each packet the interface it left by, None if it did not. Asserts that the rest was counted."""
        answer = self._ask({"send": [asdict(packet) for packet in packets]})
        left = {int(number): name for number, name in answer["left"].items()}
        return [left.get(number) for number in range(len(packets))]

    def flood(self, packet: Packet, count: int) -> tuple[float, int]:
        """Send one packet many times; return the seconds it took and how many left by the interface it is routed to."""
        seconds, left = self._ask({"flood": asdict(packet), "count": count})
        return float(seconds), int(left)

    def _ask(self, command: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever was asked for
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def main() -> None:
    """Answer commands until there are no more."""
    stand_in: StandIn | None = None
    for line in sys.stdin:
        command = json.loads(line)
        if "wire" in command:
            stand_in = StandIn(command["wire"])
            answer: Any = True
        elif stand_in is None:
            answer = "wire first"
        elif "load" in command:
            done = subprocess.run(
                ["nft", "-f", "-"], input=command["load"], capture_output=True, text=True, check=False
            )
            answer = done.stderr if done.returncode else None
        elif "live" in command:
            answer = subprocess.run(["nft", "-j", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        elif "flood" in command:
            answer = stand_in.flood(Packet(**command["flood"]), command["count"])
        else:
            answer = {"left": stand_in.send([Packet(**packet) for packet in command["send"]])}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


class StandIn:
    """The namespace this process is in, wired."""

    def __init__(self, interfaces: dict[str, Any]) -> None:
        lines, neighbours, routes = ["link set lo up"], [], []
        self._hardware: dict[str, bytes] = {}
        for number, (name, has) in enumerate(interfaces.items()):
            own = f"02:00:00:00:02:{number:02x}"
            lines.append(f"link add {name} address {own} type veth peer name w{number}")
            lines += [f"link set {name} up", f"link set w{number} up", f"addr add {has['address']}/32 dev {name}"]
            self._hardware[name] = bytes.fromhex(own.replace(":", ""))
            hardware = f"02:00:00:00:01:{number:02x}"
            neighbours.append(f"neigh add {NEXT_HOP} lladdr {hardware} dev {name} nud permanent")
            neighbours.append(f"neigh add {NEXT_HOP6} lladdr {hardware} dev {name} nud permanent")
            if has["ipv6"]:
                lines.append(f"addr add {has['ipv6']}/128 dev {name} nodad")
            for network in has["routes"]:
                hop = NEXT_HOP6 if ":" in network else NEXT_HOP
                routes.append(f"route add {network} via {hop} dev {name} onlink")
        for setting in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            Path("/proc/sys/net", setting).write_text("1", "ascii")
        for setting in ("ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter", "ipv6/conf/default/accept_dad"):
            Path("/proc/sys/net", setting).write_text("0", "ascii")
        for batch in (lines, neighbours, routes):
            subprocess.run(["ip", "-batch", "-"], input="\n".join(batch) + "\n", text=True, check=True)
        self._links = {name: self._socket(f"w{number}") for number, name in enumerate(interfaces)}

    @staticmethod
    def _socket(name: str) -> socket.socket:
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
        link.bind((name, 0))
        link.settimeout(0)
        return link

    def send(self, packets: Sequence[Packet]) -> dict[int, str]:
        """Send packets and return by which interface each left, once all are accounted for."""
        self._route(packets)
        before = self._counted()
        for number, packet in enumerate(packets):
            probe = _probe(packet)
            data = frame(number, self._hardware[packet.interface], b"\x02\0\0\0\x02\0", probe)
            self._links[packet.interface].send(data)
        left: dict[int, str] = {}
        deadline = time.monotonic() + 0.5
        while len(left) + self._counted() - before < len(packets) and time.monotonic() < deadline:
            for name, link in self._links.items():
                left.update((number, name) for number in self._received(link))
        for name, link in self._links.items():
            left.update((number, name) for number in self._received(link))
        return left

    def flood(self, packet: Packet, count: int) -> tuple[float, int]:
        """Send one packet many times; the kernel forwards each before the next is sent."""
        self._route([packet])
        data = frame(0, self._hardware[packet.interface], b"\x02\0\0\0\x02\0", _probe(packet))
        before, link = self._sent(packet.leaves), self._links[packet.interface]
        started = time.perf_counter()
        for _ in range(count):
            link.send(data)
        seconds = time.perf_counter() - started
        return seconds, self._sent(packet.leaves) - before

    @staticmethod
    def _sent(name: str) -> int:
        shown = subprocess.run(
            ["ip", "-s", "-j", "link", "show", "dev", name], capture_output=True, text=True, check=True
        )
        return int(json.loads(shown.stdout)[0]["stats64"]["tx"]["packets"])

    @staticmethod
    def _route(packets: Sequence[Packet]) -> None:
        lines = {
            f"route replace {p.destination} via {NEXT_HOP6 if ':' in p.destination else NEXT_HOP} dev {p.leaves} onlink"
            for p in packets
            if p.leaves
        }
        subprocess.run(["ip", "-batch", "-"], input="\n".join(sorted(lines)) + "\n", text=True, check=True)

    @staticmethod
    def _received(link: socket.socket) -> Iterator[int]:
        while True:
            try:
                data, (_, _, kind, _, _) = link.recvfrom(2048)
            except BlockingIOError:
                return
            number = number_in(data)
            if kind != socket.PACKET_OUTGOING and number is not None:
                yield number

    @staticmethod
    def _counted() -> int:
        done = subprocess.run(["nft", "-j", "list", "counters"], capture_output=True, text=True, check=False)
        listed = json.loads(done.stdout or '{"nftables": []}')["nftables"]
        return sum(entry["counter"]["packets"] for entry in listed if "counter" in entry)


def _probe(packet: Packet) -> Probe:
    return Probe("", "", "", 4, packet.protocol, packet.port, packet.source, packet.destination)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
