"""R51: verdicts on rendered objects as findings; what nobody judged is never a pass."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from build import Build
from cloud_build import JUDGES, judged

from egov.capture.programs import Stacks
from egov.checks import audit
from egov.city import load
from egov.collect.stacks import take_in
from egov.facts import Facts
from egov.judges.all import JUDGES as ALL
from egov.mandate import mandate

ROOT = Path(__file__).parents[2]
SCHEMA, CAPACITY = {"judge": "schema"}, {"judge": "capacity"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([SCHEMA, CAPACITY], ("pass", "within-rules"), id="all have judged, none is against it"),
        pytest.param([SCHEMA, {**CAPACITY, "concerns": 1}], ("violation", "against-rules"), id="one is against it"),
        pytest.param(
            [{**SCHEMA, "not_judged": 1}, {**CAPACITY, "concerns": 1}],
            ("violation", "against-rules"),
            id="a concern counts though something else is unknown",
        ),
        pytest.param([SCHEMA, {**CAPACITY, "not_judged": 1}], ("undetermined", "undetermined"), id="one is not sure"),
        pytest.param([SCHEMA], ("undetermined", "undetermined"), id="one has not judged"),
        pytest.param([], ("undetermined", "undetermined"), id="nobody has"),
        pytest.param(
            [SCHEMA, {**CAPACITY, "environment": "lab"}], ("undetermined", "undetermined"), id="of another environment"
        ),
        pytest.param(
            [{**CAPACITY, "concerns": 1, "run": "1"}, {**SCHEMA, "run": "2"}, {**CAPACITY, "run": "2"}],
            ("pass", "within-rules"),
            id="the newest run counts",
        ),
    ],
)
def test_objects_keep_to_the_rules(rows: list[dict[str, Any]], expected: tuple[str, str]) -> None:
    """Unknown is undetermined, never a pass and never a violation."""
    found = judged(*rows).one("cloud-objects", **JUDGES)

    assert expected == (found.verdict, found.outcome)


def test_a_department_without_a_workload_is_not_asked() -> None:
    """No system in the cloud, no finding."""
    build = Build()
    build.system("s1")

    assert [] == build.audit("cloud-objects", **JUDGES)


def test_a_run_is_judged_as_the_city_s_mandate_asks(tmp_path: Path) -> None:
    """Every judge has a row for each department, of the small city's stacks too; the mandate names them all."""
    folder = ROOT / "tests" / "workloads"
    city, law = load(folder), mandate(ROOT / "inventory" / "huludao")
    today = datetime.now(UTC).date()
    _, rows = take_in(tmp_path, Stacks(ROOT / "stacks", "production", folder, today), city)

    found = audit(Facts.of_store(city, today, tmp_path), law, only=("cloud-objects",)).findings
    assert {*ALL} == {row.judge for row in rows}
    concerns = [row.text for row in rows if row.concerns]
    assert [("data-office", "violation" if concerns else "pass")] == [(f.subject.id, f.verdict) for f in found]
