"""A drill: a procedure that breaks something and mends it, while clients write and read (`drill:` in its file)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    recovery: Literal["automatic", "person", "restore"] = Field(
        default="automatic",
        description="person: somebody has to act; restore: brings data back from a backup, held to restore_seconds",
    )
    writers: Literal["one", "all", "elsewhere"] = Field(
        default="one", description="Endpoints that clients write through: one, all, one outside the leader's site"
    )
    clients: Annotated[int, Field(ge=1, le=128)] = Field(default=8, description="Clients of each such endpoint")
    rate: Annotated[int, Field(ge=0)] = Field(
        default=20, description="Rows a second that each client writes at most; 0: as fast as it is answered"
    )
    calm_seconds: Annotated[float, Field(gt=0)] = 4
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


def varied(drill: Drill, seed: int) -> Drill:
    """Return the drill as *seed* has it: when the fault comes, how long it lasts, how many clients write.

    The calm before is half to twice as long, the fault up to a third longer, the clients half to one and a half times
    as many as described. The same seed gives the same drill.
    """
    dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    calm = round(drill.load.calm_seconds * dice.uniform(0.5, 2), 2)
    clients = max(1, round(drill.load.clients * dice.uniform(0.5, 1.5)))
    longer = dice.uniform(1, 4 / 3)
    steps = tuple(
        step.model_copy(update={"hold_seconds": round(step.hold_seconds * longer)}) for step in drill.procedure.steps
    )
    load = drill.load.model_copy(update={"calm_seconds": calm, "clients": clients})
    return Drill(replace(drill.procedure, steps=steps), load)


def paced(drill: Drill, rate: int) -> Drill:
    """Return the drill with clients that write at most *rate* rows a second each; 0: as fast as they are answered."""
    return Drill(drill.procedure, drill.load.model_copy(update={"rate": rate}))


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
