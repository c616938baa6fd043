"""The project's pages, and what stands in them: headings, blocks of code, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = tuple(sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]))
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Example:
    """A command of a page, what the page says it prints, and the exit code it names (`# exit 1`), 0 if none."""

    line: int
    command: str
    expected: str
    exit_code: int


def name(page: Path) -> str:
    """Return how a page is called in test ids and messages."""
    return page.relative_to(ROOT).as_posix()


@cache
def text(page: Path) -> str:
    """Return a page's text."""
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """Return a page's text without its blocks of code."""
    return _BLOCK.sub("", text(page))


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and content of every block of code."""
    return [(found[1], found[2]) for found in _BLOCK.finditer(text(page))]


def headings(page: Path) -> list[tuple[int, str]]:
    """Return level and words of every heading."""
    return [(len(found[1]), found[2]) for found in re.finditer(r"^(#+) (.+)$", prose(page), re.MULTILINE)]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the usual renderers make them."""
    plain = (re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-") for _, words in headings(page))
    return set(plain)


def links(page: Path) -> list[str]:
    """Return the targets of a page's links."""
    return _LINK.findall(prose(page))


def section(page: Path, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its level or above; empty if there is none."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text(page), re.MULTILINE)
    if found is None:
        return ""
    below = text(page)[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", below, re.MULTILINE)
    return below[: end.start()] if end else below


def examples(page: Path) -> list[Example]:
    """Return the commands of the page's `console` blocks: lines after `$ `, and the output below each."""
    found = []
    for block in _BLOCK.finditer(text(page)):
        if block[1] != "console":
            continue
        first = text(page).count("\n", 0, block.start()) + 2
        for command in re.finditer(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block[2], re.MULTILINE):
            line = first + block[2].count("\n", 0, command.start())
            exit_code = re.search(r"# exit (\d+)$", command[1])
            found.append(Example(line, command[1], command[2], int(exit_code[1]) if exit_code else 0))
    return found


def matches(expected: str, actual: str) -> bool:
    """Say whether a page's output is what was printed: `…` stands for anything, and white space does not count.

    Where lines are broken and how wide columns are is the terminal's matter, not the page's.
    """
    parts = "".join(expected.split()).split("…")
    return re.fullmatch(".*?".join(map(re.escape, parts)), "".join(actual.split())) is not None
