"""`egov report`: write the audit's reports in both languages."""

from __future__ import annotations

from pathlib import Path

import click

from egov.cli.audit import exit_code
from egov.cli.common import Common, common, today_option, write_file

_FILES = {"html": ("zh", "en"), "xlsx": ("zh", "en"), "csv": ("zh", "en")}


@click.command("report")
@click.argument("what", type=click.Choice(["audit", "zombies"]), default="audit")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to [reports/<city>].")
@today_option
@common
def command(options: Common, what: str, to: Path | None, *, description_of_today: bool) -> int:
    """Write page, workbook, CSV and JSON of the whole audit, in Chinese and English.

    Of `zombies`: a workbook with a row per system, and a page per system with what was seen of it in a year.
    Same city, evidence and day: the same bytes. Exit as `egov audit`.
    """
    from egov.present.report import rendered

    if what == "zombies":
        return _zombies(options, to, description_of_today=description_of_today)
    report = options.report((), description_of_today=description_of_today)
    folder = to or options.root() / "reports" / options.city_dir().resolve().name
    names = {f"audit.{lang}.{form}": (form, lang) for form, langs in _FILES.items() for lang in langs}
    for name, (form, lang) in {"audit.json": ("json", "zh"), **names}.items():
        content = rendered(report, form, lang)
        write_file(folder / name, content.encode() if isinstance(content, str) else content)
        click.echo(str(folder / name))
    return exit_code({finding.verdict for finding in report.audit.findings})


def _zombies(options: Common, to: Path | None, *, description_of_today: bool) -> int:
    from egov.facts import Facts
    from egov.present.life import as_workbook, pages

    report = options.report(("R25",), description_of_today=description_of_today)
    facts = Facts.of_store(report.city, report.provenance.as_of, options.evidence_dir())
    folder = to or options.root() / "reports" / options.city_dir().resolve().name
    for lang in ("zh", "en"):
        write_file(folder / f"zombies.{lang}.xlsx", as_workbook(report, lang))
        click.echo(str(folder / f"zombies.{lang}.xlsx"))
        for name, page in pages(report, facts, report.mandate, lang):
            write_file(folder / "systems" / f"{name}.{lang}.html", page.encode())
    click.echo(str(folder / "systems"))
    return exit_code({finding.verdict for finding in report.audit.findings})
