"""Resource traces → days of a host's use (ResourceDay). What a format is taken for is said; what it lacks stays null.

Read are: GWA-T-12 (Bitbrains) CSV, Parquet with id, timestamp, duration and cpu_usage (opendc) beside its meta.parquet,
`sadf -d` of sysstat, a Prometheus range query's answer, a CloudWatch statistic, and one value per line.
"""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any
from zoneinfo import ZoneInfo

from egov.city import City
from egov.city.load import unknown
from egov.errors import CollectionError, UsageError
from egov.facts import ResourceDay, RunWriter, Unread
from egov.facts.store import connection

MEASURES = ("cpu", "memory", "network", "disk")
UNITS = {"ratio": 1.0, "percent": 0.01, "bytes-per-second": 1.0, "kilobytes-per-second": 1000.0}
_DAY_SECONDS = 86_400.0
_KIB = 1024.0
_SECONDS_UNTIL = 1e11  # the year 5138: a larger stamp counts milliseconds


@dataclass(frozen=True, slots=True)
class Trace:
    """What the caller says of files that do not say it: host, measure and unit of bare values, their start and pace."""

    host: str | None = None
    measure: str | None = None
    unit: str = "ratio"
    start: datetime | None = None
    interval: float = 300.0


@dataclass(frozen=True, slots=True)
class Sample:
    """A measure of a host at a moment (UTC) that stands for some seconds: ratio, or bytes a second."""

    host: str
    measure: str
    at: datetime
    seconds: float
    value: float


