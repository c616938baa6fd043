"""Fixtures of real output: a folder per platform, a file per probe, and the rows expected of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from egov.collect.frames import Answer
from egov.facts import Fact

HOSTS = Path(__file__).parent / "hosts"
NOW = datetime(2018, 12, 31, 12, tzinfo=UTC)
# The same for every row of a collection, or the store's own: said once, not in every expected row.
_COMMON = {"observed_at", "collected_at", "host", "source", "run", "row", "sha256"}


def platforms() -> list[str]:
    """Return the names of all platforms there are fixtures of."""
    return sorted(path.name for path in HOSTS.iterdir() if path.is_dir())


def answered(platform: str) -> dict[str, Answer]:
    """Return the answers of a platform; `codes.json` names the probes that did not end with 0."""
    folder = HOSTS / platform
    codes = folder / "codes.json"
    ended = json.loads(codes.read_text(encoding="utf-8")) if codes.is_file() else {}
    return {
        path.stem: Answer(path.read_text(encoding="utf-8").removesuffix("\n"), ended.get(path.stem, 0))
        for path in sorted(folder.glob("*.txt"))
    }


def plain(rows: Iterable[Fact]) -> dict[str, list[dict[str, Any]]]:
    """Return rows by table as JSON-ready data, without what all of them share."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        values = {f.name: getattr(row, f.name) for f in fields(row) if f.name not in _COMMON}
        data = {name: v.isoformat() if isinstance(v, datetime) else v for name, v in values.items() if v is not None}
        found.setdefault(type(row).__name__, []).append(data)
    return found
