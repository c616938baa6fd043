"""The sample city: what others rely on is there, and docs/sample-city.md says the truth about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from egov.city import City, load
from egov.city.load import kinds

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "inventory" / "huludao"
NO_OUTCOMES = {"title", "remedy"}
LAB_HOSTS = {
    "acc-dangan1", "acc-fangchan1", "acc-minzheng1", "bk-rt1",
    "bk-db1", "bk-repo1", "dc-app1", "dc-app2", "dc-db1", "dc-edge1", "dc-mon1", "dept-dangan1", "dept-fangchan1",
    "dept-minzheng1", "fw1", "inet1", "prov-archive1", "witness1",
}  # fmt: skip


@pytest.fixture(scope="module")
def city() -> City:
    """Return the sample city."""
    return load(FOLDER)


def test_size_is_what_the_page_says(city: City) -> None:
    """The sample is large enough to show every outcome, and its page counts it rightly."""
    page = (ROOT / "docs" / "sample-city.md").read_text(encoding="utf-8")
    for kind in ("departments", "rooms", "racks", "devices", "zones", "prefixes", "systems"):
        assert f"{len(getattr(city, kind))} {kind}" in page
    assert f"{len(city.sites)} buildings" in page
    assert len(city.vrfs) == int(re.search(r"(\d+) VRFs", page)[1])  # type: ignore[index]


def test_lab_hosts_are_those_of_the_design(city: City) -> None:
    """The lab boots these hosts and no other."""
    assert {host.id for host in city.hosts.values() if host.lab} == LAB_HOSTS


def test_one_controller_outside_the_lab(city: City) -> None:
    """The controller is the lab's namespace, never a host that is booted."""
    controllers = [host for host in city.hosts.values() if "controller" in host.roles]
    assert [(host.id, host.lab) for host in controllers] == [("ops1", False)]


def test_lab_hosts_are_reached_over_management(city: City) -> None:
    """The first interface of a lab host is mgmt0 in the management prefix, so SSH needs no router."""
    first = [host.interfaces[0] for host in city.hosts.values() if host.lab or "controller" in host.roles]
    assert {(interface.name, interface.prefix) for interface in first} == {("mgmt0", "mgmt")}


def test_every_gateway_is_a_described_router(city: City) -> None:
    """The gateway of each lab host is an address of a router in the same prefix."""
    routers = [host for host in city.hosts.values() if "router" in host.roles]
    known = {(i.prefix, i.address) for host in routers for i in host.interfaces}
    lab = [i for host in city.hosts.values() if host.lab for i in host.interfaces]
    assert {(i.prefix, i.gateway) for i in lab if i.gateway} <= known


def test_two_department_lans_have_the_same_addresses(city: City) -> None:
    """Overlapping LANs are the normal case and live in routing tables of their own."""
    lans = [city.prefixes["lan-fangchan"], city.prefixes["lan-dangan"]]
    assert [lan.prefix for lan in lans] == ["192.168.10.0/24"] * 2
    assert len({lan.vrf for lan in lans}) == 2


def test_addresses_belong_to_nobody() -> None:
    """Invented addresses are private or of a documentation range, never somebody's own."""
    from ipaddress import ip_network  # noqa: PLC0415

    assert all(ip_network(prefix.prefix).is_private for prefix in load(FOLDER).prefixes.values())


def test_every_file_says_what_is_invented() -> None:
    """Each file opens with the schema for editors and a comment that technical data are invented."""
    for path in FOLDER.rglob("*.yml"):
        if path.relative_to(FOLDER).parts[0] in {"mandate", "calendar", "cases", "signers.yml"}:
            continue
        head = path.read_text(encoding="utf-8").partition("\n")[0]
        comments = [line for line in path.read_text(encoding="utf-8").splitlines()[:8] if line.startswith("#")]
        schema = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", head)
        assert schema is not None, path
        assert (path.parent / schema[1]).resolve().parent == ROOT / "schema", path
        assert "nvented" in " ".join(comments), path


def test_a_host_of_a_device_stands_where_the_device_does(city: City) -> None:
    """A host and the hardware it is are of one department and one building."""
    for host in city.hosts.values():
        if host.device is not None:
            device = city.devices[host.device]
            assert (city.rooms[device.room].site, device.department) == (host.site, host.department)


@dataclass(frozen=True)
class Line:
    """A line of one of the page's tables: where an outcome of a check occurs."""

    check: str
    outcome: str
    where: tuple[str, ...]
    how_many: int | None


def lines(title: str) -> list[Line]:
    """Return the first table below the page's heading *title*."""
    page = (ROOT / "docs" / "sample-city.md").read_text(encoding="utf-8")
    section = page.partition(f"## {title}\n")[2].partition("\n## ")[0]
    table = re.search(r"^\|.*?(?=\n\n|\Z)", section, re.MULTILINE | re.DOTALL)
    assert table is not None, title
    rows = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in table[0].splitlines()]
    header, found = rows[0], []
    for row in rows[2:]:
        cells = {name.strip(): value for name, value in zip(header, row, strict=True)}
        how_many = int(cells["how many"]) if "how many" in cells else None
        found.append(Line(cells["check"], cells["outcome"], tuple(cells["where"].split(", ")), how_many))
    return found


SHEETS, TODAY, LAB = "Every outcome, and where it occurs", "What differs today", "What only the lab's hosts show"


@pytest.mark.parametrize("title", [SHEETS, TODAY, LAB])
def test_page_names_described_things(city: City, title: str) -> None:
    """Every id in the page's tables is one of the sample city."""
    known = {name for kind in kinds() for name in getattr(city, kind)}
    assert {name for line in lines(title) for name in line.where} <= known


def test_page_shows_every_outcome_there_is() -> None:
    """The sample shows every outcome that findings have words for, but two that need a cap the plan does not state."""
    texts: dict[str, dict[str, object]] = {}
    for path in (ROOT / "tools" / "egov" / "present" / "texts").glob("r[eo]*.yml"):
        texts |= yaml.safe_load(path.read_text(encoding="utf-8"))
    worded = {(check, outcome) for check, words in texts.items() for outcome in words if outcome not in NO_OUTCOMES}
    shown = {(line.check, line.outcome) for title in (SHEETS, TODAY, LAB) for line in lines(title)}
    assert worded - shown == {("room-area-shared", "within-cap"), ("room-area-shared", "over-cap")}
