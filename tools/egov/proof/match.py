"""What one match of a rule selects: all or nothing, values of one field, or boxes. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from egov.proof.ruleset import Elements
from egov.proof.space import (
    ANY_PORT,
    ANY_PROTOCOL,
    DESTINATION,
    PORT,
    PROTOCOL,
    SOURCE,
    SOURCE_PORT,
    Intervals,
    addresses,
    any_address,
    less,
    normal,
)

PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58}
PROTOCOLS |= {"ipv6-icmp": 58, "ospf": 89, "vrrp": 112, "comp": 108, "sctp": 132, "udplite": 136}
_ICMP = {"echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8}
_ICMP |= {"router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12}
_ICMP |= {"timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16}
_ICMP |= {"address-mask-request": 17, "address-mask-reply": 18}
_ICMPV6 = {"destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4}
_ICMPV6 |= {"echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131}
_ICMPV6 |= {"mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133, "nd-router-advert": 134}
_ICMPV6 |= {"nd-neighbor-solicit": 135, "nd-neighbor-advert": 136, "nd-redirect": 137, "router-renumbering": 138}
_ICMPV6 |= {"ind-neighbor-solicit": 141, "ind-neighbor-advert": 142, "mld2-listener-report": 143}
_LAST_TYPE = 255
CT_STATE = {"ct": {"key": "state"}}
CT_DIRECTION = {"ct": {"key": "direction"}}
REPLY = "reply"
"""As a state: established, in the direction of answers. `established` is then the direction of whoever connected."""
_DIRECTIONS = {"new": "original", "established": "original", REPLY: "reply"}
STATE_BITS = {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}
_VERSIONS = {"ipv4": 4, "ipv6": 6, "ip": 4, "ip6": 6, 2: 4, 10: 6}
_PORTS = frozenset({"tcp", "udp", "sctp", "dccp", "udplite"})
PORTLESS = less(ANY_PROTOCOL, normal((PROTOCOLS[name], PROTOCOLS[name]) for name in _PORTS))


class NotRead(Exception):  # noqa: N818 - it is no failure: the verdict becomes undetermined where it matters
    """An expression that is not understood, in words."""


def not_read(*words: object) -> NoReturn:
    """Raise NotRead, which names an expression."""
    raise NotRead(" ".join(map(str, words)))


@dataclass(frozen=True, slots=True)
class Packets:
    """What is fixed while a region is followed: version of IP, interfaces (None: not known at this hook), state."""

    version: int
    comes_by: str | None
    leaves_by: str | None
    state: str | None  # None: connection tracking may have seen them or not
    translated: frozenset[str] = frozenset()  # fields that translation of addresses changes elsewhere on the way
    asked: set[str] = dataclasses.field(
        default_factory=set, compare=False, hash=False
    )  # which interfaces any rule looked at


Fields = dict[int, Intervals]
"""Values per field; a field that is missing may have any."""
Choice = Fields | None
"""What a match selects: fields, or nothing (None)."""


@dataclass(frozen=True, slots=True)
class Term:
    """The left side of a match: a constant of the packets, or a field with what must hold for it to exist."""

    constant: str | None = None
    field: int | None = None
    needs: tuple[tuple[int, Intervals], ...] = ()
    exists: bool = True
    whole: Intervals = ()
    value: Callable[[Any], tuple[int, int]] | None = None
    mask: int | None = None


def constant(left: Any, packets: Packets) -> str | None:  # noqa: ANN401 - whatever nft prints
    """Return what an interface, state or direction is for these packets; None if *left* is none of them."""
    if left == CT_STATE:
        return known_state(packets)
    if left == CT_DIRECTION:
        return _DIRECTIONS.get(packets.state or "") or not_read("ct direction of", packets.state or "any state")
    key = left["meta"].get("key") if isinstance(left, dict) and isinstance(left.get("meta"), dict) else None
    if key in {"iifname", "iif"}:
        packets.asked.add("comes")
        return packets.comes_by or ""  # the kernel compares an empty name where there is none
    if key in {"oifname", "oif"}:
        packets.asked.add("leaves")
        return packets.leaves_by or ""
    return None


def term(left: Any, packets: Packets) -> Term:  # noqa: ANN401 - whatever nft prints
    """Return what a match looks at; NotRead if that is not understood."""
    if not isinstance(left, dict) or len(left) != 1:
        not_read(str(left))
    if (known := constant(left, packets)) is not None:
        return Term(constant=known)
    kind, content = next(iter(left.items()))
    if kind == "&" and isinstance(content, list) and len(content) == 2:  # noqa: PLR2004 - value and mask
        return _masked(content, packets)
    if kind == "payload" and isinstance(content, dict):
        protocol, field = str(content.get("protocol")), str(content.get("field"))
        found = _payload(protocol, field, packets.version)
        if found.exists and field in packets.translated:
            not_read(protocol, field, "where addresses are translated")
        return found
    if kind == "meta" and isinstance(content, dict):
        return _meta(str(content.get("key")), packets)
    not_read(kind, content)


def _masked(content: list[Any], packets: Packets) -> Term:
    inner, mask = term(content[0], packets), content[1]
    if inner.field not in {SOURCE, DESTINATION} or inner.value is None:
        not_read("&", mask)
    bits = inner.value(mask)[0]
    return Term(
        field=inner.field, needs=inner.needs, exists=inner.exists, whole=inner.whole, value=inner.value, mask=bits
    )


def known_state(packets: Packets) -> str:
    """Return the state; NotRead where connection tracking may or may not have seen the packet."""
    state = packets.state or not_read("ct state at the priority of connection tracking")
    return "established" if state == REPLY else state


def is_state(left: Any) -> bool:  # noqa: ANN401 - whatever nft prints
    """Say whether the left side of a match is `ct state`, masked or not."""
    masked = left.get("&") if isinstance(left, dict) else None
    return bool(left == CT_STATE) or (isinstance(masked, list) and len(masked) == 2 and masked[0] == CT_STATE)  # noqa: PLR2004


def state_fits(content: dict[str, Any], packets: Packets, elements: list[Any]) -> bool:
    """Say whether a match on `ct state` holds: a packet has one bit, a rule may combine several into one number.

    So `!= established,related` holds for every packet, and `== established,related` for none.
    elements: the right side, a set resolved; NotRead for what is not understood.
    """
    left, operator, right = content["left"], str(content.get("op", "==")), content["right"]
    kept = STATE_BITS[known_state(packets)] & (-1 if left == CT_STATE else _bits(left["&"][1]))
    is_set = (isinstance(right, dict) and "set" in right) or (isinstance(right, str) and right.startswith("@"))
    if operator in {"in", "!"} and not is_set:
        return bool(kept & _bits(right)) == (operator == "in")
    if operator in {"==", "!="}:
        listed = {_bits(element) for element in elements} if is_set else {_bits(right)}
        return (kept in listed) == (operator == "==")
    not_read("ct state", operator)


def rewrites(content: Any) -> bool:  # noqa: ANN401
    """Say whether a statement changes what later rules look at."""
    key = content.get("key") if isinstance(content, dict) else None
    payload = key.get("payload") if isinstance(key, dict) else None
    return isinstance(payload, dict) and payload.get("field") in {"saddr", "daddr", "sport", "dport", "protocol"}


def _bits(value: Any) -> int:  # noqa: ANN401
    parts = value["|"] if isinstance(value, dict) and "|" in value else value
    bits = 0
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, dict) and "|" in part:
            bits |= _bits(part)
        else:
            bits |= part if isinstance(part, int) else STATE_BITS.get(part) or not_read("ct state", part)
    return bits


@lru_cache(maxsize=256)
def _payload(protocol: str, field: str, version: int) -> Term:
    exists = protocol not in {"ip", "ip6"} or version == (4 if protocol == "ip" else 6)
    if protocol in {"ip", "ip6"}:
        if field in {"saddr", "daddr"}:
            which = SOURCE if field == "saddr" else DESTINATION
            whole = any_address(4 if protocol == "ip" else 6)
            return Term(field=which, exists=exists, whole=whole, value=_address)
        if field in {"protocol", "nexthdr"}:
            return Term(field=PROTOCOL, exists=exists, whole=ANY_PROTOCOL, value=_protocol)
    if field in {"sport", "dport"} and (protocol in _PORTS or protocol == "th"):
        ported = _PORTS if protocol == "th" else {protocol}
        needs = ((PROTOCOL, normal((PROTOCOLS[name], PROTOCOLS[name]) for name in ported)),)
        which = SOURCE_PORT if field == "sport" else PORT
        return Term(field=which, needs=needs, whole=ANY_PORT, value=_number)
    if protocol in {"icmp", "icmpv6"} and field == "type":
        names = _ICMP if protocol == "icmp" else _ICMPV6
        needs = ((PROTOCOL, _one(PROTOCOLS[protocol])),)
        exists = version == (4 if protocol == "icmp" else 6)
        return Term(field=PORT, needs=needs, exists=exists, whole=ANY_PORT, value=_named(names))
    not_read(protocol, field)


def _meta(key: str, packets: Packets) -> Term:
    if key in {"nfproto", "protocol"}:
        return Term(constant=f"version {packets.version}")
    if key == "l4proto":
        return Term(field=PROTOCOL, whole=ANY_PROTOCOL, value=_protocol)
    not_read("meta", key)


def _one(number: int) -> Intervals:
    return ((number, number),)


def _address(value: Any) -> tuple[int, int]:  # noqa: ANN401
    if isinstance(value, dict) and "prefix" in value:
        return addresses(f"{value['prefix']['addr']}/{value['prefix']['len']}")
    return addresses(str(value))


def _number(value: Any) -> tuple[int, int]:  # noqa: ANN401
    return int(value), int(value)


def _protocol(value: Any) -> tuple[int, int]:  # noqa: ANN401
    number = PROTOCOLS[value] if isinstance(value, str) and not value.isdigit() else int(value)
    return number, number


def _named(names: dict[str, int]) -> Callable[[Any], tuple[int, int]]:
    def value(text: Any) -> tuple[int, int]:  # noqa: ANN401
        return icmp_type(names[text] if isinstance(text, str) and not text.isdigit() else int(text))

    return value


def icmp_type(number: int) -> tuple[int, int]:
    """Return a type as values of the port's field: the last one stands for all above it, which no packet has."""
    return number, number if number < _LAST_TYPE else ANY_PORT[0][1]


