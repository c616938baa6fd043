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


def data(plan: LinesPlan | ContinuityPlan | Sequence[Cover]) -> Any:  # noqa: ANN401 - plain data for JSON
    """Return a plan as plain data."""
    if isinstance(plan, ContinuityPlan):
        return asdict(plan)
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


def continuity(plan: ContinuityPlan, city: City, lang: str) -> str:
    """Return what each failure does: some lines for each that does anything, then those that do nothing, the vote."""
    cuts = {(str(f.kind), f.id): f for f in plan.failures if f.kind.endswith("-cut")}  # alike but for what is lost
    blocks: list[str] = []
    harmless: list[str] = []
    for failure in plan.failures:
        if (failure.kind, failure.id) in cuts:
            continue
        cut = cuts.get((f"{failure.kind}-cut", failure.id))
        lines = _effects(failure, city, lang)
        if not lines:
            harmless.append(failure.id)
            continue
        title = word("plan", f"{failure.kind}-either" if cut else failure.kind, lang).format(failure.id)
        lines += [line for one in (failure, cut) if one for line in _proof(one, lang)]
        blocks.append(f"{title}\n" + "".join(paragraph(line, 2) for line in lines))
    said = [("harmless", shown(harmless, lang))] if harmless else []
    said.append(("decisive", shown(plan.decisive_sites, lang)) if plan.decisive_sites else ("votes", str(plan.voters)))
    if cuts:
        said.append(("cut_loses_nothing", ""))
    if plan.without_third:
        pairs = [text.split() for text in plan.without_third]
        told = [word("plan", kind, lang).format(name) for kind, name in pairs if not kind.endswith("-cut")]
        said.append(("without_third", shown(told, lang)))
    if plan.not_described:
        said.append(("not_described", str(len(plan.not_described))))
    return "\n".join([*blocks, *(paragraph(word("plan", name, lang).format(what)) for name, what in said)])


def _effects(failure: Failure, city: City, lang: str) -> list[str]:
    found = {
        "stops": [f"{name} ({', '.join(parts)})" for name, parts in failure.stops.items()],
        "without_copy": failure.without_copy,
        "cut_off": [name_of(city, "departments", one, lang) for one in failure.cut_off],
        "decides": [name_of(city, "departments", one, lang) for one in failure.decides],
    }
    lines = [word("plan", name, lang).format(shown(items, lang)) for name, items in found.items() if items]
    if failure.database in {"taken-over", "stops"}:
        lost = word("plan", {None: "unknown_loss", 0: "no_loss"}.get(failure.loss_seconds, "loss"), lang)
        text = word("plan", f"database-{failure.database}", lang) + lost
        lines.insert(0, text.format(wait=failure.interruption_seconds, loss=failure.loss_seconds))
    return lines


def _proof(failure: Failure, lang: str) -> list[str]:
    if not failure.drills:
        return []
    known = {"drills": shown(failure.drills, lang), "gap": failure.measured_seconds, "rows": failure.measured_lost}
    return [word("plan", "not_run" if failure.measured_lost is None else "measured", lang).format(**known)]
