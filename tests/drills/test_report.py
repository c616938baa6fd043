"""A drill's verdict: what was measured against what the owner signed for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from egov.city import Continuity
from egov.drills import verdict
from egov.drills.verify import Measured

GOOD = Measured(
    acked=9,
    lost=0,
    duplicated=0,
    reordered=0,
    altered=0,
    foreign=0,
    gap_write_s=30.0,
    gap_read_s=None,
    rpo_s=0.0,
    recovery_point=1.0,
)
WANTED = Continuity(rpo_seconds=0, rto_seconds=30, restore_seconds=600, level=5, edition="2007")


@pytest.mark.parametrize(
    ("change", "wanted", "expected"),
    [
        pytest.param({}, {}, "pass", id="to the second"),
        pytest.param({"gap_write_s": 30.1}, {}, "violation", id="too long"),
        pytest.param({"lost": 1, "rpo_s": 0.0}, {}, "violation", id="a row lost in no time"),
        pytest.param({"lost": 5, "rpo_s": 4.0}, {"rpo_seconds": 5}, "pass", id="as much lost as was agreed"),
        pytest.param({"lost": 5, "rpo_s": 5.1}, {"rpo_seconds": 5}, "violation", id="more lost"),
        pytest.param({"duplicated": 1}, {"rpo_seconds": 5}, "violation", id="doubled"),
        pytest.param({"altered": 1}, {"rpo_seconds": 5}, "violation", id="altered"),
        pytest.param({"reordered": 1}, {"rpo_seconds": 5}, "violation", id="disordered"),
        pytest.param({"foreign": 1}, {"rpo_seconds": 5}, "violation", id="of nobody"),
        pytest.param({"lost": 1, "problems": ("torn",)}, {}, "undetermined", id="measured in vain"),
    ],
)
def test_what_was_measured_against_what_was_agreed(
    change: dict[str, object], wanted: dict[str, int], expected: str
) -> None:
    """Time to the second keeps the objective; wrong rows never do; a torn ledger says nothing."""
    assert expected == verdict(replace(GOOD, **change), WANTED.model_copy(update=wanted))  # type: ignore[arg-type] # figures


@pytest.mark.parametrize(
    ("gap_s", "agreed", "expected"), [(600.0, 600, "pass"), (600.1, 600, "violation"), (1.0, None, "undetermined")]
)
def test_a_restore_has_an_objective_of_its_own(gap_s: float, agreed: int | None, expected: str) -> None:
    """Where data comes back from a backup restore_seconds counts; if none was agreed, nobody can say it was kept."""
    wanted = WANTED.model_copy(update={"restore_seconds": agreed})

    assert expected == verdict(replace(GOOD, gap_write_s=gap_s), wanted, "restore")


def test_without_an_objective_only_wrong_rows_are_judged() -> None:
    """Nobody agreed to anything, but a doubled row is wrong anyhow."""
    assert verdict(GOOD, None) == "undetermined"
    assert verdict(replace(GOOD, duplicated=1), None) == "violation"
