"""Drills: faults and recoveries as procedures, and what they cost, measured by a ledger of acknowledged rows."""

from egov.drills.model import Drill, Load, chosen, drills, paced, varied
from egov.drills.report import as_data, fact, verdict
from egov.drills.run import Done, Place, run

__all__ = ["Done", "Drill", "Load", "Place", "as_data", "chosen", "drills", "fact", "paced", "run", "varied", "verdict"]
