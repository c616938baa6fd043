"""Packets as bytes: what is sent is a packet that any other implementation accepts, and its number comes back."""

from __future__ import annotations

import random
import struct
from ipaddress import ip_address
from typing import Any

import pytest

from egov.collect.packets import MOST, frame, number_in
from egov.render.probes import Probe

TO, BY = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
FOUR, SIX = ("10.1.0.11", "10.2.0.21"), ("2001:db8:1::11", "2001:db8:2::21")
# Number (IANA) and place of the checksum of each protocol (RFC 793, 768, 792, 4443).
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
CHECKSUM_AT = {"tcp": 16, "udp": 6, "icmp": 2, "icmpv6": 2}


def probe(protocol: Any, port: int, ends: tuple[str, str]) -> Probe:  # noqa: ANN401 - the protocols are parameters
    """Return a probe between two addresses."""
    return Probe("h1", "eth0", "h2", 4 if "." in ends[0] else 6, protocol, port, *ends)


PROBES = {
    "tcp4": probe("tcp", 443, FOUR),
    "tcp6": probe("tcp", 65535, SIX),
    "udp4": probe("udp", 53, FOUR),
    "udp6": probe("udp", 1, SIX),
    "icmp": probe("icmp", 8, FOUR),
    "icmpv6": probe("icmpv6", 128, SIX),
}
every_kind = pytest.mark.parametrize("sent", PROBES.values(), ids=PROBES)


def folded(data: bytes) -> int:
    """Return the one's complement sum of RFC 1071, byte by byte: 0xFFFF where a checksum inside is right."""
    total = 0
    for place, byte in enumerate(data):
        total += byte << 8 if place % 2 == 0 else byte
        total = (total & 0xFFFF) + (total >> 16)
    return total


def parts(data: bytes) -> tuple[bytes, bytes]:
    """Return the IP header and the rest of a frame, each as long as the header says."""
    packet = data[14:]
    if packet[0] >> 4 == 4:
        (length,) = struct.unpack("!H", packet[2:4])
        return packet[: (packet[0] & 15) * 4], packet[(packet[0] & 15) * 4 : length]
    (length,) = struct.unpack("!H", packet[4:6])
    return packet[:40], packet[40 : 40 + length]


def pseudo(sent: Probe, length: int) -> bytes:
    """Return what a checksum covers besides the segment itself (RFC 8200, 8.1; IPv4's sums to the same)."""
    if sent.protocol == "icmp":
        return b""
    ends = ip_address(sent.source).packed + ip_address(sent.destination).packed
    return ends + struct.pack("!II", length, NUMBERS[sent.protocol])


@every_kind
def test_frame_is_a_valid_packet(sent: Probe) -> None:
    """Addresses, protocol, lengths, port and both checksums are right by another way of reckoning."""
    data = frame(7, TO, BY, sent)
    head, body = parts(data)
    four, at = sent.version == 4, CHECKSUM_AT[sent.protocol]
    ends = ip_address(sent.source).packed + ip_address(sent.destination).packed
    named = body[0] if sent.protocol.startswith("icmp") else int.from_bytes(body[2:4], "big")

    assert (TO, BY, b"\x08\x00" if four else b"\x86\xdd") == (data[:6], data[6:12], data[12:14])
    assert (ends, NUMBERS[sent.protocol], sent.port) == (head[-len(ends) :], head[9 if four else 6], named)
    assert len(data) == 14 + len(head) + len(body)
    assert folded(pseudo(sent, len(body)) + body) == 0xFFFF
    assert body[at : at + 2] != b"\0\0"
    assert folded(head) == 0xFFFF or not four


@every_kind
def test_a_turned_bit_breaks_the_checksum(sent: Probe) -> None:
    """The sum of the test above would find a wrong packet."""
    _, body = parts(frame(7, TO, BY, sent))
    turned = bytes([*body[:-1], body[-1] ^ 1])

    assert folded(pseudo(sent, len(body)) + turned) != 0xFFFF


@every_kind
@pytest.mark.parametrize("number", [0, 1, 0xFFFF, 0x10000, MOST - 1])
def test_the_number_comes_back(sent: Probe, number: int) -> None:
    """What carries a number is read back as that number, at both ends of the range and beyond 16 bits."""
    assert number_in(frame(number, TO, BY, sent)) == number


@pytest.mark.parametrize("number", [-1, MOST])
def test_a_number_that_fits_no_packet_is_refused(number: int) -> None:
    """A number that would come back as another one is not sent."""
    with pytest.raises(ValueError, match=f"from 0 to {MOST - 1}, not {number}"):
        frame(number, TO, BY, probe("tcp", 443, FOUR))


def test_a_router_s_translation_keeps_the_number() -> None:
    """Ports, addresses, checksums and the hop limit are what a router changes; the number survives all of them."""
    data = bytearray(frame(4711, TO, BY, probe("udp", 53, FOUR)))
    data[22] -= 1  # time to live
    data[26:30] = bytes([10, 9, 9, 9])
    data[24:26] = data[40:42] = b"\0\0"
    data[34:36] = (50001).to_bytes(2, "big")

    assert number_in(bytes(data)) == 4711


def _answer(data: bytearray) -> None:
    data[47] = 0x12  # SYN and ACK


def _refusal(data: bytearray) -> None:
    data[47] = 0x14  # RST and ACK


def _not_ip(data: bytearray) -> None:
    data[12:14] = b"\x08\x06"  # ARP


def _somebody_else_s(data: bytearray) -> None:
    data[38] ^= 0x80  # the upper bits of the sequence number are not ours


def _other_protocol(data: bytearray) -> None:
    data[23] = 47  # GRE


@pytest.mark.parametrize("change", [_answer, _refusal, _not_ip, _somebody_else_s, _other_protocol])
def test_a_frame_that_is_no_probe_has_no_number(change: Any) -> None:  # noqa: ANN401 - a function of the frame
    """Answers, other protocols and other people's packets are not counted as arrived."""
    data = bytearray(frame(3, TO, BY, probe("tcp", 443, FOUR)))
    change(data)

    assert number_in(bytes(data)) is None


def test_an_echo_reply_has_no_number() -> None:
    """An answer carries the same payload as the request, but is no probe that arrived."""
    data = bytearray(frame(3, TO, BY, probe("icmp", 8, FOUR)))
    data[34] = 0

    assert number_in(bytes(data)) is None


def test_damaged_frames_never_raise() -> None:
    """Whatever a wire carries, cut at any place or changed at random: a number or none."""
    source = random.Random(20181231)  # noqa: S311 - the same damage in every run, not a secret
    whole = [frame(9, TO, BY, sent) for sent in PROBES.values()]
    cut = [data[:length] for data in whole for length in range(len(data))]
    changed = []
    for data in whole:
        for _ in range(500):
            wrong = bytearray(data)
            for _ in range(source.randint(1, 6)):
                wrong[source.randrange(12, len(wrong))] = source.randrange(256)
            changed.append(bytes(wrong[: source.randint(0, len(wrong))]))
    noise = [source.randbytes(source.randint(0, 80)) for _ in range(500)]

    found = {number_in(data) for data in [*cut, *changed, *noise]}

    assert {None, 9} <= found
    assert {True} == {number is None or 0 <= number < MOST for number in found}
