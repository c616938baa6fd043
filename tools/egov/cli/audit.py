"""`egov audit`: judge the city against its mandate, from evidence."""

from __future__ import annotations

import click

from egov.cli.common import Common, common, today_option


@click.command("audit")
@click.argument("only", metavar="[CHECK|DUTY|SUBJECT]...", nargs=-1)
@today_option
@common
def command(options: Common, only: tuple[str, ...], *, description_of_today: bool) -> int:
    """Judge the city by every check its mandate binds, or only those named.

    Exit 0 if all pass (or are exempt), 1 if there is a concern, 3 if something could not be judged.
    """
    from egov.present.report import rendered

    report = options.report(only, description_of_today=description_of_today)
    options.write(rendered(report, options.format or "table", options.lang))
    return exit_code({finding.verdict for finding in report.audit.findings})


def exit_code(verdicts: set[str]) -> int:
    """Return what a command that judged ends with."""
    return 1 if "violation" in verdicts else 3 if "undetermined" in verdicts else 0
