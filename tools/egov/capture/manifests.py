"""Graph → Kubernetes objects as text: the same bytes each time, no secret in them, nothing unknown in them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from egov.capture.graph import CaptureError, Graph, Place, Resource, Secret, Unknown

HIDDEN = "[secret]"
INDEX = "objects.json"
DECLARED = "egov/declared"
# What must stand before what: a cluster takes objects in this order without a single retry.
_RANK = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "GatewayClass",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "ConfigMap",
    "Secret",
    "ExternalSecret",
    "Certificate",
    "Gateway",
    "Service",
    "EndpointSlice",
)


class Key(NamedTuple):
    """What makes an object one of its kind in a cluster."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Object:
    """One Kubernetes object: its data as the API takes it, where a program registered it, and its file's name."""

    key: Key
    data: Mapping[str, Any]
    place: Place
    urn: str

    @property
    def declared(self) -> str | None:
        """What of the description it came from, as kind/id."""
        found: str | None = (self.data["metadata"].get("annotations") or {}).get(DECLARED)
        return found

    @property
    def file(self) -> str:
        """Folder and name of its file: by namespace, then kind and name, so that a diff shows what moved."""
        return f"{self.key.namespace or '_cluster'}/{self.key.kind.lower()}-{self.key.name}.yaml"


def objects(graph: Graph) -> list[Object]:
    """Return a graph's objects in the order in which a cluster takes them.

    CaptureError, naming the place in the program, for a value that only a server knows, an object without a name, and
    two objects that are the same one in a cluster.
    """
    found: dict[Key, Object] = {}
    for resource in graph.objects:
        data = {name: _known(resource, value, (name,)) for name, value in resource.inputs.items()}
        data = {name: value for name, value in data.items() if value is not None}
        made = Object(_key(resource, data), data, resource.place, resource.urn)
        first = found.setdefault(made.key, made)
        if first is not made:
            message = f"{resource.place}: {made.key} is registered already ({first.place})"
            raise CaptureError(message)
    return sorted(found.values(), key=_order)


def _order(made: Object) -> tuple[int, str, str, str]:
    kind = made.key.kind
    rank = _RANK.index(kind) if kind in _RANK else len(_RANK)
    return rank, made.key.namespace, kind, made.key.name


def _key(resource: Resource, data: Mapping[str, Any]) -> Key:
    metadata = data.get("metadata") or {}
    name = metadata.get("name")
    if not isinstance(name, str) or not name:
        message = f"{resource.place}: {resource.type} {resource.name} has no metadata.name; a provider would invent one"
        raise CaptureError(message)
    return Key(str(data["apiVersion"]), str(data["kind"]), str(metadata.get("namespace") or ""), name)


def _known(resource: Resource, value: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - plain data
    """Return a value as it is printed: secrets hidden, empty fields left out, unknown values refused."""
    if isinstance(value, Unknown):
        message = (
            f"{resource.place}: {resource.type} {resource.name}: {'.'.join(path)} is known only to the API server; "
            "what depends on it cannot be rendered"
        )
        raise CaptureError(message)
    if isinstance(value, Secret):
        return _hidden(value.value)
    if isinstance(value, Mapping):
        if path in (("data",), ("stringData",)):
            hide = resource.type.endswith(("core/v1:Secret", "core/v1:SecretPatch"))
            value = dict.fromkeys(value, HIDDEN) if hide else value
        entries = ((key, _known(resource, entry, (*path, key))) for key, entry in value.items())
        return {key: entry for key, entry in entries if entry is not None}
    if isinstance(value, list):
        return [_known(resource, entry, (*path, str(index))) for index, entry in enumerate(value)]
    return value


def _hidden(value: Any) -> Any:  # noqa: ANN401 - plain data
    """Return the shape of a secret without its texts and numbers."""
    if isinstance(value, Secret):
        return _hidden(value.value)
    if isinstance(value, Mapping):
        return {key: _hidden(entry) for key, entry in value.items()}
    return HIDDEN


def text(data: Mapping[str, Any]) -> str:
    """Return an object as YAML, keys sorted."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=120, default_flow_style=False)


class _Dumper(yaml.CSafeDumper):
    """Never writes anchors: objects share parts in a program, not in a cluster."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's
        return True


def stream(found: Iterable[Object]) -> str:
    """Return all objects as one stream of YAML documents."""
    return "".join(f"---\n{text(made.data)}" for made in found)


def files(graph: Graph, found: Iterable[Object]) -> dict[str, str]:
    """Return file name → text: one file per object, and an index of where each came from."""
    texts = {made.file: text(made.data) for made in found}
    index = {
        "program": graph.project,
        "environment": graph.stack,
        "objects": [dict(_indexed(made, texts[made.file])) for made in found],
    }
    return {**texts, INDEX: json.dumps(index, ensure_ascii=False, indent=1, sort_keys=True) + "\n"}


def _indexed(made: Object, written: str) -> Iterator[tuple[str, str | None]]:
    yield "file", made.file
    yield "sha256", hashlib.sha256(written.encode()).hexdigest()
    yield "declared", made.declared
    yield "program", str(made.place)
