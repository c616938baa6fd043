"""Field sheets and ledgers → facts. A row that is wrong or in doubt is refused with its place; nothing is dropped.

A day without a time is recorded as 00:00 UTC of that day: sheets know no hour, and the day is what audits ask for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from egov.city import City
from egov.city.codes import Code
from egov.city.shape import nearest, shown
from egov.collect.mapping import UNITS, WRITTEN, Column, SheetMapping, Unit, mapping, unit_of
from egov.collect.sheets import Cell, Sheet, read_sheet
from egov.errors import DescriptionError, Problem
from egov.facts import Coverage, Fact, RunWriter, Unread
from egov.facts.tables import columns

_NUMBER = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?\Z")
_WITH_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?\Z")
_DAY = re.compile(r"([0-9]{4})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?\Z")
_EARLIEST = date(1990, 1, 1)
# What spreadsheet programs show where a formula failed.
_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
_MOST = 1e12  # CNY or m²; a cell beyond it is a slip of the pen


class _Doubt(Exception):  # noqa: N818 - becomes a Problem at its cell
    def __init__(self, code: Code, message: str, hint: str) -> None:
        self.code, self.message, self.hint = code, message, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in: the run, rows per sheet and table, and the problems of rows kept as unread."""

    run: str
    rows: Mapping[str, tuple[str, int]]
    unread: tuple[Problem, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        sheets = [{"sheet": name, "table": table, "rows": count} for name, (table, count) in self.rows.items()]
        return {"run": self.run, "sheets": sheets, "unread": [problem.as_dict() for problem in self.unread]}


def take_in(evidence: Path, city: City, paths: Sequence[Path], mapped: Path | None, *, partial: bool) -> Taken:
    """Take sheets in as one run. DescriptionError with every problem, and no run, unless *partial*."""
    now = datetime.now(UTC)
    read: list[tuple[Sheet, Path, str, list[Fact], list[Problem]]] = []
    for path in paths:
        described = mapped or path.with_name(f"{path.name}.yml")
        meaning = mapping(described)
        sheet = read_sheet(path, meaning.head.encoding, meaning.head.worksheet)
        rows, problems = facts(sheet, meaning, city, now)
        read.append((sheet, described, meaning.head.table, rows, problems))
    problems = [problem for *_, found in read for problem in found]
    if problems and not partial:
        raise DescriptionError(problems)
    with RunWriter.begin(evidence, "survey", [f"egov collect survey {path.name}" for path in paths], now) as writer:
        for sheet, described, _, rows, found in read:
            writer.raw(sheet.name, sheet.data)
            writer.raw(described.name, described.read_bytes())
            for row in (*rows, *_coverage(rows), *(_unread(sheet, problem, now) for problem in found)):
                writer.add(row)
        counts = {sheet.name: (table, len(rows)) for sheet, _, table, rows, _ in read}
        return Taken(writer.id, counts, tuple(problems))


def facts(sheet: Sheet, meaning: SheetMapping, city: City, now: datetime) -> tuple[list[Fact], list[Problem]]:
    """Return the sheet's rows as facts and every problem in it; a row with a problem is not among the facts."""
    places, problems = _places(sheet, meaning)
    if problems:
        return [], problems
    rows: list[Fact] = []
    alike: dict[tuple[Any, ...], dict[int, Fact]] = {}
    for number, cells in sorted(sheet.rows.items()):
        beyond = meaning.head.last_row is not None and number > meaning.head.last_row
        if number <= meaning.head.header_row or beyond or not any(_text(cell) for cell in cells):
            continue
        values, found = _row(sheet, number, places, meaning, city, now.date())
        if found:
            problems += found
            continue
        row = meaning.table(**values, collected_at=now, source=f"{sheet.name} row {number}")
        alike.setdefault(_subject(row), {})[number] = row
    for same in alike.values():
        if len(same) == 1:
            rows += same.values()
            continue
        for number in same:  # nobody can say which of them is right
            others = ", ".join(str(other) for other in same if other != number)
            message = f"speaks of the same as row {others}: one of them is in doubt"
            problems.append(sheet.problem(number, 1, Code.E605, message, "同一对象重复填报"))
    if not (rows or problems):
        message = "there is no row below the headings"
        problems.append(sheet.problem(meaning.head.header_row, 1, Code.E605, message, "表头下没有数据"))
    return rows, problems


def _places(sheet: Sheet, meaning: SheetMapping) -> tuple[dict[str, int], list[Problem]]:
    """Return the index of each mapped column, and problems of the header: columns not there, twice, in another unit."""
    header = [_text(cell) for cell in sheet.rows.get(meaning.head.header_row, ())]
    row, places, problems = meaning.head.header_row, {}, []
    for name, column in meaning.columns.items():
        if column.column is None:
            continue
        wanted = _text(column.column)
        found = [index for index, heading in enumerate(header) if heading == wanted]
        if len(found) != 1:
            guess = nearest(wanted, header)
            what = "is there twice" if found else "is missing" + (f"; did you mean {guess}?" if guess else "")
            at = found[1] + 1 if found else 1
            problems.append(sheet.problem(row, at, Code.E602, f"column {column.column} {what}", "列名与声明不符"))
            continue
        places[name] = found[0]
        written = _written_unit(wanted)
        if column.unit is not None and written not in {None, column.unit} and not _other_word(written, column.unit):
            message = f"column {column.column} is in {written}, the mapping declares {column.unit}"
            problems.append(sheet.problem(row, places[name] + 1, Code.E603, message, "单位与声明不符"))
    return places, problems


def _other_word(written: str | None, declared: Unit) -> bool:
    """Say whether what looks like a unit is part of another word: 单元 in the heading of a column of areas is no 元."""
    dimensions: Mapping[str | None, str] = {unit: dimension for unit, (dimension, _) in UNITS.items()}
    return dimensions.get(written, dimensions[declared]) != dimensions[declared]


def _row(
    sheet: Sheet,
    number: int,
    places: Mapping[str, int],
    meaning: SheetMapping,
    city: City,
    today: date,
) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems = []
    kinds_of = columns(meaning.table)
    cells = sheet.rows[number]
    for name, column in meaning.columns.items():
        place = places.get(name)
        cell = column.value if place is None else cells[place] if place < len(cells) else None
        kind, nullable = kinds_of[name]
        try:
            values[name] = _value(name, kind, cell, column, city, today, nullable=nullable)
        except _Doubt as doubt:
            message = f"{column.column or name}: {doubt.message}"
            problems.append(sheet.problem(number, (place or 0) + 1, doubt.code, message, doubt.hint))
    return values, problems


def _value(
    name: str, kind: str, cell: Cell, column: Column, city: City, today: date, *, nullable: bool
) -> str | float | bool | date | datetime | None:
    text = _text(cell)
    if not text:
        if nullable:
            return None
        raise _Doubt(Code.E605, "the cell is empty", "单元格为空")
    if text in _ERRORS:
        raise _Doubt(Code.E605, f"holds the error {text}", "单元格有公式错误")
    if column.words is not None:
        words = {_text(word): meant for word, meant in column.words.items()}
        if text not in words:
            message = f"{shown(text)} is not among the declared words {', '.join(column.words)}"
            raise _Doubt(Code.E605, message, "取值不在声明的词表内")
        return words[text]
    if kind == "BOOLEAN" and isinstance(cell, bool):
        return cell
    if kind in {"TIMESTAMP", "DATE"}:
        day = _day(cell, text, today)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if kind == "TIMESTAMP" else day
    if kind in {"DOUBLE", "BIGINT"}:
        return _number(name, cell, text, column, whole=kind == "BIGINT")
    if kind != "VARCHAR":
        raise _Doubt(Code.E605, f"{shown(text)} is not what the field holds; declare its words", "无法识别的取值")
    return _reference(name, text, column, city, nullable=nullable)


def _number(name: str, cell: Cell, text: str, column: Column, *, whole: bool = False) -> float:
    written = _written_unit(text)
    if written is not None:
        if written != column.unit:
            raise _Doubt(
                Code.E603, f"{shown(text)} is in {written}, the mapping declares {column.unit}", "单位与声明不符"
            )
        text = _without_unit(text)
    if _WITH_THOUSANDS.match(text) and column.thousands != ",":
        raise _Doubt(Code.E605, f"{shown(text)} holds a comma; declare thousands: ','", "千分位未声明")
    plain = text.replace(",", "") if _WITH_THOUSANDS.match(text) else text
    if isinstance(cell, bool) or not _NUMBER.match(plain):
        raise _Doubt(Code.E605, f"{shown(text)} is not a number", "不是数字")
    value = float(plain) * (UNITS[column.unit][1] if column.unit else 1.0)
    unit = unit_of(name)
    if not abs(value) <= _MOST or (unit and value < 0) or (unit == "m2" and value == 0):
        raise _Doubt(Code.E605, f"{shown(text)} cannot be {'an area' if unit == 'm2' else 'an amount'}", "数值不合理")
    if whole and not value.is_integer():
        raise _Doubt(Code.E605, f"{shown(text)} is not a whole number", "应为整数")
    return int(value) if whole else round(value, 6)


def _day(cell: Cell, text: str, today: date) -> date:
    if isinstance(cell, datetime):
        day = cell.date()
    elif isinstance(cell, date):
        day = cell
    else:
        match = _DAY.match(text)
        try:
            day = date(*(int(part) for part in match.groups())) if match else None  # type: ignore[assignment]
        except ValueError:
            match = None
        if match is None:
            raise _Doubt(Code.E605, f"{shown(text)} is not a date as 2018-12-31 or 2018年12月31日", "日期无法识别")
    if not _EARLIEST <= day <= today:
        raise _Doubt(Code.E605, f"{day} is before {_EARLIEST} or in the future", "日期不合理")
    return day


# Field of a table → kind it refers to by id, where no other match is declared.
_REFERENCES = {"room": "rooms", "device": "devices", "department": "departments", "system": "systems", "host": "hosts"}


def _reference(name: str, text: str, column: Column, city: City, *, nullable: bool) -> str | None:
    kind, field = column.match.split(".") if column.match else (_REFERENCES.get(name), "id")
    if kind is None:
        return text
    index = _index(city, kind, field)
    found = index.get(text, [])
    if len(found) == 1:
        return found[0]
    if not found and nullable:
        return None  # on the sheet and not described: what the register checks look for
    if found:
        raise _Doubt(Code.E604, f"{shown(text)} stands for several {kind}: {', '.join(found)}", "名称对应多个对象")
    near = nearest(text, index)
    raise _Doubt(Code.E604, f"no {kind} {text}" + (f"; did you mean {near}?" if near else ""), "对象未登记")


def _index(city: City, kind: str, field: str) -> dict[str, list[str]]:
    index: dict[str, list[str]] = {}
    for item in getattr(city, kind).values():
        index.setdefault(_text(getattr(item, field, None)), []).append(item.id)
    return index


def _text(cell: Cell) -> str:
    """Return a cell's text without full-width forms and outer space; numbers as a person would write them."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return unicodedata.normalize("NFKC", str(cell)).strip()


def _compact(text: str) -> str:
    return re.sub(r"[\s.]+", "", unicodedata.normalize("NFKC", text)).lower()


def _written_unit(text: str) -> str | None:
    return next((unit for words, unit in WRITTEN if words in _compact(text)), None)


def _without_unit(text: str) -> str:
    """Return the number before a unit; the whole text where anything else stands beside the two."""
    match = re.match(r"([-+0-9.,]+)(.*)\Z", text)
    return match[1] if match and _compact(match[2]) in dict(WRITTEN) else text


def _subject(row: Fact) -> tuple[Any, ...]:
    """Return what a row is about; two rows of a sheet must not speak of the same thing on the same day."""
    parts = ("asset_tag", "name_zh", "item", "first_day", "sign", "day", "agent_class", "client", "path")
    keys = ["observed_at", *type(row).about.values(), *(name for name in parts if name in columns(type(row)))]
    return tuple(getattr(row, name) for name in keys)


def _coverage(rows: Sequence[Fact]) -> Iterator[Coverage]:
    """Say which rooms a sheet covers, by the newest day it was in them."""
    newest: dict[str, Fact] = {}
    for row in rows:
        room = getattr(row, "room", None)
        if room is not None and (room not in newest or newest[room].observed_at < row.observed_at):
            newest[room] = row
    for room, row in sorted(newest.items()):
        times = {"observed_at": row.observed_at, "collected_at": row.collected_at, "source": row.source}
        yield Coverage(**times, table=type(row).__name__, room=room, status="ok")  # type: ignore[arg-type]


def _unread(sheet: Sheet, problem: Problem, now: datetime) -> Unread:
    text = " | ".join(_text(cell) for cell in sheet.rows.get(problem.line, ()))[:500]
    where = f"{sheet.name} row {problem.line}"
    return Unread(
        observed_at=now, collected_at=now, source=where, place=sheet.name, line=problem.line, text=text,
        reason=f"{problem.code} {problem.message}",
    )  # fmt: skip
