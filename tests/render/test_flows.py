"""From flows to what each device lets through: cells of the sample city worked out by hand, days, order, places."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from huludao import CITY, ON, huludao, with_flow, with_kinds

from egov.city import Ends, Flow
from egov.render.flows import Compiler, firewalled, open_flows, rulesets, services
from egov.render.frr import frr
from egov.render.intent import LOCAL, Cell, Permit, Service

EDGE = ("198.51.100.31/32", "2001:db8:211:d0::31/128")
DB1, DB2 = ("10.211.17.11/32", "2001:db8:211:11::11/128"), ("10.211.48.12/32", "2001:db8:211:30::12/128")
WEB = (Service("tcp", 80, 80), Service("tcp", 443, 443))
DNS = (Service("tcp", 53, 53), Service("udp", 53, 53))
HTTP, POSTGRES = (Service("tcp", 80, 80),), (Service("tcp", 5432, 5432),)
DISCOVERY = {"ipv6-neighbour-discovery", "ipv6-multicast-listener"}


def permits(host: str, cell: Cell) -> list[Permit]:
    """Return what the flows permit in a cell of a device, by flow."""
    found = Compiler(huludao(), ON).intent(huludao().hosts[host]).cells.get(cell, ())
    return [permit for permit in found if permit.flow not in DISCOVERY]


ENDPOINT = (Service("tcp", 5432, 5432), Service("tcp", 8008, 8008))
APP1, APP2 = ("10.211.16.21/32", "2001:db8:211:10::21/128"), ("10.211.16.22/32", "2001:db8:211:10::22/128")
APPS = (APP1[0], APP2[0], APP1[1], APP2[1])
APPLICATIONS = ("10.211.16.0/24", "2001:db8:211:10::/64")
BY_HAND = [
    pytest.param(
        "fw1",
        ("dcservers", "dcdata"),
        [
            Permit("applications-to-database", APPLICATIONS, DB1, POSTGRES),
            Permit("endpoints-to-database", APPS, DB1, ENDPOINT),
        ],
        id="a prefix to the one of two hosts that stands there",
    ),
    pytest.param(
        "fw1",
        ("dcservers", "transitb"),
        [
            Permit("applications-to-database", APPLICATIONS, DB2, POSTGRES),
            Permit("endpoints-to-database", APPS, DB2, ENDPOINT),
        ],
        id="to the other host by either link",
    ),
    pytest.param("fw1", ("dcdata", "dcservers"), [], id="nobody opens connections back"),
    pytest.param("fw1", ("transita", "transitb"), [], id="nothing goes round between two links to one place"),
    pytest.param("fw1", ("mgmt0", "dcdata"), [], id="management is never passed on"),
    pytest.param(
        "fw1",
        ("pubfangchan", "pubminzheng"),
        [
            Permit(
                "fangchan-checks-aid",
                ("10.211.128.194/32", "2001:db8:211:a2::/64"),
                ("10.211.128.170/32", "2001:db8:211:a1::20/128"),
                HTTP,
            )
        ],
        id="translated: from the access router's address to the published one, in IPv6 end to end",
    ),
    pytest.param("fw1", ("pubdangan", "pubminzheng"), [], id="two departments without a flow"),
    pytest.param(
        "acc-fangchan1",
        ("lan0", "pub0"),
        [
            Permit("dns-from-extranet", ("192.168.10.0/24", "2001:db8:211:a2::/64"), EDGE, DNS),
            Permit(
                "fangchan-checks-aid",
                ("192.168.10.0/24", "2001:db8:211:a2::/64"),
                ("10.211.128.170/32", "2001:db8:211:a1::20/128"),
                HTTP,
            ),
            Permit(
                "proxy-from-extranet",
                ("192.168.10.0/24", "2001:db8:211:a2::/64"),
                EDGE,
                (Service("tcp", 3128, 3128),),
            ),
            Permit("web-from-extranet", ("192.168.10.0/24", "2001:db8:211:a2::/64"), EDGE, WEB),
        ],
        id="the translating router sees its own LAN's addresses",
    ),
    pytest.param(
        "acc-minzheng1",
        ("pub0", "lan0"),
        [
            Permit(
                "fangchan-checks-aid",
                ("10.211.128.194/32", "2001:db8:211:a2::/64"),
                ("192.168.1.20/32", "2001:db8:211:a1::20/128"),
                HTTP,
            )
        ],
        id="behind its own translation the destination is the host itself",
    ),
    pytest.param(
        "bk-rt1",
        ("transita", "bkrepo"),
        [
            Permit(
                "backup-to-repository",
                DB1,
                ("10.211.49.51/32", "2001:db8:211:31::51/128"),
                (Service("tcp", 8432, 8432),),
            ),
            Permit(
                "files-to-archives",
                ("10.211.31.41/32", "2001:db8:211:1f::41/128"),
                ("10.211.49.51/32", "2001:db8:211:31::51/128"),
                (Service("tcp", 8443, 8443),),
            ),
            Permit(
                "monitoring",
                ("10.211.31.41/32", "2001:db8:211:1f::41/128"),
                ("10.211.49.0/24", "2001:db8:211:31::/64"),
                (Service("icmp", 8, 8), Service("icmpv6", 128, 128), Service("tcp", 9100, 9100)),
            ),
        ],
        id="beyond a link",
    ),
    pytest.param(
        "dc-mon1",
        ("mgmt0", LOCAL),
        [
            Permit(
                "administration",
                ("10.211.0.2/32",),
                ("10.211.0.41/32",),
                (Service("icmp", 8, 8), Service("icmpv6", 128, 128), Service("tcp", 22, 22)),
            ),
            Permit("logs", ("10.211.0.0/24",), ("10.211.0.41/32",), (Service("tcp", 514, 514),)),
            Permit("time", ("10.211.0.0/24",), ("10.211.0.41/32",), (Service("udp", 123, 123),)),
        ],
        id="a host's own input by management",
    ),
    pytest.param(
        "dc-app1",
        (LOCAL, "eth0"),
        [
            Permit(
                "applications-to-database",
                APP1,
                tuple(sorted((DB1[0], DB2[0]))) + tuple(sorted((DB1[1], DB2[1]))),
                POSTGRES,
            ),
            Permit("dns-from-extranet", APP1, EDGE, DNS),
            Permit(
                "endpoints-to-database",
                APP1,
                tuple(sorted((DB1[0], DB2[0]))) + tuple(sorted((DB1[1], DB2[1]))),
                ENDPOINT,
            ),
        ],
        id="a host's own output",
    ),
]


@pytest.mark.parametrize(("host", "cell", "expected"), BY_HAND)
def test_cells_worked_out_by_hand(host: str, cell: Cell, expected: list[Permit]) -> None:
    """What a cell permits is what a person reads from the flows and the address plan, and nothing else."""
    assert expected == permits(host, cell)


def test_links_and_their_routers_only_speak_ospf_and_bfd() -> None:
    """On links between sites routers find each other; on no other interface is a routing protocol let in."""
    cells = Compiler(huludao(), ON).intent(huludao().hosts["fw1"]).cells
    speaking = {cell[0] for cell, found in cells.items() for p in found if p.flow in {"ospf", "bfd"} and cell[0]}

    assert speaking == {"transita", "transitb"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("443/tcp", (Service("tcp", 443, 443),)),
        ("8000-8099/tcp", (Service("tcp", 8000, 8099),)),
        ("53/udp", (Service("udp", 53, 53),)),
        ("ping", (Service("icmp", 8, 8), Service("icmpv6", 128, 128))),
    ],
)
def test_services(text: str, expected: tuple[Service, ...]) -> None:
    """A service is one range of ports; ping is the echo request of both versions (RFC 792, RFC 4443), not the reply."""
    assert expected == services(huludao().flows["logs"].model_copy(update={"services": (text,)}))


FIRST, LAST = date(2018, 3, 1), date(2018, 12, 31)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [(FIRST - DAY, False), (FIRST, True), (LAST, True), (LAST + DAY, False)],
    ids=["the day before", "first day", "last day", "the day after"],
)
def test_a_flow_is_open_from_its_first_to_its_last_day(day: date, *, is_open: bool) -> None:
    """Both days are included; on other days no device lets anything of it through, and some remember who tries."""
    flow = Flow(
        id="once",
        clients=Ends(prefixes=("dc-servers",)),
        servers=Ends(hosts=("dc-db1",)),
        services=("1521/tcp",),
        why="迁移",
        department="dashuju",
        starts=FIRST,
        until=LAST,
    )
    city = with_kinds(flows={**huludao().flows, "once": flow})

    assert is_open == ("once" in {found.id for found in open_flows(city, day)})
    rules = [line for text in rulesets(city, day).values() for line in text.splitlines() if "1521" in line]
    assert {"accept" if is_open else "update @calls"} == {
        word for line in rules for word in ("accept", "update @calls") if word in line
    }


def test_nobody_calls_by_a_ping() -> None:
    """Of a closed flow its calls are remembered; one that lets only pings through has none."""
    host = huludao().hosts["dc-app1"]
    closed = {}
    for given in (("ping",), ("5432/tcp", "ping")):
        intent = Compiler(with_flow("bridge-hunyin-to-aid", services=given), ON).intent(host)
        permits = (permit for permits in intent.closed.values() for permit in permits)
        closed[given] = {p.services for p in permits if p.flow == "bridge-hunyin-to-aid"}

    assert {("ping",): set(), ("5432/tcp", "ping"): {(Service("tcp", 5432, 5432),)}} == closed


def test_who_gets_a_ruleset() -> None:
    """Routers and the hosts the city runs; not departments' own machines, the Internet or the controller."""
    guarded = {host.id for host in firewalled(huludao())}

    assert {"fw1", "bk-rt1", "acc-dangan1", "dc-app1", "bk-db1", "witness1", "prov-archive1"} <= guarded
    assert set() == guarded & {"dept-minzheng1", "dept-dangan1", "inet1", "ops1"}


