"""Carrier routers: every VRF with a route distinguisher goes from site to site, by MPLS labels or SRv6 segments."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from huludao import huludao, with_kinds

from egov.city import City, Interface
from egov.render.frr import frr
from egov.render.vpn import Form, vpn

FORMS: tuple[Form, ...] = ("mpls", "srv6")


def blocks(text: str) -> dict[str, list[str]]:
    """Return a frr.conf as its top-level blocks: first line → the indented lines below it."""
    found: dict[str, list[str]] = {}
    head = ""
    for line in text.splitlines():
        if line.startswith(" "):
            found[head].append(line.strip())
        elif not line.startswith("!"):
            head = line
            found.setdefault(head, [])
    return found


def with_finance() -> City:
    """Return the sample city where the zone firewall stands in a department's private network."""
    hosts = huludao().hosts
    finance = Interface(name="caizheng", prefix="vpn-caizheng", address="172.16.8.1")
    fw1 = hosts["fw1"]
    return with_kinds(hosts={**hosts, "fw1": fw1.model_copy(update={"interfaces": (*fw1.interfaces, finance)})})


@pytest.mark.parametrize("form", FORMS)
def test_a_private_network_has_a_table_and_targets_of_its_own(form: Form) -> None:
    """A department's VRF is imported where its own route target is exported, and nowhere else."""
    found = blocks(vpn(with_finance(), form)["fw1"])

    private, public = found["router bgp 65211 vrf vpn-caizheng"], found["router bgp 65211 vrf public"]
    assert {"rd vpn export 65211:101", "rt vpn both 65211:101"} <= set(private)
    assert {line for line in public if line.startswith("rt ")} == {"rt vpn both 65211:1"}


@pytest.mark.parametrize(("form", "word"), [("mpls", "label"), ("srv6", "sid")])
def test_each_form_marks_packets_its_own_way(form: Form, word: str) -> None:
    """MPLS gives each VRF a label and speaks LDP on the links; SRv6 gives it a segment of the router's locator."""
    found = blocks(vpn(huludao(), form)["fw1"])

    assert f"{word} vpn export auto" in found["router bgp 65211 vrf public"]
    assert ("mpls ldp" in found, "segment-routing" in found) == (form == "mpls", form == "srv6")


def test_a_vrf_without_a_distinguisher_stays_at_its_site() -> None:
    """Management has a table on each router and goes nowhere."""
    found = blocks(vpn(huludao(), "mpls")["fw1"])

    assert "vrf mgmt" in found
    assert "router bgp 65211 vrf mgmt" not in found


def test_every_interface_is_in_one_table_or_on_a_link() -> None:
    """No interface is left in the table that carries the others."""
    text = vpn(huludao(), "mpls")["fw1"]

    bound = {line.split()[4] for line in text.splitlines() if line.startswith("! ip link set")}
    links = {head.split()[1] for head in blocks(text) if head.startswith("interface ")} - {"lo"}
    assert bound | links == {interface.name for interface in huludao().hosts["fw1"].interfaces}
    assert not bound & links


def test_a_router_without_a_loopback_carries_nothing() -> None:
    """Access routers stand at the edge: they need no VRF of their own."""
    assert sorted(vpn(huludao(), "srv6")) == ["bk-rt1", "fw1"]


def test_routers_speak_to_each_other() -> None:
    """Every carrier router has a session with every other one."""
    found = blocks(vpn(huludao(), "srv6")["bk-rt1"])

    assert "neighbor 10.211.255.1 remote-as 65211" in found["router bgp 65211"]


@pytest.mark.parametrize("form", FORMS)
def test_frr_reads_what_is_rendered(form: Form, tmp_path: Path) -> None:
    """FRR's own parser knows every line."""
    if shutil.which("vtysh") is None:
        pytest.skip("vtysh is not installed (Debian package frr); the lab's routers read these files as well")
    for name, text in {**vpn(with_finance(), form), "plain": frr(huludao())["fw1"]}.items():
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")

        done = subprocess.run(["vtysh", "-C", "-f", str(path)], capture_output=True, text=True, check=False)

        assert "Unknown command" not in done.stdout + done.stderr, name
