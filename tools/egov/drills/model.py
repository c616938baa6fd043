"""A drill: a procedure that breaks something and mends it, while clients write and read (`drill:` in its file)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from egov.city.fields import Part
from egov.city.load import unknown
from egov.procedures.model import Procedure, described


class Load(Part):
    """What is written and read meanwhile, and what kind of fault it is."""

    fault: Literal["process", "host", "link", "site", "storage", "person", "planned"]
    lab_only: bool = Field(default=False, description="Its steps pull cables or cut power, which only a lab can do")
    clients: Annotated[int, Field(ge=1, le=128)] = 8
    calm_seconds: Annotated[int, Field(ge=1)] = 4
    settle_seconds: Annotated[int, Field(ge=1)] = 4
    whole_seconds: Annotated[int, Field(ge=1)] = Field(
        default=120, description="Time that the cluster has to be whole again after the last step"
    )


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill as described."""

    procedure: Procedure
    load: Load

    @property
    def id(self) -> str:
        """The drill's name."""
        return self.procedure.head.id


def drills(folder: Path) -> dict[str, Drill]:
    """Return the drills described in *folder* by id; DescriptionError if one is invalid."""
    found = {}
    for procedure, sections in described(folder, {"drill": Load}):
        load = sections.get("drill")
        found[procedure.head.id] = Drill(procedure, load if isinstance(load, Load) else Load(fault="planned"))
    return found


def chosen(known: Mapping[str, Drill], names: tuple[str, ...]) -> list[Drill]:
    """Return the drills named, all for the name `all`; UsageError with the nearest name for one that is none."""
    for name in names:
        if name not in known and name != "all":
            what = "drill"
            raise unknown(what, name, known)
    return [drill for name, drill in known.items() if name in names or "all" in names]
