"""What a backup repository's host printed → rows: pgBackRest's catalogue, its newest WAL, restores, readings of files.

Formats: `pgbackrest info --output=json` (2.45), find(1), and what playbooks/roles/pgbackrest's restore.py and
playbooks/roles/file_backup's city-files.py print.
"""

from __future__ import annotations

import json
from typing import Any

from egov.collect.parse import Found, Row, Unreadable, moment

_SHOWN = 3


def backups(text: str) -> Found:
    """Return every backup of every stanza that the catalogue lists."""
    rows: list[Row] = []
    try:
        for stanza in _a(list, json.loads(text)):
            rows += [_backup(_a(str, stanza["name"]), backup) for backup in _a(list, stanza["backup"])]
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        return [], [(0, text, f"not what pgbackrest info prints: {error}")]
    return rows, []


def _backup(stanza: str, backup: Any) -> Row:  # noqa: ANN401 - JSON from outside
    return {
        "stanza": stanza,
        "label": _a(str, backup["label"]),
        "kind": _a(str, backup["type"]),
        "finished_at": moment(str(backup["timestamp"]["stop"])),
        "size_bytes": _a(int, backup["info"]["size"]),
        "faulty": _a(bool, backup["error"]),
    }


def wal(line: str) -> Row | None:
    """Return the newest WAL segment of a stanza; None for one that has none."""
    words = line.split()
    if len(words) == 1:
        return None
    stanza, at, name = words
    return {"stanza": stanza, "segment": name.partition("-")[0], "archived_at": moment(at)}


def restore(line: str) -> Row:
    """Return the result of one restore test."""
    data = json.loads(line)
    point, rows, damaged = data["recovery_point"], _a(dict, data["rows"]), _a(list, data["damaged"])
    return {
        "copy": _a(str, data["source"]),
        "label": _a(str, data["label"]),
        "tested_at": moment(str(data["started"])),
        "seconds": float(data["seconds"]),
        "restore_s": float(data["restore_seconds"]) if "restore_seconds" in data else None,
        "recovery_point": None if point is None else moment(str(point)),
        "tables": len(rows),
        "rows_read": sum(_a(int, count) for count in rows.values()),
        "bad_blocks": None if data["bad_blocks"] is None else _a(int, data["bad_blocks"]),
        "damaged": len(damaged),
        "damaged_text": "; ".join(_a(str, entry) for entry in damaged[:_SHOWN]),
    }


def file_read(line: str) -> Row:
    """Return the result of reading one part of a host's file backups back."""
    data = json.loads(line)
    newest, damaged = data["newest"], _a(list, data["damaged"])
    return {
        "copy": _a(str, data["copy"]),
        "part": _a(int, data["part"]),
        "parts": _a(int, data["parts"]),
        "read_at": moment(str(data["started"])),
        "copies": _a(int, data["copies"]),
        "newest_at": None if newest is None else moment(str(newest)),
        "damaged": len(damaged),
        "damaged_text": "; ".join(_a(str, entry) for entry in damaged[:_SHOWN]),
    }


def _a(kind: type, value: Any) -> Any:  # noqa: ANN401 - JSON from outside
    """Return the value; Unreadable if it is of another kind than its program documents."""
    if type(value) is not kind:
        message = f"expected {kind.__name__}, got {value!r:.60}"
        raise Unreadable(message)
    return value
