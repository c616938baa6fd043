"""Rules across kinds, at their boundaries: what is just right has no problem, one step further has one.

The exact words of each refusal are under tests/bad.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from egov.city import load
from egov.city.fields import uscc_check_character
from egov.errors import DescriptionError

Codes = Callable[..., list[str]]

BASE = """\
city: {id: mini, name_zh: 小城, name_en: Mini, region_code: "210000"}
sites: [{id: hall, name_zh: 行政中心, name_en: City hall}]
departments:
  - {id: a, name_zh: 局, name_en: A, credit_code: 11210000MB0000002Q, level: city, site: hall, contact: {office: 办}}
rooms: [{id: r1, name_zh: 机房, site: hall, departments: [a]}]
racks: [{id: k1, room: r1, height_u: 12}, {id: k2, room: r1, height_u: 12}]
zones: [{id: z, name_zh: 区, name_en: Zone}]
vrfs: [{id: v1, name_zh: 一}, {id: v2, name_zh: 二}]
"""


@pytest.fixture
def codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Codes:
    """Return a function from lines of a kind to the codes of the problems they cause."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "mini"
    folder.mkdir()
    (folder / "city.yml").write_text(BASE, encoding="utf-8")

    def found(**kinds: list[str]) -> list[str]:
        text = "".join(f"{kind}:\n" + "".join(f"  - {{{item}}}\n" for item in items) for kind, items in kinds.items())
        (folder / "more.yml").write_text(text, encoding="utf-8")
        try:
            load(folder)
        except DescriptionError as error:
            return [problem.code for problem in error.problems]
        return []

    return found


def device(name: str, rack: str, position: int, height: int = 1) -> str:
    """Return a device in a rack, its lowest unit and how many it takes."""
    place = f"rack: {rack}, position_u: {position}, height_u: {height}"
    return f"id: {name}, role: server, department: a, room: r1, {place}"


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ([device("d1", "k1", 1, 12)], []),
        ([device("d1", "k1", 1, 13)], ["E305"]),
        ([device("d1", "k1", 11, 2)], []),
        ([device("d1", "k1", 12, 2)], ["E305"]),
        ([device("d1", "k1", 1, 2), device("d2", "k1", 3, 2)], []),
        ([device("d1", "k1", 1, 2), device("d2", "k1", 2, 2)], ["E305"]),
        ([device("d1", "k1", 5), device("d2", "k1", 1, 12)], ["E305"]),
        ([device("d1", "k1", 1), device("d2", "k2", 1)], []),
    ],
    ids=["whole-rack", "too-high", "top", "over-top", "on-each-other", "overlap", "around-another", "other-rack"],
)
def test_rack_units(codes: Codes, devices: list[str], expected: list[str]) -> None:
    """A rack's lowest and highest unit can be used, each by one device; several units overlapped are one problem."""
    assert expected == codes(devices=devices)


def prefix(name: str, text: str, vrf: str = "v1", *, container: bool = False) -> str:
    """Return a prefix of zone z and department a."""
    return f"id: {name}, prefix: '{text}', vrf: {vrf}, zone: z, department: a, container: {str(container).lower()}"


CONTAINER = prefix("all", "10.0.0.0/16", container=True)


@pytest.mark.parametrize(
    ("prefixes", "expected"),
    [
        ([prefix("p1", "10.0.0.0/25"), prefix("p2", "10.0.0.128/25")], []),
        ([prefix("p1", "10.0.0.0/24"), prefix("p2", "10.0.0.128/25")], ["E304"]),
        ([prefix("p2", "10.0.0.128/25"), prefix("p1", "10.0.0.0/24")], ["E304"]),
        ([prefix("p1", "10.0.0.0/24"), prefix("p2", "10.0.0.0/24", "v2")], []),
        ([prefix("p1", "10.0.0.0/24"), prefix("p2", "10.0.0.0/24")], ["E304"]),
        ([CONTAINER, prefix("p1", "10.0.0.0/24"), prefix("p2", "10.0.255.0/24")], []),
        ([prefix("p1", "10.0.0.0/24"), CONTAINER, prefix("c", "10.0.0.0/17", container=True)], []),
        ([CONTAINER, prefix("p1", "10.0.1.0/24"), prefix("p2", "10.0.1.0/28")], ["E304"]),
        ([CONTAINER, prefix("p1", "10.0.0.0/16")], ["E304"]),
        ([prefix("p1", "10.0.0.0/16"), CONTAINER], ["E304"]),
        ([prefix("p1", "10.0.0.0/24"), prefix("c", "10.0.0.0/28", container=True)], ["E304"]),
        ([prefix("p1", "0.0.0.0/0"), prefix("p2", "::/0")], []),
        ([prefix("p1", "2001:db8::/32"), prefix("p2", "2001:db8:1::/48")], ["E304"]),
    ],
    ids=[
        *("side-by-side", "inside", "inside-named-first", "two-vrfs", "same", "in-a-container", "nested-containers"),
        *("overlap-in-a-container", "fills-the-container", "fills-it-named-first", "container-inside", "families"),
        "inside-ipv6",
    ],
)
def test_prefixes(codes: Codes, prefixes: list[str], expected: list[str]) -> None:
    """Prefixes of one VRF lie apart or in a larger container, in whatever order they are written."""
    assert expected == codes(prefixes=prefixes)


