"""Observed rows about the use of systems: who asked for what, on which day, told from access logs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from egov.facts.tables import Fact, column


@dataclass(frozen=True, slots=True, kw_only=True)
class UseDay(Fact):
    """The requests of one class of agents to a system on one day."""

    about: ClassVar[dict[str, str]] = {"systems": "system"}

    system: str = column("System id")
    day: date = column("Day in the city's time zone")
    agent_class: str = column("human | search_bot | scanner | monitor | script | self")
    requests: int = column("Requests")
    clients: int = column("Distinct client addresses on that day")
    logins: int | None = column("Logins, where the log tells them", default=None)
    writes: int | None = column("Requests that change something, where the log tells them", default=None)
    first_at: datetime = column("First request of the day (UTC)")
    last_at: datetime = column("Last request of the day (UTC)")


@dataclass(frozen=True, slots=True, kw_only=True)
class UseClient(Fact):
    """One client of a system over all its logs: how many there are is the reach of its use."""

    about: ClassVar[dict[str, str]] = {"systems": "system"}

    system: str = column("System id")
    client: str = column("Client address")
    agent_class: str = column("human | search_bot | scanner | monitor | script | self")
    requests: int = column("Requests")
    days: int = column("Days with a request")
    first_at: datetime = column("First request (UTC)")
    last_at: datetime = column("Last request (UTC)")


@dataclass(frozen=True, slots=True, kw_only=True)
class UseLog(Fact):
    """One log file taken in: what it covers. Days without use are proved only by a log that covers them."""

    about: ClassVar[dict[str, str]] = {"systems": "system"}

    system: str = column("System id")
    path: str = column("File")
    content_sha256: str = column("SHA-256 of the file's bytes")
    log_format: str = column("Format, and why it was taken for that")
    lines: int = column("Lines in the file, from `from_byte` on")
    unread: int = column("Lines that could not be read")
    first_at: datetime | None = column("First request (UTC)", default=None)
    last_at: datetime | None = column("Last request (UTC)", default=None)
    text_sha256: str | None = column("SHA-256 of the uncompressed text up to its last line end", default=None)
    text_bytes: int | None = column("Length of that text, bytes", default=None)
    from_byte: int = column("Where reading began: before it stands what an earlier run had read of this log", default=0)
