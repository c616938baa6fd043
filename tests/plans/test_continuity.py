"""What single failures do to the database over two sites: reasoned row by row; the drills named prove them in a lab."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from egov.city import City, Continuity, load
from egov.drills import drills
from egov.plans import ContinuityPlan, Failure, continuity
from egov.present import plans
from egov.render.database import ARCHIVE_SECONDS, OFFSITE_SECONDS

ROOT = Path(__file__).parents[2]
CITY = load(ROOT / "tests" / "twosites")
PLAN = continuity(CITY)


def without(city: City, *hosts: str) -> City:
    """Return the city without some hosts."""
    return dataclasses.replace(city, hosts={name: host for name, host in city.hosts.items() if name not in hosts})


def row(kind: str, name: str, *, leads: bool | None = None, plan: ContinuityPlan = PLAN) -> Failure:
    """Return the one row of a failure."""
    (found,) = [f for f in plan.failures if (f.kind, f.id, f.leads) == (kind, name, leads)]
    return found


@pytest.mark.parametrize(
    ("kind", "name", "leads", "writes", "decides", "alone", "backups", "drill"),
    [
        ("host", "dc-db1", True, "pause", "majority", True, "continue", "leader-off"),
        ("host", "dc-db1", False, "pause", "leader", True, "continue", "standby-off"),
        ("link", "bk-db1", True, "pause", "majority", True, "continue", "cut-leader-30"),
        ("host", "witness1", None, "continue", "nobody", False, "continue", "etcd-member-lost"),
        ("link", "witness1", None, "continue", "nobody", False, "continue", "cut-third-room"),
        ("host", "bk-repo1", None, "continue", "nobody", False, "waits", "repository-lost"),
        ("host", "prov-archive1", None, "continue", "nobody", False, "off-site-waits", None),
        ("host", "dc-app1", None, "continue", "nobody", False, "continue", None),
        ("site", "dc", True, "pause", "majority", True, "continue", "lose-site"),
        ("site", "backup", True, "pause", "majority", True, "waits", "lose-site"),
        ("site-link", "dc", True, "pause", "majority", True, "continue", "cut-site"),
        ("site", "witness", None, "continue", "nobody", False, "continue", "etcd-member-lost"),
        ("site", "province", None, "continue", "nobody", False, "off-site-waits", None),
    ],
)
def test_what_a_single_failure_does(
    *,
    kind: str,
    name: str,
    leads: bool | None,
    writes: str,
    decides: str,
    alone: bool,
    backups: str,
    drill: str | None,
) -> None:
    """A majority is left after any single failure, so writes go on by themselves and nothing acknowledged is lost."""
    found = row(kind, name, leads=leads)

    assert (writes, decides, alone, backups) == (found.writes, found.decides, found.alone, found.backups)
    assert (0, drill) == (found.loss_s, found.drill)
    assert found.reads
    assert found.pause_s == (30 if writes == "pause" else 0)  # ttl 20 s by the objective of 30 s, and the takeover


def test_applications_of_a_site_go_with_it() -> None:
    """An application beside the lost copy is lost too; the one on the other side goes on."""
    found = row("site", "dc", leads=True)

    assert ("dc-app1", "dc-db1") == found.stops
    assert ("bk-app1",) == found.applications


def test_every_host_link_and_site_has_its_row() -> None:
    """No failure is left out: eight kinds of rows for copies, one for each other part."""
    hosts = {host.id for host in CITY.hosts.values() if host.lab}
    sites = {"dc", "backup", "witness", "province"}

    for kind, names in (("host", hosts), ("link", hosts), ("site", sites), ("site-link", sites)):
        assert names == {found.id for found in PLAN.failures if found.kind == kind}


def test_two_sites_without_a_third_stop_whatever_side_is_lost() -> None:
    """With two voters each loss takes the majority: writes stop until a person acts, who cannot know what is there."""
    two = continuity(without(CITY, "witness1"))

    for name in ("dc", "backup"):
        for leads in (True, False):
            found = row("site", name, leads=leads, plan=two)
            assert ("stop", "person", ()) == (found.writes, found.decides, found.applications)
            assert found.reads  # a copy is left and answers
    assert two.without_third is two.failures
    worse = {(found.kind, found.id) for found in PLAN.without_third}
    assert {("site", "dc"), ("site", "backup"), ("host", "dc-db1"), ("link", "bk-db1")} <= worse
    assert all(found.writes == "stop" for found in PLAN.without_third)
    assert "witness" in plans.continuity(two, "en")


def test_a_copy_that_follows_late_loses_what_the_leader_said_last() -> None:
    """With a recovery point above 0 no commit waits, so a leader's failure may lose what it acknowledged meanwhile."""
    wanted = Continuity(rpo_seconds=60, rto_seconds=30, level=3, edition="2007")
    system = CITY.systems["exchange"].model_copy(update={"continuity": wanted})
    late = continuity(dataclasses.replace(CITY, systems={"exchange": system}))

    assert row("host", "dc-db1", leads=True, plan=late).loss_s == 30
    assert row("host", "dc-db1", leads=False, plan=late).loss_s == 0
    assert row("host", "dc-db1", leads=False, plan=late).writes == "continue"


@pytest.mark.parametrize(
    ("gone", "loss"),
    [((), ARCHIVE_SECONDS), (("bk-repo1",), ARCHIVE_SECONDS + OFFSITE_SECONDS), (("bk-repo1", "prov-archive1"), None)],
)
def test_one_copy_alone_comes_back_from_the_nearest_backup(gone: tuple[str, ...], loss: int | None) -> None:
    """A database without a second copy stops with its host; what is lost is what the nearest backup does not have."""
    single = continuity(without(CITY, "bk-db1", "witness1", *gone))

    found = row("host", "dc-db1", leads=True, plan=single)
    assert ("stop", "person", False, loss) == (found.writes, found.decides, found.reads, found.loss_s)
    assert row("link", "dc-db1", leads=True, plan=single).loss_s == 0  # cut off, not lost


def test_a_city_without_a_database_says_so() -> None:
    """Nothing described, nothing promised."""
    none = continuity(without(CITY, "dc-db1", "bk-db1"))

    assert ((), ()) == (none.failures, none.without_third)
    assert "No database" in plans.continuity(none, "en")


def test_drills_named_are_described() -> None:
    """A row names only a drill that can be run."""
    named = {found.drill for found in PLAN.failures} - {None}

    assert named <= set(drills(ROOT / "playbooks" / "drills"))


def test_the_ages_promised_are_those_of_the_roles() -> None:
    """The plan's numbers are what the roles set."""
    roles = ROOT / "playbooks" / "roles"
    patroni = yaml.safe_load((roles / "patroni/vars/main.yml").read_text(encoding="utf-8"))
    offsite = yaml.safe_load((roles / "offsite/defaults/main.yml").read_text(encoding="utf-8"))

    assert f"{ARCHIVE_SECONDS}s" == patroni["__patroni_archiving"]["archive_timeout"]
    assert re.fullmatch(r"\*-\*-\* \*:[0-9]{2}", offsite["offsite_at"])  # once an hour
    assert OFFSITE_SECONDS == 60 * 60
