"""R20: every outcome of the checks of machine rooms, at and beside their boundaries."""

from __future__ import annotations

import typing
from datetime import date, timedelta

import pytest
from build import AS_OF, Build

from egov.city.model import DeviceRole, System
from egov.facts import RoomSurvey

ACCESS = {
    "access-switch",
    "aggregation-switch",
    "air-conditioner",
    "firewall",
    "internet-behaviour-gateway",
    "network-access-control",
    "optical-network-unit",
    "patch-panel",
    "power-distribution-unit",
    "router",
    "ups",
    "wireless-access-point",
    "wireless-controller",
}
ROLES = sorted(typing.get_args(DeviceRole))
PLACEMENTS = sorted(typing.get_args(System.model_fields["placement"].annotation))
BEFORE, AFTER = AS_OF - timedelta(days=1), AS_OF + timedelta(days=1)
PASS, VIOLATION, UNDETERMINED = "pass", "violation", "undetermined"

Measured = tuple[float, str]


@pytest.mark.parametrize(
    ("measured", "cap_kind", "expected"),
    [
        ((19.99, "usable"), "usable", (PASS, "within-cap")),
        ((20.0, "usable"), "usable", (PASS, "within-cap")),
        ((20.01, "usable"), "usable", (VIOLATION, "over-cap")),
        ((20.0, "built"), "usable", (PASS, "within-cap")),
        ((20.01, "built"), "usable", (UNDETERMINED, "RoomSurvey.area_kind=usable")),
        ((20.0, "built"), "built", (PASS, "within-cap")),
        ((20.01, "built"), "built", (VIOLATION, "over-cap")),
        ((20.0, "usable"), "built", (UNDETERMINED, "RoomSurvey.area_kind=built")),
        ((20.01, "usable"), "built", (VIOLATION, "over-cap")),
        (None, "usable", (UNDETERMINED, "RoomSurvey")),
    ],
)
def test_room_area(measured: Measured | None, cap_kind: str, expected: tuple[str, str]) -> None:
    """The cap itself passes; built area is never below usable area, so it proves only one side; nobody's is unknown."""
    build = Build()
    build.room("r1")
    if measured:
        build.survey("r1", *measured)

    finding = build.one("room-area", max_area_m2=20, area_kind=cap_kind)

    assert expected == (finding.verdict, *(finding.missing or (finding.outcome,)))


def test_room_area_by_the_newest_survey_of_the_day() -> None:
    """The newest survey counts, one made after the as-of day does not, and the finding cites what it rests on."""
    build = Build()
    build.room("r1")
    build.survey("r1", 35.0, day=BEFORE)
    build.survey("r1", 18.0)
    build.survey("r1", 99.0, day=AFTER)

    finding = build.one("room-area", max_area_m2=20)

    assert (finding.verdict, finding.facts["area_m2"], finding.facts["cap_m2"]) == (PASS, 18.0, 20.0)
    assert [build.rows[1]] == list(finding.cites)


SHARING = [
    pytest.param({}, "room-area", id="one department"),
    pytest.param({"with": "b"}, "room-area", id="a second name and no decision"),
    pytest.param({"with": "b", "merged_on": AS_OF}, "room-area-shared", id="decided that very day"),
    pytest.param({"with": "b", "merged_on": AFTER}, "room-area", id="decided later"),
    pytest.param({"with": "far", "merged_on": BEFORE}, "room-area", id="not one building"),
    pytest.param({"with": "a", "merged_on": BEFORE}, "room-area", id="the same department twice"),
    pytest.param({"merged_on": BEFORE}, "room-area", id="a decision for one department"),
    pytest.param({"purpose": "data-centre"}, None, id="data centre"),
    pytest.param({"purpose": "backup"}, None, id="backup centre"),
    pytest.param({"purpose": "witness"}, None, id="third room"),
    pytest.param({"purpose": "province", "with": "b", "merged_on": BEFORE}, None, id="shared by the province"),
]


@pytest.mark.parametrize(("room", "judged_by"), SHARING)
def test_which_area_check_judges_a_room(room: dict[str, typing.Any], judged_by: str | None) -> None:
    """A department's room is judged by exactly one of the two area checks, any other room by none."""
    build = Build()
    build.department("far", site="elsewhere")
    fields = dict(room)
    names = ["a", *([fields.pop("with")] if "with" in fields else [])]
    build.room("r1", *names, **fields)
    build.survey("r1", 30.0)

    judging = [c for c, n in {"room-area": 20, "room-area-shared": 40}.items() if build.audit(c, max_area_m2=n)]

    assert ([judged_by] if judged_by else []) == judging


