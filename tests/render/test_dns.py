"""Names by view: who may ask sees what it may reach, under the address by which it reaches it."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from huludao import ON, huludao, with_flow, without_flow

from egov.city import City
from egov.render.dns import View, dns, views

SERVER = "dc-edge1"


def seen_from(address: str, city: City | None = None, on: date = ON) -> View | None:
    """Return the view in which the name server answers a client: the first that matches, as BIND takes it."""
    city = city or huludao()
    client = ip_address(address)
    return next(
        (v for v in views(city, city.hosts[SERVER], on) if any(client in ip_network(n) for n in v.networks)), None
    )


@pytest.mark.parametrize(
    ("client", "name", "addresses"),
    [
        ("10.211.128.162", "dept-dangan1", ("10.211.128.234", "2001:db8:211:a3::20")),
        ("10.211.128.194", "dept-minzheng1", ("10.211.128.170", "2001:db8:211:a1::20")),
        ("10.211.16.21", "dc-db1", ("10.211.17.11", "2001:db8:211:11::11")),
        ("2001:db8:211:a1::20", "dc-edge1", ("198.51.100.31", "2001:db8:211:d0::31")),
    ],
    ids=["behind another's NAT", "the other way", "in the data centre", "the name server itself"],
)
def test_a_name_has_the_address_that_its_reader_can_use(client: str, name: str, addresses: tuple[str, ...]) -> None:
    """A host behind NAT is known by its published address beyond its LAN; IPv6 is never translated."""
    view = seen_from(client)

    assert view is not None
    assert view.names[name] == addresses


def test_a_system_has_the_addresses_of_its_hosts() -> None:
    """Who may reach a system's host may call the system by its id."""
    view = seen_from("10.211.128.162")

    assert view is not None
    assert view.names["dangan-chayue"] == view.names["dept-dangan1"]


def test_what_no_flow_reaches_has_no_name() -> None:
    """With its flow a name leaves the view; others keep it."""
    flow = "minzheng-checks-archives"
    city = without_flow(flow)

    before, after = seen_from("10.211.128.162"), seen_from("10.211.128.162", city)

    assert before is not None
    assert after is not None
    assert "dept-dangan1" in before.names
    assert "dept-dangan1" not in after.names


def test_a_flow_past_its_end_gives_no_name() -> None:
    """The day after its last the flow's names are gone."""
    city = with_flow("minzheng-checks-archives", until=ON)

    last, after = (seen_from("10.211.128.162", city, day) for day in (ON, date(2019, 1, 1)))

    assert last is not None
    assert after is not None
    assert ("dept-dangan1" in last.names, "dept-dangan1" in after.names) == (True, False)


def test_who_may_not_ask_has_no_view() -> None:
    """The Internet has no flow to the name server, so nothing answers it."""
    assert seen_from("203.0.113.9") is None


def test_the_internet_is_answered_but_never_asked_for() -> None:
    """Where a flow lets the Internet ask, it sees public names only and gets no recursion."""
    clients = huludao().flows["web-from-internet"].clients
    view = seen_from("203.0.113.9", with_flow("dns-from-extranet", clients=clients))

    assert view is not None
    assert not view.recursive
    assert {"dc-edge1"} == {name for name in view.names if name in huludao().hosts}


def test_a_small_network_comes_before_the_one_that_holds_it() -> None:
    """An access router's own address is its LAN's view, though the access range holds it: the first match counts."""
    view = seen_from("10.211.128.194")

    assert view is not None
    assert view.name == "lan-fangchan"


def test_without_a_domain_there_are_no_names() -> None:
    """A city that names no domain gets no name server's files."""
    profile = huludao().profile.model_copy(update={"domain": None})

    assert dns(dataclasses.replace(huludao(), profile=profile), ON) == {}


def test_bind_reads_what_is_rendered(tmp_path: Path) -> None:
    """Named's own checkers accept the configuration and every zone."""
    if shutil.which("named-checkconf") is None:
        pytest.skip("named-checkconf is not installed (Debian package bind9-utils); the lab's hosts check as well")
    files = dns(huludao(), ON)[SERVER]
    for name, text in files.items():
        (tmp_path / name).write_text(_in(tmp_path, text), encoding="utf-8")

    done = subprocess.run(
        ["named-checkconf", "-z", str(tmp_path / "named.conf")], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall("loaded serial", done.stdout)) == len(files) - 1


def _in(folder: Path, text: str) -> str:
    """Return a file of a name server that stands in another folder."""
    return text.replace("/etc/bind/egov", str(folder)).replace("/var/cache/bind", str(folder))
