"""R14 整合专网专线, 三(四)3: what to end, what to merge and where to, and what that saves. Money in CNY a year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from egov.checks import Finding
from egov.city import City

Action = Literal["end", "merge", "keep", "state-schedule", "ended", "undecided"]

_ACTIONS: dict[str, Action] = {
    "still-leased": "end",
    "to-merge": "merge",
    "unified-exit": "keep",
    "stays-apart": "keep",
    "national-schedule": "state-schedule",
    "ended": "ended",
}
_SAVING = frozenset({"end", "merge"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What to do with one leased line, and what stands in the way."""

    circuit: str
    department: str
    network: str
    action: Action
    contract_until: date
    yearly_cost_cny: int
    saved_per_year_cny: int
    joins: tuple[str, ...]
    """The department's accesses to the extranet, which take the traffic over."""
    blocked_by: str | None
    """Outcome that must come first: `no-access` (nothing to move to), `unjudged` (nobody said whether it qualifies)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesPlan:
    """All lines that lead out of the extranet, the dearest saving first; bound and gap in CNY a year."""

    lines: tuple[Line, ...]
    cost_cny: int
    """What the lines still under contract cost: no plan saves more."""
    saved_cny: int
    blocked_cny: int
    """Part of the saving that waits for something else."""

    @property
    def gap_cny(self) -> int:
        """What goes on being paid: lines that stay, that follow the State's schedule, that nobody decided on."""
        return self.cost_cny - self.saved_cny


def lines(city: City, findings: Iterable[Finding]) -> LinesPlan:
    """Return the plan for the findings of the check `private-line`."""
    found = [_line(city, finding) for finding in findings if finding.check == "private-line"]
    found.sort(key=lambda line: (-line.saved_per_year_cny, line.action, line.circuit))
    return LinesPlan(
        lines=tuple(found),
        cost_cny=sum(line.yearly_cost_cny for line in found if line.action != "ended"),
        saved_cny=sum(line.saved_per_year_cny for line in found),
        blocked_cny=sum(line.saved_per_year_cny for line in found if line.blocked_by),
    )


def _line(city: City, finding: Finding) -> Line:
    circuit = city.circuits[finding.subject.id]
    action = "keep" if finding.verdict == "exempt" else _ACTIONS.get(finding.outcome, "undecided")
    joins = tuple(
        access.id
        for access in city.accesses.values()
        if access.department == circuit.department and access.circuit != circuit.id
    )
    blocked = "unjudged" if action == "undecided" else "no-access" if action in _SAVING and not joins else None
    return Line(
        circuit=circuit.id,
        department=circuit.department,
        network=circuit.network or circuit.purpose,
        action=action,
        contract_until=circuit.contract_until,
        yearly_cost_cny=circuit.yearly_cost_cny,
        saved_per_year_cny=circuit.yearly_cost_cny if action in _SAVING else 0,
        joins=joins if action in _SAVING else (),
        blocked_by=blocked,
    )
