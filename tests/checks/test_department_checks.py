"""R13: the state of a department's access to the inner network."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from build import AS_OF, Build, InnerNetwork

APPROVED: dict[str, Any] = {"approval": "葫密测〔2018〕3号"}


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(None, ("undetermined", "undetermined"), id="nobody said"),
        pytest.param({"state": "none"}, ("violation", "not-joined"), id="not joined"),
        pytest.param({"state": "none", **APPROVED}, ("violation", "not-joined"), id="approved, not joined"),
        pytest.param({"state": "terminal"}, ("pass", "terminal"), id="terminal"),
        pytest.param({"state": "terminal", **APPROVED}, ("pass", "terminal"), id="terminal, approved"),
        pytest.param({"state": "node"}, ("violation", "unapproved-node"), id="node without approval"),
        pytest.param({"state": "node", **APPROVED}, ("pass", "approved-node"), id="approved, no day"),
        pytest.param(
            {"state": "node", **APPROVED, "approved_on": AS_OF}, ("pass", "approved-node"), id="approved that day"
        ),
        pytest.param(
            {"state": "node", **APPROVED, "approved_on": AS_OF + timedelta(days=1)},
            ("violation", "unapproved-node"),
            id="approved later",
        ),
    ],
)
def test_inner_network(inner: dict[str, Any] | None, expected: tuple[str, str]) -> None:
    """A node needs an approval of that day or before; a terminal needs none; a state nobody declared is unknown."""
    build = Build()
    build.department("a", inner_network=inner and InnerNetwork(**inner))

    finding = build.one("inner-network")

    assert expected == (finding.verdict, finding.outcome)
    assert finding.missing == (() if inner else ("Department.inner_network",))
