"""One form for one ruleset, whoever printed it: what runs and what should run become comparable text. Pure."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

# Names that nft prints only where /etc/protocols has them (IANA protocol numbers).
_PROTOCOLS = {
    "icmp": 1,
    "tcp": 6,
    "udp": 17,
    "esp": 50,
    "ah": 51,
    "ipv6-icmp": 58,
    "icmpv6": 58,
    "ospf": 89,
    "sctp": 132,
}
_VOLATILE = frozenset({"handle", "packets", "bytes", "metainfo", "index", "expires"})


def lines(text: str) -> list[str]:
    """Return a ruleset (`nft -j list ruleset`) as lines, one per table, set, counter, chain and rule, in its order.

    Without handles and counts; elements of sets and maps sorted. ValueError if the text is not such a ruleset.
    """
    data = json.loads(text)
    entries = data.get("nftables") if isinstance(data, dict) else None
    if not isinstance(entries, list):
        message = "not what `nft -j list ruleset` prints"
        raise ValueError(message)  # noqa: TRY004 - the text is wrong, not its type
    objects: list[str] = []
    rules: list[str] = []
    for entry in entries:
        for kind, content in entry.items():
            if kind == "metainfo":
                continue
            line = f"{kind} {json.dumps(_plain(content), sort_keys=True, ensure_ascii=False)}"
            (rules if kind == "rule" else objects).append(line)
    return [*sorted(objects), *rules]


def digest(text: str) -> str:
    """Return the SHA-256 of a ruleset's lines."""
    return hashlib.sha256("\n".join(lines(text)).encode()).hexdigest()


def _plain(value: Any, key: str = "") -> Any:  # noqa: ANN401 - whatever nft prints
    if isinstance(value, dict):
        if "stmt" in value and "timeout" in value and "elem" in value:  # packets put these in: who called
            value = {name: entry for name, entry in value.items() if name != "elem"}
        if value.get("left") == {"meta": {"key": "l4proto"}}:
            value = {**value, "right": _numbers(value["right"])}
        return {name: _plain(entry, name) for name, entry in value.items() if name not in _VOLATILE}
    if isinstance(value, list):
        plain = [_plain(entry) for entry in value]
        return sorted(plain, key=lambda e: json.dumps(e, sort_keys=True)) if key in {"set", "elem"} else plain
    return value


def _numbers(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return _PROTOCOLS.get(value, value)
    if isinstance(value, dict) and isinstance(value.get("set"), list):
        return {"set": [_numbers(entry) for entry in value["set"]]}
    return value


@lru_cache(maxsize=256)
def counted_flows(text: str) -> dict[str, int]:
    """Return how many packets each flow's rules counted, by the flow in their comments; {} if it is no ruleset."""
    try:
        entries = json.loads(text)["nftables"]
    except (ValueError, TypeError, KeyError):
        return {}
    found: dict[str, int] = {}
    for rule in (entry["rule"] for entry in entries if isinstance(entry, dict) and "rule" in entry):
        flow = str(rule.get("comment", "")).partition(" ")[0]
        counts = [e["counter"] for e in rule.get("expr", []) if isinstance(e, dict) and "counter" in e]
        if flow and counts and isinstance(counts[0], dict):
            found[flow] = found.get(flow, 0) + int(counts[0].get("packets", 0))
    return found
