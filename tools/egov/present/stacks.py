"""Stacks in words and pictures: verdicts, what a change means, an object with where it came from, the graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from egov.capture.changes import ObjectChange
from egov.capture.graph import Graph, Resource
from egov.capture.manifests import Object, text
from egov.city import City
from egov.city.load import locations
from egov.judges.consequences import Stacked
from egov.judges.reachability import Reaching
from egov.judges.verdict import Verdict
from egov.present.tables import clean, table
from egov.present.words import name_of, word

_SHOWN = 4


def verdicts(found: Iterable[Verdict], lang: str) -> str:
    """Return one line per verdict: what it is, where, which judge, of what, why."""
    return "".join(f"{word('verdict', verdict.outcome, lang)} {clean(str(verdict))}\n" for verdict in found)


def summary(found: Sequence[Verdict], objects: int, lang: str) -> str:
    """Return how many objects were judged and with what outcome."""
    counts = {name: sum(verdict.outcome == name for verdict in found) for name in ("violation", "undetermined")}
    return word("stack", "judged", lang).format(objects=objects, **counts) + "\n"


def consequences(found: Iterable[Reaching], city: City, lang: str) -> str:
    """Return one sentence per pair that a change lets through, or stops."""
    lines = []
    for one in found:
        sentence = word("stack", "reaches" if one.opens else "stops", lang)
        ports = ", ".join(map(str, one.ports))
        ends = {"client": _end(city, one.client, lang), "server": _end(city, one.server, lang)}
        lines.append(sentence.format(**ends, ports=ports) + "\n")
    return "".join(lines)


def _end(city: City, end: str, lang: str) -> str:
    system = city.systems.get(end)
    return f"{name_of(city, 'departments', system.department, lang)} {end}" if system else end


def object_changes(found: Sequence[ObjectChange], lang: str) -> str:
    """Return the objects that a change adds, changes and takes away, as a table."""
    rows = []
    for change in found:
        more = f" +{len(change.fields) - _SHOWN}" if len(change.fields) > _SHOWN else ""
        rows.append((word("stack", change.state, lang), str(change.key), ", ".join(change.fields[:_SHOWN]) + more))
    return table([word("stack", name, lang) for name in ("state", "object", "fields")], rows) if rows else ""


def stacked_text(found: Stacked, city: City, lang: str) -> str:
    """Return a change of the stacks by cluster: who may reach whom, which objects, then what the judges say."""
    parts = []
    for cluster, objects in found.objects.items():
        told = consequences(found.reaching[cluster], city, lang) + object_changes(objects, lang)
        parts.append(f"\n{word('stack', 'cluster', lang)} {cluster}\n{told}" if told else "")
    return "".join(parts) + verdicts(found.verdicts, lang)


def object_data(folder: Path, city: City, program: str, made: Object) -> dict[str, Any]:
    """Return an object, the stack and line that registered it, and the line of the description it came from."""
    found = {"object": str(made.key), "stack": program, "program": str(made.place), "urn": made.urn}
    return {**found, "declared": _declared(folder, city, made), "data": made.data}


def _declared(folder: Path, city: City, made: Object) -> dict[str, Any] | None:
    kind, _, item = (made.declared or "").partition("/")
    place = city.places.get((kind, item))
    if place is None:
        return None
    lines = {loc: line for loc, line, _ in locations(folder, kind, place)}
    line = next((lines[loc] for loc in sorted(lines, key=len) if loc[:1] == ("workload",)), place.line)
    return {"kind": kind, "id": item, "file": place.file, "line": line}


def object_text(data: dict[str, Any], lang: str) -> str:
    """Return an object for a terminal."""
    declared = data["declared"]
    came = f"{declared['kind']}/{declared['id']}  {declared['file']}:{declared['line']}" if declared else "-"
    rows = [
        (word("stack", "object", lang), data["object"]),
        (word("stack", "stack", lang), f"{data['stack']}  {data['program']}"),
        (word("stack", "declared", lang), came),
    ]
    return table(("", ""), rows) + "\n" + text(data["data"])


_ROW, _STEP, _WIDTH = 18, 22, 980
_COLOURS = {"Namespace": "#1f6f8b", "NetworkPolicy": "#a23b3b", "Deployment": "#2f7d32", "StatefulSet": "#2f7d32"}


def drawing(graph: Graph) -> str:
    """Return a graph as SVG: one row per resource below its parent, an arc for each dependency that is no parent."""
    rows = list(_tree(graph))
    at = {resource.urn: index for index, (_, resource) in enumerate(rows)}
    height = (len(rows) + 2) * _ROW
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" '
            f'font-size="12" role="img" aria-label="{escape(graph.project)} {escape(graph.stack)}">'
        ),
        f"<title>{escape(graph.project)} {escape(graph.stack)}: {len(rows)} resources</title>",
    ]
    for index, (depth, resource) in enumerate(rows):
        parts += _drawn(resource, depth, index)
        parts += _arcs(resource, index, at)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _tree(graph: Graph) -> Iterator[tuple[int, Resource]]:
    children: dict[str, list[Resource]] = {}
    for resource in graph.resources.values():
        parent = resource.parent if resource.parent in graph.resources else ""
        children.setdefault(parent, []).append(resource)
    stack = [(0, resource) for resource in reversed(children.get("", []))]
    while stack:
        depth, resource = stack.pop()
        yield depth, resource
        stack += [(depth + 1, child) for child in reversed(children.get(resource.urn, []))]


def _drawn(resource: Resource, depth: int, index: int) -> Iterator[str]:
    kind = resource.type.rpartition(":")[2]
    x, y = 12 + depth * _STEP, (index + 1) * _ROW
    yield f'<circle cx="{x}" cy="{y}" r="4" fill="{_COLOURS.get(kind, "#666")}"/>'
    name = f"{escape(kind)} {escape(resource.name)}"
    yield f'<text x="{x + 10}" y="{y + 4}">{name}<title>{escape(str(resource.place))}</title></text>'


def _arcs(resource: Resource, index: int, at: dict[str, int]) -> Iterator[str]:
    for urn in sorted(set(resource.dependencies) - {resource.parent}):
        if urn in at:
            one, other = (index + 1) * _ROW, (at[urn] + 1) * _ROW
            bend = _WIDTH - 40 + min(abs(one - other) // 40, 30)
            edge = _WIDTH - 60
            yield (
                f'<path d="M{edge} {one} C{bend} {one} {bend} {other} {edge} {other}" fill="none" stroke="#bbb" '
                'stroke-width="0.7"/>'
            )
