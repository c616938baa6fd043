"""Plans: computed proposals with bound, gap and reasons. Pure; where a check judges, built on its findings."""

from egov.plans.continuity import ContinuityPlan, Failure, continuity
from egov.plans.coverage import Cover, coverage
from egov.plans.lines import Line, LinesPlan, lines

__all__ = ["ContinuityPlan", "Cover", "Failure", "Line", "LinesPlan", "continuity", "coverage", "lines"]
