"""Plans for leased lines and coverage, from findings of the small network and of the sample city."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from build import AS_OF, Build
from network_build import access, line, network, sent

from egov.checks import Finding, Subject
from egov.city import Access
from egov.plans import LinesPlan, coverage, lines

YEARLY = 1000


def _plan(build: Build) -> LinesPlan:
    return lines(build.city(), build.audit("private-line", last_budget_year=2018))


@pytest.mark.parametrize(
    ("changes", "action", "saved", "gap", "blocked_by"),
    [
        pytest.param({"purpose": "internet"}, "end", YEARLY, 0, "no-access", id="nothing to move to"),
        pytest.param({"purpose": "internet", "access": True}, "end", YEARLY, 0, None, id="Internet line"),
        pytest.param({"mergeable": True, "access": True}, "merge", YEARLY, 0, None, id="qualifies"),
        pytest.param({"mergeable": False, "merge_reason": "-"}, "keep", 0, YEARLY, None, id="does not qualify"),
        pytest.param({}, "undecided", 0, YEARLY, "unjudged", id="nobody said"),
        pytest.param({"purpose": "national-network"}, "state-schedule", 0, YEARLY, None, id="the State's"),
        pytest.param({"contract_until": date(2018, 1, 31)}, "ended", 0, 0, None, id="ended: saves nothing more"),
    ],
)
def test_what_becomes_of_a_line(
    changes: dict[str, Any], action: str, saved: int, gap: int, blocked_by: str | None
) -> None:
    """A line that is ended or merged saves its cost; what stays goes on being paid; an access comes before a merge."""
    build = network()
    if changes.pop("access", False):
        access(build)
    given = {"purpose": "business-network", "yearly_cost_cny": YEARLY, **changes}
    line(build, until=given.pop("contract_until", date(2020, 1, 1)), **given)

    plan = _plan(build)

    (found,) = plan.lines
    assert (found.action, plan.saved_cny, plan.gap_cny, found.blocked_by) == (action, saved, gap, blocked_by)


def test_the_private_line_s_own_access_is_nothing_to_move_to() -> None:
    """An access that runs over the very line does not take its traffic over."""
    build = network()
    line(build, purpose="internet", yearly_cost_cny=YEARLY)
    build._put("accesses", Access(id="own", department="a", access_class="C", prefix="clients", circuit="line"))

    plan = _plan(build)

    assert (plan.lines[0].joins, plan.blocked_cny) == ((), YEARLY)


def test_coverage_counts_each_stage() -> None:
    """Declared, configured and answering are three counts; a unit without an access stands in a row of its own."""
    build = network()
    build.department("b")
    access(build)
    sent(build)

    rows = coverage(build.audit("extranet-access", levels={"city": "2017-12-31"}))

    shown = [(r.access_class, r.units, r.declared, r.configured, r.answering, r.open) for r in rows]
    assert shown == [("", 1, 0, 0, 0, 1), ("A", 1, 1, 0, 1, 0)]


def test_levels_come_in_the_plan_s_order() -> None:
    """City, county, subordinate units, towns, whatever the order of findings."""
    found = [
        Finding(
            duty="R12",
            check="extranet-access",
            subject=Subject("departments", level, level),
            verdict="pass",
            outcome="later",
            facts={"level": level, "classes": [], "configured": [], "by": AS_OF, "packets": 0},
        )
        for level in ("town", "subordinate", "city", "county")
    ]

    assert [row.level for row in coverage(found)] == ["city", "county", "subordinate", "town"]


def test_the_sample_city_s_plan(egov: Callable[..., Any], tmp_path: Path) -> None:
    """Of the sample city's lines two are ended or merged, and the amounts add up."""
    day = ("--as-of", "2018-12-31", "--description-of-today")
    result = egov("plan", "lines", "--evidence", tmp_path, *day, "--format", "json")

    plan = json.loads(result.stdout)
    saving = sorted(row["circuit"] for row in plan["lines"] if row["saved_per_year_cny"])
    assert saving == ["line-dangan", "line-renshe"]
    assert plan["cost_cny"] == plan["saved_cny"] + plan["gap_cny"]


def test_plain_data_has_every_field() -> None:
    """What a script reads is what the plan holds."""
    build = network()
    line(build, purpose="internet")

    assert {"circuit", "action", "joins", "blocked_by"} <= set(asdict(_plan(build).lines[0]))
