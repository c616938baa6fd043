"""Two ways to run a program must see the same graph; a log of a run shows it a third time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sample_stacks import FOLDER, LATER, ON, PROGRAMS, ROOT

from egov.capture import CaptureError, Graph, Secret, engine
from egov.capture.debug_log import graph_of
from egov.capture.graph import UNKNOWN, differences
from egov.capture.inprocess import capture_folder
from egov.capture.programs import Stacks
from egov.errors import UsageError

PROGRAM = Path(__file__).parent / "programs" / "small"
TOLD: dict[str, Any] = {
    "project": "small",
    "stack": "lab",
    "folder": PROGRAM.parent,
    "config": {"egov:count": "3"},
    "references": lambda name: {"word": "hello"} if name == "organization/other/lab" else None,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graph, Graph, Path]:
    """Return the graphs of both captures, and the log of the second."""
    log = tmp_path_factory.mktemp("log") / "grpc.json"
    return capture_folder(PROGRAM, **TOLD), engine.capture(PROGRAM, **TOLD, log=log), log


def test_both_captures_agree(runs: tuple[Graph, Graph, Path]) -> None:
    """In this process and over sockets: types, names, inputs, parents, dependencies, aliases, protection, outputs."""
    first, second, _ = runs

    assert [] == list(differences(first, second))
    assert len(first.resources) == 6


def test_what_is_seen(runs: tuple[Graph, Graph, Path]) -> None:
    """Secrets stay secret, unknown stays unknown, numbers keep their kind, a dependency is known by property."""
    graph = runs[0]
    first = graph.resources["urn:pulumi:lab::small::case:app:Outer$kubernetes:core/v1:ConfigMap::first"]

    assert {"password": Secret("hunter2"), "count": "3"} == _open(first.inputs["data"])
    assert first.protect
    assert ("name=once type= parent=",) == first.aliases
    space = "urn:pulumi:lab::small::case:app:Outer$kubernetes:core/v1:Namespace::space"
    assert (space,) == first.property_dependencies["metadata"]
    assert {"secret": Secret("hunter2"), "uid": UNKNOWN, "numbers": [1, 2.5, {"a": None}]} == graph.outputs


def _open(value: Any) -> Any:  # noqa: ANN401 - a secret bubbles up to the whole map
    return value.value if isinstance(value, Secret) else value


def test_a_difference_is_said(runs: tuple[Graph, Graph, Path]) -> None:
    """Two runs with other configuration differ where they should, and nowhere else."""
    other = capture_folder(PROGRAM, **{**TOLD, "config": {"egov:count": "4"}})
    found = list(differences(runs[0], other))

    assert 1 == len(found)
    assert "ConfigMap::first.inputs.data" in found[0]
    assert "hunter2" not in found[0]


def test_the_log_of_a_run_shows_the_same_graph(runs: tuple[Graph, Graph, Path]) -> None:
    """Read from what the CLI would have written for PULUMI_DEBUG_GRPC."""
    first, _, log = runs

    assert [] == list(differences(first, graph_of(log, PROGRAM.parent)))


def test_a_log_that_lost_a_line_differs(runs: tuple[Graph, Graph, Path], tmp_path: Path) -> None:
    """The comparer notices one resource less."""
    first, _, log = runs
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if '"name": "second"' not in line]
    shorter = tmp_path / "grpc.json"
    shorter.write_text("\n".join(lines), encoding="utf-8")

    assert ["resources.urn:pulumi:lab::small::kubernetes:core/v1:ConfigMap::second: only in the first"] == list(
        differences(first, graph_of(shorter, PROGRAM.parent))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", ":1: no entry of a PULUMI_DEBUG_GRPC log"),
        ("{}", ":1: no entry of a PULUMI_DEBUG_GRPC log"),
        (json.dumps({"method": "/pulumirpc.Engine/Log"}), " shows no run of a stack"),
        ("", " shows no run of a stack"),
    ],
)
def test_a_file_that_is_no_log(text: str, said: str, tmp_path: Path) -> None:
    """Whatever is handed over as a log is said to be none, with its line."""
    path = tmp_path / "grpc.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError) as refused:
        graph_of(path, tmp_path)

    assert f"{path}{said}" == str(refused.value)


def test_a_failing_program_fails_in_both(tmp_path: Path) -> None:
    """What the monitor refuses ends the child process as well, with the same words."""
    program = tmp_path / "bad"
    program.mkdir()
    (program / "__main__.py").write_text(
        "import pulumi\npulumi.StackReference('organization/none/lab')\n", encoding="utf-8"
    )
    told = {**TOLD, "folder": tmp_path, "project": "bad"}
    said = []
    for run in (capture_folder, engine.capture):
        with pytest.raises(CaptureError) as refused:
            run(program, **told)
        said.append(str(refused.value))

    assert 2 * ["bad/__main__.py:2: no stack organization/none/lab to refer to"] == said


@pytest.mark.drill
@pytest.mark.parametrize("environment", ["lab", "production"])
@pytest.mark.parametrize("on", [ON, LATER], ids=str)
def test_all_stacks_agree(environment: str, on: Any) -> None:  # noqa: ANN401 - a day
    """Every program of the sample city in every configuration, before and after the second wave."""
    first = Stacks(ROOT / "stacks", environment, FOLDER, on)
    second = Stacks(ROOT / "stacks", environment, FOLDER, on, engine.capture)

    assert {name: [] for name in PROGRAMS} == {
        name: list(differences(first.graph(name), second.graph(name))) for name in PROGRAMS
    }
