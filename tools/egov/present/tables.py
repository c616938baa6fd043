"""Small tables for a terminal; JSON where asked for."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from unicodedata import category

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.table import Table
from rich.text import Text


def clean(text: str) -> str:
    """Return text from outside on one line, without characters that move a cursor, hide text or reverse it.

    Private-use characters stay: GB 18030 gives rare characters of names such codes.
    """
    return "".join(" " if c in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" if category(c) in _HIDDEN else c for c in text)


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})


def width() -> int:
    """Return the terminal's width in columns: $COLUMNS, or what the terminal says, or 80."""
    return int(os.environ.get("COLUMNS") or shutil.get_terminal_size((80, 24)).columns)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table as wide as the terminal; cells are text, cleaned, never markup.

    Ids, places, days and numbers stay on one line, to be copied; other columns are folded where there is no room.
    """
    lines = [tuple("" if cell is None else clean(str(cell)) for cell in row) for row in rows]
    out = io.StringIO()
    console = Console(file=out, width=width(), color_system=None, highlight=False)
    grid = Table(box=None, pad_edge=False, header_style="", padding=(0, _GAP, 0, 0))
    for column, whole in zip(columns, _whole(columns, lines), strict=True):
        grid.add_column(Text(column), overflow="fold", no_wrap=whole)
    for line in lines:
        grid.add_row(*map(Text, line))
    console.print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


_GAP = 2
_NARROW = 8
_ONE_WORD = re.compile(r"[!-~]*")


def _whole(columns: Sequence[str], lines: Sequence[Sequence[str]]) -> list[bool]:
    """Say of each column whether to keep it on one line: those of one word each, from the left, as there is room."""
    widths = [max(map(cell_len, cells)) for cells in zip(columns, *lines, strict=True)]
    words = [all(map(_ONE_WORD.fullmatch, cells[1:])) for cells in zip(columns, *lines, strict=True)]
    room = width() - _GAP * (len(columns) - 1) - sum(min(w, _NARROW) for w in widths)
    whole = []
    for word, more in zip(words, (max(w - _NARROW, 0) for w in widths), strict=True):
        whole.append(word and more <= room)
        room -= more if whole[-1] else 0
    return whole


def paragraph(text: str, indent: int = 0, hanging: int = 2) -> str:
    """Return cleaned text broken to the terminal's width: *indent* columns in, later lines *hanging* more.

    Chinese may be broken after any character, but no punctuation mark stands alone; words and numbers stay whole.
    """
    later = max(width() - indent - hanging, 20)
    lines = [""]
    for piece in _PIECE.findall(clean(text)):
        room = later if len(lines) > 1 else later + hanging
        if lines[-1] and cell_len((lines[-1] + piece).rstrip()) > room:
            lines.append("")
        if piece.isspace() and not lines[-1]:
            continue
        if cell_len(piece) > later:
            lines[-1:] = chop_cells(lines[-1] + piece, later)
        else:
            lines[-1] += piece
    return "".join(" " * (indent + hanging * (n > 0)) + line.rstrip() + "\n" for n, line in enumerate(lines))


_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff60\uffe0-\uffe6\U00020000-\U0003ffff"
_PIECE = re.compile(rf"[（「《〔]*(?:[{_WIDE}]|[^\s{_WIDE}]+)[，。；：、）」》〕！？]*|\s+")


def flow(items: Iterable[str], hanging: int = 2) -> str:
    """Return short items one after another, broken to the terminal's width between items only."""
    lines: list[str] = []
    for item in map(clean, items):
        longer = f"{lines[-1]} · {item}" if lines else item
        if lines and cell_len(longer) > width():
            lines.append(" " * hanging + item)
        else:
            lines[-1:] = [longer]
    return "".join(f"{line}\n" for line in lines)


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
    head = paragraph(f"{state}: {' '.join(hosts)}").rstrip()
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
