"""Field sheets and ledgers: what is written plainly is taken in, what is in doubt is refused, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sheet import AREAS, ASSETS, HEADER, area, city, read, write

from egov.city import load
from egov.collect.mapping import mapping
from egov.collect.sheets import read_sheet
from egov.collect.survey import take_in
from egov.errors import DescriptionError
from egov.facts import (
    AssetRecord,
    Coverage,
    MaintenanceSign,
    ProcessUse,
    ResourceDay,
    RoomSurvey,
    SystemRecord,
    Unread,
    UseClient,
    UseDay,
    UseLog,
)
from egov.facts.store import manifest, read_table, runs

SQ_FT = AREAS.replace("unit: m2", "unit: sq-ft")
THOUSANDS = AREAS.replace("unit: m2", "unit: m2, thousands: ','")


@pytest.mark.parametrize(
    ("cell", "meaning", "area_m2"),
    [
        pytest.param("19.5", AREAS, 19.5, id="plain"),
        pytest.param(" 20 ", AREAS, 20.0, id="spaces-around"),
        pytest.param("１９．５", AREAS, 19.5, id="full-width"),
        pytest.param("19.5㎡", AREAS, 19.5, id="with-its-unit-as-one-character"),
        pytest.param("19.5m²", AREAS, 19.5, id="with-its-unit"),
        pytest.param("19.5 平方米", AREAS, 19.5, id="with-its-unit-in-words"),
        pytest.param("100", SQ_FT, 9.290304, id="square-feet"),
        pytest.param("100 sq ft", SQ_FT, 9.290304, id="square-feet-with-their-unit"),
        pytest.param("1,234.5", THOUSANDS, 1234.5, id="thousands"),
        pytest.param("１，２３４", THOUSANDS, 1234.0, id="thousands-in-full-width"),
        pytest.param("1234.5", THOUSANDS, 1234.5, id="thousands-without-a-comma"),
        pytest.param("0.1", AREAS, 0.1, id="small"),
    ],
)
def test_a_number_is_read_as_written(tmp_path: Path, cell: str, meaning: str, area_m2: float) -> None:
    """Square metres whatever the width of the digits, the declared unit and the separators; a foot is 0.3048 m."""
    assert area_m2 == area(tmp_path, cell, meaning)


@pytest.mark.parametrize(
    ("cell", "meaning", "code", "words"),
    [
        pytest.param("215 sq ft", AREAS, "E603", "is in sq-ft, the mapping declares m2", id="another-unit"),
        pytest.param("20 m2", SQ_FT, "E603", "is in m2, the mapping declares sq-ft", id="the-other-way-round"),
        pytest.param("2万元", AREAS, "E603", "is in 10k-cny, the mapping declares m2", id="money"),
        pytest.param("1,234.5", AREAS, "E605", "holds a comma; declare thousands", id="comma-not-declared"),
        pytest.param("1,23", THOUSANDS, "E605", "is not a number", id="comma-in-the-wrong-place"),
        pytest.param("20,5", AREAS, "E605", "is not a number", id="decimal-comma"),
        pytest.param("215 square feet", AREAS, "E603", "is in sq-ft, the mapping declares m2", id="unit-in-full"),
        pytest.param("0.5亩", AREAS, "E603", "is in 亩, the mapping declares m2", id="unit-nobody-can-declare"),
        pytest.param("20 m2 左右", AREAS, "E605", "is not a number", id="more-or-less"),
        pytest.param("20 m2 / 215 sq ft", AREAS, "E60", "", id="two-units"),
        pytest.param("#N/A", AREAS, "E605", "holds the error #N/A", id="error-of-a-formula"),
        pytest.param("约20", AREAS, "E605", "is not a number", id="about"),
        pytest.param("20-25", AREAS, "E605", "is not a number", id="range"),
        pytest.param("20?", AREAS, "E605", "is not a number", id="doubt"),
        pytest.param("二十", AREAS, "E605", "is not a number", id="in-words"),
        pytest.param("1e1", AREAS, "E605", "is not a number", id="exponent"),
        pytest.param("nan", AREAS, "E605", "is not a number", id="not-a-number"),
        pytest.param("=20", AREAS, "E605", "is not a number", id="formula"),
        pytest.param("0", AREAS, "E605", "cannot be an area", id="nothing"),
        pytest.param("-5", AREAS, "E605", "cannot be an area", id="less-than-nothing"),
        pytest.param("", AREAS, "E605", "the cell is empty", id="empty"),
        pytest.param("\u3000", AREAS, "E605", "the cell is empty", id="full-width-space"),
    ],
)
def test_a_number_in_doubt_is_refused(tmp_path: Path, cell: str, meaning: str, code: str, words: str) -> None:
    """Anything but a plain number in the declared unit is refused at its row and column: no unit is ever guessed."""
    found = area(tmp_path, cell, meaning)

    assert found[0].startswith(code)
    assert (2, 2) == found[1:3]
    assert words in found[3]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2018-10-11", date(2018, 10, 11)),
        ("2018/1/2", date(2018, 1, 2)),
        ("2018.10.11", date(2018, 10, 11)),
        ("2018年10月1日", date(2018, 10, 1)),
        ("２０１８年１０月１日", date(2018, 10, 1)),
        ("2018-12-31", date(2018, 12, 31)),
    ],
)
def test_a_day_is_read_as_written(tmp_path: Path, written: str, day: date) -> None:
    """Days in the forms people write, as 00:00 UTC of that day."""
    (row,), problems = read(write(tmp_path, f"{HEADER}r1,20,测绘,{written}\n"))

    assert [] == problems
    assert datetime(day.year, day.month, day.day, tzinfo=UTC) == row.observed_at


@pytest.mark.parametrize("written", ["10-11", "2018-02-30", "11/10/2018", "2019-01-01", "1989-12-31", "43384", "昨天"])
def test_a_day_in_doubt_is_refused(tmp_path: Path, written: str) -> None:
    """A day that does not exist, lies in the future, or can be read in two ways is no day."""
    rows, (problem,) = read(write(tmp_path, f"{HEADER}r1,20,测绘,{written}\n"))

    assert ([], "E605", 2, 4) == (rows, problem.code, problem.line, problem.col)


def test_a_row_says_where_it_is_from(tmp_path: Path) -> None:
    """A fact names its sheet and the row as the spreadsheet counts it, also below a title and a cell of two lines."""
    meaning = AREAS.replace("{table: RoomSurvey}", "{table: RoomSurvey, header_row: 2}")
    text = f'机房实测,,,\n{HEADER}r1,20,"市测绘院\n二队",2018-10-11\n\nr2,21,测绘,2018-10-12\n'

    rows, problems = read(write(tmp_path, text, meaning))

    assert [] == problems
    assert [("areas.csv row 3", "r1"), ("areas.csv row 6", "r2")] == [(row.source, row.room) for row in rows]  # type: ignore[attr-defined]


def test_what_is_no_row_of_data_is_declared(tmp_path: Path) -> None:
    """A line of totals is refused as a row that names nothing, until the mapping says where the data ends."""
    text = f"{HEADER}r1,20,测绘,2018-10-11\n合计,20,,\n"
    ending = AREAS.replace("{table: RoomSurvey}", "{table: RoomSurvey, last_row: 2}")

    _, problems = read(write(tmp_path, text))
    rows, none = read(write(tmp_path, text, ending))

    assert [("E604", 3, 1), ("E605", 3, 3), ("E605", 3, 4)] == [(p.code, p.line, p.col) for p in problems]
    assert (1, []) == (len(rows), none)


@pytest.mark.parametrize(
    ("room", "message"),
    [
        pytest.param("r10", "no rooms r10; did you mean r1?", id="near"),
        pytest.param("机房", "no rooms 机房", id="far"),
    ],
)
def test_an_unknown_room_is_refused(tmp_path: Path, room: str, message: str) -> None:
    """A room nobody described is refused with its row, and the nearest one is offered."""
    rows, (problem,) = read(write(tmp_path, f"{HEADER}{room},20,测绘,2018-10-11\n"))

    assert ([], "E604", 2, 1) == (rows, problem.code, problem.line, problem.col)
    assert message in problem.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_sheets_of_every_office_suite(tmp_path: Path, encoding: str) -> None:
    """UTF-8 with and without its mark, and GB 18030 where the mapping says so."""
    declared = ", encoding: gb18030" if encoding == "gb18030" else ""
    meaning = AREAS.replace("{table: RoomSurvey}", f"{{table: RoomSurvey{declared}}}")

    rows, problems = read(write(tmp_path, f"{HEADER}r1,20,市测绘院,2018-10-11\n".encode(encoding), meaning))

    assert ([], ["市测绘院"]) == (problems, [row.measured_by for row in rows])  # type: ignore[attr-defined]


def test_a_workbook_is_read_by_its_values(tmp_path: Path) -> None:
    """Numbers and days as the workbook keeps them, rows as it counts them, from the worksheet that is declared."""
    book = openpyxl.Workbook()
    book.active.append(["说明"])  # type: ignore[union-attr]
    page = book.create_sheet("实测")
    page.append(["机房", "面积", "测量人", "日期"])
    page.append(["r1", 19.5, "测绘", datetime(2018, 10, 11, 15, 30)])  # noqa: DTZ001 - workbooks know no zone
    page.append([])
    page.append(["r2", 20, "测绘", "2018年10月12日"])
    page.append(["r3", True, "测绘", "2018-10-12"])
    path = tmp_path / "areas.xlsx"
    book.save(path)
    path.with_name("areas.xlsx.yml").write_text(
        AREAS.replace("{table: RoomSurvey}", "{table: RoomSurvey, worksheet: 实测}"), encoding="utf-8"
    )

    rows, (problem,) = read(path)

    assert [("areas.xlsx row 2", 19.5), ("areas.xlsx row 4", 20.0)] == [(row.source, row.area_m2) for row in rows]  # type: ignore[attr-defined]
    assert [date(2018, 10, 11), date(2018, 10, 12)] == [row.observed_at.date() for row in rows]
    assert ("E605", 5, 2) == (problem.code, problem.line, problem.col)


@pytest.mark.parametrize(
    ("heading", "written"),
    [
        ("原值（千元）", "千元"),
        ("原值（亿元）", "亿元"),
        ("原值（百万元）", "百万元"),
        ("原值（美元）", "美元"),
        ("原值（元）", "cny"),
    ],
)
def test_another_unit_in_the_heading_refuses_the_sheet(tmp_path: Path, heading: str, written: str) -> None:
    """A heading in thousands, millions or another currency is not read as the 万元 that the mapping declares."""
    text = f"编号,机房,{heading},在位,清查人,日期\nT-1,r1,3.5,是,财政,2018-10-29\n"
    rows, (problem,) = read(write(tmp_path, text, ASSETS.replace("column: 原值", f"column: {heading}"), "assets.csv"))

    assert ([], "E603", 1, 3) == (rows, problem.code, problem.line, problem.col)
    assert f"is in {written}, the mapping declares 10k-cny" in problem.message


def test_a_word_that_ends_like_a_unit_is_none(tmp_path: Path) -> None:
    """单元面积 is an area: the 元 in it is no yuan."""
    meaning = AREAS.replace("column: 面积", "column: 单元面积")

    rows, problems = read(write(tmp_path, "机房,单元面积,测量人,日期\nr1,20,测绘,2018-10-11\n", meaning))

    assert (1, []) == (len(rows), problems)


def test_of_rows_about_the_same_none_is_believed(tmp_path: Path) -> None:
    """Two rows about one room and day are both refused, each naming the other; another day is another fact."""
    same = "r1,20,测绘,2018-10-11\nr2,20,测绘,2018-10-11\nr1,21,测绘,2018-10-11\nr1,22,测绘,2018-10-12\n"
    rows, problems = read(write(tmp_path, HEADER + same))

    assert [(20.0, 3), (22.0, 5)] == [(r.area_m2, int(r.source.split()[-1])) for r in rows if isinstance(r, RoomSurvey)]
    assert [(2, "the same as row 4"), (4, "the same as row 2")] == [
        (p.line, p.message[10:].partition(":")[0]) for p in problems
    ]


def test_a_formula_without_a_value_is_refused(tmp_path: Path) -> None:
    """A workbook that no program has calculated has no values to read; a cell that looks empty is not empty."""
    book = openpyxl.Workbook()
    for line in (["机房", "面积", "测量人", "日期"], ["r1", "=4*5", "测绘", "2018-10-11"]):
        book.active.append(line)  # type: ignore[union-attr]
    path = write(tmp_path, "", name="areas.xlsx")
    book.save(path)

    with pytest.raises(DescriptionError, match="row 2, column 2 holds a formula that was never calculated"):
        read(path)


def test_of_several_worksheets_none_is_guessed(tmp_path: Path) -> None:
    """A workbook of two worksheets is read only if the mapping says which one."""
    book = openpyxl.Workbook()
    book.create_sheet("二层")
    path = write(tmp_path, "", name="areas.xlsx")
    book.save(path)

    with pytest.raises(DescriptionError, match="it has the worksheets Sheet, 二层; declare which one in the mapping"):
        read(path)


def test_an_asset_count(tmp_path: Path) -> None:
    """Values in 万元 become CNY, 是 and 否 are words, and a tag that nobody described is kept without a device."""
    header = "编号,机房,原值,在位,清查人,日期\n"
    rows, problems = read(
        write(tmp_path, f"{header}T-1,r1,3.5,是,财政,2018-10-29\nT-2,r1,,否,财政,2018-10-29\n", ASSETS, "assets.csv")
    )

    assert [] == problems
    assert [("d1", "T-1", 35_000.0, True), (None, "T-2", None, False)] == [
        (row.device, row.asset_tag, row.original_value_cny, row.found) for row in rows if isinstance(row, AssetRecord)
    ]


ROOMS = st.sampled_from(["r1", "r2", "r3", "r9", "r99", "", "合计"])
NUMBERS = st.sampled_from(["20", "19.5㎡", "约20", "", "-1", "215 sq ft", "1,850", "２０"])
DAYS = st.sampled_from(["2018-10-11", "2018年10月12日", "十月", "", "2099-01-01"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(st.tuples(ROOMS, NUMBERS, st.sampled_from(["测绘", ""]), DAYS), min_size=1, max_size=12))
def test_rows_in_are_facts_and_refusals(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    """Whatever a sheet holds, each row that is not blank becomes exactly one fact or is refused with its number."""
    text = HEADER + "".join(f'"{a}","{b}","{c}","{d}"\n' for a, b, c, d in rows)
    filled = {number for number, row in enumerate(rows, 2) if any(row)}

    found, problems = read(write(tmp_path, text))

    taken = {int(row.source.rpartition(" ")[2]) for row in found}
    refused = {problem.line for problem in problems if problem.line > 1}
    assert (filled, set(), len(found)) == (taken | refused, taken & refused, len(taken))
    assert all(1 <= problem.col <= 4 for problem in problems)


def test_one_row_in_doubt_refuses_the_sheet(tmp_path: Path) -> None:
    """Without --partial nothing of any sheet is taken in; every problem of every sheet is named."""
    sound = write(tmp_path, f"{HEADER}r1,20,测绘,2018-10-11\n", name="a.csv")
    doubtful = write(tmp_path, f"{HEADER}r2,约20,测绘,2018-10-11\nr77,20,测绘,2018-10-11\n", name="b.csv")

    with pytest.raises(DescriptionError) as caught:
        take_in(tmp_path / "evidence", city(), [sound, doubtful], None, partial=False)

    assert [("b.csv", 2, "E605"), ("b.csv", 3, "E604")] == [(p.file, p.line, p.code) for p in caught.value.problems]
    assert [] == runs(tmp_path / "evidence")


def test_partial_keeps_what_it_refuses(tmp_path: Path) -> None:
    """With --partial sound rows are facts and the others stay as unread rows, as found, with sheet, row and reason."""
    store = tmp_path / "evidence"
    path = write(tmp_path, f"{HEADER}r1,20,测绘,2018-10-11\nr2,约20,测绘,2018-10-11\n")

    taken = take_in(store, city(), [path], None, partial=True)

    (row,) = read_table(store, RoomSurvey)
    (unread,) = read_table(store, Unread)
    assert ("r1", 20.0) == (row.room, row.area_m2)  # type: ignore[attr-defined]
    assert ("areas.csv", 3, "r2 | 约20 | 测绘 | 2018-10-11") == (unread.place, unread.line, unread.text)  # type: ignore[attr-defined]
    assert "E605 面积: '约20' is not a number" in unread.reason  # type: ignore[attr-defined]
    assert ({"areas.csv": ("RoomSurvey", 1)}, 1) == (taken.rows, len(taken.unread))


def test_a_run_keeps_the_sheet_and_its_meaning(tmp_path: Path) -> None:
    """The sheet as delivered and its mapping are in the run, and each room it speaks of counts as covered."""
    store = tmp_path / "evidence"
    path = write(tmp_path, f"{HEADER}r1,20,测绘,2018-10-11\nr1,21,测绘,2018-10-12\nr2,20,测绘,2018-10-11\n")

    taken = take_in(store, city(), [path], None, partial=False)

    (run,) = runs(store)
    covered = [(row.room, row.table, row.status, row.observed_at.day) for row in read_table(store, Coverage)]  # type: ignore[attr-defined]
    assert taken.run == run.name
    assert path.read_bytes() == (run / "raw" / "areas.csv").read_bytes()
    assert AREAS == (run / "raw" / "areas.csv.yml").read_text("utf-8")
    assert ["egov collect survey areas.csv"] == manifest(run)["commands"]
    assert [("r1", "RoomSurvey", "ok", 12), ("r2", "RoomSurvey", "ok", 11)] == covered


TABLES = (
    *(RoomSurvey, AssetRecord, SystemRecord),
    *(ProcessUse, MaintenanceSign, ResourceDay, UseDay, UseClient, UseLog),
)


def test_a_count_is_a_whole_number(tmp_path: Path) -> None:
    """Transactions are counted: 12 and 12.0 are, 12.5 is a slip of the pen."""
    city = load(Path(__file__).parents[2] / "inventory" / "huludao")
    (tmp_path / "b.csv.yml").write_text(
        "sheet: {table: ProcessUse}\ncolumns:\n"
        "  - {id: system, value: minzheng-jiuzhu}\n  - {id: item, column: 事项}\n"
        '  - {id: first_day, value: "2018-07-01"}\n'
        '  - {id: last_day, value: "2018-12-01"}\n  - {id: transactions, column: 业务量}\n'
        '  - {id: observed_at, value: "2018-12-01"}\n',
        encoding="utf-8",
    )
    (tmp_path / "b.csv").write_text("事项,业务量\n甲,12\n乙,12.0\n丙,12.5\n", encoding="utf-8")
    taken = take_in(tmp_path / "evidence", city, [tmp_path / "b.csv"], None, partial=True)

    assert [12, 12] == [row.transactions for row in read_table(tmp_path / "evidence", ProcessUse)]
    assert ["业务量: '12.5' is not a whole number"] == [problem.message for problem in taken.unread]


def test_the_samples_sheets_are_taken_in_whole(tmp_path: Path) -> None:
    """Every row below the headings of the sample city's sheets is a fact: none is refused, none is left out."""
    folder = Path(__file__).parents[2] / "inventory" / "huludao"
    sheets = sorted(path for path in (folder / "surveys").iterdir() if path.suffix in {".csv", ".xlsx"})
    filled = 0
    for path in sheets:
        meaning = mapping(path.with_name(f"{path.name}.yml")).head
        rows = read_sheet(path, meaning.encoding, meaning.worksheet).rows
        filled += sum(any(cell not in {None, ""} for cell in row) for n, row in rows.items() if n > meaning.header_row)

    taken = take_in(tmp_path, load(folder), sheets, None, partial=False)

    assert len(sheets) == len(taken.rows) == 10
    assert filled == sum(count for _, count in taken.rows.values())
    assert filled == sum(len(list(read_table(tmp_path, table))) for table in TABLES)


def test_the_command(tmp_path: Path, egov: Callable[..., Any]) -> None:
    """Exit 0 for a whole sheet, 2 for a refused one with sheet, row and column, 3 where rows stayed unread."""
    sample = Path(__file__).parents[2] / "inventory" / "huludao"
    common = ("--city", sample, "--evidence", tmp_path / "evidence", "--format", "json")
    sound = write(tmp_path, f"{HEADER}room-minzheng,20,测绘,2018-10-11\n", name="a.csv")
    doubtful = write(
        tmp_path, f"{HEADER}room-minzheng,20,测绘,2018-10-11\nroom-minzhen,2 0,测绘,2018-10-11\n", name="b.csv"
    )

    whole = egov("collect", "survey", sound, *common)
    refused = egov("collect", "survey", doubtful, *common)
    partial = egov("collect", "survey", doubtful, "--partial", *common)

    assert (0, 2, 3) == (whole.exit_code, refused.exit_code, partial.exit_code)
    assert "" == refused.stdout
    assert re.findall(r"^b\.csv:3:(\d): (E60\d)", refused.stderr, re.MULTILINE) == [("1", "E604"), ("2", "E605")]
    assert 2 == len(runs(tmp_path / "evidence"))