@dataclass
class Reading:
    """Samples of one file, what it was taken for, and lines that could not be read."""

    taken_for: str
    samples: list[Sample] = field(default_factory=list)
    unread: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What a run of traces took in: what each file (or measure) was read as, days per host, unread lines."""

    run: str
    files: Mapping[str, str]
    days: dict[str, int]
    unread: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"run": self.run, "files": dict(self.files), "days": self.days, "unread": self.unread}


def take_in(evidence: Path, city: City, paths: Sequence[Path], trace: Trace) -> TakenIn:
    """Take traces in as one run; UsageError for a host that is not described, CollectionError for no known format."""
    if len({path.name for path in paths}) < len(paths):
        message = "two files of one name cannot be kept in one run; rename one"
        raise UsageError(message)
    now = datetime.now(UTC)
    readings = {path: read(path, trace, city) for path in paths}
    samples = [sample for reading in readings.values() for sample in reading.samples]
    for host in sorted({sample.host for sample in samples}):
        if host not in city.hosts:
            what = "host"
            raise unknown(what, host, city.hosts)
    source = ", ".join(f"{path.name} ({reading.taken_for})" for path, reading in readings.items())
    rows = days(samples, ZoneInfo(city.profile.timezone), now, source)
    with RunWriter.begin(evidence, "metrics", [f"egov collect metrics {path.name}" for path in paths], now) as run:
        for path, reading in readings.items():
            run.raw(path.name, path.read_bytes())
            for line, text, reason in reading.unread:
                run.add(unread_row(path.name, line, text, reason, now))
        for row in rows:
            run.add(row)
    counts: dict[str, int] = defaultdict(int)
    for row in rows:
        counts[row.host] += 1
    taken = {path.name: reading.taken_for for path, reading in readings.items()}
    return TakenIn(run.id, taken, dict(counts), sum(len(reading.unread) for reading in readings.values()))


def unread_row(place: str, line: int, text: str, reason: str, now: datetime) -> Unread:
    """Return what could not be read, and where it stands."""
    where = f"{place} line {line}"
    return Unread(
        observed_at=now, collected_at=now, source=where, place=place, line=line, text=text[:500], reason=reason
    )


def days(samples: Sequence[Sample], zone: ZoneInfo, now: datetime, source: str) -> list[ResourceDay]:
    """Return one row per host and day of the zone; a measure it lacks is null. Covered: by all of them."""
    grouped: dict[tuple[str, date], dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        grouped[sample.host, sample.at.astimezone(zone).date()][sample.measure].append(sample)
    return [_day(host, day, by, now, source) for (host, day), by in sorted(grouped.items())]


def _day(host: str, day: date, by: dict[str, list[Sample]], now: datetime, source: str) -> ResourceDay:
    cpu = sorted(sample.value for sample in by.get("cpu", ()))
    memory = [sample.value for sample in by.get("memory", ())]
    total = {
        name: sum(sample.value * sample.seconds for sample in by[name]) if name in by else None
        for name in ("network", "disk")
    }
    last = max(sample.at for found in by.values() for sample in found)
    return ResourceDay(
        host=host,
        day=day,
        samples=max(len(found) for found in by.values()),
        covered_seconds=min(_DAY_SECONDS, *(_covered(found) for found in by.values())),
        cpu_mean_ratio=fmean(cpu) if cpu else None,
        cpu_p95_ratio=cpu[math.ceil(0.95 * len(cpu)) - 1] if cpu else None,
        cpu_max_ratio=cpu[-1] if cpu else None,
        memory_mean_ratio=fmean(memory) if memory else None,
        network_bytes=total["network"],
        disk_bytes=total["disk"],
        observed_at=min(last, now),
        collected_at=now,
        source=source,
    )


def _covered(samples: list[Sample]) -> float:
    """Return the seconds that samples stand for; two of one moment (received, sent) stand for it once."""
    return sum({sample.at: sample.seconds for sample in samples}.values())


def read(path: Path, trace: Trace, city: City) -> Reading:
    """Return the samples of a file; CollectionError if it is none of the formats, with what it begins with."""
    if path.suffix == ".parquet":
        return _parquet(path, trace)
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise CollectionError(message) from None
    for begins, reader in _READERS:
        if begins(text):
            try:
                return reader(text, trace, path, city)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                message = f"{path.name} looks like a trace but cannot be read: {error!r}"
                raise CollectionError(message) from None
    if trace.measure and trace.start:
        return _values(text, trace, path)
    message = (
        f"{path.name} is no trace that is known here (it begins {text[:40]!r}); "
        "of bare values say --host, --measure, --unit, --start and --interval"
    )
    raise CollectionError(message)


def _host(trace: Trace, path: Path, name: str | None = None) -> str:
    found = trace.host or name
    if found is None:
        message = f"{path.name} does not say whose it is; name the host with --host"
        raise UsageError(message)
    return found


def _parquet(path: Path, trace: Trace) -> Reading:
    """Read a trace of the opendc form: cpu_usage in MHz against cpu_capacity of meta.parquet beside it."""
    meta = path.with_name("meta.parquet")
    if not meta.is_file():
        message = f"{path.name} holds MHz; {meta.name} beside it must say of how many"
        raise CollectionError(message)
    query = """select t.id, t.timestamp, t.duration / 1000.0, t.cpu_usage / m.cpu_capacity
        from read_parquet($trace) t join read_parquet($meta) m using (id) where m.cpu_capacity > 0 order by all"""
    import duckdb  # noqa: PLC0415 - 0.1 s that only Parquet needs

    try:
        with connection() as database:
            rows = database.execute(query, {"trace": str(path), "meta": str(meta)}).fetchall()
    except duckdb.Error as error:
        message = f"{path.name}: {' '.join(str(error).split())[:200]}"
        raise CollectionError(message) from None
    reading = Reading("Parquet trace: id, timestamp, duration, cpu_usage; processor only")
    for name, at, seconds, value in rows:
        moment = at if at.tzinfo else at.replace(tzinfo=UTC)
        reading.samples.append(Sample(trace.host or str(name), "cpu", moment, float(seconds), float(value)))
    return reading


def _gwa(text: str, trace: Trace, path: Path, _city: City) -> Reading:
    """Read GWA-T-12 (Bitbrains): semicolons, milliseconds or seconds, percent of the processors, KB/s."""
    reading = Reading("GWA-T-12 CSV: processor, memory, disk, network")
    host = _host(trace, path, path.stem)
    rows = list(csv.DictReader((line.replace(";\t", ";") for line in text.splitlines()), delimiter=";"))
    stamps: list[datetime] = []
    for number, row in enumerate(rows, 2):
        cells = {str(name).strip().casefold(): cell for name, cell in row.items()}
        try:
            stamp = float(next(cell for name, cell in cells.items() if name.startswith("timestamp")))
            at = datetime.fromtimestamp(stamp / 1000 if stamp > _SECONDS_UNTIL else stamp, UTC)
            values = {
                "cpu": [float(cells["cpu usage [%]"]) / 100],
                "memory": _ratio(cells.get("memory usage [kb]"), cells.get("memory capacity provisioned [kb]")),
                "disk": [_KIB * float(cells[f"disk {way} throughput [kb/s]"]) for way in ("read", "write")],
                "network": [
                    _KIB * float(cells[f"network {way} throughput [kb/s]"]) for way in ("received", "transmitted")
                ],
            }
        except (KeyError, StopIteration, TypeError, ValueError) as error:
            reading.unread.append((number, str(row), f"not a row of the trace: {error!r}"))
            continue
        stamps.append(at)
        reading.samples += [Sample(host, name, at, 0.0, sum(found)) for name, found in values.items() if found]
    return _paced(reading, stamps, trace.interval)


def _ratio(part: Any, whole: Any) -> list[float]:  # noqa: ANN401 - cells
    return [float(part) / float(whole)] if part and whole and float(whole) > 0 else []


def _paced(reading: Reading, stamps: list[datetime], default: float) -> Reading:
    """Give each sample the seconds it stands for: to the next one, but not more than the usual pace (the median)."""
    ordered = sorted(set(stamps))
    gaps = [(after - before).total_seconds() for before, after in pairwise(ordered)]
    pace = median(gaps) if gaps else default
    stands = dict(zip(ordered, [*(min(gap, pace) for gap in gaps), pace], strict=True))
    reading.samples = [Sample(s.host, s.measure, s.at, stands[s.at], s.value) for s in reading.samples]
    return reading


def _sadf(text: str, trace: Trace, path: Path, _city: City) -> Reading:
    """Read `sadf -d` (processor, or -- -n DEV): `# hostname;interval;timestamp;…`, one header per block."""
    reading = Reading("sysstat sadf -d")
    header: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            header = line.lstrip("# ").split(";")
            continue
        if not line.strip() or "LINUX-RESTART" in line:
            continue
        cells = dict(zip(header, line.split(";"), strict=False))
        try:
            at = datetime.fromisoformat(cells["timestamp"].replace(" UTC", "+00:00"))
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            reading.samples += _sadf_samples(cells, _host(trace, path, cells.get("hostname")), at)
        except (KeyError, ValueError) as error:
            reading.unread.append((number, line, f"not a row of sadf: {error!r}"))
    return reading


def _sadf_samples(cells: dict[str, str], host: str, at: datetime) -> Iterator[Sample]:
    seconds = float(cells["interval"])
    if "%idle" in cells and cells.get("CPU") in {"-1", "all"}:
        yield Sample(host, "cpu", at, seconds, 1 - float(cells["%idle"]) / 100)
    if "rxkB/s" in cells and cells.get("IFACE") != "lo":
        yield Sample(host, "network", at, seconds, _KIB * (float(cells["rxkB/s"]) + float(cells["txkB/s"])))
    if "%memused" in cells:
        yield Sample(host, "memory", at, seconds, float(cells["%memused"]) / 100)


def _prometheus(text: str, trace: Trace, path: Path, city: City) -> Reading:
    if trace.measure is None:
        message = f"{path.name} does not say what it measures; say --measure and --unit"
        raise UsageError(message)
    return range_query(json.loads(text), trace, city)


def range_query(answer: Any, trace: Trace, city: City) -> Reading:  # noqa: ANN401 - as JSON has it
    """Read the answer of /api/v1/query_range: one series per host, told by --host or its instance's name or address."""
    reading = Reading(f"Prometheus range query, taken for {trace.measure} in {trace.unit}")
    known = {a: host.id for host in city.hosts.values() for i in host.interfaces for a in (i.address, i.ipv6) if a}
    for number, series in enumerate(answer["data"]["result"], 1):
        instance = str(series.get("metric", {}).get("instance", "")).rpartition(":")[0].strip("[]")
        host = trace.host or known.get(instance) or instance
        if not host:
            reading.unread.append((number, json.dumps(series.get("metric")), "names no instance; say --host"))
            continue
        part = Reading("")
        for stamp, value in series["values"]:
            amount = float(value)
            if not math.isfinite(amount):  # NaN: Prometheus had nothing to divide
                reading.unread.append((number, f"{stamp} {value}", "no number"))
                continue
            at = datetime.fromtimestamp(float(stamp), UTC)
            part.samples.append(Sample(host, str(trace.measure), at, 0.0, amount * UNITS[trace.unit]))
        reading.samples += _paced(part, [s.at for s in part.samples], trace.interval).samples
    return reading


