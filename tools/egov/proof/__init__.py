"""The symbolic witness: what runs, proved against what is meant, over the whole header space."""

from egov.proof.compare import CellResult, compare, differences, unreached
from egov.proof.ruleset import Ruleset, Unreadable, read

__all__ = ["CellResult", "Ruleset", "Unreadable", "compare", "differences", "read", "unreached"]
