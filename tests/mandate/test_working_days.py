"""Legal working days: the published calendar day by day, the cities' override files, years nobody covers."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from egov.errors import DescriptionError
from egov.mandate import WorkingCalendar, YearNotCovered

HOLIDAYS = Path(__file__).parents[3] / "shared" / "data" / "holiday-cn"
needs_holidays = pytest.mark.skipif(not HOLIDAYS.is_dir(), reason="needs ../shared/data/holiday-cn")


def published() -> dict[date, bool]:
    """Return day → whether it is off, of all years' files: a file may hold days of the neighbouring year."""
    days = {}
    for path in HOLIDAYS.glob("*.json"):
        for day in json.loads(path.read_text(encoding="utf-8"))["days"]:
            days[date.fromisoformat(day["date"])] = day["isOffDay"]
    return days


def notice(folder: Path, year: int, days: dict[str, bool]) -> WorkingCalendar:
    """Write a city's file of a year (day → whether it is off) and return its calendar."""
    listed = [{"name": "元旦", "date": day, "isOffDay": off} for day, off in days.items()]
    (folder / "calendar").mkdir(exist_ok=True)
    text = json.dumps({"$schema": "x", "year": year, "papers": ["https://example.org"], "days": listed}, indent=4)
    (folder / "calendar" / f"{year}.json").write_text(text, encoding="utf-8")
    return WorkingCalendar.of_city(folder)


@needs_holidays
def test_every_day_of_twenty_years() -> None:
    """From 2007 to 2026 each day is what the State Council's notices make of it; unlisted days go by the week."""
    listed = published()
    calendar = WorkingCalendar()
    first, last = date(2007, 1, 1), date(2026, 12, 31)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    expected = {day: not listed[day] if day in listed else day.weekday() < 5 for day in days}

    assert expected == {day: calendar.is_working_day(day) for day in days}
    assert len(days) == 7305


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2017, 10, 31), date(2017, 11, 14)),
        (date(2018, 2, 8), date(2018, 2, 27)),
        (date(2018, 9, 20), date(2018, 10, 10)),
        (date(2026, 9, 24), date(2026, 10, 15)),
    ],
    ids=["plain-weeks", "spring-festival", "two-holidays", "mid-autumn-and-national-day"],
)
def test_ten_working_days(start: date, end: date) -> None:
    """Ten working days after receipt, the day of receipt not counted, over holidays and make-up days (三(二)4)."""
    calendar = WorkingCalendar()

    assert end == calendar.add_working_days(start, 10)
    assert calendar.working_days_between(start, end) == 10
    assert calendar.working_days_between(start, end - timedelta(days=1)) == 9


def test_a_period_of_no_days_ends_where_it_begins() -> None:
    """No working day at all is the day itself, a holiday too; a negative period is a mistake of the caller."""
    assert date(2018, 10, 1) == WorkingCalendar().add_working_days(date(2018, 10, 1), 0)
    with pytest.raises(ValueError, match="at least 0 working days, not -1"):
        WorkingCalendar().add_working_days(date(2018, 10, 1), -1)


@pytest.mark.parametrize("days", [{}, None], ids=["file-without-days", "no-file"])
def test_a_year_nobody_covers(tmp_path: Path, days: dict[str, bool] | None) -> None:
    """For 2027 no notice is out: the answer is the file to write, never a guess by the week."""
    calendar = WorkingCalendar.of_city(tmp_path) if days is None else notice(tmp_path, 2027, days)

    with pytest.raises(YearNotCovered, match=rf"known for 2027: .* write {tmp_path}/calendar/2027\.json as") as refused:
        calendar.is_working_day(date(2027, 1, 4))
    assert refused.value.exit_code == 2
    with pytest.raises(YearNotCovered, match="2027"):
        calendar.add_working_days(date(2026, 12, 30), 2)
    assert date(2026, 12, 31) == calendar.add_working_days(date(2026, 12, 30), 1)


