"""The database over two sites and its backups on real hosts: predicted, built, repeated, broken, restored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Play, TestLab
from egov.city import load
from egov.drills import Drill, drills
from egov.plans import continuity

TWO_SITES = ROOT / "tests" / "twosites"
DATACENTER = "datacenter.yml"
DRILLS: dict[str, Drill] = drills(ROOT / "playbooks" / "drills")
QUICK = ("kill-leader", "etcd-member-lost", "switch-and-back", "table-dropped", "cut-leader-30")
PLAN = {drill: failure for failure in continuity(load(TWO_SITES)).failures for drill in failure.drills}
AUTOMATIC_SECONDS, UNNOTICED_SECONDS = 30, 5
EARLY = 31  # the seed of a fault that comes after 2 s, with 5 clients


@pytest.fixture(scope="module")
def built(new_lab: Callable[..., TestLab]) -> Iterator[tuple[TestLab, Play, Play]]:
    """Return a lab of hosts as servers come, what --check predicted there, and what the first run changed."""
    lab = new_lab("twosites", TWO_SITES)
    lab.lab("up")
    base = lab.play("site.yml", "--tags", "base")
    assert base.code == 0, base.output
    predicted = lab.play(DATACENTER, "--check")
    yield lab, predicted, lab.play(DATACENTER)
    lab.lab("down")


def drill(lab: TestLab, name: str, evidence: Path, seed: int) -> dict[str, Any]:
    """Run a drill as a person would, whatever its verdict, and return what it measured."""
    words = ("drill", "run", name, "--lab", lab.name, "--format", "json", "--seed", str(seed))
    with lab.start(*words, "--evidence", str(evidence)) as process:
        output, errors = process.communicate(timeout=900)
    assert output, errors
    (found,) = json.loads(output)
    return dict(found)


def assert_kept(found: dict[str, Any]) -> None:
    """No acknowledged row is lost, doubled or changed, and writes went on in time, by themselves or after a restore."""
    assert "pass" == found["verdict"], found
    assert found["acked"] > 0
    assert 0 == found["lost"] == found["duplicated"] == found["reordered"] == found["altered"] == found["foreign"]
    if DRILLS[found["drill"]].load.recovery == "automatic":
        assert found["gap_write_s"] < AUTOMATIC_SECONDS, found
    if failure := PLAN.get(found["drill"]):  # what `egov plan continuity` promised for it
        assert found["gap_write_s"] < (failure.interruption_seconds or UNNOTICED_SECONDS), found
        assert (0, True) == (failure.loss_seconds, failure.database != "stops")


@pytest.mark.lab
def test_check_on_bare_hosts_predicts_the_first_run(built: tuple[TestLab, Play, Play]) -> None:
    """Before anything is installed, --check names exactly the tasks and hosts that the real run then changes."""
    _, predicted, first = built

    assert (0, 0) == (predicted.code, first.code), predicted.output + first.output
    assert predicted.changed == first.changed


@pytest.mark.lab
@pytest.mark.parametrize("name", QUICK)
def test_a_fault_costs_no_acknowledged_row(built: tuple[TestLab, Play, Play], name: str, tmp_path: Path) -> None:
    """Rows that clients were told are committed are there once, and writes go on within the objective."""
    assert_kept(drill(built[0], name, tmp_path, seed=1))


def started(lab: TestLab) -> dict[str, str]:
    """Return when each copy of the database was started."""
    ask = "sudo -u postgres psql -h /run/postgresql -Atc 'select pg_postmaster_start_time()'"
    return {host: lab.ssh(host, f"cd / && {ask}") for host in ("dc-db1", "bk-db1")}


@pytest.mark.lab
def test_a_run_after_failovers_changes_nothing(built: tuple[TestLab, Play, Play]) -> None:
    """Whoever leads by now, and whatever was replaced, the playbook has nothing to do: it restarts nobody."""
    lab = built[0]
    before = started(lab)

    again = lab.play(DATACENTER)

    assert (0, frozenset()) == (again.code, again.changed), again.output
    assert before == started(lab)


@pytest.mark.drill
def test_restores_bring_back_what_was_acknowledged(built: tuple[TestLab, Play, Play], tmp_path: Path) -> None:
    """Every acknowledged row is in either copy's restore; a flipped byte is named, and the older good backup taken."""
    lab = built[0]
    acked = drill(lab, "kill-leader", tmp_path, seed=1)["acked"]
    lab.ssh("bk-repo1", "sudo systemctl start city-backup@full && sudo systemctl start city-offsite@copy")

    near = json.loads(lab.ssh("bk-repo1", "sudo city-restore test twosites same-city"))
    far = json.loads(lab.ssh("bk-repo1", "sudo city-restore test twosites off-site"))
    folder = lab.root("bk-repo1") / "var/lib/pgbackrest/backup/twosites" / near["label"]
    victim = min(path for path in (folder / "pg_data/base").rglob("*.lz4") if path.stat().st_size > 1000)
    sound = victim.read_bytes()
    middle = len(sound) // 2
    victim.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
    older = json.loads(lab.ssh("bk-repo1", "sudo city-restore test twosites same-city"))
    victim.write_bytes(sound)

    assert near["rows"]["drill public.ledger"] >= acked
    assert near["rows"] == far["rows"] == older["rows"]
    assert [] == near["damaged"] == far["damaged"]
    assert older["label"] < near["label"]
    assert any(victim.name in line for line in older["damaged"])
    assert 0 < near["restore_seconds"] <= near["seconds"]


