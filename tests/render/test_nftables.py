"""The rendered rulesets before a real packet filter: they load, and come out as they went in."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from huludao import ON, huludao

from egov.collect.isolation import loaded
from egov.collect.parse_calls import calls, watches
from egov.errors import CollectionError
from egov.proof import compare
from egov.render.canonical import counted_flows, digest, lines
from egov.render.flows import Compiler, alone, closed_flows, rulesets

OPEN = date(2026, 12, 1)  # bridge-hunyin-to-aid is open, and closed on the day of the other tests
needs_filter = pytest.mark.usefixtures("_packet_filter")


@needs_filter
@pytest.mark.parametrize("host", ["fw1", "bk-rt1", "acc-dangan1", "dc-app1", "dc-db1", "dc-edge1"])
def test_rendered_ruleset_loads_as_a_whole(host: str) -> None:
    """The file is taken whole: every cell's counter and every flow of the device is in what it then lists."""
    text = rulesets(huludao(), ON)[host]
    intent = Compiler(huludao(), ON).intent(huludao().hosts[host])

    live = loaded(text)

    flows = {permit.flow for permits in intent.cells.values() for permit in permits if permit.tracked}
    entries = json.loads(live)["nftables"]
    counters = {entry["counter"]["name"] for entry in entries if "counter" in entry}
    policies = {entry["chain"].get("policy") for entry in entries if entry.get("chain", {}).get("type") == "filter"}
    assert flows == counted_flows(live).keys()
    assert {f"drop__{i.name}__local" for i in huludao().hosts[host].interfaces} <= counters
    assert "drop" in policies


@needs_filter
def test_the_same_ruleset_has_the_same_digest_in_another_kernel_namespace() -> None:
    """Handles and counts do not enter; one rule less does."""
    text = rulesets(huludao(), ON)["acc-minzheng1"]
    rule = next(line for line in text.splitlines() if "fangchan-checks-aid" in line)

    first, again, less = (digest(loaded(one)) for one in (text, text, text.replace(rule + "\n", "", 1)))

    assert first == again
    assert first != less


CALL = """
import socket
for port in (5432, 5432, 80):
    with socket.socket() as link:
        link.settimeout(0.2)
        try:
            link.connect(("10.211.128.170", port))
        except OSError:
            pass
"""


@needs_filter
def test_who_calls_what_is_closed_is_dropped_and_remembered() -> None:
    """A call that a closed flow would permit is named with its port, any other is not; neither leaves the host."""
    host = huludao().hosts["dc-app1"]
    (link,) = huludao().business(host)
    commands = (
        f"ip link add {link.name} type veth peer name beyond; ip address add {link.address}/24 dev {link.name}",
        f"ip link set {link.name} up; ip link set beyond up; ip route add default dev {link.name}; nft -f -",
        'python3 -c "$0"; nft -j list ruleset',
    )
    script = "set -e; " + "; ".join(commands)
    command = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", script, CALL]
    text = rulesets(huludao(), ON)[host.id]
    live = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    rows, unread = calls(live)
    intent = Compiler(huludao(), ON).intent(host)
    assert "bridge-hunyin-to-aid" in {flow.id for flow in closed_flows(huludao(), ON)}
    assert ([(link.address, "10.211.128.170", "5432/tcp", 2)], []) == (
        [(row["client"], row["server"], row["service"], row["packets"]) for row in rows],
        unread,
    )
    watched, _ = watches(live)
    assert {p.flow for permits in intent.closed.values() for p in permits} == {one["flow"] for one in watched}
    assert {True} == {rows[0]["age_seconds"] <= w["watched_seconds"] < 60 for w in watched}
    assert lines(live) == lines(loaded(text)), "who called is no drift"
    assert {"proved"} == {cell.verdict for cell in compare(intent, live, forwards=alone(host))}


@needs_filter
def test_a_connection_from_before_its_flow_closed_is_dropped_and_remembered(tmp_path: Path) -> None:
    """Who keeps a connection open for weeks is named like who connects anew, and what he sends does not arrive."""
    host, server = huludao().hosts["dc-app1"], "10.211.128.170"
    (link,) = huludao().business(host)
    files = [tmp_path / name for name in ("open", "closed")]
    for path, day in zip(files, (OPEN, ON), strict=True):
        path.write_text(rulesets(huludao(), day)[host.id], "utf-8")
    script = [sys.executable, str(Path(__file__).with_name("keep_connection.py"))]
    command = ["unshare", "--user", "--map-root-user", "--net", *script, link.name, link.address, server]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=True, timeout=60)
    live, *arrived = done.stdout.splitlines()

    rows, _ = calls(live)
    assert ["while open"] == arrived
    assert [(link.address, server, "5432/tcp")] == [(row["client"], row["server"], row["service"]) for row in rows]


