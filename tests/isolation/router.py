"""One router of the description in an empty network namespace: any ruleset can be loaded, any packet sent through it.

Each interface is one end of a veth pair; packets are put on the other end and looked for on the others. Every prefix is
routed to a neighbour that does not exist but whose hardware address is known, so no host has to be there.

    unshare --net python router.py < commands      one JSON object a line, answered by one

What the router sends itself is put on a raw socket, what it takes in is seen on raw sockets (after its input chain).
Connections that exist are made before a ruleset is loaded, under one that lets everything through.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from egov.city import City, Host
from egov.collect.packets import MOST, checksum, frame, number_in
from egov.render.probes import Probe
from egov.render.reach import Reach

NEXT_HOP, NEXT_HOP6 = "169.254.0.1", "fe80::1"
OWN = ""
"""The router itself, as what takes a packet in."""
JOINED = ("224.0.0.5", "224.0.0.6", "ff02::5", "ff02::6", "ff02::16")
"""Groups the router is a member of: OSPF's routers (RFC 2328, 5340), and who hears reports of groups (RFC 3810)."""
LETS_ALL_THROUGH = """flush ruleset
table inet open {
  chain input { type filter hook input priority 0; ct state new accept; }
  chain forward { type filter hook forward priority 0; ct state new accept; }
  chain output { type filter hook output priority 0; ct state new accept; }
}
"""
_NETLINK_NETFILTER = 12
_ON_LINK, _GROUPS4 = ("ff02:", "fe80:"), "224."
_UDP, _OSPF = 17, 89
_BY = b"\x02\0\0\0\x02\0"
_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_OWN_SOCKETS = [
    *((socket.AF_INET, protocol) for protocol in (1, 6, _UDP, _OSPF)),
    *((socket.AF_INET6, protocol) for protocol in (6, _UDP, _OSPF, 58)),
]


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet that comes in by an interface (by none: the router's own); `leaves`: where it goes, if not as usual.

    protocol: as a probe's, or ospf. port: destination port; the type for icmp and icmpv6.
    """

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
        """Return for each packet, the first of its connection, the interface it left by; OWN: taken in; None: lost."""
        return self._fates({"send": [asdict(packet) for packet in packets]}, len(packets))

    def passed_established(self, text: str, packets: Sequence[Packet]) -> list[str | None]:
        """Load a ruleset and return the same for echo requests whose connection existed before it."""
        return self._fates({"established": [asdict(packet) for packet in packets], "load": text}, len(packets))

    def _fates(self, command: dict[str, Any], count: int) -> list[str | None]:
        left = {int(number): name for number, name in self._ask(command)["left"].items()}
        return [left.get(number) for number in range(count)]

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
        elif "established" in command:
            answer = {"left": stand_in.established([Packet(**p) for p in command["established"]], command["load"])}
        elif "load" in command:
            answer = load(command["load"])
        elif "live" in command:
            answer = subprocess.run(["nft", "-j", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
        elif "flood" in command:
            answer = stand_in.flood(Packet(**command["flood"]), command["count"])
        else:
            answer = {"left": stand_in.send([Packet(**packet) for packet in command["send"]])}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def link_local(number: int) -> str:
    """Return the address that the router's interface with this number gives itself (RFC 4291, appendix A)."""
    return f"fe80::ff:fe00:{0x200 + number:x}"


def load(text: str) -> str | None:
    """Load a ruleset; return what nft says against it, or None."""
    done = subprocess.run(["nft", "-f", "-"], input=text, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else None


def forget_connections() -> None:
    """Empty the table of connections (IPCTNL_MSG_CT_DELETE without a tuple), or an answer would be an old one's."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        netlink.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 1 | 4, 1, 0, 0, 0, 0))
        (error,) = struct.unpack("=i", netlink.recv(4096)[16:20])
    assert error == 0


class StandIn:
    """The namespace this process is in, wired."""

    def __init__(self, interfaces: dict[str, Any]) -> None:
        lines, neighbours, routes = ["link set lo up"], [], []
        self._hardware: dict[str, bytes] = {}
        for number, (name, has) in enumerate(interfaces.items()):
            own = f"02:00:00:00:02:{number:02x}"  # what `link_local` follows from
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
        most = Path("/proc/sys/net/ipv4/igmp_max_memberships")  # of one socket; as it comes 20, or ENOBUFS
        most.write_text(str(len(JOINED) * len(interfaces)), "ascii")
        for setting in ("ipv4/conf/all/rp_filter", "ipv4/conf/default/rp_filter", "ipv6/conf/default/accept_dad"):
            Path("/proc/sys/net", setting).write_text("0", "ascii")
        for batch in (lines, neighbours, routes):
            subprocess.run(["ip", "-batch", "-"], input="\n".join(batch) + "\n", text=True, check=True)
        self._links = {name: self._socket(f"w{number}") for number, name in enumerate(interfaces)}
        self._taken_in = [self._own_socket(*kind) for kind in _OWN_SOCKETS]
        for name in interfaces:
            self._join(socket.if_nametoindex(name))
        self._out = {family: socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) for family in _FAMILIES}

    @staticmethod
    def _socket(name: str) -> socket.socket:
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
        link.bind((name, 0))
        link.settimeout(0)
        return link

    def _join(self, interface: int) -> None:
        four, six = self._taken_in[0], self._taken_in[-1]
        for group in JOINED:
            if ":" in group:
                member = socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", interface)
                six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
            else:
                member = socket.inet_aton(group) + struct.pack("=4sI", b"\0" * 4, interface)
                four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)

    @staticmethod
    def _own_socket(family: int, protocol: int) -> socket.socket:
        own = socket.socket(family, socket.SOCK_RAW, protocol)
        own.settimeout(0)
        return own

    def send(self, packets: Sequence[Packet]) -> dict[int, str]:
        """Send packets, each the first of its connection; return by which interface each left, OWN if taken in."""
        forget_connections()
        return self._send(packets)

    def established(self, packets: Sequence[Packet], text: str) -> dict[int, str]:
        """Open a connection for each echo request, load a ruleset and return the same for one more of each."""
        assert load(LETS_ALL_THROUGH) is None
        forget_connections()
        for packet in packets:
            self._route([packet, replace(packet, destination=packet.source, leaves=packet.interface)])
            self._put(MOST - 1, packet)
            answer = {"icmp": 0, "icmpv6": 129}[packet.protocol]
            if packet.leaves:
                back = replace(packet, interface=packet.leaves, source=packet.destination, destination=packet.source)
                self._put(MOST - 1, replace(back, port=answer))
        assert load(text) is None
        return self._send(packets)

    def _send(self, packets: Sequence[Packet]) -> dict[int, str]:
        self._left({})
        left: dict[int, str] = {}
        before = self._counted()
        for batch in _batches(packets):
            self._route([packet for _, packet in batch])
            for number, packet in batch:
                self._put(number, packet)
        deadline = time.monotonic() + 0.5
        while len(left) + self._counted() - before < len(packets) and time.monotonic() < deadline:
            self._left(left)
        self._left(left)
        return left

    def _put(self, number: int, packet: Packet) -> None:
        """Put a packet on the wire, or on a raw socket if it is the router's own: EPERM is its output chain's no."""
        hardware = self._hardware.get(packet.interface, b"\0" * 6)
        data = _frame(number, hardware, packet)
        if packet.interface:
            self._links[packet.interface].send(data)
            return
        out = self._out[socket.AF_INET6 if ":" in packet.destination else socket.AF_INET]
        by = socket.if_nametoindex(packet.leaves) if packet.destination.startswith((*_ON_LINK, _GROUPS4)) else 0
        if out.family == socket.AF_INET and by:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("=4s4sI", b"", b"", by))
        there = (packet.destination, 0, 0, by) if out.family == socket.AF_INET6 else (packet.destination, 0)
        with suppress(PermissionError):
            out.sendto(data[14:], there)

    def _left(self, left: dict[int, str]) -> None:
        """Add what was seen since: on the far ends of the links, and taken in by the router itself."""
        for name, link in self._links.items():
            left.update((number, name) for number in self._received(link))
        for own, (family, protocol) in zip(self._taken_in, _OWN_SOCKETS, strict=True):
            left.update((number, OWN) for number in self._delivered(own, family, protocol))

    @staticmethod
    def _delivered(own: socket.socket, family: int, protocol: int) -> Iterator[int]:
        """Yield the numbers of packets that a raw socket got: with their header for IPv4, without it for IPv6."""
        ethernet = b"\0" * 12 + (b"\x86\xdd" if family == socket.AF_INET6 else b"\x08\0")
        header = b"`" + b"\0" * 5 + bytes([protocol]) + b"\0" * 33 if family == socket.AF_INET6 else b""
        while True:
            try:
                data = own.recv(2048)
            except BlockingIOError:
                return
            number = _number_in(ethernet + header + data)
            if number is not None and number < MOST - 1:
                yield number

    def flood(self, packet: Packet, count: int) -> tuple[float, int]:
        """Send one packet many times; the kernel forwards each before the next is sent."""
        self._route([packet])
        data = _frame(0, self._hardware[packet.interface], packet)
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
            if p.leaves and not p.destination.startswith((*_ON_LINK, _GROUPS4))
        }
        subprocess.run(["ip", "-batch", "-"], input="\n".join(sorted(lines)) + "\n", text=True, check=True)

    @staticmethod
    def _received(link: socket.socket) -> Iterator[int]:
        while True:
            try:
                data, (_, _, kind, _, _) = link.recvfrom(2048)
            except BlockingIOError:
                return
            number = _number_in(data)
            if kind != socket.PACKET_OUTGOING and number is not None and number < MOST - 1:
                yield number

    @staticmethod
    def _counted() -> int:
        done = subprocess.run(["nft", "-j", "list", "counters"], capture_output=True, text=True, check=False)
        listed = json.loads(done.stdout or '{"nftables": []}')["nftables"]
        return sum(entry["counter"]["packets"] for entry in listed if "counter" in entry)


def _batches(packets: Sequence[Packet]) -> Iterator[list[tuple[int, Packet]]]:
    """Yield packets with their numbers, as many at a time as want no two ways to one destination."""
    batch: list[tuple[int, Packet]] = []
    ways: dict[str, str] = {}
    for number, packet in enumerate(packets):
        if ways.setdefault(packet.destination, packet.leaves) != packet.leaves:
            yield batch
            batch, ways = [], {packet.destination: packet.leaves}
        batch.append((number, packet))
    yield batch


def _frame(number: int, to: bytes, packet: Packet) -> bytes:
    """Return the frame of a packet; OSPF is a datagram's bytes under its own protocol number."""
    if packet.protocol != "ospf":
        return frame(number, to, _BY, _probe(packet))
    return _as_protocol(frame(number, to, _BY, _probe(replace(packet, protocol="udp"))), _OSPF)


def _number_in(data: bytes) -> int | None:
    place = 23 if data[12:14] == b"\x08\0" else 20
    return number_in(_as_protocol(data, _UDP) if data[place : place + 1] == bytes([_OSPF]) else data)


def _as_protocol(data: bytes, protocol: int) -> bytes:
    """Return a frame with another protocol in its IP header."""
    if data[12:14] != b"\x08\0":
        return data[:20] + bytes([protocol]) + data[21:]
    head = data[14:23] + bytes([protocol]) + b"\0\0" + data[26:34]
    return data[:14] + head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data[34:]


def _probe(packet: Packet) -> Probe:
    return Probe("", "", "", 4, packet.protocol, packet.port, packet.source, packet.destination)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
