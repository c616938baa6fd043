"""Case kinds and case files. A kind is data: states, transitions with role, documents, limits and what they require."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from egov.city.codes import Code
from egov.city.fields import Day, Item, Part, Slug, Text, refuse
from egov.city.shape import read_kinds
from egov.errors import DescriptionError


def _moment(value: Any) -> datetime:  # noqa: ANN401 - whatever the file holds
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"expected a time with its zone as 2018-12-31T09:30:00+08:00, got {value!r}"
        raise refuse(Code.E206, message, "时间应含时区")
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment)]


class Head(Part):
    """What the kind is called and how it begins (`kind:`)."""

    id: Slug
    name_zh: Text
    name_en: Text
    initial: Slug
    initial_role: Slug


class State(Item):
    """A state; `working_days` is how long a case may stay in it, counted from the day after it came there."""

    name_zh: Text
    name_en: Text
    final: bool = False
    working_days: Annotated[int, Field(ge=1)] | None = None


class Transition(Item):
    """A way from states to a state: who may go it, what it must bring."""

    name_zh: Text
    from_: tuple[Slug, ...] = Field(alias="from", min_length=1)
    to: Slug
    role: Slug
    signed: bool = False
    decision: bool = False
    documents: Annotated[int, Field(ge=0)] = 0
    finding: tuple[Literal["pass", "exempt", "violation"], ...] = ()
    waits: Annotated[int, Field(ge=0)] = 0  # working days that the case must have been where it stands
    note: bool = False  # a sentence is required
    # Working days on which a call would have been seen; refused while evidence shows fewer, or that somebody called.
    quiet: Annotated[int, Field(ge=0)] = 0


class Kind(Part):
    """A kind of case."""

    head: Head
    states: dict[str, State]
    transitions: dict[str, Transition]


class CaseHead(Part):
    """What a case is about (`case:`): one check of one subject."""

    id: Slug
    kind: Slug
    check: Slug
    subject_kind: Slug
    subject: Slug
    department: Slug | None = None


class Decided(Part):
    """What a decision allows. Its scope is written out again so that the signature covers it."""

    document: Text = Field(description="Number of the decision (文号)")
    check: Slug
    subject_kind: Slug
    subject: Slug
    upper: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        default=None, description="Largest value allowed, in the check's own unit"
    )
    ground: Text = Field(description="Why (理由)")
    expires_on: Day


class Event(Item):
    """One step of a case. `previous` is the hash of what came before: the file can only grow."""

    at: Moment
    transition: Slug
    role: Slug
    by: Text
    note: Text | None = None
    documents: tuple[Text, ...] = ()
    decision: Decided | None = None
    finding: Literal["pass", "exempt", "violation", "undetermined"] | None = None
    evidence: Text | None = Field(default=None, description="Seal or evidence hash the finding rests on")
    quiet_since: Day | None = Field(
        default=None, description="Day after which nobody was seen to call the system: that of its quarantine"
    )
    quiet_days: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Working days since then on which a call would have been seen"
    )
    previous: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signature: Text | None = Field(default=None, description="Armoured SSH signature over the event's payload")

    @property
    def day(self) -> date:
        """The day it happened where it happened."""
        return self.at.date()


@cache
def case_kinds() -> dict[str, Kind]:
    """Return all kinds of case by id."""
    found = {}
    folder = Path(__file__).parent / "kinds"
    for path in sorted(folder.glob("*.yml")):
        read = read_kinds(folder, [path], {"states": State, "transitions": Transition}, {"kind": Head})
        if read.problems:
            raise DescriptionError(read.problems)
        head = read.sections["kind"]
        assert isinstance(head, Head)  # noqa: S101 - for mypy: read_kinds returns what it was asked for
        found[head.id] = Kind(head=head, states=read.items["states"], transitions=read.items["transitions"])
    return found
