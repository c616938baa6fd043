"""The same SQL on Spark: the way past one machine. An extra (`pip install egov[spark]`, Java 17)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from egov.collect.logs.engine import GROUPED, ODD, SAMPLES, STAGES, Known, Reach, Taking
from egov.collect.logs.formats import Layout
from egov.collect.logs.reading import LogText
from egov.collect.logs.sql import Clock, statement
from egov.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parser.escapedStringLiterals": "true",  # a backslash is a backslash, as in DuckDB
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
}


class SparkEngine:
    """Spark, local or wherever SPARK_MASTER and spark-defaults.conf lead; files must be readable from there."""

    def __init__(self, work: Path, clock: Clock, known: Known) -> None:
        try:
            from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra
        except ImportError:
            message = "--engine spark needs pyspark and Java 17: pip install 'egov[spark]'"
            raise UsageError(message) from None

        self._work, self._clock, self._scanner = work, clock, known.scanner
        builder = SparkSession.builder.appName("egov collect logs")
        for name, value in _SETTINGS.items():
            builder = builder.config(name, value)
        self._spark: SparkSession = builder.getOrCreate()
        self._spark.sparkContext.setLogLevel("ERROR")
        for function in statement("spark", {}, clock).split(";"):
            if function.strip():
                self._spark.sql(function)
        self._table("own", "address string", [(address,) for address in known.own])
        self._table("own_hosts", "system string, client string", known.own_hosts)
        self._table("proxies", "address string", [(address,) for address in known.proxies])
        self._settled: list[Path] = []

    def close(self) -> None:
        """Stop the session."""
        self._spark.stop()

    def load(self, number: int, log: LogText, layout: Layout, place: str) -> Reach | None:
        """Group the requests of one file, and return what it covers; None if no line of it is a request."""
        parts = {**layout.parts, "file": str(number), "place": place, "lines": "odd_lines"}
        self._view(log)
        self._stored(f"once-{number}", self._statement("once", parts)).createOrReplaceTempView("once")
        self._spark.sql(ODD).createOrReplaceTempView("odd_lines")
        grouped = GROUPED.format(zone=parts["usual_zone"], odd=self._statement("odd", parts))
        self._spark.sql(grouped).createOrReplaceTempView("grouped")
        settled = self._statement("settled", {**parts, "groups": "grouped"})
        self._stored(f"settled-{number}", settled).createOrReplaceTempView("settled")
        self._settled.append(self._work / f"settled-{number}")
        (row,) = self._spark.sql(self._statement("reach", parts)).collect()
        return Reach(row[0], _naive(row[1]), _naive(row[2])) if row[0] else None

    def unread(self, log: LogText, layout: Layout) -> list[str]:
        """Return some of the lines, of the file loaded last, that are no request."""
        for among in ("odd_lines", "lines"):
            query = self._statement("unread", {**layout.parts, "lines": among, "samples": str(SAMPLES)})
            if found := self._spark.sql(query).collect():
                return [log.as_written(row[0]) for row in found]
        return []

    def settle(self, taking: Taking) -> None:
        """Work out clients and classes of all loaded files."""
        self._table("taking", "file int, place string, system string", taking)
        self._spark.read.parquet(*map(str, self._settled)).createOrReplaceTempView("settled")
        for name in STAGES:
            self._spark.sql(self._statement(name, self._scanner)).cache().createOrReplaceTempView(name)

    def write(self, table: str, target: Path) -> None:
        """Write one of TABLES as Parquet."""
        folder = target.with_suffix(".spark")
        self._spark.sql(self._statement(table, {})).coalesce(1).write.parquet(str(folder))
        (part,) = folder.glob("part-*.parquet")
        part.rename(target)
        shutil.rmtree(folder)

    def requests(self, number: int, log: LogText, layout: Layout, place: str, target: Path) -> None:
        """Refuse: requests one by one are DuckDB's."""
        raise NotImplementedError

    def _view(self, log: LogText) -> None:
        self._spark.read.option("lineSep", "\n").text(str(log.readable(self._work))).createOrReplaceTempView(
            "whole_lines"
        )
        query = "select rtrim('\r', value) as line, 1 as n from whole_lines where value not in ('', '\r')"
        self._spark.sql(query).createOrReplaceTempView("lines")

    def _statement(self, name: str, parts: Mapping[str, str]) -> str:
        return statement(name, parts, self._clock)

    def _stored(self, name: str, query: str) -> DataFrame:
        """Return what a query gives, written down: it is not worked out again."""
        target = str(self._work / name)
        self._spark.sql(query).write.parquet(target)
        return self._spark.read.parquet(target)

    def _table(self, name: str, schema: str, rows: Sequence[Sequence[object]]) -> None:
        self._spark.createDataFrame([tuple(row) for row in rows], schema).createOrReplaceTempView(name)


def _naive(value: datetime) -> datetime:
    """Return a moment that Spark gives in the process's own zone as UTC without a zone, as DuckDB gives it."""
    return value.astimezone(UTC).replace(tzinfo=None)
