"""R51 交换平台安全防护, 六(五): what the cloud is asked to run keeps to its rules, as judges said of a rendering."""

from __future__ import annotations

from pydantic import Field

from egov.checks.registry import Judgement, check, judge, undetermined
from egov.city import Department
from egov.city.fields import Part, Text
from egov.facts import Facts, StackVerdict


class JudgesParameters(Part):
    """Who must have judged, and what for."""

    environment: Text = "production"
    judges: tuple[Text, ...] = Field(min_length=1)


def uses_the_cloud(department: Department, facts: Facts) -> bool:
    """Say whether the department has a system that the cloud runs."""
    return any(s.workload is not None for s in facts.city.systems_of(department.id))


@check("cloud-objects", of=Department, when=uses_the_cloud, outcomes=("within-rules", "against-rules"))
def cloud_objects(department: Department, facts: Facts, p: JudgesParameters) -> Judgement:
    """No judge is against any object of the department, each has judged, and none left anything unjudged."""
    newest = facts.latest(StackVerdict, department)
    rows = [row for row in facts.rows(StackVerdict, department) if row.run == newest.run]
    wanted = [row for row in rows if row.judge in p.judges and row.environment == p.environment]
    against = [f"{row.judge}: {row.text}" for row in wanted if row.concerns]
    if against:
        return judge(False, cites=wanted, concerns=sum(row.concerns for row in wanted), against=against)
    silent = sorted(set(p.judges) - {row.judge for row in wanted})
    unsure = [f"{row.judge}: {row.text}" for row in wanted if row.not_judged]
    if silent or unsure:
        return undetermined([f"StackVerdict: {text}" for text in [*silent, *unsure]], cites=wanted)
    objects = sum({row.cluster: row.objects for row in wanted}.values())
    return judge(True, cites=wanted, objects=objects, judges=len(p.judges))
