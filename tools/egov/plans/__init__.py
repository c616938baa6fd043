"""Plans: computed proposals with bound, gap and reasons. Pure; built on findings, so that no rule is judged twice."""

from egov.plans.continuity import ContinuityPlan, Failure, continuity
from egov.plans.coverage import Cover, coverage
from egov.plans.lines import Line, LinesPlan, lines

__all__ = ["ContinuityPlan", "Cover", "Failure", "Line", "LinesPlan", "continuity", "coverage", "lines"]
