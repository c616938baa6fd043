"""What a check is, and the list of all of them.

A check is one small function that judges one subject. It says only what is particular to it: everything a reader might
forget (no evidence, exemption, order, owner, due date, fingerprint) the runner does for all.
"""

from __future__ import annotations

import importlib
import pkgutil
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from egov.city.fields import Part
from egov.facts import Fact, Facts

Predicate = Callable[[Any, Facts], bool]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check says of one subject. `ok` None: it cannot be said, `missing` names what is needed."""

    ok: bool | None
    outcome: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    cites: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    subject: Any = None


def judge(ok: bool, outcome: str | None = None, *, cites: Iterable[Fact] = (), **facts: Any) -> Judgement:  # noqa: ANN401, FBT001
    """Return a judgement: *ok* or a violation, its named case (the check's default for *ok* if None), and evidence."""
    return Judgement(ok, outcome, facts, tuple(cites))


def undetermined(missing: Sequence[str], *, cites: Iterable[Fact] = (), **facts: Any) -> Judgement:  # noqa: ANN401
    """Return a judgement that cannot be made, naming what is missing."""
    return Judgement(None, None, facts, tuple(cites), tuple(missing))


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check: its name, what it judges, when it applies, and its parameters' model."""

    name: str
    of: type
    function: Callable[..., Judgement]
    parameters: type[Part]
    when: Predicate
    passed: str
    violated: str
    bound: str | None
    weighs: tuple[str, ...] = ()


_CHECKS: dict[str, Check] = {}


class NoParameters(Part):
    """Parameters of a check that has none."""


def check(
    name: str,
    *,
    of: type,
    when: Predicate = lambda _subject, _facts: True,
    outcomes: tuple[str, str] = ("pass", "violation"),
    bound: str | None = None,
    weighs: tuple[str, ...] = (),
) -> Callable[[Callable[..., Judgement]], Callable[..., Judgement]]:
    """Register a function (subject, facts, parameters) -> Judgement as the check *name*.

    outcomes: names of passing and of violating where the function gives none.
    bound: the fact that an exemption's upper value limits; a decision without that bound exempts nothing.
    weighs: other checks of the same duty, whose judgements of the subject the function gets by name, as 4th argument.
    """

    def register(function: Callable[..., Judgement]) -> Callable[..., Judgement]:
        parameters = typing.get_type_hints(function).get("p", NoParameters)
        _CHECKS[name] = Check(name, of, function, parameters, when, *outcomes, bound, weighs)
        return function

    return register


@cache
def _discover() -> None:
    """Import every module beside this one, and those that installed distributions name as `egov.checks`."""
    import egov.checks as package  # noqa: PLC0415 - the package whose modules are listed

    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"egov.checks.{module.name}")
    for entry in entry_points(group="egov.checks"):
        entry.load()


def checks() -> dict[str, Check]:
    """Return all checks by name, sorted."""
    _discover()
    return dict(sorted(_CHECKS.items()))
