"""A reader of the log that the CLI writes for PULUMI_DEBUG_GRPC: what a real engine was asked, as a graph.

With it a user who has a CLI compares a real run with a capture: `egov render STACK --compare grpc.json`. The log's form
is that of Pulumi's `rpcdebug`: one JSON entry a line with method, request, response and progress.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from pulumi.runtime.proto import resource_pb2

from egov.capture.graph import STACK, Graph
from egov.capture.recorder import Recorder
from egov.errors import UsageError

SERVICE = "/pulumirpc.ResourceMonitor/"
# Providers that an engine registers for itself are not the program's.
_OWN = "pulumi:providers:"


def graph_of(path: Path, folder: Path) -> Graph:
    """Return the graph that a log shows, by the URNs that the engine answered with.

    UsageError if the file is no such log or holds no run. A call without an answer (it failed) is left out.
    """
    project, stack = "", ""
    found: list[tuple[str, Any, Mapping[str, Any]]] = []
    outputs: resource_pb2.RegisterResourceOutputsRequest | None = None
    for method, entry in _entries(path):
        request, response = entry.get("request") or {}, entry.get("response") or {}
        if method == "RegisterResource":
            message = json_format.ParseDict(request, resource_pb2.RegisterResourceRequest(), ignore_unknown_fields=True)
            if message.type == STACK:
                _, _, rest = response.get("urn", "").partition("urn:pulumi:")
                stack, project = (*rest.split("::"), "", "")[:2]
            found.append((method, message, response))
        elif method == "ReadResource":
            message = json_format.ParseDict(request, resource_pb2.ReadResourceRequest(), ignore_unknown_fields=True)
            found.append((method, message, response))
        elif method == "RegisterResourceOutputs" and request.get("urn", "").split("::")[2:3] == [STACK]:
            kind = resource_pb2.RegisterResourceOutputsRequest
            outputs = json_format.ParseDict(request, kind(), ignore_unknown_fields=True)
    if not stack:
        message = f"{path} shows no run of a stack"
        raise UsageError(message)
    return _replayed(found, outputs, project, stack, folder)


def _replayed(
    found: list[tuple[str, Any, Mapping[str, Any]]],
    outputs: resource_pb2.RegisterResourceOutputsRequest | None,
    project: str,
    stack: str,
    folder: Path,
) -> Graph:
    recorder = Recorder(project, stack, folder, lambda _name: {})
    for method, message, response in found:
        if method == "ReadResource":
            recorder.read(message)
        elif not message.type.startswith(_OWN):
            answer = recorder.register(message)
            _same_urn(answer.urn, response.get("urn", ""))
    if outputs is not None:
        recorder.outputs(outputs)
    return recorder.graph()


def _same_urn(ours: str, theirs: str) -> None:
    if theirs and ours != theirs:
        message = f"the log's engine calls {theirs} what is {ours} here"
        raise UsageError(message)


def _entries(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (method, entry) of every call of a monitor that was answered; older logs have one entry a call."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        raise UsageError(message) from None
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            method = entry["method"]
        except (ValueError, TypeError, KeyError):
            message = f"{path}:{number}: no entry of a PULUMI_DEBUG_GRPC log"
            raise UsageError(message) from None
        if method.startswith(SERVICE) and entry.get("progress") != "request_started" and not entry.get("errors"):
            yield method.removeprefix(SERVICE), entry
