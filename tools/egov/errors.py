"""The errors a person may see.

EgovError                  anything said to a person without a traceback; exit 2 unless a subclass says otherwise
├── UsageError             the command line is wrong
├── DescriptionError       the description (inventory, mandate, cases, sheets) is wrong; carries every problem
├── EvidenceError          the evidence store is damaged, unsealed or unreadable
├── CollectionError        hosts or sheets could not be read
└── GuardError             refused: it would touch more than allowed, or a signature is missing (exit 4)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


class EgovError(Exception):
    """A message for a person: what is wrong, where, what to do. `exit_code` is what the command ends with."""

    exit_code = 2


class UsageError(EgovError):
    """The command was called with arguments that do not fit together or name nothing."""


class EvidenceError(EgovError):
    """Evidence on disk is not what was recorded."""


class CollectionError(EgovError):
    """Something could not be collected; never to be read as "not there"."""


class GuardError(EgovError):
    """A guard refused: the change is larger than allowed, irreversible without a signature, or unsafe."""

    exit_code = 4


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in a file a person wrote; lines and columns count from 1, 0 where there is none."""

    file: str
    line: int
    col: int
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        text = f"{self.file}:{self.line}:{self.col}: {self.code} {self.message}{hint}"
        if text.isprintable():
            return text
        # A name or key may hold anything; a problem stays one line and commands no terminal.
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

    def as_dict(self) -> dict[str, str | int]:
        """Return the problem as JSON-ready data."""
        return asdict(self)


class DescriptionError(EgovError):
    """The description is invalid; `problems` holds all of them, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))
