"""The probes' answers of one host → facts, with one row of Coverage per table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from egov.collect import parse, parse_backup, parse_calls, parse_certificates
from egov.collect.frames import Answer
from egov.facts import (
    BackupCopy,
    CallWatch,
    Certificate,
    Coverage,
    Fact,
    FileCopyRead,
    HardwareSerial,
    InterfaceAddress,
    Listener,
    LogFile,
    Mount,
    Neighbour,
    OperatingSystem,
    PackageState,
    RefusedCall,
    ResourceUse,
    RestoreTest,
    Route,
    Ruleset,
    ServiceState,
    Unread,
    UserAccount,
    WalArchived,
)
from egov.facts.tables import columns, tables

Answers = Mapping[str, Answer]
_KEPT_OF_A_LINE = 500
_MOST = 2**63
ABSENT = "absent"  # the host lacks a program that not every server has: nothing is known, and nothing went wrong


@dataclass(frozen=True, slots=True)
class Reading:
    """How one table comes about: the probes that can supply it (the first one answered counts) and what adds to it."""

    table: Callable[..., Fact]
    probes: Mapping[str, Callable[[str], parse.Found]]
    add: Callable[[list[parse.Row], Answers], None] = lambda _rows, _answers: None
    adds: tuple[str, ...] = ()
    optional: bool = False

    @property
    def name(self) -> str:
        """The table's name."""
        return str(getattr(self.table, "__name__", ""))


def _lines(parser: Callable[[str], parse.Row | None]) -> Callable[[str], parse.Found]:
    return lambda text: parse.rows_of(text, parser)


def _whole(parser: Callable[[str], parse.Row | None]) -> Callable[[str], parse.Found]:
    """Read an answer that makes one row; if it cannot be read, all of it is unread."""

    def read(text: str) -> parse.Found:
        try:
            row = parser(text)
        except (ValueError, LookupError, ArithmeticError) as error:
            return [], [(0, text, str(error) or type(error).__name__)]
        return ([row] if row is not None else []), []

    return read


def _text(answers: Answers, name: str) -> str:
    return answers[name].text if name in answers else ""


def _changed(rows: list[parse.Row], answers: Answers) -> None:
    changed = parse.dpkg_changed(_text(answers, "packages-changed"))
    for row in rows:
        row.setdefault("changed_at", changed.get(row["name"]) or changed.get(f"{row['name']}:{row['architecture']}"))


def _accounts(rows: list[parse.Row], answers: Answers) -> None:
    passwords = parse.passwords(_text(answers, "passwords"))
    for row in rows:
        row["password"] = passwords.get(row["user"], "unknown")
    logins = parse.last_logins(_text(answers, "last-logins"))
    for row in rows:
        row["last_login_at"] = logins.get(row["user"])


def _sizes(rows: list[parse.Row], answers: Answers) -> None:
    sizes = parse.disks(_text(answers, "disks"))
    for row in rows:
        if row["path"] in sizes:
            row["size_bytes"], row["used_bytes"] = sizes[row["path"]]


def _macs(rows: list[parse.Row], answers: Answers) -> None:
    macs = parse.link_addresses(_text(answers, "links"))
    for row in rows:
        row["mac"] = macs.get(row["interface"])


def _boot(rows: list[parse.Row], answers: Answers) -> None:
    words = _text(answers, "boot").split()
    for row in rows:
        row["booted_at"] = parse.moment(words[1]) if len(words) > 1 and words[1].isdigit() else None


