"""The second capture: a program in a process of its own, against an engine that speaks Pulumi's gRPC protocol.

The program runs exactly as under the CLI's language host: its own interpreter, sockets, configuration in the
environment. What it registers must be what the first capture sees. Nothing is deployed here either.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, resource_pb2_grpc

from egov.capture.graph import CaptureError, Graph
from egov.capture.inprocess import Monitor
from egov.capture.recorder import Recorder, References

_SECONDS = 120
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_METHODS = (
    "GetDeploymentInfo",
    "SupportsFeature",
    "RegisterResource",
    "ReadResource",
    "RegisterResourceOutputs",
    "Invoke",
    "Call",
    "SignalAndWaitForShutdown",
)
SERVICE = "/pulumirpc.ResourceMonitor/"


class _Engine(engine_pb2_grpc.EngineServicer):
    """`pulumirpc.Engine`: keeps the errors that a program logs and the stack's own URN."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.root = ""

    def Log(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802 - the protocol's
        if request.severity == engine_pb2.ERROR:
            self.errors.append(" ".join(request.message.split()))
        return empty_pb2.Empty()

    def SetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        self.root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def GetRootResource(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        return engine_pb2.GetRootResourceResponse(urn=self.root)

    def RequirePulumiVersion(self, request: Any, context: Any) -> Any:  # noqa: ANN401, ARG002, N802
        return engine_pb2.RequirePulumiVersionResponse()


def capture(
    program: Path,
    *,
    project: str,
    stack: str,
    folder: Path,
    config: Mapping[str, str],
    references: References = lambda _name: None,
    log: Path | None = None,
) -> Graph:
    """Return what a program's folder registers; arguments as of the first capture.

    log: a file that gets every call as the CLI writes it for PULUMI_DEBUG_GRPC.
    CaptureError for what the monitor refused, or with the last line of what the program said.
    """
    recorder, engine = Recorder(project, stack, folder, references), _Engine()
    failures: list[CaptureError] = []
    with _serving(Monitor(recorder), engine, failures, log) as address:
        done = _child(program, address, project, stack, config)
    if failures:
        raise failures[0]
    if done.returncode:
        lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines() or ["no message"]
        message = f"{project}: {engine.errors[-1] if engine.errors else lines[-1]}"
        raise CaptureError(message)
    return recorder.graph()


@contextmanager
def _serving(monitor: Monitor, engine: _Engine, failures: list[CaptureError], log: Path | None) -> Iterator[str]:
    """Serve monitor and engine on a socket of this machine alone; yield its address."""
    server = grpc.server(ThreadPoolExecutor(8), options=_UNLIMITED)
    servicer = resource_pb2_grpc.ResourceMonitorServicer()
    for name in _METHODS:
        setattr(servicer, name, _served(name, getattr(monitor, name), failures, log))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(servicer, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def _served(
    name: str, method: Callable[[Any], Any], failures: list[CaptureError], log: Path | None
) -> Callable[[Any, Any], Any]:
    def call(request: Any, context: Any) -> Any:  # noqa: ANN401 - the protocol's messages
        if log is not None:
            _write(log, name, request, None)
        try:
            answer = method(request)
        except CaptureError as error:
            failures.append(error)
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        if log is not None:
            _write(log, name, request, answer)
        return answer

    return call


def _write(log: Path, name: str, request: Any, answer: Any) -> None:  # noqa: ANN401 - the protocol's messages
    """Append one entry in the CLI's form: two per call, at its start and with its answer."""
    entry = {
        "method": f"{SERVICE}{name}",
        "request": json_format.MessageToDict(request),
        **({"response": json_format.MessageToDict(answer)} if answer is not None else {}),
        "metadata": {"mode": "server"},
        "progress": "request_started" if answer is None else "response_completed",
        "timestamp": datetime.now(UTC).isoformat(),
    }
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def _child(
    program: Path, address: str, project: str, stack: str, config: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """Run a program as a language host does; CaptureError if it does not end."""
    environment = {
        **os.environ,
        "PULUMI_CONFIG": json.dumps(dict(config)),
        "PULUMI_CONFIG_SECRET_KEYS": "[]",
        "GRPC_VERBOSITY": "ERROR",
    }
    command = [sys.executable, "-m", "egov.capture.child", address, project, stack, str(program)]
    try:
        return subprocess.run(command, env=environment, cwd=program, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        message = f"{project}: did not end within {_SECONDS} s"
        raise CaptureError(message) from None
