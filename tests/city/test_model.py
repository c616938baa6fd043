"""The model and what is derived from it: JSON Schemas as committed, and a reader for every field."""

from __future__ import annotations

import ast
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from egov.city.load import kinds
from egov.city.model import Profile
from egov.present.schema import schemas, text

ROOT = Path(__file__).parents[2]
PACKAGES = (ROOT / "tools" / "egov", ROOT / "stacks")
# Fields nobody computes with yet, and why they are declared all the same. Who reads one deletes its line.
UNREAD = {
    "city.region_code": "names the city to the province (GB/T 2260); no exchange with the province yet",
    "circuits.contract_from": "since when a line is paid for (R43: cost per year of life); costs are not judged yet",
    "departments.classified.milestone": "all that may be said of classified systems beside their number (R03, R31)",
    "devices.purchased_on": "age is a ground of disposal (R19); disposals are not planned yet",
    "devices.original_value_cny": "what the books lose by a disposal (R19); disposals are not planned yet",
    "hosts.os": "what an administrator expects there; collected systems are not compared with it yet",
}


def fields_of(model: type[BaseModel], name: str) -> Iterator[tuple[str, str]]:
    """Yield (path, field) of a model and of the parts inside it."""
    for field, info in model.model_fields.items():
        yield f"{name}.{field}", field
        for part in parts_in(info.annotation):
            yield from fields_of(part, f"{name}.{field}")


def parts_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from parts_in(argument)


@cache
def read_names() -> set[str]:
    """Return every name that the package reads of an object, or asks for by its name in quotes.

    The name alone decides, whatever object it is read of: a field that shares its name with another's may go unread
    without being listed; one that is listed is read by nobody.
    """
    names = set()
    for path in (path for package in PACKAGES for path in package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    return names


def test_fields_nobody_reads() -> None:
    """A field enters the model with its first reader; the few that wait for one are listed with the reason."""
    described = {"city": Profile, **kinds()}
    declared = dict(path for name, model in described.items() for path in fields_of(model, name))
    unread = {path for path, field in declared.items() if field not in read_names()}

    assert set(UNREAD) == unread


@pytest.mark.parametrize("name", sorted(schemas()))
def test_schema_is_in_step(name: str) -> None:
    """What editors check is what the loader reads; after a change of the model: make schema."""
    assert text(schemas()[name]) == (ROOT / "schema" / name).read_text(encoding="utf-8")


def test_no_other_schema() -> None:
    """No committed schema belongs to a model that is gone."""
    assert sorted(schemas()) == sorted(path.name for path in (ROOT / "schema").iterdir())
