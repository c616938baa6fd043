"""Packets as bytes: one Ethernet frame per probe, and the number of the probe in a frame that arrived. Pure.

The number travels where no router changes it: TCP's sequence number, the payload of UDP and of an echo request.
"""

from __future__ import annotations

import struct
from ipaddress import ip_address

from egov.render.probes import Probe

MARK = 0xE60  # in the upper 12 bits of every number: ours, and not somebody's packet
MOST = 2**20
_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
_PORT = 40000
_ECHO_REPLIES = {0, 129}  # an answer carries its question's number
_SHORTEST = 14 + 20  # Ethernet and IPv4 headers: what is shorter carries no probe
_TCP_HEADER = 20
_ETHERTYPES = {4: b"\x08\x00", 6: b"\x86\xdd"}


def frame(number: int, to: bytes, by: bytes, probe: Probe) -> bytes:
    """Return an Ethernet frame from *by* to *to* (hardware addresses) that carries a probe under its *number*.

    tcp is a SYN; udp carries the number alone; icmp and icmpv6 are of the probe's type (echo request).
    """
    if not 0 <= number < MOST:
        message = f"a probe has a number from 0 to {MOST - 1}, not {number}"
        raise ValueError(message)
    own, there = ip_address(probe.source).packed, ip_address(probe.destination).packed
    version = 4 if len(own) == 4 else 6  # noqa: PLR2004 - bytes of an IPv4 address
    token = struct.pack("!I", MARK << 20 | number)
    body = _body(probe.protocol, probe.port, token, own, there)
    kind = _NUMBERS[probe.protocol]
    if version == 4:  # noqa: PLR2004
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number & 0xFFFF, 0, 64, kind, 0) + own + there
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    else:
        head = struct.pack("!IHBB", 6 << 28, len(body), kind, 64) + own + there
    return to + by + _ETHERTYPES[version] + head + body


def _body(protocol: str, port: int, token: bytes, own: bytes, there: bytes) -> bytes:
    if protocol == "tcp":
        segment = struct.pack("!HH", _PORT, port) + token + struct.pack("!IBBHHH", 0, 5 << 4, 2, 65535, 0, 0)
        at = 16
    elif protocol == "udp":
        segment, at = struct.pack("!HHHH", _PORT, port, 12, 0) + token, 6
    else:
        segment, at = struct.pack("!BBHHH", port, 0, 0, _PORT, 1) + token, 2
    pseudo = b"" if protocol == "icmp" else own + there + struct.pack("!II", len(segment), _NUMBERS[protocol])
    if len(own) == 4 and pseudo:  # noqa: PLR2004
        pseudo = own + there + struct.pack("!BBH", 0, _NUMBERS[protocol], len(segment))
    return segment[:at] + struct.pack("!H", checksum(pseudo + segment) or 0xFFFF) + segment[at + 2 :]


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def number_in(data: bytes) -> int | None:
    """Return the number of the probe in a frame, None if it is not one of ours."""
    kind = data[12:14]
    if len(data) < _SHORTEST:
        return None
    if kind == _ETHERTYPES[4]:
        protocol, start = data[23], 14 + (data[14] & 15) * 4
    elif kind == _ETHERTYPES[6]:
        protocol, start = data[20], 54
    else:
        return None
    offset = {6: 4, 17: 8, 1: 8, 58: 8}.get(protocol)
    if offset is None or len(data) < start + (_TCP_HEADER if protocol == _NUMBERS["tcp"] else offset + 4):
        return None
    if protocol == _NUMBERS["tcp"] and data[start + 13] != 2:  # noqa: PLR2004 - SYN and nothing else
        return None
    if protocol in {1, 58} and data[start] in _ECHO_REPLIES:
        return None
    token = int.from_bytes(data[start + offset : start + offset + 4], "big")
    return token & (MOST - 1) if token >> 20 == MARK else None
