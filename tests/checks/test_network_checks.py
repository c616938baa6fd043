"""Lines, ways out, accesses, single points, rulesets and packets: every outcome, and what evidence it takes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from build import Build, at
from network_build import (
    ANY_TCP,
    access,
    arrived_as,
    certificates_gone,
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

from egov.facts import Certificate, FlowCount, InterfaceAddress
from egov.render.flows import rulesets

PROXY = {"proxy_ports": ("3128/tcp",)}


def outcome(build: Build, check: str, subject: str, **parameters: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return verdict and outcome of a check for one subject."""
    (found,) = [f for f in build.audit(check, **parameters) if f.subject.id == subject]
    return found.verdict, found.outcome


@pytest.mark.parametrize(
    ("purpose", "until", "fields", "expected"),
    [
        pytest.param("internet", date(2018, 12, 30), {}, ("pass", "ended"), id="ended the day before"),
        pytest.param("internet", date(2018, 12, 31), {}, ("violation", "still-leased"), id="ends today"),
        pytest.param("national-network", date(2020, 1, 1), {}, ("pass", "national-schedule"), id="national"),
        pytest.param("business-network", date(2020, 1, 1), {}, ("undetermined", "undetermined"), id="nobody said"),
        pytest.param(
            "business-network", date(2020, 1, 1), {"mergeable": True}, ("violation", "to-merge"), id="to merge"
        ),
        pytest.param(
            "business-network", date(2020, 1, 1), {"mergeable": False}, ("undetermined", "undetermined"), id="no reason"
        ),
        pytest.param(
            "business-network",
            date(2020, 1, 1),
            {"mergeable": False, "merge_reason": "专用设备"},
            ("pass", "stays-apart"),
            id="stays",
        ),
    ],
)
def test_lines(purpose: str, until: date, fields: dict[str, Any], expected: tuple[str, str]) -> None:
    """An Internet line is a concern to its last day; a business network by what was found; a national one is listed."""
    build = network()
    line(build, purpose, until, **fields)

    assert outcome(build, "private-line", "line", last_budget_year=2018) == expected


def test_the_extranet_s_own_line_may_stay() -> None:
    """The line of the unified exit is what all others give way to."""
    build = network()
    line(build)
    exit_ = build.kinds["exits"]["city"]
    build.kinds["exits"]["city"] = exit_.model_copy(update={"circuit": "line"})

    assert outcome(build, "private-line", "line", last_budget_year=2018) == ("pass", "unified-exit")


@pytest.mark.parametrize(
    ("seen", "more", "verdict", "signals"),
    [
        pytest.param("198.51.100.31", {}, "pass", [], id="by the city's exit"),
        pytest.param(None, {}, "pass", [], id="nothing gets out"),
        pytest.param("203.0.113.83", {}, "violation", ["direct 203.0.113.83"], id="seen under another address"),
        pytest.param(None, {"proxy": True}, "violation", ["3128/tcp"], id="lends a way out"),
        pytest.param(
            None, {"addresses": ("203.0.113.83/24",)}, "violation", ["eth0 203.0.113.83/24"], id="address outside"
        ),
        pytest.param(None, {"gateway": "10.1.0.250"}, "violation", ["default 10.1.0.250"], id="unknown gateway"),
        pytest.param(None, {"addresses": ("127.0.0.1/8", "fe80::1/64")}, "pass", [], id="its own addresses"),
    ],
)
def test_ways_out(seen: str | None, more: dict[str, Any], verdict: str, signals: list[str]) -> None:
    """Each signal by itself is a concern, and is named; a host that reaches nothing outside is clean."""
    build = network()
    looked_at(build, **more)
    arrived_as(build, seen)

    (found,) = build.audit("private-exit", **PROXY)

    assert (verdict, signals) == (found.verdict, found.facts["signals"])


def test_without_a_canary_nobody_is_clean() -> None:
    """Addresses and routes alone do not prove that nothing gets out."""
    build = network()
    looked_at(build)

    assert outcome(build, "private-exit", "h1", **PROXY) == ("undetermined", "undetermined")


