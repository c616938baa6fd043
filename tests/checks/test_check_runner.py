"""The runner: order, scope, parameters of the day, exemption, due day, fingerprint, and what is not checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from build import AS_OF, Build, Component, InnerNetwork, binding, decision, duty, law
from cloud_build import JUDGES, against
from continuity_build import continuity_concerns
from life_build import life_concerns
from network_build import (
    ANY_TCP,
    access,
    arrived_as,
    certified,
    counted,
    line,
    looked_at,
    network,
    rendered,
    router,
    ruleset,
    runs,
    sent,
)

from egov.checks import Finding, bindings, checks
from egov.errors import DescriptionError, UsageError
from egov.facts import Listener, Neighbour
from egov.mandate import Binding, Decision, Duty, Mandate, mandate

ROOT = Path(__file__).parents[2]
DAY = timedelta(days=1)


def _over_cap(build: Build) -> None:
    build.room("r1")
    build.survey("r1", 25.0)


def _shared_over_cap(build: Build) -> None:
    build.room("r1", "a", "b", merged_on=AS_OF)
    build.survey("r1", 45.0)


def _second_room(build: Build) -> None:
    build.room("r1")
    build.room("r2")


def _neighbours(build: Build) -> None:
    build.room("r1")
    build.room("centre", "b", purpose="data-centre")
    build.room("r2", "b", "c", merged_on=AS_OF)


def _left_behind(build: Build) -> None:
    build.device("d1", "server", [])
    build.counted("d1")


def _incomplete(build: Build) -> None:
    build.system("s1")


def _unlisted(build: Build) -> None:
    build.system("s1")
    build.record(None)


def _undeclared_socket(build: Build) -> None:
    build.host("h1")
    build.covered("h1", Listener)
    build.listens("h1", "23/tcp")


def _undescribed(build: Build) -> None:
    build.host("h1")
    build.covered("h1", Neighbour)
    build.saw("h1", "10.0.0.9")


def _not_joined(build: Build) -> None:
    build.department("a", inner_network=InnerNetwork(state="none"))


def _network(change: Callable[[Build], None]) -> Callable[[Build], None]:
    """Return a preparation on top of the small network."""

    def prepare(build: Build) -> None:
        made = network()
        change(made)
        build.kinds, build.rows = made.kinds, made.rows

    return prepare


def _seen_elsewhere(build: Build) -> None:
    looked_at(build)
    arrived_as(build, "203.0.113.83")


def _drifted(build: Build) -> None:
    runs(build, ruleset(ANY_TCP))
    rendered(build, ruleset())


def _silent(build: Build) -> None:
    access(build)
    sent(build, arrived=0)


def _nothing(build: Build) -> None:
    """Add nothing: the small network itself is the concern."""


def _lonely_link(build: Build) -> None:
    router(build, "r2", ("up", "links", "10.8.0.1"))


def _life(made: Build) -> Callable[[Build], None]:
    """Return a preparation that takes over a built city."""

    def prepare(build: Build) -> None:
        build.kinds, build.rows, build.beside = made.kinds, made.rows, made.beside

    return prepare


COVERED = {"city": "2018-12-30"}
# check → (what makes it a concern, its parameters, kind and id of the subject, the value an exemption must allow)
CONCERNS: dict[str, tuple[Callable[[Build], None], dict[str, Any], str, str, float | None]] = {
    "room-area": (_over_cap, {"max_area_m2": 20}, "rooms", "r1", 25.0),
    "room-area-shared": (_shared_over_cap, {"max_area_m2": 40}, "rooms", "r1", 45.0),
    "room-count": (_second_room, {"max_rooms": 1}, "departments", "a", 2),
    "room-merge": (_neighbours, {}, "rooms", "r1", None),
    "room-contents": (_left_behind, {"access_roles": ("router",)}, "devices", "d1", None),
    "system-register": (_incomplete, {"min_confirmed": 4}, "systems", "s1", None),
    "register-total": (_unlisted, {}, "departments", "a", None),
    "system-funding": (_incomplete, {"kinds": ("bought-service",)}, "systems", "s1", None),
    "undeclared-listener": (_undeclared_socket, {}, "hosts", "h1", None),
    "undeclared-host": (_undescribed, {}, "prefixes", "lan", None),
    "private-line": (_network(line), {"last_budget_year": 2018}, "circuits", "line", None),
    "private-exit": (_network(_seen_elsewhere), {}, "hosts", "h1", None),
    "extranet-access": (
        _network(lambda b: access(b, "C")),
        {"levels": {"city": "2018-12-30"}},
        "departments",
        "a",
        None,
    ),
    "approval-path": (_network(_silent), {"entrances": ("s",)}, "departments", "a", None),
    "single-router": (_network(_nothing), {}, "hosts", "r1", None),
    "single-link": (_network(_lonely_link), {}, "prefixes", "links", None),
    "flow-use": (_network(lambda b: runs(b, ruleset(ANY_TCP))), {}, "flows", "web", None),
    "cell-packets": (_network(lambda b: counted(b, counted_=4)), {}, "hosts", "r1", None),
    "certificate-expiry": (_network(lambda b: certified(b, 5)), {"min_days": 30}, "hosts", "h1", None),
    "flow-packets": (_network(lambda b: sent(b, wrong="tcp/22 passed")), {}, "hosts", "h1", None),
    "firewall-drift": (_network(_drifted), {}, "hosts", "r1", None),
    "zone-isolation": (_network(lambda b: runs(b, ruleset())), {}, "hosts", "r1", None),
    **{name: (_life(make), p, kind, "s1", None) for name, (make, p, kind) in life_concerns().items()},
    **continuity_concerns(),
    "cloud-objects": (against, JUDGES, "departments", "a", None),
    "inner-network": (_not_joined, {}, "departments", "a", None),
}


def test_every_check_can_be_exempted_below() -> None:
    """No check of the package is left out of the tests of exemption."""
    assert sorted(CONCERNS) == list(checks())


@pytest.mark.parametrize("check", CONCERNS)
def test_a_decision_of_the_day_exempts(check: str) -> None:
    """A concern becomes exempt by a decision for it, keeps its outcome and evidence, and shows the case."""
    prepare, parameters, kind, subject, upper = CONCERNS[check]
    build = Build()
    prepare(build)

    def found(*decisions: Decision) -> Finding:
        return next(f for f in build.audit(check, *decisions, **parameters) if f.subject.id == subject)

    before, after = found(), found(decision(check, kind, subject, upper=upper))

    assert (before.verdict, before.case) == ("violation", None)
    assert (after.verdict, after.case) == ("exempt", f"exempt-{subject}")
    assert (before.outcome, before.cites, before.fingerprint) == (after.outcome, after.cites, after.fingerprint)
    assert {**before.facts, "decision": "葫信组〔2018〕1号", "expires_on": date(2020, 12, 31)} == after.facts


RIGHT = {"check": "room-area", "kind": "rooms", "subject": "r1", "upper": 25.0}


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        pytest.param({}, "exempt", id="just what was found"),
        pytest.param({"upper": 25.01}, "exempt", id="wider"),
        pytest.param({"upper": 24.99}, "violation", id="found more than allowed"),
        pytest.param({"upper": None}, "violation", id="no bound stated"),
        pytest.param({"expires_on": AS_OF}, "exempt", id="expires today"),
        pytest.param({"expires_on": AS_OF - DAY}, "violation", id="expired yesterday"),
        pytest.param({"decided_on": AS_OF}, "exempt", id="decided today"),
        pytest.param({"decided_on": AS_OF + DAY}, "violation", id="decided tomorrow"),
        pytest.param({"subject": "r2"}, "violation", id="another room"),
        pytest.param({"kind": "departments"}, "violation", id="another kind"),
        pytest.param({"check": "room-merge"}, "violation", id="another check"),
    ],
)
def test_only_the_right_decision_exempts(fields: dict[str, Any], verdict: str) -> None:
    """A decision exempts exactly its own check and subject, up to its value, from its day to its last."""
    build = Build()
    _over_cap(build)

    finding = build.one("room-area", decision(**{**RIGHT, **fields}), max_area_m2=20)

    assert verdict == finding.verdict


def test_a_second_decision_may_exempt_where_the_first_does_not() -> None:
    """All decisions are asked, not only the first that names the room."""
    build = Build()
    _over_cap(build)
    narrow, wide = decision(**{**RIGHT, "upper": 22.0}), decision(**{**RIGHT, "case": "second"})

    assert build.one("room-area", narrow, wide, max_area_m2=20).case == "second"


@pytest.mark.parametrize("check", [name for name, (*_, upper) in CONCERNS.items() if upper is not None])
@pytest.mark.parametrize("short_by", [0.01, None])
def test_every_check_with_a_number_limits_its_exemption(check: str, short_by: float | None) -> None:
    """Where a check has a value, a decision that allows less, or states no value, leaves the concern."""
    prepare, parameters, kind, subject, upper = CONCERNS[check]
    build = Build()
    prepare(build)
    narrow = decision(check, kind, subject, upper=None if short_by is None else (upper or 0) - short_by)

    finding = next(f for f in build.audit(check, narrow, **parameters) if f.subject.id == subject)

    assert finding.verdict == "violation"


@pytest.mark.parametrize(("systems", "verdict"), [(None, "undetermined"), (["s1"], "pass")])
def test_a_decision_changes_nothing_but_concerns(systems: list[str] | None, verdict: str) -> None:
    """What passes still passes and what is unknown stays unknown, whatever was decided."""
    build = Build()
    build.system("s1")
    build.device("d1", "server", systems)
    build.counted("d1")

    finding = build.one("room-contents", decision("room-contents", "devices", "d1"), access_roles=("router",))

    assert (verdict, None) == (finding.verdict, finding.case)


ROOMS = law(
    duty("R20", binding("room-merge"), binding("room-area", max_area_m2=20)),
    duty("R18", binding("register-total")),
    duty("R02"),
)


def two_rooms() -> Build:
    """Return two departments' rooms in one building, described in the wrong order."""
    build = Build()
    build.room("r2", "b")
    build.room("r1", "a")
    return build


