"""The law as data: duties with their clause, verbatim words, deadlines, bodies, and the checks that serve them.

Another city or another year writes other files under `inventory/<city>/mandate/`; no code changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from egov.city.codes import Code
from egov.city.fields import Day, Item, Part, Reference, Slug, Text, refuse
from egov.city.shape import Kinds
from egov.errors import Problem

DutyId = Annotated[str, Field(pattern=r"^R[0-9]{2,3}$")]
Serves = Literal["provision", "audit", "monitor", "plan", "report"]
DocumentId = Annotated[Slug, Reference("documents")]
BodyId = Annotated[Slug, Reference("bodies")]
StandardId = Annotated[Slug, Reference("standards")]


class Document(Item):
    """A document that duties come from."""

    number: Text
    title: Text
    issuer: Text
    issued_on: Day
    note: Text | None = None


class Body(Item):
    """A body that a duty names, as the text prints it."""

    name_zh: Text
    name_en: Text


class Standard(Item):
    """One edition of a standard and the days it is in force."""

    number: Text
    title: Text
    valid_from: Day
    valid_to: Day | None = None


class Vocabulary(Item):
    """A list of words that a text fixes; other texts use other lists, so it carries its source."""

    title: Text
    document: DocumentId
    clause: Text
    values: tuple[Text, ...] = Field(min_length=1)


class Register(Item):
    """A list that the plan demands."""

    name_zh: Text
    name_en: Text
    duty: Annotated[DutyId, Reference("duties")]


class Deadline(Part):
    """By when, for whom. 「…月底前」 is the last day of that month, inclusive."""

    day: Day
    what: Text | None = None
    inferred: Text | None = Field(default=None, description="Why this day, where the text itself gives none")


class Bodies(Part):
    """Who leads (牵头), carries out (实施), is responsible (责任), cooperates (配合)."""

    lead: tuple[BodyId, ...] = ()
    carries_out: tuple[BodyId, ...] = ()
    responsible: tuple[BodyId, ...] = ()
    cooperates: tuple[BodyId, ...] = ()


class Binding(Part):
    """The parameters of one check, the reason for each number, and the days between which they hold."""

    check: Slug
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    reason: Text
    valid_from: Day | None = None
    valid_to: Day | None = None

    def holds(self, on: date) -> bool:
        """Say whether the binding is in force on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


class Duty(Item):
    """One duty."""

    id: DutyId
    document: DocumentId
    clause: Text
    title_zh: Text
    summary_en: Text
    quotes: tuple[Text, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    bodies: Bodies = Bodies()
    checkable: Text = Field(description="What a program can check")
    serves: tuple[Serves, ...] = Field(min_length=1)
    standards: tuple[StandardId, ...] = ()
    checks: tuple[Binding, ...] = ()
    not_checked_reason: Text | None = None

    @model_validator(mode="after")
    def _checked_or_explained(self) -> Duty:
        if bool(self.checks) == bool(self.not_checked_reason):
            message = "a duty has checks, or not_checked_reason says why it has none"
            raise refuse(Code.E403, message, "须有检查项, 或说明为何没有")
        return self

    @property
    def due(self) -> date | None:
        """The last of its deadlines: after it the duty is overdue as a whole."""
        return max((deadline.day for deadline in self.deadlines), default=None)


@dataclass(frozen=True)
class Mandate:
    """All duties of a city and what they refer to."""

    duties: Mapping[str, Duty] = field(default_factory=dict)
    documents: Mapping[str, Document] = field(default_factory=dict)
    bodies: Mapping[str, Body] = field(default_factory=dict)
    standards: Mapping[str, Standard] = field(default_factory=dict)
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)
    registers: Mapping[str, Register] = field(default_factory=dict)
    read: Kinds = field(default_factory=Kinds, repr=False, compare=False)

    def bindings(self, on: date) -> Iterator[tuple[Duty, int, Binding]]:
        """Yield (duty, index in the duty, binding) of every check bound on that day, in order of duty."""
        for duty in sorted(self.duties.values(), key=lambda duty: duty.id):
            for index, binding in enumerate(duty.checks):
                if binding.holds(on):
                    yield duty, index, binding

    def problem(self, duty: str, loc: Sequence[str | int], code: Code, message: str, hint: str) -> Problem:
        """Return a problem at a value of a duty."""
        if ("duties", duty) not in self.read.places:
            return Problem("mandate", 0, 0, code.name, message, hint)
        return self.read.problem("duties", duty, loc, code, message, hint)

    def edition(self, number: str, on: date) -> Standard | None:
        """Return the edition of a standard (by the stem of its number) in force on a day, or None."""
        editions = (
            standard
            for standard in self.standards.values()
            if standard.number.split("-")[0] == number.split("-", maxsplit=1)[0]
            and standard.valid_from <= on
            and (standard.valid_to is None or on <= standard.valid_to)
        )
        return max(editions, key=lambda standard: standard.valid_from, default=None)
