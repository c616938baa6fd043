"""R12 政务外网全覆盖, 三(四)1: units declared, configured and answering, by level and access class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from egov.checks import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Units of one level with one access class ("" for none): how far each stage of being covered holds."""

    level: str
    access_class: str
    by: date | None
    """Day by which the level must be covered; None: the plan sets none."""
    units: int
    declared: int
    configured: int
    answering: int
    open: int
    """Units that are a concern or cannot be judged."""


def coverage(findings: Iterable[Finding]) -> list[Cover]:
    """Return the coverage for the findings of the check `extranet-access`; a unit counts in each of its classes."""
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.check == "extranet-access":
            for access_class in finding.facts["classes"] or ("",):
                groups[finding.facts["level"], access_class].append(finding)
    return [_cover(*key, found) for key, found in sorted(groups.items(), key=lambda g: (_LEVELS.index(g[0][0]), g[0]))]


_LEVELS = ("city", "county", "subordinate", "town")


def _cover(level: str, access_class: str, found: list[Finding]) -> Cover:
    return Cover(
        level=level,
        access_class=access_class,
        by=found[0].facts["by"],
        units=len(found),
        declared=sum(bool(f.facts["classes"]) for f in found),
        configured=sum(bool(f.facts["configured"]) for f in found),
        answering=sum(f.facts["packets"] > 0 for f in found),
        open=sum(f.verdict in {"violation", "undetermined"} for f in found),
    )


COLUMNS = tuple(field.name for field in fields(Cover))
