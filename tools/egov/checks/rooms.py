"""R20 机房腾退, 五(四)2: what a department's machine room may be and hold after migration."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from egov.checks.registry import Judgement, NoParameters, check, judge, undetermined
from egov.city import Department, Device, Room, System
from egov.city.fields import Part
from egov.facts import AssetRecord, Facts, RoomSurvey


def department_room(room: Room, _facts: Facts) -> bool:
    """Say whether the room is a department's: the municipal centre and its backup have no cap."""
    return room.purpose == "department"


def sole_department(room: Room, facts: Facts) -> bool:
    """Say whether the cap of one department's room applies: names typed into a list do not make a room shared."""
    return department_room(room, facts) and not facts.city.is_shared(room, facts.as_of)


def shared_room(room: Room, facts: Facts) -> bool:
    """Say whether several departments rightly share the room."""
    return department_room(room, facts) and facts.city.is_shared(room, facts.as_of)


class AreaParameters(Part):
    """Cap on a room of one department, and the kind of area it is measured in."""

    max_area_m2: float = Field(gt=0)
    area_kind: Literal["usable", "built"] = "usable"


@check("room-area", of=Room, when=sole_department, outcomes=("within-cap", "over-cap"), bound="area_m2")
def room_area(room: Room, facts: Facts, p: AreaParameters) -> Judgement:
    """Floor area against the cap; exactly the cap passes (不超过). Areas in m².

    Built area (建筑面积) includes walls, so it is never less than usable area (使用面积): within the cap it proves the
    other kind as well, over the cap it proves nothing; the reverse holds for a cap on built area.
    """
    survey = facts.latest(RoomSurvey, room)
    shown: dict[str, Any] = {"area_m2": survey.area_m2, "cap_m2": p.max_area_m2, "area_kind": survey.area_kind}
    within = survey.area_m2 <= p.max_area_m2
    proves_other_kind = within if survey.area_kind == "built" else not within
    if survey.area_kind != p.area_kind and not proves_other_kind:
        return undetermined([f"RoomSurvey.area_kind={p.area_kind}"], cites=[survey], **shown)
    return judge(within, cites=[survey], **shown)


class SharedAreaParameters(Part):
    """Cap on a shared room; the plan states none, so null judges nothing but shows the area."""

    max_area_m2: float | None = None


@check("room-area-shared", of=Room, when=shared_room, outcomes=("within-cap", "over-cap"), bound="area_m2")
def room_area_shared(room: Room, facts: Facts, p: SharedAreaParameters) -> Judgement:
    """Floor area of a rightly shared room against the city's own cap, if it set one."""
    survey = facts.latest(RoomSurvey, room)
    shown: dict[str, Any] = {
        "area_m2": survey.area_m2,
        "area_kind": survey.area_kind,
        "departments": list(room.departments),
    }
    if p.max_area_m2 is None:
        return judge(True, "no-cap", cites=[survey], **shown)
    return judge(survey.area_m2 <= p.max_area_m2, cites=[survey], cap_m2=p.max_area_m2, **shown)


class CountParameters(Part):
    """How many rooms a department may keep."""

    max_rooms: int = Field(ge=0)


@check("room-count", of=Department, outcomes=("one-room", "second-room"), bound="rooms")
def room_count(department: Department, facts: Facts, p: CountParameters) -> Judgement:
    """Rooms a department uses, shared ones included, against the number it may keep."""
    rooms = facts.city.rooms_of(department.id)
    surveys = [survey for room in rooms for survey in facts.rows(RoomSurvey, room)[-1:]]
    outcome = "no-room" if not rooms else None
    shown: dict[str, Any] = {"rooms": len(rooms), "max_rooms": p.max_rooms, "which": [room.id for room in rooms]}
    return judge(len(rooms) <= p.max_rooms, outcome, cites=surveys, **shown)


@check("room-merge", of=Room, when=department_room, outcomes=("alone-in-building", "merge-with-neighbours"))
def room_merge(room: Room, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001 - every check has parameters
    """Departments in one building that can merge use one room; who stays apart needs a signed ground.

    A concern is not a conviction: whether 具备合并条件 holds is for people; their signed decision exempts.
    """
    city = facts.city
    if len(set(room.departments)) > 1:
        shown: dict[str, Any] = {"departments": list(room.departments)}
        if city.is_shared(room, facts.as_of):
            return judge(True, "shared", **shown, decision=room.merge.document if room.merge else None)
        elsewhere = [d for d in room.departments if city.departments[d].site != room.site]
        if elsewhere:
            return judge(False, "not-one-building", **shown, elsewhere=elsewhere)
        return judge(False, "merge-undecided", **shown)
    others = (other for other in city.rooms.values() if other.site == room.site and other.id != room.id)
    neighbours = sorted(
        other.id
        for other in others
        if department_room(other, facts) and set(other.departments) != set(room.departments)
    )
    return judge(not neighbours, neighbours=neighbours, site=room.site)


class ContentsParameters(Part):
    """Roles of hardware that count as network access equipment (网络接入设备)."""

    access_roles: tuple[str, ...] = Field(min_length=1)


def in_department_room(device: Device, facts: Facts) -> bool:
    """Say whether the device is declared to stand in a department's room."""
    return facts.city.rooms[device.room].purpose == "department"


@check("room-contents", of=Device, when=in_department_room)
def room_contents(device: Device, facts: Facts, p: ContentsParameters) -> Judgement:
    """A device may stay if it is network access gear or all its systems are LAN systems; else it leaves, and where to.

    A server is a concern only through what it carries: 「仅保留网络接入设备及局域网政务信息系统」.
    """
    record = facts.latest(AssetRecord, device)
    shown: dict[str, Any] = {"role": device.role, "room": device.room}
    if not record.found or record.room != device.room:
        return judge(True, "gone", cites=[record], seen_in=record.room if record.found else None, **shown)
    if device.role in p.access_roles:
        return judge(True, "access-gear", cites=[record], **shown)
    if device.systems is None:
        return undetermined(["Device.systems"], cites=[record], **shown)
    outcome, destination = _leaves([facts.city.systems[system] for system in device.systems])
    shown |= {"systems": list(device.systems), "destination": destination}
    return judge(destination is None, outcome, cites=[record], **shown)


def _leaves(systems: list[System]) -> tuple[str, str | None]:
    """Return the outcome for a device that carries *systems* and where it goes (None: it stays)."""
    leaving = [system for system in systems if system.network != "lan"]
    if not systems:
        return "no-system", "disposal"
    if not leaving:
        return "lan-system", None
    if len(leaving) < len(systems):
        return "split", "data-centre"
    if any(system.placement == "moved-hardware" for system in leaving):
        return "hardware-to-centre", "data-centre"
    if any(system.placement == "department-room" for system in leaving):
        return "system-to-cloud", "data-centre"
    return "left-behind", "disposal"
