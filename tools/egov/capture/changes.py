"""Two sets of rendered objects → what is added, taken away and changed, with the fields. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from egov.capture.manifests import Key, Object

State = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True, order=True)
class ObjectChange:
    """What becomes of one object; `fields` are the paths whose values differ."""

    key: Key
    state: State
    fields: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**self.key._asdict(), "state": self.state, "fields": list(self.fields)}


def changes(before: Iterable[Object], after: Iterable[Object]) -> list[ObjectChange]:
    """Return the objects that differ, by key."""
    old, new = ({made.key: made for made in found} for found in (before, after))
    found = [ObjectChange(key, "removed") for key in old.keys() - new.keys()]
    found += [ObjectChange(key, "added") for key in new.keys() - old.keys()]
    for key in old.keys() & new.keys():
        fields = tuple(sorted(set(_paths("", old[key].data, new[key].data))))
        if fields:
            found.append(ObjectChange(key, "changed", fields))
    return sorted(found)


def _paths(path: str, one: Any, other: Any) -> Iterator[str]:  # noqa: ANN401 - plain data
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            yield from _paths(f"{path}.{key}".lstrip("."), one.get(key), other.get(key))
    elif one != other:
        yield path
