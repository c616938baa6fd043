"""Small tables for a terminal; JSON where asked for."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as wide as the terminal (80 columns where there is none); cells are text, never markup."""
    width = int(os.environ.get("COLUMNS") or shutil.get_terminal_size((80, 24)).columns)
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, highlight=False)
    grid = Table(box=None, pad_edge=False, header_style="", padding=(0, 2, 0, 0))
    for column in columns:
        grid.add_column(Text(column), overflow="fold")
    for row in rows:
        grid.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console.print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def as_json(data: Any) -> str:  # noqa: ANN401 - anything JSON holds
    """Return JSON for scripts: stable order, Chinese readable."""
    return json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n"


def collected(run: str, contacts: Iterable[Any]) -> str:
    """Return what came of each host of a collection."""
    found = list(contacts)
    rows = [(c.host, c.status, f"{c.seconds:.1f}", c.detail) for c in found]
    answered = sum(c.status == "ok" for c in found)
    return table(("host", "status", "s", "detail"), rows) + f"run {run}: {answered} of {len(found)} hosts in full\n"


def taken_in(taken: Any) -> str:  # noqa: ANN401 - egov.collect.survey.Taken
    """Return what was taken in from sheets, and what was kept as unread."""
    rows = [(name, kind, str(count)) for name, (kind, count) in taken.rows.items()]
    unread = "".join(f"{problem}\n" for problem in taken.unread)
    return table(("sheet", "table", "rows"), rows) + unread + f"run {taken.run}: {len(taken.unread)} unread\n"


def impacts(found: Iterable[Any], commands: Mapping[str, str]) -> str:
    """Return what a change of the description touches, and the commands to check, apply and undo it."""
    hosts = list(found)
    if not hosts:
        return "no host is touched\n"
    alike: dict[tuple[Any, ...], list[str]] = {}
    for item in hosts:
        groups = tuple(name for name in item.variables if name.startswith("group "))
        alike.setdefault((item.state, item.files, item.tasks, item.restarts, groups), []).append(item.host)
    parts = [line for key, names in alike.items() for line in _impact_lines(key, names)]
    parts += ["", *(f"{name:6} {line}" for name, line in commands.items() if line)]
    return "\n".join(parts) + "\n"


def _impact_lines(key: tuple[Any, ...], hosts: list[str]) -> list[str]:
    state, *touched = key
    head = textwrap.fill(f"{state}: {' '.join(hosts)}", 100, subsequent_indent="  ", break_on_hyphens=False)
    words = zip(("file", "task", "restart", ""), touched, strict=True)
    return [head, *(f"  {word:8} {name}" for word, names in words for name in names)]


def steps(procedure: Any) -> str:  # noqa: ANN401 - egov.procedures.Procedure
    """Return the steps of a procedure with what they would run."""
    lines = []
    for number, step in enumerate(procedure.steps, 1):
        lines.append(f"{number}. {step.id}: {step.title}" + (" (no way back)" if step.point_of_no_return else ""))
        commands = ((phase, getattr(step, phase)) for phase in ("do", "verify", "undo"))
        lines.extend(f"   {phase:6} {shlex.join(words)}" for phase, words in commands if words)
    return "\n".join(lines) + "\n"


def lab_table(status: Iterable[Any], form: str | None) -> str:
    """Return the state of a lab's hosts."""
    hosts = list(status)
    if form == "json":
        return as_json([asdict(host) for host in hosts])
    return table(
        ("host", "state", "address", "failed units"), [(h.host, h.state, h.address, " ".join(h.failed)) for h in hosts]
    )
