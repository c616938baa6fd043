"""Rulesets written by hand in many styles: each beside what nft prints of it and what is to be found in every cell.

rulesets/NAME.nft, NAME.json (recorded: `nft -f NAME.nft && nft -j list ruleset` in an empty namespace), NAME.yml:
about, behind and permits as intent, expect: the cells that are not proved, as `in > out version: verdict text`.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from egov.proof import compare
from egov.render.canonical import lines
from egov.render.intent import LOCAL, Intent, Permit, Service

CASES = sorted((Path(__file__).parent / "rulesets").glob("*.nft"))
EVERYWHERE = ["0.0.0.0/0", "::/0"]


def intent_of(case: dict[str, Any]) -> Intent:
    """Return what a case means to let through."""
    cells = {}
    for cell, permits in case["permits"].items():
        comes, leaves = cell.split(" > ")
        cells[comes, leaves] = tuple(_permit(number, permit) for number, permit in enumerate(permits))
    behind = {name: tuple(prefixes) for name, prefixes in case["behind"].items()}
    return Intent("router", cells, behind)


def _permit(number: int, permit: dict[str, Any]) -> Permit:
    services = tuple(
        Service(protocol, int(first), int(last)) for protocol, first, last in map(str.split, permit["services"])
    )
    return Permit(f"flow-{number}", tuple(permit.get("from", EVERYWHERE)), tuple(permit["to"]), services)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_verdict_of_every_cell(path: Path) -> None:
    """Each pair of interfaces is proved, leaks, blocks or stays open, with the packet or the words that show it."""
    case = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))
    expected = {cell: said.partition(" ")[::2] for cell, said in (case["expect"] or {}).items()}

    results = compare(intent_of(case), path.with_suffix(".json").read_text(encoding="utf-8"))

    found = {
        f"{result.cell[0]} > {result.cell[1]} {result.version}": (
            result.verdict,
            " ".join((result.packet, *result.why)),
        )
        for result in results
        if LOCAL not in result.cell and result.verdict != "proved"
    }
    assert {cell: verdict for cell, (verdict, _) in expected.items()} == {
        cell: verdict for cell, (verdict, _) in found.items()
    }
    assert [] == [f"{cell}: {found[cell][1]}" for cell, (_, text) in expected.items() if text not in found[cell][1]]


def test_all_verdicts_occur() -> None:
    """The cases hold rulesets that are right, that leak, that block and that cannot be read to the end."""
    cases = [yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8")) for path in CASES]

    verdicts = {said.split()[0] for case in cases for said in (case["expect"] or {"": "proved"}).values()}

    assert {"proved", "leak", "blocked", "undetermined"} == verdicts
    assert len(CASES) >= 20


@pytest.mark.lab
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_recorded_as_nft_prints_it(path: Path) -> None:
    """What is recorded beside a ruleset is what nft prints when it is loaded."""
    script = 'nft -f "$1" && nft -j list ruleset'
    printed = subprocess.run(
        ["unshare", "--net", "sh", "-c", script, "sh", str(path)], capture_output=True, text=True, check=True
    ).stdout

    assert lines(path.with_suffix(".json").read_text(encoding="utf-8")) == lines(printed)
    assert json.loads(printed)["nftables"]
