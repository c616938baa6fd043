"""What each single failure stops: voters and copies over sites, routers between them, drills as the proof."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from network_build import access, host, network, router

from egov.city import City, Continuity, load
from egov.drills import drills
from egov.facts import DrillResult
from egov.plans import ContinuityPlan, Failure, continuity
from egov.present.plans import continuity as said
from egov.render.database import OFFSITE_SECONDS, WAL_SECONDS

ROOT = Path(__file__).parents[2]
ROLES = ROOT / "playbooks" / "roles"
AT = datetime(2018, 6, 1, tzinfo=UTC)
DRILL = {"cluster": "twosites", "ended": "done", "acked": 9, "duplicated": 0, "reordered": 0, "altered": 0}


@pytest.fixture(scope="module")
def city() -> City:
    """Return a city with a copy in each of two sites, a voter in a third room, a repository, an archive."""
    return load(ROOT / "tests" / "twosites")


def without(city: City, *hosts: str) -> City:
    """Return the city as if it had never had these hosts."""
    left = {name: host for name, host in city.hosts.items() if name not in hosts}
    systems = {
        name: s.model_copy(update={"components": tuple(c for c in s.components if c.host in left)})
        for name, s in city.systems.items()
    }
    return replace(city, hosts=left, systems=systems)


def moved(city: City, **sites: str) -> City:
    """Return the city with hosts standing elsewhere (`_` for `-` in names)."""
    there = {name.replace("_", "-"): site for name, site in sites.items()}
    hosts = {n: h.model_copy(update={"site": there.get(n, h.site)}) for n, h in city.hosts.items()}
    return replace(city, hosts=hosts)


def wanting(city: City, **objective: Any) -> City:  # noqa: ANN401 - any field
    """Return the city with another objective of its system."""
    (system,) = city.systems.values()
    assert system.continuity
    wanted = Continuity.model_validate({**system.continuity.model_dump(), **objective})
    return replace(city, systems={system.id: system.model_copy(update={"continuity": wanted})})


def of(plan: ContinuityPlan, kind: str, name: str) -> Failure:
    """Return one row of the plan."""
    (found,) = [failure for failure in plan.failures if (failure.kind, failure.id) == (kind, name)]
    return found


@pytest.mark.parametrize(
    ("kind", "name", "database", "interruption"),
    [
        ("host", "dc-db1", "taken-over", 30),
        ("host", "bk-db1", "taken-over", 30),
        ("host", "witness1", "goes-on", 0),
        ("host", "bk-repo1", "goes-on", 0),
        ("site", "dc", "taken-over", 30),
        ("site", "backup", "taken-over", 30),
        ("site", "witness", "goes-on", 0),
        ("site", "province", "goes-on", 0),
    ],
)
def test_three_places_bear_the_loss_of_any_one(
    city: City, kind: str, name: str, database: str, interruption: int
) -> None:
    """With a voter in a third room any host and any site may fail: the other copy leads, nothing acknowledged is lost.

    30 s is the objective of the city, of which `ttl` leaves 10 s for the election (docs/datacenter.md).
    """
    plan = continuity(city)

    found = of(plan, kind, name)
    assert (found.database, found.interruption_seconds, found.loss_seconds) == (database, interruption, 0)
    assert (found.stops, found.decides, plan.decisive_sites) == ({}, (), ())
    assert found.goes_on == ("exchange",)


@pytest.mark.parametrize("site", ["dc", "backup"])
def test_two_places_alone_elect_nobody(city: City, site: str) -> None:
    """Without the third room each site holds half of the voters; either's loss stops the database until a person acts.

    The copy in the other site has all that was acknowledged.
    """
    plan = continuity(without(city, "witness1"))

    found = of(plan, "site", site)
    assert plan.decisive_sites == ("backup", "dc")
    assert (found.database, found.interruption_seconds, found.loss_seconds) == ("stops", None, 0)
    assert found.decides == ("data-office",)
    assert [*found.stops] == ["exchange"]


def test_a_third_voter_in_one_of_two_sites_helps_the_other_only(city: City) -> None:
    """The site with two of three voters is decisive; the other one is not."""
    plan = continuity(moved(city, witness1="dc"))

    assert plan.decisive_sites == ("dc",)
    assert ("stops", "taken-over") == (of(plan, "site", "dc").database, of(plan, "site", "backup").database)


@pytest.mark.parametrize(
    ("gone", "loss"),
    [
        ((), WAL_SECONDS),
        (("bk-repo1",), WAL_SECONDS + OFFSITE_SECONDS),
        (("bk-repo1", "prov-archive1"), None),
    ],
)
def test_all_copies_in_one_site_are_lost_with_it(city: City, gone: tuple[str, ...], loss: int | None) -> None:
    """What is lost then depends on the nearest backup left: the last segment, the province's last copy, or all."""
    found = of(continuity(moved(without(city, *gone), bk_db1="dc", witness1="dc")), "site", "dc")

    assert (found.database, found.loss_seconds) == ("stops", loss)


