"""The extranet on real routers: cells by packets, rulesets as rendered, links that heal, lock-outs that end."""

from __future__ import annotations

import base64
import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from conftest import TestLab
from egov.city import load
from egov.facts import RefusedCall
from egov.facts.store import read_table
from egov.lab import entered
from waiting import wait_for

pytestmark = pytest.mark.drill
# A flow of the sample city between the sites, to a port on which nothing of the site listens: monitoring.
CLIENT, SERVER, PORT = "dc-mon1", "bk-db1", 9100
RULESET = "/etc/nftables.conf"
ARM = {
    "commit_confirm_step": "arm",
    "commit_confirm_name": "firewall",
    "commit_confirm_files": [RULESET],
    "commit_confirm_unit": "nftables.service",
    "commit_confirm_seconds": 15,
}


@pytest.fixture(scope="module")
def routed(site: TestLab) -> TestLab:
    """Return the site, provisioned, with both links between the sites up and routes learned."""
    assert site.play("site.yml").code == 0
    wait_for("both ways to the backup centre", lambda: both_ways(site))
    return site


def both_ways(lab: TestLab) -> bool:
    """Say whether the zone firewall uses both links to the backup centre, for both versions of IP."""
    shown = lab.ssh("fw1", "ip route show 10.211.48.0/24; echo; ip -6 route show 2001:db8:211:30::/64")
    four, _, six = shown.partition("\n\n")
    return all(link in routes for link in ("transita", "transitb") for routes in (four, six))


def packets(lab: TestLab, evidence: Path, code: int = 0) -> dict[str, int]:
    """Send every probe and return what was counted."""
    words = ("--lab", lab.name, "--evidence", str(evidence), "--format", "json")
    counted: dict[str, int] = json.loads(lab.egov("collect", "packets", *words, code=code))
    return counted


def verdicts(lab: TestLab, evidence: Path, check: str) -> dict[str, str]:
    """Return the verdict of each subject of a check."""
    with lab.start("audit", check, "--evidence", str(evidence), "--format", "json") as process:
        output, _ = process.communicate(timeout=120)
    return {f["subject"]["id"]: f["verdict"] for f in json.loads(output)["findings"]}


def test_every_cell_by_packets_and_by_comparison(routed: TestLab, tmp_path: Path) -> None:
    """Sent = accepted + counted as dropped, in every cell; every device runs the ruleset that is rendered.

    What was sent to flows that are not open yet is no sign of life: devices have forgotten it.
    """
    counted = packets(routed, tmp_path)
    routed.egov("collect", "hosts", "--lab", routed.name, "--evidence", str(tmp_path))

    assert counted["sent"] == counted["accepted"] + counted["dropped"]
    assert counted["accepted"] > 100
    assert [] == list(read_table(tmp_path, RefusedCall))
    for check in ("cell-packets", "flow-packets", "firewall-drift"):
        found = verdicts(routed, tmp_path, check)
        lab_hosts = {name: verdict for name, verdict in found.items() if name in routed.states()}
        assert {"pass"} == set(lab_hosts.values()), (check, lab_hosts)


def test_a_rule_added_by_hand_is_seen_by_packets_and_by_comparison(routed: TestLab, tmp_path: Path) -> None:
    """One rule too many on the zone firewall: packets arrive that should not, and the ruleset differs."""
    # No pings: one that was answered would pass as a known connection for half a minute, whatever the rules say then.
    routed.ssh("fw1", "sudo nft insert rule inet egov forward ip saddr 10.211.16.0/24 meta l4proto tcp accept")

    packets(routed, tmp_path, code=0)
    routed.egov("collect", "hosts", "--lab", routed.name, "--evidence", str(tmp_path))
    routed.ssh("fw1", "sudo systemctl reload nftables")

    assert "violation" == verdicts(routed, tmp_path, "cell-packets")["fw1"]
    assert "violation" == verdicts(routed, tmp_path, "flow-packets")["dc-app1"]
    assert "violation" == verdicts(routed, tmp_path, "firewall-drift")["fw1"]