def questions(found: tuple[Finding, ...]) -> list[tuple[str, str, str]]:
    """Return duty, check and subject of findings, in their order."""
    return [(f.duty, f.check, f.subject.id) for f in found]


def test_findings_come_in_order() -> None:
    """By duty, check and subject, whatever the order of the mandate and of the description."""
    assert questions(two_rooms().judged(ROOMS).findings) == [
        ("R18", "register-total", "a"),
        ("R18", "register-total", "b"),
        ("R20", "room-area", "r1"),
        ("R20", "room-area", "r2"),
        ("R20", "room-merge", "r1"),
        ("R20", "room-merge", "r2"),
    ]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        (["room-area"], [("R20", "room-area", "r1"), ("R20", "room-area", "r2")]),
        (["R18"], [("R18", "register-total", "a"), ("R18", "register-total", "b")]),
        (["r2"], [("R20", "room-area", "r2"), ("R20", "room-merge", "r2")]),
        (["b"], [("R18", "register-total", "b")]),
        (["R18", "r1"], [("R18", "register-total", "a"), ("R18", "register-total", "b"),
                         ("R20", "room-area", "r1"), ("R20", "room-merge", "r1")]),
        (["R02"], []),
    ],
)  # fmt: skip
def test_only_limits_to_checks_duties_and_subjects(only: list[str], expected: list[tuple[str, str, str]]) -> None:
    """Each name adds its findings; a duty without a check has none."""
    assert expected == questions(two_rooms().judged(ROOMS, only=only).findings)


