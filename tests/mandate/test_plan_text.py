"""The sample city's mandate says what the plan says: every duty, clause, word and date.

Compared with the plan's text and the tables of ../shared/guide, which stand beside the repository.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from egov.mandate import Mandate, mandate

ROOT = Path(__file__).parents[2]
GUIDE = ROOT.parent / "shared" / "guide"
PLAN_OF = {"hu-2017-211": "", "hu-2017-198": "198·"}  # how the tables cite the clauses of each document
BODIES = {
    "府办": "gov-office", "发改": "fagai", "大数据": "dashuju", "部门": "departments", "财政": "caizheng",
    "编办": "bianban", "审批办": "shenpiban", "审计": "shenji", "机关局": "jiguan-shiwu", "县区": "counties",
    "开发区": "zones-dev", "领导小组": "leading-group", "有关部门": "departments-concerned", "all": "departments",
}  # fmt: skip

pytestmark = pytest.mark.skipif(not GUIDE.is_dir(), reason="needs ../shared/guide beside the repository")


@dataclass(frozen=True)
class Row:
    """A duty as the tables of plan.md have it."""

    id: str
    clause: str
    quotes: tuple[str, ...]
    due: str
    bodies: str
    serves: tuple[str, ...]

    @property
    def days(self) -> list[date]:
        """The days of its deadlines."""
        return [date.fromisoformat(day) for day in re.findall(r"\d{4}-\d{2}-\d{2}", self.due)]


def rows() -> dict[str, Row]:
    """Return the duties of plan.md by id; empty without the guide, for the skip to say why."""
    plan = GUIDE / "plan.md"
    found = {}
    for line in plan.read_text(encoding="utf-8").splitlines() if plan.is_file() else ():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if re.fullmatch(r"R\d\d", cells[0].strip()):
            number, clause, _, words, due, bodies, _, serves = cells
            quotes = tuple(re.findall("「(.+?)」", words))
            found[number] = Row(number, clause, quotes, due, bodies, tuple(serves.split(", ")))
    return found


ROWS = rows()
each_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


@pytest.fixture(scope="module")
def law() -> Mandate:
    """Return the sample city's mandate."""
    return mandate(ROOT / "inventory" / "huludao")


def squeezed(text: str) -> str:
    """Return text without white space."""
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def text() -> str:
    """Return the plan's text without white space."""
    return squeezed((GUIDE / "plan-text.zh.md").read_text(encoding="utf-8").partition("\n---\n")[2])


def test_every_duty_is_there(law: Mandate) -> None:
    """The mandate holds the plan's duties R01 to R56, each once, and no other."""
    assert [f"R{number:02}" for number in range(1, 57)] == sorted(ROWS)
    assert sorted(ROWS) == sorted(law.duties)


def test_every_quotation_is_the_plans_own(law: Mandate, text: str) -> None:
    """White space aside, each quotation stands in the plan (of 198号 no text is at hand)."""
    quotes = [quote for duty in law.duties.values() if duty.document == "hu-2017-211" for quote in duty.quotes]
    strangers = [quote for quote in quotes if squeezed(quote) not in text]

    assert [] == strangers
    assert len(quotes) > 50


def test_every_listed_word_is_the_plans_own(law: Mandate, text: str) -> None:
    """The words of each vocabulary stand in the plan."""
    words = {(vocabulary.id, word) for vocabulary in law.vocabularies.values() for word in vocabulary.values}

    assert set() == {(name, word) for name, word in words if squeezed(word) not in text}


@each_row
def test_duty_is_the_tables(law: Mandate, row: Row) -> None:
    """Clause, quotations, parts of the toolkit: word by word as in the table."""
    duty = law.duties[row.id]

    assert row.clause == f"{PLAN_OF[duty.document]}{duty.clause}"
    assert row.quotes == duty.quotes
    assert row.serves == duty.serves


@each_row
def test_deadlines_are_the_tables(law: Mandate, row: Row) -> None:
    """The days are those of the table; a day in brackets there is inferred here and says from what."""
    deadlines = law.duties[row.id].deadlines
    last = max(row.days, default=None)

    assert row.days == [deadline.day for deadline in deadlines]
    assert ["[" in row.due] * len(deadlines) == [bool(deadline.inferred) for deadline in deadlines]
    assert last == law.duties[row.id].due


def named(text: str) -> set[str]:
    """Return the bodies that a cell of the table names."""
    return {BODIES[word] for word in re.findall("|".join(sorted(BODIES, key=len, reverse=True)), text)}


@each_row
def test_bodies_are_the_tables(law: Mandate, row: Row) -> None:
    """All bodies of the table are named, no other; who leads, carries out, answers and helps, where it says so."""
    bodies = law.duties[row.id].bodies
    same = re.fullmatch(r"as (R\d\d)", row.bodies)
    cell = ROWS[same[1]].bodies if same else row.bodies
    lead, *more = cell.split(" / ")

    assert named(cell) == {*bodies.lead, *bodies.carries_out, *bodies.responsible, *bodies.cooperates}
    if more:
        carries_out, (responsible, _, cooperates) = more[0], more[1].partition("配合")
        roles = [set(bodies.lead), set(bodies.carries_out), set(bodies.responsible), set(bodies.cooperates)]
        assert [named(part) for part in (lead, carries_out, responsible, cooperates)] == roles


def test_every_number_has_a_reason(law: Mandate) -> None:
    """A check with parameters says why they are these; one without says that there is no number."""
    bindings = [(duty.id, binding) for duty in law.duties.values() for binding in duty.checks]
    without_number = {(duty, binding.check) for duty, binding in bindings if not binding.parameters}
    saying_so = {(duty, binding.check) for duty, binding in bindings if binding.reason.startswith("no number")}

    assert without_number == saying_so
    assert len(bindings) > len(without_number) > 0
