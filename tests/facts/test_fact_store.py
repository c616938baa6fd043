"""The evidence store: what goes in comes out, runs are whole or not there, nothing is written outside."""

from __future__ import annotations

import itertools
import typing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from egov.errors import EvidenceError
from egov.facts import Fact, RoomSurvey, RunWriter, SystemRecord, Unread, store
from egov.facts.store import manifest, read_table, root_hash, run_files, runs
from egov.facts.tables import columns, row_data, row_hash, tables

NOON = datetime(2018, 12, 31, 12, 0, 0, 123456, UTC)
WHEN: dict[str, Any] = {"observed_at": NOON, "collected_at": NOON + timedelta(hours=3), "source": "dc-app1: ss -lntup"}


def values(kind: str, number: int) -> Any:  # noqa: ANN401 - a cell of any type
    """Return a cell of a column's type, another one for each *number*."""
    return {
        "VARCHAR": f"葫芦岛\t“{number}”\x1b[0m",
        "BIGINT": 2**62 + number,
        "DOUBLE": 0.1 + number,
        "BOOLEAN": bool(number % 2),
        "DATE": date(2018, 2, 28) + timedelta(days=number),
        "TIMESTAMP": NOON + timedelta(microseconds=number),
    }[kind]


def rows(table: type[Fact]) -> list[Fact]:
    """Return a full row and one with None wherever a column may be empty."""
    full = {name: values(kind, number) for number, (name, (kind, _)) in enumerate(columns(table).items())}
    empty = {name: None for name, (_, nullable) in columns(table).items() if nullable}
    return [table(**full), table(**{**full, **empty})]


def stored(evidence: Path, *facts: Fact) -> list[Fact]:
    """Write one run of these rows and return its rows as read back."""
    with RunWriter.begin(evidence, "test", ["egov collect"]) as run:
        for fact in facts:
            run.add(fact)
    return [row for table in dict.fromkeys(type(fact) for fact in facts) for row in read_table(evidence, table)]


def rehashed(fact: Fact) -> str:
    """Return the hash of a row as its columns now give it."""
    return row_hash(type(fact).__name__, row_data(fact))


@pytest.mark.parametrize("name", tables())
def test_every_table_comes_back_as_it_went_in(name: str, tmp_path: Path) -> None:
    """Text, numbers, days, times and None of every table survive; run, row and a hash that can be recomputed join."""
    table = tables()[name]
    written = rows(table)

    found = stored(tmp_path, *written)

    (run,) = runs(tmp_path)
    assert written == found
    assert [(run.name, 0), (run.name, 1)] == [(fact.run, fact.row) for fact in found]
    assert [rehashed(fact) for fact in written] == [fact.sha256 for fact in found]
    assert {fact.observed_at.tzinfo for fact in found} == {UTC}


def survey(area_m2: float = 20.0, **over: Any) -> RoomSurvey:  # noqa: ANN401 - fields of a row
    """Return a measured room."""
    return RoomSurvey(
        **{**WHEN, "room": "r1", "area_m2": area_m2, "area_kind": "usable", "measured_by": "测绘", **over}
    )


def unread(text: str) -> Unread:
    """Return a line that could not be read."""
    return Unread(**WHEN, place="syslog", line=1, text=text, reason="not UTF-8")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("null", "null"),
        ('\\"\r\n\u2028', '\\"\r\n\u2028'),
        ("a\x00b\x7f\x85", "a\x00b\x7f\x85"),
        ("\u202e反\u200b", "\u202e反\u200b"),
        ("𠀀🏛", "𠀀🏛"),
        ("a\udcffb", "a\ufffdb"),
        ("\ud800", "\ufffd"),
    ],
)
def test_no_text_is_too_strange_to_keep(text: str, kept: str, tmp_path: Path) -> None:
    """Control characters stay; half a surrogate pair, which is no text in any encoding, is marked and loses no run."""
    (found,) = stored(tmp_path, unread(text))

    assert (kept, rehashed(found)) == (typing.cast("Unread", found).text, found.sha256)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(alphabet=st.characters(categories=None)), min_size=1, max_size=20),
    area=st.floats(allow_nan=False, width=64),
)
def test_any_row_keeps_its_hash(tmp_path_factory: pytest.TempPathFactory, texts: list[str], area: float) -> None:
    """Whatever text and number a row holds, the hash it was stored with is the one recomputed from what is read."""
    folder = tmp_path_factory.mktemp("evidence")

    found = stored(folder, *map(unread, texts), survey(area))

    assert [rehashed(fact) for fact in found] == [fact.sha256 for fact in found]
    assert area == typing.cast("RoomSurvey", found[-1]).area_m2


def test_a_whole_number_in_a_column_of_decimals_keeps_its_hash(tmp_path: Path) -> None:
    """20 and 20.0 m² are one area and one hash, so that a finding's citation can be checked later."""
    (whole, decimal) = stored(tmp_path, survey(20), survey(20.0))

    assert rehashed(whole) == whole.sha256 == decimal.sha256


def test_a_time_of_another_zone_is_the_same_moment(tmp_path: Path) -> None:
    """20:00 in Beijing is stored as 12:00 UTC, not as 20:00 UTC."""
    beijing = timezone(timedelta(hours=8))
    local = survey(observed_at=datetime(2018, 12, 31, 20, tzinfo=beijing))

    (found,) = stored(tmp_path, local)

    assert datetime(2018, 12, 31, 12, tzinfo=UTC) == found.observed_at
    assert rehashed(local) == found.sha256


