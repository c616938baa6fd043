"""What a change of the description opens and closes in firewalls: by flow, with every cell it touches. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from egov.city import City, Flow
from egov.render.flows import Compiler, firewalled
from egov.render.intent import LOCAL, Cell, Service

Piece = tuple[str, Cell, str, str, Service]
"""Device, cell, one source, one destination, one service: the smallest thing a flow opens."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one flow opens or closes: services and (device, cell) of it, sorted; `flow` as it is where they exist."""

    flow: Flow
    opens: bool
    services: tuple[Service, ...]
    cells: tuple[tuple[str, Cell], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "flow": self.flow.id,
            "opens": self.opens,
            "services": [service.text for service in self.services],
            "until": self.flow.until.isoformat(),
            "decision": self.flow.decision,
            "cells": [
                {"device": device, "in": cell[0] or "local", "out": cell[1] or "local"} for device, cell in self.cells
            ],
        }


def changes(before: City, after: City, on: date) -> list[Change]:
    """Return what is opened and what is closed between two descriptions on a day; closing first, by flow."""
    old, new = _pieces(before, on), _pieces(after, on)
    found = [*_differing(before, old, new, opens=False), *_differing(after, new, old, opens=True)]
    return sorted(found, key=lambda change: (change.opens, change.flow.id))


def _differing(
    city: City, own: dict[str, set[Piece]], other: dict[str, set[Piece]], *, opens: bool
) -> Iterator[Change]:
    everywhere = set().union(*other.values()) if other else set()
    for flow, pieces in own.items():
        only = pieces - everywhere
        if only:
            cells = sorted({(device, cell) for device, cell, *_ in only})
            services = sorted({service for *_, service in only})
            yield Change(city.flows[flow], opens, tuple(services), tuple(cells))


def _pieces(city: City, on: date) -> dict[str, set[Piece]]:
    """Return what each flow opens. What a flow opens that another one opens too is the same piece."""
    compiler = Compiler(city, on)
    found: dict[str, set[Piece]] = defaultdict(set)
    for host in firewalled(city):
        for cell, permits in compiler.intent(host).cells.items():
            for permit in permits:
                if permit.flow in city.flows:
                    found[permit.flow].update(
                        (host.id, cell, source, destination, service)
                        for source in permit.sources
                        for destination in permit.destinations
                        if (":" in source) == (":" in destination)
                        for service in permit.services
                    )
    return found


def passing(change: Change) -> list[str]:
    """Return the cells of a change that pass packets on, as `device in>out`; not those to or from itself."""
    return [f"{device} {i}>{o}" for device, (i, o) in change.cells if LOCAL not in (i, o)]
