"""The database over two sites and its backups on real hosts: predicted, built, repeated, broken, restored."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from conftest import BUILDING, ROOT, Play, TestLab
from egov.city import load
from egov.drills import Drill, drills
from egov.drills.ledger import ACK, ledger
from egov.drills.run import WRITER
from egov.lab.paths import held
from egov.plans import Failure, continuity
from egov.render.database import ENDPOINT

TWO_SITES = ROOT / "tests" / "twosites"
DATACENTER = "datacenter.yml"
DRILLS: dict[str, Drill] = drills(ROOT / "playbooks" / "drills")
QUICK = ("kill-leader", "etcd-member-lost", "switch-and-back", "table-dropped", "cut-leader-30")
CITY = load(TWO_SITES)
FAILURES = continuity(CITY).failures
PLAN = {drill: failure for failure in FAILURES for drill in failure.drills}
# The controller is the machine that the lab runs on; what a drill breaks is held to the plan there.
UNDRILLED = [f for f in FAILURES if not f.drills and (f.id not in CITY.hosts or CITY.hosts[f.id].lab)]
Drilled = Callable[..., dict[str, Any]]
AUTOMATIC_SECONDS, UNNOTICED_SECONDS = 30, 5
SEEDS = (1, 2, 3)
CTL = "sudo patronictl -c /etc/patroni/config.yml"
WHOLE = (  # a row on the leader if the other copy follows it synchronously, and on that one
    "select 1 from pg_stat_replication where sync_state = 'sync' "
    "union all select 1 from pg_stat_wal_receiver where status = 'streaming'"
)


def await_on(lab: TestLab, host: str, command: str, said: str) -> None:
    """Wait on a host until a command says what matches a pattern."""
    lab.ssh(host, f"cd / && timeout 120 sh -c {shlex.quote(f'until {command} | grep -q {said}; do sleep 1; done')}")


@pytest.fixture(scope="module")
def bare(new_lab: Callable[..., TestLab]) -> TestLab:
    """Return a lab of hosts that have what every server has, and nothing of the database."""
    lab = new_lab("twosites", TWO_SITES)
    lab.lab("up")
    base = lab.play("site.yml", "--tags", "base")
    assert base.code == 0, base.output
    return lab


@pytest.fixture(scope="module")
def predicted(bare: TestLab) -> Play:
    """Return what --check says of bare hosts; only the first test asks for it, before the database is built."""
    return bare.play(DATACENTER, "--check")


@pytest.fixture(scope="module")
def first_run(bare: TestLab) -> Play:
    """Return what the run did that built the database."""
    return bare.play(DATACENTER)


@pytest.fixture(scope="module")
def lab(
    request: pytest.FixtureRequest, new_lab: Callable[..., TestLab], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestLab]:
    """Return the lab with the database built. Of workers side by side the first builds it, the others copy its lab."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        request.getfixturevalue("first_run")
        yield request.getfixturevalue("bare")
        return
    model = tmp_path_factory.getbasetemp().parent / "twosites"  # of all workers of this run
    with held(BUILDING):
        if model.exists():
            found = new_lab("twosites", TWO_SITES)
            found.begin_as(model)
        else:
            assert request.getfixturevalue("first_run").code == 0
            found = request.getfixturevalue("bare")
            found.keep(model)
        # Of the databases themselves: what the members said before they lost their power stands in etcd for a while.
        for host in ("dc-db1", "bk-db1"):
            await_on(found, host, f'sudo -u postgres psql -h /run/postgresql -Atc "{WHOLE}"', "1")
        await_on(found, "dc-db1", f"{CTL} list", "'Sync Standby'")
    yield found
    with held(BUILDING):
        shutil.rmtree(model, ignore_errors=True)


@pytest.fixture
def drill(tmp_path: Path, record_property: Callable[[str, object], None]) -> Drilled:
    """Return what runs a drill as a person would, whatever its verdict, and returns what it measured."""

    def run(lab: TestLab, name: str, seed: int, under: str = "", *more: str) -> dict[str, Any]:
        words = ("drill", "run", name, "--lab", lab.name, "--format", "json", "--seed", str(seed), *more)
        begun = time.monotonic()
        with lab.start(*words, "--evidence", str(tmp_path), accelerate=True) as process:
            output, errors = process.communicate(timeout=900)
        assert output, errors
        (found,) = json.loads(output)
        shown = {key: found[key] for key in ("acked", "lost", "gap_write_s", "gap_read_s", "verdict")}
        record_property("drill", {"drill": name + under, **shown, "seconds": round(time.monotonic() - begun)})
        return dict(found)

    return run


