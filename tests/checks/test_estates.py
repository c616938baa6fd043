"""Verdicts on generated estates with planted truth: right where decided, undetermined where evidence was withheld."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from build import AS_OF, law
from estate import LIMBS, Estate, estate

from egov.checks import Finding
from egov.city.load import find
from egov.mandate import Duty, mandate

# Which sources a limb cannot do without.
NEEDS = {
    "zombie-process": {"process"},
    "zombie-replaceable": {"functions"},
    "zombie-idle": {"resources"},
    "zombie-unmaintained": {"signs"},
}


@cache
def duty() -> Duty:
    """Return the duty of the sample city, with its parameters."""
    return mandate(find(None)).duties["R25"]


def judged(made: Estate) -> list[Finding]:
    """Return the findings about the systems whose truth was planted."""
    found = made.build.judged(law(duty()), as_of=AS_OF).findings
    return [finding for finding in found if finding.subject.id in made.truth]


class Score:
    """Counts of right and wrong verdicts per check."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {check: Counter() for check in ("zombie", *LIMBS)}

    def add(self, made: Estate, findings: list[Finding]) -> None:
        """Count the findings of an estate against its truth."""
        for finding in findings:
            style = made.truth[finding.subject.id]
            true = style.zombie if finding.check == "zombie" else style.holds(LIMBS[finding.check])
            self.counts[finding.check][f"{finding.verdict} {true}"] += 1

    def rates(self, check: str) -> tuple[float, float, float]:
        """Return precision and recall over decided systems, and the share undetermined."""
        n = self.counts[check]
        hits = n["violation True"]
        open_ = (n["undetermined True"] + n["undetermined False"]) / n.total()
        return hits / (hits + n["violation False"]), hits / (hits + n["pass True"]), open_

    def text(self) -> str:
        """Return a line per check."""
        rates = {check: self.rates(check) for check in self.counts}
        return "\n".join(f"{c}: precision {p:.3f}, recall {r:.3f}, open {o:.3f}" for c, (p, r, o) in rates.items())


def held_to(made: Estate, findings: list[Finding]) -> None:
    """Assert that no limb was decided whose source was withheld."""
    for finding in findings:
        gone = made.withheld[finding.subject.id]
        if gone & NEEDS.get(finding.check, set()):
            assert finding.verdict == "undetermined", finding
        if finding.check in {"zombie", "zombie-narrow"} and "logs" in gone:
            assert finding.verdict != "violation", finding


def test_a_small_estate_is_judged_rightly() -> None:
    """Forty systems, four of each way of life."""
    made, score = estate(1, 40), Score()
    findings = judged(made)
    score.add(made, findings)

    held_to(made, findings)
    for check in score.counts:
        precision, recall, _ = score.rates(check)
        assert precision >= 0.99, score.text()
        assert recall >= 0.9, score.text()


@pytest.mark.bench
def test_twenty_estates_of_two_hundred_systems() -> None:
    """The bar of the duty: precision 0.99 and recall 0.9 over decided systems; the share left open is printed."""
    score = Score()
    for seed in range(20):
        made = estate(seed, 200)
        findings = judged(made)
        held_to(made, findings)
        score.add(made, findings)
    print(f"\n20 seeds of 200 systems\n{score.text()}")  # noqa: T201 - what a benchmark is for
    for check in score.counts:
        precision, recall, _ = score.rates(check)

        assert precision >= 0.99, score.text()
        assert recall >= 0.9, score.text()
