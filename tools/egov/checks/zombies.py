"""R25 “僵尸”系统清理, 二(二)1: five limbs, each judged alone, and what they say together.

The text gives no number: every threshold is a parameter of the mandate. A limb is a concern only where what was *seen*
proves it, whatever the days and sources that nobody saw were like; see `egov.checks.windows`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from pydantic import Field

from egov.checks.registry import Judgement, check, judge, undetermined
from egov.checks.windows import Use, Window, use
from egov.city import System
from egov.city.fields import Part
from egov.city.model import Frequency, Scope
from egov.facts import Certificate, Facts, MaintenanceSign, PackageState, ProcessUse, ResourceUse

Share = Field(ge=0, le=1)


def in_service(system: System, _facts: Facts) -> bool:
    """Say whether the system is in the plan's scope and not retired yet."""
    return system.in_scope and system.placement != "retired"


class UseParameters(Part):
    """The window of 长期, longer for what is used in seasons, and how well logs must cover it."""

    window_days: int = Field(gt=0)
    seasonal: tuple[Frequency, ...] = ()
    seasonal_window_days: int = Field(gt=0)
    min_known_share: float = Share
    max_unread_share: float = Share

    def window(self, system: System, as_of: date) -> Window:
        """Return the window a system is judged by: what is declared to be used once a year is judged by more."""
        return Window.until(as_of, self.seasonal_window_days if system.frequency in self.seasonal else self.window_days)

    def seen(self, system: System, facts: Facts) -> Use:
        """Return the use of the system in its window, from logs."""
        return use(system, facts, self.window(system, facts.as_of), self.max_unread_share)


def of_window(window: Window, known_share: float) -> dict[str, Any]:
    """Return the facts that every limb shows: first and last day of its window, and the share of days known."""
    return {"window_from": window.first, "window_to": window.last, "known_share": round(known_share, 3)}


class ScannerRule(Part):
    """From when on a client, or one agent of it, is a scanner on a day, whatever it calls itself.

    Payloads, which only somebody sends who looks for a hole, or misses (400, 403, 404 asked for from no page): so many,
    and such a share of its requests. Applied when logs are taken in; what was taken in before stays as it was told.
    """

    min_payloads: int = Field(default=3, gt=0)
    min_payload_share: float = Field(default=0.5, gt=0, le=1)
    min_misses: int = Field(default=30, gt=0)
    min_miss_share: float = Field(default=0.8, gt=0, le=1)


class NarrowParameters(UseParameters):
    """From how many clients use is wide, from how many days with use a week it is frequent, and what is no use."""

    scanner: ScannerRule = ScannerRule()
    narrow_scopes: tuple[Scope, ...] = ()
    max_clients: int = Field(ge=0)
    min_days_per_week: float = Field(gt=0)


@check("zombie-narrow", of=System, when=in_service, outcomes=("in-use", "narrow-and-seldom"))
def zombie_narrow(system: System, facts: Facts, p: NarrowParameters) -> Judgement:
    """Z5 使用范围小、频度低: few clients or one section, *and* seldom. Monitors, scanners and robots are no use.

    Programs of other systems are: who serves them is in use though no person calls.
    """
    seen = p.seen(system, facts)
    weeks = seen.window.weeks
    enough = p.min_days_per_week * weeks
    shown = of_window(seen.window, seen.known_share) | {
        "clients": seen.clients,
        "use_days": len(seen.human),
        "script_days": len(seen.script),
        "last_human": seen.last_human,
        "max_clients": p.max_clients,
        "min_days_per_week": p.min_days_per_week,
    }
    if len(seen.script) >= enough:
        return judge(True, "serves-systems", cites=seen.cites, **shown)
    if seen.clients > p.max_clients and system.scope not in p.narrow_scopes:
        return judge(True, "wide", cites=seen.cites, **shown)
    if len(seen.human) >= enough:
        return judge(True, cites=seen.cites, **shown)
    if seen.known_share < p.min_known_share or len(seen.human) + seen.unknown >= enough:
        return undetermined(["UseLog"], cites=seen.cites, **shown)
    return judge(False, None if seen.human else "no-person", cites=seen.cites, **shown)


