"""Rules on flows, at their boundaries: what can be defended has no problem, one step further has one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from egov.city import load
from egov.city.load import expired_flows
from egov.errors import DescriptionError

TOWN = """\
city: {id: mini, name_zh: 小城, name_en: Mini, region_code: "210000"}
sites: [{id: hall, name_zh: 行政中心, name_en: City hall}]
departments:
  - {id: a, name_zh: 局, name_en: A, credit_code: 11210000MB0000002Q, level: city, site: hall, contact: {office: 办}}
vrfs: [{id: main, name_zh: 一}]
zones:
  - {id: lans, name_zh: 局域网, name_en: LANs, kind: department-lan}
  - {id: centre, name_zh: 中心, name_en: Centre, kind: data-centre}
  - {id: dmz, name_zh: 接入区, name_en: DMZ, kind: internet-access}
  - {id: management, name_zh: 管理区, name_en: Management, kind: management}
  - {id: outside, name_zh: 互联网, name_en: Internet, kind: internet}
prefixes:
  - {id: lan, prefix: 10.1.0.0/24, vrf: main, zone: lans, department: a}
  - {id: servers, prefix: 10.2.0.0/24, vrf: main, zone: centre, department: a}
  - {id: mgmt, prefix: 10.9.0.0/24, vrf: main, zone: management, department: a}
  - {id: net, prefix: 203.0.113.0/24, vrf: main, zone: outside, department: a}
hosts:
  - id: h1
    department: a
    site: hall
    zone: centre
    os: debian-12
    interfaces:
      - {name: mgmt0, prefix: mgmt, address: 10.9.0.1}
      - {name: eth0, prefix: servers, address: 10.2.0.1}
"""
Codes = Callable[..., list[str]]


def flow(clients: str, servers: str, services: str = "443/tcp", name: str = "f1", until: str = "2028-12-31") -> str:
    """Return a flow between two sides."""
    ends = f"clients: {{{clients}}}, servers: {{{servers}}}"
    return f"{{id: {name}, {ends}, services: [{services}], why: 用, department: a, until: {until}}}"


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a function from flows to the folder of a small city that has them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def written(*flows: str) -> Path:
        folder = tmp_path / "mini"
        folder.mkdir(exist_ok=True)
        lines = "".join(f"  - {one}\n" for one in flows)
        (folder / "city.yml").write_text(f"{TOWN}flows:\n{lines}", encoding="utf-8")
        return folder

    return written


@pytest.fixture
def codes(town: Callable[..., Path]) -> Codes:
    """Return a function from flows to the codes of the problems they cause."""

    def found(*flows: str) -> list[str]:
        try:
            load(town(*flows))
        except DescriptionError as error:
            return [problem.code for problem in error.problems]
        return []

    return found


ALL = "zones: [lans, centre, dmz, management, outside]"


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        pytest.param(flow("zones: [lans]", "zones: [centre]"), [], id="zone to zone"),
        pytest.param(flow("zones: [lans]", ""), ["E312"], id="to nobody"),
        pytest.param(flow(ALL, "prefixes: [servers]"), ["E312"], id="from everybody"),
        pytest.param(flow("zones: [lans, lans, lans, lans, lans]", "zones: [centre]"), [], id="one zone, five times"),
        pytest.param(flow("zones: [lans, centre, dmz, management]", "prefixes: [servers]"), [], id="all zones but one"),
        pytest.param(flow("zones: [dmz]", "zones: [outside]"), [], id="out by the access zone"),
        pytest.param(flow("zones: [lans]", "zones: [outside]"), ["E315"], id="straight out"),
        pytest.param(flow("prefixes: [lan]", "prefixes: [net]"), ["E315"], id="straight out by prefixes"),
        pytest.param(flow("zones: [outside]", "zones: [dmz]"), [], id="in by the access zone"),
        pytest.param(flow("zones: [management]", "management: [h1]", "22/tcp"), [], id="ssh by management"),
        pytest.param(flow("zones: [management]", "hosts: [h1]", "22/tcp"), ["E316"], id="ssh to the business side"),
        pytest.param(flow("zones: [lans]", "hosts: [h1]", "21-22/tcp"), ["E316"], id="a range that ends with ssh"),
        pytest.param(flow("zones: [lans]", "hosts: [h1]", "20-21/tcp"), [], id="a range just below"),
        pytest.param(flow("zones: [lans]", "hosts: [h1]", "22/udp"), [], id="the same number of UDP"),
        pytest.param(flow("zones: [lans]", "hosts: [h1]", "65535/tcp"), [], id="the highest port"),
        pytest.param(flow("zones: [lans]", "hosts: [h1]", "65536/tcp"), ["E206"], id="beyond the highest"),
        pytest.param(flow("zones: [lans]", "hosts: [h1]", "0/tcp"), ["E206"], id="no port 0"),
        pytest.param(flow("zones: [lans]", "hosts: [h1]", "80-80/tcp"), [], id="a range of one"),
        pytest.param(flow("zones: [lans]", "hosts: [h1]", "81-80/tcp"), ["E206"], id="backwards"),
    ],
)
def test_a_flow_by_itself(codes: Codes, one: str, expected: list[str]) -> None:
    """Sides, ways out, management and ports: refused where an audit could not be answered."""
    assert expected == codes(one)


WEB = flow("zones: [lans]", "zones: [centre]", "443/tcp, 80/tcp", "web")


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(flow("zones: [lans]", "zones: [centre]", "80/tcp, 443/tcp"), ["E314"], id="the same"),
        pytest.param(flow("zones: [lans]", "zones: [centre]", "80/tcp", "x"), ["E314"], id="fewer services"),
        pytest.param(flow("prefixes: [lan]", "hosts: [h1]", "80/tcp"), ["E314"], id="a part of both sides"),
        pytest.param(flow("prefixes: [lan]", "management: [h1]", "80/tcp"), [], id="the host's other side"),
        pytest.param(flow("zones: [lans]", "zones: [centre]", "80/udp"), [], id="another protocol"),
        pytest.param(flow("zones: [lans]", "zones: [centre]", "80/tcp, ping"), [], id="one service more"),
        pytest.param(flow("zones: [centre]", "zones: [lans]", "80/tcp"), [], id="the other way"),
        pytest.param(flow("zones: [lans]", "zones: [centre]", until="2029-01-01"), [], id="a day longer"),
        pytest.param(flow("zones: [lans]", "zones: [centre]", "1-1023/tcp", until="2028-01-01"), ["E316"], id="wider"),
    ],
)
def test_two_flows(codes: Codes, second: str, expected: list[str]) -> None:
    """What another flow holds whole, to its last day, is refused, whichever of the two names comes first."""
    assert expected == codes(WEB, second) == codes(second, WEB)


@pytest.mark.parametrize(("on", "expected"), [(date(2018, 12, 31), []), (date(2019, 1, 1), [("E313", "2018-12-31")])])
def test_a_flow_expires_after_its_last_day(
    town: Callable[..., Path], on: date, expected: list[tuple[str, str]]
) -> None:
    """On the last day it holds; from the next day on it is a problem at the value of `until`."""
    folder = town(flow("zones: [lans]", "zones: [centre]", until="2018-12-31"))
    text = (folder / "city.yml").read_text(encoding="utf-8").splitlines()
    problems = list(expired_flows(folder, load(folder), on))

    assert expected == [(p.code, text[p.line - 1][p.col - 1 : p.col + 9]) for p in problems]
