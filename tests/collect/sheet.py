"""Sheets and mappings in memory: a text as CSV, what its columns mean, and the city it speaks of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from build import Build

from egov.city import City
from egov.collect.mapping import mapping
from egov.collect.sheets import read_sheet
from egov.collect.survey import facts
from egov.errors import Problem
from egov.facts import Fact

NOW = datetime(2018, 12, 31, 12, tzinfo=UTC)
AREAS = """\
sheet: {table: RoomSurvey}
columns:
  - {id: room, column: 机房}
  - {id: area_m2, column: 面积, unit: m2}
  - {id: area_kind, value: usable}
  - {id: measured_by, column: 测量人}
  - {id: observed_at, column: 日期}
"""
ASSETS = """\
sheet: {table: AssetRecord}
columns:
  - {id: device, column: 编号, match: devices.asset_tag}
  - {id: asset_tag, column: 编号}
  - {id: room, column: 机房}
  - {id: original_value_cny, column: 原值, unit: 10k-cny}
  - {id: found, column: 在位, words: {是: true, 否: false}}
  - {id: counted_by, column: 清查人}
  - {id: observed_at, column: 日期}
"""
HEADER = "机房,面积,测量人,日期\n"


def city() -> City:
    """Return a city with the rooms r1 to r9 and a server with the asset tag T-1."""
    build = Build()
    for number in range(1, 10):
        build.room(f"r{number}")
    build.device("d1", "server", [])
    device = build.kinds["devices"]["d1"]
    build.kinds["devices"]["d1"] = device.model_copy(update={"asset_tag": "T-1"})
    return build.city()


def write(folder: Path, text: str | bytes, meaning: str = AREAS, name: str = "areas.csv") -> Path:
    """Write a sheet with its mapping beside it and return its path."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.with_name(f"{name}.yml").write_text(meaning, encoding="utf-8")
    return path


def read(path: Path) -> tuple[list[Fact], list[Problem]]:
    """Return the facts and the problems of a sheet as of NOW."""
    meaning = mapping(path.with_name(f"{path.name}.yml"))
    return facts(read_sheet(path, meaning.head.encoding, meaning.head.worksheet), meaning, city(), NOW)


def area(folder: Path, cell: str, meaning: str = AREAS) -> Any:  # noqa: ANN401 - a number, or (code, row, column, message)
    """Return what one cell of areas is read as: square metres, or the refusal."""
    quoted = f'"{cell}"'
    rows, problems = read(write(folder, f"{HEADER}r1,{quoted},测绘,2018-10-11\n", meaning))
    assert len(rows) + len(problems) == 1
    if rows:
        return getattr(rows[0], "area_m2")  # noqa: B009 - rows are any facts
    (found,) = problems
    return found.code, found.line, found.col, found.message
