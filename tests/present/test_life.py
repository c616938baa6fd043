"""Zombie systems for a reader: the workbook's rows, the departments' sums, and a page that draws what was seen."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from build import AS_OF, binding, duty, law
from life_build import (
    GRANTS,
    LIMBS,
    MATTER,
    SETS,
    Life,
    ago,
    days,
    idle_host,
    logged,
    looked,
    made,
    no_transactions,
    other,
)
from reports import provenance

from egov.present.life import as_workbook, by_department, judged, pages
from egov.present.rows import Report


def report(build: Life) -> Report:
    """Return the report of a city by the limbs and the rule."""
    bound = [binding(name, **parameters) for name, parameters in LIMBS.items()]
    mandate = law(duty("R25", binding("zombie", sets=SETS), *bound))
    return Report(build.judged(mandate), build.city(), mandate, provenance())


@pytest.fixture(scope="module")
def town() -> Life:
    """Return a city with a zombie that shows all five limbs, a system in daily use and one nobody looked at."""
    build = made(
        *(logged(), idle_host, looked(None), no_transactions, other(*GRANTS, "优抚核查", yearly_cost_cny=7)),
        matters=(MATTER,),
        functions=GRANTS,
        name_zh="<b>=低保</b>",
        yearly_cost_cny=120_000,
    )
    build.runs("s3", "h3")
    build.used("s3", days(69), clients=8)
    build.used("s1", days(69), "scanner")
    build.maintained("s3", "release", ago(20), ago(400))
    return build


def sheet(book: bytes, number: int) -> list[list[Any]]:
    """Return the cells of a sheet of a workbook."""
    page = openpyxl.load_workbook(io.BytesIO(book)).worksheets[number]
    return [[cell.value for cell in row] for row in page.iter_rows()]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_workbook_has_a_row_per_system_clear_cases_first(town: Life, lang: str) -> None:
    """Each row says the verdict, the five limbs and the numbers; the systems nobody looked at say what is missing."""
    head, *lines = sheet(as_workbook(report(town), lang), 0)

    assert ["s1", "s2", "s3"] == [line[0] for line in lines]
    assert {"zh": ["疑点"] * 6, "en": ["concern"] * 6}[lang] == lines[0][3:9]
    number = {"zh": "业务量（笔）", "en": "transactions"}[lang]
    assert 0 == lines[0][head.index(number)]
    assert lines[1][-3]
    assert {"zh": "<b>=低保</b>", "en": "s1"}[lang] in lines[0][1]


def test_departments_add_up_what_retiring_frees(town: Life) -> None:
    """Only concerns count: a host and its yearly cost."""
    head, lines = by_department(report(town), "en")

    assert ["department", "systems", "concern", "undetermined", "pass", "hosts freed", "CNY a year"] == head
    assert [["a", 3, 1, 1, 1, 1, 120_000]] == lines


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_says_why_and_draws_what_was_seen(town: Life, lang: str) -> None:
    """The busy one is drawn with people, the zombie with scanners only; unseen days are hatched; text is escaped."""
    whole = report(town)
    found = dict(pages(whole, town.facts(), whole.mandate, lang))

    assert ["s1", "s2", "s3"] == [system.id for system, _ in judged(whole)]
    assert {"s1": 0, "s3": 70} == {name: found[name].count('<rect class="human" x') for name in ("s1", "s3")}
    assert 70 == found["s1"].count('<rect class="machine" x')
    assert '<rect class="unseen"' in found["s2"]
    assert "<b>=低保" not in found["s1"]
    assert "&lt;b&gt;=低保" in found["s1"]


def test_the_same_evidence_gives_the_same_bytes(town: Life) -> None:
    """Nothing in workbook or page asks the clock."""
    one, two = report(town), report(town)

    assert as_workbook(one, "zh") == as_workbook(two, "zh")
    assert list(pages(one, town.facts(), one.mandate, "zh")) == list(pages(two, town.facts(), two.mandate, "zh"))
    assert AS_OF == date(2018, 12, 31)
