"""What runs the SQL: DuckDB by default, on disk beyond its share of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from egov.collect.logs.formats import Layout
from egov.collect.logs.reading import LogText
from egov.collect.logs.sql import Clock, statement

if TYPE_CHECKING:
    import duckdb

# Lines are cut into as many pieces as a log with seven escaped quotes has.
PIECES = 16
SAMPLES = 20
_MEMORY = "400MB"  # of DuckDB's own buffers; the rest of its memory is what each thread reads
_MEMORY_OF_REQUESTS = "1GB"  # row groups of long texts do not spill
STAGES = ("agents", "scanners", "classed")
TABLES = ("use_day", "use_client")


@dataclass(frozen=True, slots=True)
class Reach:
    """What a file covers: its requests to whichever system, the first and the last of them (UTC)."""

    requests: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What the description knows of clients."""

    own: Sequence[str]  # addresses whose requests are the city's own probes
    own_hosts: Sequence[tuple[str, str]]  # system, address of a host that carries it
    proxies: Sequence[str]  # described hosts: only of these is the forwarded address believed


Taking = Sequence[tuple[int, str, str]]  # file, place in it, system


class Engine(Protocol):
    """What takes log texts in by the SQL files. Both engines give the same rows."""

    def load(self, number: int, log: LogText, layout: Layout, place: str) -> Reach | None:
        """Group the requests of one file, and return what it covers; None if no line of it is a request.

        *place* is the SQL of what tells systems apart in it.
        """

    def unread(self, log: LogText, layout: Layout) -> list[str]:
        """Return some of the file's lines that are no request."""

    def settle(self, taking: Taking) -> None:
        """Work out clients and classes of all loaded files."""

    def write(self, table: str, target: Path) -> None:
        """Write one of TABLES as Parquet."""

    def requests(self, number: int, log: LogText, layout: Layout, place: str, target: Path) -> None:
        """Write the settled requests of one file as typed Parquet, each with its agent class."""

    def close(self) -> None:
        """Let go of what the engine holds."""


class DuckEngine:
    """DuckDB in a file of its own, for the groups may outgrow memory."""

    def __init__(self, work: Path, clock: Clock, known: Known) -> None:
        import duckdb  # noqa: PLC0415 - 0.1 s that only evidence needs

        self._clock = clock
        self._database: duckdb.DuckDBPyConnection = duckdb.connect(str(work / "groups.duckdb"))
        for setting in (
            "enable_progress_bar = false",  # it would be written to stdout
            "timezone = 'UTC'",
            f"memory_limit = '{_MEMORY}'",
            f"temp_directory = '{work / 'spill'}'",
            "preserve_insertion_order = false",
        ):
            self._database.execute(f"set {setting}")
        self._database.execute(statement("duckdb", {}, clock))
        self._table("own", ("address",), [(address,) for address in known.own])
        self._table("own_hosts", ("system", "client"), known.own_hosts)
        self._table("proxies", ("address",), [(address,) for address in known.proxies])
        self._grouped = False

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def load(self, number: int, log: LogText, layout: Layout, place: str) -> Reach | None:
        """Group the requests of one file, and return what it covers; None if no line of it is a request."""
        self._view(log, layout)
        query = statement("groups", {"file": str(number), "place": place}, self._clock)
        self._database.execute(f"{'insert into groups' if self._grouped else 'create table groups as'} {query}")
        self._grouped = True
        settled = self._settled(f"(select * from groups where file = {number})")  # noqa: S608 - a number of our own
        row = self._database.execute(statement("reach", {"settled": f"({settled})"}, self._clock)).fetchone()
        return Reach(*(value for value in row)) if row and row[0] else None

    def unread(self, log: LogText, layout: Layout) -> list[str]:
        """Return some of the file's lines that are no request."""
        self._view(log, layout)
        query = statement("unread", {"samples": str(SAMPLES)}, self._clock)
        return [log.as_written(line) for (line,) in self._database.execute(query).fetchall()]

    def settle(self, taking: Taking) -> None:
        """Work out clients and classes of all loaded files."""
        self._table("taking", ("file", "place", "system"), taking)
        self._database.execute(f"create table settled as {self._settled('groups')}")
        for name in STAGES:
            self._database.execute(f"create table {name} as {statement(name, {}, self._clock)}")

    def write(self, table: str, target: Path) -> None:
        """Write one of TABLES as Parquet."""
        self._database.sql(statement(table, {}, self._clock)).write_parquet(str(target))

    def requests(self, number: int, log: LogText, layout: Layout, place: str, target: Path) -> None:
        """Write the settled requests of one file as typed Parquet, each with its agent class."""
        self._view(log, layout)
        self._database.execute(f"create table if not exists exceptions as {statement('exceptions', {}, self._clock)}")
        query = statement("requests", {"file": str(number), "place": place}, self._clock)
        name = str(target).replace("'", "''")
        self._database.execute(f"set memory_limit = '{_MEMORY_OF_REQUESTS}'")
        self._database.execute(
            f"copy ({query}) to '{name}' (format parquet, codec zstd, compression_level 1, row_group_size 40960)"
        )

    def _settled(self, groups: str) -> str:
        return statement("settled", {"groups": groups}, self._clock)

    def _view(self, log: LogText, layout: Layout) -> None:
        self._database.execute(f"create or replace temp view lines as {lines(log)}")
        query = statement("quoted", layout.parts, self._clock)
        self._database.execute(f"create or replace temp view requests as {query}")

    def _table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        kinds = ", ".join(f"{column} {'int' if column == 'file' else 'varchar'}" for column in columns)
        self._database.execute(f"create table {name} ({kinds})")
        if rows:
            marks = ", ".join("unnest(?)" for _ in columns)
            values = [list(column) for column in zip(*rows, strict=True)]
            self._database.execute(f"insert into {name} select {marks}", values)


def lines(log: LogText) -> str:
    """Return DuckDB's reading of a text: lines cut at their quotes.

    Not strict: a quote is a character like any other, and pieces beyond the last are left to be found odd.
    """
    columns = ", ".join(f"'p{n}': 'VARCHAR'" for n in range(1, PIECES + 1))
    path = str(log.text).replace("'", "''")
    return (
        f"select * from read_csv('{path}', columns = {{{columns}}}, delim = '\"', quote = '', escape = '', "  # noqa: S608
        "header = false, auto_detect = false, null_padding = true, strict_mode = false, nullstr = chr(2), "
        f"compression = 'none', encoding = '{log.encoding}')"
    )
