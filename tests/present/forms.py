"""Reads a report's forms back as a person's programs do: spreadsheet, CSV reader, browser."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import openpyxl

VERDICTS = {
    "zh": {"疑点": "violation", "无法判定": "undetermined", "经批准例外": "exempt", "符合": "pass"},
    "en": {"concern": "violation", "undetermined": "undetermined", "exempt": "exempt", "pass": "pass"},
}


def csv_rows(raw: bytes) -> list[dict[str, str]]:
    """Return the lines of a CSV file by heading."""
    return list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def sheets(raw: bytes) -> dict[str, list[list[Any]]]:
    """Return the cells of every sheet of a workbook, in order."""
    book = openpyxl.load_workbook(io.BytesIO(raw))
    return {page.title: [[cell.value for cell in row] for row in page.iter_rows()] for page in book}


def cell_types(raw: bytes) -> set[str]:
    """Return the types of all cells: s for text, n for numbers and empty ones; f would be a formula."""
    book = openpyxl.load_workbook(io.BytesIO(raw))
    return {cell.data_type for page in book for row in page.iter_rows() for cell in row}


@dataclass
class Page(HTMLParser):
    """What a browser makes of a page: its tags with their attributes, and its rows of text."""

    tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        """Note text between tags."""
        self.texts.append(data)


def page(raw: bytes) -> Page:
    """Return a parsed page."""
    found = Page()
    found.feed(raw.decode())
    found.close()
    return found
