"""Legal working days of mainland China, with make-up days. A year that nobody covers raises.

Base: the package chinesecalendar (State Council notices). `inventory/<city>/calendar/<year>.json` in the form of the
holiday-cn project wins over it. Monday-to-Friday arithmetic is wrong for a third of all start days (standards §10).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from egov.errors import EgovError


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
        """Return the calendar with the override files of a city; EgovError if one cannot be read."""
        folder = city_dir / "calendar"
        overrides: dict[date, bool] = {}
        years = set()
        for path in sorted(folder.glob("[0-9][0-9][0-9][0-9].json")):
            days = _days(path)
            overrides |= days
            if days:  # an empty list is a notice that has not come yet
                years.add(int(path.stem))
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


def _days(path: Path) -> dict[date, bool]:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        return {date.fromisoformat(day["date"]): bool(day["isOffDay"]) for day in data["days"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path}: not a holiday file (year, papers, days: [name, date, isOffDay]): {error!r}"
        raise EgovError(message) from None
