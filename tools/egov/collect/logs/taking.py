"""`egov collect logs`: access logs → use of systems, as one run. Each log is read once, whatever it is called later."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from egov.checks.zombies import ScannerRule
from egov.city import City
from egov.city.load import unknown
from egov.collect.logs.convert import converted
from egov.collect.logs.engine import DuckEngine, Engine, Known, Reach
from egov.collect.logs.formats import Layout, detect
from egov.collect.logs.reading import LogText, known_hash, read, remember
from egov.collect.logs.sql import Clock
from egov.errors import CollectionError, UsageError
from egov.facts import RunWriter, Unread, UseClient, UseDay, UseLog
from egov.facts.store import read_table

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PLACE = re.compile(r"/[^/?#\s']+\Z|[0-9A-Za-z.-]+\Z")


@dataclass(frozen=True, slots=True)
class Selection:
    """A system and what of a log is its own: all, a first part of the path (`/permits`), or a virtual host."""

    system: str
    place: str = ""

    @property
    def key(self) -> str:
        """What the SQL calls the place."""
        return self.place.removeprefix("/") if self.place.startswith("/") else self.place.lower()

    @classmethod
    def parse(cls, text: str, city: City) -> Selection:
        """Read `ID` or `ID=PLACE`; UsageError if the system is not described or the place is none."""
        system, _, place = text.partition("=")
        if system not in city.systems:
            what = "system"
            raise unknown(what, system, city.systems)
        if "=" in text and not _PLACE.match(place):
            message = f"{text}: after = stands a first part of the path, as /permits, or a host name"
            raise UsageError(message)
        return cls(system, place)


@dataclass(frozen=True, slots=True)
class TakenLog:
    """One log of a run, as its UseLog rows say; `earlier` where an earlier run holds it."""

    path: str
    layout: str
    lines: int
    requests: int
    unread: int
    notes: tuple[str, ...]
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of the logs; no run where every one of them had been read before."""

    run: str | None
    logs: tuple[TakenLog, ...]

    @property
    def unread(self) -> int:
        """Lines that could not be read."""
        return sum(log.unread for log in self.logs)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        names = ("path", "layout", "lines", "requests", "unread", "notes", "earlier")
        return {"run": self.run, "logs": [{name: getattr(log, name) for name in names} for log in self.logs]}


@dataclass(frozen=True, slots=True)
class _Job:
    """One file to be taken in: what was read of it, for which systems."""

    number: int
    name: str
    log: LogText
    layout: Layout
    place: str
    systems: tuple[Selection, ...]
    reach: Reach | None
    unread: int
    samples: tuple[tuple[int, str], ...]

    def taken(self) -> TakenLog:
        requests = self.reach.requests if self.reach else 0
        return TakenLog(self.name, str(self.layout), self.log.lines, requests, self.unread, self.log.notes)


@dataclass(frozen=True, slots=True)
class Options:
    """How to take logs in: a format they are taken for, the engine, whether requests are kept one by one, who scans."""

    named: str | None = None
    spark: bool = False
    requests: bool = False
    scanner: ScannerRule = field(default_factory=ScannerRule)
    called: Mapping[Path, str] = field(default_factory=dict)  # what files are called that were fetched from elsewhere

    def name(self, path: Path) -> str:
        """Return what evidence calls a file."""
        return self.called.get(path, str(path))


def take_in(
    evidence: Path, city: City, selections: Sequence[Selection], paths: Sequence[Path], how: Options = Options()
) -> Taken:
    """Take logs in as one run. CollectionError or UsageError, and no run, where a file is no log that can be read.

    Requests one by one are raw data of the run, as they name who asked for what: `egov facts expire` deletes them.
    """
    if how.spark and how.requests:
        message = "--requests is written by DuckDB; leave out --engine spark"
        raise UsageError(message)
    now, before = datetime.now(UTC), _Before.of_store(evidence)
    place = _place_sql(selections)
    jobs: list[_Job] = []
    old: list[TakenLog] = []
    with tempfile.TemporaryDirectory(prefix="egov-logs-") as folder:
        work = Path(folder)
        with closing(_engine(how, work, Clock(city.profile.timezone), _known(city, selections, how.scanner))) as engine:
            reader = _Reader(engine, work, before, selections, place, how, city.profile.timezone)
            for path in dict.fromkeys(paths):
                job = reader.job(len(jobs), path)
                if job is None or any(job.log.text_sha256 == other.log.text_sha256 for other in jobs):
                    old.append(TakenLog(how.name(path), "", 0, 0, 0, (), earlier=True))
                else:
                    jobs.append(job)
            if not jobs:
                return Taken(None, tuple(old))
            engine.settle([(job.number, chosen.key, chosen.system) for job in jobs for chosen in job.systems])
            run = _write(evidence, engine, jobs, now, work, how)
    return Taken(run, (*(job.taken() for job in jobs), *old))


