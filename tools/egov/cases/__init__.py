"""Cases: what takes days and signatures. A case is a file of events; its state is their fold."""

from egov.cases.fold import Case, payload, read_case
from egov.cases.model import CaseHead, Event, case_kinds
from egov.cases.store import advance, case_files, decisions, open_case, open_rectifications, read_cases

__all__ = [
    "Case",
    "CaseHead",
    "Event",
    "advance",
    "case_files",
    "case_kinds",
    "decisions",
    "open_case",
    "open_rectifications",
    "payload",
    "read_case",
    "read_cases",
]
