"""Windows of days, and what is known of each: conclusions from absence are drawn from days that were seen.

A day nobody saw may have been anything. So every count comes with the days that are unknown, and a check asks whether
its conclusion holds whatever those days were like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from egov.city import System
from egov.facts import Facts, UseClient, UseDay, UseLog
from egov.facts.tables import Fact

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The days from *first* to *last*, both included."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date, days: int) -> Window:
        """Return the window of so many days that ends with *last*."""
        return cls(last - (days - 1) * DAY, last)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    @property
    def weeks(self) -> float:
        """Number of weeks."""
        return self.days / 7

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    def cut(self, first: date, last: date) -> Iterator[date]:
        """Yield the days from *first* to *last* that lie in the window."""
        day, end = max(first, self.first), min(last, self.last)
        while day <= end:
            yield day
            day += DAY


@dataclass(frozen=True, slots=True)
class Use:
    """What logs tell of a system in a window. `clients` are addresses: an office behind one address counts once."""

    window: Window
    known: frozenset[date]
    human: frozenset[date]
    script: frozenset[date]
    clients: int
    last_human: date | None
    writes: int | None
    cites: tuple[Fact, ...]

    @property
    def unknown(self) -> int:
        """Days that no log covers and that showed no person either."""
        return self.window.days - len(self.known | self.human)

    @property
    def known_share(self) -> float:
        """Share of the window's days that logs cover."""
        return len(self.known) / self.window.days


def use(system: System, facts: Facts, window: Window, max_unread_share: float) -> Use:
    """Return the use of a system in a window.

    max_unread_share: a log of which more lines were unreadable proves no day without use, for they may have been it.
    """
    zone = ZoneInfo(facts.city.profile.timezone)
    logs = [log for log in facts.rows(UseLog, system) if log.first_at and log.last_at]
    spans = [
        (log.first_at.astimezone(zone).date(), log.last_at.astimezone(zone).date())
        for log in logs
        if log.first_at and log.last_at and log.unread <= max_unread_share * log.lines
    ]
    rows = [row for row in facts.rows(UseDay, system) if row.day in window and row.requests > 0]
    human = [row for row in rows if row.agent_class == "human"]
    clients = [
        row
        for row in facts.rows(UseClient, system)
        if row.agent_class == "human" and row.last_at.astimezone(zone).date() in window
    ]
    told = [row.writes for row in human if row.writes is not None]
    return Use(
        window=window,
        known=frozenset(_covered(window, spans)),
        human=frozenset(row.day for row in human),
        script=frozenset(row.day for row in rows if row.agent_class == "script"),
        clients=len({row.client for row in clients}),
        last_human=max((r.day for r in facts.rows(UseDay, system) if r.agent_class == "human"), default=None),
        writes=sum(told) if told or not human else None,
        cites=(*logs[-1:], *human[-1:], *clients[-1:]),
    )


def _covered(window: Window, spans: Iterable[tuple[date, date]]) -> set[date]:
    """Return the days that logs span wholly: inside one, or where one ends and the next begins.

    The next begins on the same day, or, where logs are rotated at midnight, on the day after.
    """
    inside: set[date] = set()
    begun: set[date] = set()
    ended: set[date] = set()
    for first, last in spans:
        inside.update(window.cut(first + DAY, last - DAY))
        begun.add(first)
        ended.add(last)
    met = (ended & begun) | {day for day in ended if day + DAY in begun} | {day for day in begun if day - DAY in ended}
    edges = {day for day in met if day in window}
    return inside | {day for day in edges if {day - DAY, day + DAY} & (inside | edges)}
