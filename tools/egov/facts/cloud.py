"""Observed rows about the cloud: what judges said of rendered objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from egov.facts.tables import Fact, column


@dataclass(frozen=True, slots=True, kw_only=True)
class StackVerdict(Fact):
    """What one judge said of all of a department's objects in one cluster. Nothing to say is a row as well."""

    about: ClassVar[dict[str, str]] = {"departments": "department"}

    department: str = column("Department whose objects they are; the cloud's operator for what is the platform's")
    environment: str = column("Environment of the stacks: lab | production")
    cluster: str = column("Cluster they are rendered for")
    judge: str = column("Judge, as egov render names it")
    objects: int = column("Objects judged")
    concerns: int = column("Things the judge is against")
    not_judged: int = column("Things it could not judge")
    text: str = column("What it said, the first few", default="")
