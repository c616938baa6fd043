"""The programs below `stacks/`: their names, their configuration, and what one needs of another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from egov.capture.graph import CaptureError, Graph
from egov.capture.inprocess import capture_folder
from egov.errors import UsageError

PROJECT = "Pulumi.yaml"
Capture = Callable[..., Graph]


def programs(folder: Path) -> list[str]:
    """Return the names of the programs in a folder, sorted."""
    return sorted(path.parent.name for path in folder.glob(f"*/{PROJECT}"))


def environments(folder: Path, program: str) -> list[str]:
    """Return the environments that a program is configured for, sorted."""
    return sorted(path.name.split(".")[1] for path in (folder / program).glob("Pulumi.*.yaml"))


def configuration(folder: Path, program: str, environment: str) -> dict[str, str]:
    """Return a program's configuration as an engine hands it over: every value as text, structures as JSON.

    A value that the CLI encrypted (`secure:`) cannot be read here. UsageError if there is no such file or it is wrong.
    """
    path = folder / program / f"Pulumi.{environment}.yaml"
    known = environments(folder, program)
    if environment not in known:
        message = f"stack {program} is not configured for {environment}; there are {', '.join(known) or 'none'}"
        raise UsageError(message)
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path.name}:{mark.line + 1}:{mark.column + 1}" if mark else path.name
        message = f"{program}/{where}: not YAML: {getattr(error, 'problem', error)}"
        raise UsageError(message) from None
    values = data.get("config") or {} if isinstance(data, dict) else None
    if not isinstance(values, dict):
        message = f"{program}/{path.name}: expected a mapping under config:"
        raise UsageError(message)
    return {str(key): _text(program, path.name, key, value) for key, value in values.items()}


def _text(program: str, file: str, key: object, value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    if isinstance(value, dict) and set(value) == {"secure"}:
        message = f"{program}/{file}: {key} is encrypted; refer to secrets by name, they are not read here"
        raise UsageError(message)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


@dataclass
class Stacks:
    """The programs of one folder, for one environment of one city. Graphs are kept: programs refer to each other.

    capture: the first capture, or `engine.capture`; both take the same arguments.
    """

    folder: Path
    environment: str
    city: Path
    on: date
    capture: Capture = capture_folder
    _graphs: dict[str, Graph | None] = field(default_factory=dict)

    def programs(self) -> list[str]:
        """Return the names of the programs, sorted."""
        return programs(self.folder)

    def graph(self, program: str) -> Graph:
        """Return what a program registers; UsageError if there is no such program, CaptureError if it fails."""
        known = programs(self.folder)
        if program not in known:
            message = f"no stack {program}; there are {', '.join(known) or 'none'}"
            raise UsageError(message)
        if program in self._graphs:
            found = self._graphs[program]
            if found is None:
                message = f"{program}: refers to itself, by way of the stacks it refers to"
                raise CaptureError(message)
            return found
        self._graphs[program] = None
        try:
            graph = self.capture(
                self.folder / program,
                project=program,
                stack=self.environment,
                folder=self.folder,
                config=configuration(self.folder, program, self.environment) | self._given(),
                references=self._outputs,
            )
        finally:
            del self._graphs[program]
        self._graphs[program] = graph
        return graph

    def graphs(self) -> list[Graph]:
        """Return the graphs made so far: those asked for, and those that they refer to."""
        return [graph for _, graph in sorted(self._graphs.items()) if graph is not None]

    def _given(self) -> dict[str, str]:
        return {"egov:city": str(self.city), "egov:on": self.on.isoformat()}

    def _outputs(self, name: str) -> Mapping[str, Any] | None:
        """Return the outputs of organization/program/environment, running that program now if nobody did."""
        _, _, rest = name.partition("/")
        program, _, environment = rest.partition("/")
        if environment != self.environment or program not in programs(self.folder):
            return None
        return self.graph(program).outputs