def flat(right: Any, sets: Callable[[str], Elements]) -> list[Any]:  # noqa: ANN401
    """Return the right side of a match as a list of single elements; NotRead for a set that packets change."""
    if isinstance(right, str) and right.startswith("@"):
        named = sets(right[1:])
        if named.dynamic:
            not_read("set", right, "is changed by packets")
        return [e for element in named.elements for e in flat(element, sets)]
    if isinstance(right, list):
        return [e for element in right for e in flat(element, sets)]
    if isinstance(right, dict):
        for wrapper in ("set", "|"):
            if wrapper in right:
                return flat(right[wrapper], sets)
        if "elem" in right:
            if set(right["elem"]) - {"val", "comment", "timeout", "expires", "counter"}:
                not_read("element", right["elem"])
            return flat(right["elem"]["val"], sets)
    return [right]


def values(of: Term, elements: Iterable[Any]) -> Intervals:
    """Return elements as values of a field; NotRead for one that is not understood."""
    assert of.value is not None  # noqa: S101 - for mypy: only fields come here
    found = []
    for element in elements:
        try:
            if isinstance(element, dict) and "range" in element:
                first, last = element["range"]
                found.append((of.value(first)[0], of.value(last)[1]))
            else:
                found.append(of.value(element))
        except (KeyError, ValueError, TypeError):
            not_read("value", element)
    if of.mask is not None:
        if any(first != last for first, last in found):
            not_read("mask", hex(of.mask), "on a range")
        found = [piece for first, last in found if first == last for piece in _under_mask(first, of.mask, of.whole)]
    return normal(found)


