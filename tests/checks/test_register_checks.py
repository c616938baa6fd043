"""R18 and R22: the register of systems against ledgers, sockets and neighbours."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest
from build import AS_OF, Build, Classified, Component

from egov.facts import Listener, Neighbour

SEVEN: dict[str, Any] = {
    "name_zh": "不动产登记系统",
    "function": "登记",
    "scope": "public",
    "frequency": "daily",
    "approved_by": "市发展改革委",
    "approved_on": date(2015, 6, 1),
    "funding": "市财政",
}
OTHER: dict[str, Any] = {
    "name_zh": "房产交易系统",
    "function": "交易",
    "scope": "city",
    "frequency": "seldom",
    "approved_by": "市工业和信息化委",
    "approved_on": date(2015, 6, 2),
    "funding": "自筹",
}
BEFORE, AFTER = AS_OF - timedelta(days=1), AS_OF + timedelta(days=1)
PASS, VIOLATION, UNDETERMINED = "pass", "violation", "undetermined"


def known(*, components: Iterable[Component] = (), **over: Any) -> Build:  # noqa: ANN401 - fields of a system
    """Return a city with one system whose seven facts are declared, but for *over*."""
    build = Build()
    build.system("s1", components=tuple(components), **{**SEVEN, **over})
    return build


def some(*names: str) -> dict[str, Any]:
    """Return these of the seven facts, and the name that every ledger row has."""
    return {name: SEVEN[name] for name in ("name_zh", *names)}


@pytest.mark.parametrize(
    ("ledger", "min_confirmed", "expected"),
    [
        pytest.param(SEVEN, 7, (PASS, "recorded", 7, ()), id="all seven"),
        pytest.param(some("approved_by", "approved_on", "funding"), 4, (PASS, "recorded", 4, ()), id="just enough"),
        pytest.param(
            some("approved_by", "approved_on"),
            4,
            (
                UNDETERMINED,
                "undetermined",
                3,
                tuple(f"SystemRecord.{name}" for name in ("function", "scope", "frequency", "funding")),
            ),
            id="one too few",
        ),
        pytest.param(some(), 0, (PASS, "recorded", 1, ()), id="nothing asked for"),
        pytest.param(None, 0, (UNDETERMINED, "undetermined", 0, ("SystemRecord",)), id="no ledger at all"),
    ],
)
def test_register_counts_what_the_ledger_confirms(
    ledger: dict[str, Any] | None, min_confirmed: int, expected: tuple[str, str, int, tuple[str, ...]]
) -> None:
    """A complete record passes from `min_confirmed` confirmed facts on; below it says which facts lack evidence."""
    build = known()
    if ledger is not None:
        build.record("s1", **ledger)

    finding = build.one("system-register", min_confirmed=min_confirmed)

    assert expected == (finding.verdict, finding.outcome, finding.facts["confirmed"], finding.missing)


@pytest.mark.parametrize("name", SEVEN)
def test_register_names_the_fact_that_is_missing(name: str) -> None:
    """Each of the seven facts, left out, makes the record incomplete, even where the ledger knows it."""
    build = known(**{name: None})
    build.record("s1", **SEVEN)

    finding = build.one("system-register", min_confirmed=4)

    assert (VIOLATION, "incomplete", [name]) == (finding.verdict, finding.outcome, finding.facts["which"])


@pytest.mark.parametrize("name", SEVEN)
def test_register_names_the_fact_that_is_contradicted(name: str) -> None:
    """Each of the seven facts is compared with the ledger; a contradiction outweighs a missing fact."""
    absent = "funding" if name != "funding" else "function"
    build = known(**{absent: None})
    build.record("s1", **{**SEVEN, name: OTHER[name]})

    finding = build.one("system-register", min_confirmed=4)

    assert (VIOLATION, "contradicted", [name]) == (finding.verdict, finding.outcome, finding.facts["which"])
    assert finding.facts["seven"][name] == {"state": "contradicted", "declared": SEVEN[name], "observed": OTHER[name]}


@pytest.mark.parametrize(
    ("declared", "ledger", "state"),
    [
        ("不动产登记系统(2.0)", "不动产登记系统（2.0）", "confirmed"),
        ("不动产 登记系统", "“不动产登记系统”", "confirmed"),
        ("GIS平台", "ｇｉｓ平台", "confirmed"),
        ("不动产登记系统2.0", "不动产登记系统3.0", "contradicted"),
        ("不动产登记", "不动产登记系统", "contradicted"),
    ],
)
def test_register_compares_texts_without_how_they_are_written(declared: str, ledger: str, state: str) -> None:
    """Width, case, white space and punctuation do not contradict; any other character does."""
    build = known(name_zh=declared)
    build.record("s1", **{**SEVEN, "name_zh": ledger})

    finding = build.one("system-register", min_confirmed=0)

    assert state == finding.facts["seven"]["name_zh"]["state"]


def test_register_goes_by_the_newest_ledger_row() -> None:
    """A corrected ledger replaces an older one; a row from after the as-of day is not known yet."""
    build = known()
    build.record("s1", day=BEFORE, **OTHER)
    build.record("s1", **SEVEN)
    build.record("s1", day=AFTER, **OTHER)

    finding = build.one("system-register", min_confirmed=7)

    assert (PASS, (build.rows[1],)) == (finding.verdict, finding.cites)


WEB = Component(name="web", host="h1", listens=("80/tcp", "443/tcp"))


@pytest.mark.parametrize(
    ("frequency", "coverage", "sockets", "expected"),
    [
        ("daily", "ok", ["80/tcp", "443/tcp"], (PASS, None)),
        ("daily", "ok", ["80/tcp"], (VIOLATION, "not listening: h1 443/tcp")),
        ("weekly", "ok", ["80/tcp", "443/udp"], (VIOLATION, "not listening: h1 443/tcp")),
        ("daily", "ok", [], (VIOLATION, "not listening: h1 80/tcp, h1 443/tcp")),
        ("monthly", "ok", [], (PASS, None)),
        ("daily", "timeout", [], (PASS, None)),
        ("daily", None, [], (PASS, None)),
    ],
)
def test_register_doubts_a_busy_system_that_does_not_listen(
    frequency: str, coverage: str | None, sockets: list[str], expected: tuple[str, str | None]
) -> None:
    """Only a host whose sockets were fully collected can say that a system in daily or weekly use is silent."""
    build = known(frequency=frequency, components=[WEB])
    build.host("h1")
    build.record("s1", **{**SEVEN, "frequency": frequency})
    if coverage:
        build.covered("h1", Listener, coverage)
    for port in sockets:
        build.listens("h1", port)

    finding = build.one("system-register", min_confirmed=7)

    observed = finding.facts["seven"]["frequency"]["observed"] if finding.verdict == VIOLATION else None
    assert expected == (finding.verdict, observed)


def test_register_cites_the_sockets_it_found() -> None:
    """The rows of the ports that a component does listen on stand in the finding beside the ledger's."""
    build = known(components=[WEB])
    build.host("h1")
    build.record("s1", **SEVEN)
    build.covered("h1", Listener)
    build.listens("h1", "443/tcp")
    build.listens("h1", "9999/tcp")

    finding = build.one("system-register", min_confirmed=7)

    assert (build.rows[0], build.rows[2]) == finding.cites