@needs_filter
@pytest.mark.parametrize(
    ("change", "seen"),
    [
        pytest.param(
            (r" *ct state established ct direction original [^}]*}\n", ""), ("leak", "established"), id="spared"
        ),
        pytest.param(("ct direction original ", ""), ("blocked", "reply"), id="answers-dropped"),
    ],
)
def test_the_proof_shows_what_becomes_of_older_connections(change: tuple[str, str], seen: tuple[str, str]) -> None:
    """Calls of what is closed that go on are a leak; answers to a host that is itself called from there are none."""
    host = huludao().hosts["dc-app1"]
    text = re.sub(*change, rulesets(huludao(), ON)[host.id])
    intent = Compiler(huludao(), ON).intent(host)

    wrong = [cell for cell in compare(intent, loaded(text), forwards=alone(host)) if cell.verdict != "proved"]

    assert {seen} == {(cell.verdict, cell.packet.split(", ")[1]) for cell in wrong}
    assert {cell.cell for cell in wrong} == intent.closed.keys()


@needs_filter
def test_a_ruleset_that_nft_refuses_is_refused() -> None:
    """A mistake in the file is an error with nft's words, never an empty ruleset."""
    text = rulesets(huludao(), ON)["dc-db1"].replace("policy drop", "policy perhaps", 1)

    with pytest.raises(CollectionError, match="does not load"):
        loaded(text)


def ruleset(*expressions: object, handle: int = 1, packets: int = 0, comment: str = "web flows.yml:2") -> str:
    """Return a ruleset of one rule as nft prints it."""
    counted = {"counter": {"packets": packets, "bytes": 60 * packets}}
    rule = {"family": "inet", "table": "t", "chain": "c", "handle": handle, "comment": comment}
    entries = [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "t", "handle": 1}}]
    return json.dumps({"nftables": [*entries, {"rule": {**rule, "expr": [*expressions, counted, {"accept": None}]}}]})


def l4(protocol: object) -> dict[str, object]:
    """Return a match of the layer-4 protocol."""
    return {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": protocol}}


def port(*ports: int) -> dict[str, object]:
    """Return a match of destination ports."""
    left = {"payload": {"protocol": "tcp", "field": "dport"}}
    return {"match": {"op": "==", "left": left, "right": {"set": list(ports)}}}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(ruleset(l4(89), port(80, 443), handle=7, packets=9), True, id="handles and counts"),
        pytest.param(ruleset(l4("ospf"), port(80, 443)), True, id="a protocol by name"),
        pytest.param(ruleset(l4(89), port(443, 80)), True, id="members of a set in another order"),
        pytest.param(ruleset(l4(88), port(80, 443)), False, id="another protocol"),
        pytest.param(ruleset(l4(89), port(80, 444)), False, id="another port"),
        pytest.param(ruleset(port(80, 443), l4(89)), False, id="matches in another order"),
        pytest.param(ruleset(l4(89)), False, id="a match less"),
    ],
)
def test_what_counts_as_the_same_ruleset(other: str, *, same: bool) -> None:
    """Lines are equal for what filters alike by its text, and differ for any other match."""
    assert same == (lines(ruleset(l4(89), port(80, 443))) == lines(other))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nftables": {}}', "no JSON"])
def test_a_text_that_is_no_ruleset_is_refused(text: str) -> None:
    """Neither an empty ruleset nor a traceback of another kind."""
    with pytest.raises(ValueError, match=r".+"):
        lines(text)


def test_packets_are_summed_by_flow() -> None:
    """All rules of a flow count together, by the first word of the comment; without a comment they count for none."""
    text = json.loads(ruleset(packets=3))
    for packets, comment in ((4, "web flows.yml:9"), (5, "mail flows.yml:3"), (6, "")):
        text["nftables"].append(json.loads(ruleset(packets=packets, comment=comment))["nftables"][-1])

    assert counted_flows(json.dumps(text)) == {"web": 7, "mail": 5}
