"""Duties, editions and decisions as of a day: the first and the last day are inside."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from egov.errors import DescriptionError
from egov.mandate import Binding, Decision, Mandate, Standard, mandate

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def law() -> Mandate:
    """Return the sample city's mandate."""
    return mandate(ROOT / "inventory" / "huludao")


DECISION = Decision(
    case="exemption-1",
    document="葫电政发〔2018〕15号",
    signer="leading-group",
    check="room-area",
    kind="rooms",
    subject="room-1",
    decided_on=date(2018, 11, 20),
    expires_on=date(2020, 12, 31),
)


@pytest.mark.parametrize(
    ("day", "covers"),
    [
        (date(2018, 11, 19), False),
        (date(2018, 11, 20), True),
        (date(2019, 6, 1), True),
        (date(2020, 12, 31), True),
        (date(2021, 1, 1), False),
    ],
    ids=["day-before", "day-of-decision", "between", "last-day", "day-after"],
)
def test_decision_holds_from_its_day_to_its_last(day: date, covers: bool) -> None:  # noqa: FBT001 - a table's column
    """A decision covers no day before it was made and none after it expires."""
    assert covers == DECISION.covers("room-area", "rooms", "room-1", day)


@pytest.mark.parametrize(
    "question",
    [("room-count", "rooms", "room-1"), ("room-area", "departments", "room-1"), ("room-area", "rooms", "room-10")],
    ids=["other-check", "other-kind", "other-subject"],
)
def test_decision_speaks_of_one_question(question: tuple[str, str, str]) -> None:
    """A decision on one check of one subject covers no other."""
    assert not DECISION.covers(*question, date(2019, 6, 1))


@pytest.mark.parametrize(
    ("first", "last", "held"),
    [
        (None, None, [True, True, True, True]),
        (date(2018, 7, 1), None, [False, True, True, True]),
        (None, date(2018, 12, 31), [True, True, True, False]),
        (date(2018, 7, 1), date(2018, 12, 31), [False, True, True, False]),
    ],
    ids=["always", "from", "until", "between"],
)
def test_binding_holds_between_its_days(first: date | None, last: date | None, held: list[bool]) -> None:
    """Parameters hold from their first day to their last, both included; without one, without end."""
    binding = Binding(check="room-area", reason="-", valid_from=first, valid_to=last)
    days = [date(2018, 6, 30), date(2018, 7, 1), date(2018, 12, 31), date(2019, 1, 1)]

    assert held == [binding.holds(day) for day in days]


@pytest.mark.parametrize(
    ("number", "day", "edition"),
    [
        ("GB/T 22239", date(2018, 12, 31), "gbt22239-2008"),
        ("GB/T 22239", date(2019, 11, 30), "gbt22239-2008"),
        ("GB/T 22239-2008", date(2019, 12, 1), "gbt22239-2019"),
        ("GB 50174", date(2017, 12, 31), "gb50174-2008"),
        ("GB 50174", date(2018, 1, 1), "gb50174-2017"),
        ("GB/T 22239", date(2008, 10, 31), None),
        ("GB/T 1", date(2018, 1, 1), None),
    ],
)
def test_a_day_is_judged_by_the_edition_of_that_day(law: Mandate, number: str, day: date, edition: str | None) -> None:
    """The edition of a standard in force on a day, named by its number with or without a year."""
    found = law.edition(number, day)

    assert edition == (found.id if found else None)


def test_of_two_editions_in_force_the_newer_counts() -> None:
    """Where a text leaves the old edition in force for a while, the new one is judged by from its first day."""
    old = Standard(id="old", number="GB 1-2008", title="-", valid_from=date(2009, 1, 1))
    new = Standard(id="new", number="GB 1-2017", title="-", valid_from=date(2018, 1, 1))
    law = Mandate(standards={"new": new, "old": old})

    assert [old, new] == [law.edition("GB 1", day) for day in (date(2017, 12, 31), date(2018, 1, 1))]


def test_a_register_of_an_unknown_duty(tmp_path: Path) -> None:
    """References within the mandate are held to what it describes, with the nearest match."""
    (tmp_path / "mandate").mkdir()
    text = "registers:\n  - {id: assets, name_zh: 资产清单, name_en: Assets, duty: R91}\n"
    (tmp_path / "mandate" / "lists.yml").write_text(text, encoding="utf-8")

    with pytest.raises(DescriptionError, match=r"^mandate/lists\.yml:2:56: E302 duty: no duties R91 \("):
        mandate(tmp_path)


def test_a_city_without_a_mandate(tmp_path: Path) -> None:
    """A city that has not taken a mandate over yet has no duty."""
    assert {} == dict(mandate(tmp_path).duties)
