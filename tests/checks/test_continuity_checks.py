"""R02: pairs, backups, restores, drills, where copies lie; every outcome, and what evidence it takes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from build import Build
from continuity_build import (
    DRILLS,
    FILES,
    OBJECTIVE,
    archived,
    backed_up,
    drilled,
    hosts,
    read_back,
    repository,
    restored,
    with_files,
)

from egov.city import Component
from egov.facts import BackupCopy, WalArchived


def outcome(build: Build, check: str, **parameters: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return verdict and outcome of the only finding."""
    found = build.one(check, **parameters)
    return found.verdict, found.outcome


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param(("db1", "db2"), ("pass", "paired"), id="in both centres"),
        pytest.param(("db1",), ("violation", "no-pair"), id="in one"),
        pytest.param((), ("undetermined", "undetermined"), id="nobody said where"),
    ],
)
def test_a_pair_stands_in_the_backup_centre(on: tuple[str, ...], expected: tuple[str, str]) -> None:
    """A second host is no pair unless it stands in the backup centre."""
    build = hosts(Build(), db1="data-centre", db2="backup", db3="data-centre")
    build.system("s", placement="cloud", components=tuple(Component(name=name, host=name) for name in on))

    assert expected == outcome(build, "same-city-pair")


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        pytest.param([(26, False)], ("pass", "fresh"), id="as old as it may be"),
        pytest.param([(26.1, False)], ("violation", "stale"), id="older"),
        pytest.param([(1, True), (30, False)], ("violation", "stale"), id="the newer one is faulty"),
        pytest.param([(1, True)], ("violation", "none"), id="all are faulty"),
        pytest.param([], ("violation", "none"), id="looked, and there is none"),
    ],
)
def test_the_newest_good_backup_is_young(copies: list[tuple[float, bool]], expected: tuple[str, str]) -> None:
    """A backup with faulty pages does not count."""
    build = repository()
    build.covered("repo1", BackupCopy, run="r")
    for hours, faulty in copies:
        backed_up(build, hours, faulty=faulty)

    assert expected == outcome(build, "backup-age", max_hours=26)


@pytest.mark.parametrize("check", ["backup-age", "wal-age", "restore-test"])
def test_nobody_looked(check: str) -> None:
    """What nobody collected is neither a pass nor a concern."""
    parameters: dict[str, Any] = {
        "backup-age": {"max_hours": 26},
        "wal-age": {"max_minutes": 15},
        "restore-test": {"copies": ("same-city",), "max_days": 8},
    }[check]

    assert outcome(repository(), check, **parameters) == ("undetermined", "undetermined")


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(15, ("pass", "fresh")), (15.2, ("violation", "stale")), (None, ("violation", "none"))],
)
def test_the_newest_wal_is_young(minutes: float | None, expected: tuple[str, str]) -> None:
    """The newest segment bounds what a restore would lose."""
    build = repository()
    build.covered("repo1", WalArchived, run="r")
    if minutes is not None:
        archived(build, minutes)

    assert expected == outcome(build, "wal-age", max_minutes=15)


@pytest.mark.parametrize(
    ("far", "expected"),
    [
        pytest.param({"days": 8}, ("pass", "restored"), id="in time"),
        pytest.param({"days": 9}, ("violation", "stale"), id="too long ago"),
        pytest.param({"days": 1, "bad_blocks": 1}, ("violation", "damaged"), id="a bad block"),
        pytest.param({"days": 1, "damaged": 1}, ("violation", "damaged"), id="a damaged file in the repository"),
        pytest.param({"days": 1, "bad_blocks": None}, ("undetermined", "undetermined"), id="blocks not tested"),
        pytest.param(None, ("undetermined", "undetermined"), id="never"),
    ],
)
def test_every_copy_is_restored(far: dict[str, Any] | None, expected: tuple[str, str]) -> None:
    """The same-city copy was restored yesterday; what is known of the off-site one decides."""
    build = repository()
    restored(build, "same-city", 1)
    if far:
        restored(build, "off-site", **far)

    assert expected == outcome(build, "restore-test", copies=("same-city", "off-site"), max_days=8)


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        pytest.param({}, ("pass", "whole"), id="as before"),
        pytest.param({"days": 8}, ("pass", "whole"), id="as long ago as it may be"),
        pytest.param({"days": 9}, ("violation", "unread"), id="too long ago"),
        pytest.param({"days": 0, "hours": 3}, ("pass", "whole"), id="the newest copy as old as it may be"),
        pytest.param({"days": 0, "hours": 3.1}, ("violation", "stale"), id="the newest copy is older"),
        pytest.param({"days": 0, "hours": None}, ("violation", "none"), id="no copy at all"),
        pytest.param({"damaged": 1}, ("violation", "damaged"), id="a byte is not what was written"),
    ],
)
def test_every_part_of_every_file_copy_is_read_back(again: dict[str, Any], expected: tuple[str, str]) -> None:
    """The newest reading of a part counts; that of the off-site copy's second part decides."""
    build = with_files()
    read_back(build, "off-site", 2, **again)

    assert expected == outcome(build, "file-copies", **FILES)