@pytest.mark.parametrize("check", ["system-register", "system-funding"])
def test_a_system_out_of_scope_is_not_judged(check: str) -> None:
    """What 一(三) leaves out is listed with its reason and judged by no check of the register."""
    parameters = {"min_confirmed": 4} if check == "system-register" else {"kinds": ("government-investment",)}
    build = known(in_scope=False, out_of_scope_reason="企业自用")

    assert build.audit(check, **parameters) == []


def listed(*declared: str, retired: str | None = None, outside: str | None = None) -> Build:
    """Return department `a` with these systems, one of them perhaps retired or out of scope."""
    build = Build()
    build.department("a", classified=Classified(systems=3))
    for system in declared:
        scope = {"in_scope": False, "out_of_scope_reason": "企业自用"} if system == outside else {}
        build.system(system, **scope, **({"placement": "retired"} if system == retired else {}))
    return build


@pytest.mark.parametrize(
    ("build", "ledger", "expected"),
    [
        pytest.param(listed("s1", "s2"), ["s1", "s2"], (PASS, [], []), id="agree"),
        pytest.param(listed("s1", "s2"), ["s1"], (VIOLATION, ["s2"], []), id="not in the ledger"),
        pytest.param(listed("s1"), ["s1", "s2"], (VIOLATION, [], ["系统s2"]), id="not declared"),
        pytest.param(listed("s1"), ["s1", None], (VIOLATION, [], ["系统None"]), id="no such system"),
        pytest.param(listed("s1", "s2", retired="s2"), ["s1"], (PASS, [], []), id="retired"),
        pytest.param(listed("s1", "s2", outside="s2"), ["s1"], (PASS, [], []), id="out of scope"),
        pytest.param(listed(), ["s1"], (VIOLATION, [], ["系统s1"]), id="none declared"),
    ],
)
def test_register_total(build: Build, ledger: list[str | None], expected: tuple[str, list[str], list[str]]) -> None:
    """Declared systems in scope and in life must be those of the ledger, each named where it is not."""
    for system in ledger:
        build.record(system, name_zh=f"系统{system}")

    finding = build.one("register-total")

    assert expected == (finding.verdict, finding.facts["only_declared"], finding.facts["only_in_ledger"])
    assert finding.facts["classified"] == 3


