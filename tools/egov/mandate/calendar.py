"""Legal working days of mainland China, with make-up days. A year that nobody covers raises.

Base: the package chinesecalendar (State Council notices). `inventory/<city>/calendar/<year>.json` in the form of the
holiday-cn project wins over it. Monday-to-Friday arithmetic is wrong for a third of all start days (standards §10).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from egov.city.codes import Code
from egov.city.fields import Day, Part, Text
from egov.city.shape import problems_of
from egov.city.source import read
from egov.errors import DescriptionError, EgovError, Problem


class YearNotCovered(EgovError):  # noqa: N818 - it says what is so
    """Nobody has said yet which days of a year are working days."""


@dataclass(frozen=True, slots=True)
class WorkingCalendar:
    """Which days are legal working days. `overrides`: day → whether it is off, for `years` that files cover."""

    folder: Path | None = None
    overrides: Mapping[date, bool] = field(default_factory=dict)
    years: frozenset[int] = frozenset()

    @classmethod
    def of_city(cls, city_dir: Path) -> WorkingCalendar:
        """Return the calendar with the override files of a city; DescriptionError with every problem in them."""
        folder = city_dir / "calendar"
        overrides: dict[date, bool] = {}
        years = set()
        problems: list[Problem] = []
        for path in sorted(folder.glob("[0-9][0-9][0-9][0-9].json")):
            days, found = _days(path)
            problems += found
            overrides |= days
            if days:  # an empty list is a notice that has not come yet
                years.add(int(path.stem))
        if problems:
            raise DescriptionError(problems)
        return cls(folder, overrides, frozenset(years))

    def is_working_day(self, day: date) -> bool:
        """Say whether *day* is a legal working day; YearNotCovered if nobody knows."""
        if day in self.overrides:
            return not self.overrides[day]
        if day.year in self.years:
            return day.weekday() < 5  # noqa: PLR2004 - Monday to Friday where the file says nothing else
        import chinese_calendar  # noqa: PLC0415 - builds large tables

        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            raise self._not_covered(day.year) from None

    def add_working_days(self, start: date, days: int) -> date:
        """Return the last day of a period of *days* working days; the day of receipt is not counted (§1.4)."""
        if days < 0:
            message = f"a period has at least 0 working days, not {days}"
            raise ValueError(message)
        current = start
        while days:
            current += timedelta(days=1)
            days -= self.is_working_day(current)
        return current

    def working_days_between(self, start: date, end: date) -> int:
        """Return the number of working days after *start* up to and with *end*."""
        span = (end - start).days
        return sum(self.is_working_day(start + timedelta(days=n)) for n in range(1, span + 1))

    def _not_covered(self, year: int) -> YearNotCovered:
        place = (self.folder or Path("inventory/<city>/calendar")) / f"{year}.json"
        return YearNotCovered(
            f"no legal working days are known for {year}: when the State Council's notice is out, write {place} as "
            f'{{"year": {year}, "papers": ["…"], '
            f'"days": [{{"name": "元旦", "date": "{year}-01-01", "isOffDay": true}}, …]}}'
        )


class _Listed(Part):
    """A day that a notice names: a holiday or a make-up working day."""

    name: Text
    day: Day = Field(alias="date")
    off: bool = Field(alias="isOffDay")


class _Notice(Part):
    """A year's file in the form of the holiday-cn project; `papers` are the State Council's notices."""

    model_config = ConfigDict(extra="ignore")

    year: int
    papers: tuple[Text, ...] = ()
    days: tuple[_Listed, ...]


def _days(path: Path) -> tuple[dict[date, bool], list[Problem]]:
    """Return day → whether it is off, and the problems of the file. JSON is YAML: one reader gives all places."""
    document = read(path, f"{path.parent.name}/{path.name}")
    if document.problems:
        return {}, document.problems
    try:
        notice = _Notice.model_validate(document.data)
    except ValidationError as error:
        return {}, problems_of(document, (), _Notice, error)
    if notice.year != int(path.stem):
        message = f"year: {notice.year} in the file of {path.stem}"
        return {}, [document.problem(("year",), Code.E207, message, "年份与文件名不符")]
    return {listed.day: listed.off for listed in notice.days}, []
