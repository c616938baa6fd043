"""Statements that decide outside the rules, some in forms that a kernel may lack: no .nft stands beside them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from egov.proof import compare
from egov.proof.compare import CellResult
from egov.render.intent import Intent

ANY = ("0.0.0.0/0", "::/0")
INTENT = Intent("router", {}, {"lan": ANY, "wan": ANY})
AT = {"family": "inet", "table": "f"}
BASE = {**AT, "name": "forward", "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}
KNOWN = {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}
TCP = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}


def forwarded(*rules: list[Any], more: tuple[dict[str, Any], ...] = ()) -> CellResult:
    """Return what is found of the way from lan to wan where known connections pass, then these rules are asked."""
    items: list[dict[str, Any]] = [{"table": {"family": "inet", "name": "f"}}, {"chain": BASE}, *more]
    for handle, rule in enumerate(([KNOWN, {"accept": None}], *rules), 1):
        items.append({"rule": {**AT, "chain": "forward", "handle": handle, "expr": rule}})
    results = compare(INTENT, json.dumps({"nftables": items}))
    return next(result for result in results if (result.cell, result.version) == (("lan", "wan"), 4))


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({"queue": {"num": 0}}, id="a-program-decides"),
        pytest.param({"xt": {"type": "target", "name": "TEE"}}, id="iptables-extension"),
        pytest.param({"tproxy": {"port": 8080}}, id="a-proxy-takes-it"),
        pytest.param({"synproxy": {"mss": 1460}}, id="answered-for-the-server"),
        pytest.param({"never heard of": None}, id="of-a-later-nft"),
        pytest.param(
            {"mangle": {"key": {"payload": {"protocol": "ip", "field": "daddr"}}, "value": "10.0.0.1"}},
            id="new-address",
        ),
        pytest.param({"jump": {"target": "nowhere"}}, id="a-chain-that-is-not-there"),
        pytest.param(
            {"vmap": {"key": {"meta": {"key": "mark"}}, "data": {"set": [[1, {"accept": None}]]}}}, id="map-of-marks"
        ),
    ],
)
def test_statement_that_decides_elsewhere(statement: dict[str, Any]) -> None:
    """Packets that meet such a statement are undetermined, and its rule is named by table, chain and handle."""
    found = forwarded([TCP, statement])

    assert "undetermined" == found.verdict
    assert found.why[0].startswith("inet f forward handle 2: ")


def test_the_same_after_a_drop() -> None:
    """A statement no packet meets any more leaves nothing open."""
    found = forwarded([{"drop": None}], [TCP, {"queue": {"num": 0}}])

    assert ("proved", ()) == (found.verdict, found.why)


@pytest.mark.parametrize("family", ["netdev", "inet"])
def test_chain_at_the_device(family: str) -> None:
    """A chain at the device itself is not read: what it may drop is undetermined, by that device alone."""
    chain = {"family": family, "table": "f", "name": "early", "type": "filter", "hook": "ingress", "prio": 0}

    assert ("undetermined", (f"{family} f early: ingress is not read",)) == (
        (found := forwarded(more=({"chain": {**chain, "dev": "lan"}},))).verdict,
        found.why,
    )
    assert "proved" == forwarded(more=({"chain": {**chain, "dev": ["wan"]}},)).verdict


@pytest.mark.parametrize("flags", ["dormant", ["dormant"]])
def test_table_that_sleeps(flags: str | list[str]) -> None:
    """A table that is dormant filters nothing."""
    items = [{"table": {"family": "inet", "name": "f", "flags": flags}}, {"chain": BASE}]

    verdicts = {result.verdict for result in compare(INTENT, json.dumps({"nftables": items}))}

    assert {"leak"} == verdicts
