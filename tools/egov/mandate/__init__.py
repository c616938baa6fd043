"""The mandate: duties as data, their parameters as of a day, decisions, and legal working days."""

from egov.mandate.calendar import WorkingCalendar, YearNotCovered
from egov.mandate.decision import Decision
from egov.mandate.load import mandate
from egov.mandate.model import Binding, Body, Document, Duty, Mandate, Standard, Vocabulary

__all__ = [
    "Binding",
    "Body",
    "Decision",
    "Document",
    "Duty",
    "Mandate",
    "Standard",
    "Vocabulary",
    "WorkingCalendar",
    "YearNotCovered",
    "mandate",
]
