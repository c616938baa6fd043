"""The sample city on the day most duties are due, and changes of it in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from egov.city import City, load

CITY = Path(__file__).parents[2] / "inventory" / "huludao"
ON = date(2018, 12, 31)


@cache
def huludao() -> City:
    """Return the sample city."""
    return load(CITY)


def with_kinds(**kinds: Mapping[str, Any]) -> City:
    """Return the sample city with other objects of some kinds."""
    changed: Any = kinds
    return dataclasses.replace(huludao(), **changed)


def with_flow(flow: str, **fields: object) -> City:
    """Return the sample city with other fields of one flow."""
    flows = huludao().flows
    return with_kinds(flows={**flows, flow: flows[flow].model_copy(update=fields)})


def without_flow(flow: str) -> City:
    """Return the sample city without one flow."""
    return with_kinds(flows={name: item for name, item in huludao().flows.items() if name != flow})
