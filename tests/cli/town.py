"""A small city of its own folder, as `egov init` writes it, with evidence as a test needs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MANDATE_FROM = ("--mandate-from", str(ROOT / "inventory" / "huludao"))
MAPPING = """\
sheet: {table: RoomSurvey}
columns:
  - {id: room, column: room}
  - {id: area_m2, column: area, unit: m2}
  - {id: area_kind, value: usable}
  - {id: measured_by, column: by}
  - {id: observed_at, column: day}
"""
Egov = Callable[..., Any]


def founded(folder: Path, egov: Egov) -> Path:
    """Write the description of `mycity` below *folder* and return its folder."""
    (folder / "inventory").mkdir(parents=True)
    city = folder / "inventory" / "mycity"
    result = egov("init", "mycity", "--city", city, *MANDATE_FROM)

    assert (0, "") == (result.exit_code, result.stderr)
    return city


def measured(city: Path, egov: Egov, area_m2: float) -> None:
    """Take a survey of the city's department room in."""
    sheet = city / "surveys" / "areas.csv"
    sheet.write_text(f"room,area,by,day\nroom-finance,{area_m2},测绘,2018-10-11\n", encoding="utf-8")
    sheet.with_name("areas.csv.yml").write_text(MAPPING, encoding="utf-8")

    assert egov("collect", "survey", sheet, "--city", city).exit_code == 0
