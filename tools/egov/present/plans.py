"""Plans for a terminal, and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from egov.city import City
from egov.plans import Cover, Line, LinesPlan
from egov.plans.coverage import COLUMNS
from egov.present.tables import paragraph, table
from egov.present.words import name_of, shown, word


def data(plan: LinesPlan | Sequence[Cover]) -> Any:  # noqa: ANN401 - plain data for JSON
    """Return a plan as plain data."""
    if isinstance(plan, LinesPlan):
        return {**asdict(plan), "gap_cny": plan.gap_cny}
    return [asdict(row) for row in plan]


def lines(plan: LinesPlan, city: City, lang: str) -> str:
    """Return the plan for leased lines: a row each, then what is paid, what is saved and what stands in the way."""
    columns = [word("plan", name, lang) for name in ("line", "department", "what", "until", "yearly_cost")]
    rows = [
        (
            line.circuit,
            name_of(city, "departments", line.department, lang),
            _what(line, lang),
            line.contract_until,
            f"{line.yearly_cost_cny:,}",
        )
        for line in plan.lines
    ]
    amounts = {name: f"{getattr(plan, name):,}" for name in ("cost_cny", "saved_cny", "blocked_cny", "gap_cny")}
    return table(columns, rows) + "\n" + paragraph(word("plan", "lines_total", lang).format(**amounts))


def _what(line: Line, lang: str) -> str:
    known = {"network": word("plan", line.network, lang), "joins": shown(line.joins, lang)}
    text = word("plan", line.action, lang).format(**known)
    return text + (word("plan", line.blocked_by, lang) if line.blocked_by == "no-access" else "")


def coverage(rows: Sequence[Cover], lang: str) -> str:
    """Return the coverage: a row for each level and access class."""
    cells = [[word("plan", row.level, lang), *(getattr(row, name) for name in COLUMNS[1:])] for row in rows]
    shown_cells = [["—" if cell in {None, ""} else cell for cell in line] for line in cells]
    return table([word("plan", name, lang) for name in COLUMNS], shown_cells)