_CLOUDWATCH = {
    "CPUUtilization": ("cpu", 0.01),
    "NetworkIn": ("network", 1.0),
    "NetworkOut": ("network", 1.0),
    "DiskReadBytes": ("disk", 1.0),
    "DiskWriteBytes": ("disk", 1.0),
}


def _cloudwatch(text: str, trace: Trace, path: Path, _city: City) -> Reading:
    """Read a CloudWatch statistic: its label says the measure; bytes are a period's total (Sum)."""
    data = json.loads(text)
    label = str(data.get("Label"))
    if label not in _CLOUDWATCH:
        message = f"{path.name} is of {label}; read are {', '.join(_CLOUDWATCH)}"
        raise CollectionError(message)
    measure, factor = _CLOUDWATCH[label]
    wanted = "Average" if measure == "cpu" else "Sum"
    reading = Reading(f"CloudWatch {label} ({wanted})")
    host = _host(trace, path)
    for number, point in enumerate(data["Datapoints"], 1):
        if wanted not in point:
            reading.unread.append((number, json.dumps(point), f"no {wanted}"))
            continue
        at = datetime.fromisoformat(str(point["Timestamp"]))
        reading.samples.append(Sample(host, measure, at, 0.0, float(point[wanted]) * factor))
    _paced(reading, [s.at for s in reading.samples], trace.interval)
    if measure != "cpu":
        reading.samples = [Sample(s.host, s.measure, s.at, s.seconds, s.value / s.seconds) for s in reading.samples]
    return reading


