"""The use of systems over all runs, as `egov facts usage` says it: SQL over the Parquet files of the store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from egov.facts.store import connection, runs
from egov.facts.tables import Fact, Unread, columns
from egov.facts.usage import UseClient, UseDay, UseLog

AGENT_CLASSES = ("human", "search_bot", "scanner", "monitor", "script", "self")
# Samples are to show what kind of line is not read; the store has all that were kept.
_SAMPLES = 20

_LOGS = """
select system, cast(sum(lines) as bigint) as lines, cast(sum(unread) as bigint) as unread,
    min(first_at) as covered_from, max(last_at) as covered_until
from UseLog group by system order by system"""
_CLASSES = "select system, agent_class, cast(sum(requests) as bigint) as requests from UseDay group by all"
_CLIENTS = "select system, count(distinct client) as clients from UseClient where agent_class = 'human' group by all"
_DAYS = """
select system, day, cast(sum(requests) as bigint) as requests, min(first_at) as first_at, max(last_at) as last_at
from UseDay where agent_class = 'human' group by all order by system, day"""
_UNREAD = """
select distinct log.system, u.place, u.line, u.text, u.reason
from Unread as u join UseLog as log on log.path = u.place and log.run = u.run
order by all"""


def usage(evidence: Path, as_of: date) -> list[dict[str, Any]]:
    """Return per system with a log, in order of id, what its logs say up to the end of *as_of* (UTC).

    Lines are those of the files, also where a file serves several systems. Days are the city's.
    """
    with connection() as database:
        until = datetime.combine(as_of + timedelta(days=1), time(), UTC)
        for table in (UseDay, UseClient, UseLog, Unread):
            _view(database, table, evidence, until)
        found = {row["system"]: row | _nothing() for row in _rows(database, _LOGS)}
        for row in _rows(database, _CLASSES):
            found[row["system"]]["by_agent_class"][row["agent_class"]] = row["requests"]
        for row in _rows(database, _CLIENTS):
            found[row["system"]]["human_clients"] = row["clients"]
        for row in _rows(database, _DAYS):
            system = found[row["system"]]
            system["human_by_day"][row["day"].isoformat()] = row["requests"]
            system["first_human"] = min(filter(None, (system["first_human"], row["first_at"])))
            system["last_human"] = max(filter(None, (system["last_human"], row["last_at"])))
        for row in _rows(database, _UNREAD):
            samples = found[row.pop("system")]["unread_samples"]
            if len(samples) < _SAMPLES:
                samples.append(row)
    return [{name: _text(value) for name, value in system.items()} for system in found.values()]


def _nothing() -> dict[str, Any]:
    return {
        "unread_samples": [],
        "by_agent_class": dict.fromkeys(AGENT_CLASSES, 0),
        "human_clients": 0,
        "first_human": None,
        "last_human": None,
        "human_by_day": {},
    }


def _text(value: Any) -> Any:  # noqa: ANN401 - a cell
    return value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value


def _view(database: Any, table: type[Fact], evidence: Path, until: datetime) -> None:  # noqa: ANN401 - a connection
    """Make the rows of a table in all runs a view of its name; an empty one where there are none."""
    name = table.__name__
    files = [str(path) for run in runs(evidence) if (path := run / "facts" / f"{name}.parquet").exists()]
    cells = ", ".join(f"null::{kind} as {column}" for column, (kind, _) in columns(table).items())
    empty = f"select ''::varchar as run, {cells} where false"
    if not files:
        database.execute(f"create view {name} as {empty}")
        return
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    database.execute(
        f"create view {name} as {empty} union all by name "  # noqa: S608 - paths of our own, quoted
        f"select parse_path(filename)[-3] as run, * exclude (filename) from read_parquet([{listed}], "
        f"union_by_name = true, filename = true) where observed_at < timestamp '{until:%Y-%m-%d}'"
    )


def _rows(database: Any, query: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - a connection
    found = database.execute(query)
    names = [column[0] for column in found.description]
    return (dict(zip(names, row, strict=True)) for row in found.fetchall())
