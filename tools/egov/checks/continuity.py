"""R02 容灾备份中心, 二(一)2: the same-city pair, backups and their age, restores and drills, where the copies lie."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any, Protocol

from pydantic import Field

from egov.checks.registry import Judgement, NoParameters, check, judge, undetermined
from egov.city import Continuity, Host, System
from egov.city.fields import Part
from egov.facts import BackupCopy, DrillResult, Facts, FileCopyRead, RestoreTest, WalArchived
from egov.render.database import ARCHIVE, DATABASE, REPOSITORY

_CENTRE = {"cloud", "moved-hardware"}


def in_centre(system: System, _facts: Facts) -> bool:
    """Say whether the system runs in the municipal data centre."""
    return system.placement in _CENTRE


@check("same-city-pair", of=System, when=in_centre, outcomes=("paired", "no-pair"))
def same_city_pair(system: System, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """A system in the centre has a part that stands in the backup centre (「同城备份中心」)."""
    if not system.components:
        return undetermined(["System.components"])
    hosts = [facts.city.hosts[component.host] for component in system.components]
    kinds = {host.id: facts.city.zones[host.zone].kind for host in hosts}
    pair = sorted(name for name, kind in kinds.items() if kind == "backup")
    return judge(bool(pair), hosts=sorted(kinds), pair=pair)


class AgeParameters(Part):
    """Greatest age of what is newest, hours."""

    max_hours: float = Field(gt=0)


def keeps_backups(host: Host, _facts: Facts) -> bool:
    """Say whether the host is a backup repository."""
    return REPOSITORY in host.roles


def _end(facts: Facts) -> datetime:
    return datetime.combine(facts.as_of + timedelta(days=1), time(), UTC)


@check("backup-age", of=Host, when=keeps_backups, outcomes=("fresh", "stale"))
def backup_age(host: Host, facts: Facts, p: AgeParameters) -> Judgement:
    """The newest backup without faulty pages is young enough when it was looked at; a repository without any is not."""
    found = [row for row in facts.snapshot(BackupCopy, host) if not row.faulty]
    if not found:
        return judge(False, "none", max_hours=p.max_hours)
    newest = max(found, key=lambda row: row.finished_at)
    hours = round((newest.observed_at - newest.finished_at).total_seconds() / 3600, 1)
    return judge(hours <= p.max_hours, cites=[newest], label=newest.label, hours=hours, max_hours=p.max_hours)


class WalParameters(Part):
    """Greatest age of the newest WAL segment, minutes."""

    max_minutes: float = Field(gt=0)


@check("wal-age", of=Host, when=keeps_backups, outcomes=("fresh", "stale"))
def wal_age(host: Host, facts: Facts, p: WalParameters) -> Judgement:
    """The newest WAL segment had arrived a short time before it was looked at: what a restore would lose at most."""
    found = facts.snapshot(WalArchived, host)
    if not found:
        return judge(False, "none", max_minutes=p.max_minutes)
    oldest = min(found, key=lambda row: row.archived_at)
    minutes = round((oldest.observed_at - oldest.archived_at).total_seconds() / 60, 1)
    return judge(minutes <= p.max_minutes, cites=[oldest], minutes=minutes, max_minutes=p.max_minutes)


class RestoreParameters(Part):
    """Copies that are to be restored, and greatest age of the test of each, days."""

    copies: tuple[str, ...] = Field(min_length=1)
    max_days: int = Field(ge=1)


@check("restore-test", of=Host, when=keeps_backups, outcomes=("restored", "stale"))
def restore_test(host: Host, facts: Facts, p: RestoreParameters) -> Judgement:
    """Each copy was restored lately, came back without a bad block, and nothing in its repository was damaged."""
    newest = {row.copy: row for row in facts.rows(RestoreTest, host)}
    if missing := [copy for copy in p.copies if copy not in newest]:
        return undetermined([f"RestoreTest {copy}" for copy in missing], cites=newest.values())
    rows = [newest[copy] for copy in p.copies]
    broken = [row.copy for row in rows if row.bad_blocks or row.damaged]
    days = max((_end(facts) - row.tested_at).days for row in rows)
    shown: dict[str, Any] = {"copies": list(p.copies), "days": days, "max_days": p.max_days, "broken": broken}
    if any(row.bad_blocks is None for row in rows):
        return undetermined(["RestoreTest.bad_blocks"], cites=rows, **shown)
    if broken:
        return judge(False, "damaged", cites=rows, **shown)
    return judge(days <= p.max_days, cites=rows, **shown)


class FileParameters(Part):
    """Places that files go to, greatest age of the newest copy (hours), and of the reading of any part (days)."""

    copies: tuple[str, ...] = Field(min_length=1)
    max_hours: float = Field(gt=0)
    max_days: int = Field(ge=1)


def backs_up_files(host: Host, _facts: Facts) -> bool:
    """Say whether the description names files of the host that are backed up."""
    return host.backup is not None


@check("file-copies", of=Host, when=backs_up_files, outcomes=("whole", "unread"))
def file_copies(host: Host, facts: Facts, p: FileParameters) -> Judgement:
    """Every part of each copy was read back lately, none was damaged, and the newest copy was young when it was."""
    newest = {(row.copy, row.part): row for row in facts.rows(FileCopyRead, host) if row.copy in p.copies}
    rows = [newest[key] for key in sorted(newest)]
    if broken := [row for row in rows if row.damaged]:
        return judge(False, "damaged", cites=broken, copies=sorted({row.copy for row in broken}))
    parts = {row.copy: range(1, row.parts + 1) for row in rows}
    if missing := [copy for copy in p.copies if any((copy, n) not in newest for n in parts.get(copy, [1]))]:
        return undetermined([f"FileCopyRead {copy}" for copy in missing], cites=rows)
    last = {row.copy: row for row in sorted(rows, key=lambda row: row.read_at)}
    hours = [round((r.read_at - r.newest_at).total_seconds() / 3600, 1) if r.newest_at else None for r in last.values()]
    shown: dict[str, Any] = {"copies": list(p.copies), "max_hours": p.max_hours, "max_days": p.max_days}
    if None in hours:
        return judge(False, "none", cites=last.values(), **shown)
    oldest = max(age for age in hours if age is not None)
    shown |= {"hours": oldest, "days": max((_end(facts) - row.read_at).days for row in rows)}
    if oldest > p.max_hours:
        return judge(False, "stale", cites=last.values(), **shown)
    return judge(shown["days"] <= p.max_days, cites=rows, **shown)


class DrillParameters(Part):
    """Drills that are to be run, and greatest age of each, days."""

    drills: tuple[str, ...] = Field(min_length=1)
    max_days: int = Field(ge=1)


def keeps_data(system: System, facts: Facts) -> bool:
    """Say whether the system keeps data on a host of the database, or has objectives that something must prove."""
    hosts = (facts.city.hosts[component.host] for component in system.components)
    return system.continuity is not None or any(DATABASE in host.roles for host in hosts)


@check("drill-result", of=System, when=keeps_data, outcomes=("kept", "missed"))
def drill_result(system: System, facts: Facts, p: DrillParameters) -> Judgement:
    """The newest run of every drill kept the system's objectives; one never run proves nothing, one long ago little."""
    wanted = system.continuity
    if wanted is None:
        return undetermined(["System.continuity"])
    newest = {row.drill: row for row in facts.rows(DrillResult) if row.drill in p.drills}
    rows = [newest[name] for name in p.drills if name in newest]
    level = f"GB/T 20988-{wanted.edition} {wanted.level}"
    shown: dict[str, Any] = {"level": level, "rpo_seconds": wanted.rpo_seconds, "rto_seconds": wanted.rto_seconds}
    if bad := [row for row in rows if not row.problems and kept(row, wanted, row.recovery) is False]:
        return judge(False, cites=bad, drills=[r.drill for r in bad], **_worst(bad), **shown)
    if missing := [name for name in p.drills if name not in newest or newest[name].problems]:
        return undetermined([f"egov drill run {name}" for name in missing], cites=rows, **shown)
    if any(kept(row, wanted, row.recovery) is None for row in rows):
        return undetermined(["System.continuity.restore_seconds"], cites=rows, **shown)
    days = max((_end(facts) - row.observed_at).days for row in rows)
    outcome = None if days <= p.max_days else "overdue"
    return judge(
        outcome is None, outcome, cites=rows, drills=[r.drill for r in rows], days=days, **_worst(rows), **shown
    )


