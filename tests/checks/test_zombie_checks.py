"""R25: each limb by what was seen, and never by what nobody looked at; the combined verdict by the mandate's rule."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from build import AS_OF
from life_build import (
    GRANTS,
    IDLE,
    LIMBS,
    MAINTAINED,
    MATTER,
    NARROW,
    OVERLAP,
    SETS,
    USE,
    Case,
    Life,
    ago,
    days,
    idle_host,
    logged,
    looked,
    made,
    no_transactions,
    other,
)

from egov.checks import Finding
from egov.city.model import Matter

PASS, CONCERN, OPEN = "pass", "violation", "undetermined"


def judged(check: str, parameters: dict[str, Any], make: Case, **fields: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return verdict and outcome of one check for system s1 on host h1 after *make*."""
    finding = next(f for f in made(make, **fields).audit(check, **parameters) if f.subject.id == "s1")
    assert (finding.verdict == OPEN) == bool(finding.missing)
    return finding.verdict, finding.outcome


def _all(*cases: Case) -> Case:
    def make(build: Life) -> None:
        for case in cases:
            case(build)

    return make


@pytest.mark.parametrize(
    ("make", "fields", "expected"),
    [
        pytest.param(logged(), {}, (CONCERN, "no-person"), id="logs cover the window, nobody came"),
        pytest.param(lambda _: None, {}, (OPEN, OPEN), id="no log is no proof"),
        pytest.param(logged(30), {}, (OPEN, OPEN), id="30 of 70 days are no proof"),
        pytest.param(logged(75, 10), {}, (OPEN, OPEN), id="logs that end ten days ago: use may have begun"),
        pytest.param(lambda b: b.log("s1", ago(75), AS_OF, 20), {}, (OPEN, OPEN), id="unread lines"),
        pytest.param(
            _all(logged(), lambda b: b.used("s1", days(60, 0, 10), clients=2)),
            {},
            (CONCERN, "narrow-and-seldom"),
            id="two clients on seven days in ten weeks",
        ),
        pytest.param(
            _all(logged(), lambda b: b.used("s1", days(69, 0, 7), clients=2)), {}, (PASS, "in-use"), id="once a week"
        ),
        pytest.param(
            _all(logged(), lambda b: b.used("s1", days(60, 50, 10), clients=6)), {}, (PASS, "wide"), id="six clients"
        ),
        pytest.param(
            _all(logged(), lambda b: b.used("s1", days(60, 50, 10), clients=6)),
            {"scope": "section"},
            (CONCERN, "narrow-and-seldom"),
            id="six clients of one section",
        ),
        pytest.param(
            lambda b: b.used("s1", days(69, 0, 2), clients=2), {}, (PASS, "in-use"), id="use proves itself without logs"
        ),
        *(
            pytest.param(
                _all(logged(), lambda b, a=agent: b.used("s1", days(69), a, 40)), {}, (CONCERN, "no-person"), id=agent
            )
            for agent in ("monitor", "scanner", "search_bot", "self")
        ),
        pytest.param(
            _all(logged(), lambda b: b.used("s1", days(69), "script", 1)), {}, (PASS, "serves-systems"), id="script"
        ),
        pytest.param(
            _all(logged(410), lambda b: b.used("s1", days(300, 290), clients=900)),
            {"frequency": "yearly"},
            (PASS, "wide"),
            id="a season outside the short window",
        ),
        pytest.param(
            _all(logged(), lambda b: b.used("s1", days(60, 55), clients=2)),
            {"frequency": "yearly"},
            (OPEN, OPEN),
            id="a short log says nothing of a season",
        ),
    ],
)
def test_narrow_and_seldom(make: Case, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    """Z5 needs both, seen over the window; machines that look in are nobody's use."""
    assert expected == judged("zombie-narrow", NARROW, make, **fields)


ENDED = Matter(code="2100-002", name="报名", ended_on=date(2016, 1, 1))


@pytest.mark.parametrize(
    ("make", "fields", "expected"),
    [
        pytest.param(
            no_transactions,
            {"matters": (MATTER,)},
            (CONCERN, "no-transactions"),
            id="counted, and none",
        ),
        pytest.param(
            lambda b: b.did("s1", "2100-001", 3, ago(60), AS_OF),
            {"matters": (MATTER,)},
            (PASS, "in-process"),
            id="three",
        ),
        pytest.param(
            lambda b: b.did("s1", "2100-001", 3, ago(80), AS_OF),
            {"matters": (MATTER,)},
            (OPEN, OPEN),
            id="three, perhaps before the window",
        ),
        pytest.param(
            lambda b: b.did("s1", "2100-001", 0, ago(80), ago(20)),
            {"matters": (MATTER,)},
            (OPEN, OPEN),
            id="not counted to the end",
        ),
        pytest.param(lambda _: None, {"matters": (MATTER,)}, (OPEN, OPEN), id="never counted"),
        pytest.param(lambda _: None, {}, (OPEN, OPEN), id="nobody declared matters"),
        pytest.param(
            logged(), {"matters": (ENDED,)}, (CONCERN, "no-live-matter"), id="matter ended, nobody works in it"
        ),
        pytest.param(logged(), {"matters": ()}, (CONCERN, "no-live-matter"), id="declared to carry none"),
        pytest.param(lambda _: None, {"matters": ()}, (OPEN, OPEN), id="declared to carry none, no log"),
        pytest.param(
            lambda b: b.used("s1", days(10)), {"matters": ()}, (PASS, "used-without-matter"), id="but people work in it"
        ),
        pytest.param(
            _all(logged(), lambda b: b.used("s1", days(10), writes=0)),
            {"matters": ()},
            (CONCERN, "no-live-matter"),
            id="people look, nobody writes",
        ),
        pytest.param(
            lambda b: b.did("s1", "查询", 0, ago(80), AS_OF),
            {"functions": ("查询",)},
            (CONCERN, "no-calls"),
            id="no matter declared, no function called",
        ),
        pytest.param(
            lambda b: b.did("s1", "查询", 0, ago(80), AS_OF),
            {"functions": ("查询", "登记")},
            (OPEN, OPEN),
            id="one function was not counted",
        ),
    ],
)
def test_detached_from_the_process(make: Case, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    """Z1 is a concern only where every live matter was counted over the window; periods not counted are not zero."""
    assert expected == judged("zombie-process", USE, make, **fields)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(lambda b: b.measured("h1", days(69), 0.01, 1e3), (CONCERN, "idle"), id="all idle"),
        pytest.param(lambda b: b.measured("h1", days(69, 7), 0.01, 1e3), (CONCERN, "idle"), id="63 of 70 days"),
        pytest.param(lambda b: b.measured("h1", days(69, 8), 0.01, 1e3), (OPEN, OPEN), id="62 of 70, others unseen"),
        pytest.param(lambda b: b.measured("h1", days(69), 0.01, None), (OPEN, OPEN), id="processor alone is no proof"),
        pytest.param(lambda b: b.measured("h1", days(7), 0.5, None), (PASS, "in-use"), id="eight busy days prove use"),
        pytest.param(lambda b: b.measured("h1", days(69), 0.01, 2e6), (PASS, "in-use"), id="busy by the network alone"),
        pytest.param(
            lambda b: b.measured("h1", days(69), 0.01, 1e3, covered_seconds=3600.0), (OPEN, OPEN), id="an hour a day"
        ),
        pytest.param(lambda _: None, (OPEN, OPEN), id="nothing measured"),
        pytest.param(
            _all(lambda b: b.runs("s2", "h1"), lambda b: b.measured("h1", days(69), 0.5, 1e9)),
            (OPEN, OPEN),
            id="busy, but shared",
        ),
        pytest.param(
            _all(lambda b: b.runs("s2", "h1"), lambda b: b.measured("h1", days(69), 0.01, 1e3)),
            (CONCERN, "idle"),
            id="shared and idle",
        ),
    ],
)
def test_idle_resources(make: Case, expected: tuple[str, str]) -> None:
    """Z3 counts days known to be idle; a day nobody measured may have been busy."""
    assert expected == judged("zombie-idle", IDLE, make)


