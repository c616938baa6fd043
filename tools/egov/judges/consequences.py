"""What a change of the description makes of all stacks: objects, who may reach whom, what the judges say then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from egov.capture.changes import ObjectChange, changes
from egov.capture.programs import Stacks
from egov.city import City
from egov.judges.all import clusters, judged
from egov.judges.reachability import Reaching, opened
from egov.judges.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Stacked:
    """A change in objects and in consequences, by cluster where one object may stand in several."""

    objects: dict[str, list[ObjectChange]]
    reaching: dict[str, list[Reaching]]
    verdicts: list[Verdict]

    @property
    def concerns(self) -> bool:
        """Whether a judge is against what the change leads to."""
        return any(verdict.outcome == "violation" for verdict in self.verdicts)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "objects": {name: [change.as_dict() for change in found] for name, found in self.objects.items()},
            "reaching": {name: [one.as_dict() for one in found] for name, found in self.reaching.items()},
            "verdicts": [str(verdict) for verdict in self.verdicts],
        }


def stacked(before: Stacks, after: Stacks, city: City) -> Stacked:
    """Return what changes between two descriptions under the same programs; *city* is the later one."""
    old = clusters([before.graph(name) for name in before.programs()])
    graphs = [after.graph(name) for name in after.programs()]
    new = clusters(graphs)
    names = sorted(old.keys() | new.keys())
    objects = {name: changes(old.get(name, []), new.get(name, [])) for name in names}
    reaching = {name: opened(old.get(name, []), new.get(name, [])) for name in names}
    return Stacked(objects, reaching, list(judged(graphs, after, city)))
