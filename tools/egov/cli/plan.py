"""`egov plan`: computed proposals. Nothing is changed."""

from __future__ import annotations

import click

from egov.cli.common import Common, common, today_option


@click.group("plan")
def command() -> None:
    """Propose what to do about findings: what, where to, what it saves, what stands in the way."""


@command.command("lines")
@today_option
@common
def lines(options: Common, *, description_of_today: bool) -> int:
    """Say which leased lines to end, which networks to merge into the extranet and what that saves a year (R14)."""
    from egov.plans import lines as plan
    from egov.present import plans
    from egov.present.tables import as_json

    report = options.report(("private-line",), description_of_today=description_of_today)
    found = plan(report.city, report.audit.findings)
    options.write(as_json(plans.data(found)) if options.as_json() else plans.lines(found, report.city, options.lang))
    return 0


@command.command("coverage")
@today_option
@common
def coverage(options: Common, *, description_of_today: bool) -> int:
    """Count units with an access declared, configured and answering, by level and access class (R12)."""
    from egov.plans import coverage as plan
    from egov.present import plans
    from egov.present.tables import as_json

    report = options.report(("extranet-access",), description_of_today=description_of_today)
    found = plan(report.audit.findings)
    options.write(as_json(plans.data(found)) if options.as_json() else plans.coverage(found, options.lang))
    return 0


@command.command("continuity")
@common
def continuity(options: Common) -> int:
    """Say for each single failure (host, link, site) what stops, what goes on, who decides and what is lost (R02)."""
    from egov.facts import DrillResult, Facts
    from egov.plans import continuity as plan
    from egov.present import plans
    from egov.present.tables import as_json

    city = options.load_city()
    drills = Facts.of_store(city, options.day(city), options.evidence_dir()).rows(DrillResult)
    found = plan(city, drills)
    options.write(as_json(plans.data(found)) if options.as_json() else plans.continuity(found, city, options.lang))
    return 0
