"""What a judge says of an object. Silence is a pass only of what the judge says that it judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from egov.capture.manifests import Object

Outcome = Literal["violation", "undetermined"]


@dataclass(frozen=True, slots=True, order=True)
class Verdict:
    """Something wrong with a thing, or something about it that nobody could judge."""

    judge: str
    thing: str
    outcome: Outcome
    message: str
    place: str = ""
    department: str | None = None

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        unsure = "" if self.outcome == "violation" else "not judged: "
        return f"{where}{self.judge}: {self.thing}: {unsure}{self.message}"


def of(judge: str, made: Object, message: str, outcome: Outcome = "violation") -> Verdict:
    """Return a verdict on an object, with the place in the program that registered it."""
    department = (made.data["metadata"].get("labels") or {}).get("egov/department")
    return Verdict(judge, str(made.key), outcome, message, str(made.place), department)
