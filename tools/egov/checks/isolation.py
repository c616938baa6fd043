"""R30 and R51: what must be apart is apart. Packets and drift; the symbolic witness stands in `proof.py` beside it.

GB/T 22239-2019 8.1.3.1 (跨边界只经受控接口) and 8.1.3.2 (默认拒绝) as far as rulesets and packets can show it.
"""

from __future__ import annotations

import difflib

from egov.checks.registry import Judgement, NoParameters, check, judge, undetermined
from egov.city import Host
from egov.facts import CellCount, Facts, PacketPair, RenderedRuleset, Ruleset
from egov.render.canonical import lines
from egov.render.flows import firewalled
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
    return judge(not changed, cites=[live, wanted], changes=len(changed), first=[text[:200] for text in changed[:3]])


_HEAD = frozenset({"+++", "---"})
