"""`inventory/<city>/mandate/*.yml` → Mandate, with the place of every problem."""

from __future__ import annotations

import typing
from dataclasses import fields
from pathlib import Path

from egov.city.fields import Item
from egov.city.shape import dangling, read_kinds
from egov.errors import DescriptionError
from egov.mandate.model import Mandate


def mandate(city_dir: Path) -> Mandate:
    """Return a city's mandate; DescriptionError with every problem if it is invalid."""
    hints = typing.get_type_hints(Mandate)
    kinds: dict[str, type[Item]] = {
        f.name: typing.get_args(hints[f.name])[1] for f in fields(Mandate) if f.name != "read"
    }
    read = read_kinds(city_dir, sorted((city_dir / "mandate").glob("*.yml")), kinds)
    problems = [*read.problems, *dangling(read, read.named)]
    if problems:
        raise DescriptionError(problems)
    return Mandate(read=read, **read.items)
