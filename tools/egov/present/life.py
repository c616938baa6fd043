"""Zombie systems for a reader: a workbook with a row per system, a summary per department, a page per system.

The page draws what was seen, day by day: people, other programs and machines in the logs; idle and busy days of the
hosts; traces of maintenance. Days that nobody saw are hatched, for a blank is not an absence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from egov.checks import Finding
from egov.checks.zombies import LIMBS
from egov.city import City, System
from egov.facts import Facts, MaintenanceSign, ProcessUse, ResourceDay, UseDay, UseLog
from egov.facts.summary import AGENT_CLASSES
from egov.mandate import Mandate
from egov.present.report import METHOD_WIDTHS, book, method_blocks, template
from egov.present.rows import Report, headings, method
from egov.present.words import missing, name_of, remedy, sentence, shown, title, word

_ORDER = {"clear": 0, "zombie": 1, "undetermined": 2, "alive": 3}
_NUMBERS = {
    "zombie-process": ("transactions",),
    "zombie-replaceable": ("by", "share"),
    "zombie-idle": ("idle_days", "busy_days"),
    "zombie-unmaintained": ("last_sign", "contract_until"),
    "zombie-narrow": ("clients", "use_days", "last_human", "known_share"),
}
_FREED = ("hosts", "processors", "memory_bytes", "yearly_cost_cny")
_WEEKS = 52
_DAY = timedelta(days=1)


def judged(report: Report) -> list[tuple[System, dict[str, Finding]]]:
    """Return the systems judged with their findings by check: clear cases first, then by department and id."""
    by_system: dict[str, dict[str, Finding]] = {}
    for finding in report.audit.findings:
        if finding.check == "zombie" or finding.check in LIMBS:
            by_system.setdefault(finding.subject.id, {})[finding.check] = finding
    whole = [(report.city.systems[name], found) for name, found in by_system.items() if "zombie" in found]

    def order(entry: tuple[System, dict[str, Finding]]) -> tuple[int, str, str]:
        system, found = entry
        return _ORDER.get(found["zombie"].outcome, len(_ORDER)), system.department, system.id

    return sorted(whole, key=order)


def as_workbook(report: Report, lang: str) -> bytes:
    """Return the auditor's workbook: systems, departments, method."""
    numbers = [name for names in _NUMBERS.values() for name in names]
    head = [
        *headings(("id", "name", "department", "verdict"), lang),
        *(title(limb, lang) for limb in LIMBS),
        *(word("life", name, lang) for name in (*numbers, *_FREED)),
        *headings(("missing", "text", "case"), lang),
    ]
    lines = [_line(system, found, report.city, lang) for system, found in judged(report)]
    widths = (20, 26, 20, 10, *[11] * len(LIMBS), *[12] * (len(numbers) + len(_FREED)), 40, 60, 18)
    sheets = (
        ("systems", widths, ((head, lines),)),
        ("departments", (30, *[12] * 6), (by_department(report, lang),)),
        ("method", METHOD_WIDTHS, method_blocks(report, lang)),
    )
    return book(word("life", "title", lang), report, sheets, lang)


def _line(system: System, found: dict[str, Finding], city: City, lang: str) -> list[str | float]:
    whole = found["zombie"]
    limbs = [word("verdict", found[limb].verdict, lang) if limb in found else "" for limb in LIMBS]
    facts = [
        found[limb].facts.get(name) if limb in found else None for limb, names in _NUMBERS.items() for name in names
    ]
    freed = [whole.facts["frees"][name] for name in _FREED]
    return [
        system.id,
        name_of(city, "systems", system.id, lang),
        name_of(city, "departments", system.department, lang),
        word("verdict", whole.verdict, lang),
        *limbs,
        *(_cell(value, lang) for value in (*facts, *freed)),
        missing(whole, lang) if whole.missing else "",
        sentence(whole, city, lang),
        whole.case or "",
    ]


def _cell(value: Any, lang: str) -> str | float:  # noqa: ANN401 - a fact
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return "" if value is None or value == [] else shown(value, lang)


def by_department(report: Report, lang: str) -> tuple[list[str], list[list[str | float]]]:
    """Return headings and a row per department: systems judged, verdicts, hosts and money that retiring would free."""
    verdicts = ("violation", "undetermined", "pass")
    head = [*headings(("department", "systems"), lang), *(word("verdict", verdict, lang) for verdict in verdicts)]
    head += [word("life", name, lang) for name in ("hosts", "yearly_cost_cny")]
    counts: dict[str, Counter[str]] = {}
    for system, found in judged(report):
        whole, count = found["zombie"], counts.setdefault(system.department, Counter())
        count[whole.verdict] += 1
        if whole.verdict == "violation":
            count["hosts"] += len(whole.facts["frees"]["hosts"])
            count["money"] += whole.facts["frees"]["yearly_cost_cny"] or 0
    lines: list[list[str | float]] = [
        [
            name_of(report.city, "departments", department, lang),
            sum(count[verdict] for verdict in verdicts),
            *(count[verdict] for verdict in verdicts),
            count["hosts"],
            count["money"],
        ]
        for department, count in sorted(counts.items())
    ]
    return head, lines


def pages(report: Report, facts: Facts, mandate: Mandate, lang: str) -> Iterator[tuple[str, str]]:
    """Yield (id, page) of every system judged."""
    page = template("system.html")
    quotes = mandate.duties["R25"].quotes if "R25" in mandate.duties else ()
    for system, found in judged(report):
        limbs = [(title(limb, lang), _limb(found[limb], report.city, lang)) for limb in LIMBS if limb in found]
        yield (
            system.id,
            page.render(
                lang=lang,
                word=lambda group, key: word(group, key, lang),
                name=name_of(report.city, "systems", system.id, lang),
                department=name_of(report.city, "departments", system.department, lang),
                system=system,
                does="、".join(system.functions or ()) or system.function or "",
                asked=_asked(system, facts, lang),
                whole=_limb(found["zombie"], report.city, lang),
                limbs=limbs,
                drawn=timeline(system, facts),
                method=method(report, lang),
                quotes=quotes,
            ),
        )