@pytest.mark.parametrize(
    ("access_class", "arrived", "expected"),
    [
        pytest.param(None, None, ("violation", "no-access"), id="none"),
        pytest.param("A", None, ("undetermined", "undetermined"), id="declared only"),
        pytest.param("A", 1, ("pass", "answers"), id="answers"),
        pytest.param("A", 0, ("violation", "silent"), id="silent"),
        pytest.param("C", 1, ("violation", "own-exit"), id="own exit"),
    ],
)
def test_access(access_class: str | None, arrived: int | None, expected: tuple[str, str]) -> None:
    """A declaration alone proves nothing; what arrived does; a class with an exit of its own is to end."""
    build = network()
    access(build, access_class or "A")
    if access_class is None:
        build.department("b")
    if arrived is not None:
        sent(build, arrived=arrived)

    subject = "b" if access_class is None else "a"
    assert outcome(build, "extranet-access", subject, levels={"city": "2017-12-31"}) == expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        pytest.param(None, ("pass", "later"), id="the plan sets no day for its level"),
        pytest.param("2018-12-31", ("pass", "later"), id="the last day"),
        pytest.param("2018-12-30", ("undetermined", "undetermined"), id="the day after"),
    ],
)
def test_a_unit_is_due_from_the_day_after_its_level_s(by: str | None, expected: tuple[str, str]) -> None:
    """Each level has its own day; until it has passed a unit without an answer is no concern."""
    build = network()
    access(build)

    levels = {"county": "2017-12-31", **({"city": by} if by else {})}
    assert outcome(build, "extranet-access", "a", levels=levels) == expected


def test_an_access_is_configured_when_a_router_was_seen_with_its_address() -> None:
    """What the description says of the router proves nothing; the address collected from it does."""
    build = network()
    access(build)
    (before,) = build.audit("extranet-access", levels={"city": "2017-12-31"})
    build.rows.append(InterfaceAddress(host="r1", interface="left", address="10.1.0.1/24", **at()))
    build.covered("r1", InterfaceAddress)
    (after,) = build.audit("extranet-access", levels={"city": "2017-12-31"})

    assert (before.facts["configured"], after.facts["configured"]) == ([], ["access"])


@pytest.mark.parametrize(
    ("entrance", "arrived", "expected"),
    [
        pytest.param("s", 1, ("pass", "reaches"), id="arrived"),
        pytest.param("s", 0, ("violation", "silent"), id="did not arrive"),
        pytest.param("other", 1, ("undetermined", "undetermined"), id="nothing was sent there"),
    ],
)
def test_the_way_to_the_approval_system(entrance: str, arrived: int, expected: tuple[str, str]) -> None:
    """Only packets that arrived at the approval system's own entrance prove the way (R21)."""
    build = network()
    access(build)
    sent(build, arrived=arrived)

    assert outcome(build, "approval-path", "a", entrances=(entrance,)) == expected


def test_a_router_alone_between_zones_is_a_single_point() -> None:
    """With a second router beside it both are replaceable."""
    build = network()
    assert outcome(build, "single-router", "r1") == ("violation", "single-point")

    router(build, "r2", ("left", "clients", "10.1.0.2"), ("right", "servers", "10.2.0.2"))

    assert outcome(build, "single-router", "r1") == ("pass", "replaceable")


def test_a_link_alone_between_two_routers_is_a_single_point() -> None:
    """With a second link between the same routers both are doubled."""
    build = network()
    router(build, "r2", ("up", "links", "10.8.0.1"))
    router(build, "r3", ("down", "links", "10.8.0.2"))
    assert outcome(build, "single-link", "links") == ("violation", "single-point")

    first = build.kinds["prefixes"]["links"]
    build._put("prefixes", first.model_copy(update={"id": "links-b", "prefix": "10.8.0.4/30"}))
    router(build, "r2", ("up", "links", "10.8.0.1"), ("upb", "links-b", "10.8.0.5"))
    router(build, "r3", ("down", "links", "10.8.0.2"), ("downb", "links-b", "10.8.0.6"))

    assert outcome(build, "single-link", "links") == ("pass", "doubled")