def test_register_total_without_a_ledger_is_unknown() -> None:
    """No ledger row of the department: nothing is said, not even of a department that declares no system."""
    build = listed()

    finding = build.one("register-total")

    assert (finding.verdict, finding.missing) == (UNDETERMINED, ("SystemRecord",))


def test_register_total_counts_only_the_newest_ledger() -> None:
    """A ledger that was taken in again replaces the run before it as a whole."""
    build = listed("s1")
    build.record("s9", day=BEFORE, run="1")
    build.record("s1", run="2")

    assert ((finding := build.one("register-total")).verdict, finding.facts["ledger"]) == (PASS, 1)


BOUGHT = "bought-service"
KINDS = ("government-investment", "built-with-enterprise", BOUGHT, "government-maintained")


@pytest.mark.parametrize(
    ("funding", "placement", "expected"),
    [
        (None, "cloud", (VIOLATION, "unstated")),
        (None, "bought-service", (VIOLATION, "unstated")),
        *((kind, "cloud", (PASS, "funded")) for kind in KINDS),
        *(
            (kind, "bought-service", (VIOLATION, "kind-contradicts-placement"))
            for kind in KINDS
            if "bought" not in kind
        ),
        (BOUGHT, "bought-service", (PASS, "funded")),
    ],
)
def test_system_funding(funding: str | None, placement: str, expected: tuple[str, str]) -> None:
    """One of the four kinds must be stated, and a system placed as a bought service must be funded as one."""
    build = Build()
    build.system("s1", funding_kind=funding, placement=placement)

    finding = build.one("system-funding", kinds=KINDS)

    assert expected == (finding.verdict, finding.outcome)


def test_system_funding_accepts_only_the_mandate_s_kinds() -> None:
    """The kinds are the mandate's: one that it does not list counts as not stated."""
    build = Build()
    build.system("s1", funding_kind="built-with-enterprise", placement="cloud")

    assert build.one("system-funding", kinds=("government-investment",)).outcome == "unstated"