@pytest.mark.parametrize(
    ("wrong", "near"), [("room-aera", "room-area"), ("R018", "R18"), ("rr1", "r1"), ("tests", "test")]
)
def test_a_name_that_names_nothing_suggests_the_nearest(wrong: str, near: str) -> None:
    """A mistyped check, duty, subject or city is refused with the nearest name, never an empty audit."""
    with pytest.raises(UsageError) as caught:
        two_rooms().judged(ROOMS, only=[wrong])

    assert f"no check, duty or subject {wrong}; did you mean {near}?" == str(caught.value)


def test_a_name_that_resembles_nothing_is_refused_without_a_guess() -> None:
    """Nothing near: no suggestion."""
    with pytest.raises(UsageError, match=r"^no check, duty or subject xyzzy$"):
        two_rooms().judged(ROOMS, only=["xyzzy"])


def test_findings_are_due_on_the_duty_s_last_day() -> None:
    """The last deadline of the duty is the finding's; a duty without one gives none."""
    deadlines = ({"day": date(2018, 12, 31)}, {"day": date(2019, 1, 1)}, {"day": date(2018, 6, 30)})
    mandate_of_two = law(duty("R20", binding("room-merge"), deadlines=deadlines), duty("R21", binding("room-merge")))

    findings = two_rooms().judged(mandate_of_two).findings

    assert {f.duty: f.due for f in findings} == {"R20": date(2019, 1, 1), "R21": None}


