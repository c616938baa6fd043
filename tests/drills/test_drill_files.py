"""The drills as described: each can be filled in, walks back if it fails, and has its runbook."""

from __future__ import annotations

import re
from pathlib import Path

from egov.drills import drills, paced, varied

ROOT = Path(__file__).parents[2]
DRILLS = drills(ROOT / "playbooks" / "drills")
KNOWN = {"leader": "db1", "follower": "db2", "third": "w1", "repository": "r1", "site": "dc", "link": "eth0"}


def test_every_drill_can_be_filled_in() -> None:
    """Drills name only what a run knows: who leads, who follows, the third room, the interface."""
    for drill in DRILLS.values():
        inputs = {name: KNOWN[name] for name in drill.procedure.head.inputs}

        assert "$" not in " ".join(" ".join(step.do) for step in drill.procedure.filled(inputs).steps)


def test_every_fault_that_lasts_can_be_undone() -> None:
    """A drill that is interrupted while its fault lasts can be walked back from; nothing stays broken."""
    for drill in DRILLS.values():
        assert all(step.undo for step in drill.procedure.steps if step.hold_seconds), drill.id


def test_only_a_lab_pulls_cables_and_destroys_data() -> None:
    """A drill that acts on the lab itself, or breaks what fault.yml keeps to a lab, says so, and no other does."""
    kept = re.search(r"fault not in \[([^]]+)\]", (ROOT / "playbooks" / "fault.yml").read_text(encoding="utf-8"))
    assert kept
    words = {f"fault={name}" for name in re.findall(r"[a-z-]+", kept[1])}
    for drill in DRILLS.values():
        acts = any(step.do[:2] == ("egov", "lab") or words & {*step.do} for step in drill.procedure.steps)

        assert acts == drill.load.lab_only, drill.id


def test_every_fault_a_drill_names_is_known() -> None:
    """A misspelt fault would break nothing, and its drill would pass."""
    script = (ROOT / "playbooks" / "files" / "fault.sh").read_text(encoding="utf-8")
    known = {name for line in re.findall(r"^([a-z |-]+)\)", script, re.MULTILINE) for name in line.split(" | ")}
    steps = [step for drill in DRILLS.values() for step in drill.procedure.steps]
    named = {word.removeprefix("fault=") for s in steps for c in (s.do, s.undo or ()) for word in c if "fault=" in word}

    assert named == known


def test_a_seed_varies_a_drill_and_repeats_it() -> None:
    """The same seed breaks at the same moment, for as long, under as many clients; others do not."""
    drill = DRILLS["cut-leader-30"]

    runs = [varied(drill, seed) for seed in (1, 2, 3)]

    assert runs == [varied(drill, seed) for seed in (1, 2, 3)]
    assert len({(run.load.calm_seconds, run.load.clients, run.procedure.steps[0].hold_seconds) for run in runs}) == 3
    for run in runs:
        assert 30 <= run.procedure.steps[0].hold_seconds <= 40
        assert 2 <= run.load.calm_seconds <= 8
        assert 4 <= run.load.clients <= 12


def test_clients_write_at_a_pace_unless_told_otherwise() -> None:
    """A drill leaves the database room for its work; only where the load is the fault do clients know no limit."""
    unbound = {name for name, drill in DRILLS.items() if not drill.load.rate}

    assert {"slow-link"} == unbound
    assert 5 == varied(paced(DRILLS["slow-link"], 5), 1).load.rate


def test_every_drill_has_a_runbook() -> None:
    """Whoever is woken at three finds a section of the drill's name."""
    page = (ROOT / "docs" / "drills.md").read_text(encoding="utf-8")

    assert set(DRILLS) == set(re.findall(r"^### (.+)$", page, re.MULTILINE))
