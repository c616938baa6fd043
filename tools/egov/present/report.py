"""A report → text, JSON, CSV, workbook, page. Same evidence, same bytes: nothing here asks the clock.

Text from outside never becomes a formula (cells are written as strings; CSV cells get an apostrophe) or markup
(the page's template escapes everything).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from egov.checks import Finding
from egov.errors import UsageError
from egov.present import rows
from egov.present.rows import COLUMNS, Report
from egov.present.tables import as_json, flow, paragraph, table
from egov.present.words import name_of, word

if TYPE_CHECKING:
    import jinja2

# What a spreadsheet takes for the start of a formula, in full width too (OWASP: CSV injection).
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")  # noqa: RUF100
_LONGEST_CELL = 32_767


def as_text(report: Report, lang: str) -> str:
    """Return the audit for a terminal: what it rests on, counts by check, then every concern and open question."""
    head = flow((f"{name} {value}" for name, value in rows.method(report, lang)[1:6]), hanging=0)
    city = name_of(report.city, "city", "", lang)
    parts = [f"{city} · {word('report', 'title', lang)}\n{head}"]
    counted = [(duty, name, *map(str, counts)) for duty, name, counts in rows.by_check(report, lang)]
    parts.append(table([*rows.headings(("duty", "check"), lang), *rows.verdict_headings(lang)], counted))
    for verdict, heading, listed in (("violation", "concerns", _concerns), ("undetermined", "open", _open)):
        found = [f for f in report.audit.findings if f.verdict == verdict]
        if found:
            parts.append(f"{word('report', heading, lang)} ({len(found)})\n{''.join(listed(found, report, lang))}")
        elif verdict == "violation":
            parts.append(word("report", "none", lang) + "\n")
    parts.append(paragraph(word("report", "convicts", lang), hanging=0))
    return "\n".join(parts)


def _concerns(found: Sequence[Finding], report: Report, lang: str) -> Iterator[str]:
    """Yield each concern as a paragraph, below its check."""
    before = None
    for finding in found:
        row = rows.finding_row(finding, report, lang)
        if (finding.duty, finding.check) != before:
            yield paragraph(f"{row['duty']} {row['clause']} {row['check']}", 2)
            before = (finding.duty, finding.check)
        yield paragraph(row["text"] + (f" [{row['case']}]" if row["case"] else ""), 4)


def _open(found: Sequence[Finding], report: Report, lang: str) -> Iterator[str]:
    """Yield what each check lacks, and of whom: one paragraph per thing missing, for they are often many."""
    lacking: dict[tuple[str, ...], list[str]] = {}
    for finding in found:
        row = rows.finding_row(finding, report, lang)
        key = (row["duty"], row["clause"], row["check"], row["missing"])
        name = row["id"] if row["id"] in row["name"] else row["name"]  # no name of its own: the id alone is shorter
        lacking.setdefault(key, []).append(name + (f" [{row['case']}]" if row["case"] else ""))
    for (duty, clause, check, missing), names in lacking.items():
        yield paragraph(f"{duty} {clause} {check}: {word('column', 'missing', lang)} {missing} ({len(names)})", 2)
        yield paragraph(("、" if lang == "zh" else ", ").join(names), 4, 0)


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
    writer.writerow(rows.headings((*COLUMNS, "as_of", "commit", "seal", "hash"), lang))
    on = report.provenance
    basis = (on.as_of.isoformat(), rows.commit(report, lang), str(on.seal), on.parameters)
    for finding in report.audit.findings:
        row = rows.finding_row(finding, report, lang)
        writer.writerow([_harmless(cell) for cell in (*(row[column] for column in COLUMNS), *basis)])
    return "\N{ZERO WIDTH NO-BREAK SPACE}" + out.getvalue()


def _harmless(cell: str) -> str:
    """Return a cell no spreadsheet takes for a formula (OWASP: CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def as_workbook(report: Report, lang: str) -> bytes:
    """Return an xlsx workbook: summary, findings, departments, method. Cells are text or numbers, never formulas."""
    found = [rows.finding_row(finding, report, lang) for finding in report.audit.findings]
    counts: list[Sequence[str | int]] = [(duty, name, *numbers) for duty, name, numbers in rows.by_check(report, lang)]
    wide = (7, 12, 18, 20, 8, 22, 26, 10, 20, 60, 24, 40, 12, 18, 12, 40, 18)
    verdicts = rows.verdict_headings(lang)
    summary = ([*rows.headings(("duty", "check"), lang), *verdicts], counts)
    findings = (rows.headings(COLUMNS, lang), [[row[c] for c in COLUMNS] for row in found])
    departments = (rows.department_headings(lang), rows.by_department(report, lang))
    sheets = (
        ("summary", (8, 30, 12, 12, 12, 12), (summary,)),
        ("findings", wide, (findings,)),
        ("departments", (30, *[12] * 8), (departments,)),
        ("method", METHOD_WIDTHS, method_blocks(report, lang)),
    )
    return book(word("report", "title", lang), report, sheets, lang)


def book(title: str, report: Report, sheets: Iterable[SheetOf], lang: str) -> bytes:
    """Return an xlsx workbook of sheets, each a name, widths and tables one below the other."""
    import xlsxwriter  # noqa: PLC0415 - only workbooks need it

    out = io.BytesIO()
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    made = xlsxwriter.Workbook(out, safe)
    created = datetime.combine(report.provenance.as_of, time(), UTC).replace(tzinfo=None)
    made.set_properties({"title": title, "created": created})
    head = made.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1, "text_wrap": True, "valign": "top"})
    body = made.add_format({"border": 1, "text_wrap": True, "valign": "top"})
    for name, widths, blocks in sheets:
        page = made.add_worksheet(word("report", name, lang))
        page.set_landscape()
        page.fit_to_pages(1, 0)
        for number, width in enumerate(widths):
            page.set_column(number, number, width)
        row = 0
        for headings, lines in blocks:
            for line, look in ((headings, head), *((line, body) for line in lines)):
                for number, cell in enumerate(line):
                    if isinstance(cell, int | float):
                        page.write_number(row, number, cell, look)
                    else:
                        page.write_string(row, number, _fitting(cell), look)
                row += 1
            row += 1
        if len(blocks) == 1:
            page.freeze_panes(1, 0)
            page.repeat_rows(0)
            page.autofilter(0, 0, max(row - 2, 1), len(widths) - 1)
    made.close()
    return out.getvalue()


