"""Requests of a program in Pulumi's protocol → resources, and the answers an engine gives in a preview.

Both captures and the reader of an engine's log go through here. The protocol is `pulumirpc.ResourceMonitor` as the
`pulumi` package ships it; a preview leaves unknown what only the API server sets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import resource_pb2

from egov.capture.graph import (
    KUBERNETES,
    NOWHERE,
    STACK,
    UNKNOWN,
    CaptureError,
    Graph,
    Place,
    Resource,
    Secret,
    Unknown,
    urn_of,
)

Outputs = Mapping[str, Any]
References = Callable[[str], Outputs | None]
"""Name of another stack → its outputs; None if there is no such stack."""

STACK_REFERENCE = "pulumi:pulumi:StackReference"
FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
)
# Answers to programs whose SDK asks by name.
FEATURE_NAMES = frozenset({"secrets", "resourceReferences", "aliasSpecs", "deletedWith"})
# What the API server sets, per field of an object: left out of a preview's answer it would read as "None".
SERVER_SET = ("uid", "resourceVersion", "creationTimestamp", "generation")


class Recorder:
    """Keeps what one program registers. Called from several threads by the gRPC capture, hence the lock."""

    def __init__(self, project: str, stack: str, folder: Path, references: References) -> None:
        self.project, self.stack = project, stack
        self._folder, self._references = folder, references
        self._resources: dict[str, Resource] = {}
        self._outputs: Outputs = {}
        self._lock = threading.Lock()

    def graph(self) -> Graph:
        """Return what was registered, sorted by URN."""
        return Graph(self.project, self.stack, dict(sorted(self._resources.items())), self._outputs)

    def register(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        """Take in a resource; CaptureError for a duplicate and for what cannot be rendered offline."""
        place = self._place(request)
        if request.remote:
            message = f"{place}: {request.type} {request.name} is a component that only its provider can expand"
            raise CaptureError(message)
        urn = urn_of(self.stack, self.project, request.parent, request.type, request.name)
        if request.type != STACK:
            inputs = decoded(request.object)
            self._add(_resource(urn, request, inputs, place))
        answer = struct_pb2.Struct()
        answer.CopyFrom(request.object)
        if request.type.startswith(KUBERNETES) and request.custom:
            _set_by_server(answer)
        return resource_pb2.RegisterResourceResponse(urn=urn, object=answer)

    def read(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        """Answer for another stack's outputs; an object that stands in a cluster is unknown. CaptureError if none."""
        place = self._place(request)
        urn = urn_of(self.stack, self.project, request.parent, request.type, request.name)
        properties = struct_pb2.Struct()
        properties.CopyFrom(request.properties)
        if request.type == STACK_REFERENCE:
            outputs = self._references(request.id)
            if outputs is None:
                message = f"{place}: no stack {request.id} to refer to"
                raise CaptureError(message)
            properties.update({"outputs": encoded(outputs), "secretOutputNames": []})
        else:
            for name in ("metadata", "spec", "status"):
                properties[name] = rpc.UNKNOWN
        inputs = decoded(request.properties)
        self._add(_resource(urn, request, inputs, place, read=request.id))
        return resource_pb2.ReadResourceResponse(urn=urn, properties=properties)

    def outputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> None:
        """Take in the stack's outputs; those of components add nothing that their children do not say."""
        if request.urn.split("::")[2] == STACK:
            self._outputs = decoded(request.outputs)

    def refuse_call(self, token: str) -> CaptureError:
        """Return the error for a function of a provider: there is none to call here."""
        return CaptureError(f"{self.project}: calls {token}, which only a provider can answer")

    def _add(self, resource: Resource) -> None:
        with self._lock:
            first = self._resources.setdefault(resource.urn, resource)
        if first is not resource:
            message = f"{resource.place}: {resource.type} {resource.name} is registered already ({first.place})"
            raise CaptureError(message)

    def _place(self, request: Any) -> Place:  # noqa: ANN401 - a registration or a read
        """Return the line of the programs' folder nearest to the program: its own before a component's."""
        frames = [(frame.pc.uri, frame.pc.line) for frame in request.stackTrace.frames]
        if not frames and request.HasField("sourcePosition"):
            frames = [(request.sourcePosition.uri, request.sourcePosition.line)]
        return place_of(((uri.removeprefix("file://"), line) for uri, line in frames), self._folder)