def _under_mask(value: int, mask: int, whole: Intervals) -> Iterator[tuple[int, int]]:
    most = whole[0][1]
    free = most & ~mask
    if free & (free + 1):
        not_read("mask", hex(mask), "is not a prefix")
    if value & free == 0:
        yield value, value | free


def holds(of: Term, operator: str, elements: list[Any]) -> bool:
    """Say whether a constant fulfils a match."""
    if not of.exists:
        return False
    found = any(_is(of.constant, element) for element in elements)
    if operator in {"==", "in"}:
        return found
    if operator == "!=":
        return not found
    not_read(operator, "on", of.constant)


def _is(constant: str | None, element: Any) -> bool:  # noqa: ANN401
    if constant is not None and constant.startswith("version "):
        return f"version {_VERSIONS.get(element)}" == constant
    if isinstance(element, str) and element.endswith("*") and not element.endswith("\\*"):
        return constant is not None and constant.startswith(element[:-1])
    return bool(element == constant)


def chosen(of: Term, operator: str, elements: list[Any]) -> Choice:
    """Return what a match selects; NotRead if an operator or a value is not understood."""
    if of.field is None:
        return {} if holds(of, operator, elements) else None
    if not of.exists:
        return None
    selected = values(of, elements)
    if operator == "!=":
        selected = less(of.whole, selected)
    elif operator in {"<", "<=", ">", ">="}:
        selected = _compared(operator, selected, of.whole)
    elif operator not in {"==", "in"}:
        not_read(operator)
    if not selected:
        return None
    return {**dict(of.needs), of.field: selected}


def _compared(operator: str, selected: Intervals, whole: Intervals) -> Intervals:
    (low, high), edge = whole[0], selected[0][0]
    pairs = {"<": (low, edge - 1), "<=": (low, edge), ">": (edge + 1, high), ">=": (edge, high)}
    first, last = pairs[operator]
    return ((first, last),) if first <= last else ()