def _values(text: str, trace: Trace, path: Path) -> Reading:
    """Read one value per line, from --start on, one every --interval seconds; an empty line is a sample not taken."""
    reading = Reading(f"one value per line, {trace.measure} in {trace.unit}, every {trace.interval:g} s")
    host = _host(trace, path)
    assert trace.start is not None  # noqa: S101 - for mypy: `read` asked
    for number, line in enumerate(text.splitlines()):
        at = trace.start + number * timedelta(seconds=trace.interval)
        if not line.strip():
            continue
        try:
            value = float(line) * UNITS[trace.unit]
        except ValueError:
            reading.unread.append((number + 1, line, "no number"))
            continue
        reading.samples.append(Sample(host, str(trace.measure), at, trace.interval, value))
    return reading


_Reader = Callable[[str, Trace, Path, City], Reading]
_READERS: tuple[tuple[Callable[[str], bool], _Reader], ...] = (
    (lambda text: text.lstrip('"').casefold().startswith("timestamp [") and ";" in text[:200], _gwa),
    (lambda text: text.startswith("# hostname;interval;timestamp"), _sadf),
    (lambda text: text.startswith("{") and '"resultType"' in text[:200], _prometheus),
    (lambda text: text.startswith("{") and '"Datapoints"' in text, _cloudwatch),
)
