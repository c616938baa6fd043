"""In cities nobody wrote by hand the policies let through what was drawn, both ways, nothing more, nothing less."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from typing import Any

import pytest
from generated import ON, city, programs

from egov.capture.inprocess import capture
from egov.capture.manifests import Object, objects
from egov.capture.programs import configuration
from egov.city.fields import parsed_network
from egov.city.network import ports
from egov.judges.reachability import EVERY_PORT, Cluster, pieces, reachability
from stacks.platform.setting import Setting, numbers

NUMBERS = numbers(lambda key: configuration(programs(), "datacenter", "production").get(f"egov:{key}"))


def cluster_of(seed: int) -> tuple[list[Object], Any, set[tuple[str, str, str]]]:
    """Return the objects of a generated city's data centre cluster, the city, and what was drawn."""
    made, drawn = city(seed)
    found: list[Object] = []
    outputs: dict[str, Any] = {}
    for program in ("datacenter", "extranet", "migration"):
        build: Callable[[Setting], None] = runpy.run_path(str(programs() / program / "__main__.py"))["build"]
        graph = capture(
            lambda build=build: build(Setting(made, ON, "production", NUMBERS)),
            project=program,
            stack="production",
            folder=programs(),
            config=configuration(programs(), "datacenter", "production"),
            references=lambda _name, outputs=outputs: outputs,
        )
        outputs = outputs or dict(graph.outputs)
        found += objects(graph)
    return found, made, drawn


def check(seed: int) -> None:
    """Compare the matrix with what was drawn, piece by piece and port by port, and ask the judge as well."""
    found, made, drawn = cluster_of(seed)
    cluster = Cluster(found)
    parts = pieces({end for pair in drawn for end in pair[:2] if "/" in end})
    wanted: dict[tuple[str, str], set[tuple[str, int]]] = {}

    def names(end: str) -> list[str]:
        whole = parsed_network(end) if "/" in end else None
        return (
            [p.name for p in parts if p.network.version == whole.version and p.network.subnet_of(whole)]
            if whole
            else [end]
        )

    for client, server, service in drawn:
        protocol, first, last = ports(service)
        for a in names(client):
            for b in names(server):
                wanted.setdefault((a, b), set()).update((protocol, port) for port in range(first, last + 1))
    actual = {
        pair: {(p.protocol, port) for p in passing if p not in EVERY_PORT for port in range(p.first, p.last + 1)}
        for pair, passing in cluster.matrix(parts).items()
        if "cluster DNS" not in pair and not (pair[0] == pair[1] and set(EVERY_PORT) == passing)
    }
    own = {pair: found for pair, found in wanted.items() if pair[0] != pair[1]}  # a system reaches itself anyway

    assert own == {pair: found for pair, found in actual.items() if pair[0] != pair[1]}
    assert [] == list(reachability(found, made, ON))


@pytest.mark.parametrize("seed", range(4))
def test_a_few_cities(seed: int) -> None:
    """A few of the cities, at every commit."""
    check(seed)


@pytest.mark.drill
def test_two_hundred_cities() -> None:
    """Two hundred of them; the seed is the only thing needed to see one again."""
    for seed in range(200):
        check(seed)