def _worst(rows: list[DrillResult]) -> dict[str, Any]:
    return {"rpo_s": max(row.rpo_s for row in rows), "gap_write_s": max(row.gap_write_s for row in rows)}


class Figures(Protocol):
    """What a drill measured, as its own report and as the row that the evidence store keeps have it."""

    @property
    def lost(self) -> int:
        """Acknowledged rows that are not there."""

    @property
    def duplicated(self) -> int:
        """Rows that are there more than once."""

    @property
    def reordered(self) -> int:
        """Rows out of their client's order."""

    @property
    def altered(self) -> int:
        """Rows with another content than was sent."""

    @property
    def foreign(self) -> int:
        """Rows that nobody sent, or that were refused."""

    @property
    def rpo_s(self) -> float:
        """Time from the recovery point to the last row that is lost, s."""

    @property
    def gap_write_s(self) -> float:
        """Longest time without an acknowledged write, s."""


def kept(figures: Figures, wanted: Continuity | None, recovery: str) -> bool | None:
    """Say whether a drill kept the objectives; None where nobody agreed on the one that it is held to.

    Rows that are doubled, disordered, altered or of nobody break them whatever they are. The time without writes is
    held to rto_seconds, or to restore_seconds where data comes back from a backup (*recovery* `restore`).
    """
    if figures.duplicated or figures.reordered or figures.altered or figures.foreign:
        return False
    if wanted is None:
        return None
    if figures.rpo_s > wanted.rpo_seconds or (figures.lost and not wanted.rpo_seconds):
        return False
    limit = wanted.restore_seconds if recovery == "restore" else wanted.rto_seconds
    return None if limit is None else figures.gap_write_s <= limit


def off_site(host: Host, facts: Facts) -> bool:
    """Say whether the host stands with the province, or archives elsewhere."""
    return facts.city.zones[host.zone].kind == "province" or ARCHIVE in host.roles


@check("off-site-data-only", of=Host, when=off_site, outcomes=("data-only", "application"))
def off_site_data_only(host: Host, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """The off-site copy lies with the province and is data only (「利用省政府数据中心进行异地数据备份」).

    An archive anywhere else is an off-site centre of one's own (「不再单独建设异地数据备份中心」).
    """
    if facts.city.zones[host.zone].kind != "province":
        return judge(False, "own-centre", zone=host.zone)
    others = sorted({*host.roles} - {ARCHIVE})
    return judge(not others and bool(host.roles), roles=sorted(host.roles))
