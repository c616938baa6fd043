"""What the columns of a sheet mean, declared beside it (`SHEET.yml`): table, fields, units, words.

A unit is always declared, never guessed: a header or a cell that names another one refuses the sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from egov.city.codes import Code
from egov.city.fields import Item, Part, Text, refuse
from egov.city.load import kinds
from egov.city.shape import Kinds, nearest, read_kinds, shown
from egov.errors import DescriptionError, Problem
from egov.facts.tables import Fact, columns, tables

Unit = Literal["m2", "sq-ft", "cny", "10k-cny"]
# Unit → the field's unit and the factor to it. The international foot is 0.3048 m exactly.
UNITS: Mapping[Unit, tuple[str, float]] = {
    "m2": ("m2", 1.0),
    "sq-ft": ("m2", 0.3048**2),
    "cny": ("cny", 1.0),
    "10k-cny": ("cny", 10_000.0),
}
# How headers and cells write units. Longer ones first: 万元 holds 元. Those that no mapping can declare stand for
# themselves, so that a sheet that uses one is refused instead of read as what its last characters say.
WRITTEN: tuple[tuple[str, str], ...] = (
    ("squarefeet", "sq-ft"),
    ("squarefoot", "sq-ft"),
    ("squaremet", "m2"),
    ("平方英尺", "sq-ft"),
    ("平方公里", "平方公里"),
    ("平方米", "m2"),
    ("平米", "m2"),
    ("公顷", "公顷"),
    ("亩", "亩"),
    ("百万元", "百万元"),
    ("千万元", "千万元"),
    ("万元", "10k-cny"),
    ("千元", "千元"),
    ("亿元", "亿元"),
    ("美元", "美元"),
    ("欧元", "欧元"),
    ("港元", "港元"),
    ("日元", "日元"),
    ("sqft", "sq-ft"),
    ("ft2", "sq-ft"),
    ("sqm", "m2"),
    ("m2", "m2"),
    ("cny", "cny"),
    ("元", "cny"),
)
# Type of a field → what a declared word for it must stand for, if not text.
_FORMS = {"BOOLEAN": (bool, "true or false"), "DOUBLE": (float, "a number"), "BIGINT": (int, "a whole number")}
# Filled for every row by the reader itself.
GIVEN = frozenset({"collected_at", "source"})


def _plain(value: object) -> object:
    if isinstance(value, str | int | float):
        return value
    message = f"expected text, a number, true or false, got {shown(value)}"
    raise refuse(Code.E203, message, "应为文本、数字或 true/false")


# One problem, not one per alternative, where the value is none of them.
Plain = Annotated[str | float | bool, BeforeValidator(_plain)]


class Head(Part):
    """The sheet as a whole (`sheet:`)."""

    table: Text = Field(description="Table of facts its rows become")
    header_row: Annotated[int, Field(ge=1)] = 1
    last_row: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Last row that is data")
    encoding: Literal["utf-8", "gb18030"] = "utf-8"
    worksheet: Text | None = None


class Column(Item):
    """Where one field (`id`) comes from: a column by its heading, or the same value for all rows."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    column: Text | None = None
    value: Plain | None = None
    unit: Unit | None = None
    thousands: Literal[","] | None = None
    words: Mapping[str, Plain] | None = Field(default=None, description="What the sheet's words stand for")
    match: Annotated[str, Field(pattern=r"^[a-z]+\.[a-z_]+$")] | None = Field(
        default=None, description="kind.field whose value the cell holds; the object's id is recorded"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Column:
        if (self.column is None) == (self.value is None):
            message = f"{self.id} needs either a column or a value"
            raise refuse(Code.E207, message, "列名与固定值只能有一个")
        return self


@dataclass(frozen=True, slots=True)
class SheetMapping:
    """A checked mapping."""

    head: Head
    columns: Mapping[str, Column]
    table: type[Fact]


def mapping(path: Path) -> SheetMapping:
    """Return the mapping of a file; DescriptionError with every problem in it."""
    if not path.is_file():
        message = f"there is no mapping {path.name}: it says what the sheet's columns mean (docs/collect.md)"
        raise DescriptionError([Problem(path.name, 1, 1, Code.E601.name, message, "缺少列映射文件")])
    read = read_kinds(path.parent, [path], {"columns": Column}, {"sheet": Head})
    if read.problems:
        raise DescriptionError(read.problems)
    document = read.documents[path.name]
    head = read.sections.get("sheet")
    if not isinstance(head, Head):
        raise DescriptionError([document.problem((), Code.E204, "sheet is missing", "缺少 sheet")])
    table = tables().get(head.table)
    if table is None:
        guess = nearest(head.table, tables())
        message = f"table: no table {head.table}" + (f"; did you mean {guess}?" if guess else "")
        raise DescriptionError([document.problem(("sheet", "table"), Code.E602, message, "没有这种事实表")])
    found = SheetMapping(head, read.items["columns"], table)
    if problems := list(_problems(found, read)):
        raise DescriptionError(problems)
    return found


def unit_of(field: str) -> str | None:
    """Return the unit that a field's name ends in, None if it carries none."""
    return next((unit for unit in ("m2", "cny") if field.endswith(f"_{unit}")), None)


def _problems(found: SheetMapping, read: Kinds) -> list[Problem]:
    """Return what is wrong with the columns as a whole: unknown and missing fields, and each column for itself."""
    fields = {name: kind for name, kind in columns(found.table).items() if name not in GIVEN}
    problems = []
    for name, column in found.columns.items():
        if name not in fields:
            guess = nearest(name, fields)
            message = f"{found.head.table} has no field {name}" + (f"; did you mean {guess}?" if guess else "")
            problems.append(read.problem("columns", name, ("id",), Code.E602, message, "没有这个字段"))
            continue
        for loc, code, message, hint in _column_problems(column, fields[name][0]):
            problems.append(read.problem("columns", name, loc, code, message, hint))
    document = next(iter(read.documents.values()))
    missing = [name for name, (_, nullable) in fields.items() if not nullable and name not in found.columns]
    if missing:
        message = f"{found.head.table} needs {', '.join(missing)}: give a column or a value"
        problems.append(document.problem(("columns",), Code.E602, message, "缺少必填字段"))
    return problems


def _column_problems(column: Column, kind: str) -> Iterator[tuple[tuple[str, ...], Code, str, str]]:
    """Yield (place, code, message, hint) of what does not fit the field: its unit, its words, whom it refers to."""
    wanted = unit_of(column.id)
    if wanted is not None and (column.unit is None or UNITS[column.unit][0] != wanted):
        choices = ", ".join(unit for unit in UNITS if UNITS[unit][0] == wanted)
        yield ("unit",), Code.E603, f"{column.id}: the unit must be declared, one of {choices}", "须声明单位"
    for word, meant in (column.words or {}).items():
        form, expected = _FORMS.get(kind, (str, "text"))
        if type(meant) is not form:
            yield ("words", word), Code.E203, f"{word}: expected {expected}, got {shown(meant)}", "与字段类型不符"
    if column.match is not None:
        name, _, field = column.match.partition(".")
        if name not in kinds() or field not in kinds()[name].model_fields:
            yield ("match",), Code.E602, f"match: no field {field} of a kind {name}", "没有这种对象或字段"
