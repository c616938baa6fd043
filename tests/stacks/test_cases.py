"""A file per behaviour of a component: arguments → the objects that matter, or the exact refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from components import CASES, component, run

from egov.capture import CaptureError
from egov.capture.manifests import Object, objects

FILES = sorted(CASES.glob("*.yml"))


def case(path: Path) -> dict[str, Any]:
    """Return a case's data."""
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def rendered(data: Mapping[str, Any]) -> list[Object]:
    """Return the objects of a case's component."""
    return objects(run(component(data["component"], data.get("arguments", {}))))


def misses(expected: Any, found: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - plain data
    """Yield where expected data is not in found data: mappings may hold more, lists and values are equal."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if not isinstance(found, dict) or key not in found:
                yield f"{path}.{key}: missing"
            else:
                yield from misses(value, found[key], f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from misses(one, other, f"{path}[{index}]")
    elif expected != found:
        yield f"{path}: expected {expected!r}, got {found!r}"


@pytest.mark.parametrize("path", [p for p in FILES if "refuses" not in case(p)], ids=lambda p: p.stem)
def test_objects(path: Path) -> None:
    """The component registers what the case shows, only what it lists under `only`, nothing it lists under `none`."""
    data = case(path)
    found = {f"{made.key.kind}/{made.key.name}": made.data for made in rendered(data)}

    assert [] == [m for name, wanted in data.get("objects", {}).items() for m in misses(wanted, found.get(name), name)]
    assert set(data.get("none", [])) & found.keys() == set()
    assert data.get("only", sorted(found)) == sorted(found)


@pytest.mark.parametrize("path", [p for p in FILES if "refuses" in case(p)], ids=lambda p: p.stem)
def test_refusals(path: Path) -> None:
    """What cannot be is refused, in one line that names the argument."""
    data = case(path)

    with pytest.raises(CaptureError) as refused:
        rendered(data)

    assert data["refuses"] == str(refused.value).partition(": ")[2]


def test_a_third_of_the_cases_are_refusals() -> None:
    """Forty cases or more, and what is refused is shown as often as half of what is made."""
    refusals = [path for path in FILES if "refuses" in case(path)]

    assert len(FILES) >= 40
    assert len(refusals) * 3 >= len(FILES)
