"""Resource traces become days: each format read by what it is, gaps kept as gaps, what a trace lacks left null."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from build import binding, duty, law
from life_build import IDLE, Life

from egov.collect.metrics import Trace, read, take_in
from egov.errors import CollectionError, UsageError
from egov.facts import Facts, ResourceDay, Unread
from egov.facts.store import read_table

SHARED = Path(__file__).parents[3] / "shared" / "data" / "bitbrains-small"
START = datetime(2018, 12, 3, 16, tzinfo=UTC)  # midnight in the city

_GWA_COLUMNS = (
    "Timestamp [ms]",
    "CPU cores",
    "CPU capacity provisioned [MHZ]",
    "CPU usage [MHZ]",
    "CPU usage [%]",
    "Memory capacity provisioned [KB]",
    "Memory usage [KB]",
    "Disk read throughput [KB/s]",
    "Disk write throughput [KB/s]",
    "Network received throughput [KB/s]",
    "Network transmitted throughput [KB/s]",
)
GWA = (
    ";\t".join(_GWA_COLUMNS)
    + """
1543852800;\t4;\t11703.99;\t1170.4;\t10.0;\t1000;\t250;\t0.0;\t2.0;\t1.0;\t3.0
1543853100;\t4;\t11703.99;\t1170.4;\t30.0;\t1000;\t250;\t0.0;\t2.0;\t1.0;\t3.0
oops;\t4
"""
)
SADF = """# hostname;interval;timestamp;CPU;%user;%nice;%system;%iowait;%steal;%idle
h1;600;2018-12-03 16:10:01 UTC;-1;5.00;0.00;5.00;0.00;0.00;90.00
h1;600;2018-12-03 16:20:01 UTC;-1;5.00;0.00;5.00;0.00;0.00;70.00
# hostname;interval;timestamp;IFACE;rxpck/s;txpck/s;rxkB/s;txkB/s
h1;600;2018-12-03 16:10:01 UTC;lo;1;1;9.00;9.00
h1;600;2018-12-03 16:10:01 UTC;eth0;1;1;1.00;3.00
"""
PROMETHEUS = json.dumps(
    {
        "status": "success",
        "data": {
            "resultType": "matrix",
            "result": [
                {
                    "metric": {"instance": "10.0.0.2:9100"},
                    "values": [[1543852800, "0.1"], [1543852860, "0.3"], [1543852920, "NaN"]],
                }
            ],
        },
    }
)
CLOUDWATCH = json.dumps(
    {
        "Label": "NetworkOut",
        "Datapoints": [
            {"Timestamp": "2018-12-03T16:05:00Z", "Sum": 3000.0, "Unit": "Bytes"},
            {"Timestamp": "2018-12-03T16:00:00Z", "Sum": 1000.0, "Unit": "Bytes"},
            {"Timestamp": "2018-12-03T16:10:00Z", "Average": 1.0, "Unit": "Bytes"},
        ],
    }
)


def city() -> Life:
    """Return a city with a host h1 at 10.0.0.2 that carries system s1."""
    build = Life()
    build.runs("s1", "h1")
    return build


def taken(folder: Path, name: str, text: str, trace: Trace) -> tuple[list[ResourceDay], int]:
    """Return the days that a file becomes, and the number of its lines that were unread."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    take_in(folder / "evidence", city().city(), [path], trace)
    rows = [row for row in read_table(folder / "evidence", ResourceDay) if isinstance(row, ResourceDay)]
    return rows, len(list(read_table(folder / "evidence", Unread)))


@pytest.mark.parametrize(
    ("name", "text", "trace", "expected"),
    [
        pytest.param("h1.csv", GWA, Trace(), (2, 600.0, 0.3, 0.25, 4 * 600 * 1024.0, 1), id="GWA-T-12"),
        pytest.param("sa.csv", SADF, Trace(), (2, 600.0, 0.3, None, 4 * 600 * 1024.0, 0), id="sadf"),
        pytest.param("p.json", PROMETHEUS, Trace(measure="cpu"), (2, 120.0, 0.3, None, None, 1), id="Prometheus"),
        pytest.param("c.json", CLOUDWATCH, Trace(host="h1"), (2, 600.0, None, None, 4000.0, 1), id="CloudWatch"),
        pytest.param(
            "bare.txt",
            "10\n\n30\nx\n",
            Trace("h1", "cpu", "percent", START, 300),
            (2, 600.0, 0.3, None, None, 1),
            id="bare values, one not taken, one no number",
        ),
    ],
)
def test_each_format_is_read(
    tmp_path: Path,
    name: str,
    text: str,
    trace: Trace,
    expected: tuple[int, float, float | None, float | None, float | None, int],
) -> None:
    """Samples, seconds seen, 95th percentile, memory, bytes, unread lines: in the city's day, 4 December."""
    (day,), unread = taken(tmp_path, name, text, trace)

    assert date(2018, 12, 4) == day.day
    assert pytest.approx(day.cpu_p95_ratio) == expected[2]
    assert pytest.approx(day.network_bytes) == expected[4]
    assert expected == (
        day.samples,
        day.covered_seconds,
        expected[2],
        day.memory_mean_ratio,
        expected[4],
        unread,
    )


