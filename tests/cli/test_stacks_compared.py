"""`egov diff --stacks` and `egov render --compare` as a person types them: what they say, and their exit codes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_diff_command import change, commit, git

from egov.capture import engine
from egov.capture.programs import configuration

ROOT = Path(__file__).parents[2]
Egov = Callable[..., Any]
FILE = "inventory/workloads/city.yml"
ON = "2026-12-01"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a git repository with a small city, its stacks and the playbooks, committed."""
    (tmp_path / FILE).parent.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "workloads" / "city.yml", tmp_path / FILE)
    shutil.copytree(ROOT / "playbooks" / "roles", tmp_path / "playbooks" / "roles")
    (tmp_path / "stacks").symlink_to(ROOT / "stacks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EGOV_CITY", raising=False)
    git("init", "-q")
    commit("Describe the city")
    return tmp_path


def diff(egov: Egov, *words: str) -> Any:  # noqa: ANN401 - click's result
    """Run `egov diff --stacks` for the lab, in English, as of a day when all flows are open."""
    return egov("diff", "--stacks", "--env", "lab", "--as-of", ON, "--lang", "en", *words)


@pytest.mark.usefixtures("repository")
def test_no_change_of_the_stacks_is_none(egov: Egov) -> None:
    """The same description: no object, nobody reaches more or less, no concern."""
    result = diff(egov, "--format", "json")
    found = json.loads(result.stdout)

    assert 0 == result.exit_code
    assert {"backup": [], "datacenter": []} == found["objects"] == found["reaching"]
    assert [] == found["verdicts"]


@pytest.mark.usefixtures("repository")
def test_a_wider_flow_is_said_as_who_may_reach_whom(egov: Egov) -> None:
    """A port more for one client: one policy on either side changes, and the sentence names both systems."""
    change(FILE, "services: [8081/tcp]", "services: [8081-8082/tcp]")

    result = diff(egov)

    assert 0 == result.exit_code
    assert "may now reach" in result.stdout
    assert re.search(r"status .*booking.*8082", result.stdout), result.stdout
    assert "NetworkPolicy dept-data-office/from-status-asks-booking" in result.stdout
    assert "NetworkPolicy dept-data-office/to-status-asks-booking" in result.stdout


@pytest.mark.usefixtures("repository")
def test_what_a_judge_minds_is_exit_1(egov: Egov) -> None:
    """A quota that the systems do not fit into: the judge's words on stdout, and 1 for whoever scripts it."""
    change(FILE, "memory_mib: 16384, storage_gib: 100, pods: 20", "memory_mib: 300, storage_gib: 100, pods: 20")

    result = diff(egov)

    assert 1 == result.exit_code
    assert "workloads need" in result.stdout
    assert "the quota is 300Mi" in result.stdout


@pytest.mark.usefixtures("repository")
def test_an_earlier_description_that_is_not_valid_is_named(egov: Egov) -> None:
    """Nothing can be compared with it: exit 2, its first problem."""
    change(FILE, "replicas: 2", "replicas: 3")
    commit("Too many")
    change(FILE, "replicas: 3", "replicas: 2")

    result = diff(egov)

    assert (2, "") == (result.exit_code, result.stdout)
    assert "E321" in result.stderr


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log as a real engine writes it, of a run over gRPC of the data centre's program."""
    path = tmp_path_factory.mktemp("log") / "grpc.json"
    city = ROOT / "tests" / "workloads"
    config = configuration(ROOT / "stacks", "datacenter", "lab") | {"egov:city": str(city), "egov:on": ON}
    told = {"project": "datacenter", "stack": "lab", "folder": ROOT / "stacks", "config": config}
    engine.capture(ROOT / "stacks" / "datacenter", **told, references=lambda _name: None, log=path)
    return path


def compare(egov: Egov, log: Path, *words: str) -> Any:  # noqa: ANN401 - click's result
    """Run `egov render datacenter --compare` for the lab."""
    city = ROOT / "tests" / "workloads"
    given = ("--env", "lab", "--city", city, "--as-of", ON, "--compare", log)
    return egov("render", *(words or ("datacenter",)), *given)


def test_a_run_of_the_same_program_compares_equal(egov: Egov, log: Path) -> None:
    """Exit 0, nothing on stdout, how much was compared on stderr."""
    result = compare(egov, log)

    assert (0, "") == (result.exit_code, result.stdout)
    assert re.search(r"^\d{2,} resources captured, 0 differences from ", result.stderr)


def test_a_run_of_another_program_differs_line_by_line(egov: Egov, log: Path, tmp_path: Path) -> None:
    """Exit 1, a line for each difference: here a resource that the engine was never asked for."""
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    kept = [e for e in entries if (e.get("request") or {}).get("name") != "dept-data-office/quota"]
    shorter = tmp_path / "grpc.json"
    shorter.write_text("".join(f"{json.dumps(entry)}\n" for entry in kept), encoding="utf-8")
    assert len(kept) < len(entries)

    result = compare(egov, shorter)

    assert 1 == result.exit_code
    assert 1 == len(result.stdout.splitlines())
    assert result.stdout.endswith("ResourceQuota::dept-data-office/quota: only in the first\n")


def test_a_log_is_of_one_stack(egov: Egov, log: Path) -> None:
    """All stacks at once cannot be compared with one log."""
    result = compare(egov, log, "stacks")

    assert (2, "", "egov: a log is of one stack; name it\n") == (result.exit_code, result.stdout, result.stderr)


def test_what_is_no_log_is_said(egov: Egov, tmp_path: Path) -> None:
    """Exit 2, with the file and the line."""
    path = tmp_path / "grpc.json"
    path.write_text("hello\n", encoding="utf-8")

    result = compare(egov, path)

    assert (2, f"egov: {path}:1: no entry of a PULUMI_DEBUG_GRPC log\n") == (result.exit_code, result.stderr)
