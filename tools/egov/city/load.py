"""A city's folder → City, or every problem in it.

A valid description is kept as JSON under the user's cache, keyed by the content of its files and of the model,
because parsing YAML is nearly all of the cost (style guide §3.1). The cache holds plain data and is validated again.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import typing
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from egov.city.codes import Code
from egov.city.fields import Item
from egov.city.model import City, Place, Profile
from egov.city.rules import RULES
from egov.city.rules_network import NETWORK_RULES
from egov.city.rules_workloads import WORKLOAD_RULES
from egov.city.shape import Kinds, adapter, dangling, nearest, read_kinds
from egov.city.uncollected import uncollected
from egov.errors import DescriptionError, Problem, UsageError

# Folders below a city that hold other things than its description; each has its own reader.
OTHERS = frozenset({"mandate", "cases", "surveys", "calendar", "lab"})
SIGNERS = "signers.yml"


@cache
def kinds() -> dict[str, type[Item]]:
    """Return plural key → class of every described kind, from the fields of City."""
    hints = typing.get_type_hints(City)
    names = [f.name for f in fields(City) if f.name not in {"profile", "places"}]
    return {name: typing.get_args(hints[name])[1] for name in names}


def find(city: str | os.PathLike[str] | None = None, root: Path | None = None) -> Path:
    """Return a city's folder: *city*, else $EGOV_CITY, else the only one under `inventory/`; UsageError if not one."""
    chosen = city or os.environ.get("EGOV_CITY")
    if chosen:
        folder = Path(chosen)
        if not folder.is_dir():
            message = f"{folder} is not a folder; name a city's folder such as inventory/<city>"
            raise UsageError(message)
        return folder
    inventory = (root or Path.cwd()) / "inventory"
    found = sorted(p.parent for p in inventory.glob("*/city.yml"))
    if len(found) != 1:
        names = ", ".join(p.name for p in found) or "none"
        message = f"{inventory} holds {len(found)} cities ({names}); name one with --city DIR or $EGOV_CITY"
        raise UsageError(message)
    return found[0]


def description_files(folder: Path) -> list[Path]:
    """Return the description's files, sorted; hidden files and other readers' folders are left out."""
    return sorted(
        path
        for path in folder.rglob("*.yml")
        if not OTHERS.intersection(path.relative_to(folder).parts[:1])
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.relative_to(folder).as_posix() != SIGNERS
    )


@uncollected()  # YAML nodes make no cycles
def load(folder: Path) -> City:
    """Return the city described in *folder*; DescriptionError with every problem if it is not valid."""
    files = description_files(folder)
    key = content_key(folder, files)
    cached = _from_cache(key)
    if cached is not None:
        return cached
    read = read_kinds(folder, files, kinds(), {"city": Profile})
    problems = list(read.problems)
    profile = read.sections.get("city")
    if profile is None and not any(d.problems or _holds_profile(d.data) for d in read.documents.values()):
        file = "city.yml"
        problems.append(Problem(file, 1, 1, Code.E310.name, "the city's profile is missing: `city:`", "缺少城市概况"))
    city = City(profile=typing.cast("Profile", profile), places=read.places, **read.items)
    problems += dangling(read, read.named)
    for rule in RULES:
        problems += rule(city, read)
    if not problems:  # flows are followed through everything else, so all of it must stand first
        problems = [problem for rule in (*NETWORK_RULES, *WORKLOAD_RULES) for problem in rule(city, read)]
    if problems:
        raise DescriptionError(problems)
    _to_cache(key, read)
    return city


def _holds_profile(data: object) -> bool:
    return isinstance(data, dict) and "city" in data


def content_key(folder: Path, files: list[Path]) -> str:
    """Return a hash of the files' names and bytes and of the model that reads them."""
    digest = hashlib.sha256(_model_key().encode())
    for path in files:
        digest.update(os.fsencode(path.relative_to(folder)) + b"\0")
        try:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError:
            digest.update(b"unreadable")
    return digest.hexdigest()


def locations(folder: Path, kind: str, place: Place) -> Iterator[tuple[tuple[str | int, ...], int, int]]:
    """Yield (path within the object, line, column) of every value of one described object."""
    from egov.city.source import locate, read  # noqa: PLC0415 - only `egov show` needs the nodes again

    document = read(folder / place.file, place.file)
    node = locate(document.root, (kind, place.index))
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), node)]
    while stack:
        loc, current = stack.pop()
        value = getattr(current, "value", None)
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            stack += [((*loc, key.value), child) for key, child in reversed(value)]
        elif isinstance(value, list):
            stack += [((*loc, index), child) for index, child in reversed(list(enumerate(value)))]
        elif current is not None:
            yield loc, current.start_mark.line + 1, current.start_mark.column + 1


def expired_flows(folder: Path, city: City, on: date) -> Iterator[Problem]:
    """Yield a problem for every flow that ended before a day: it must go, or be decided anew."""
    for flow in city.flows.values():
        if flow.until < on:
            place = city.places["flows", flow.id]
            line, col = next((ln, c) for loc, ln, c in locations(folder, "flows", place) if loc == ("until",))
            message = f"until: {flow.id} ended on {flow.until}; remove it or bring a new decision"
            yield Problem(place.file, line, col, Code.E313.name, message, "访问关系已到期")


def unknown(what: str, word: str, known: typing.Iterable[str]) -> UsageError:
    """Return the error for a name on the command line that names nothing, with the nearest that does."""
    near = nearest(word, known)
    return UsageError(f"no {what} {word}" + (f"; did you mean {near}?" if near else ""))


@cache
def _model_key() -> str:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for name in sorted(path.name for path in here.glob("*.py")):
        digest.update((here / name).read_bytes())
    return digest.hexdigest()


def cache_folder() -> Path:
    """Return the user's cache folder of egov (XDG base directories)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "egov"


_PLACES = TypeAdapter(list[tuple[str, str, Place]])


def _from_cache(key: str) -> City | None:
    folder = cache_folder() / "city" / key
    try:
        profile = Profile.model_validate_json((folder / "city.json").read_bytes())
        items: dict[str, Any] = {
            kind: {item.id: item for item in adapter(model).validate_json((folder / f"{kind}.json").read_bytes())}
            for kind, model in kinds().items()
        }
        places = _PLACES.validate_json((folder / "places.json").read_bytes())
    except (OSError, ValidationError):
        return None
    return City(profile=profile, places={(kind, name): place for kind, name, place in places}, **items)


def _to_cache(key: str, read: Kinds) -> None:
    """Keep a valid description; a cache that cannot be written is only slower."""
    folder = cache_folder() / "city"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder, prefix=".new-"))
        (work / "city.json").write_text(read.sections["city"].model_dump_json(), encoding="utf-8")
        for kind, model in kinds().items():
            items = tuple(read.items[kind].values())
            (work / f"{kind}.json").write_bytes(adapter(model).dump_json(items, exclude_defaults=True))
        places = [(kind, name, place) for (kind, name), place in read.places.items()]
        (work / "places.json").write_bytes(_PLACES.dump_json(places))
        for old in sorted(folder.glob("[0-9a-f]*"), key=lambda p: p.stat().st_mtime)[:-8]:
            _remove(old)
        try:
            work.rename(folder / key)
        except OSError:  # another process was first
            _remove(work)
    except OSError:
        return


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()
