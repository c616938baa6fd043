"""The symbolic witness of isolation: what a live ruleset does to every packet there can be, against what is meant."""

from egov.proof.compare import (
    CellProof,
    Comparison,
    Difference,
    Verdict,
    cells_of,
    compare,
    equivalent,
    interfaces_of,
)
from egov.proof.ruleset import Ruleset, RulesetError, read
from egov.proof.space import Packet

__all__ = [
    "CellProof",
    "Comparison",
    "Difference",
    "Packet",
    "Ruleset",
    "RulesetError",
    "Verdict",
    "cells_of",
    "compare",
    "equivalent",
    "interfaces_of",
    "read",
]