@pytest.mark.parametrize(
    ("port", "address", "ignore_loopback", "expected"),
    [
        pytest.param("22/tcp", "0.0.0.0", True, [], id="expected on every host"),  # noqa: S104
        pytest.param("22/udp", "0.0.0.0", True, ["22/udp p"], id="expected over TCP only"),  # noqa: S104
        pytest.param("443/tcp", "::", True, [], id="of a component"),
        pytest.param("8443/tcp", "::", True, ["8443/tcp p"], id="of a component elsewhere"),
        pytest.param("9000/tcp", "10.0.0.1", True, ["9000/tcp p"], id="undeclared"),
        pytest.param("9000/tcp", "127.0.0.1", True, [], id="loopback"),
        pytest.param("53/udp", "127.0.0.53%lo", True, [], id="loopback with its interface"),
        pytest.param("9000/tcp", "::1", True, [], id="loopback, version 6"),
        pytest.param("9000/tcp", "::ffff:127.0.0.1", True, [], id="loopback, mapped"),
        pytest.param("9000/tcp", "::ffff:10.0.0.1", True, ["9000/tcp p"], id="mapped, not loopback"),
        pytest.param("9000/tcp", "127.0.0.1", False, ["9000/tcp p"], id="loopback counts"),
        pytest.param("9000/tcp", "fe80::1%eth0", True, ["9000/tcp p"], id="link-local"),
        pytest.param("9000/tcp", "?", True, ["9000/tcp p"], id="no address"),
    ],
)
def test_undeclared_listener(port: str, address: str, ignore_loopback: bool, expected: list[str]) -> None:  # noqa: FBT001
    """A socket that others reach must be of a described component on that host, or expected on every host."""
    build = Build()
    build.host("h1")
    build.host("h2", "10.0.0.2")
    build.system("s1", components=(Component(name="web", host="h1", listens=("443/tcp",)),))
    build.system("s2", components=(Component(name="web", host="h2", listens=("8443/tcp",)),))
    build.covered("h1", Listener)
    build.listens("h1", port, address)

    finding = build.audit("undeclared-listener", expected=("22/tcp",), ignore_loopback=ignore_loopback)[0]

    assert (VIOLATION if expected else PASS, expected) == (finding.verdict, finding.facts["undeclared"])
    assert finding.cites == (tuple(build.rows[1:]) if expected else ())


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("2378/tcp", ["2378/tcp p"]),
        ("2379/tcp", []),
        ("2380/tcp", []),
        ("2381/tcp", ["2381/tcp p"]),
        ("2380/udp", ["2380/udp p"]),
    ],
)
def test_a_flow_declares_every_port_of_its_range(port: str, expected: list[str]) -> None:
    """A service may be a range of ports, the first and the last included, over its own protocol."""
    build = Build()
    build.host("h1")
    build.flow("votes", "h1", "2379-2380/tcp", "ping")
    build.covered("h1", Listener)
    build.listens("h1", port)

    finding = build.one("undeclared-listener")

    assert (VIOLATION if expected else PASS, expected) == (finding.verdict, finding.facts["undeclared"])


@pytest.mark.parametrize("status", [None, "partial", "unreachable", "timeout"])
def test_undeclared_listener_of_a_host_not_covered_is_unknown(status: str | None) -> None:
    """Without a complete collection neither silence nor the rows that did arrive are judged."""
    build = Build()
    build.host("h1")
    build.listens("h1", "9000/tcp")
    if status:
        build.covered("h1", Listener, status)

    finding = build.one("undeclared-listener")

    assert (finding.verdict, finding.missing) == (UNDETERMINED, ("Listener",))


def test_undeclared_listener_is_judged_by_the_newest_complete_run() -> None:
    """A socket that is gone in the newest complete collection is no concern any more, whatever older runs saw."""
    build = Build()
    build.host("h1")
    build.covered("h1", Listener, day=BEFORE, run="1")
    build.listens("h1", "9000/tcp", run="1", day=BEFORE)
    build.covered("h1", Listener, run="2")

    assert build.one("undeclared-listener").verdict == PASS


