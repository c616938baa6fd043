"""All judges, asked once: of each object, and of what the stacks of one cluster are together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from egov.capture.graph import Graph
from egov.capture.manifests import Object, objects
from egov.capture.programs import Stacks
from egov.city import City
from egov.judges.admission import JUDGE as ADMISSION
from egov.judges.admission import admission
from egov.judges.capacity import JUDGE as CAPACITY
from egov.judges.capacity import capacity
from egov.judges.pack import JUDGE as PACK
from egov.judges.pack import pack
from egov.judges.pod_security import JUDGE as POD_SECURITY
from egov.judges.pod_security import pod_security
from egov.judges.reachability import JUDGE as REACHABILITY
from egov.judges.reachability import reachability
from egov.judges.schema import JUDGE as SCHEMA
from egov.judges.schema import schema
from egov.judges.verdict import Verdict

JUDGES = (SCHEMA, POD_SECURITY, ADMISSION, PACK, REACHABILITY, CAPACITY)
CLUSTER = "cluster"
"""Output of a program that names the cluster it deploys to: what stands in one cluster is judged together."""


def clusters(graphs: Iterable[Graph]) -> dict[str, list[Object]]:
    """Return the objects of each cluster; a program that names none has one of its own."""
    found: dict[str, list[Object]] = defaultdict(list)
    for graph in graphs:
        found[str(graph.outputs.get(CLUSTER, graph.project))] += objects(graph)
    return dict(sorted(found.items()))


def judged(graphs: Iterable[Graph], stacks: Stacks, city: City) -> Iterator[Verdict]:
    """Yield what all judges say of all clusters, sorted within each judge."""
    for found in clusters(graphs).values():
        yield from of_cluster(found, stacks, city)


def of_cluster(found: Sequence[Object], stacks: Stacks, city: City) -> Iterator[Verdict]:
    """Yield what all judges say of the objects of one cluster, sorted within each judge."""
    lab = stacks.environment == "lab"
    yield from sorted(single(found, stacks.folder))
    yield from sorted(reachability(found, city, stacks.on))
    yield from sorted(capacity(found, city, lab=lab, lose_a_site=not lab))


def part(program: str, stacks: Stacks) -> list[Verdict]:
    """Return what the judges say of one program's objects, beside those of the programs that it refers to.

    Reach and capacity are matters of a whole cluster, and left to `judged`.
    """
    found = [v for objects_ in clusters(stacks.graphs()).values() for v in single(objects_, stacks.folder)]
    return sorted(verdict for verdict in found if verdict.place.startswith(f"{program}/"))


def single(found: Sequence[Object], folder: Path) -> Iterator[Verdict]:
    """Yield what the judges say that need no more than the objects of one cluster."""
    yield from schema(found)
    yield from pod_security(found)
    yield from admission(found)
    yield from pack(found, folder)
