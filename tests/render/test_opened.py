"""What a change of the description opens and closes: cells, and the words a person reads before anything is applied."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from huludao import ON, huludao, with_flow, with_kinds, without_flow

from egov.city import City, Ends
from egov.present.opened import opened
from egov.render.opened import changes, passing

AID = "fangchan-checks-aid"


def told(before: City, after: City, on: date = ON) -> list[tuple[str, bool]]:
    """Return which flows open or close something."""
    return [(change.flow.id, change.opens) for change in changes(before, after, on)]


def test_nothing_opens_without_a_change() -> None:
    """The same description, and one whose reasons and owners read otherwise, open and close nothing."""
    assert told(huludao(), huludao()) == []
    assert told(huludao(), with_flow(AID, why="另一个理由", department="fangchan")) == []


def test_a_new_flow_opens_its_cells_on_every_device_between() -> None:
    """From LAN to LAN: out of one access router, through the firewall, into the other; the way back is not opened."""
    (change,) = changes(without_flow(AID), huludao(), ON)

    assert (AID, True, ["80/tcp"]) == (change.flow.id, change.opens, [service.text for service in change.services])
    assert passing(change) == [
        "acc-fangchan1 lan0>pub0",
        "acc-minzheng1 pub0>lan0",
        "fw1 pubfangchan>pubminzheng",
    ]


def test_removing_it_closes_what_it_had_opened() -> None:
    """Closing is the mirror of opening."""
    (opening,) = changes(without_flow(AID), huludao(), ON)
    (closing,) = changes(huludao(), without_flow(AID), ON)

    assert (opening.cells, opening.services, True) == (closing.cells, closing.services, not closing.opens)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, []), (1, [(AID, False)])],
    ids=["until today", "until yesterday"],
)
def test_an_earlier_end_closes_from_the_day_after(days: int, expected: list[tuple[str, bool]]) -> None:
    """A flow that ends today still passes today; one that ended yesterday is closed."""
    assert expected == told(huludao(), with_flow(AID, until=ON - timedelta(days=days)))


def test_one_more_service_opens_that_service_only() -> None:
    """What was open before is no news."""
    (change,) = changes(huludao(), with_flow(AID, services=("80/tcp", "8443/tcp")), ON)

    assert (True, ["8443/tcp"]) == (change.opens, [service.text for service in change.services])


def test_what_two_flows_open_stays_open_when_one_goes() -> None:
    """A second flow for the same packets opens nothing new, and removing the first closes nothing."""
    flows = huludao().flows
    twice = with_kinds(flows={**flows, "again": flows[AID].model_copy(update={"id": "again"})})
    alone = with_kinds(flows={name: flow for name, flow in twice.flows.items() if name != AID})

    assert told(huludao(), twice) == []
    assert told(twice, alone) == []


def test_closing_comes_first() -> None:
    """Whoever reads the change sees first what stops working."""
    moved = with_flow(AID, servers=Ends(hosts=("dept-dangan1",)))

    assert told(huludao(), moved) == [(AID, False), (AID, True)]


def test_the_words_say_who_may_now_reach_whom() -> None:
    """Owner, prefix, host, service, last day, decision and reason stand in the sentence; the cells below it."""
    before, after = without_flow(AID), huludao()

    english = opened(changes(before, after, ON), before, after, "en")
    chinese = opened(changes(after, before, ON), after, before, "zh")

    for word in ("opens: ", "lan-fangchan may now reach ", "dept-minzheng1 on 80/tcp", "葫民函〔2018〕9号", AID):
        assert word in english
    for word in ("关闭：", "lan-fangchan 不能再访问 ", "dept-minzheng1 的 80/tcp", "葫民函〔2018〕9号", AID):
        assert word in chinese
    assert f"until {after.flows[AID].until}" in english
    assert "fw1 pubfangchan>pubminzheng" in english


def test_a_flow_without_a_document_says_so() -> None:
    """No decision is told as such, never as an empty bracket or None."""
    before, after = without_flow(AID), with_flow(AID, decision=None)

    assert "(no decision: " in opened(changes(before, after, ON), before, after, "en")
