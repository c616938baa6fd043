"""Commit-confirm of the SSH service on a real host: confirmed it stays, unconfirmed the host undoes it by itself."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from conftest import TestLab
from waiting import wait_for

pytestmark = pytest.mark.drill
HOST = "dc-app2"
CONFIG = "/etc/ssh/sshd_config.d/20-city.conf"
UNDO = "/var/lib/egov-undo"


@pytest.fixture
def drifted(site: TestLab) -> tuple[TestLab, dict[str, str]]:
    """Return the site with one hardened host whose SSH configuration was edited by hand, and that host's document."""
    assert site.play("site.yml", "--limit", HOST).code == 0
    site.ssh(HOST, f"echo '# by hand' | sudo tee -a {CONFIG} >/dev/null && sudo systemctl reload ssh")
    return site, site.document(HOST)


def logs_in(lab: TestLab) -> bool:
    """Say whether a new login works."""
    with lab.start("lab", "--name", lab.name, "ssh", HOST, "true") as process:
        process.communicate(timeout=60)
    return process.returncode == 0


def test_a_confirmed_change_stays_and_leaves_no_trace(drifted: tuple[TestLab, dict[str, str]], tmp_path: Path) -> None:
    """The procedure ends done, the configuration is the described one, no timer and no saved file are left."""
    lab, before = drifted
    words = ("--lab", lab.name, "--evidence", str(tmp_path), "--input", f"hosts={HOST}", "--input", "seconds=60")

    output = lab.egov("procedure", "run", "sshd", *words)

    after = lab.document(HOST)
    assert ": done" in output
    assert {CONFIG[1:]} == {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert "egov-undo" not in lab.ssh(HOST, "systemctl list-timers --all --no-legend")


def test_a_change_that_locks_everybody_out_undoes_itself(drifted: tuple[TestLab, dict[str, str]]) -> None:
    """Nobody can log in any more, nobody confirms: the host puts the old configuration back and lets people in."""
    lab, before = drifted
    armed = lab.play("sshd.yml", "--limit", HOST, "-e", "sshd_step=arm", "-e", "sshd_seconds=15")
    assert armed.code == 0, armed.output

    lab.ssh(HOST, f"echo 'DenyUsers *' | sudo tee {CONFIG} >/dev/null && sudo systemctl reload ssh")
    wait_for("the lock-out", lambda: not logs_in(lab), 14)
    wait_for("a login after the host undid it", lambda: logs_in(lab), 90)

    assert before == lab.document(HOST)


def test_the_controller_dies_before_confirming(drifted: tuple[TestLab, dict[str, str]], tmp_path: Path) -> None:
    """Killed between applying and confirming: the host goes back by itself; resuming the run ends it properly."""
    lab, before = drifted
    words = ("--lab", lab.name, "--evidence", str(tmp_path))
    process = subprocess.Popen(
        ["egov", "procedure", "run", "sshd", *words, "--input", f"hosts={HOST}", "--input", "seconds=25"],
        env=lab.environment,
        cwd=lab.paths.root,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for("the change", lambda: "by hand" not in (lab.root(HOST) / CONFIG[1:]).read_text("utf-8"), 90)
    kill_all(process.pid)
    process.wait()
    wait_for("the host's undoing", lambda: lab.document(HOST) == before, 90)

    (journal,) = (tmp_path / "procedures").glob("*.jsonl")
    output = lab.egov("procedure", "resume", journal.stem, *words)

    assert ": done" in output
    assert "by hand" not in lab.ssh(HOST, f"sudo cat {CONFIG}")
    assert not (lab.root(HOST) / UNDO[1:]).exists()


def kill_all(pid: int) -> None:
    """End a process and all that came from it at once, whatever sessions they made for themselves."""
    os.kill(pid, signal.SIGSTOP)
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(status.parent.name))
    todo = [pid]
    while todo:
        one = todo.pop()
        todo += children.get(one, [])
        with suppress(ProcessLookupError):  # it ended meanwhile
            os.kill(one, signal.SIGKILL)
