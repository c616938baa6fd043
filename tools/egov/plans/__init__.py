"""Plans: computed proposals with bound, gap and reasons. Pure; built on findings, so that no rule is judged twice."""

from egov.plans.coverage import Cover, coverage
from egov.plans.lines import Line, LinesPlan, lines

__all__ = ["Cover", "Line", "LinesPlan", "coverage", "lines"]