def place_of(frames: Any, folder: Path) -> Place:  # noqa: ANN401 - pairs of file and line, the innermost first
    """Return the innermost frame of a program, else of a component; NOWHERE if no frame lies in the folder."""
    prefix, component = f"{folder}/", NOWHERE
    for file, line in frames:
        if file.startswith(prefix):
            place = Place(file.removeprefix(prefix), line)
            if not place.file.startswith("platform/"):
                return place
            component = component if component.file else place
    return component


def _resource(urn: str, request: Any, inputs: Mapping[str, Any], place: Place, read: str = "") -> Resource:  # noqa: ANN401
    if read:
        dependencies = tuple(request.dependencies)
        return Resource(
            urn, request.type, request.name, inputs, request.parent, read=read, dependencies=dependencies, place=place
        )
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        inputs=inputs,
        parent=request.parent,
        custom=request.custom,
        dependencies=tuple(request.dependencies),
        property_dependencies={name: tuple(entry.urns) for name, entry in request.propertyDependencies.items()},
        provider=request.provider,
        protect=request.protect,
        aliases=tuple(_alias(alias) for alias in request.aliases),
        place=place,
    )


def _alias(alias: Any) -> str:  # noqa: ANN401 - pulumirpc.Alias
    if alias.WhichOneof("alias") == "urn":
        return str(alias.urn)
    spec = alias.spec
    return f"name={spec.name} type={spec.type} parent={'none' if spec.noParent else spec.parentUrn}"


def _set_by_server(answer: struct_pb2.Struct) -> None:
    metadata = answer.fields["metadata"].struct_value
    for name in SERVER_SET:
        if name not in metadata.fields:
            metadata.fields[name].string_value = rpc.UNKNOWN
    if "status" not in answer.fields:
        answer.fields["status"].string_value = rpc.UNKNOWN
    if answer.fields["kind"].string_value == "Service":
        spec = answer.fields["spec"].struct_value
        for name in ("clusterIP", "clusterIPs"):
            if name not in spec.fields:
                spec.fields[name].string_value = rpc.UNKNOWN


def decoded(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return a message as plain data: whole numbers as int, secrets wrapped, unknown values as `UNKNOWN`."""
    return {name: _decoded(value) for name, value in struct.fields.items()}


def _decoded(value: struct_pb2.Value) -> Any:  # noqa: ANN401 - plain data
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
    if kind == "struct_value":
        return _special(value.struct_value)
    if kind == "list_value":
        return [_decoded(entry) for entry in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return value.bool_value if kind == "bool_value" else None


def _special(struct: struct_pb2.Struct) -> Any:  # noqa: ANN401 - plain data
    if rpc._special_sig_key not in struct.fields:  # noqa: SLF001 - the protocol's own marker has no public name
        return decoded(struct)
    signature = struct.fields[rpc._special_sig_key].string_value  # noqa: SLF001
    if signature == rpc._special_secret_sig:  # noqa: SLF001
        return Secret(_decoded(struct.fields["value"]))
    if signature == rpc._special_resource_sig:  # noqa: SLF001
        return struct.fields["urn"].string_value
    if signature == rpc._special_output_value_sig:  # noqa: SLF001
        inner = _decoded(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        return Secret(inner) if struct.fields["secret"].bool_value else inner
    return UNKNOWN  # an asset or archive: its bytes are no part of a manifest


def encoded(value: Any) -> Any:  # noqa: ANN401 - plain data
    """Return decoded data as a message holds it: secrets and unknown values in the protocol's own form."""
    if isinstance(value, Secret):
        marker = {rpc._special_sig_key: rpc._special_secret_sig}  # noqa: SLF001
        return {**marker, "value": encoded(value.value)}
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    if isinstance(value, Mapping):
        return {key: encoded(entry) for key, entry in value.items()}
    return [encoded(entry) for entry in value] if isinstance(value, list | tuple) else value
