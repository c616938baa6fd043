"""Cities with backups, restores and drills, and one of each outcome that R02's checks know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from build import AS_OF, Build, at

from egov.city import Component, Continuity, Zone
from egov.city.model import FileBackup
from egov.facts import BackupCopy, DrillResult, FileCopyRead, RestoreTest, WalArchived

NOON = datetime(2018, 12, 31, 12, tzinfo=UTC)
OBJECTIVE = Continuity(rpo_seconds=0, rto_seconds=30, level=5, edition="2007")
DRILLS: dict[str, Any] = {"drills": ("kill-leader", "leader-off"), "max_days": 366}


def hosts(build: Build, **zones: str) -> Build:
    """Add a host per name in a zone of that kind, with the role that stands after the colon."""
    for number, (name, what) in enumerate(zones.items(), 1):
        kind, _, role = what.partition(":")
        build.host(name, f"10.0.0.{number}")
        build.kinds["zones"][kind] = Zone(id=kind, name_zh=kind, name_en=kind, kind=kind)
        host = build.kinds["hosts"][name]
        changed = {"zone": kind, "roles": tuple(role.split("+")) if role else ()}
        build.kinds["hosts"][name] = host.model_copy(update=changed)
    return build


def repository() -> Build:
    """Return a city with one backup repository."""
    return hosts(Build(), repo1="backup:backup-repository")


def backed_up(build: Build, hours: float, *, faulty: bool = False) -> None:
    """Add a backup that was complete *hours* before it was looked at."""
    finished = NOON - timedelta(hours=hours)
    given = {"host": "repo1", "stanza": "c", "label": f"l{hours}", "kind": "full", "size_bytes": 1, "run": "r"}
    build.rows.append(BackupCopy(finished_at=finished, faulty=faulty, **given, **at()))


def restored(build: Build, copy: str, days: int, **fields: Any) -> None:  # noqa: ANN401
    """Add a restore test of so many days ago."""
    given = {"host": "repo1", "label": "l", "seconds": 9.0, "tables": 1, "rows_read": 5, "bad_blocks": 0, "damaged": 0}
    build.rows.append(RestoreTest(copy=copy, tested_at=NOON - timedelta(days=days), **{**given, **fields}, **at()))


FILES: dict[str, Any] = {"copies": ("same-city", "off-site"), "max_hours": 3, "max_days": 8}


def with_files(build: Build | None = None) -> Build:
    """Return a city with one host whose files are backed up, both copies in two parts read yesterday."""
    build = hosts(build or Build(), app1="data-centre")
    host = build.kinds["hosts"]["app1"]
    build.kinds["hosts"]["app1"] = host.model_copy(update={"backup": FileBackup(paths=("/srv",), keep_days=35)})
    for copy in FILES["copies"]:
        for part in (1, 2):
            read_back(build, copy, part)
    return build


def read_back(build: Build, copy: str, part: int, days: int = 1, hours: float | None = 1, damaged: int = 0) -> None:
    """Add the reading of a part so many days ago, when the newest copy was so many hours old (None: there was none)."""
    read = NOON - timedelta(days=days)
    newest = None if hours is None else read - timedelta(hours=hours)
    given = {"host": "app1", "copy": copy, "part": part, "parts": 2, "copies": 1, "damaged": damaged}
    build.rows.append(FileCopyRead(read_at=read, newest_at=newest, **given, **at()))


def drilled(build: Build, drill: str, day: date = AS_OF, **fields: Any) -> None:  # noqa: ANN401
    """Add a drill's result that lost nothing within 12 s."""
    counts = dict.fromkeys(("lost", "duplicated", "reordered", "altered", "foreign"), 0)
    given = {"fault": "host", "cluster": "c", "ended": "done", "acked": 9, "gap_write_s": 12.0, "rpo_s": 0.0}
    build.rows.append(DrillResult(drill=drill, **{**counts, **given, **fields}, **at(day)))


