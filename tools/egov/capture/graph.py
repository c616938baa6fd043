"""The resource graph a program registers: what both captures make, and a reader of a real engine's log makes too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from egov.errors import EgovError

STACK = "pulumi:pulumi:Stack"
KUBERNETES = "kubernetes:"
PROVIDER = "pulumi:providers:"


class CaptureError(EgovError):
    """A program cannot be rendered; the message says where in it."""


class Place(NamedTuple):
    """File and line of a program; the file relative to the folder of all programs."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else "?"


NOWHERE = Place("", 0)


class Secret:
    """A value that is a secret. It has no text: nothing that prints it can give it away."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:  # noqa: ANN401 - any value may be secret
        self.value = value

    def __repr__(self) -> str:
        return "[secret]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.value == other.value

    def __hash__(self) -> int:
        return hash(type(self))


class Unknown:
    """A value that only the API server or an engine sets. One instance, `UNKNOWN`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "[unknown]"


UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Resource:
    """One registered resource. `inputs` is plain data with `Secret` and `UNKNOWN` in it, whole numbers as int."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str = ""
    custom: bool = True
    read: str = ""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    provider: str = ""
    protect: bool = False
    aliases: tuple[str, ...] = ()
    place: Place = NOWHERE

    def as_dict(self) -> dict[str, Any]:
        """Return all that two captures must agree on, JSON-ready; a secret as a hash that holds within one run."""
        return {
            "type": self.type,
            "name": self.name,
            "inputs": _plain(self.inputs),
            "parent": self.parent,
            "custom": self.custom,
            "read": self.read,
            "dependencies": sorted(self.dependencies),
            "propertyDependencies": {name: sorted(urns) for name, urns in sorted(self.property_dependencies.items())},
            "provider": self.provider,
            "protect": self.protect,
            "aliases": list(self.aliases),
        }


def _plain(value: Any) -> Any:  # noqa: ANN401 - plain data
    if isinstance(value, Secret):
        return {"[secret]": hashlib.sha256(json.dumps(_plain(value.value), sort_keys=True).encode()).hexdigest()}
    if isinstance(value, Unknown):
        return "[unknown]"
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in sorted(value.items())}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value


@dataclass(frozen=True)
class Graph:
    """All that one run of a program registered, by URN, sorted; and the outputs of its stack."""

    project: str
    stack: str
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Return the graph as JSON-ready data without places: what two captures must agree on."""
        found = {urn: resource.as_dict() for urn, resource in self.resources.items()}
        return {"project": self.project, "stack": self.stack, "resources": found, "outputs": _plain(self.outputs)}

    @cached_property
    def objects(self) -> list[Resource]:
        """Return the Kubernetes objects, without what stands for a provider or was only read."""
        found = self.resources.values()
        return [r for r in found if r.type.startswith(KUBERNETES) and r.custom and not r.read]


def differences(one: Graph, other: Graph) -> Iterator[str]:
    """Yield where two graphs differ, one line each, sorted; nothing if they agree."""
    yield from _differing("", one.as_dict(), other.as_dict())


def _differing(path: str, one: Any, other: Any) -> Iterator[str]:  # noqa: ANN401 - plain data
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            where = f"{path}.{key}".lstrip(".")
            if key not in one or key not in other:
                yield f"{where}: only in the {'second' if key not in one else 'first'}"
            else:
                yield from _differing(where, one[key], other[key])
    elif one != other:
        yield f"{path}: {json.dumps(one, ensure_ascii=False)} / {json.dumps(other, ensure_ascii=False)}"


def urn_of(stack: str, project: str, parent: str, kind: str, name: str) -> str:
    """Return the URN an engine gives: types of all parents joined by `$`, that of the stack itself left out."""
    parents = parent.split("::")[2] if parent else ""
    chain = f"{parents}${kind}" if parents and parents != STACK else kind
    return f"urn:pulumi:{stack}::{project}::{chain}::{name}"
