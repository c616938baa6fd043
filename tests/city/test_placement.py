"""Where replicas run without a cluster: by room, by port, by site, and the same again when something else changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from egov.city import Capacity, City, System, Wave, Workload, load
from egov.city.placement import placement, pods

CITY = load(Path(__file__).parents[1] / "workloads")
ON = date(2026, 12, 1)
IMAGE = "registry.example/app:1.0@sha256:" + 64 * "a"


def city(systems: Mapping[str, Mapping[str, Any]], hosts: Mapping[str, str], capacity: Capacity | None = None) -> City:
    """Return a city with these workloads and these container hosts, each at a site."""
    room = capacity or Capacity(cpu_millicores=4000, memory_mib=4096)
    some = CITY.hosts["app1"].model_copy(update={"capacity": room})
    given = {"protection": "basic", "image": IMAGE, "replicas": 1}
    return replace(
        CITY,
        hosts={name: some.model_copy(update={"id": name, "site": site}) for name, site in hosts.items()},
        systems={
            name: System(
                id=name,
                department="data-office",
                network="extranet",
                placement="cloud",
                workload=Workload.model_validate({**given, **workload}),
            )
            for name, workload in systems.items()
        },
    )


def test_replicas_stand_on_hosts_and_sites_of_their_own() -> None:
    """Two replicas never share a host; with two sites each has one, whatever the number of hosts."""
    hosts = {f"a{n}": "dc" for n in range(5)} | {"b0": "backup"}
    found = placement(city({f"s{n}": {"replicas": 2, "port": 8000 + n} for n in range(10)}, hosts))

    assert {} == found.refused
    for chosen in found.hosts.values():
        assert "b0" in chosen
        assert len(set(chosen)) == 2


def test_a_port_is_taken_once_on_a_host() -> None:
    """As Kubernetes' hostPort: the second workload of a port goes elsewhere, the third has no place and is told why."""
    found = placement(city({name: {"port": 8080} for name in "abc"}, {"h1": "dc", "h2": "dc"}))

    assert {"h1", "h2"} == {*found.hosts["a"], *found.hosts["b"]}
    assert {"c": "1 replicas need a container host each, 0 can take one; the others have not port 8080 free"} == (
        found.refused
    )


@pytest.mark.parametrize(
    ("workload", "why"),
    [({"cpu_millicores": 4001}, "so many cores"), ({"memory_mib": 4097}, "so much memory")],
)
def test_a_host_gives_no_more_than_it_has(workload: dict[str, Any], why: str) -> None:
    """Exactly what a host has fits; one more does not. A database of its own takes as much again."""
    fits = {name: value - 1 for name, value in workload.items()}

    assert why in placement(city({"a": workload}, {"h": "dc"})).refused["a"]
    assert {"a": ("h",)} == placement(city({"a": fits}, {"h": "dc"})).hosts
    own = {**fits, "database_image": IMAGE, "storage_gib": 1}
    assert why in placement(city({"a": own}, {"h": "dc"})).refused["a"]


def test_another_host_moves_only_what_it_takes() -> None:
    """Rendezvous hashing: what does not go to the new host stays where it was."""
    systems = {f"s{n}": {"port": 8000 + n, "cpu_millicores": 10, "memory_mib": 10} for n in range(40)}
    hosts = {f"h{n}": "dc" for n in range(4)}
    before, after = placement(city(systems, hosts)).hosts, placement(city(systems, {**hosts, "h4": "dc"})).hosts

    moved = {name for name in systems if before[name] != after[name]}
    assert {("h4",)} == {after[name] for name in moved}
    assert 0 < len(moved) < 20


def test_an_address_is_the_networks_plus_the_port() -> None:
    """So it never moves; a wave that has not started has a place, and no pod yet."""
    described = city({"a": {"port": 8080}, "b": {"port": 9000, "wave": "w"}}, {"h": "dc"})
    wave = Wave(id="w", name_zh="批", starts=date(2027, 1, 1), until=date(2027, 6, 1), decision="文")
    described = replace(described, waves={"w": wave})

    assert [("a", "h", "10.244.31.144", 8080)] == pods(described, ON)
    assert {"a", "b"} == {pod.system for pod in pods(described, date(2027, 1, 1))}
    assert {"a", "b"} == placement(described).hosts.keys()


def test_a_cluster_places_its_own() -> None:
    """Hosts that say nothing of pods are a cluster's: nothing is placed, nothing refused."""
    hosts = {name: host.model_copy(update={"pods": None}) for name, host in CITY.hosts.items()}
    found = placement(replace(CITY, hosts=hosts))

    assert ({}, {}) == (found.hosts, found.refused)
