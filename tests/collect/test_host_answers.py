"""Every platform's real output, read as it would be after a collection, against the rows it must become."""

from __future__ import annotations

import json

import pytest
from answers import HOSTS, NOW, answered, plain, platforms

from egov.collect import rows


@pytest.mark.parametrize("platform", platforms())
def test_platform(platform: str) -> None:
    """What the programs of a platform print becomes exactly the expected rows, unread lines and coverage."""
    expected = json.loads((HOSTS / platform / "expected.json").read_text(encoding="utf-8"))
    assert expected == plain(rows.facts("h", answered(platform), NOW, NOW))


@pytest.mark.parametrize("platform", platforms())
def test_every_row_says_where_it_is_from(platform: str) -> None:
    """Each row carries its host, the probe it was read from and both times."""
    found = list(rows.facts("h", answered(platform), NOW, NOW))
    probes = {*answered(platform), "-"}
    assert {(NOW, NOW, "h")} == {(row.observed_at, row.collected_at, row.host) for row in found}
    assert {f"h: {probe}" for probe in probes} >= {row.source for row in found}