@pytest.mark.parametrize("year", [2003, 2027])
def test_a_year_nobody_covers_without_a_city(year: int) -> None:
    """Before the package's first year and after its last the message names a file of the city's folder."""
    with pytest.raises(YearNotCovered, match=rf"inventory/<city>/calendar/{year}\.json"):
        WorkingCalendar().is_working_day(date(year, 6, 1))


def test_an_override_file_wins(tmp_path: Path) -> None:
    """A city's file decides over the package: a working Thursday becomes a holiday, a Saturday a working day."""
    plain = WorkingCalendar()
    city = notice(tmp_path, 2018, {"2018-11-15": True, "2018-11-17": False})
    days = [date(2018, 11, day) for day in (14, 15, 16, 17, 18)]

    assert [True, True, True, False, False] == [plain.is_working_day(day) for day in days]
    assert [True, False, True, True, False] == [city.is_working_day(day) for day in days]


def test_an_override_file_covers_its_year(tmp_path: Path) -> None:
    """With the file of 2027 the year is known; days that it does not list go by the week."""
    calendar = notice(tmp_path, 2027, {"2027-01-01": True, "2027-01-02": False})

    assert [False, True, False, True] == [calendar.is_working_day(date(2027, 1, day)) for day in (1, 2, 3, 4)]
    assert date(2027, 1, 4) == calendar.add_working_days(date(2026, 12, 31), 2)


def test_a_file_may_hold_days_of_the_neighbouring_year(tmp_path: Path) -> None:
    """The notice of a year can make the last days of the year before a holiday or a working day."""
    calendar = notice(tmp_path, 2019, {"2018-12-29": False, "2018-12-31": True, "2019-01-01": True})

    assert [True, False, False] == [calendar.is_working_day(date(2018, 12, day)) for day in (29, 30, 31)]


@needs_holidays
def test_published_files_can_be_taken_over_as_they_are(tmp_path: Path) -> None:
    """The files of holiday-cn are override files: the whole union read as a city's gives the same twenty years."""
    (tmp_path / "calendar").symlink_to(HOLIDAYS)
    city, plain = WorkingCalendar.of_city(tmp_path), WorkingCalendar()
    days = [date(2007, 1, 1) + timedelta(days=n) for n in range(7305)]

    assert [plain.is_working_day(day) for day in days] == [city.is_working_day(day) for day in days]
    assert frozenset(range(2007, 2027)) == city.years


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "2027.json:1:1: E203 file: expected a mapping, got null"),
        ('{"year": 2027', "2027.json:1:14: E101 not YAML: did not find expected ',' or '}'"),
        ('{"year": 2026, "days": []}', "2027.json:1:10: E207 year: 2026 in the file of 2027"),
        ('{"year": 2027}', "2027.json:1:1: E204 days is missing"),
        (
            '{"year": 2027, "days": [\n{"name": "元旦", "date": "2027-02-29", "isOffDay": true}]}',
            "2027.json:2:24: E206 days.date: no such day: 2027-02-29 (day is out of range for month)",
        ),
        (
            '{"year": 2027, "days": [\n{"name": "元旦", "date": "2027-01-01", "isOffDay": "no"}]}',
            "2027.json:2:50: E203 days.isOffDay: expected true or false, got 'no'",
        ),
    ],
    ids=["empty", "cut-off", "other-year", "no-days", "no-such-day", "not-true-or-false"],
)
def test_a_wrong_override_file(tmp_path: Path, text: str, problem: str) -> None:
    """A file that cannot be taken as it stands is refused with the place of the mistake."""
    (tmp_path / "calendar").mkdir()
    (tmp_path / "calendar" / "2027.json").write_text(text, encoding="utf-8")

    with pytest.raises(DescriptionError) as refused:
        WorkingCalendar.of_city(tmp_path)

    assert [f"calendar/{problem}"] == [str(p).rpartition(" (")[0] for p in refused.value.problems]
