"""Regions are sets of headers: each operation agrees with what it means, header by header."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egov.proof.space import FIELDS, Box, Region, addresses, join, meet, minus, normal, split

WHOLE = ((0, 3),)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Draw a box; most of its fields have any value, so that boxes overlap and continue each other."""
    values = [
        draw(st.one_of(st.just(WHOLE), st.sets(st.integers(0, 3), min_size=1).map(lambda s: normal((n, n) for n in s))))
        for _ in range(FIELDS)
    ]
    return (values[0], values[1], values[2], values[3], values[4])


@st.composite
def regions(draw: st.DrawFn) -> Region:
    """Draw disjoint boxes."""
    region: Region = []
    for box in draw(st.lists(boxes(), max_size=3)):
        region = [*region, *minus([box], region)]
    return region


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.integers(0, 128))
def test_addresses_of_a_prefix_are_those_of_the_standard_library(address: object, length: int) -> None:
    """First and last address of any prefix, and of an address alone."""
    network = ip_network(f"{address}/{min(length, 32 if '.' in str(address) else 128)}", strict=False)

    assert addresses(str(network)) == (int(network.network_address), int(network.broadcast_address))
    assert addresses(str(address)) == (int(ip_network(str(address))[0]),) * 2


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-8", "::/129", "x"],
)
def test_what_is_no_prefix_is_refused(text: str) -> None:
    """Neither a name, nor host bits, nor a mask that is too long reads as some prefix."""
    with pytest.raises(ValueError, match="no prefix"):
        addresses(text)


def inside(region: Region) -> set[tuple[int, ...]]:
    """Return the headers of a region one by one."""
    return {header for box in region for header in product(*(_numbers(field) for field in box))}


def _numbers(intervals: tuple[tuple[int, int], ...]) -> list[int]:
    return [n for first, last in intervals for n in range(first, last + 1)]


def disjoint(region: Region) -> bool:
    """Say whether no header is in two boxes."""
    return not any(inside([one]) & inside([other]) for one, other in combinations(region, 2))


@given(regions(), regions())
def test_operations_are_those_of_sets(one: Region, other: Region) -> None:
    """Both, only the first, either: exactly those headers, in boxes that do not overlap."""
    a, b = inside(one), inside(other)

    assert (inside(meet(one, other)), inside(minus(one, other)), inside(join(one, other))) == (a & b, a - b, a | b)
    assert all(map(disjoint, (meet(one, other), minus(one, other), join(one, other))))


@given(regions(), boxes())
def test_split_leaves_nothing_out(region: Region, box: Box) -> None:
    """What fields select and the others are together the region, and apart."""
    chosen, others = split(region, {field: values for field, values in enumerate(box) if values != WHOLE})

    assert inside(chosen) == inside(region) & inside([box])
    assert inside(others) == inside(region) - inside([box])
    assert disjoint([*chosen, *others])


def test_boxes_that_continue_each_other_become_one() -> None:
    """Two rules for two addresses of one flow are the region of one rule for both."""
    first, second = (((n, n),) for n in (1, 3))

    joined = join([(WHOLE, first, WHOLE, WHOLE, WHOLE)], [(WHOLE, second, WHOLE, WHOLE, WHOLE)])

    assert joined == [(WHOLE, ((1, 1), (3, 3)), WHOLE, WHOLE, WHOLE)]