def test_without_flows_nothing_is_rendered() -> None:
    """A city that has not described its flows yet is not cut off by an empty ruleset."""
    assert rulesets(with_kinds(flows={}), ON) == {}


def test_the_order_of_the_description_does_not_matter() -> None:
    """Files read in another order give the same bytes: firewalls and routing."""
    city = huludao()
    kinds = ("hosts", "flows", "prefixes", "zones")
    turned = with_kinds(**{kind: dict(reversed(getattr(city, kind).items())) for kind in kinds})

    assert rulesets(city, ON) == rulesets(turned, ON)
    assert frr(city) == frr(turned)


def test_each_rule_names_where_its_flow_is_described() -> None:
    """The comment of a rule is the flow's id with file and line, and there the flow stands."""
    told = {
        found.groups()
        for text in rulesets(huludao(), ON).values()
        for found in re.finditer(r'comment "(\S+) (\S+):(\d+)"', text)
    }
    lines = {
        flow: (CITY / file).read_text(encoding="utf-8").splitlines()[int(number) - 1] for flow, file, number in told
    }

    assert {"monitoring", "fangchan-checks-aid", "administration"} <= lines.keys()
    assert {flow: f"  - id: {flow}" for flow in lines} == lines


def test_a_logged_flow_s_rule_logs_its_id() -> None:
    """`log: true` puts a limited log before the rule, with the flow's id; other flows are not logged."""
    text = rulesets(with_flow("web-from-internet", log=True), ON)["fw1"]
    prefixes = set(re.findall(r'log prefix "egov flow (\S+) "', text))

    assert prefixes == {"web-from-internet"}