@check("zombie-process", of=System, when=in_service, outcomes=("in-process", "no-transactions"))
def zombie_process(system: System, facts: Facts, p: UseParameters) -> Judgement:
    """Z1 使用与实际业务流程长期脱节: no transaction of any live matter, or no live matter and nobody who works in it.

    Counted by the system or its database (ProcessUse); a function that was called counts where no matter is declared.
    """
    seen = p.seen(system, facts)
    window = seen.window
    live = [m.code for m in system.matters or () if m.live(facts.as_of)]
    rows = facts.rows(ProcessUse, system)
    counted = [row for row in rows if row.last_day >= window.first and row.first_day <= window.last]
    done = [row for row in counted if row.transactions > 0 and row.first_day >= window.first]
    functions = [item for item in system.functions or () if _never(item, counted, window, p)]
    shown = of_window(window, seen.known_share) | {
        "matters": live,
        "ended": [m.code for m in system.matters or () if not m.live(facts.as_of)],
        "transactions": sum(row.transactions for row in done),
        "uncalled": functions,
        "use_days": len(seen.human),
        "writes": seen.writes,
    }
    if done:
        return judge(True, cites=done[-3:], **shown)
    if system.matters is None:
        if system.functions and len(functions) == len(system.functions):
            return judge(False, "no-calls", cites=counted[-3:], **shown)
        return undetermined(["System.matters", "ProcessUse"], cites=counted[-3:], **shown)
    if live:
        open_ = [code for code in live if not _never(code, counted, window, p)]
        if open_:
            return undetermined(["ProcessUse"], cites=counted[-3:], **shown, unknown_matters=open_)
        return judge(False, cites=counted[-3:], **shown)
    if seen.human and seen.writes != 0:
        return judge(True, "used-without-matter", cites=seen.cites, **shown)
    if seen.known_share < p.min_known_share:
        return undetermined(["UseLog"], cites=seen.cites, **shown)
    return judge(False, "no-live-matter", cites=seen.cites, **shown)


def _never(item: str, rows: list[ProcessUse], window: Window, p: UseParameters) -> bool:
    """Say whether an item was counted in enough of the window, and never used."""
    mine = [row for row in rows if row.item == item]
    days = {day for row in mine for day in window.cut(row.first_day, row.last_day)}
    return not any(row.transactions for row in mine) and len(days) >= p.min_known_share * window.days


class MaintenanceParameters(Part):
    """How long without an update is stopped, which traces must have been looked for, and how lately."""

    window_days: int = Field(gt=0)
    signs: tuple[str, ...] = Field(min_length=1)
    max_age_days: int = Field(gt=0)
    contract_keeps: bool


@check("zombie-unmaintained", of=System, when=in_service, outcomes=("maintained", "stopped"))
def zombie_unmaintained(system: System, facts: Facts, p: MaintenanceParameters) -> Judgement:
    """Z4 运行维护停止更新服务: no trace of maintenance within the window, and every sort of trace was looked for.

    Only the sorts that the mandate names count: a nightly backup runs on for years, and a package that the host
    changed is the host's maintenance. Both are shown.
    """
    window = Window.until(facts.as_of, p.window_days)
    newest = {row.sign: row for row in facts.rows(MaintenanceSign, system)}
    found = {sign: newest[sign].last_day for sign in sorted(newest) if newest[sign].last_day}
    counting = [day for sign, day in found.items() if day and sign in p.signs]
    since = window.last - timedelta(days=p.max_age_days)
    looked = [s for s, row in newest.items() if row.looked_from <= window.first and row.observed_at.date() >= since]
    missing = [sign for sign in p.signs if sign not in looked]
    shown: dict[str, Any] = of_window(window, 1 - len(missing) / len(p.signs)) | {
        "last_signs": found,
        "last_sign": max(counting, default=None),
        "contract_until": system.contract_until,
        "host_changed_on": _host_changed(system, facts),
        "certificates_expired": _expired(system, facts),
    }
    cites = tuple(newest[sign] for sign in sorted(newest))
    if any(day in window for day in counting):
        return judge(True, cites=cites, **shown)
    if p.contract_keeps and system.contract_until and system.contract_until >= facts.as_of:
        return judge(True, "contract-only", cites=cites, **shown)
    if missing:
        return undetermined([f"MaintenanceSign.{sign}" for sign in missing], cites=cites, **shown)
    return judge(False, cites=cites, **shown)


