"""Plans for a terminal, and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from egov.city import City
from egov.plans import ContinuityPlan, Cover, Failure, Line, LinesPlan
from egov.plans.coverage import COLUMNS
from egov.present.tables import paragraph, table
from egov.present.words import name_of, shown, word


def data(plan: ContinuityPlan | LinesPlan | Sequence[Cover]) -> Any:  # noqa: ANN401 - plain data for JSON
    """Return a plan as plain data."""
    if isinstance(plan, LinesPlan):
        return {**asdict(plan), "gap_cny": plan.gap_cny}
    if isinstance(plan, ContinuityPlan):
        return asdict(plan)
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


def continuity(plan: ContinuityPlan, lang: str) -> str:
    """Return what each single failure does, then what would be worse with two sites and no third."""
    if not plan.failures:
        return word("plan", "no-database", lang) + "\n"
    text = _failures(plan.failures, lang) + "\n"
    if plan.without_third is plan.failures:
        return text + word("plan", "no-third", lang) + "\n"
    return text + word("plan", "without-third", lang) + "\n" + _failures(plan.without_third, lang)


def _failures(rows: Sequence[Failure], lang: str) -> str:
    columns = ("failure", "leader", "writes", "decides", "loss", "copy", "backups", "drill")
    return table([word("plan", name, lang) for name in columns], [_failure(row, lang) for row in rows])


def _failure(row: Failure, lang: str) -> Sequence[str]:
    def said(name: str, **known: object) -> str:
        return word("plan", name, lang).format(**known)

    loss = said("all-lost") if row.loss_s is None else said("seconds", seconds=row.loss_s) if row.loss_s else "—"
    return (
        said(row.kind, id=row.id),
        "—" if row.leads is None else said("yes" if row.leads else "no"),
        said(f"writes-{row.writes}", seconds=row.pause_s),
        said(f"by-{row.decides}"),
        loss,
        said("no" if row.alone else "yes"),
        said(f"backups-{row.backups}"),
        row.drill or "—",
    )