@pytest.mark.parametrize("form", ["mpls", "srv6"])
def test_a_router_s_own_parser_reads_the_carrier_forms(routed: TestLab, form: str) -> None:
    """What the lab's kernel cannot run is at least read by FRR itself, which refuses what it does not know."""
    read = "sudo vtysh --dryrun --inputfile /dev/stdin"
    for router in ("fw1", "bk-rt1"):
        text = base64.b64encode(routed.egov("render", form, router).encode()).decode()

        assert "Unknown command" not in routed.ssh(router, f"echo {text} | base64 -d | {read} 2>&1")
    assert "Unknown command" in routed.ssh("fw1", f"echo bogus | {read} 2>&1; true")


def ask(lab: TestLab, host: str, name: str) -> str:
    """Return the IPv4 address that the name server gives a host for a name; empty for none, after 3 s at most."""
    city = load(Path(lab.environment["EGOV_CITY"]))
    question = b"".join(bytes([len(part)]) + part.encode() for part in [*name.split("."), ""])
    query = struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + question + struct.pack("!2H", 1, 1)
    with entered(lab.paths.netns(host)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(3)
        asker.sendto(query, (city.hosts["dc-edge1"].interfaces[1].address, 53))
        answer = asker.recv(512)
    answers = struct.unpack("!H", answer[6:8])[0]
    start = 12 + len(question) + 4  # the first record: a pointer to the name, type, class, life, length, address
    return socket.inet_ntoa(answer[start + 12 : start + 16]) if answers else ""


@pytest.mark.parametrize(
    ("host", "name", "expected"),
    [
        ("dept-minzheng1", "dept-dangan1", "10.211.128.234"),
        ("dept-fangchan1", "dept-dangan1", ""),
        ("dc-app1", "dc-db1", "10.211.17.11"),
    ],
    ids=["behind another's NAT", "no flow, no name", "in the data centre"],
)
def test_each_network_sees_the_names_it_may_reach(routed: TestLab, host: str, name: str, expected: str) -> None:
    """The name server answers by who asks: names of what a flow reaches, under the address that works from there."""
    assert ask(routed, host, f"{name}.huludao.example") == expected


@contextmanager
def stream(lab: TestLab) -> Iterator[list[float]]:
    """Yield the arrival times of an established connection between the sites that carries a byte every 20 ms."""
    city = load(Path(lab.environment["EGOV_CITY"]))
    address = city.hosts[SERVER].interfaces[1].address
    arrived: list[float] = []
    with entered(lab.paths.netns(SERVER)):
        server = socket.create_server((address, PORT))
    with entered(lab.paths.netns(CLIENT)):
        client = socket.create_connection((address, PORT), 5)
    accepted, _ = server.accept()
    client.settimeout(20)
    stop = threading.Event()

    def send() -> None:
        while not stop.wait(0.02):
            client.sendall(b".")

    def receive() -> None:
        while accepted.recv(4096):
            arrived.append(time.monotonic())

    threads = [threading.Thread(target=send), threading.Thread(target=receive)]
    for thread in threads:
        thread.start()
    try:
        yield arrived
    finally:
        stop.set()
        threads[0].join()
        client.close()
        threads[1].join()
        accepted.close()
        server.close()


@pytest.mark.parametrize("link", ["transita", "transitb"])
def test_a_cut_link_heals_and_the_connection_survives(routed: TestLab, link: str) -> None:
    """Whichever link is cut under traffic: less than five seconds of silence, and the same connection goes on."""
    with stream(routed) as arrived:
        wait_for("traffic", lambda: len(arrived) > 50)
        cut_at = time.monotonic()
        routed.lab("cut", "fw1", link)
        wait_for("traffic after the cut", lambda: arrived[-1] > cut_at + 6)
        routed.lab("heal", "fw1", link)
        healed_at = time.monotonic()
        wait_for("traffic after healing", lambda: arrived[-1] > healed_at + 2)
        wait_for("both ways to the backup centre", lambda: both_ways(routed))
        times = [moment for moment in arrived if moment > cut_at - 1]

    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) < 5, f"{max(gaps):.1f} s of silence after {link} was cut"


