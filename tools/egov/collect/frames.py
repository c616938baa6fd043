"""The answer of the collection script → the text of each probe. Hostile input: only the nonce frames it."""

from __future__ import annotations

import re
from dataclasses import dataclass

TIMED_OUT = 124


@dataclass(frozen=True, slots=True)
class Answer:
    """What one probe printed; `code` is its exit code, None if the answer breaks off inside it."""

    text: str
    code: int | None

    @property
    def problem(self) -> str:
        """Why the answer is not complete; empty if it is."""
        if self.code == 0:
            return ""
        if self.code is None:
            return "the answer breaks off"
        last = self.text.strip().rpartition("\n")[2][:200]
        return "timeout" if self.code == TIMED_OUT else f"exit code {self.code}: {last}".rstrip(": ")


def answers(output: bytes, nonce: str) -> tuple[dict[str, Answer], bool]:
    """Return the probes' answers by name, and whether the script came to its end.

    The host was told the nonce: a line that begins with it and is none of the script's frames is text like any other.
    """
    found: dict[str, Answer] = {}
    name: str | None = None
    lines: list[str] = []
    complete = False
    for line in output.decode("utf-8", "replace").split("\n"):
        words = line.split(" ")
        match words if words[0] == nonce else ():
            case [_, "done"]:
                complete = True
            case [_, "begin", begun]:
                name, lines = begun, []
            case [_, "end", ended, code] if ended == name and re.fullmatch("[0-9]{1,3}", code):
                text = "\n".join(lines).removesuffix("\n")
                found[ended] = Answer(text, int(code))
                name = None
            case _:
                lines.append(line)
    if name is not None:
        found[name] = Answer("\n".join(lines), None)
    return found, complete
