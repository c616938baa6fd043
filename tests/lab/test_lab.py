"""The lab itself: boots, survives, stands beside another one, and leaves nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, TestLab
from egov.lab import groups

pytestmark = pytest.mark.lab
HOSTS = 18


def machine() -> dict[str, set[str]]:
    """Return what a lab could leave on the machine: mounts, links, namespaces, control groups, files, rules."""
    namespaces = set()
    for link in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            namespaces.add(str(link.readlink()))
        except OSError:
            continue  # the process ended
    run = {str(path) for pattern in ("*", "*/*", "*/*/*") for path in Path("/run").glob(pattern)}
    nft = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True, check=True).stdout
    routes = subprocess.run(["ip", "route", "show", "table", "all"], capture_output=True, text=True, check=True).stdout
    return {
        "mounts": set(Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()),
        "links": {path.name for path in Path("/sys/class/net").iterdir()},
        "namespaces": namespaces,
        "groups": {str(path) for path in Path("/sys/fs/cgroup").rglob("egov-*")},
        "files": {path.name for path in (ROOT / ".lab").iterdir() if not path.name.startswith("_")},
        "run": run,
        "firewall": set(nft.splitlines()),
        "routes": set(routes.splitlines()),
    }


def test_up_is_whole_idempotent_and_leaves_nothing(new_lab: Callable[[str], TestLab]) -> None:
    """All hosts run without a failed unit, a second `up` starts nothing anew, `down` leaves the machine as it was."""
    lab = new_lab("whole")
    before = machine()

    lab.lab("up")

    assert {"running"} == set(lab.states().values())
    assert HOSTS == len(lab.states())
    inits = {host: groups.processes(lab.paths.control_group / host / "payload" / "init.scope") for host in lab.states()}
    lab.lab("up")
    assert inits == {
        host: groups.processes(lab.paths.control_group / host / "payload" / "init.scope") for host in lab.states()
    }
    lab.lab("run", "--", "ansible", "all", "-m", "ansible.builtin.ping")
    lab.lab("down")
    assert before == machine()


def test_up_after_sigkill_ends_the_same(new_lab: Callable[[str], TestLab]) -> None:
    """Killed without warning when some hosts run already, `up` goes on where it stopped; `down` takes it all away."""
    lab = new_lab("killed")
    before = machine()
    process = lab.start("lab", "--name", lab.name, "up")
    assert process.stderr is not None
    for line in process.stderr:
        if line.endswith("running\n"):
            break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    lab.lab("up")

    assert ["running"] * HOSTS == list(lab.states().values())
    lab.lab("down")
    assert before == machine()


def test_two_labs_side_by_side(new_lab: Callable[[str], TestLab]) -> None:
    """Two labs with the same addresses do not meet, and taking one down leaves the other."""
    first, second = new_lab("one"), new_lab("two")
    for lab in (first, second):
        lab.lab("up", "dc-app1", "fw1")
    first.ssh("dc-app1", "sudo touch /only-here")

    assert "only-here" not in second.ssh("dc-app1", "ls /")
    first.lab("down")
    assert "running" == second.states()["dc-app1"]
    assert "dc-app1\n" == second.ssh("dc-app1", "hostname")


def in_time(command: str) -> str:
    """Return a command that waits until another one succeeds: a lost neighbour is asked anew after a while."""
    return f"timeout 20 sh -c 'until {command}; do sleep 0.2; done'"


def test_cut_heal_freeze_and_kill(new_lab: Callable[[str], TestLab]) -> None:
    """Links, processes and power of a host can be taken away and given back."""
    lab = new_lab("hurt")
    lab.lab("up", "dc-app1", "fw1")
    reach = "ping -c1 -W2 10.211.16.1"  # fw1 in dc-servers

    lab.ssh("dc-app1", reach)
    lab.lab("cut", "dc-app1", "eth0")
    lab.ssh("dc-app1", reach, code=1)
    lab.lab("heal", "dc-app1", "eth0")
    lab.ssh("dc-app1", in_time(reach))
    lab.lab("freeze", "fw1")
    assert "frozen" == lab.states()["fw1"]
    lab.lab("freeze", "fw1", "--thaw")
    assert "running" == lab.states()["fw1"]
    card = "cat /sys/class/net/eth0/address"
    before = lab.ssh("dc-app1", f"echo kept | sudo tee /kept >/dev/null && sync && {card}")
    lab.lab("kill", "dc-app1")
    assert "off" == lab.states()["dc-app1"]
    lab.lab("up", "dc-app1")
    assert f"kept\n{before}" == lab.ssh("dc-app1", f"cat /kept && {card}")


def test_up_names_a_failed_unit_and_refuses_nothing(new_lab: Callable[[str], TestLab]) -> None:
    """A job that failed leaves its host up: `up` boots what is off beside it, and says which unit it was."""
    lab = new_lab("ailing")
    lab.lab("up", "dc-app1")
    lab.ssh("dc-app1", "sudo systemd-run --quiet --wait --unit=nightly false", code=1)

    with lab.start("lab", "--name", lab.name, "up", "dc-app1", "fw1") as process:
        _, errors = process.communicate(timeout=120)

    assert (0, True) == (process.returncode, "dc-app1: degraded, nightly.service failed\n" in errors), errors
    assert {"dc-app1": "degraded", "fw1": "running"}.items() <= lab.states().items()


def test_a_site_cut_off_meets_only_itself(new_lab: Callable[..., TestLab]) -> None:
    """Its hosts meet each other still, by links that are up, and answer the controller; they reach nobody else."""
    lab = new_lab("parted", ROOT / "tests" / "twosites")
    lab.lab("up", "dc-db1", "dc-app1", "bk-db1")
    near, far = "ping -c1 -W2 10.212.16.21", "ping -c1 -W2 10.212.16.12"  # dc-app1, bk-db1

    lab.lab("cut", "--site", "dc")
    lab.ssh("dc-db1", near)
    lab.ssh("dc-db1", far, code=1)
    assert "LOWER_UP" in lab.ssh("dc-db1", "ip link show eth0")
    lab.lab("heal", "--site", "dc")
    lab.ssh("dc-db1", in_time(far))
    lab.lab("kill", "--site", "dc")
    assert {"dc-db1": "off", "dc-app1": "off", "bk-db1": "running"}.items() <= lab.states().items()


def took_ms(pings: str) -> int:
    """Return how long ping says that it took."""
    (found,) = re.findall(r"time ([0-9]+)ms", pings)
    return int(found)


def test_a_slow_link_and_a_full_disk(new_lab: Callable[..., TestLab]) -> None:
    """A link passes what it was told, both ways, until it is told otherwise; a disk holds as much as is described."""
    lab = new_lab("narrow", ROOT / "tests" / "twosites")
    lab.lab("up", "dc-db1", "bk-db1")
    burst = "sudo ping -q -c 60 -i 0.01 -s 1400 10.212.16.12"  # 84 kB

    lab.lab("slow", "dc-db1", "eth0", "64kbit")
    slow_ms = took_ms(lab.ssh("dc-db1", burst))
    lab.lab("slow", "dc-db1", "eth0")

    assert slow_ms > 1000 * (84_000 - 32_768) / 8_000 * 0.8  # 8 kB/s, less what the bucket lets through at once
    assert took_ms(lab.ssh("dc-db1", burst)) < slow_ms
    refused = lab.ssh("dc-db1", "sudo dd if=/dev/zero of=/var/lib/postgresql/x bs=1M 2>&1; true")
    assert "No space left on device" in refused
    assert int(lab.ssh("dc-db1", "df --output=size -BM /var/lib/postgresql | tail -1").strip().rstrip("M")) < 2048


def test_names_that_cannot_be_are_refused(new_lab: Callable[[str], TestLab]) -> None:
    """A host that is not described and a name that could leave the lab's folder are errors for people."""
    lab = new_lab("names")
    for words in (("--name", "../x", "status"), ("--name", "names", "up", "dc-app9")):
        with lab.start("lab", *words) as process:
            _, errors = process.communicate()
        assert (2, True) == (process.returncode, errors.startswith("egov: "))
    assert not (ROOT / ".lab" / "names").exists()