def test_both_links_cut_isolation_holds(routed: TestLab, tmp_path: Path) -> None:
    """Without any link between the sites nothing passes that no flow permits."""
    for link in ("transita", "transitb"):
        routed.lab("cut", "fw1", link)

    try:
        packets(routed, tmp_path, code=1)
    finally:
        for link in ("transita", "transitb"):
            routed.lab("heal", "fw1", link)

    evidence = json.loads(leaked(routed, tmp_path))
    assert [] == [finding for finding in evidence if any("passed" in text for text in finding["facts"]["wrong"])]
    wait_for("both ways to the backup centre", lambda: both_ways(routed))


def leaked(lab: TestLab, evidence: Path) -> str:
    """Return the findings about packets as JSON."""
    with lab.start("audit", "flow-packets", "--evidence", str(evidence), "--format", "json") as process:
        output, _ = process.communicate(timeout=120)
    return json.dumps(json.loads(output)["findings"])


def test_the_private_line_is_found_by_many_signals(routed: TestLab, tmp_path: Path) -> None:
    """The archive's line shows in addresses, a proxy and two canaries; its department is named; nobody else is."""
    assert routed.play("legacy.yml").code == 0
    routed.egov("collect", "exits", "--lab", routed.name, "--evidence", str(tmp_path))
    routed.egov("collect", "hosts", "--lab", routed.name, "--evidence", str(tmp_path))
    with routed.start("audit", "private-exit", "--evidence", str(tmp_path), "--format", "json") as process:
        output, _ = process.communicate(timeout=120)
    concerns = [f for f in json.loads(output)["findings"] if f["verdict"] == "violation"]

    assert ["dept-dangan1"] == [f["subject"]["id"] for f in concerns]
    assert "dangan" == concerns[0]["subject"]["department"]
    assert {"3128/tcp", "direct 203.0.113.83", "dns 203.0.113.83", "eth1 203.0.113.83/24"} <= set(
        concerns[0]["facts"]["signals"]
    )


def test_the_procedure_loads_the_rendered_ruleset(routed: TestLab, tmp_path: Path) -> None:
    """Step by step with a journal: a rule and a line added by hand are gone, and no timer is left."""
    routed.ssh("fw1", f"sudo nft insert rule inet egov forward counter accept; echo '# x' | sudo tee -a {RULESET}")

    words = ("--lab", routed.name, "--evidence", str(tmp_path), "--input", "hosts=fw1", "--input", "seconds=90")
    output = routed.egov("procedure", "run", "firewall", *words)

    assert ": done" in output
    assert "counter packets" not in routed.ssh("fw1", "sudo nft list chain inet egov forward | grep accept$; true")
    assert routed.egov("render", "nftables", "fw1") == routed.ssh("fw1", f"sudo cat {RULESET}")
    assert "egov-undo" not in routed.ssh("fw1", "systemctl list-timers --all --no-legend")


def test_a_ruleset_that_cuts_off_everybody_undoes_itself(routed: TestLab) -> None:
    """A ruleset without any way in is loaded on a router: the router puts the old one back, and lets people in."""
    before = routed.document("bk-rt1")
    armed = routed.egov(
        "lab",
        "--name",
        routed.name,
        "run",
        "--",
        "ansible",
        "bk-rt1",
        "-m",
        "include_role",
        "-a",
        "name=commit_confirm",
        "-e",
        json.dumps(ARM),
    )
    assert "FAILED" not in armed, armed
    closed = "flush ruleset; table inet t { chain i { type filter hook input priority 0; policy drop; }; }"
    shut = f"echo '{closed}' | sudo tee {RULESET} >/dev/null; sudo systemctl reload nftables"

    with routed.start("lab", "--name", routed.name, "ssh", "bk-rt1", shut):
        wait_for("the host's undoing", lambda: routed.document("bk-rt1") == before)

    assert routed.ssh("bk-rt1", "sudo nft list chain inet egov forward | wc -l") != "0\n"