def test_an_objective_that_allows_loss_is_met_without_waiting_for_the_copy(city: City) -> None:
    """Where no commit waits for the other site, what a takeover loses cannot be told from the description."""
    found = of(continuity(wanting(city, rpo_seconds=60)), "site", "dc")

    assert (found.database, found.loss_seconds) == ("taken-over", None)


def test_what_backups_lag_behind_is_what_the_roles_set() -> None:
    """A segment a minute and a copy an hour stand in the plan as they stand in the roles."""
    patroni = (ROLES / "patroni/vars/main.yml").read_text(encoding="utf-8")
    offsite = yaml.safe_load((ROLES / "offsite/defaults/main.yml").read_text(encoding="utf-8"))

    assert re.findall(r"archive_timeout: (\d+)s", patroni) == [str(WAL_SECONDS)]
    assert re.fullmatch(r"\*-\*-\* \*:\d\d", offsite["offsite_at"]), "no longer hourly"
    assert OFFSITE_SECONDS == 3600


def drilled(name: str, fault: str, gap: float, lost: int = 0, problems: str = "") -> DrillResult:
    """Return a drill's result."""
    given: dict[str, Any] = {**DRILL, "lost": lost, "foreign": 0, "rpo_s": 0.0, "problems": problems}
    times = {"observed_at": AT, "collected_at": AT, "source": "-"}
    return DrillResult(**times, drill=name, fault=fault, gap_write_s=gap, **given)


def test_each_row_names_its_drills_and_what_they_measured(city: City) -> None:
    """The newest run of each drill that breaks just this counts, the worst of them is shown; a torn one never does."""
    results = [
        drilled("leader-off", "host", 29.0),
        drilled("leader-off", "host", 17.0),
        drilled("standby-off", "host", 4.5, lost=2),
        drilled("cut-leader-30", "link", 99.0, problems="ledger torn"),
    ]

    plan = continuity(city, results)

    leader, cut, witness = of(plan, "host", "dc-db1"), of(plan, "host-cut", "dc-db1"), of(plan, "host-cut", "witness1")
    assert leader.drills == ("leader-off", "standby-off")
    assert (leader.measured_seconds, leader.measured_lost) == (17.0, 2)
    assert (cut.drills, cut.measured_seconds) == (("cut-leader-30", "cut-leader-90"), None)
    assert witness.drills == ("cut-third-room",)
    text = " ".join(said(plan, city, "en").split())
    assert "drill leader-off, standby-off: 17 s without writes at most, 2 rows lost" in text
    assert "drill cut-leader-30, cut-leader-90: not run yet" in text


def test_the_drills_named_can_be_run(city: City) -> None:
    """A row names only drills that there are."""
    named = {drill for failure in continuity(city).failures for drill in failure.drills}

    assert named <= {*drills(ROOT / "playbooks" / "drills")}
    assert {"lose-site", "cut-site", "leader-off", "cut-third-room", "repository-lost"} <= named


def test_what_is_cut_off_is_not_lost(city: City) -> None:
    """With all copies in one site its destruction costs what no backup has yet; a cut of its line costs nothing."""
    alone = moved(city, bk_db1="dc", witness1="dc")

    plan = continuity(alone)

    assert (of(plan, "site", "dc").loss_seconds, of(plan, "site-cut", "dc").loss_seconds) == (WAL_SECONDS, 0)


def test_what_the_third_room_is_for(city: City) -> None:
    """Named are the failures that would stop the database if the copies voted alone; without a third none is."""
    plan, two = continuity(city), continuity(without(city, "witness1"))

    assert {"site dc", "site-cut backup", "host dc-db1", "host-cut bk-db1"} <= {*plan.without_third}
    assert not [name for name in plan.without_third if "witness" in name or "bk-repo1" in name]
    assert two.without_third == ()


def test_a_department_behind_a_router_is_cut_off_with_it() -> None:
    """The loss of the router, of its site, or of the link it is reached by cuts the LAN off; a second link does not."""
    build = network()
    access(build)
    router(build, "r2", ("links", "links", "10.8.0.2"), ("far", "clients", "10.1.0.2"))
    host(build, "s1", "servers", ("mgmt0", "management", "10.9.0.20"), ("eth0", "servers", "10.2.0.20"))

    plan = continuity(build.city())

    assert ("a",) == of(plan, "host", "r1").cut_off == of(plan, "host", "r1").decides
    assert () == of(plan, "host", "r2").cut_off == of(plan, "host", "h1").cut_off


def test_the_sample_city_s_routers_carry_its_votes() -> None:
    """The sample's third room is reached through the data centre's router only: its loss stops the elections too."""
    plan = continuity(load(ROOT / "inventory" / "huludao"))

    fw1, backup_router = of(plan, "host", "fw1"), of(plan, "host", "bk-rt1")
    assert ("stops", "taken-over") == (fw1.database, backup_router.database)
    assert "minzheng" in fw1.cut_off
    assert of(plan, "link", "transit-a").cut_off == of(plan, "link", "transit-b").cut_off == ()
