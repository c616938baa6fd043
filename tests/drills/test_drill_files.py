"""The drills as described: each can be filled in, walks back if it fails, and has its runbook."""

from __future__ import annotations

import re
from pathlib import Path

from egov.drills import drills

ROOT = Path(__file__).parents[2]
DRILLS = drills(ROOT / "playbooks" / "drills")
KNOWN = {"leader": "db1", "follower": "db2", "third": "w1", "link": "eth0"}


def test_every_drill_can_be_filled_in() -> None:
    """Drills name only what a run knows: who leads, who follows, the third room, the interface."""
    for drill in DRILLS.values():
        inputs = {name: KNOWN[name] for name in drill.procedure.head.inputs}

        assert "$" not in " ".join(" ".join(step.do) for step in drill.procedure.filled(inputs).steps)


def test_every_fault_that_lasts_can_be_undone() -> None:
    """A drill that is interrupted while its fault lasts can be walked back from; nothing stays broken."""
    for drill in DRILLS.values():
        assert all(step.undo for step in drill.procedure.steps if step.hold_seconds), drill.id


def test_only_a_lab_pulls_cables() -> None:
    """A drill whose steps act on the lab itself says so, and no other does."""
    for drill in DRILLS.values():
        acts = any(step.do[:2] == ("egov", "lab") for step in drill.procedure.steps)

        assert acts == drill.load.lab_only, drill.id


def test_every_drill_has_a_runbook() -> None:
    """Whoever is woken at three finds a section of the drill's name."""
    page = (ROOT / "docs" / "drills.md").read_text(encoding="utf-8")

    assert set(DRILLS) == set(re.findall(r"^### (.+)$", page, re.MULTILINE))
