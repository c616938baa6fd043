"""What runs the SQL: DuckDB by default, on disk beyond its share of memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from egov.collect.logs.formats import Layout
from egov.collect.logs.reading import LogText
from egov.collect.logs.sql import Clock, statement

if TYPE_CHECKING:
    import duckdb

SAMPLES = 20
_MEMORY = "400MB"  # of DuckDB's own buffers; the rest of its memory is what each thread reads
STAGES = ("agents", "scanners", "classed")
TABLES = ("use_day", "use_client")
ODD = "select odd as line, requests as n from once where odd is not null"
GROUPED = """
select place, client, forwarded, agent, day, '{zone}' as zone, part, requests, payloads, misses, logins, writes,
    first_clock, last_clock
from once where odd is null
union all ({odd})"""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a file covers: its requests to whichever system, the first and the last of them (UTC)."""

    requests: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What the description and the mandate know of clients."""

    own: Sequence[str]  # addresses whose requests are the city's own probes
    own_hosts: Sequence[tuple[str, str]]  # system, address of a host that carries it
    proxies: Sequence[str]  # described hosts: only of these is the forwarded address believed
    scanner: Mapping[str, str]  # the mandate's numbers, as scanners.sql names them


Taking = Sequence[tuple[int, str, str]]  # file, place in it, system


class Engine(Protocol):
    """What takes log texts in by the SQL files. Both engines give the same rows."""

    def load(self, number: int, log: LogText, layout: Layout, place: str) -> Reach | None:
        """Group the requests of one file, and return what it covers; None if no line of it is a request.

        *place* is the SQL of what tells systems apart in it.
        """

    def unread(self, log: LogText, layout: Layout) -> list[str]:
        """Return some of the lines, of the file loaded last, that are no request."""

    def settle(self, taking: Taking) -> None:
        """Work out clients and classes of all loaded files."""

    def write(self, table: str, target: Path) -> None:
        """Write one of TABLES as Parquet."""

    def requests(self, number: int, log: LogText, layout: Layout, place: str, target: Path) -> None:
        """Write the settled requests of one file as typed Parquet, each with its agent class."""

    def close(self) -> None:
        """Let go of what the engine holds."""


class DuckEngine:
    """DuckDB in memory, and on disk beyond its share of that."""

    def __init__(self, work: Path, clock: Clock, known: Known) -> None:
        import duckdb  # noqa: PLC0415 - 0.1 s that only evidence needs

        self._clock, self._work, self._scanner = clock, work, known.scanner
        self._database: duckdb.DuckDBPyConnection = duckdb.connect(":memory:")
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
        self._settled = False

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def load(self, number: int, log: LogText, layout: Layout, place: str) -> Reach | None:
        """Group the requests of one file, and return what it covers; None if no line of it is a request."""
        parts = {**layout.parts, "file": str(number), "place": place, "lines": "odd_lines"}
        self._run("create or replace temp view lines as", lines(log.readable(self._work)))
        self._run("create or replace temp table once as", self._statement("once", parts))
        self._run("create or replace temp view odd_lines as", ODD)
        grouped = GROUPED.format(zone=parts["usual_zone"], odd=self._statement("odd", parts))
        self._run("create or replace temp table grouped as", grouped)
        into = "insert into settled" if self._settled else "create table settled as"
        self._run(into, self._statement("settled", {**parts, "groups": "grouped"}))
        self._settled = True
        self._database.execute("drop table grouped")
        row = self._database.execute(self._statement("reach", parts)).fetchone()
        return Reach(*row) if row and row[0] else None

    def unread(self, log: LogText, layout: Layout) -> list[str]:
        """Return some of the lines, of the file loaded last, that are no request."""
        for among in ("odd_lines", "lines"):  # all lines only where the odd ones could be read after all
            query = self._statement("unread", {**layout.parts, "lines": among, "samples": str(SAMPLES)})
            if found := self._database.execute(query).fetchall():
                return [log.as_written(line) for (line,) in found]
        return []

    def settle(self, taking: Taking) -> None:
        """Work out the classes of all loaded files."""
        self._table("taking", ("file", "place", "system"), taking)
        for name in STAGES:
            self._run(f"create table {name} as", self._statement(name, self._scanner))

    def write(self, table: str, target: Path) -> None:
        """Write one of TABLES as Parquet."""
        self._database.sql(self._statement(table, {})).write_parquet(str(target))

    def requests(self, number: int, log: LogText, layout: Layout, place: str, target: Path) -> None:
        """Write the settled requests of one file as typed Parquet, each with its agent class."""
        self._run("create or replace temp view lines as", lines(log.readable(self._work)))
        parts = {**layout.parts, "file": str(number), "place": place, "lines": "lines"}
        query, name = self._statement("requests", parts), str(target).replace("'", "''")
        # The rows are looked up, the file streams by: its size is not known to the planner.
        self._database.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
        self._database.execute(
            f"copy ({query}) to '{name}' (format parquet, codec zstd, compression_level 1, row_group_size 40960)"
        )

    def _statement(self, name: str, parts: Mapping[str, str]) -> str:
        return statement(name, parts, self._clock)

    def _run(self, before: str, query: str) -> None:
        self._database.execute(f"{before} {query}")

    def _table(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        kinds = ", ".join(f"{column} {'int' if column == 'file' else 'varchar'}" for column in columns)
        self._database.execute(f"create table {name} ({kinds})")
        if rows:
            marks = ", ".join("unnest(?)" for _ in columns)
            values = [list(column) for column in zip(*rows, strict=True)]
            self._database.execute(f"insert into {name} select {marks}", values)


def lines(text: Path) -> str:
    """Return DuckDB's reading of a text in UTF-8: whole lines, for no character ends or quotes a column."""
    path = str(text).replace("'", "''")
    return (
        f"select line, 1 as n from read_csv('{path}', columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = '', "  # noqa: S608
        "escape = '', header = false, auto_detect = false, strict_mode = false, nullstr = '\x02', "
        "compression = 'none')"
    )
