"""`egov procedure`: real processes, a stand-in for ansible-playbook, and signals in the middle of a step."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from waiting import wait_for

PROCEDURE = """\
procedure: {id: move, title_zh: 迁移, title_en: Move, inputs: [hosts]}
steps:
  - id: open
    title: Open the new way
    do: [ansible-playbook, open, $hosts]
    undo: [ansible-playbook, shut, $hosts]
  - id: cut
    title: Cut the old way
    do: [ansible-playbook, cut, $hosts]
    verify: [ansible-playbook, proof, $hosts]
    timeout_seconds: 1
    point_of_no_return: true
"""
# Notes its words; a file named after its first word says what else to do.
STAND_IN = """\
#!/bin/sh
echo "$*" >>calls
if [ -f "on-$1" ]; then . "./on-$1"; fi
"""
Egov = Callable[..., Any]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with one procedure, and programs that stand in for those a step runs."""
    (tmp_path / "inventory" / "city").mkdir(parents=True)
    (tmp_path / "playbooks" / "procedures").mkdir(parents=True)
    (tmp_path / "playbooks" / "procedures" / "move.yml").write_text(PROCEDURE, encoding="utf-8")
    program = tmp_path / "bin" / "ansible-playbook"
    program.parent.mkdir()
    program.write_text(STAND_IN, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))  # programs beside it are found first
    monkeypatch.setenv("EGOV_CITY", str(tmp_path / "inventory" / "city"))
    monkeypatch.delenv("EGOV_LAB", raising=False)
    return tmp_path


def on(root: Path, word: str, script: str) -> None:
    """Say what the stand-in does when it is called with a word."""
    (root / f"on-{word}").write_text(script, encoding="utf-8")


