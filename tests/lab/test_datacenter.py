"""The database over two sites and its backups on real hosts: predicted, built, repeated, broken, restored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Play, TestLab

pytestmark = pytest.mark.drill
TWO_SITES = ROOT / "tests" / "twosites"
DATACENTER = "datacenter.yml"
QUICK = ("kill-leader", "switch-and-back", "cut-third-room", "cut-leader-30", "standby-off")
LONG = ("freeze-leader", "leader-off", "cut-leader-90")


@pytest.fixture(scope="module")
def built(new_lab: Callable[..., TestLab]) -> tuple[TestLab, Play, Play]:
    """Return a lab of six hosts as servers come, what --check predicted there, and what the first run changed."""
    lab = new_lab("twosites", TWO_SITES)
    lab.lab("up")
    base = lab.play("site.yml", "--tags", "base")
    assert base.code == 0, base.output
    predicted = lab.play(DATACENTER, "--check")
    return lab, predicted, lab.play(DATACENTER)


def drill(lab: TestLab, name: str, evidence: Path, *, code: int = 0) -> dict[str, Any]:
    """Run a drill as a person would, expect its exit code, and return what it measured."""
    words = ("drill", "run", name, "--lab", lab.name, "--format", "json", "--evidence", str(evidence))
    (found,) = json.loads(lab.egov(*words, code=code))
    return dict(found)


def test_check_on_bare_hosts_predicts_the_first_run(built: tuple[TestLab, Play, Play]) -> None:
    """Before anything is installed, --check names exactly the tasks and hosts that the real run then changes."""
    _, predicted, first = built

    assert (0, 0) == (predicted.code, first.code), predicted.output + first.output
    assert predicted.changed == first.changed


def test_the_second_run_changes_nothing(built: tuple[TestLab, Play, Play]) -> None:
    """changed=0 on every host."""
    lab = built[0]

    second = lab.play(DATACENTER)

    assert (0, frozenset()) == (second.code, second.changed), second.output


def test_restores_bring_back_what_was_acknowledged(built: tuple[TestLab, Play, Play], tmp_path: Path) -> None:
    """Every acknowledged row is in either copy's restore; a flipped byte is named, and the older good backup taken."""
    lab = built[0]
    acked = drill(lab, "kill-leader", tmp_path)["acked"]
    lab.ssh("bk-repo1", "sudo systemctl start city-backup@full && sudo systemctl start city-offsite@copy")

    near = json.loads(lab.ssh("bk-repo1", "sudo city-restore test twosites same-city"))
    far = json.loads(lab.ssh("bk-repo1", "sudo city-restore test twosites off-site"))
    folder = lab.root("bk-repo1") / "var/lib/pgbackrest/backup/twosites" / near["label"]
    victim = min(path for path in (folder / "pg_data/base").rglob("*.lz4") if path.stat().st_size > 1000)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    older = json.loads(lab.ssh("bk-repo1", "sudo city-restore test twosites same-city"))

    assert near["rows"]["drill public.ledger"] >= acked
    assert near["rows"] == far["rows"] == older["rows"]
    assert [] == near["damaged"] == far["damaged"]
    assert older["label"] < near["label"]
    assert any(victim.name in line for line in older["damaged"])


@pytest.mark.parametrize("name", QUICK)
def test_a_fault_costs_no_acknowledged_row(built: tuple[TestLab, Play, Play], name: str, tmp_path: Path) -> None:
    """Rows that clients were told are committed are there once, and writes go on within the objective."""
    found = drill(built[0], name, tmp_path)

    assert "pass" == found["verdict"]
    assert found["acked"] > 0
    assert 0 == found["lost"] == found["duplicated"] == found["reordered"]


def test_a_run_after_failovers_changes_nothing(built: tuple[TestLab, Play, Play]) -> None:
    """Whoever leads by now, the playbook has nothing to do: it restarts nobody."""
    lab = built[0]

    again = lab.play(DATACENTER)

    assert (0, frozenset()) == (again.code, again.changed), again.output


@pytest.mark.parametrize("name", [*QUICK, *LONG])
@pytest.mark.parametrize("repeat", [1, 2, 3])
def test_faults_three_times(built: tuple[TestLab, Play, Play], name: str, repeat: int, tmp_path: Path) -> None:
    """Each fault again and again, whoever leads: nothing acknowledged is lost."""
    found = drill(built[0], name, tmp_path)

    assert ("pass", 0) == (found["verdict"], found["lost"]), f"{repeat}: {found}"


def test_the_drill_can_fail(new_lab: Callable[..., TestLab], tmp_path: Path) -> None:
    """Debian's Patroni loses acknowledged rows when the leader's cut link heals, and the drill says so."""
    lab = new_lab("packaged", TWO_SITES)
    lab.lab("up", "dc-db1", "bk-db1", "witness1", "dc-app1")
    lab.play("site.yml", "--tags", "base")
    without_backup = '{"patroni_packaging": "debian", "patroni_archive": false, "pgbackrest_repositories": {}}'
    lab.play(DATACENTER, "-e", without_backup)

    runs = []
    for _ in range(3):
        words = ("drill", "run", "cut-leader-30", "--lab", lab.name, "--format", "json", "--evidence", str(tmp_path))
        with lab.start(*words) as process:
            output, _ = process.communicate(timeout=600)
        if not output:  # refused: what it lost has parted the copies for good
            break
        runs += json.loads(output)

    assert any(found["lost"] for found in runs), runs
    lab.lab("down")
