"""Procedures: what takes minutes and touches hosts, through playbooks, step by step, undoable to a marked point."""

from egov.procedures.journal import Entry, Journal
from egov.procedures.model import Procedure, Step, procedure, procedures
from egov.procedures.runner import Outcome, Result, Runner

__all__ = ["Entry", "Journal", "Outcome", "Procedure", "Result", "Runner", "Step", "procedure", "procedures"]
