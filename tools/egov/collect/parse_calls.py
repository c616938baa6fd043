"""Who called what is closed, as a device's packet filter remembers it: the sets of the live ruleset → rows. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from egov.collect.parse import Found, Row, Unreadable, UnreadLine
from egov.render.nftables import CALLS, TABLE, WATCH, WATCH_DAYS

_DAY = 86400
Call = tuple[str, ...]
"""The set that remembers a call, and its element: client, server, protocol, port."""
_PROTOCOLS = {6: "tcp", 17: "udp", "tcp": "tcp", "udp": "udp"}  # a name only where the host has /etc/protocols


def calls(text: str) -> Found:
    """Return a row per client, server and service; what is none of these is unread."""
    rows: list[Row] = []
    odd: list[UnreadLine] = []
    try:
        elements = [(found, element) for found in _sets(text, *CALLS.values()) for element in found.get("elem", [])]
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        return [], [(0, text, str(error))]
    for found, element in elements:
        try:
            rows.append(_call(element["elem"], int(found["timeout"])))
        except (LookupError, TypeError, ValueError) as error:
            odd.append((0, json.dumps(element), f"no call: {type(error).__name__} {error}"))
    return rows, odd


def remembered_calls(text: str) -> set[Call]:
    """Return the elements of the sets that remember calls; Unreadable if the text is no ruleset."""
    elements = (
        (found["name"], e["elem"]["val"]["concat"])
        for found in _sets(text, *CALLS.values())
        for e in found.get("elem", [])
    )
    return {(name, *map(str, parts)) for name, parts in elements}


def watches(text: str) -> Found:
    """Return a row per closed flow whose callers the device remembers, with for how long."""
    try:
        left = [int(found["elem"][0]["elem"]["expires"]) for found in _sets(text, WATCH)]
        flows = {str(rule["comment"]).split(" ")[1] for rule in _entries(text, "rule") if _remembers(rule)}
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return [], [(0, text, f"{WATCH}: {type(error).__name__} {error}")]
    return [{"flow": flow, "watched_seconds": WATCH_DAYS * _DAY - left[0]} for flow in sorted(flows) if left], []


def _remembers(rule: dict[str, Any]) -> bool:
    """Say whether a rule puts callers into one of our sets."""
    sets = {f"@{name}" for name in CALLS.values()}
    return rule.get("table") == TABLE and any(part["set"]["set"] in sets for part in rule["expr"] if "set" in part)


def _call(element: dict[str, Any], remembered: int) -> Row:
    client, server, protocol, port = element["val"]["concat"]
    return {
        "client": str(ip_address(client)),
        "server": str(ip_address(server)),
        "service": f"{int(port)}/{_PROTOCOLS[protocol]}",
        "packets": int(element["counter"]["packets"]),
        "age_seconds": remembered - int(element["expires"]),
    }


def _sets(text: str, *names: str) -> Iterator[dict[str, Any]]:
    """Yield those sets of our table; Unreadable if the text is no ruleset."""
    return (found for found in _entries(text, "set") if found.get("table") == TABLE and found.get("name") in names)


def _entries(text: str, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the parts of a ruleset of a kind; Unreadable if the text is none."""
    data = json.loads(text)
    if not isinstance(data, dict) or not isinstance(data.get("nftables"), list):
        message = "not what `nft -j list ruleset` prints"
        raise Unreadable(message)
    yield from (entry[kind] for entry in data["nftables"] if kind in entry)