def _engine(how: Options, work: Path, clock: Clock, known: Known) -> Engine:
    if not how.spark:
        return DuckEngine(work, clock, known)
    from egov.collect.logs.spark import SparkEngine  # noqa: PLC0415 - an extra that few have

    return SparkEngine(work, clock, known)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one file after another into the engine."""

    engine: Engine
    work: Path
    before: _Before
    selections: Sequence[Selection]
    place: str
    how: Options
    timezone: str

    def job(self, number: int, path: Path) -> _Job | None:
        """Read one file and group its requests; None if every system has had it before."""
        name = self.how.name(path)
        if not self.before.wanting(self.selections, known_hash(path)):
            return None
        log = read(path, self.work, self.before.prefixes(self.selections))
        if path not in self.how.called:
            remember(path, log.content_sha256)
        systems = self.before.wanting(self.selections, log.content_sha256, log.text_sha256)
        if not systems or (log.from_byte and not log.lines):
            return None
        layout = detect(name, log.sample(), self.how.named)
        if layout.family != "quoted":
            log = converted(log, layout.family, self.timezone, self.work)
        reach = self.engine.load(number, log, layout, self.place)
        unread = log.lines - (reach.requests if reach else 0)
        if unread < 0:
            message = f"{name}: {log.lines} lines, but {log.lines - unread} requests were read from them"
            raise CollectionError(message)
        samples = self.engine.unread(log, layout) if unread else []
        found = tuple(zip(log.line_numbers(samples), samples, strict=True))
        if log.text != path and not self.how.requests:
            log.text.unlink()
        return _Job(number, name, log, layout, self.place, systems, reach, unread, found)


def _place_sql(selections: Sequence[Selection]) -> str:
    """Return the SQL of what tells the systems of a log apart; UsageError where they are chosen in several ways."""
    ways = {"" if not chosen.place else chosen.place[:1] == "/" for chosen in selections}
    alike = len(ways) == 1 and len({chosen.key for chosen in selections}) == len(selections)
    if not alike:
        message = "several systems of one log are told apart by a first part of the path each, or by a host each"
        raise UsageError(message)
    if ways == {""}:
        return "''"
    return "{first_of_path}" if ways == {True} else "lower(split_part(host, ':', 1))"


@dataclass(frozen=True, slots=True)
class _Before:
    """What earlier runs have taken in, by system."""

    hashes: Mapping[str, frozenset[str | None]]
    texts: Mapping[str, Mapping[int, str]]

    @classmethod
    def of_store(cls, evidence: Path) -> _Before:
        hashes: dict[str, set[str | None]] = defaultdict(set)
        texts: dict[str, dict[int, str]] = defaultdict(dict)
        for row in read_table(evidence, UseLog):
            log = cast("UseLog", row)
            hashes[log.system] |= {log.content_sha256, log.text_sha256}
            if log.text_bytes and log.text_sha256:
                texts[log.system][log.text_bytes] = log.text_sha256
        return cls({system: frozenset(found) for system, found in hashes.items()}, texts)

    def wanting(self, selections: Sequence[Selection], *digests: str | None) -> tuple[Selection, ...]:
        """Return the systems that have not had a file of any of these hashes."""
        known = set(digests) - {None}
        return tuple(chosen for chosen in selections if not known & self.hashes.get(chosen.system, frozenset()))

    def prefixes(self, selections: Sequence[Selection]) -> dict[int, str]:
        """Return length and hash of the texts that all these systems have had."""
        had = [set(self.texts.get(chosen.system, {}).items()) for chosen in selections]
        return dict(set.intersection(*had)) if had else {}


def _known(city: City, selections: Sequence[Selection], scanner: ScannerRule) -> Known:
    """Return whose requests are the city's own (hosts that probe, and that carry a system), and who is a scanner."""
    own = [*_LOOPBACK, *city.probing_addresses]
    carried = {
        (chosen.system, address)
        for chosen in selections
        for component in city.systems[chosen.system].components
        for address in city.addresses(city.hosts[component.host])
    }
    proxies = sorted({*_LOOPBACK, *(address for host in city.hosts.values() for address in city.addresses(host))})
    return Known(own, sorted(carried), proxies, {name: str(value) for name, value in scanner})


def _write(evidence: Path, engine: Engine, jobs: Sequence[_Job], now: datetime, work: Path, how: Options) -> str:
    commands = [
        f"egov collect logs --system {' '.join(chosen.system for chosen in job.systems)} {Path(job.name).name}"
        for job in jobs
    ]
    commands.append(f"scanners: {how.scanner}")
    with RunWriter.begin(evidence, "logs", commands, now) as writer:
        for name, table in (("use_day", UseDay), ("use_client", UseClient)):
            engine.write(name, work / f"{name}.parquet")
            writer.add_rows(table, work / f"{name}.parquet", collected_at=now, source=f"{len(jobs)} access logs")
        for job in jobs:
            if how.requests:
                target = writer.folder / "raw" / f"requests-{job.number}.parquet"
                target.parent.mkdir(exist_ok=True)
                engine.requests(job.number, job.log, job.layout, job.place, target)
            for chosen in job.systems:
                writer.add(_use_log(job, chosen, now))
            for row in _unread(job, now):
                writer.add(row)
    return writer.id


def _use_log(job: _Job, chosen: Selection, now: datetime) -> UseLog:
    log, reach = job.log, job.reach
    first_at, last_at = (reach.first_at, reach.last_at) if reach else (None, None)
    return UseLog(
        observed_at=last_at or now, collected_at=now, source=job.name, system=chosen.system, path=job.name,
        content_sha256=log.content_sha256, log_format=str(job.layout), lines=log.lines, unread=job.unread,
        first_at=first_at, last_at=last_at, text_sha256=log.text_sha256, text_bytes=log.text_bytes,
        from_byte=log.from_byte,
    )  # fmt: skip


def _unread(job: _Job, now: datetime) -> Iterator[Unread]:
    place = job.name
    for line, text in sorted(job.samples):
        reason = f"is no line of {job.layout.name} with a time, a client and a status"
        yield Unread(observed_at=now, collected_at=now, source=place, place=place, line=line, text=text, reason=reason)
    for note in job.log.notes:
        yield Unread(observed_at=now, collected_at=now, source=place, place=place, line=0, text="", reason=note)
