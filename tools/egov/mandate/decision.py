"""Decision: a signed permission, as checks see it. Cases make them; a decision that is not valid never gets here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Decision:
    """Who allowed what, for which subject, up to which value, until when."""

    case: str
    document: str
    signer: str
    check: str
    kind: str
    subject: str
    decided_on: date
    expires_on: date
    upper: float | None = None

    def covers(self, check: str, kind: str, subject: str, on: date) -> bool:
        """Say whether the decision speaks of this question on that day; the day it expires is the last one."""
        return (check, kind, subject) == (self.check, self.kind, self.subject) and (
            self.decided_on <= on <= self.expires_on
        )
