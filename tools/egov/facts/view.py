"""Facts: the evidence as of a day, bound to the city it is evidence of. What checks read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from egov.city.fields import Item
from egov.city.load import kinds
from egov.city.model import City
from egov.facts.store import read_table
from egov.facts.tables import Coverage, Fact

Row = TypeVar("Row", bound=Fact)
Made = TypeVar("Made")


class NotObserved(Exception):  # noqa: N818 - it is no error: the runner turns it into `undetermined`
    """Raised by `Facts` when nobody observed what a check needs; `missing` names it."""

    def __init__(self, missing: Iterable[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(", ".join(self.missing))


class Facts:
    """Observed rows up to the end of *as_of* (UTC), read table by table when first asked for."""

    def __init__(self, city: City, as_of: date, read: Callable[[type[Fact]], Iterable[Fact]]) -> None:
        self.city = city
        self.as_of = as_of
        self._read = read
        self._until = datetime.combine(as_of + timedelta(days=1), time(), UTC)
        self._tables: dict[tuple[type[Fact], str], dict[str | None, list[Fact]]] = {}
        self._made: dict[Hashable, Any] = {}

    @classmethod
    def of_store(cls, city: City, as_of: date, evidence: Path) -> Facts:
        """Return the facts of an evidence store."""
        return cls(city, as_of, lambda table: read_table(evidence, table))

    @classmethod
    def of_rows(cls, city: City, as_of: date, rows: Iterable[Fact]) -> Facts:
        """Return facts held in memory."""
        kept = list(rows)
        return cls(city, as_of, lambda table: (row for row in kept if type(row) is table))

    def rows(self, table: type[Row], subject: Item | None = None) -> list[Row]:
        """Return all rows of *table* (of one subject), oldest first. Empty is not proof of absence: ask `covered`."""
        field_name = "" if subject is None else table.about[kind_of(subject)]
        key = (cast("type[Fact]", table), field_name)
        if key not in self._tables:
            grouped: dict[str | None, list[Fact]] = defaultdict(list)
            observed = (row for row in self._read(table) if row.observed_at < self._until)
            for row in sorted(observed, key=lambda row: (row.observed_at, row.run, row.row)):
                grouped[getattr(row, field_name) if field_name else None].append(row)
            self._tables[key] = grouped
        return cast("list[Row]", self._tables[key].get(subject.id if subject else None, []))

    def latest(self, table: type[Row], subject: Item) -> Row:
        """Return the newest row of a subject; NotObserved if there is none."""
        found = self.rows(table, subject)
        if not found:
            raise NotObserved([table.__name__])
        return found[-1]

    def snapshot(self, table: type[Row], subject: Item) -> list[Row]:
        """Return the rows of the newest run that covered *table* for the subject fully; NotObserved if none did."""
        run = self._covering(table, subject)
        if run is None:
            raise NotObserved([table.__name__])
        return [row for row in self.rows(table, subject) if row.run == run.run]

    def covered(self, table: type[Fact], subject: Item, window: timedelta | None = None) -> bool:
        """Say whether the newest collection covered *table* for the subject, at most *window* before the as-of day."""
        row = self._covering(table, subject)
        return row is not None and (window is None or row.observed_at >= self._until - window)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return what *make* returns, made once for these facts: what looks at the whole city, for every subject."""
        if key not in self._made:
            self._made[key] = make()
        return cast("Made", self._made[key])

    def _covering(self, table: type[Fact], subject: Item) -> Coverage | None:
        rows = (row for row in self.rows(Coverage, subject) if row.table == table.__name__ and row.status == "ok")
        return max(rows, key=lambda row: (row.observed_at, row.run), default=None)


def kind_of(item: Any) -> str:  # noqa: ANN401 - any described thing
    """Return the plural kind of a described thing, `city` for the city itself."""
    if isinstance(item, City):
        return "city"
    return next(kind for kind, model in kinds().items() if isinstance(item, model))
