"""A city with systems to which access logs belong, and the lines of such logs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from build import Build

from egov.city import City, Component
from egov.collect.logs import Options, Selection, Taken, take_in
from egov.facts.summary import usage

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/70.0 Safari/537.36"
PROBE, PROXY, OWN = "10.0.0.9", "10.0.0.5", "10.0.0.1"  # monitoring, a reverse proxy, the system's own host


def city() -> City:
    """Return a city with the systems `permits` (on the host app) and `archive`, a proxy and a monitoring host."""
    build = Build()
    build.host("app", OWN)
    build.host("proxy", PROXY)
    build.host("mon", PROBE)
    build.kinds["hosts"]["mon"] = build.kinds["hosts"]["mon"].model_copy(update={"roles": ("monitoring",)})
    build.system("permits", components=(Component(name="web", host="app"),))
    build.system("archive")
    return build.city()


def line(
    client: str = "10.1.1.1",
    time: str = "01/Jul/2018:10:00:00 +0800",
    request: str = "GET /index.html HTTP/1.1",
    status: int = 200,
    referer: str = "http://portal.example/",
    agent: str = BROWSER,
) -> str:
    """Return a line of the combined format."""
    return f'{client} - - [{time}] "{request}" {status} 512 "{referer}" "{agent}"'


def write(path: Path, lines: Iterable[str | bytes]) -> Path:
    """Write a log and return its path."""
    path.write_bytes(b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in lines))
    return path


def taken(folder: Path, *paths: Path, systems: tuple[str, ...] = ("permits",), **options: Any) -> Taken:  # noqa: ANN401
    """Take logs in for these systems into the store at *folder*/evidence."""
    where = city()
    selections = [Selection.parse(text, where) for text in systems]
    return take_in(folder / "evidence", where, selections, paths, Options(**options))


def use(folder: Path, system: str = "permits") -> dict[str, Any]:
    """Return what the store says of a system's use; nothing of one without a log."""
    found = {row["system"]: row for row in usage(folder / "evidence", date(2099, 1, 1))}
    return found.get(system, {})


def classes(folder: Path, system: str = "permits") -> dict[str, int]:
    """Return the requests per class of agents, those there are."""
    return {name: count for name, count in use(folder, system)["by_agent_class"].items() if count}