def assert_kept(found: dict[str, Any]) -> None:
    """No acknowledged row is lost, doubled or changed, and writes went on in time, by themselves or after a restore.

    How long a person takes is measured and judged, and no promise of the product.
    """
    recovery = DRILLS[found["drill"]].load.recovery
    assert found["acked"] > 0
    assert 0 == found["lost"] == found["duplicated"] == found["reordered"] == found["altered"] == found["foreign"]
    assert "pass" == found["verdict"] or recovery == "person", found
    if recovery == "automatic":
        assert found["gap_write_s"] < AUTOMATIC_SECONDS, found
    if failure := PLAN.get(found["drill"]):  # what `egov plan continuity` promised for it
        assert found["gap_write_s"] < (failure.interruption_seconds or UNNOTICED_SECONDS), found
        assert (0, True) == (failure.loss_seconds, failure.database != "stops")


@pytest.mark.lab
def test_check_on_bare_hosts_predicts_the_first_run(predicted: Play, first_run: Play) -> None:
    """Before anything is installed, --check names exactly the tasks and hosts that the real run then changes."""
    assert (0, 0) == (predicted.code, first_run.code), predicted.output + first_run.output
    assert predicted.changed == first_run.changed


@pytest.mark.lab
@pytest.mark.parametrize("name", QUICK)
def test_a_fault_costs_no_acknowledged_row(lab: TestLab, name: str, drill: Drilled) -> None:
    """Rows that clients were told are committed are there once, and writes go on within the objective."""
    assert_kept(drill(lab, name, seed=1))


def started(lab: TestLab) -> dict[str, str]:
    """Return when each copy of the database was started."""
    ask = "sudo -u postgres psql -h /run/postgresql -Atc 'select pg_postmaster_start_time()'"
    return {host: lab.ssh(host, f"cd / && {ask}") for host in ("dc-db1", "bk-db1")}


@pytest.mark.lab
def test_a_run_after_failovers_changes_nothing(lab: TestLab) -> None:
    """Whoever leads by now, and whatever was replaced, the playbook has nothing to do: it restarts nobody."""
    before = started(lab)

    again = lab.play(DATACENTER)

    assert (0, frozenset()) == (again.code, again.changed), again.output
    assert before == started(lab)


RESTIC = (
    "restic --cacert /etc/city-files/tls/authority.pem --tls-client-cert /etc/city-files/tls/both.pem "
    "--password-file /etc/city-files/password --repo rest:https://{}:8443/dc-app1/"
)
PLACES = {"same-city": ("bk-repo1", "10.212.16.51"), "off-site": ("prov-archive1", "10.212.16.61")}


def kept(lab: TestLab, place: str) -> set[str]:
    """Return the ids of the copies of the files of dc-app1 in a place."""
    return {copy["id"] for copy in json.loads(lab.ssh("dc-app1", f"sudo city-files list {place}"))}


