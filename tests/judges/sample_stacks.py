"""The sample city's stacks, rendered once for all tests of a process, and objects with one thing changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from egov.capture import Graph
from egov.capture.manifests import Key, Object
from egov.capture.programs import Stacks
from egov.city import City, load
from egov.judges.all import clusters

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "inventory" / "huludao"
ON = date(2026, 12, 1)
LATER = date(2027, 1, 15)  # the second wave has started
PROGRAMS = ("datacenter", "extranet", "migration", "backup")


@cache
def stacks(environment: str = "production", on: date = ON) -> Stacks:
    """Return the programs, for one environment of the sample city."""
    return Stacks(ROOT / "stacks", environment, FOLDER, on)


@cache
def city() -> City:
    """Return the sample city."""
    return load(FOLDER)


@cache
def graphs(environment: str = "production", on: date = ON) -> tuple[Graph, ...]:
    """Return the graphs of all programs."""
    return tuple(stacks(environment, on).graph(name) for name in PROGRAMS)


@cache
def centre() -> tuple[Object, ...]:
    """Return all objects of the data centre's cluster in production."""
    return tuple(clusters(graphs())["datacenter"])


Change = Callable[[Any], object]


def changed(name: str, change: Change, found: tuple[Object, ...] | None = None) -> list[Object]:
    """Return the objects with one of them, named as Kind/name or Kind/namespace/name, changed in its data."""
    result, hits = [], 0
    for made in centre() if found is None else found:
        if name in {f"{made.key.kind}/{made.key.name}", f"{made.key.kind}/{made.key.namespace}/{made.key.name}"}:
            data = copy.deepcopy(dict(made.data))
            change(data)
            hits += 1
            meta = data["metadata"]
            key = Key(data["apiVersion"], data["kind"], meta.get("namespace", ""), meta.get("name", ""))
            result.append(replace(made, data=data, key=key))
        else:
            result.append(made)
    assert hits == 1, f"{hits} objects are called {name}"
    return result


def without(name: str) -> list[Object]:
    """Return the objects without one of them."""
    left = [made for made in centre() if f"{made.key.kind}/{made.key.namespace}/{made.key.name}" != name]
    assert len(left) == len(centre()) - 1, name
    return left
