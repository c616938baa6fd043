"""The trace from a control to objects to tests: what it names is there, and what nothing serves is said."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from sample_stacks import ROOT, centre
from test_judge_mutants import MUTANTS

CONTROLS: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "stacks/policy/controls.yml").read_text(encoding="utf-8"))
CASES = {path.stem for path in (ROOT / "tests/stacks/cases").glob("*.yml")}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_control_leads_to_objects_and_tests(control: str) -> None:
    """Objects that are rendered, tests that exist; or plain words why there are none."""
    told = CONTROLS[control]
    users = (ROOT / "tests/judges/test_admission_users.py").read_text(encoding="utf-8")
    known = {mutant[0] for mutant in MUTANTS} | CASES
    lost = [test for test in told.get("tests", []) if test not in known and f"def {test}(" not in users]

    assert set(told.get("objects", [])) <= {made.key.kind for made in centre()}
    assert [] == lost
    assert bool(told.get("objects")) == bool(told.get("tests"))
    assert told.get("tests") or told.get("not_served")


def test_every_control_of_the_standard_is_told() -> None:
    """APP.4.4 has twenty-one; the rules of admission name no control that is not among those told."""
    named = set()
    for path in (ROOT / "stacks/policy/admission").glob("*.yml"):
        named |= {
            text.removeprefix("APP.4.4.") for text in yaml.safe_load(path.read_text(encoding="utf-8"))["controls"]
        }

    assert {f"A{number}" for number in range(1, 22)} <= CONTROLS.keys()
    assert named - CONTROLS.keys() == {"BND1", "DAT1"}  # of the general part of GB/T 22239, served elsewhere too