@pytest.mark.parametrize(
    ("area_m2", "cap", "expected"),
    [
        (500.0, None, (PASS, "no-cap")),
        (39.99, 40, (PASS, "within-cap")),
        (40.0, 40, (PASS, "within-cap")),
        (40.01, 40, (VIOLATION, "over-cap")),
        (10.0, 0, (VIOLATION, "over-cap")),
        (None, 40, (UNDETERMINED, "undetermined")),
        (None, None, (UNDETERMINED, "undetermined")),
    ],
)
def test_room_area_shared(area_m2: float | None, cap: float | None, expected: tuple[str, str]) -> None:
    """A shared room has the city's own cap or none; without a survey even "no cap" is not said."""
    build = Build()
    build.room("r1", "a", "b", merged_on=BEFORE)
    if area_m2:
        build.survey("r1", area_m2)

    finding = build.one("room-area-shared", max_area_m2=cap)

    assert (*expected, () if area_m2 else ("RoomSurvey",)) == (finding.verdict, finding.outcome, finding.missing)


@pytest.mark.parametrize(
    ("rooms", "max_rooms", "expected"),
    [
        ([], 1, (PASS, "no-room", 0)),
        ([("a",)], 1, (PASS, "one-room", 1)),
        ([("a",), ("a",)], 1, (VIOLATION, "second-room", 2)),
        ([("a",), ("b", "a")], 1, (VIOLATION, "second-room", 2)),
        ([("a",), ("b",)], 1, (PASS, "one-room", 1)),
        ([("a",), ("a",)], 2, (PASS, "one-room", 2)),
        ([("a",), ("a",), ("a",)], 2, (VIOLATION, "second-room", 3)),
        ([("a",)], 0, (VIOLATION, "second-room", 1)),
    ],
)
def test_room_count(rooms: list[tuple[str, ...]], max_rooms: int, expected: tuple[str, str, int]) -> None:
    """Every room a department uses counts, one that it shares as well; exactly the number allowed passes."""
    build = Build()
    build.department("a")
    for number, users in enumerate(rooms, 1):
        build.room(f"r{number}", *users)

    findings = {f.subject.id: f for f in build.audit("room-count", max_rooms=max_rooms)}

    assert expected == (findings["a"].verdict, findings["a"].outcome, findings["a"].facts["rooms"])


def test_room_count_leaves_out_the_centre_and_cites_the_newest_survey_of_each_room() -> None:
    """The department that runs the data centre is not charged with it; each room brings its newest survey only."""
    build = Build()
    build.room("r1")
    build.room("r2")
    build.room("centre", purpose="data-centre")
    build.survey("r1", 9.0, day=BEFORE)
    build.survey("r1", 10.0)
    build.survey("centre", 900.0)

    finding = build.one("room-count", max_rooms=1)

    assert (finding.facts["rooms"], finding.facts["which"]) == (2, ["r1", "r2"])
    assert [fact.area_m2 for fact in finding.cites if isinstance(fact, RoomSurvey)] == [10.0]


def merged(*, on: date | None = None, second: str = "b") -> Build:
    """Return a room of `a` and *second*, with a decision of a day."""
    build = Build()
    build.department("far", site="elsewhere")
    build.room("r1", "a", second, merged_on=on)
    return build


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        pytest.param(merged(on=BEFORE), (PASS, "shared"), id="decided"),
        pytest.param(merged(on=AS_OF), (PASS, "shared"), id="decided that day"),
        pytest.param(merged(on=AFTER), (VIOLATION, "merge-undecided"), id="decided later"),
        pytest.param(merged(), (VIOLATION, "merge-undecided"), id="not decided"),
        pytest.param(merged(second="far"), (VIOLATION, "not-one-building"), id="elsewhere, undecided"),
        pytest.param(merged(on=BEFORE, second="far"), (VIOLATION, "not-one-building"), id="elsewhere, decided"),
    ],
)
def test_room_merge_of_a_room_with_several_names(build: Build, expected: tuple[str, str]) -> None:
    """Only a decision in force, for departments of this very building, makes a room shared."""
    finding = build.one("room-merge")

    assert expected == (finding.verdict, finding.outcome)


