"""Spreadsheets as delivered → rows of cells. CSV in a declared encoding, xlsx as values; nothing is interpreted."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NoReturn

from egov.city.codes import Code
from egov.errors import DescriptionError, Problem

Cell = str | int | float | bool | datetime | date | None
MAX_BYTES = 32 * 2**20
MAX_ROWS = 100_000


class _UnclearError(Exception):
    """A workbook that can be read in more than one way."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its name in messages, its bytes, and its rows by number from 1 (as a spreadsheet counts them)."""

    name: str
    data: bytes
    rows: dict[int, tuple[Cell, ...]]

    def problem(self, row: int, column: int, code: Code, message: str, hint: str) -> Problem:
        """Return a problem at a cell; both count from 1."""
        return Problem(self.name, row, column, code.name, message, hint)


def read_sheet(path: Path, encoding: str, worksheet: str | None) -> Sheet:
    """Return a sheet; DescriptionError (E601) if it cannot be read as what its name says it is."""

    def refuse(message: str, hint: str) -> NoReturn:
        raise DescriptionError([Problem(path.name, 1, 1, Code.E601.name, message, hint)])

    try:
        data = path.read_bytes()
    except OSError as error:
        refuse(f"cannot be read: {error.strerror}", "无法读取表格")
    if len(data) > MAX_BYTES:
        refuse(f"file has {len(data)} bytes, more than {MAX_BYTES}", "表格过大, 请拆分")
    try:
        rows = _csv_rows(data, encoding) if path.suffix.lower() == ".csv" else _xlsx_rows(data, worksheet)
    except _UnclearError as error:
        refuse(str(error), "工作表或公式的值不明确")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        refuse(f"line {line} is not {encoding}; declare its encoding in the mapping", "编码与声明不符")
    except csv.Error as error:
        refuse(f"not CSV: {error}", "不是 CSV 文件")
    except Exception as error:  # noqa: BLE001 - a damaged workbook breaks openpyxl in ways that it does not name
        refuse(f"not an xlsx workbook, or it has no such worksheet: {error}", "不是 xlsx 工作簿")
    if len(rows) > MAX_ROWS:
        refuse(f"more than {MAX_ROWS} rows", "表格过大, 请拆分")
    return Sheet(path.name, data, rows)


def _csv_rows(data: bytes, encoding: str) -> dict[int, tuple[Cell, ...]]:
    text = data.decode(encoding).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: dict[int, tuple[Cell, ...]] = {}
    before = 0
    for row in reader:
        rows[before + 1] = tuple(row)
        before = reader.line_num
    return rows


def _xlsx_rows(data: bytes, worksheet: str | None) -> dict[int, tuple[Cell, ...]]:
    """Return the values of a worksheet; _UnclearError if nobody says which, or a value is not there."""
    rows = _worksheet(data, worksheet, values=True)
    if any(b"<f" in part for part in _parts(data)):
        for number, cells in _worksheet(data, worksheet, values=False).items():
            for column, cell in enumerate(cells):
                if isinstance(cell, str) and cell.startswith("=") and rows[number][column] is None:
                    message = f"row {number}, column {column + 1} holds a formula that was never calculated"
                    raise _UnclearError(message)
    return rows


def _parts(data: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield from (archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))


def _worksheet(data: bytes, worksheet: str | None, *, values: bool) -> dict[int, tuple[Cell, ...]]:
    import openpyxl  # noqa: PLC0415 - 0.2 s that only workbooks need

    with warnings.catch_warnings(action="ignore"):  # of styles and extensions, which are not read
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=values)
        try:
            if worksheet is None and len(book.sheetnames) > 1:
                message = f"it has the worksheets {', '.join(book.sheetnames)}; declare which one in the mapping"
                raise _UnclearError(message)
            sheet = book[worksheet] if worksheet else book.worksheets[0]
            rows = enumerate(sheet.iter_rows(values_only=True, max_row=MAX_ROWS + 1), 1)
            return {number: tuple(_plain(cell) for cell in row) for number, row in rows}
        finally:
            book.close()


def _plain(cell: object) -> Cell:
    return cell if isinstance(cell, str | int | float | bool | datetime | date | None) else str(cell)