def _limb(finding: Finding, city: City, lang: str) -> dict[str, str]:
    first, last = finding.facts.get("window_from"), finding.facts.get("window_to")
    known = finding.facts.get("known_share")
    return {
        "verdict": finding.verdict,
        "said": word("verdict", finding.verdict, lang),
        "text": sentence(finding, city, lang),
        "window": f"{first} – {last}" if first else "",
        "known": f"{known:.0%}" if isinstance(known, float) else "",
        "remedy": remedy(finding, lang),
        "evidence": "; ".join(dict.fromkeys(fact.source for fact in finding.cites)),
    }


def _asked(system: System, facts: Facts, lang: str) -> list[tuple[str, int, int]]:
    """Return who asked within the year drawn, by class: its name, requests, and days with any. Empty without logs."""
    first = facts.as_of - (_WEEKS * 7 - 1) * _DAY
    rows = [row for row in facts.rows(UseDay, system) if first <= row.day <= facts.as_of]
    found = []
    for kind in AGENT_CLASSES if facts.rows(UseLog, system) else ():
        mine = [row for row in rows if row.agent_class == kind]
        found.append((word("agent", kind, lang), sum(row.requests for row in mine), len({row.day for row in mine})))
    return found


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar or a sign of the drawing, in its units: a day is 2 wide, a lane 40 high."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    says: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A drawing: its width and marks, and (x, text) of the months."""

    width: int
    marks: tuple[Mark, ...]
    months: tuple[tuple[float, str], ...]


_WIDE, _LANE = 2, 40
_LANES = {"use": 0, "business": 1, "maintenance": 2, "resources": 3}


def timeline(system: System, facts: Facts) -> Timeline:
    """Return a year of a system up to the as-of day, from what was seen."""
    first = facts.as_of - (_WEEKS * 7 - 1) * _DAY
    span = [first + n * _DAY for n in range(_WEEKS * 7)]
    place = {day: n * _WIDE for n, day in enumerate(span)}
    marks = [
        *_use(system, facts, place),
        *_business(system, facts, place),
        *_maintenance(system, facts, place),
        *_resources(system, facts, place),
    ]
    months = tuple((place[day], f"{day:%Y-%m}") for day in span if day.day == 1)
    return Timeline(len(span) * _WIDE, tuple(marks), months)


def _bar(x: float, lane: str, height: float, kind: str, says: str) -> Mark:
    high = max(1.0, min(height, 1.0 * _LANE - 6))
    return Mark(x, (_LANES[lane] + 1) * _LANE - 4 - high, _WIDE, round(high, 1), kind, says)


def _use(system: System, facts: Facts, place: dict[date, int]) -> Iterator[Mark]:
    covered: set[date] = set()
    for log in facts.rows(UseLog, system):
        if log.first_at and log.last_at:
            day = log.first_at.date()
            while day <= log.last_at.date():
                covered.add(day)
                day += _DAY
    for day, x in place.items():
        if day not in covered:
            yield _bar(x, "use", _LANE, "unseen", f"{day}: ?")
    counts: Counter[tuple[date, str]] = Counter()
    for row in facts.rows(UseDay, system):
        if row.day in place:
            kind = row.agent_class if row.agent_class in {"human", "script"} else "machine"
            counts[row.day, kind] += row.clients
    for (day, kind), clients in sorted(counts.items(), key=lambda entry: (entry[0][1] != "machine", entry[0])):
        height = 4 if kind == "machine" else 8 + 6 * clients.bit_length()
        yield _bar(place[day], "use", height, kind, f"{day}: {kind} {clients}")


def _business(system: System, facts: Facts, place: dict[date, int]) -> Iterator[Mark]:
    for row in facts.rows(ProcessUse, system):
        days = [day for day in place if row.first_day <= day <= row.last_day]
        if days:
            kind = "business" if row.transactions else "none"
            says = f"{row.item} {row.first_day} – {row.last_day}: {row.transactions}"
            high = 4 + 3 * row.transactions.bit_length() if row.transactions else 3
            top = (_LANES["business"] + 1) * _LANE - 4 - high
            yield Mark(place[days[0]], top, len(days) * _WIDE, high, kind, says)


def _maintenance(system: System, facts: Facts, place: dict[date, int]) -> Iterator[Mark]:
    for row in facts.rows(MaintenanceSign, system):
        if row.last_day in place:
            yield _bar(
                place[row.last_day], "maintenance", _LANE - 8, "sign", f"{row.sign} {row.last_day} {row.detail or ''}"
            )
    if system.contract_until in place:
        x = place[system.contract_until]
        yield _bar(x, "maintenance", _LANE - 8, "contract", f"contract {system.contract_until}")


def _resources(system: System, facts: Facts, place: dict[date, int]) -> Iterator[Mark]:
    hosts = [facts.city.hosts[name] for name in sorted({component.host for component in system.components})]
    rows = [row for host in hosts for row in facts.rows(ResourceDay, host) if row.day in place]
    seen: set[date] = set()
    for row in rows:
        if row.cpu_p95_ratio is not None:
            seen.add(row.day)
            says = f"{row.host} {row.day}: p95 {row.cpu_p95_ratio:.1%}"
            yield _bar(place[row.day], "resources", (_LANE - 6) * row.cpu_p95_ratio, "cpu", says)
    for day, x in place.items():
        if day not in seen:
            yield _bar(x, "resources", _LANE, "unseen", f"{day}: ?")