Block = tuple[Sequence[str], Sequence[Sequence[str | float]]]
"""Headings and lines of one table."""
SheetOf = tuple[str, Sequence[int], Sequence[Block]]
"""Name (a word of `report`), widths of columns, tables."""
METHOD_WIDTHS = (26, 30, 60, 26, 40, 60)


def method_blocks(report: Report, lang: str) -> Sequence[Block]:
    """Return the tables of the method sheet (口径): what it rests on, how each check judges, runs, what none judges."""
    unserved = list(report.audit.not_checked.items())
    return (
        (rows.headings(("item", "value"), lang), rows.method(report, lang)),
        (rows.headings(rows.METHOD_COLUMNS, lang), rows.methods(report, lang)),
        (rows.headings(rows.RUN_COLUMNS, lang), rows.runs(report)),
        ([word("report", "not_checked", lang), word("column", "reason", lang)], unserved),
    )


def _fitting(cell: str) -> str:
    """Return a text as long as a cell of a workbook may be; one that is cut says so."""
    return cell if len(cell) <= _LONGEST_CELL else cell[: _LONGEST_CELL - 1] + "…"


def template(name: str) -> jinja2.Template:
    """Return a page's template; whatever it is given is escaped."""
    import jinja2  # noqa: PLC0415 - only pages need it

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def as_page(report: Report, lang: str) -> str:
    """Return a page of its own: no script from elsewhere, no picture, readable on paper."""
    findings = [(finding.verdict, rows.finding_row(finding, report, lang)) for finding in report.audit.findings]
    return template("audit.html").render(
        lang=lang,
        report=report,
        word=lambda group, key: word(group, key, lang),
        method=rows.method(report, lang),
        methods=rows.methods(report, lang),
        runs=rows.runs(report),
        method_headings=rows.headings(rows.METHOD_COLUMNS, lang),
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