@pytest.mark.parametrize(
    ("make", "fields", "expected"),
    [
        pytest.param(looked(None), {}, (CONCERN, "stopped"), id="looked for, and none"),
        pytest.param(looked(ago(365)), {}, (CONCERN, "stopped"), id="a day too old"),
        pytest.param(looked(ago(364), 400, 0, "release"), {}, (PASS, "maintained"), id="one sign is enough"),
        pytest.param(looked(None, 400, 0, "release"), {}, (OPEN, OPEN), id="work orders not looked for"),
        pytest.param(looked(None, 300), {}, (OPEN, OPEN), id="looked back too little"),
        pytest.param(looked(None, 600, 91), {}, (OPEN, OPEN), id="looked too long ago"),
        pytest.param(looked(None), {"contract_until": AS_OF}, (PASS, "contract-only"), id="contract to this day"),
        pytest.param(looked(None), {"contract_until": ago(1)}, (CONCERN, "stopped"), id="contract ended"),
        pytest.param(lambda _: None, {}, (OPEN, OPEN), id="nobody looked"),
        pytest.param(
            _all(looked(None), looked(AS_OF, 400, 0, "backup")),
            {},
            (CONCERN, "stopped"),
            id="backups run on by themselves",
        ),
    ],
)
def test_unmaintained(make: Case, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    """Z4 is a concern only where every sort of trace was looked for, far enough back and lately."""
    assert expected == judged("zombie-unmaintained", MAINTAINED, make, **fields)


@pytest.mark.parametrize(
    ("make", "fields", "expected"),
    [
        pytest.param(
            other(*GRANTS, "临时救助登记", "优抚对象核查"), {}, (CONCERN, "replaceable"), id="does that and more"
        ),
        pytest.param(other("雨情采集", "水库调度"), {}, (PASS, "own-functions"), id="does something else"),
        pytest.param(other(*GRANTS, scope="city"), {"scope": "section"}, (CONCERN, "replaceable"), id="wider stays"),
        pytest.param(
            other(*GRANTS, scope="section"), {"scope": "city"}, (PASS, "the-one-that-stays"), id="this one is wider"
        ),
        pytest.param(lambda b: b.system("s2"), {}, (OPEN, OPEN), id="what the other does is unknown"),
        pytest.param(other(*GRANTS, placement="retired"), {}, (PASS, "own-functions"), id="the other is retired"),
        pytest.param(
            lambda b: b.system("s2", function="低保申请受理、低保审批、救助金发放、优抚核查"),
            {},
            (CONCERN, "replaceable"),
            id="by its one-line function",
        ),
    ],
)
def test_replaceable(make: Case, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    """Z2 is a concern for the one of two that should go."""
    assert expected == judged("zombie-replaceable", OVERLAP, make, functions=GRANTS, **fields)


def test_functions_nobody_listed_are_not_judged() -> None:
    """A one-line function is enough to stand in for another, not enough to be retired by."""
    assert (OPEN, OPEN) == judged("zombie-replaceable", OVERLAP, other(*GRANTS), function="低保审批")


def whole(make: Case, **fields: Any) -> Finding:  # noqa: ANN401
    """Return the combined finding of s1 by all limbs."""
    return next(f for f in made(make, **fields).audit("zombie", sets=SETS) if f.subject.id == "s1")


DEAD = _all(logged(), idle_host, looked(None))


@pytest.mark.parametrize(
    ("make", "fields", "expected"),
    [
        pytest.param(DEAD, {}, (CONCERN, "zombie"), id="one set is whole, two limbs open"),
        pytest.param(DEAD, {"matters": ()}, (CONCERN, "zombie"), id="two sets are whole"),
        pytest.param(
            _all(DEAD, other(*GRANTS, "优抚核查")),
            {"matters": (), "functions": GRANTS},
            (CONCERN, "clear"),
            id="all five",
        ),
        pytest.param(_all(DEAD, lambda b: b.used("s1", days(69))), {}, (PASS, "alive"), id="used: in no set"),
        pytest.param(_all(idle_host, looked(None)), {}, (OPEN, OPEN), id="no log: use is open"),
        pytest.param(
            _all(logged(), looked(AS_OF), lambda b: b.did("s1", "2100-001", 5, ago(60), AS_OF)),
            {"matters": (MATTER,)},
            (PASS, "alive"),
            id="a sound limb in each set",
        ),
    ],
)
def test_combined_verdict(make: Case, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    """A set that is whole makes a zombie; a sound limb in each clears it; else it is open."""
    finding = whole(make, **fields)

    assert expected == (finding.verdict, finding.outcome)


def test_an_open_verdict_names_what_would_settle_it() -> None:
    """Of the sets still possible the nearest counts: what its open limbs lack is what to fetch."""
    finding = whole(_all(idle_host, looked(None)))

    assert ("UseLog",) == finding.missing
    assert ["zombie-idle", "zombie-unmaintained"] == finding.facts["fulfilled"]


def test_a_limb_the_mandate_does_not_bind_is_open() -> None:
    """A rule that names an unbound limb is never fulfilled by it."""
    build = Life()
    build.runs("s1", "h1")
    finding = build.one("zombie", sets=(("zombie-narrow",),))

    assert (OPEN, ("check.zombie-narrow",)) == (finding.verdict, finding.missing)


def test_what_retiring_frees_are_hosts_it_has_alone() -> None:
    """A shared host is not freed; the yearly cost is the declared one."""
    build = Life()
    build.runs("s1", "h1", yearly_cost_cny=120_000)
    build.runs("s2", "h2")
    build.runs("s3", "h2")
    freed = {f.subject.id: f.facts["frees"] for f in build.audit("zombie", sets=(("zombie-narrow",),))}

    assert (["h1"], 120_000) == (freed["s1"]["hosts"], freed["s1"]["yearly_cost_cny"])
    assert [] == freed["s2"]["hosts"]


@pytest.mark.parametrize(("apart", "verdict"), [(0, CONCERN), (1, CONCERN), (2, OPEN)])
def test_a_log_rotated_at_midnight_leaves_no_day_unseen(apart: int, verdict: str) -> None:
    """Weekly logs, the next begun on the day that ends the last or on the day after; with a day between, days lack."""
    weeks = [logged(first, max(first - 7 + apart, 0)) for first in range(77, 0, -7)]

    assert verdict == judged("zombie-narrow", LIMBS["zombie-narrow"], _all(*weeks, logged(0, -1)))[0]
