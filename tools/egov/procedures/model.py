"""A procedure as data: steps with do, verify, undo. Files live beside the playbooks they drive."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from egov.city.codes import Code
from egov.city.fields import Item, Part, Slug, Text, refuse
from egov.city.load import unknown
from egov.city.shape import read_kinds
from egov.errors import DescriptionError, UsageError

# The only programs that may change a host (design §2), and egov itself for reading.
ALLOWED = frozenset({"ansible-playbook", "pulumi", "egov"})


def _allowed(value: object) -> object:
    if isinstance(value, tuple) and value and value[0] not in ALLOWED:
        message = f"a step runs one of {', '.join(sorted(ALLOWED))}, not {value[0]!r}"
        raise refuse(Code.E205, message, "只能通过 ansible-playbook 等改变主机")
    return value


Command = Annotated[tuple[Text, ...], Field(min_length=1), BeforeValidator(_allowed)]


class Head(Part):
    """What a procedure does (`procedure:`) and which inputs its commands name as $input."""

    id: Slug
    title_zh: Text
    title_en: Text
    inputs: tuple[Slug, ...] = ()


class Step(Item):
    """One step. `undo_seconds` is how long undoing may take; past a point of no return there is only forward."""

    title: Text
    do: Command
    verify: Command | None = None
    undo: Command | None = None
    undo_seconds: Annotated[int, Field(ge=0)] = 0
    timeout_seconds: Annotated[int, Field(ge=1)] = 600
    point_of_no_return: bool = False


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure with its inputs filled in."""

    head: Head
    steps: tuple[Step, ...]

    def filled(self, inputs: Mapping[str, str]) -> Procedure:
        """Return the procedure with $input replaced in every command; UsageError for missing or unknown inputs."""
        if problems := set(self.head.inputs) ^ set(inputs):
            message = (
                f"{self.head.id} takes the inputs {', '.join(self.head.inputs) or 'none'}; check {', '.join(problems)}"
            )
            raise UsageError(message)

        def fill(command: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return command and tuple(string.Template(word).substitute(inputs) for word in command)

        steps = tuple(
            step.model_copy(update={name: fill(getattr(step, name)) for name in ("do", "verify", "undo")})
            for step in self.steps
        )
        return replace(self, steps=steps)


def procedures(folder: Path) -> dict[str, Procedure]:
    """Return the procedures described in *folder* by id; DescriptionError if one is invalid."""
    found = {}
    for path in sorted(folder.glob("*.yml")):
        read = read_kinds(folder, [path], {"steps": Step}, {"procedure": Head})
        head = read.sections.get("procedure")
        if read.problems or not isinstance(head, Head):
            document = next(iter(read.documents.values()))
            missing = document.problem((), Code.E204, "procedure is missing", "缺少 procedure")
            raise DescriptionError(read.problems or [missing])
        found[head.id] = Procedure(head, tuple(read.items["steps"].values()))
    return found


def procedure(folder: Path, name: str) -> Procedure:
    """Return one procedure; UsageError with the nearest name if there is none."""
    known = procedures(folder)
    if name not in known:
        what = "procedure"
        raise unknown(what, name, known)
    return known[name]
