"""A report → text, JSON, CSV, workbook, page. Same evidence, same bytes: nothing here asks the clock.

Text from outside never becomes a formula (cells are written as strings; CSV cells get an apostrophe) or markup
(the page's template escapes everything).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from egov.errors import UsageError
from egov.present import rows
from egov.present.rows import COLUMNS, Report
from egov.present.tables import as_json, table
from egov.present.words import word

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_text(report: Report, lang: str) -> str:
    """Return the audit for a terminal: where it stands, counts by check, then every concern and open question."""
    head = " · ".join(f"{name} {value}" for name, value in rows.method(report, lang)[1:6])
    city = report.city.profile.name_zh if lang == "zh" else report.city.profile.name_en
    parts = [f"{city} · {word('report', 'title', lang)}\n{head}\n"]
    counted = [(duty, name, *map(str, counts)) for duty, name, counts in rows.by_check(report, lang)]
    parts.append(table([*rows.headings(("duty", "check"), lang), *rows.verdict_headings(lang)], counted))
    for verdict, heading in (("violation", "concerns"), ("undetermined", "open")):
        found = [f for f in report.audit.findings if f.verdict == verdict]
        if found:
            parts.append(f"{word('report', heading, lang)} ({len(found)})\n{_listed(found, report, lang)}")
    parts.append(word("report", "convicts", lang) + "\n")
    return "\n".join(parts)


def _listed(found: Sequence[Any], report: Report, lang: str) -> str:
    lines = []
    before = None
    for finding in found:
        row = rows.finding_row(finding, report, lang)
        if row["check"] != before:
            lines.append(f"  {row['duty']} {row['clause']} {row['check']}")
            before = row["check"]
        lines.append(f"    {row['text']}" + (f" [{row['case']}]" if row["case"] else ""))
    return "\n".join(lines) + "\n"


def as_data(report: Report) -> str:
    """Return the audit as JSON: provenance, findings in the form of the finding's schema, duties without a check."""
    return as_json(
        {
            "provenance": report.provenance.as_dict(),
            "findings": [finding.as_dict() for finding in report.audit.findings],
            "not_checked": dict(report.audit.not_checked),
        }
    )


def as_csv(report: Report, lang: str) -> str:
    """Return one line per finding, with a byte order mark so that spreadsheets read Chinese rightly."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(rows.headings((*COLUMNS, "commit", "seal", "parameters"), lang))
    basis = (report.provenance.commit or "", str(report.provenance.seal), report.provenance.parameters)
    for finding in report.audit.findings:
        row = rows.finding_row(finding, report, lang)
        writer.writerow([_harmless(cell) for cell in (*(row[column] for column in COLUMNS), *basis)])
    return "\N{ZERO WIDTH NO-BREAK SPACE}" + out.getvalue()


def _harmless(cell: str) -> str:
    """Return a cell no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def as_workbook(report: Report, lang: str) -> bytes:
    """Return an xlsx workbook: summary, findings, departments, method."""
    import xlsxwriter  # noqa: PLC0415 - only workbooks need it

    out = io.BytesIO()
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(out, safe)
    created = datetime.combine(report.provenance.as_of, time(), UTC).replace(tzinfo=None)
    book.set_properties({"title": word("report", "title", lang), "created": created})
    head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1, "text_wrap": True, "valign": "top"})
    body = book.add_format({"border": 1, "text_wrap": True, "valign": "top"})

    def sheet(name: str, headings: Sequence[str], lines: Iterable[Sequence[Any]], widths: Sequence[int]) -> None:
        page = book.add_worksheet(word("report", name, lang))
        page.freeze_panes(1, 0)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        for number, width in enumerate(widths):
            page.set_column(number, number, width)
        for number, heading in enumerate(headings):
            page.write_string(0, number, heading, head)
        last = 0
        for last, line in enumerate(lines, 1):
            for number, cell in enumerate(line):
                write = page.write_number if isinstance(cell, int) else page.write_string
                write(last, number, cell, body)
        page.autofilter(0, 0, max(last, 1), len(headings) - 1)

    found = [rows.finding_row(finding, report, lang) for finding in report.audit.findings]
    counts = [(duty, name, *numbers) for duty, name, numbers in rows.by_check(report, lang)]
    wide = (7, 12, 18, 20, 8, 22, 26, 10, 20, 60, 24, 40, 12, 18, 12, 40, 18)
    sheet("summary", [*rows.headings(("duty", "check"), lang), *rows.verdict_headings(lang)], counts, (8, 30, 12))
    sheet("findings", rows.headings(COLUMNS, lang), ([row[c] for c in COLUMNS] for row in found), wide)
    sheet("departments", rows.department_headings(lang), rows.by_department(report, lang), (30, 10, 12))
    sheet(
        "method",
        rows.headings(("item", "value", "parameters", "reason"), lang),
        _method(report, lang),
        (26, 60, 60, 60),
    )
    book.close()
    return out.getvalue()


def _method(report: Report, lang: str) -> list[tuple[str, ...]]:
    runs = [(word("column", "run", lang), str(run["run"]), str(run["root"])) for run in report.provenance.runs]
    unserved = [(duty, word("report", "not_checked", lang), "", why) for duty, why in report.audit.not_checked.items()]
    return [*rows.method(report, lang), *runs, *rows.parameters(report, lang), *unserved]


def as_page(report: Report, lang: str) -> str:
    """Return a page of its own: no script from elsewhere, no picture, readable on paper."""
    import jinja2  # noqa: PLC0415 - only the page needs it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    findings = [(finding.verdict, rows.finding_row(finding, report, lang)) for finding in report.audit.findings]
    return environment.get_template("audit.html").render(
        lang=lang,
        report=report,
        word=lambda group, key: word(group, key, lang),
        method=rows.method(report, lang),
        parameters=rows.parameters(report, lang),
        by_check=rows.by_check(report, lang),
        departments=rows.by_department(report, lang),
        department_headings=rows.department_headings(lang),
        verdict_headings=rows.verdict_headings(lang),
        verdicts=rows.VERDICTS,
        findings=findings,
        totals={verdict: sum(f.verdict == verdict for f in report.audit.findings) for verdict in rows.VERDICTS},
    )


_FORMS: Mapping[str, Callable[[Report, str], str | bytes]] = {
    "table": as_text,
    "json": lambda report, _lang: as_data(report),
    "csv": as_csv,
    "xlsx": as_workbook,
    "html": as_page,
}


def rendered(report: Report, form: str, lang: str) -> str | bytes:
    """Return the report in a form; UsageError for one there is none of."""
    if form not in _FORMS:
        message = f"no form {form}; there are {', '.join(_FORMS)}"
        raise UsageError(message)
    return _FORMS[form](report, lang)
