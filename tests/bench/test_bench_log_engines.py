"""DuckDB and Spark run the same SQL and must give the same rows; Spark is an extra and takes its time to start."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import log_lines
import pytest

from egov.facts import Unread, UseClient, UseDay, UseLog
from egov.facts.store import read_table
from egov.facts.tables import row_data

sys.path.append(str(Path(__file__).parents[1] / "collect"))
pytestmark = pytest.mark.bench


def rows(folder: Path, paths: list[Path], *, spark: bool) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that an engine makes of these logs, but for the moment of collection."""
    from log_city import taken  # noqa: PLC0415 - its folder is on the path only here

    taken(folder, *paths, spark=spark)
    found = {}
    for table in (UseDay, UseClient, UseLog, Unread):
        data = [row_data(row) for row in read_table(folder / "evidence", table)]
        left_out = {"collected_at"} | ({"observed_at"} if table in {Unread, UseLog} else set())
        found[table.__name__] = [{name: row[name] for name in row.keys() - left_out} for row in data]
    return found


def test_duckdb_and_spark_agree_to_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On every odd line there is a test of, every format, and 200,000 lines of people, probes and scanners."""
    pytest.importorskip("pyspark", reason="needs the extra: pip install 'egov[spark]', and Java 17")
    from test_log_formats import SAME  # noqa: PLC0415 - the same
    from test_logs import HOSTILE, READABLE, line, write  # noqa: PLC0415 - the same

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    quoted = [name for name in SAME if "co" in name]
    odd = write(tmp_path / "odd", [text for odd in {**HOSTILE, **READABLE}.values() for text in (odd, line())])
    paths = [odd, *(write(tmp_path / name, SAME[name]) for name in (*quoted, "w3c", "json", "haproxy"))]
    log_lines.write(tmp_path / "large", 200_000)

    duckdb, spark = (rows(tmp_path / str(flag), [*paths, tmp_path / "large"], spark=flag) for flag in (False, True))

    assert duckdb == spark
    assert 100 < len(duckdb["UseClient"])
