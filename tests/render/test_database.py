"""Who makes up the database over the sites, and what the objectives set."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from egov.city import Continuity, load
from egov.city.model import Disk
from egov.render.database import database, strictest

CITY = load(Path(__file__).parents[1] / "twosites")


def with_objective(rpo: int, rto: int) -> dict[str, Any]:
    """Return the variables of the database hosts under other objectives."""
    wanted = Continuity(rpo_seconds=rpo, rto_seconds=rto, level=5, edition="2007")
    system = CITY.systems["exchange"].model_copy(update={"continuity": wanted})
    return database(dataclasses.replace(CITY, systems={"exchange": system}))["database"]


def test_copies_voters_and_endpoints_follow_from_roles() -> None:
    """Copies vote too; the third room votes only; addresses are those of the business network."""
    found = database(CITY)

    copies = {"bk-db1": "10.212.16.12", "dc-db1": "10.212.16.11"}
    assert copies == found["database"]["patroni_members"] == found["database-endpoint"]["database_endpoint_servers"]
    assert {**copies, "witness1": "10.212.16.13"} == found["witness"]["etcd_members"]
    assert {"bk-repo1": "10.212.16.51"} == found["backup-repository"]["pgbackrest_repositories"]
    assert found["dc-app1"] == {"database_endpoint_address": "10.212.16.21"}


@pytest.mark.parametrize(
    ("rpo", "rto", "synchronous", "ttl"),
    [(0, 30, True, 20), (0, 5, True, 20), (0, 35, True, 25), (0, 3600, True, 30), (60, 3600, False, 30)],
)
def test_objectives_set_how_the_database_runs(rpo: int, rto: int, *, synchronous: bool, ttl: int) -> None:
    """No loss allowed: a commit waits for the other site. The shorter the outage allowed, the sooner a takeover."""
    found = with_objective(rpo, rto)

    assert (synchronous, ttl) == (found["patroni_synchronous"], found["patroni_ttl"])


def test_without_objectives_nothing_is_risked() -> None:
    """Until somebody says what may be lost, commits wait and takeovers are as quick as Patroni allows."""
    system = CITY.systems["exchange"].model_copy(update={"continuity": None})
    city = dataclasses.replace(CITY, systems={"exchange": system})

    assert strictest(city) is None
    assert (True, 20) == (database(city)["database"]["patroni_synchronous"], database(city)["database"]["patroni_ttl"])


@pytest.mark.parametrize(("sizes", "kept"), [((2, 2), 512), ((8, 2), 512), ((), None)])
def test_a_copy_that_is_away_takes_a_quarter_of_the_smallest_disk(sizes: tuple[int, ...], kept: int | None) -> None:
    """WAL kept for it is bound by the disk as described; without one the role's own bound holds."""
    hosts = {name: host for name, host in CITY.hosts.items() if "database" in host.roles}
    disks = dict(zip(hosts, [(Disk(mount="/var/lib/postgresql", size_gib=size),) for size in sizes], strict=False))
    changed = {name: host.model_copy(update={"disks": disks.get(name, ())}) for name, host in hosts.items()}
    found = database(dataclasses.replace(CITY, hosts={**CITY.hosts, **changed}))

    assert kept == found["database"].get("patroni_slot_wal_mib")


def test_a_city_without_a_database_gets_no_variables() -> None:
    """Nothing is said of what is not there."""
    assert database(dataclasses.replace(CITY, hosts={})) == {}
