"""Finding: what a check concluded about one subject, with everything needed to trace it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from egov.facts import Fact

Verdict = Literal["violation", "pass", "undetermined", "exempt"]


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What is judged: its plural kind, its id, and the department that answers for it."""

    kind: str
    id: str
    department: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion. Same city, facts, parameters and as-of day: the same finding, to the byte."""

    duty: str
    check: str
    subject: Subject
    verdict: Verdict
    outcome: str
    facts: Mapping[str, Any]
    cites: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    due: date | None = None
    case: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of check, subject kind and subject id: the same question keeps its name over the years."""
        text = f"{self.check}\0{self.subject.kind}\0{self.subject.id}"
        return hashlib.sha256(text.encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON-ready data in the form of `schema/finding.schema.json`."""
        return {
            "duty": self.duty,
            "check": self.check,
            "subject": {"kind": self.subject.kind, "id": self.subject.id, "department": self.subject.department},
            "verdict": self.verdict,
            "outcome": self.outcome,
            "facts": {name: _plain(value) for name, value in sorted(self.facts.items())},
            "cites": [_cite(fact) for fact in self.cites],
            "missing": list(self.missing),
            "due": self.due.isoformat() if self.due else None,
            "case": self.case,
            "fingerprint": self.fingerprint,
        }


def _cite(fact: Fact) -> dict[str, Any]:
    return {
        "table": type(fact).__name__,
        "run": fact.run,
        "row": fact.row,
        "sha256": fact.sha256,
        "observed_at": fact.observed_at.isoformat(),
        "collected_at": fact.collected_at.isoformat(),
        "source": fact.source,
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - facts hold numbers, texts, days and lists or maps of them
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return value