def test_rows_keep_their_order_over_runs_and_in_a_large_table(tmp_path: Path) -> None:
    """A table large enough to be compressed comes back complete and in order, runs oldest first."""
    first = datetime(2018, 1, 1, tzinfo=UTC)
    texts = [f"{number:06} {'行' * 40}" for number in range(4_000)]
    for half, started in ((texts[2_000:], first + timedelta(days=1)), (texts[:2_000], first)):
        with RunWriter.begin(tmp_path, "logs", [], started) as run:
            for text in half:
                run.add(unread(text))

    found = [row.text for row in read_table(tmp_path, Unread) if isinstance(row, Unread)]

    assert texts == found


def test_the_manifest_says_what_the_run_is(tmp_path: Path) -> None:
    """Kind, commands, clock, rows per table, the hash of every file, and a root over all of it."""
    with RunWriter.begin(tmp_path, "survey", ["egov collect survey"], NOON) as run:
        run.raw("sheets/areas.csv", "机房,面积\n".encode())
        run.add(survey())
        run.add(survey(30.0))
        assert run.counts() == {"RoomSurvey": 2}

    (folder,) = runs(tmp_path)
    written = manifest(folder)

    assert (folder.name, written["run"]) == ("20181231T120000Z-survey",) * 2
    assert (written["kind"], written["commands"], written["tables"]) == (
        "survey",
        ["egov collect survey"],
        {"RoomSurvey": 2},
    )
    assert NOON.isoformat() == written["clock"]["started"] < written["clock"]["finished"]
    assert list(written["files"]) == ["facts/RoomSurvey.parquet", "raw/sheets/areas.csv"] == run_files(folder)
    assert root_hash(written) == written["root"]
    assert (folder / "raw/sheets/areas.csv").read_text("utf-8") == "机房,面积\n"


def test_a_run_without_facts_is_still_a_run(tmp_path: Path) -> None:
    """A collection that got nothing but raw output is kept, and its tables read as empty."""
    with RunWriter.begin(tmp_path, "hosts", []) as run:
        run.raw("dc-app1", b"refused")

    assert len(runs(tmp_path)) == 1
    assert list(read_table(tmp_path, SystemRecord)) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    """A collection that breaks, or is interrupted, is not in the store, not even hidden."""

    def broken() -> None:
        with RunWriter.begin(tmp_path, "hosts", []) as run:
            run.raw("dc-app1", b"half")
            run.add(survey())
            raise error

    with pytest.raises(error):
        broken()

    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", ".."])
def test_raw_names_stay_in_their_folder(name: str, tmp_path: Path) -> None:
    """A name from outside cannot leave the run's folder."""
    with RunWriter.begin(tmp_path / "evidence", "hosts", []) as run, pytest.raises(EvidenceError, match="leaves its"):
        run.raw(name, b"x")

    assert [path.name for path in tmp_path.rglob("*evil*")] == []


def test_two_runs_of_one_second_are_two(tmp_path: Path) -> None:
    """Runs of one kind that began in the same second both stay, one inside the other's time or after it."""
    with RunWriter.begin(tmp_path, "hosts", [], NOON) as outer:
        with RunWriter.begin(tmp_path, "hosts", [], NOON) as inner:
            inner.raw("name", b"inner")
        outer.raw("name", b"outer")
    with RunWriter.begin(tmp_path, "hosts", [], NOON) as later:
        later.raw("name", b"later")

    found = {folder.name: (folder / "raw/name").read_bytes() for folder in runs(tmp_path)}
    assert sorted(found.values()) == [b"inner", b"later", b"outer"]
    assert sorted(found) == sorted(manifest(folder)["run"] for folder in runs(tmp_path))


def test_a_run_being_written_is_not_read(tmp_path: Path) -> None:
    """Until it is complete a run is hidden from every reader."""
    with RunWriter.begin(tmp_path, "hosts", []) as run:
        run.add(survey())
        (run.folder / "facts").mkdir()
        (run.folder / "facts" / "RoomSurvey.parquet").write_bytes(b"half")

        assert (runs(tmp_path), list(read_table(tmp_path, RoomSurvey))) == ([], [])


def test_an_unreadable_table_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Damaged Parquet is never read as an empty table."""
    stored(tmp_path, survey())
    (path,) = tmp_path.rglob("RoomSurvey.parquet")
    path.write_bytes(b"PAR1 nothing PAR1")

    with pytest.raises(EvidenceError, match=r"RoomSurvey\.parquet: cannot be decoded"):
        list(read_table(tmp_path, RoomSurvey))


def test_a_table_of_an_older_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that came later reads as None where it may be empty; a required one that lacks is named."""
    stored(tmp_path, survey())
    now = columns(RoomSurvey)

    monkeypatch.setattr(store, "columns", lambda _table: {**now, "height_m": ("DOUBLE", True)})
    with store.connection() as database:
        (row,) = store.read_rows(database, RoomSurvey, next(tmp_path.rglob("*.parquet")))
    monkeypatch.setattr(store, "columns", lambda _table: {**now, "height_m": ("DOUBLE", False)})

    assert (row["height_m"], row["area_m2"]) == (None, 20.0)
    with pytest.raises(EvidenceError, match="columns missing: height_m"):
        list(read_table(tmp_path, RoomSurvey))


def test_rows_are_equal_wherever_they_are_stored() -> None:
    """Run, row and hash say where a row is kept; two rows that say the same are equal without them."""
    pairs = itertools.combinations([survey(), replace(survey(), run="a", row=3, sha256="f" * 64)], 2)

    assert [left == right for left, right in pairs] == [True]
    assert survey() != survey(20.01)