READINGS = (
    Reading(OperatingSystem, {"system": _whole(parse.system)}, _boot, ("boot",)),
    Reading(
        PackageState,
        {"packages": _lines(parse.dpkg), "packages-rpm": _lines(parse.rpm)},
        _changed,
        ("packages-changed",),
    ),
    Reading(ServiceState, {"services": _lines(parse.service)}),
    Reading(Listener, {"listeners": _lines(parse.listener), "listeners-proc": _lines(parse.listener_proc)}),
    Reading(UserAccount, {"users": _lines(parse.user)}, _accounts, ("last-logins",)),
    Reading(ResourceUse, {"resources": _whole(parse.resources)}),
    Reading(Mount, {"mounts": _lines(parse.mount)}, _sizes),
    Reading(Route, {"routes": _lines(parse.route)}),
    Reading(InterfaceAddress, {"addresses": _lines(parse.address)}, _macs),
    Reading(Ruleset, {"ruleset": _whole(parse.ruleset)}, optional=True),
    Reading(RefusedCall, {"ruleset": parse_calls.calls}, optional=True),
    Reading(CallWatch, {"ruleset": parse_calls.watches}, optional=True),
    Reading(Neighbour, {"neighbours": _lines(parse.neighbour)}),
    Reading(HardwareSerial, {"hardware": _whole(parse.hardware)}),
    Reading(Certificate, {"certificates": parse_certificates.certificates}, optional=True),
    Reading(BackupCopy, {"backups": parse_backup.backups}, optional=True),
    Reading(WalArchived, {"wal": _lines(parse_backup.wal)}, optional=True),
    Reading(RestoreTest, {"restores": _lines(parse_backup.restore)}, optional=True),
    Reading(FileCopyRead, {"file-reads": _lines(parse_backup.file_read)}, optional=True),
    Reading(LogFile, {"logs": _lines(parse.log_file)}),
)


def _held(rows: list[parse.Row], table: str) -> parse.Found:
    """Part rows the store can hold from those with a number that no such counter has (beyond 64 bits, no number)."""
    numbers = _numbers(table)
    if not numbers:
        return rows, []
    kept: list[parse.Row] = []
    odd: list[parse.UnreadLine] = []
    for row in rows:
        wrong = [name for name in numbers if not -_MOST < (row.get(name) or 0) < _MOST]
        if wrong:
            odd.append((0, str(row), f"no plausible number: {', '.join(wrong)}"))
        else:
            kept.append(row)
    return kept, odd


@cache
def _numbers(table: str) -> tuple[str, ...]:
    return tuple(name for name, (kind, _) in columns(tables()[table]).items() if kind in {"BIGINT", "DOUBLE"})


def facts(
    host: str, answers: Answers, observed_at: datetime, collected_at: datetime, *, complete: bool = True
) -> Iterator[Fact]:
    """Yield the facts of one host: rows, lines that could not be read, and for each table how far it is covered.

    *complete* says that the script came to its end: only then does a probe without an answer tell of the host.
    """
    times: dict[str, Any] = {"observed_at": observed_at, "collected_at": collected_at}
    for reading in READINGS:
        name = next((probe for probe in reading.probes if probe in answers), None)
        covered = {**times, "source": f"{host}: {name or '-'}", "table": reading.name, "host": host}
        if name is None:
            reason = "the host has no program for it" if complete else "the answer breaks off before it"
            yield Coverage(**covered, status=ABSENT if complete and reading.optional else "failed", reason=reason)
            continue
        answer = answers[name]
        rows, unread = reading.probes[name](answer.text)
        reason = answer.problem
        try:
            reading.add(rows, answers)
        except ValueError as error:
            unread.append((0, _text(answers, reading.adds[0]) if reading.adds else "", str(error)))
        rows, odd = _held(rows, reading.name)
        unread += odd
        common = {**times, "source": f"{host}: {name}", "host": host}
        made = [reading.table(**common, **row) for row in rows]
        yield from made
        for line, text, why in unread:
            yield Unread(**common, place=name, line=line, text=text[:_KEPT_OF_A_LINE], reason=why)
        if answer.code == 0 and not unread:
            yield Coverage(**covered, status="ok")
        else:
            status = "timeout" if reason == "timeout" else "partial" if made else "failed"
            yield Coverage(**covered, status=status, reason=reason or f"{len(unread)} line(s) unread")
