"""Regions of packet headers, exactly: unions of boxes, each box a product of interval sets, one per field. Pure.

Fields are source, destination, protocol, source port, destination port (the type, for icmp). Versions of IP, interfaces
and the state of the connection are fixed while one region is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, inet_pton

Intervals = tuple[tuple[int, int], ...]
"""Disjoint closed intervals in order, with a gap between neighbours."""
Box = tuple[Intervals, Intervals, Intervals, Intervals, Intervals]
Region = list[Box]
"""Disjoint boxes."""
SOURCE, DESTINATION, PROTOCOL, SOURCE_PORT, PORT = range(5)
FIELDS = 5
ANY_PROTOCOL: Intervals = ((0, 255),)
ANY_PORT: Intervals = ((0, 65535),)


def any_address(version: int) -> Intervals:
    """Return all addresses of a version of IP."""
    return ((0, 2 ** (32 if version == 4 else 128) - 1),)  # noqa: PLR2004 - the two versions of IP


@lru_cache(maxsize=2)
def everything(version: int) -> Region:
    """Return all headers of a version of IP; always the same object, which nobody changes."""
    address = any_address(version)
    return [(address, address, ANY_PROTOCOL, ANY_PORT, ANY_PORT)]


def normal(intervals: Iterable[tuple[int, int]]) -> Intervals:
    """Return intervals in any order and overlap as a set of intervals."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(intervals):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def both(one: Intervals, other: Intervals) -> Intervals:
    """Return what lies in both."""
    if one is other:
        return one
    if not one or not other:
        return ()
    if len(one) == 1 and one[0][0] <= other[0][0] and other[-1][1] <= one[0][1]:
        return other
    if len(other) == 1 and other[0][0] <= one[0][0] and one[-1][1] <= other[0][1]:
        return one
    if one[-1][1] < other[0][0] or other[-1][1] < one[0][0]:
        return ()
    found = []
    i = j = 0
    while i < len(one) and j < len(other):
        first, last = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first <= last:
            found.append((first, last))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def less(one: Intervals, other: Intervals) -> Intervals:
    """Return what lies in the first only."""
    found = []
    for start, last in one:
        first = start
        for a, b in other:
            if b < first or a > last:
                continue
            if a > first:
                found.append((first, a - 1))
            first = b + 1
            if first > last:
                break
        if first <= last:
            found.append((first, last))
    return tuple(found)


def _box_both(one: Box, other: Box) -> Box | None:
    found = []
    for a, b in zip(one, other, strict=True):
        c = a if a == b else both(a, b)
        if not c:
            return None
        found.append(c)
    return (found[0], found[1], found[2], found[3], found[4])


def _box_less(one: Box, other: Box) -> Region:
    shared = _box_both(one, other)
    if shared is None:
        return [one]
    left: Region = []
    rest = list(one)
    for field in range(FIELDS):
        if rest[field] == shared[field]:
            continue
        left.append(_with((rest[0], rest[1], rest[2], rest[3], rest[4]), field, less(rest[field], shared[field])))
        rest[field] = shared[field]
    return left


def meet(one: Region, other: Region) -> Region:
    """Return the headers in both regions."""
    return [box for a in one for b in other if (box := _box_both(a, b)) is not None]


def minus(one: Region, other: Region) -> Region:
    """Return the headers in the first region only."""
    left = one
    for hole in other:
        left = [piece for box in left for piece in _box_less(box, hole)]
        if not left:
            break
    return left


def join(one: Region, other: Region) -> Region:
    """Return the headers in either region; a box that continues the last one in one field becomes part of it."""
    if not one or not other:
        return one or other
    found = [*one]
    for box in minus(other, one):
        found[-1:] = _merged(found[-1], box)
    return found


def _merged(one: Box, other: Box) -> Region:
    """Return two disjoint boxes, as one where they differ in one field only."""
    differing = [field for field in range(FIELDS) if one[field] != other[field]]
    if len(differing) != 1:
        return [one, other]
    field = differing[0]
    return [_with(one, field, normal((*one[field], *other[field])))]


def narrowed(region: Region, field: int, values: Intervals) -> Region:
    """Return the headers of a region whose field is among values."""
    found: Region = []
    for box in region:
        kept = both(box[field], values)
        if kept:
            found.append(_with(box, field, kept))
    return found


def split(region: Region, fields: Mapping[int, Intervals]) -> tuple[Region, Region]:
    """Return the headers of a region whose fields are all among values, and the others, in one pass."""
    outside: Region = []
    inside = region
    for field, values in fields.items():
        boxes, inside = inside, []
        for box in boxes:
            kept = both(box[field], values)
            if kept:
                inside.append(_with(box, field, kept))
            if kept != box[field]:
                outside.append(_with(box, field, less(box[field], kept)) if kept else box)
    return inside, outside


def _with(box: Box, field: int, values: Intervals) -> Box:
    piece = [*box]
    piece[field] = values
    return (piece[0], piece[1], piece[2], piece[3], piece[4])


@lru_cache(maxsize=65536)
def addresses(network: str) -> tuple[int, int]:
    """Return the first and last address of a prefix, or of an address, as numbers; ValueError if it is none.

    The `ipaddress` module would take an eighth of a whole proof for it.
    """
    text, slash, mask = network.partition("/")
    family, size = (AF_INET6, 128) if ":" in text else (AF_INET, 32)
    length = int(mask) if mask.isascii() and mask.isdigit() else -1 if slash else size
    try:
        first = int.from_bytes(inet_pton(family, text), "big")
    except OSError:
        first = -1
    free = (1 << size - length) - 1 if 0 <= length <= size else -1
    if first < 0 or free < 0 or first & free:
        message = f"{network!r} is no prefix"
        raise ValueError(message)
    return first, first | free


def written(version: int, number: int) -> str:
    """Return an address as text."""
    size = 4 if version == 4 else 16  # noqa: PLR2004
    return str(ip_address(number.to_bytes(size, "big")))
