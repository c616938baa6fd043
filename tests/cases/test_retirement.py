"""Retirement: interrupted anywhere it resumes or stays, the same file gives the same state, and a call releases it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from build import AS_OF
from casefile import Keys, at, city_folder, given, head, write_case
from life_build import DAY, Life, ago, days

from egov.cases import Case, CaseHead, Event, advance, read_case
from egov.cases.fold import closed_since, folded
from egov.cases.life import callers, closing
from egov.cases.model import case_kinds
from egov.cases.store import city_signers
from egov.city.model import Zone
from egov.city.network import Ends, Flow

WHOLE = ("open", "notify", "quarantine", "decide", "archive", "remove", "update")
STATES = ("marked", "notified", "quarantined", "decided", "archived", "removed", "retired")


@pytest.mark.parametrize("count", range(1, len(WHOLE) + 1), ids=STATES)
def test_interrupted_anywhere_it_stays_and_then_resumes(tmp_path: Path, signing_key: Keys, count: int) -> None:
    """After any event the file alone gives the state; the rest of the steps, one by one, give that of the whole."""
    folder = city_folder(tmp_path / "city", signing_key)
    path = write_case(folder, "retirement", [(step, {}) for step in WHOLE[:count]], signing_key)
    before = path.read_bytes()
    case, problems = read_case(path, city_signers(folder))

    assert (STATES[count - 1], []) == (case.state if case else None, problems)
    assert (case, before) == (read_case(path, city_signers(folder))[0], path.read_bytes())
    for number, step in enumerate(WHOLE[count:], count + 1):
        needs = case_kinds()["retirement"].transitions[step]
        key = signing_key({"approver": "leader", "operator": "operator"}[needs.role]) if needs.signed else None
        case = advance(folder, path.stem, {"at": at(number, "retirement"), **given("retirement", step)}, key)
    assert case is not None
    assert "retired" == case.state


def test_a_half_written_event_is_no_step(tmp_path: Path, signing_key: Keys) -> None:
    """A file cut within an event is refused whole: it never counts as the state before or after."""
    folder = city_folder(tmp_path / "city", signing_key)
    path = write_case(folder, "retirement", [(step, {}) for step in WHOLE[:4]], signing_key)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.rindex("previous") + 20], encoding="utf-8")

    assert read_case(path, city_signers(folder))[0] is None


def retirement(*transitions: tuple[str, date]) -> Case:
    """Return a case about system s1 with these steps on these days."""
    kind = case_kinds()["retirement"]
    about = {**head("retirement"), "check": "zombie", "subject_kind": "systems", "subject": "s1"}
    events = [
        Event.model_validate(
            {
                "id": f"e{n}",
                "at": f"{day}T09:00:00+08:00",
                "transition": step,
                "role": "auditor",
                "by": "x",
                "previous": "0" * 64,
            }
        )
        for n, (step, day) in enumerate(transitions, 1)
    ]
    return folded(CaseHead.model_validate(about), kind, events, {})


CASE = (("open", ago(60)), ("notify", ago(55)), ("quarantine", ago(30)))


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        pytest.param(lambda b: b.used("s1", days(5)), ["10.9.0.0"], id="a person"),
        pytest.param(lambda b: b.used("s1", days(5), "script"), ["10.9.0.0"], id="another system's program"),
        pytest.param(lambda b: b.used("s1", days(5), "scanner"), [], id="a scanner"),
        pytest.param(lambda b: b.used("s1", days(5), "monitor"), [], id="our monitoring"),
        pytest.param(lambda b: b.used("s1", days(40, 30)), [], id="before it was closed off"),
        pytest.param(lambda _: None, [], id="nobody"),
    ],
)
def test_a_sign_of_life_says_who_called(use: Callable[[Life], None], expected: list[str]) -> None:
    """People and programs of others who call after the quarantine are named; machines that look in are none."""
    build = Life()
    build.runs("s1", "h1")
    use(build)

    assert expected == [caller.client for caller in callers(retirement(*CASE), build.facts(), {})]


def test_life_counts_from_the_opening_until_it_is_closed_off() -> None:
    """A system that is only marked is released by any call after the day it was marked."""
    assert ago(60) == closed_since(retirement(*CASE[:2]).events)
    assert ago(30) == closed_since(retirement(*CASE).events)


def flow(flow_id: str, servers: Ends, *services: str) -> Flow:
    """Return a flow from the zone dc."""
    return Flow(
        id=flow_id,
        clients=Ends(zones=("dc",)),
        servers=servers,
        services=services,
        why="-",
        department="a",
        until=date(2030, 1, 1),
    )


def test_quarantine_holds_only_what_leads_to_the_system() -> None:
    """Its host leaves the flow, in a flow of its own that opens again by itself; what cannot be closed is named."""
    build = Life()
    build.runs("s1", "h1")
    build.kinds["systems"]["s1"] = build.kinds["systems"]["s1"].model_copy(
        update={"components": (build.kinds["systems"]["s1"].components[0].model_copy(update={"listens": ("80/tcp",)}),)}
    )
    build.runs("s2", "h1")
    build._put("zones", Zone(id="dc", name_zh="区", name_en="zone"))
    for made in (
        flow("alone", Ends(hosts=("h1",)), "80/tcp"),
        flow("ranges", Ends(hosts=("h1",)), "22/tcp", "79-90/tcp"),
        flow("by-name", Ends(systems=("s1", "s2")), "80/tcp"),
        flow("ends-before", Ends(hosts=("h1",)), "80/tcp").model_copy(update={"until": AS_OF + 2 * DAY}),
        flow("both", Ends(hosts=("h1", "h2")), "80/tcp", "443/tcp"),
        flow("other-port", Ends(hosts=("h1",)), "22/tcp"),
        flow("zone", Ends(zones=("dc",)), "80/tcp"),
    ):
        build._put("flows", made)
    city = build.city()
    changes, left = closing(city, city.systems["s1"], AS_OF + 9 * DAY)

    written = {change.flow.id: (change.kept and change.kept.servers, change.held) for change in changes}
    again = {"starts": AS_OF + 10 * DAY}
    mine, named, other = Ends(hosts=("h1",)), Ends(systems=("s1",)), Ends(systems=("s2",))
    assert {
        "alone": (None, flow("alone", mine, "80/tcp").model_copy(update=again)),
        "both": (Ends(hosts=("h2",)), flow("both-held", mine, "80/tcp", "443/tcp").model_copy(update=again)),
        "ranges": (None, flow("ranges", mine, "22/tcp", "79-90/tcp").model_copy(update=again)),
        "by-name": (other, flow("by-name-held", named, "80/tcp").model_copy(update=again)),
        "ends-before": (None, None),
    } == written
    assert ["not remembered: ends-before", "not closed: zone", "not closed: h1"] == [
        ":".join(reason.split(":")[:2]).partition(" ends on")[0] for reason in left
    ]


@pytest.mark.parametrize(
    ("quiet", "said"),
    [
        pytest.param({"quiet_since": None}, "decide needs quiet_since: 2018-05-04: that nobody", id="silent"),
        pytest.param(
            {"quiet_since": "2018-01-01"}, "decide needs quiet_since: 2018-05-04: that nobody", id="another day"
        ),
        pytest.param({"quiet_days": None}, "decide needs quiet_days: 20 working days on which", id="nobody looked"),
        pytest.param({"quiet_days": 19}, "decide needs quiet_days: 20 working days on which", id="a day too few"),
    ],
)
def test_what_cannot_be_undone_says_that_nobody_called(
    tmp_path: Path, signing_key: Keys, quiet: dict[str, str | int | None], said: str
) -> None:
    """A file written by hand, signed and whole, is refused as the command refuses: the leader signs for the silence."""
    folder = city_folder(tmp_path / "city", signing_key)
    steps = [(step, quiet if step == "decide" else {}) for step in WHOLE[:4]]
    case, problems = read_case(write_case(folder, "retirement", steps, signing_key), city_signers(folder))

    assert case is None
    assert [said] == [problem.message[: len(said)] for problem in problems]
