"""Findings → rows of text in one language: the one form that table, CSV, workbook and page share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from egov.checks import Audit, Finding
from egov.city import City
from egov.mandate import Mandate
from egov.present.provenance import Provenance
from egov.present.tables import clean
from egov.present.words import clause, how, missing, name_of, remedy, sentence, title, word

VERDICTS = ("violation", "undetermined", "exempt", "pass")
COLUMNS = (
    "duty",
    "clause",
    "check",
    "department",
    "kind",
    "id",
    "name",
    "verdict",
    "outcome",
    "text",
    "missing",
    "remedy",
    "due",
    "case",
    "observed",
    "evidence",
    "fingerprint",
)


@dataclass(frozen=True, slots=True)
class Report:
    """An audit with everything a reader needs beside it."""

    audit: Audit
    city: City
    mandate: Mandate
    provenance: Provenance


def headings(columns: Iterable[str], lang: str) -> list[str]:
    """Return column headings."""
    return [word("column", column, lang) for column in columns]


def finding_row(finding: Finding, report: Report, lang: str) -> dict[str, str]:
    """Return one finding as texts by column."""
    subject = finding.subject
    department = name_of(report.city, "departments", subject.department, lang) if subject.department else ""
    sources = dict.fromkeys(fact.source for fact in finding.cites)
    days = sorted({fact.observed_at.date().isoformat() for fact in finding.cites})
    return {
        "duty": finding.duty,
        "clause": clause(report.mandate, finding.duty),
        "check": title(finding.check, lang),
        "department": department,
        "kind": word("kind", subject.kind, lang),
        "id": subject.id,
        "name": name_of(report.city, subject.kind, subject.id, lang),
        "verdict": word("verdict", finding.verdict, lang),
        "outcome": finding.outcome,
        "text": sentence(finding, report.city, lang),
        "missing": missing(finding, lang) if finding.missing else "",
        "remedy": remedy(finding, lang),
        "due": finding.due.isoformat() if finding.due else "",
        "case": finding.case or "",
        "observed": days[-1] if days else "",
        "evidence": clean("; ".join(sources)),
        "fingerprint": finding.fingerprint[:16],
    }


def by_check(report: Report, lang: str) -> list[tuple[str, str, list[int]]]:
    """Return (duty, title, count per verdict) for every check, in order."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for finding in report.audit.findings:
        counts.setdefault((finding.duty, finding.check), Counter())[finding.verdict] += 1
    return [(duty, title(check, lang), [c[v] for v in VERDICTS]) for (duty, check), c in counts.items()]


def by_department(report: Report, lang: str) -> list[list[str | int]]:
    """Return a row per department: name, systems, classified systems (a count only), rooms, devices, verdicts."""
    counts: dict[str | None, Counter[str]] = {}
    for finding in report.audit.findings:
        counts.setdefault(finding.subject.department, Counter())[finding.verdict] += 1
    rows: list[list[str | int]] = []
    for department in report.city.departments.values():
        verdicts = counts.get(department.id, Counter())
        rows.append(
            [
                name_of(report.city, "departments", department.id, lang),
                len(report.city.systems_of(department.id)),
                department.classified.systems if department.classified else 0,
                len(report.city.rooms_of(department.id)),
                sum(device.department == department.id for device in report.city.devices.values()),
                *(verdicts[verdict] for verdict in VERDICTS),
            ]
        )
    return rows


DEPARTMENT_COLUMNS = ("department", "systems", "classified", "rooms", "devices")


def department_headings(lang: str) -> list[str]:
    """Return the headings of `by_department`."""
    return headings(DEPARTMENT_COLUMNS, lang) + verdict_headings(lang)


def verdict_headings(lang: str) -> list[str]:
    """Return the words for the four verdicts, in order."""
    return [word("verdict", verdict, lang) for verdict in VERDICTS]


def method(report: Report, lang: str) -> list[tuple[str, str]]:
    """Return the method sheet (口径): what the findings rest on, in words."""
    found = report.provenance
    return [
        (word("method", "city", lang), name_of(report.city, "city", "", lang)),
        (word("method", "as_of", lang), found.as_of.isoformat()),
        (word("method", "commit", lang), commit(report, lang)),
        (word("method", "seal", lang), str(found.seal) if found.seal else word("method", "unsealed", lang)),
        (word("method", "evidence", lang), found.evidence),
        (word("method", "parameters", lang), found.parameters),
        (word("method", "window", lang), _window(report.audit.findings, lang)),
        (word("method", "tool", lang), found.tool),
    ]


def commit(report: Report, lang: str) -> str:
    """Return the description's commit, and whether files differ from it."""
    found = report.provenance
    changed = f" ({word('method', 'dirty', lang)})" if found.changed else ""
    return f"{found.commit}{changed}" if found.commit else word("method", "no_commit", lang)


METHOD_COLUMNS = ("duty", "check", "how", "window", "parameters", "reason")


def methods(report: Report, lang: str) -> list[tuple[str, ...]]:
    """Return a row per check in force: duty, check, how it judges, days its evidence is of, parameters, reason."""
    return [
        (
            str(bound["duty"]),
            title(str(bound["check"]), lang),
            how(str(bound["check"]), lang),
            _window([f for f in report.audit.findings if (f.duty, f.check) == (bound["duty"], bound["check"])], lang),
            ", ".join(f"{name}={listed(value)}" for name, value in bound["parameters"].items()),
            str(bound["reason"]),
        )
        for bound in report.provenance.checks
    ]


def _window(findings: Sequence[Finding], lang: str) -> str:
    """Return the first and the last day on which what these findings cite was observed (UTC)."""
    days = sorted(fact.observed_at.date() for finding in findings for fact in finding.cites)
    return " – ".join(dict.fromkeys((str(days[0]), str(days[-1])))) if days else word("say", "none", lang)


RUN_COLUMNS = ("run", "collected", "rows", "root")


def runs(report: Report) -> list[tuple[str, str, int, str]]:
    """Return the collection runs: name, end of the collection (UTC, to the second), rows, root hash."""
    return [
        (str(run["run"]), str(run["collected"])[:19].replace("T", " "), int(run["rows"]), str(run["root"]))
        for run in report.provenance.runs
    ]


def listed(value: object) -> str:
    """Return a parameter as the mandate writes it: entries of a list apart, true, false, null, whole numbers plain."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(map(listed, value))
    if isinstance(value, float):
        return f"{value:.10g}"
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
