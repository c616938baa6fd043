"""The sample city's page: where it says that an outcome occurs, the audit of its sheets finds it, and as often."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from pages import ROOT, section

from egov.cases import decisions, read_cases
from egov.checks import audit
from egov.city import load
from egov.collect.survey import take_in
from egov.facts import Facts
from egov.mandate import mandate

CITY = ROOT / "inventory" / "huludao"
PAGE = ROOT / "docs" / "sample-city.md"
DEADLINE, LATER = date(2018, 12, 31), date(2026, 1, 1)
Found = Mapping[tuple[str, str], set[str]]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that holds the city's field sheets."""
    store = tmp_path_factory.mktemp("evidence")
    sheets = sorted(path for path in (CITY / "surveys").iterdir() if path.suffix in {".csv", ".xlsx"})
    take_in(store, load(CITY), sheets, None, partial=False)
    return store


def found(evidence: Path, on: date, *, decided: bool) -> Found:
    """Return (check, outcome, or `exempt`) → subjects of an audit on a day, with or without the city's decisions."""
    facts = Facts.of_store(load(CITY), on, evidence)
    subjects = defaultdict(set)
    for finding in audit(facts, mandate(CITY), decisions(read_cases(CITY)) if decided else ()).findings:
        outcome = "exempt" if finding.verdict == "exempt" else finding.outcome
        subjects[finding.check, outcome].add(finding.subject.id)
    return subjects


def told(heading: str) -> dict[tuple[str, str], tuple[set[str], int | None]]:
    """Return (check, outcome) → subjects named, and how many there are, of the first table below a heading."""
    table = re.search(r"^\|.*?(?=\n\n|\Z)", section(PAGE, heading), re.MULTILINE | re.DOTALL)
    assert table is not None, heading
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()]
    header = lines[0]
    rows = [dict(zip(header, line, strict=True)) for line in lines[2:]]
    return {
        (row["check"], row["outcome"]): (
            set(row["where"].split(", ")),
            int(row["how many"]) if "how many" in row else None,
        )
        for row in rows
    }


def test_every_outcome_occurs_where_and_as_often_as_told(evidence: Path) -> None:
    """At the deadline, before any decision exempts: the same outcomes and numbers, the subjects named among them."""
    audited = found(evidence, DEADLINE, decided=False)
    page = told("Every outcome, and where it occurs")

    assert {key: len(subjects) for key, subjects in audited.items()} == {key: many for key, (_, many) in page.items()}
    assert {} == {key: where - audited[key] for key, (where, _) in page.items() if where - audited[key]}


@pytest.mark.parametrize(
    ("heading", "on", "decided"),
    [("What decisions exempt", DEADLINE, True), ("What differs today", LATER, True)],
    ids=["exempt", "today"],
)
def test_what_is_told_of_other_audits_is_so(evidence: Path, heading: str, on: date, *, decided: bool) -> None:
    """With decisions, and years later, the subjects named have the outcome named."""
    audited = found(evidence, on, decided=decided)

    assert {} == {key: where - audited[key] for key, (where, _) in told(heading).items() if where - audited[key]}


def test_no_decision_exempts_more_than_is_told(evidence: Path) -> None:
    """Every exemption at the deadline is on the page."""
    audited = found(evidence, DEADLINE, decided=True)
    page = told("What decisions exempt")
    exempt = {key: subjects for key, subjects in audited.items() if key[1] == "exempt"}

    assert exempt == {key: where for key, (where, _) in page.items() if key[1] == "exempt"}
