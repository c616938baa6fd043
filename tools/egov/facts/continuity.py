"""Observed rows about surviving a disaster: backups, their restores, what drills measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from egov.facts.tables import Fact, column


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCopy(Fact):
    """A backup in a repository, as its own catalogue lists it, with the newest WAL that leads on from it."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id of the repository")
    stanza: str = column("Database it is of")
    label: str = column("Label of the backup")
    kind: str = column("full | diff | incr")
    finished_at: datetime = column("When it was complete (UTC)")
    size_bytes: int = column("Size of the database in it, bytes")
    faulty: bool = column("Whether pages with a wrong checksum were found while it was made")


@dataclass(frozen=True, slots=True, kw_only=True)
class WalArchived(Fact):
    """The newest WAL segment in a repository."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id of the repository")
    stanza: str = column("Database it is of")
    segment: str = column("Name of the file")
    archived_at: datetime = column("When it arrived (UTC)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreTest(Fact):
    """A backup that was restored where nothing leads to production, and read whole."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id of the repository")
    copy: str = column("same-city | off-site: where the restored copy lay")
    label: str = column("Label of the backup")
    tested_at: datetime = column("When the test began (UTC)")
    seconds: float = column("Time from its begin until all was read, s")
    restore_s: float | None = column("Time from the restore's begin until the database answered, s", default=None)
    recovery_point: datetime | None = column("Newest transaction in it (UTC)", default=None)
    tables: int = column("Tables read")
    rows_read: int = column("Rows read")
    bad_blocks: int | None = column("Blocks with a wrong checksum", default=None)
    damaged: int = column("Things that the reading of the whole repository found damaged")
    damaged_text: str = column("What was found damaged, the first few", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCopyRead(Fact):
    """A part of a host's file backups that was read back from where it lies, every byte of it."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id of the host whose files they are")
    copy: str = column("same-city | off-site: where the copy lies")
    part: int = column("Which part of the repository was read, from 1")
    parts: int = column("Parts that the whole repository has")
    read_at: datetime = column("When the reading began (UTC)")
    copies: int = column("Copies there were then")
    newest_at: datetime | None = column("When the newest of them was made (UTC)", default=None)
    damaged: int = column("Lines that tell of damage")
    damaged_text: str = column("What was found damaged, the first few", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult(Fact):
    """What one drill measured, by a ledger of acknowledged rows held against the rows there afterwards."""

    drill: str = column("Drill id")
    fault: str = column("process | host | link | site | storage | person | planned")
    cluster: str = column("Name of the database cluster")
    ended: str = column("How the procedure ended: done | undone | stuck | open")
    acked: int = column("Rows acknowledged")
    lost: int = column("Acknowledged rows that are not there")
    duplicated: int = column("Rows that are there more than once")
    reordered: int = column("Rows out of their client's order")
    altered: int = column("Rows with another content than was sent")
    foreign: int = column("Rows that nobody sent, or that were refused")
    gap_write_s: float = column("Longest time without an acknowledged write, s")
    gap_read_s: float | None = column("Longest time without an answered read, s", default=None)
    rpo_s: float = column("Time from the recovery point to the last acknowledgement that is lost, s; 0 if none is")
    recovery_point: datetime | None = column("Newest acknowledgement up to which nothing is lost (UTC)", default=None)
    recovery: str = column(
        "automatic | person (somebody had to act) | restore (data came back from a backup)", default="automatic"
    )
    seed: int | None = column("What chose the moment and length of the fault and the number of clients", default=None)
    problems: str = column("Why the figures may not be trusted; empty if they may", default="")