@pytest.mark.lab
def test_files_come_back_from_either_place(lab: TestLab) -> None:
    """A file that was deleted comes back from the same city and from the province; a flipped byte is found."""
    made = "head -c 3000000 /dev/urandom | sudo tee /srv/plan.bin >/dev/null && sha256sum </srv/plan.bin"
    before = lab.ssh("dc-app1", made)
    lab.ssh("dc-app1", "sudo city-files copy && sudo rm /srv/plan.bin")

    restore = "sudo city-files restore {0} /var/tmp/{0} && sudo cat /var/tmp/{0}/srv/plan.bin | sha256sum"
    assert [before, before] == [lab.ssh("dc-app1", restore.format(place)) for place in PLACES]

    store = lab.root("prov-archive1") / "var/lib/city-archive/dc-app1/data"
    victim = max((path for path in store.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    sound = victim.read_bytes()
    victim.write_bytes(sound[:1_000_000] + bytes([sound[1_000_000] ^ 1]) + sound[1_000_001:])
    read = [json.loads(line) for line in lab.ssh("dc-app1", "sudo city-files read all", code=1).splitlines()]
    victim.write_bytes(sound)

    damaged = [found for found in read if found["damaged"]]
    assert {(place, part) for place in PLACES for part in range(1, 8)} == {(r["copy"], r["part"]) for r in read}
    assert ["off-site"] == [found["copy"] for found in damaged]
    assert any(victim.name[:8] in line for line in damaged[0]["damaged"])


@pytest.mark.lab
def test_a_host_cannot_delete_its_copies_and_old_ones_are_forgotten(lab: TestLab) -> None:
    """What breaks into a host deletes no copy anywhere; the repository forgets one that is older than described."""
    for _, address in PLACES.values():
        aged = "backup --quiet --tag city --time '2020-01-01 00:00:00' /srv"
        lab.ssh("dc-app1", f"sudo {RESTIC.format(address)} {aged}")
    before = {place: kept(lab, place) for place in PLACES}
    for _, address in PLACES.values():
        # Restic tries for a minute what is refused; interrupted, it takes its lock away.
        forget = f"timeout --signal=INT 10 {RESTIC.format(address)} forget --keep-last 1 --group-by ''"
        lab.ssh("dc-app1", f"sudo {forget} >/dev/null 2>&1; true")
    assert before == {place: kept(lab, place) for place in PLACES}

    lab.ssh("bk-repo1", "sudo systemctl start city-files-forget")

    assert 1 == len(before["same-city"] - kept(lab, "same-city"))
    assert before["off-site"] == kept(lab, "off-site")


@pytest.mark.drill
def test_restores_bring_back_what_was_acknowledged(lab: TestLab, drill: Drilled) -> None:
    """Every acknowledged row is in either copy's restore; a flipped byte is named, and the older good backup taken.

    A restore that begins while another one runs waits for it.
    """
    acked = drill(lab, "kill-leader", seed=1)["acked"]
    lab.ssh("bk-repo1", "sudo systemctl start city-backup@full && sudo systemctl start city-offsite@copy")

    lab.ssh("bk-repo1", "sudo systemctl start --no-block city-restore-test@same-city")  # as a timer may at that moment
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
    assert "success" == lab.ssh("bk-repo1", "systemctl show --value -p Result city-restore-test@same-city").strip()


@pytest.mark.drill
def test_the_drill_can_fail(new_lab: Callable[..., TestLab], drill: Drilled) -> None:
    """Debian's Patroni loses acknowledged rows when the leader's cut link heals, and the drill says so."""
    lab = new_lab("packaged", TWO_SITES)
    without_backup = '{"patroni_packaging": "debian", "patroni_archive": false, "pgbackrest_repositories": {}}'
    with held(BUILDING):
        lab.lab("up", "dc-db1", "bk-db1", "witness1", "bk-app1")
        lab.play("site.yml", "--tags", "base")
        lab.play(DATACENTER, "-e", without_backup)

    runs = []
    for seed in SEEDS:
        runs.append(drill(lab, "cut-leader-30", seed, ", Patroni 3.0.2"))
        if runs[-1]["lost"]:  # what it lost has parted the copies for good
            break

    assert any(found["lost"] for found in runs), runs
    lab.lab("down")


@pytest.mark.drill
@pytest.mark.parametrize("name", DRILLS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_fault_three_times(lab: TestLab, name: str, seed: int, drill: Drilled) -> None:
    """Each fault at three moments, whoever leads: nothing acknowledged is lost, on whichever side of a cut it was."""
    found = drill(lab, name, seed)

    assert_kept(found)
    if DRILLS[name].load.writers == "all":
        assert all(found["acked_by"].values()), found


def follower(lab: TestLab) -> str:
    """Return the copy that does not lead."""
    members = json.loads(lab.ssh("dc-db1", f"{CTL} list -f json"))
    (found,) = [member["Member"] for member in members if member["Role"] != "Leader"]
    return str(found)


@pytest.fixture
def hasty(lab: TestLab) -> Iterator[TestLab]:
    """Return the lab with commits that wait for no copy, and a copy that may take over however far it is behind.

    Afterwards the lab is as described again, whatever came of the test.
    """
    agreed = ("synchronous_mode=false", "maximum_lag_on_failover=1073741824")
    lab.ssh("dc-db1", f"{CTL} edit-config --quiet --force {' '.join(f'-s {word}' for word in agreed)}")
    yield lab
    again = lab.play(DATACENTER, "-t", "patroni_service")
    assert again.code == 0, again.output


@pytest.mark.drill
def test_a_commit_that_does_not_wait_is_lost_and_the_drill_says_so(hasty: TestLab, drill: Drilled) -> None:
    """Without the synchronous copy a leader's death, or its site's being cut off, loses what it had acknowledged."""
    heir = follower(hasty)
    link = ("slow", heir, "eth0")
    hasty.lab(*link, "1mbit")
    with ThreadPoolExecutor() as pool:
        dying = pool.submit(drill, hasty, "leader-off", 1, ", not synchronous", "--rate", "0")
        try:
            await_on(hasty, heir, f"{CTL} list", f"'{heir}.*Leader'")
        finally:
            hasty.lab(*link)  # the old leader is to be rewound over a link that carries it
        death = dying.result()
    cut = drill(hasty, "cut-site", 1, ", not synchronous")

    for found in (death, cut):
        assert ("violation", True) == (found["verdict"], found["lost"] > 0), found


@pytest.mark.drill
def test_an_old_leader_follows_one_that_nobody_writes_to(lab: TestLab) -> None:
    """Rewound to where the new leader would write next, behind the head of an empty segment, it needs no client."""
    heir = follower(lab)
    (old,) = {"dc-db1", "bk-db1"} - {heir}
    soon = f"{CTL} edit-config --quiet --force -p archive_timeout="
    lab.ssh(heir, soon + "5s")

    lab.lab("kill", old)
    await_on(lab, heir, f"{CTL} list", f"'{heir}.*Leader'")
    await_on(lab, heir, "sudo -u postgres psql -h /run/postgresql -Atc 'select pg_current_wal_insert_lsn()'", "000028$")
    lab.lab("up", old)

    await_on(lab, heir, f"{CTL} list", "'Sync Standby'")
    lab.ssh(heir, soon + "60s")


MADE = {  # what makes a failure of the plan in a lab, and what ends it
    "site": (("kill", "--site"), ("up",)),
    "site-cut": (("cut", "--site"), ("heal", "--site")),
    "host": (("kill",), ("up",)),
    "host-cut": (("cut",), ("heal",)),
}


def acknowledged(lab: TestLab, host: str) -> int:
    """Return how many commits clients on an application host were told of within two seconds."""
    words = ["sudo", "python3", "-c", WRITER.read_text("utf-8"), "write", "--run", "rows", "--seconds", "2"]
    told = lab.ssh(host, shlex.join([*words, "--clients", "2", "--rate", "10", "--readers", "0"]))
    return sum(write.outcome == ACK for write in ledger(told.splitlines()).writes)


@pytest.mark.drill
@pytest.mark.parametrize("failure", UNDRILLED, ids=lambda failure: f"{failure.kind} {failure.id}")
def test_a_failure_that_no_drill_makes_stops_what_the_plan_says(lab: TestLab, failure: Failure) -> None:
    """The database goes on under the same leader; only applications on what failed can no longer write."""
    make, end = MADE[failure.kind]
    link = ("eth0",) if failure.kind == "host-cut" else ()
    gone = {h.id for h in CITY.hosts.values() if failure.id in {h.id, h.site}}
    endpoints = [h.id for h in CITY.hosts.values() if ENDPOINT in h.roles]
    assert lab.play("drill_ledger.yml").code == 0
    before = follower(lab)

    lab.lab(*make, failure.id, *link)
    here = {host: acknowledged(lab, host) for host in endpoints if failure.kind.endswith("cut") or host not in gone}
    during = follower(lab)
    lab.lab(*end, *(sorted(gone) if end == ("up",) else (failure.id, *link)))

    assert ("goes-on", 0, 0) == (failure.database, failure.interruption_seconds, failure.loss_seconds)
    assert before == during
    assert {host: host not in gone for host in here} == {host: told > 0 for host, told in here.items()}
    assert all(acknowledged(lab, host) for host in endpoints)