@pytest.mark.parametrize(
    ("packets", "ours", "expected"),
    [
        pytest.param(None, (), ("undetermined", "undetermined"), id="no ruleset"),
        pytest.param(0, (), ("violation", "never-used"), id="never"),
        pytest.param(1, (), ("pass", "used"), id="once"),
        pytest.param(0, (2,), ("violation", "never-used"), id="loaded anew since ours"),
        pytest.param(2, (2,), ("undetermined", "undetermined"), id="ours only"),
        pytest.param(4, (2, 2), ("undetermined", "undetermined"), id="ours of two runs"),
        pytest.param(3, (2,), ("pass", "used"), id="one beside ours"),
    ],
)
def test_use_of_a_flow(packets: int | None, ours: tuple[int, ...], expected: tuple[str, str]) -> None:
    """What no device ever counted is a hole nobody needs; one packet is use, unless we may have sent it ourselves."""
    build = network()
    build.rows += [FlowCount(host="r1", flow="web", packets=count, **at()) for count in ours]
    if packets is not None:
        runs(build, ruleset(ANY_TCP, packets=packets))

    assert outcome(build, "flow-use", "web") == expected


def test_counted_drops() -> None:
    """One packet too few or too many in a cell is a concern, which is named."""
    exact, short = network(), network()
    counted(exact)
    counted(short, counted_=4)

    assert outcome(exact, "cell-packets", "r1") == ("pass", "counted-exactly")
    assert outcome(short, "cell-packets", "r1") == ("violation", "uncounted")
    assert outcome(network(), "cell-packets", "r1") == ("undetermined", "undetermined")


def test_packets_that_went_astray() -> None:
    """A packet with another fate than the flows say is a concern; nothing sent is undetermined."""
    right, wrong = network(), network()
    sent(right)
    sent(wrong, wrong="tcp/22 passed")

    assert outcome(right, "flow-packets", "h1") == ("pass", "as-described")
    assert outcome(wrong, "flow-packets", "h1") == ("violation", "other-fate")
    assert outcome(network(), "flow-packets", "h1") == ("undetermined", "undetermined")


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((30, 397), ("pass", "valid")),
        ((29, 397), ("violation", "expiring")),
        ((0,), ("violation", "expiring")),
        ((-1, 29), ("violation", "expired")),
    ],
)
def test_days_that_certificates_have_left(days: tuple[int, ...], expected: tuple[str, str]) -> None:
    """The shortest one counts, to the day."""
    build = network()
    certified(build, *days)

    assert outcome(build, "certificate-expiry", "h1", min_days=30) == expected


def test_certificates_that_were_taken_away_are_forgotten() -> None:
    """Of a host that had some, the newest look counts."""
    build = network()
    certificates_gone(build)

    assert outcome(build, "certificate-expiry", "h1", min_days=30) == ("pass", "none")


def test_a_host_without_certificates_is_not_asked_for_any() -> None:
    """Most hosts serve nothing over TLS."""
    build = network()
    build.covered("h1", Certificate)

    assert [] == build.audit("certificate-expiry", min_days=30)


def test_drift() -> None:
    """Counts and handles are no drift; a rule more is; a text that is no ruleset cannot be judged."""
    same, other, unread = network(), network(), network()
    for build, live in ((same, ruleset(ANY_TCP, packets=7)), (other, ruleset(ANY_TCP, ANY_TCP)), (unread, "{}")):
        runs(build, live)
        rendered(build, ruleset(ANY_TCP))

    assert outcome(same, "firewall-drift", "r1") == ("pass", "as-rendered")
    assert outcome(other, "firewall-drift", "r1") == ("violation", "drifted")
    assert outcome(unread, "firewall-drift", "r1") == ("undetermined", "undetermined")


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param(ruleset(policy="accept"), ("violation", "leak"), id="lets all through"),
        pytest.param(ruleset(), ("violation", "blocked"), id="lets nothing through"),
        pytest.param("no JSON", ("undetermined", "undetermined"), id="no ruleset"),
    ],
)
def test_isolation(live: str, expected: tuple[str, str]) -> None:
    """Too much is a leak, too little a block, each with a packet; what cannot be read is not judged."""
    build = network()
    runs(build, live)

    (found,) = [f for f in build.audit("zone-isolation") if f.subject.id == "r1"]

    assert expected == (found.verdict, found.outcome)
    assert bool(found.facts.get("packets")) == (found.verdict == "violation")


def test_every_device_of_the_small_network_has_a_ruleset() -> None:
    """The router and the host are both guarded, so each is judged."""
    assert sorted(rulesets(network().city(), date(2018, 12, 31))) == ["h1", "r1"]
