"""Nobody called: only whoever would have seen it can say so. Devices in front of a closed system name its callers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from test_retirement import retirement

from egov.cases import Case
from egov.cases.life import Front, callers, closing, in_front, watched
from egov.city import City, load
from egov.facts import CallWatch, Fact, Facts, RefusedCall

CITY = Path(__file__).parents[2] / "inventory" / "huludao"
SYSTEM, WATCHING = "minzheng-jiuzhu", "acc-fangchan1"
CLOSED_FLOW = "fangchan-checks-aid"
SERVER, CALLER = "10.211.128.170", "192.168.10.20"
OPENED, CLOSED, TODAY = date(2026, 10, 1), date(2026, 11, 2), date(2026, 11, 30)
DAY = timedelta(days=1)


@cache
def closed_off() -> City:
    """Return the sample city with the change of flows that closes the system off."""
    city = load(CITY)
    changes, left = closing(city, city.systems[SYSTEM], TODAY + 30 * DAY)
    assert not left
    flows = {**city.flows}
    for change in changes:
        del flows[change.flow.id]
        flows |= {flow.id: flow for flow in (change.kept, change.held) if flow}
    return dataclasses.replace(city, flows=flows)


@cache
def front() -> Front:
    """Return the devices that stand in front of the system now."""
    return in_front(closed_off(), closed_off().systems[SYSTEM], TODAY)


def case() -> Case:
    """Return a retirement of the system that was closed off."""
    found = retirement(("open", OPENED), ("notify", OPENED), ("quarantine", CLOSED))
    return dataclasses.replace(found, head=found.head.model_copy(update={"subject": SYSTEM}))


def facts(*rows: Fact) -> Facts:
    """Return the closed-off city with these rows."""
    return Facts.of_rows(closed_off(), TODAY, rows)


def noon(day: date) -> datetime:
    """Return noon of a day in the city, which is 04:00 UTC."""
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def call(
    client: str = CALLER, server: str = SERVER, service: str = "80/tcp", on: date = TODAY, host: str = WATCHING
) -> RefusedCall:
    """Return a call that a device dropped on a day, collected at the day after."""
    seen = {"observed_at": noon(on + DAY) - timedelta(hours=12), "collected_at": noon(on), "source": "test"}
    return RefusedCall(
        host=host, client=client, server=server, service=service, packets=3, age_seconds=12 * 3600, **seen
    )


def looks(hosts: Iterable[str], days: Iterable[date], hours: float) -> list[CallWatch]:
    """Return looks at devices at noon of each day, each of which had remembered calls for so many hours."""
    return [
        CallWatch(
            host=host,
            flow=flow,
            watched_seconds=int(hours * 3600),
            observed_at=noon(day),
            collected_at=noon(day),
            source="test",
        )
        for host in hosts
        for flow in {permit.flow for permit in front()[host]}
        for day in days
    ]


def days(first: date, last: date) -> list[date]:
    """Return the days from first to last."""
    return [first + n * DAY for n in range((last - first).days + 1)]


WHOLE = days(CLOSED + DAY, TODAY - DAY)


def test_every_device_on_the_way_stands_in_front() -> None:
    """Routers of both ends and between them, and the city's own hosts that used to call; no department's machine."""
    assert {WATCHING, "acc-minzheng1", "fw1", "bk-rt1", "dc-app1", "bk-app2"} <= front().keys()
    assert set() == front().keys() & {"dept-minzheng1", "dept-fangchan1", "acc-dangan1"}


def test_an_open_system_has_nobody_in_front() -> None:
    """As it is described no flow to it is closed on that day, so nobody would remember."""
    city = load(CITY)

    assert {} == in_front(city, city.systems[SYSTEM], TODAY)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        pytest.param(call(), True, id="a former client"),
        pytest.param(call(on=CLOSED + DAY), True, id="the day after it was closed off"),
        pytest.param(call(on=CLOSED), False, id="the day on which it was closed off"),
        pytest.param(call(service="8080/tcp"), False, id="another port: another system's"),
        pytest.param(call(server="10.211.128.171"), False, id="another host"),
        pytest.param(call(client="10.211.64.51"), True, id="any client"),
        pytest.param(call(host="acc-dangan1"), False, id="a device that does not stand in front"),
    ],
)
def test_who_was_refused_is_named(row: RefusedCall, *, named: bool) -> None:
    """A dropped call to the system's own ports is a sign of life."""
    found = callers(case(), facts(row), front())

    assert ([(row.client, "refused")] if named else []) == [(one.client, one.agent_class) for one in found]


def test_our_own_monitoring_is_no_sign_of_life() -> None:
    """What asks on the city's behalf goes on asking what is closed off."""
    (address, *_) = closed_off().probing_addresses

    assert [] == callers(case(), facts(call(client=address)), front())


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [], id="nobody looked"),
        pytest.param(looks(front(), [TODAY], 24 * 40), WHOLE, id="one look back over all"),
        pytest.param(looks(front(), days(CLOSED, TODAY), 24), WHOLE, id="a look each day"),
        pytest.param(looks(front(), days(CLOSED, TODAY), 23.5), WHOLE, id="half an hour lost"),
        pytest.param(looks(front(), days(CLOSED, TODAY), 22), [], id="two hours of each day lost"),
        pytest.param(looks(front(), [TODAY], 24 * 5), days(TODAY - 4 * DAY, TODAY - DAY), id="rules loaded meanwhile"),
        pytest.param(
            [*looks(front(), [TODAY - 7 * DAY], 24 * 40), *looks(front(), [TODAY], 24 * 5)],
            [*days(CLOSED + DAY, TODAY - 8 * DAY), *days(TODAY - 4 * DAY, TODAY - DAY)],
            id="two days between a look and the load forgotten",
        ),
        pytest.param(looks(set(front()) - {"fw1"}, [TODAY], 24 * 40), [], id="one device never asked"),
        pytest.param(
            [row for row in looks(front(), [TODAY], 24 * 40) if (row.host, row.flow) != ("fw1", CLOSED_FLOW)],
            [],
            id="one device whose rules are older than the quarantine",
        ),
    ],
)
def test_days_on_which_a_call_would_have_been_seen(rows: list[CallWatch], expected: list[date]) -> None:
    """Whole days that every device in front remembers, but for an hour; the rest may have been full of calls."""
    assert expected == sorted(watched(case(), facts(*rows), front(), logged=()).days)


def test_the_oldest_of_the_newest_looks_counts() -> None:
    """What one device saw last says until when nobody called; it is named."""
    rows = [*looks(set(front()) - {"fw1"}, [TODAY], 800), *looks({"fw1"}, [TODAY - 3 * DAY], 800)]
    found = watched(case(), facts(*rows), front(), logged=())

    assert ("fw1", noon(TODAY - 3 * DAY)) == (found.by, found.until)
    assert tuple(sorted(front())) == found.front


def test_without_a_device_in_front_access_logs_count() -> None:
    """Days that its logs cover, none before it was closed off."""
    found = watched(case(), facts(), {}, logged=days(CLOSED - 2 * DAY, TODAY - 2 * DAY))

    assert days(CLOSED + DAY, TODAY - 2 * DAY) == sorted(found.days)
    assert ("access logs", ()) == (found.by, found.front)
    assert noon(TODAY - DAY) - timedelta(hours=12) == found.until