def test_fingerprint_is_of_the_question_alone() -> None:
    """Check, kind and subject make the fingerprint: it outlives duty, verdict, evidence and day."""
    build = Build()
    _over_cap(build)
    concern = build.one("room-area", max_area_m2=20)
    build.survey("r1", 12.0, day=AS_OF + DAY)
    later = build.judged(law(duty("R90", binding("room-area", max_area_m2=10))), as_of=AS_OF + DAY).findings[0]

    assert hashlib.sha256(b"room-area\0rooms\0r1").hexdigest() == concern.fingerprint == later.fingerprint
    assert build.one("room-area", max_area_m2=20).fingerprint != build.audit("room-merge")[0].fingerprint


def test_same_input_gives_the_same_bytes() -> None:
    """Two audits of the same things are equal to the byte."""

    def told() -> str:
        build = two_rooms()
        build.survey("r1", 25.0)
        return json.dumps([f.as_dict() for f in build.judged(ROOMS).findings], ensure_ascii=False)

    assert told() == told()


def test_a_finding_as_data_cites_its_rows() -> None:
    """The JSON form names table, run, row, hash, times and source of each row, and days as ISO text."""
    build = Build()
    _over_cap(build)

    told = build.one("room-area", decision(**RIGHT), max_area_m2=20).as_dict()

    noon = "2018-12-31T12:00:00+00:00"
    assert told["cites"] == [
        {"table": "RoomSurvey", "run": "", "row": -1, "sha256": "", "observed_at": noon, "collected_at": noon,
         "source": "test"}
    ]  # fmt: skip
    assert (told["subject"], told["facts"]["expires_on"]) == (
        {"kind": "rooms", "id": "r1", "department": "a"},
        "2020-12-31",
    )


@pytest.mark.parametrize(
    ("check", "owners"),
    [
        ("room-area", {"r1": "a", "r2": "b"}),
        ("room-count", {"a": "a", "b": "b", "c": "c"}),
        ("system-register", {"s1": "c"}),
    ],
)
def test_a_finding_names_who_answers(check: str, owners: dict[str, str]) -> None:
    """A room's owner is its first department, a department answers for itself, other things name theirs."""
    build = Build()
    build.room("r1")
    build.room("r2", "b", "a")
    build.system("s1", department="c")

    findings = build.audit(check, **CONCERNS[check][1])

    assert owners == {f.subject.id: f.subject.department for f in findings}


