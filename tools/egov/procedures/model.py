"""A procedure as data: steps with do, verify, undo. Files live beside the playbooks they drive."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from egov.city.codes import Code
from egov.city.fields import Item, Part, Slug, Text, refuse
from egov.city.load import unknown
from egov.city.shape import Kinds, read_kinds
from egov.errors import DescriptionError, Problem, UsageError

# The only programs that may change a host (design §2), and egov itself for reading.
ALLOWED = frozenset({"ansible-playbook", "pulumi", "egov"})
PHASES = ("do", "verify", "undo")


def _allowed(value: object) -> object:
    words = tuple(value) if isinstance(value, list) else value  # a list where a journal is read
    if isinstance(words, tuple) and words and words[0] not in ALLOWED:
        message = f"a step runs one of {', '.join(sorted(ALLOWED))}, not {words[0]!r}"
        raise refuse(Code.E205, message, "只能通过 ansible-playbook 等改变主机")
    return words


Command = Annotated[tuple[Text, ...], Field(min_length=1), BeforeValidator(_allowed)]


class Head(Part):
    """What a procedure does (`procedure:`) and which inputs its commands name as $input."""

    id: Slug
    title_zh: Text
    title_en: Text
    inputs: tuple[Slug, ...] = ()


class Step(Item):
    """One step. Its commands may be run again after a crash, so each must change nothing the second time.

    `undo_seconds` is how long undoing may take. Once a step marked as the point of no return is begun there is only
    forward. A step without `undo` is one that the undo of a step before it undoes as well, or that changes nothing.
    `hold_seconds` pass between do and verify: how long a fault of a drill lasts.
    """

    title: Text
    do: Command
    verify: Command | None = None
    undo: Command | None = None
    undo_seconds: Annotated[int, Field(ge=0)] = 0
    timeout_seconds: Annotated[int, Field(ge=1)] = 600
    hold_seconds: Annotated[int, Field(ge=0)] = 0
    point_of_no_return: bool = False


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure with its inputs filled in."""

    head: Head
    steps: tuple[Step, ...]

    def filled(self, inputs: Mapping[str, str]) -> Procedure:
        """Return the procedure with $input replaced in every command; UsageError for missing or unknown inputs."""
        missing = [name for name in self.head.inputs if name not in inputs]
        unknown_inputs = sorted(set(inputs) - set(self.head.inputs))
        if missing or unknown_inputs:
            wrong = [*(f"{name} is missing" for name in missing), *(f"there is no {name}" for name in unknown_inputs)]
            message = f"{self.head.id} takes the inputs {', '.join(self.head.inputs) or 'none'}: {', '.join(wrong)}"
            raise UsageError(message)

        def fill(command: tuple[str, ...] | None) -> tuple[str, ...] | None:
            return command and tuple(string.Template(word).substitute(inputs) for word in command)

        steps = tuple(
            step.model_copy(update={phase: fill(getattr(step, phase)) for phase in PHASES}) for step in self.steps
        )
        return replace(self, steps=steps)


def procedures(folder: Path) -> dict[str, Procedure]:
    """Return the procedures described in *folder* by id; DescriptionError if one is invalid."""
    return {found.head.id: found for found, _ in described(folder, {})}


def described(folder: Path, more: Mapping[str, type[Part]]) -> Iterator[tuple[Procedure, Mapping[str, Part]]]:
    """Yield the procedures of a folder, each with what its file says besides, in the sections of *more*."""
    for path in sorted(folder.glob("*.yml")):
        read = read_kinds(folder, [path], {"steps": Step}, {"procedure": Head, **more})
        head, steps = read.sections.get("procedure"), tuple(read.items["steps"].values())
        problems = list(read.problems)
        if not problems and not (isinstance(head, Head) and steps):
            document = next(iter(read.documents.values()))
            problems = [
                document.problem((), Code.E204, "procedure and steps: one is missing", "缺少 procedure 或 steps")
            ]
        if isinstance(head, Head):
            problems += _inputs_known(read, head)
        if problems or not isinstance(head, Head):
            raise DescriptionError(problems)
        yield Procedure(head, steps), read.sections


def _inputs_known(read: Kinds, head: Head) -> Iterator[Problem]:
    """Yield a problem for every word of a command with a $ that names no input."""
    for step in read.items["steps"].values():
        for phase in PHASES:
            for index, word in enumerate(getattr(step, phase) or ()):
                template = string.Template(word)
                named = template.get_identifiers() if template.is_valid() else [word]
                for name in named:
                    if name not in head.inputs:
                        message = f"{phase}: ${name.lstrip('$')} is no input of {head.id}; a plain $ is written $$"
                        yield read.problem("steps", step.id, (phase, index), Code.E302, message, "未声明的输入")


def procedure(folder: Path, name: str) -> Procedure:
    """Return one procedure; UsageError with the nearest name if there is none."""
    known = procedures(folder)
    if name not in known:
        what = "procedure"
        raise unknown(what, name, known)
    return known[name]
