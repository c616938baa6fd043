"""The journal of one run of a procedure: intent before, result after, each on disk before anything goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from egov.errors import EvidenceError

Phase = Literal["do", "verify", "undo"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `code` is None for an intent, the command's exit code for a result."""

    at: str
    step: str
    phase: Phase
    code: int | None = None
    seconds: float | None = None


class Journal:
    """An append-only file of entries; every write is synchronised."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self._now = now

    def entries(self) -> list[Entry]:
        """Return all entries; a torn last line (power loss while writing) counts as not written."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")
        found = []
        for number, line in enumerate(lines[:-1], 1):
            try:
                found.append(Entry(**json.loads(line)))
            except (ValueError, TypeError) as error:
                message = f"{self.path}:{number}: not a journal line: {error}"
                raise EvidenceError(message) from None
        return found

    def write(self, step: str, phase: Phase, code: int | None = None, seconds: float | None = None) -> None:
        """Append one entry and wait until it is on disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        entry = Entry(self._now().isoformat(), step, phase, code, seconds)
        text = self.path.read_bytes() if self.path.exists() else b""
        with self.path.open("r+b" if text else "wb") as file:
            file.seek(text.rfind(b"\n") + 1)
            file.truncate()
            file.write(json.dumps(asdict(entry)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
