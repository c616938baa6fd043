"""A ruleset is a host's answer: whatever it holds, the prover says what it could not read and never trips over it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from egov.proof import Unreadable, compare, read
from egov.render.intent import Intent

RULESETS = sorted((Path(__file__).parent / "rulesets").glob("*.json"))
INTENT = Intent("router", {}, {"lan": ("0.0.0.0/0", "::/0"), "wan": ("0.0.0.0/0", "::/0")})
NONSENSE: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    1.5,
    "",
    "@",
    "*",
    [],
    {},
    [[]],
    {"set": None},
    {"concat": 3},
    "10.0.0.1",
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("Error: no such file", id="no-json"),
        pytest.param("[" * 100_000, id="too-deep"),
        pytest.param("[]", id="a-list"),
        pytest.param('{"nftables": 3}', id="a-number"),
        pytest.param('{"nftables": [3]}', id="an-entry-that-is-none"),
        pytest.param('{"nftables": [{"rule": {"family": "ip", "table": "t", "chain": "c"}}]}', id="a-chain-not-listed"),
    ],
)
def test_text_that_is_no_ruleset(text: str) -> None:
    """Text that nft does not print is refused in words that name the command."""
    with pytest.raises(Unreadable, match="nft -j list ruleset"):
        read(text)


def _places(value: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 - any JSON
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *_places(value[key]))]


@pytest.mark.parametrize("path", RULESETS, ids=lambda path: path.stem)
def test_any_part_replaced_by_nonsense(path: Path) -> None:
    """With any one part of a ruleset replaced, there is a verdict for every cell, or the whole text is refused."""
    chance = random.Random(path.stem)  # noqa: S311 - the same every time
    text = path.read_text(encoding="utf-8")
    judged = 0
    for _ in range(60):
        document = json.loads(text)
        container, key = chance.choice(_places(document))
        container[key] = chance.choice(NONSENSE)
        try:
            live = read(json.dumps(document))
        except Unreadable:
            continue
        judged += len(compare(INTENT, live)) == 16

    assert judged > 0
