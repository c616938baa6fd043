"""R30 and R51: what must be apart is apart, by three witnesses that must agree: proof, packets, comparison.

GB/T 22239-2019 8.1.3.1 (跨边界只经受控接口) and 8.1.3.2 (默认拒绝) as far as rulesets and packets can show it.
"""

from __future__ import annotations

import difflib
import json
from typing import Any

from egov.checks.registry import Judgement, NoParameters, check, judge, undetermined
from egov.city import Host
from egov.facts import CellCount, Facts, PacketPair, RenderedRuleset, Ruleset
from egov.proof import Unreadable, compare, read, unreached
from egov.render.canonical import lines
from egov.render.flows import Compiler, alone, firewalled
from egov.render.reach import ROUTER

_SHOWN = 8


def is_firewalled(host: Host, facts: Facts) -> bool:
    """Say whether the description asks for a ruleset on the host."""
    return any(host.id == one.id for one in firewalled(facts.city))


def is_router(host: Host, facts: Facts) -> bool:
    """Say whether the host passes packets on between zones that flows are described for."""
    return ROUTER in host.roles and bool(facts.city.flows)


@check("cell-packets", of=Host, when=is_router, outcomes=("counted-exactly", "uncounted"))
def cell_packets(host: Host, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001 - every check has parameters
    """Every packet that a device should drop was counted in its cell, and nothing else was (double entry)."""
    rows = facts.snapshot(CellCount, host)
    wrong = [f"{row.cell}: {row.counted} of {row.expected}" for row in rows if row.counted != row.expected]
    dropped = sum(row.counted for row in rows)
    return judge(not wrong, cites=rows, cells=len(rows), dropped=dropped, wrong=wrong[:_SHOWN])


@check("zone-isolation", of=Host, when=is_firewalled, outcomes=("proved", "leak"))
def zone_isolation(host: Host, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """What runs lets through what the flows permit and nothing else: proved for all headers, or one packet is shown."""
    row = facts.latest(Ruleset, host)
    try:
        live = read(row.text)
    except Unreadable as error:
        return undetermined(["Ruleset"], cites=[row], unread=[str(error)])
    intent = Compiler(facts.city, facts.as_of).intent(host)
    results = compare(intent, live, forwards=alone(host))
    shown: dict[str, Any] = {
        "cells": len(results),
        "packets": [f"{r.verdict}: {r.packet}" for r in results if r.packet][:_SHOWN],
        "unread": list(dict.fromkeys(why for r in results for why in r.why))[:_SHOWN],
        "shadowed": unreached(intent, live)[:_SHOWN],
    }
    verdicts = {r.verdict for r in results}
    if verdicts & {"leak", "blocked"}:
        return judge(False, "leak" if "leak" in verdicts else "blocked", cites=[row], **shown)
    if "undetermined" in verdicts:
        return undetermined([f"Ruleset: {text}" for text in shown["unread"]], cites=[row], **shown)
    return judge(True, cites=[row], **shown)


def sends(host: Host, facts: Facts) -> bool:
    """Say whether packets are sent from the host: those of a lab, which are no routers."""
    return host.lab and ROUTER not in host.roles and bool(facts.city.flows)


@check("flow-packets", of=Host, when=sends, outcomes=("as-described", "other-fate"))
def flow_packets(host: Host, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """Every packet from a host that a flow permits arrived where it was sent; no other did."""
    rows = facts.snapshot(PacketPair, host)
    wrong = [f"{row.server}: {row.wrong}" for row in rows if row.wrong]
    sent, arrived = sum(row.sent for row in rows), sum(row.arrived for row in rows)
    return judge(not wrong, cites=rows, sent=sent, arrived=arrived, wrong=wrong[:_SHOWN])


@check("firewall-drift", of=Host, when=is_firewalled, outcomes=("as-rendered", "drifted"))
def firewall_drift(host: Host, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """The ruleset that runs is the one the description renders, rule for rule; counts and handles aside."""
    live, wanted = facts.latest(Ruleset, host), facts.latest(RenderedRuleset, host)
    try:
        found, expected = lines(live.text), lines(wanted.text)
    except ValueError:
        return undetermined(["Ruleset"], cites=[live, wanted])
    changed = [
        d for d in difflib.unified_diff(expected, found, lineterm="", n=0) if d[:1] in "+-" and d[:3] not in _HEAD
    ]
    return judge(not changed, cites=[live, wanted], changes=len(changed), first=[_short(text) for text in changed[:3]])


def _short(line: str) -> str:
    """Return a changed line as sign, chain and what the rule is for, or the kind and name of another object."""
    kind, _, text = line[1:].partition(" ")
    content = json.loads(text)
    if kind == "rule":
        return f"{line[0]} {content['chain']}: {content.get('comment', 'rule')}"
    return f"{line[0]} {kind} {content.get('name', '')}".rstrip()


_HEAD = frozenset({"+++", "---"})