def lan(*, covered: bool = True) -> Build:
    """Return two hosts in one prefix, the same prefix in another VRF, and h1's neighbour table collected."""
    build = Build()
    build.prefix("lan")
    build.prefix("other-lan", vrf="other")
    build.host("h1", "10.0.0.1", "lan", ("eth1", "other-lan", "10.0.0.1"))
    build.host("h2", "10.0.0.2")
    build.host("h3", "10.0.0.3", "other-lan")
    if covered:
        build.covered("h1", Neighbour)
    return build


@pytest.mark.parametrize(
    ("address", "interface", "state", "expected"),
    [
        pytest.param("10.0.0.2", "eth0", "reachable", {}, id="described"),
        pytest.param("10.0.0.9", "eth0", "reachable", {"lan": ["10.0.0.9"]}, id="undescribed"),
        pytest.param("10.0.0.9", "eth0", "stale", {"lan": ["10.0.0.9"]}, id="seen a while ago"),
        pytest.param("10.0.0.9", "eth1", "reachable", {"other-lan": ["10.0.0.9"]}, id="on the other link"),
        pytest.param("10.0.0.3", "eth0", "reachable", {"lan": ["10.0.0.3"]}, id="described in another VRF"),
        pytest.param("10.0.0.9", "docker0", "reachable", {}, id="on a link nobody described"),
        pytest.param("10.0.9.9", "eth0", "reachable", {}, id="outside the prefix"),
        pytest.param("fe80::1", "eth0", "reachable", {}, id="of another version"),
        pytest.param("10.0.0.9", "eth0", "failed", {}, id="asked for, never answered"),
        pytest.param("10.0.0.9", "eth0", "incomplete", {}, id="asked for, no answer yet"),
    ],
)
def test_undeclared_host(address: str, interface: str, state: str, expected: dict[str, list[str]]) -> None:
    """An address that answered on a link of the prefix must belong to a described interface of its VRF."""
    build = lan()
    build.saw("h1", address, interface, state)

    findings = build.audit("undeclared-host")

    assert expected == {f.subject.id: f.facts["undescribed"] for f in findings if f.verdict == VIOLATION}
    assert {"lan", "other-lan"} - expected.keys() == {f.subject.id for f in findings if f.verdict == PASS}


def test_undeclared_host_sees_an_extra_address_of_a_host_itself() -> None:
    """A second address on a described host is as unknown as a stranger's, once its addresses were collected."""
    build = lan()
    build.carries("h1", "10.0.0.1/24")
    build.carries("h1", "10.0.0.77/24")
    unread = next(f for f in build.audit("undeclared-host") if f.subject.id == "lan")
    build.covered("h1", type(build.rows[-1]))

    finding = next(f for f in build.audit("undeclared-host") if f.subject.id == "lan")

    assert (unread.verdict, finding.verdict) == (PASS, VIOLATION)
    assert (["10.0.0.77"], (build.rows[2],)) == (finding.facts["undescribed"], finding.cites)


def test_undeclared_host_that_nobody_watches_is_unknown() -> None:
    """Without one neighbour table of the prefix nothing is said, and the finding names who could be asked."""
    build = lan(covered=False)
    build.saw("h1", "10.0.0.9")

    finding = next(f for f in build.audit("undeclared-host") if f.subject.id == "lan")

    assert (finding.verdict, finding.missing, finding.facts["observers"]) == (
        UNDETERMINED,
        ("Neighbour",),
        ["h1", "h2"],
    )


def test_undeclared_host_asks_nothing_of_a_container() -> None:
    """No host stands in a prefix that only holds others, so it is not judged."""
    build = Build()
    build.prefix("all", "10.0.0.0/8", container=True)

    assert build.audit("undeclared-host") == []
