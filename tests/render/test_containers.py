"""What a container host without a cluster lets through for its pods, by the rendered file and by its proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from egov.city import load
from egov.collect.isolation import loaded
from egov.proof.compare import compare
from egov.render.ansible import inventory
from egov.render.containers import containers
from egov.render.flows import PODS, Compiler, rulesets

FOLDER = Path(__file__).parents[1] / "workloads"
CITY = load(FOLDER)
ON = date(2026, 12, 1)
needs_filter = pytest.mark.usefixtures("_packet_filter")
STATUS, BOOKING = "10.244.31.144/32", "10.244.31.145/32"


def permits(host: str, cell: tuple[str, str]) -> set[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return who may open what to whom in a cell of a host, by flow."""
    intent = Compiler(CITY, ON).intent(CITY.hosts[host])
    return {(p.flow, p.sources, p.destinations) for p in intent.cells.get(cell, ())}


def test_flows_of_a_system_are_its_pods_and_not_their_hosts() -> None:
    """The host opens nothing of its own for them; the pod does, towards the hosts that may carry the other side."""
    assert {("images", ("10.213.16.12/32",), ("10.213.16.31/32",))} == {
        p for p in permits("app2", ("", "eth0")) if p[0] not in {"ipv6-neighbour-discovery", "ipv6-multicast-listener"}
    }
    assert {
        ("booking-asks-department", (BOOKING,), ("10.213.16.41/32",)),
        ("status-asks-booking", (STATUS,), ("10.213.16.11/32", "10.213.16.12/32")),
    } == permits("app2", (PODS, "eth0"))
    assert {("status-asks-booking", (STATUS,), (BOOKING,))} == permits("app2", (PODS, PODS))
    assert set() == permits("app1", (PODS, PODS))  # the booking system has no replica there
    assert set() == permits("app2", (PODS, "mgmt0"))


def test_a_host_asks_each_of_its_pods_whether_it_is_well() -> None:
    """At its own port, and nothing else of it."""
    intent = Compiler(CITY, ON).intent(CITY.hosts["app2"])

    found = {(p.destinations, p.services[0].text) for p in intent.cells["", PODS] if p.tracked}
    assert {((STATUS,), "8080/tcp"), ((BOOKING,), "8081/tcp")} == found


@needs_filter
@pytest.mark.parametrize("host", ["app1", "app2"])
def test_what_is_rendered_is_proved(host: str) -> None:
    """The file loads, and for every header it lets through what the flows permit; a rule too many is a leak."""
    text = rulesets(CITY, ON)[host]
    intent = Compiler(CITY, ON).intent(CITY.hosts[host])

    assert {"proved"} == {result.verdict for result in compare(intent, loaded(text))}
    rule = f"chain cell__{PODS}__eth0 {{"
    leaky = text.replace(rule, f"{rule}\n    ip saddr {STATUS} accept", 1)
    leaks = [r for r in compare(intent, loaded(leaky)) if r.verdict == "leak"]
    assert {(PODS, "eth0")} == {r.cell for r in leaks}


def test_pods_of_one_host_meet_only_by_way_of_the_host() -> None:
    """On their common bridge nothing passes; by the host's address it is translated both ways."""
    text = rulesets(CITY, ON)["app2"]

    assert "table bridge egov {\n  chain forward {\n    type filter hook forward priority filter; policy drop;" in text
    assert "ip daddr 10.213.16.12 tcp dport 8081 dnat ip to 10.244.31.145" in text
    assert f'oifname "{PODS}" ip saddr 10.244.0.0/16 snat ip to 10.244.0.1' in text


def test_roles_are_told_who_runs_serves_and_publishes() -> None:
    """Variables and groups follow from the description."""
    found = containers(CITY, ON)
    groups = inventory(CITY, FOLDER, on=ON)

    assert {"registry.workloads.example": "10.213.16.31:5000"} == found["app1"]["container_host_registries"]
    assert ["booking", "status"] == [pod["system"] for pod in found["app2"]["workload_pods"]]
    assert [1, 2] == [pod["replicas"] for pod in found["app2"]["workload_pods"]]
    (booking, status) = found["edge1"]["edge_proxy_sites"]
    assert {"app1": "10.213.16.11", "app2": "10.213.16.12"} == status["servers"]
    assert {"app2": "10.213.16.12"} == booking["servers"]
    assert (["app1", "app2"], ["edge1"]) == (groups["workload"]["hosts"], groups["edge_proxy"]["hosts"])


def test_a_city_with_a_cluster_gets_no_variables() -> None:
    """Nothing is said of what a cluster does."""
    hosts = {name: host.model_copy(update={"pods": None}) for name, host in CITY.hosts.items()}

    assert {} == containers(replace(CITY, hosts=hosts), ON)