def test_room_merge_names_who_works_elsewhere_and_the_decision() -> None:
    """The finding says which department is in another building, and under which decision a room is shared."""
    assert merged(on=BEFORE, second="far").one("room-merge").facts["elsewhere"] == ["far"]
    assert merged(on=BEFORE).one("room-merge").facts["decision"] == "葫机管〔2018〕7号"


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(None, (PASS, "alone-in-building", []), id="nobody else"),
        pytest.param({"of": "b"}, (VIOLATION, "merge-with-neighbours", ["r2"]), id="neighbour"),
        pytest.param({"of": "b", "site": "annex"}, (PASS, "alone-in-building", []), id="another building"),
        pytest.param({"of": "a"}, (PASS, "alone-in-building", []), id="own second room"),
        pytest.param({"of": "b", "purpose": "data-centre"}, (PASS, "alone-in-building", []), id="centre"),
    ],
)
def test_room_merge_of_neighbours(other: dict[str, str] | None, expected: tuple[str, str, list[str]]) -> None:
    """Another department's room in the building is a concern; the centre and one's own second room are not."""
    build = Build()
    build.room("r1")
    if other:
        fields = dict(other)
        build.room("r2", fields.pop("of"), **fields)

    finding = next(f for f in build.audit("room-merge") if f.subject.id == "r1")

    assert expected == (finding.verdict, finding.outcome, finding.facts["neighbours"])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("systems", "expected"),
    [
        (["lan"], (PASS, "lan-system", None)),
        (["web"], (VIOLATION, "system-to-cloud", "data-centre")),
        (["lan", "web"], (VIOLATION, "split", "data-centre")),
        ([], (VIOLATION, "no-system", "disposal")),
        (None, (UNDETERMINED, "undetermined", None)),
    ],
)
def test_room_contents_by_role(role: str, systems: list[str] | None, expected: tuple[str, str, str | None]) -> None:
    """Access gear stays whatever it carries; any other hardware is judged only by its systems."""
    build = Build()
    build.system("lan")
    build.system("web", network="internet")
    build.device("d1", role, systems)
    build.counted("d1")

    finding = build.one("room-contents", access_roles=tuple(sorted(ACCESS)))

    want = (PASS, "access-gear", None) if role in ACCESS else expected
    assert want == (finding.verdict, finding.outcome, finding.facts.get("destination"))
    assert finding.missing == (("Device.systems",) if want[0] == UNDETERMINED else ())


LEAVES = {
    "department-room": ("system-to-cloud", "data-centre"),
    "moved-hardware": ("hardware-to-centre", "data-centre"),
    "cloud": ("left-behind", "disposal"),
    "bought-service": ("left-behind", "disposal"),
    "retired": ("left-behind", "disposal"),
}


@pytest.mark.parametrize("network", ["lan", "extranet", "internet"])
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_room_contents_by_placement(network: str, placement: str) -> None:
    """A LAN system keeps its server; any other system's server leaves, and its placement says where to."""
    build = Build()
    build.system("s1", network=network, placement=placement)
    build.device("d1", "server", ["s1"])
    build.counted("d1")

    finding = build.one("room-contents", access_roles=("router",))

    expected = (PASS, "lan-system", None) if network == "lan" else (VIOLATION, *LEAVES[placement])
    assert expected == (finding.verdict, finding.outcome, finding.facts["destination"])


@pytest.mark.parametrize(
    ("placements", "outcome"),
    [
        (("cloud", "department-room"), "system-to-cloud"),
        (("department-room", "moved-hardware"), "hardware-to-centre"),
        (("moved-hardware", "retired"), "hardware-to-centre"),
        (("cloud", "retired"), "left-behind"),
    ],
)
def test_room_contents_of_several_systems(placements: tuple[str, str], outcome: str) -> None:
    """With several systems the one that most binds the hardware decides: moved, then waiting, then gone."""
    build = Build()
    for number, placement in enumerate(placements):
        build.system(f"s{number}", network="extranet", placement=placement)
    build.device("d1", "server", ["s0", "s1"])
    build.counted("d1")

    assert outcome == build.one("room-contents", access_roles=("router",)).outcome


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], (UNDETERMINED, "undetermined", ("AssetRecord",), None)),
        ([("r1", True, AS_OF)], (VIOLATION, "no-system", (), None)),
        ([("r1", False, AS_OF)], (PASS, "gone", (), None)),
        ([("r2", True, AS_OF)], (PASS, "gone", (), "r2")),
        ([("r1", True, BEFORE), ("r1", False, AS_OF)], (PASS, "gone", (), None)),
        ([("r1", False, BEFORE), ("r1", True, AS_OF)], (VIOLATION, "no-system", (), None)),
        ([("r1", True, AS_OF), ("r1", False, AFTER)], (VIOLATION, "no-system", (), None)),
        ([("r1", False, AFTER)], (UNDETERMINED, "undetermined", ("AssetRecord",), None)),
    ],
)
def test_room_contents_by_the_newest_count(
    counts: list[tuple[str, bool, date]], expected: tuple[str, str, tuple[str, ...], str | None]
) -> None:
    """What the newest count up to the as-of day saw decides whether the device still stands there."""
    build = Build()
    build.device("d1", "server", [])
    build.room("r2")
    for room, found, day in counts:
        build.counted("d1", room, found=found, day=day)

    finding = build.one("room-contents", access_roles=("router",))

    assert expected == (finding.verdict, finding.outcome, finding.missing, finding.facts.get("seen_in"))


def test_room_contents_asks_nothing_of_the_centre() -> None:
    """A server in the data centre's room is where it should be and is not judged."""
    build = Build()
    build.room("centre", purpose="data-centre")
    build.device("d1", "server", [], room="centre")
    build.counted("d1", "centre")

    assert build.audit("room-contents", access_roles=("router",)) == []