def calls(root: Path) -> list[str]:
    """Return what was run, in order, without the host."""
    file = root / "calls"
    return [line.split()[0] for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def run_id(root: Path) -> str:
    """Return the name of the only run."""
    (journal,) = (root / "evidence" / "city" / "procedures").iterdir()
    return journal.stem


def test_dry_run_prints_and_runs_nothing(root: Path, egov: Egov) -> None:
    """--dry-run shows every command with its inputs filled in; nothing is run and nothing is written."""
    result = egov("procedure", "run", "move", "--input", "hosts=a b", "--dry-run")

    assert (0, "") == (result.exit_code, result.stderr)
    assert result.stdout == (
        "1. open: Open the new way\n"
        "   do     ansible-playbook open 'a b'\n"
        "   undo   ansible-playbook shut 'a b'\n"
        "2. cut: Cut the old way (no way back)\n"
        "   do     ansible-playbook cut 'a b'\n"
        "   verify ansible-playbook proof 'a b'\n"
    )
    assert (False, []) == ((root / "evidence").exists(), calls(root))


def test_a_run_ends_done_and_is_listed(root: Path, egov: Egov) -> None:
    """Each step runs at the repository's root; the run's name and how it stands are listed."""
    result = egov("procedure", "run", "move", "--input", "hosts=h1")
    listed = json.loads(egov("procedure", "list", "--format", "json").stdout)

    assert (0, f"{run_id(root)}: done\n") == (result.exit_code, result.stdout)
    assert ["open", "cut", "proof"] == calls(root)
    assert {run_id(root): "done"} == listed["runs"]
    assert f"{run_id(root)}  done" in egov("procedure", "list").stdout


def test_a_failing_step_walks_back(root: Path, egov: Egov) -> None:
    """A step that fails undoes what was done: exit 1, and the reason is the step."""
    on(root, "open", "exit 3")

    result = egov("procedure", "run", "move", "--input", "hosts=h1")

    assert (1, f"{run_id(root)}: undone: step open failed\n") == (result.exit_code, result.stdout)
    assert ["open", "shut"] == calls(root)


def test_stuck_past_the_marked_step(root: Path, egov: Egov) -> None:
    """Past the point of no return a failure is for a person (exit 4): no undo, but resuming after a repair."""
    on(root, "proof", "exit 1")

    stuck = egov("procedure", "run", "move", "--input", "hosts=h1")
    name = run_id(root)
    refused = egov("procedure", "undo", name)
    (root / "on-proof").unlink()
    done = egov("procedure", "resume", name)

    assert (4, f"{name}: stuck: step cut failed; no way back from here: repair it, then resume\n") == (
        stuck.exit_code,
        stuck.stdout,
    )
    assert (4, "") == (refused.exit_code, refused.stdout)
    assert "no way back from here" in refused.stderr
    assert (0, f"{name}: done\n") == (done.exit_code, done.stdout)
    assert "shut" not in calls(root)


def test_a_command_beyond_its_time_is_ended_with_its_children(root: Path, egov: Egov) -> None:
    """A step that takes too long is ended, children included, and counts as failed."""
    on(root, "cut", "sleep 600 & echo $! >child; wait")

    result = egov("procedure", "run", "move", "--input", "hosts=h1")

    assert result.exit_code == 4
    assert "not done within 1 s: ended" in result.stderr
    wait_for("the child's end", lambda: not alive(int((root / "child").read_text())), 30)


def test_a_program_that_is_not_there_is_a_failed_step(root: Path, egov: Egov, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing program is named and walked back from, without a traceback."""
    (root / "bin" / "ansible-playbook").unlink()
    monkeypatch.setenv("PATH", "/nonexistent")

    result = egov("procedure", "run", "move", "--input", "hosts=h1")

    assert "ansible-playbook: No such file or directory" in result.stderr
    assert (4, "stuck: step open failed; undo of open failed") == (
        result.exit_code,
        result.stdout.partition(": ")[2].strip(),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("run", "move"), "move takes the inputs hosts: hosts is missing", id="input-missing"),
        pytest.param(("run", "move", "--input", "host=a"), "hosts is missing, there is no host", id="input-unknown"),
        pytest.param(("run", "move", "--input", "hosts"), "--input takes NAME=VALUE", id="input-without-value"),
        pytest.param(
            ("run", "move", "--input", "hosts=a", "--input", "hosts=b"), "each name once; not 'hosts=b'", id="twice"
        ),
        pytest.param(("run", "moev", "--input", "hosts=a"), "no procedure moev; did you mean move?", id="no-procedure"),
        pytest.param(("resume", "x"), "no run of a procedure x", id="no-run"),
        pytest.param(("undo", "x"), "no run of a procedure x", id="no-run-to-undo"),
    ],
)
def test_what_cannot_be_run_is_said(root: Path, egov: Egov, arguments: tuple[str, ...], message: str) -> None:
    """A wrong name or input is exit 2 with what is wrong; nothing runs."""
    result = egov("procedure", *arguments)

    assert (2, "") == (result.exit_code, result.stdout)
    assert message in result.stderr
    assert [] == calls(root)


def start(root: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start egov as a process of its own, as a shell does."""
    code = f"import sys; sys.executable = {str(root / 'bin' / 'python')!r}; from egov.cli import main; main()"
    return subprocess.Popen(
        [os.path.realpath("/proc/self/exe"), "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def alive(pid: int) -> bool:
    """Say whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_interrupted_by_a_person(root: Path, egov: Egov) -> None:
    """Ctrl-C ends the running command too, says how to go on or back, and resuming ends the run."""
    on(root, "open", "echo $$ >started; exec sleep 600")
    with start(root, "procedure", "run", "move", "--input", "hosts=h1") as process:
        wait_for("the first step", lambda: (root / "started").exists() and (root / "started").read_text() != "", 30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    pid = int((root / "started").read_text())
    name = run_id(root)
    (root / "on-open").unlink()

    done = egov("procedure", "resume", name)

    assert (130, "") == (process.returncode, out)
    assert f"interrupted; go on: egov procedure resume {name}; or back: egov procedure undo {name}" in err
    assert not alive(pid)
    assert (0, f"{name}: done\n") == (done.exit_code, done.stdout)
    assert ["open", "open", "cut", "proof"] == calls(root)


def test_killed_while_its_command_runs(root: Path, egov: Egov) -> None:
    """Nobody resumes beside a playbook that outlived its egov; once it has ended the run goes on."""
    os.mkfifo(root / "gate")
    on(root, "open", "echo $$ >started; read -r line <gate")
    with start(root, "procedure", "run", "move", "--input", "hosts=h1") as process:
        wait_for("the first step", lambda: (root / "started").exists() and (root / "started").read_text() != "", 30)
        process.kill()
        process.wait(30)
    (root / "on-open").unlink()
    pid = int((root / "started").read_text())
    name = run_id(root)

    refused = egov("procedure", "resume", name)
    ran = calls(root)
    (root / "gate").write_text("go\n", encoding="utf-8")
    wait_for("the playbook's end", lambda: not alive(pid), 30)
    done = egov("procedure", "resume", name)

    assert (4, "") == (refused.exit_code, refused.stdout)
    assert f"run {name} is at work" in refused.stderr
    assert ["open"] == ran
    assert (0, f"{name}: done\n") == (done.exit_code, done.stdout)