def test_a_gap_is_not_covered(tmp_path: Path) -> None:
    """A sample stands for the usual pace, not for the hours until the next one."""
    stamps = [1543852800 + 300 * n for n in (0, 1, 2, 100, 101)]
    lines = [f"{stamp};\t4;\t1;\t1;\t1.0;\t1000;\t250;\t0;\t0;\t0;\t0" for stamp in stamps]
    (day,), _ = taken(tmp_path, "h1.csv", GWA.splitlines()[0] + "\n" + "\n".join(lines), Trace())

    assert 5 * 300.0 == day.covered_seconds


@pytest.mark.parametrize(
    ("text", "trace", "error"),
    [
        pytest.param("what is this?\n", Trace(), CollectionError, id="no format"),
        pytest.param('{"status":1,"data":{"resultType":"matrix"}}', Trace(measure="cpu"), CollectionError, id="broken"),
        pytest.param(PROMETHEUS, Trace(), UsageError, id="of what?"),
        pytest.param(SADF.replace("h1;", "nobody;"), Trace(), UsageError, id="no such host"),
        pytest.param("PAR1", Trace(), CollectionError, id="Parquet without its meta"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, text: str, trace: Trace, error: type[Exception]) -> None:
    """Nothing is guessed: no format, no measure, no host, no capacity."""
    path = tmp_path / ("t.parquet" if text == "PAR1" else "t")
    path.write_text(text, encoding="utf-8")

    with pytest.raises(error):
        take_in(tmp_path / "evidence", city().city(), [path], trace)

    assert not (tmp_path / "evidence").exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference traces are not beside this repository")
def test_bitbrains_shows_why_idle_is_no_verdict(tmp_path: Path) -> None:
    """50 real machines: 12 never exceed 5 %, 35 have a 95th percentile below. By processor alone most would be idle.

    The trace has no network figures, so the mandate's rule decides no limb as idle; those that are busy are in use.
    """
    build = Life()
    trace = read(SHARED / "trace.parquet", Trace(), build.city())
    by_host: dict[str, list[float]] = {}
    for sample in trace.samples:
        by_host.setdefault(sample.host, []).append(sample.value)
    for host in by_host:
        build.runs(f"s-{host}", host)
    take_in(tmp_path, build.city(), [SHARED / "trace.parquet"], Trace())

    def outcomes(**over: object) -> dict[str, int]:
        facts = Facts.of_store(build.city(), date(2013, 9, 10), tmp_path)
        rows = [row for host in build.city().hosts.values() for row in facts.rows(ResourceDay, host)]
        build.rows = list(rows)
        rule = {**IDLE, "window_days": 28, **over}
        found = build.judged(law(duty("R25", binding("zombie-idle", **rule))), as_of=date(2013, 9, 10)).findings
        return {verdict: sum(f.verdict == verdict for f in found) for verdict in ("violation", "pass", "undetermined")}

    assert (276_979, 50) == (len(trace.samples), len(by_host))
    assert 12 == sum(max(values) <= 0.05 for values in by_host.values())
    alone, both = outcomes(needs=("cpu",)), outcomes()
    print(f"idle by processor alone: {alone}; with network figures asked for: {both}")  # noqa: T201
    assert alone["violation"] >= 20
    assert (0, alone["pass"]) == (both["violation"], both["pass"])


def test_days_are_the_citys(tmp_path: Path) -> None:
    """A sample of 15:59 UTC is of the day before in the city."""
    start = START - timedelta(minutes=5)
    rows, _ = taken(tmp_path, "bare.txt", "1\n1\n", Trace("h1", "cpu", "ratio", start, 300))

    assert [date(2018, 12, 3), date(2018, 12, 4)] == [row.day for row in rows]
