"""Checks: small pure functions that judge one subject each, and the runner that does the rest."""

from egov.checks.finding import Finding, Subject, Verdict
from egov.checks.registry import Check, Judgement, check, checks, judge, undetermined
from egov.checks.runner import Audit, audit, bindings

__all__ = [
    "Audit",
    "Check",
    "Finding",
    "Judgement",
    "Subject",
    "Verdict",
    "audit",
    "bindings",
    "check",
    "checks",
    "judge",
    "undetermined",
]
