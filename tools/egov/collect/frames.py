"""The answer of the collection script → the text of each probe. Hostile input: only the nonce frames it."""

from __future__ import annotations

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
    """Return the probes' answers by name, and whether the script came to its end."""
    found: dict[str, Answer] = {}
    name: str | None = None
    lines: list[str] = []
    complete = False
    for line in output.decode("utf-8", "replace").split("\n"):
        words = line.split(" ")
        if words[0] != nonce:
            lines.append(line)
        elif words[1:] == ["done"]:
            complete = True
        elif words[1] == "begin":
            name, lines = words[2], []
        elif words[1] == "end" and name == words[2]:
            text = "\n".join(lines).removesuffix("\n")
            found[name] = Answer(text, int(words[3]))
            name = None
    if name is not None:
        found[name] = Answer("\n".join(lines), None)
    return found, complete
