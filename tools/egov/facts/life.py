"""Observed rows that tell whether a system lives: business done, resources taken, maintenance done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from egov.facts.tables import Fact, column


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessUse(Fact):
    """How often one function or matter of a system was used in a period, counted by the system or its database."""

    about: ClassVar[dict[str, str]] = {"systems": "system"}

    system: str = column("System id")
    item: str = column("Item of the function menu, or number of the matter")
    first_day: date = column("First day of the period counted")
    last_day: date = column("Last day of the period counted")
    transactions: int = column("Transactions, or calls of the function, in the period")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDay(Fact):
    """What a host used on one day, and how much of the day was seen. What was not measured is null, never 0."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    day: date = column("Day in the city's time zone")
    samples: int = column("Samples on that day")
    covered_seconds: float = column("Part of the day that samples stand for, s (at most 86,400)")
    cpu_mean_ratio: float | None = column("Mean use of all processors (0 to 1)", default=None)
    cpu_p95_ratio: float | None = column("95th percentile of that use over the samples", default=None)
    cpu_max_ratio: float | None = column("Largest sample of that use", default=None)
    memory_mean_ratio: float | None = column("Mean memory in use (0 to 1)", default=None)
    network_bytes: float | None = column("Received and sent in the covered part, bytes", default=None)
    disk_bytes: float | None = column("Read and written in the covered part, bytes", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSign(Fact):
    """The newest trace of one sort of maintenance of a system; no day says: looked for, and none found."""

    about: ClassVar[dict[str, str]] = {"systems": "system"}

    system: str = column("System id")
    sign: str = column("release | application-files | database-change | backup | administrator-login | work-order …")
    looked_from: date = column("Day back to which traces would have been found")
    last_day: date | None = column("Day of the newest trace; null where none was found", default=None)
    detail: str | None = column("What it was: version, file, number of the work order", default=None)