@pytest.mark.parametrize("left", [0, 1, 2, 3], ids="{} of 4 parts read".format)
def test_a_file_copy_never_read_is_undetermined(left: int) -> None:
    """Until every part of both copies was read once nobody knows; damage that was found counts all the same."""
    build = with_files()
    del build.rows[left:]

    assert outcome(build, "file-copies", **FILES) == ("undetermined", "undetermined")

    read_back(build, "same-city", 1, damaged=1)
    assert outcome(build, "file-copies", **FILES) == ("violation", "damaged")


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param({}, ("pass", "kept"), id="nothing lost"),
        pytest.param({"gap_write_s": 30.0}, ("pass", "kept"), id="exactly the objective"),
        pytest.param({"gap_write_s": 30.1}, ("violation", "missed"), id="too long without writes"),
        pytest.param({"lost": 1, "rpo_s": 0.5}, ("violation", "missed"), id="a row lost"),
        pytest.param({"duplicated": 1}, ("violation", "missed"), id="a row doubled"),
        pytest.param({"foreign": 1}, ("violation", "missed"), id="a row of nobody"),
        pytest.param({"day": date(2017, 12, 1)}, ("violation", "overdue"), id="long ago"),
        pytest.param({"problems": "torn"}, ("undetermined", "undetermined"), id="measured in vain"),
        pytest.param({"problems": "torn", "lost": 5}, ("undetermined", "undetermined"), id="its losses mean nothing"),
        pytest.param(None, ("undetermined", "undetermined"), id="never run"),
    ],
)
def test_drills_keep_the_objectives(second: dict[str, Any] | None, expected: tuple[str, str]) -> None:
    """The newest run of each drill counts; the first drill went well."""
    build = hosts(Build(), db1="data-centre:database")
    build.system("s", placement="cloud", components=(Component(name="db", host="db1"),), continuity=OBJECTIVE)
    drilled(build, "kill-leader")
    drilled(build, "leader-off", date(2018, 6, 1), lost=7)  # repaired since, if it was run again
    if second is None:
        build.rows.pop()
    elif "day" in second:
        build.rows.pop()
        drilled(build, "leader-off", **second)
    else:
        drilled(build, "leader-off", **second)

    assert expected == outcome(build, "drill-result", **DRILLS)


@pytest.mark.parametrize(
    ("agreed", "fields", "expected"),
    [
        pytest.param({"restore_seconds": 600}, {"gap_write_s": 600.0}, ("pass", "kept"), id="restored in time"),
        pytest.param({"restore_seconds": 600}, {"gap_write_s": 600.1}, ("violation", "missed"), id="too late"),
        pytest.param({}, {"gap_write_s": 99.0}, ("undetermined", "undetermined"), id="no time agreed"),
        pytest.param({}, {"lost": 1}, ("violation", "missed"), id="no time agreed, but a row lost"),
        pytest.param(
            {"rpo_seconds": 5}, {"recovery": "automatic", "lost": 9, "rpo_s": 4.0}, ("pass", "kept"), id="loss agreed"
        ),
        pytest.param(
            {"rpo_seconds": 5}, {"recovery": "automatic", "lost": 9, "rpo_s": 5.5}, ("violation", "missed"), id="more"
        ),
    ],
)
def test_what_may_be_lost_and_how_long_a_restore_may_take(
    agreed: dict[str, Any], fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    """A restore is held to the time agreed for restores, a loss to the recovery point agreed."""
    build = hosts(Build(), db1="data-centre:database")
    wanted = OBJECTIVE.model_copy(update=agreed)
    build.system("s", placement="cloud", components=(Component(name="db", host="db1"),), continuity=wanted)
    drilled(build, "kill-leader")
    drilled(build, "leader-off", **{"recovery": "restore", **fields})

    assert expected == outcome(build, "drill-result", **DRILLS)


def test_a_system_without_objectives_cannot_keep_any() -> None:
    """Data on the database and nobody said what may be lost: nothing can be judged."""
    build = hosts(Build(), db1="data-centre:database")
    build.system("s", placement="cloud", components=(Component(name="db", host="db1"),))
    drilled(build, "kill-leader")

    assert outcome(build, "drill-result", **DRILLS) == ("undetermined", "undetermined")


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        pytest.param("province:archive", ("pass", "data-only"), id="the province's archive"),
        pytest.param("province:archive+container-host", ("violation", "application"), id="it runs applications"),
        pytest.param("province", ("violation", "application"), id="no archive at all"),
        pytest.param("public:archive", ("violation", "own-centre"), id="an archive elsewhere"),
    ],
)
def test_off_site_is_the_provinces_and_data_only(what: str, expected: tuple[str, str]) -> None:
    """No application with the province, no off-site centre of one's own."""
    build = hosts(Build(), far1=what)

    assert expected == outcome(build, "off-site-data-only")