def archived(build: Build, minutes: float) -> None:
    """Add a WAL segment that had arrived *minutes* before it was looked at."""
    arrived = NOON - timedelta(minutes=minutes)
    given = {"host": "repo1", "stanza": "c", "segment": "0" * 24, "run": "r"}
    build.rows.append(WalArchived(archived_at=arrived, **given, **at()))


Case = tuple[str, dict[str, Any], Build]


def continuity_cases() -> Iterator[Case]:
    """Yield (check, parameters, city) for every outcome."""
    for on in (("db1", "db2"), ("db1",), ()):
        build = hosts(Build(), db1="data-centre", db2="backup")
        build.system("s", placement="cloud", components=tuple(Component(name=name, host=name) for name in on))
        yield "same-city-pair", {}, build
    for far in ("province:archive", "province", "public:archive"):
        yield "off-site-data-only", {}, hosts(Build(), far1=far)
    yield from _repositories()
    yield from _files()
    for fields in ({}, {"lost": 1}, {"day": date(2017, 1, 1)}, {"problems": "torn"}):
        build = hosts(Build(), db1="data-centre:database")
        build.system("s", placement="cloud", components=(Component(name="db", host="db1"),), continuity=OBJECTIVE)
        drilled(build, "kill-leader")
        drilled(build, "leader-off", **fields)
        yield "drill-result", DRILLS, build


def _repositories() -> Iterator[Case]:
    for hours in (1, 99, None):
        build = repository()
        for table in (BackupCopy, WalArchived):
            build.covered("repo1", table, run="r")
        if hours is not None:
            backed_up(build, hours)
            archived(build, hours)
        yield "backup-age", {"max_hours": 26}, build
        yield "wal-age", {"max_minutes": 15}, build
    for days, blocks in ((1, 0), (9, 0), (1, 1)):
        build = repository()
        restored(build, "same-city", days, bad_blocks=blocks)
        yield "restore-test", {"copies": ("same-city",), "max_days": 8}, build


def _files() -> Iterator[Case]:
    for again in ({}, {"days": 9}, {"days": 0, "hours": 4}, {"days": 0, "hours": None}, {"damaged": 1}):
        build = with_files()
        read_back(build, "off-site", 2, **again)
        yield "file-copies", FILES, build


def continuity_concerns() -> dict[str, tuple[Callable[[Build], None], dict[str, Any], str, str, None]]:
    """Return check → (what makes it a concern, its parameters, kind and id of the subject, no bound)."""

    def alone(build: Build) -> None:
        hosts(build, db1="data-centre:database")
        build.system("s", placement="cloud", components=(Component(name="db", host="db1"),), continuity=OBJECTIVE)

    def lossy(build: Build) -> None:
        alone(build)
        for drill in DRILLS["drills"]:
            drilled(build, drill, lost=1)

    def empty(build: Build) -> None:
        hosts(build, repo1="backup:backup-repository")
        for table in (BackupCopy, WalArchived):
            build.covered("repo1", table, run="r")

    def broken(build: Build) -> None:
        empty(build)
        restored(build, "same-city", 1, bad_blocks=1)

    def spoilt(build: Build) -> None:
        with_files(build)
        read_back(build, "off-site", 1, damaged=1)

    def abroad(build: Build) -> None:
        hosts(build, far1="public:archive")

    return {
        "same-city-pair": (alone, {}, "systems", "s", None),
        "backup-age": (empty, {"max_hours": 26}, "hosts", "repo1", None),
        "wal-age": (empty, {"max_minutes": 15}, "hosts", "repo1", None),
        "restore-test": (broken, {"copies": ("same-city",), "max_days": 8}, "hosts", "repo1", None),
        "file-copies": (spoilt, FILES, "hosts", "app1", None),
        "drill-result": (lossy, DRILLS, "systems", "s", None),
        "off-site-data-only": (abroad, {}, "hosts", "far1", None),
    }