def test_an_open_rectification_is_shown_and_an_exemption_wins() -> None:
    """A finding carries the case that is open for its question, or the case of the decision that exempts it."""
    from egov.checks import audit  # noqa: PLC0415 - the builder's own name is taken

    build = Build()
    _over_cap(build)
    rule = law(duty("R20", binding("room-area", max_area_m2=20)))
    cases = {("room-area", "rooms", "r1"): "fix-1", ("room-area", "rooms", "r2"): "fix-2"}

    (concern,) = audit(build.facts(), rule, open_cases=cases).findings
    (exempt,) = audit(build.facts(), rule, [decision(**RIGHT)], open_cases=cases).findings

    assert (concern.case, exempt.case) == ("fix-1", "exempt-r1")


@pytest.mark.parametrize(
    ("day", "caps"),
    [(date(2017, 12, 31), []), (date(2018, 1, 1), [30.0]), (date(2018, 12, 31), [30.0]), (date(2019, 1, 1), [20.0])],
)
def test_parameters_are_those_of_the_day(day: date, caps: list[float]) -> None:
    """A binding holds from its first to its last day; before the first there is no finding, and the duty says so."""
    first = Binding(check="room-area", parameters={"max_area_m2": 30}, reason="-", valid_from=date(2018, 1, 1),
                    valid_to=date(2018, 12, 31))  # fmt: skip
    second = Binding(check="room-area", parameters={"max_area_m2": 20}, reason="-", valid_from=date(2019, 1, 1))
    build = Build()
    build.room("r1")
    build.survey("r1", 18.0, day=date(2017, 1, 1))

    audit = build.judged(law(duty("R20", first, second)), as_of=day)

    assert caps == [finding.facts["cap_m2"] for finding in audit.findings]
    assert ([] if caps else ["R20"]) == list(audit.not_checked)


def test_a_wrong_mandate_is_refused_with_every_problem() -> None:
    """An unknown check, an unknown parameter and a value out of range are all named before anything is judged."""
    wrong = law(
        duty("R20", binding("room-aera"), binding("room-area", max_area_m2=0)),
        duty("R21", binding("room-count", max_rooms=1, extra=2), binding("room-area")),
    )

    with pytest.raises(DescriptionError) as caught:
        bindings(wrong, AS_OF)

    assert [(problem.code, problem.message.split(";")[0]) for problem in caught.value.problems] == [
        ("E401", "no check room-aera"),
        ("E402", "room-area: max_area_m2: field required"),
        ("E402", "room-area: max_area_m2: input should be greater than 0"),
        ("E402", "room-count: extra: extra inputs are not permitted"),
    ]


@pytest.fixture(scope="module")
def sample() -> Mandate:
    """Return the sample city's mandate."""
    return mandate(ROOT / "inventory" / "huludao")


def test_the_sample_city_says_which_duties_have_no_check(sample: Mandate) -> None:
    """Twelve duties are checked; every other one is listed as not checked, with its reason."""
    audit = Build().judged(sample)

    assert sorted(sample.duties.keys() - audit.not_checked.keys()) == [
        *("R02", "R12", "R13", "R14", "R18", "R20", "R21", "R22", "R25", "R30", "R34", "R51"),
    ]
    assert [name for name, reason in audit.not_checked.items() if not reason] == []


def test_the_sample_city_binds_every_check(sample: Mandate) -> None:
    """No check of the package lies idle; one that no duty names would not run and would stand in this list."""
    named = {check.name for _, check, _ in bindings(sample, AS_OF)}

    assert sorted(checks().keys() - named) == []


def test_a_check_that_no_duty_names_does_not_run() -> None:
    """Without a binding in the mandate a check says nothing, asked for by name or not."""
    build = Build()
    _over_cap(build)
    build.system("s1", components=(Component(name="web", host="h1"),))
    build.host("h1")
    rule: Duty = duty("R20", binding("room-merge"))

    assert {f.check for f in build.judged(law(rule)).findings} == {"room-merge"}
    assert build.judged(law(rule), only=["room-area"]).findings == ()