@pytest.mark.drill
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", DRILLS)
def test_every_fault_three_times(built: tuple[TestLab, Play, Play], name: str, seed: int, tmp_path: Path) -> None:
    """Each fault at three moments, whoever leads: nothing acknowledged is lost, on whichever side of a cut it was."""
    found = drill(built[0], name, tmp_path, seed)

    assert_kept(found)
    if DRILLS[name].load.writers == "all":
        assert all(found["acked_by"].values()), found


def follower(lab: TestLab) -> str:
    """Return the copy that does not lead."""
    members = json.loads(lab.ssh("dc-db1", "sudo patronictl -c /etc/patroni/config.yml list -f json"))
    (found,) = [member["Member"] for member in members if member["Role"] != "Leader"]
    return str(found)


@pytest.mark.drill
def test_a_commit_that_does_not_wait_is_lost_and_the_drill_says_so(
    built: tuple[TestLab, Play, Play], tmp_path: Path
) -> None:
    """Without the synchronous copy a leader's death, or its site's being cut off, loses what it had acknowledged."""
    lab = built[0]
    service = ("-t", "patroni_service", "-e")
    assert lab.play(DATACENTER, *service, '{"patroni_synchronous": false}').code == 0

    cut = drill(lab, "cut-site", tmp_path, seed=1)
    link = ("slow", follower(lab), "eth0")
    lab.lab(*link, "1mbit")  # so that it is behind, but not by as much as forbids it to take over
    death = drill(lab, "leader-off", tmp_path, seed=EARLY)
    lab.lab(*link)

    for found in (cut, death):
        assert ("violation", True) == (found["verdict"], found["lost"] > 0), found
    assert lab.play(DATACENTER, *service, '{"patroni_synchronous": true}').code == 0


@pytest.mark.drill
def test_the_drill_can_fail(new_lab: Callable[..., TestLab], tmp_path: Path) -> None:
    """Debian's Patroni loses acknowledged rows when the leader's cut link heals, and the drill says so."""
    lab = new_lab("packaged", TWO_SITES)
    lab.lab("up", "dc-db1", "bk-db1", "witness1", "bk-app1")
    lab.play("site.yml", "--tags", "base")
    without_backup = '{"patroni_packaging": "debian", "patroni_archive": false, "pgbackrest_repositories": {}}'
    lab.play(DATACENTER, "-e", without_backup)

    runs = []
    for seed in (1, 2, 3):
        runs.append(drill(lab, "cut-leader-30", tmp_path, seed))
        if runs[-1]["lost"]:  # what it lost has parted the copies for good
            break

    assert any(found["lost"] for found in runs), runs
    lab.lab("down")