def _host_changed(system: System, facts: Facts) -> date | None:
    """Return the day of the newest change of a package on the system's hosts, if hosts were collected."""
    hosts = {component.host for component in system.components}
    rows = (row for host in sorted(hosts) for row in facts.rows(PackageState, facts.city.hosts[host]))
    return max((row.changed_at.date() for row in rows if row.changed_at), default=None)


def _expired(system: System, facts: Facts) -> list[str]:
    """Return the certificates on the system's hosts that ran out and that nobody renewed, with the day."""
    hosts = [facts.city.hosts[name] for name in dict.fromkeys(component.host for component in system.components)]
    newest = {(row.host, row.path): row for host in hosts for row in facts.rows(Certificate, host)}
    gone = [row for row in newest.values() if row.valid_until.date() < facts.as_of]
    return [f"{row.path} ({row.valid_until:%Y-%m-%d})" for row in sorted(gone, key=lambda row: row.path)]


class ZombieParameters(Part):
    """Sets of limbs; all limbs of any one set together make a system a zombie."""

    sets: tuple[tuple[str, ...], ...] = Field(min_length=1)


LIMBS = ("zombie-process", "zombie-replaceable", "zombie-idle", "zombie-unmaintained", "zombie-narrow")


@check("zombie", of=System, when=in_service, outcomes=("alive", "zombie"), weighs=LIMBS)
def zombie(system: System, facts: Facts, p: ZombieParameters, limbs: Mapping[str, Judgement]) -> Judgement:
    """The five limbs by the mandate's rule: a set that is whole makes a zombie, a sound limb in each set clears it.

    What would settle an open question is named: the evidence that the undecided limbs of the nearest set lack.
    """
    state = {name: {True: "pass", False: "violation", None: "undetermined"}[limbs[name].ok] for name in LIMBS}
    against = [name for name in LIMBS if limbs[name].ok]
    whole = [one for one in p.sets if all(limbs[name].ok is False for name in one)]
    open_ = [one for one in p.sets if not any(limbs[name].ok for name in one)]
    cites = tuple(dict.fromkeys(fact for name in LIMBS for fact in limbs[name].cites))
    shown: dict[str, Any] = {
        "limbs": state,
        "fulfilled": [name for name in LIMBS if limbs[name].ok is False],
        "against": against,
        "open": [name for name in LIMBS if limbs[name].ok is None],
        "rule": [" + ".join(one) for one in whole],
        "frees": freed(system, facts),
    }
    if whole:
        return judge(False, "clear" if not against and not shown["open"] else None, cites=cites, **shown)
    if not open_:
        return judge(True, cites=cites, **shown)
    nearest = min(open_, key=lambda one: sum(limbs[name].ok is None for name in one))
    missing = dict.fromkeys(what for name in nearest for what in limbs[name].missing)
    return undetermined(list(missing), cites=cites, **shown)


def freed(system: System, facts: Facts) -> dict[str, Any]:
    """Return what retiring the system frees: hosts it has alone, their processors and memory, money a year."""
    mine = {component.host for component in system.components}
    others = {c.host for s in facts.city.systems.values() if s.id != system.id for c in s.components}
    alone = [facts.city.hosts[host] for host in sorted(mine - others)]
    newest = [rows[-1] for host in alone if (rows := facts.rows(ResourceUse, host))]
    return {
        "hosts": [host.id for host in alone],
        "processors": sum(row.cpu_count for row in newest) if newest else None,
        "memory_bytes": sum(row.memory_total_bytes for row in newest) if newest else None,
        "yearly_cost_cny": system.yearly_cost_cny,
    }
