"""R25, limb Z2 功能可被其他系统替代, and R34 利用已有系统, 四(一): what one system does against what others do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from egov.checks.registry import Judgement, check, judge, undetermined
from egov.checks.windows import Window, use
from egov.checks.zombies import in_service
from egov.city import City, System
from egov.city.fields import Part
from egov.city.model import Matter, Project
from egov.facts import Facts
from egov.overlap import Cover, Overlap, items_of

# What shares less than this of its items is not named as the nearest.
_SHOWN = 0.2
_SCOPES = ("section", "department", "departments", "city", "public")


class OverlapParameters(Part):
    """From when on two items are one function, which items say nothing, and what share must be covered."""

    item_cut: float = Field(gt=0, le=1)
    generic_above: int = Field(gt=0)
    min_covered_share: float = Field(gt=0, le=1)
    max_undescribed_share: float = Field(ge=0, le=1)
    use_window_days: int = Field(gt=0)


def functions_of(system: System) -> list[str]:
    """Return the items of a system's function menu; of its one-line function (功能) where nobody listed them."""
    return list(system.functions) if system.functions else items_of(system.function or "")


def names_in(city: City) -> list[str]:
    """Return the names that say nothing of a function: of the city and its departments, with and without the city's."""
    own = city.profile.name_zh
    names = [department.name_zh for department in city.departments.values()]
    return [own, own.removesuffix("市"), *names, *(name.removeprefix(own).removeprefix("市") for name in names)]


def overlap(facts: Facts, p: OverlapParameters, project: Project | None = None) -> Overlap:
    """Return every system in service against every other, made once; with the items of a *project* if given."""

    def make() -> Overlap:
        serving = (s for s in facts.city.systems.values() if in_service(s, facts))
        lists = {system.id: functions_of(system) for system in serving}
        kept = {name: items for name, items in lists.items() if items}
        asked = {PROJECT: project.functions} if project else {}
        names = [name for name in names_in(facts.city) if name]
        return Overlap({**kept, **asked}, cut=p.item_cut, generic=p.generic_above, names=names)

    return facts.once(("overlap", p.item_cut, p.generic_above, project), make)


PROJECT = " project"  # no system's id: those are slugs


@check("zombie-replaceable", of=System, when=in_service, outcomes=("own-functions", "replaceable"))
def zombie_replaceable(system: System, facts: Facts, p: OverlapParameters) -> Judgement:
    """Z2 功能可被其他系统替代: another system in service covers nearly all items of the function menu, and should stay.

    Of two that cover each other one stays; which, and why, is shown. People compare before anything is switched off.
    """
    if not system.functions:
        return undetermined(["System.functions"])
    compared = overlap(facts, p)
    items = len(compared.counting(system.id))
    if not items:
        return undetermined(["System.functions"], items=0)
    near = compared.covers(system.id, _SHOWN)
    said = _said(near[0] if near else None, system.matters or (), compared, facts.city)
    said |= {"items": items, "min_covered_share": p.min_covered_share, "stays": system.id, "why": None}
    covering = [cover for cover in near if cover.share >= p.min_covered_share]
    for cover in covering:
        stays, why = which_stays(system, facts.city.systems[cover.other], compared, facts, p)
        said |= _said(cover, system.matters or (), compared, facts.city) | {"stays": stays, "why": why}
        if stays != system.id:
            return judge(False, **said)
    if covering:
        return judge(True, "the-one-that-stays", **said)
    unknown = undescribed(facts, p, but=system.id)
    if unknown:
        return undetermined(["System.functions.others"], **said, undescribed=unknown)
    return judge(True, **said)


def undescribed(facts: Facts, p: OverlapParameters, but: str = "") -> list[str]:
    """Return the systems in service of which no function is known, if they are too many to conclude from the others."""
    others = [s for s in facts.city.systems.values() if s.id != but and in_service(s, facts)]
    unknown = sorted(s.id for s in others if not functions_of(s))
    return unknown if len(unknown) > p.max_undescribed_share * len(others) else []


def _said(cover: Cover | None, matters: Sequence[Matter], compared: Overlap, city: City) -> dict[str, Any]:
    """Return what a finding says of the system that comes nearest, and by which items."""
    terms = compared.terms.version
    if cover is None:
        return {
            "by": None,
            "matched": 0,
            "share": 0.0,
            "back_share": 0.0,
            "because": [],
            "shared_matters": [],
            "terms": terms,
        }
    matches = compared.matches(cover.system, cover.other)
    theirs = {matter.code for matter in city.systems[cover.other].matters or ()}
    return {
        "by": cover.other,
        "matched": cover.matched,
        "share": round(cover.share, 3),
        "back_share": round(compared.cover(cover.other, cover.system).share, 3),
        "because": [f"{m.item} ≈ {m.other} {m.score:.2f} ({' '.join(m.shared)})" for m in matches[:3]],
        "shared_matters": sorted(theirs & {matter.code for matter in matters}),
        "terms": terms,
    }


def which_stays(one: System, other: System, compared: Overlap, facts: Facts, p: OverlapParameters) -> tuple[str, str]:
    """Return which of two stays and the first difference that says so, in the order of this list."""
    window = Window.until(facts.as_of, p.use_window_days)

    def worth(system: System, its: System) -> Sequence[tuple[str, Any]]:
        seen = use(system, facts, window, 1.0)
        return (
            ("covers-more", round(compared.cover(its.id, system.id).share, 1)),
            ("wider-scope", _SCOPES.index(system.scope) if system.scope else -1),
            ("used-more", len(seen.human)),
            ("in-the-cloud", system.placement == "cloud"),
            ("newer", system.approved_on.toordinal() if system.approved_on else 0),
        )

    for (why, mine), (_, theirs) in zip(worth(one, other), worth(other, one), strict=True):
        if mine != theirs:
            return (one.id if mine > theirs else other.id), why
    return min(one.id, other.id), "first-by-id"


class ReuseParameters(OverlapParameters):
    """From which share of a project's items an existing system would do after a moderate upgrade (适当升级改造)."""

    min_upgrade_share: float = Field(gt=0, le=1)


@check("project-reuse", of=Project, outcomes=("nothing-near", "existing-system"))
def project_reuse(project: Project, facts: Facts, p: ReuseParameters) -> Judgement:
    """R34 不再新建: the system in service that covers most of a proposed project's items, as is or after an upgrade.

    The tool shows the nearest and why; people decide, and their decision (exemption) is recorded.
    """
    compared = overlap(facts, p, project)
    items = len(compared.counting(PROJECT))
    near = compared.covers(PROJECT, _SHOWN)
    said = _said(near[0] if near else None, project.matters, compared, facts.city) | {
        "items": items,
        "min_covered_share": p.min_covered_share,
        "min_upgrade_share": p.min_upgrade_share,
        "nearest": {cover.other: round(cover.share, 3) for cover in near[:5]},
    }
    if said["share"] >= p.min_covered_share:
        return judge(False, **said)
    if said["share"] >= p.min_upgrade_share:
        return judge(False, "upgrade-one", **said)
    unknown = undescribed(facts, p)
    if unknown or not items:
        return undetermined(["System.functions.others" if items else "Project.functions"], **said)
    return judge(True, **said)