def host(name: str, *interfaces: str) -> str:
    """Return a host with these interfaces (prefix address [gateway])."""
    ways = []
    for number, (net, address, *gateway) in enumerate(interface.split() for interface in interfaces):
        gate = f", gateway: '{gateway[0]}'" if gateway else ""
        ways.append(f"{{name: eth{number}, prefix: {net}, address: '{address}'{gate}}}")
    return f"id: {name}, department: a, site: hall, zone: z, os: debian-12, interfaces: [{', '.join(ways)}]"


LANS = [prefix("lan1", "10.0.0.0/24"), prefix("lan2", "10.0.0.0/24", "v2"), prefix("six", "2001:db8::/64")]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([host("h1", "lan1 10.0.0.255 10.0.0.0")], []),
        ([host("h1", "lan1 10.0.1.0")], ["E303"]),
        ([host("h1", "lan1 9.255.255.255")], ["E303"]),
        ([host("h1", "lan1 10.0.0.1 10.0.1.1")], ["E303"]),
        ([host("h1", "lan1 2001:db8::1")], ["E303"]),
        ([host("h1", "lan1 10.0.0.1"), host("h2", "lan2 10.0.0.1")], []),
        ([host("h1", "lan1 10.0.0.1", "lan2 10.0.0.1")], []),
        ([host("h1", "lan1 10.0.0.1"), host("h2", "lan1 10.0.0.1")], ["E306"]),
        ([host("h1", "lan1 10.0.0.1", "lan1 10.0.0.1")], ["E306"]),
        ([host("h1", "six 2001:db8::1"), host("h2", "six 2001:DB8:0::1")], ["E306"]),
    ],
    ids=[
        *("ends-of-the-prefix", "just-behind", "just-before", "gateway-outside", "other-family", "two-vrfs"),
        *("two-vrfs-on-one-host", "two-hosts", "one-host", "written-two-ways"),
    ],
)
def test_addresses(codes: Codes, hosts: list[str], expected: list[str]) -> None:
    """Addresses lie in their prefix and are given once in a VRF, however they are written."""
    assert expected == codes(prefixes=LANS, hosts=hosts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("非涉密公文系统", []), ("涉密公文系统", ["E307"]), ("绝密级系统", ["E307"]), ("保密检查台账", [])],
)
def test_classified_systems(codes: Codes, name: str, expected: list[str]) -> None:
    """A system whose name or function says it is classified is refused; one that says it is not, is not."""
    system = "id: s1, department: a, network: lan, placement: cloud"

    assert expected == codes(systems=[f"{system}, name_zh: {name}"])
    assert expected == codes(systems=[f"{system}, function: {name}"])


def test_rules_pass_over_what_is_dangling(codes: Codes) -> None:
    """A reference to nothing is one problem; rules that would follow it say nothing more."""
    assert ["E302", "E302"] == codes(devices=[device("d1", "none", 50)], hosts=[host("h1", "none 10.0.0.1")])


@pytest.mark.parametrize("code", ["914403001922038216", "91330100799655058B", "9144030071526726XG"])
def test_credit_codes_of_well_known_firms(code: str) -> None:
    """The check character of GB 32100-2015 is that of published codes (Huawei, Alibaba, Tencent)."""
    assert code[17] == uscc_check_character(code[:17])
