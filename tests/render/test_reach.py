"""What lies behind which interface, and under which address: two links, translation, the Internet."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from huludao import huludao

from egov.city import Ends
from egov.render.nat import Published, Translation, translation
from egov.render.reach import Reach, merged

REACH = Reach(huludao())
BACKUP = {"bk-data", "bk-repository"}


def test_both_links_lead_to_the_other_site() -> None:
    """Whichever link is up, the backup's networks may come by it; each link's own network lies behind itself too."""
    behind = REACH.behind(huludao().hosts["fw1"])

    assert BACKUP <= behind["transita"]
    assert behind["transita"] == behind["transitb"] == BACKUP | {"transit-a", "transit-b"}


def test_seen_from_the_other_end_everything_else_lies_behind_the_links() -> None:
    """The backup's router sees the centre, the departments and the Internet behind both links, itself behind none."""
    behind = REACH.behind(huludao().hosts["bk-rt1"])

    assert {"dc-data", "lan-dangan", "pub-dangan", "internet"} <= behind["transita"] == behind["transitb"]
    assert set() == BACKUP & behind["transita"]
    assert behind["bkdata"] == {"bk-data"}


def test_management_leads_nowhere() -> None:
    """All hosts share the management network, yet no way between zones leads through it."""
    for router in REACH.routers:
        assert REACH.behind(router)["mgmt0"] == {"mgmt"}


def test_a_lan_lies_behind_its_access_router_only() -> None:
    """For the firewall a department's LAN is behind that department's interface; LANs alike in number stay apart."""
    behind = REACH.behind(huludao().hosts["fw1"])

    assert {name for name, found in behind.items() if "lan-dangan" in found} == {"pubdangan"}
    assert {name for name, found in behind.items() if "lan-fangchan" in found} == {"pubfangchan"}


@pytest.mark.parametrize(
    ("host", "at", "opening", "expected"),
    [
        ("dept-minzheng1", "fw1", True, ("10.211.128.170", "2001:db8:211:a1::20")),
        ("dept-minzheng1", "fw1", False, ("10.211.128.170", "2001:db8:211:a1::20")),
        ("dept-minzheng1", "acc-minzheng1", False, ("192.168.1.20", "2001:db8:211:a1::20")),
        ("dept-fangchan1", "fw1", True, ("10.211.128.194", "2001:db8:211:a2::20")),
        ("dept-fangchan1", "fw1", False, ("2001:db8:211:a2::20",)),
        ("dept-fangchan1", "acc-dangan1", True, ("10.211.128.194", "2001:db8:211:a2::20")),
        ("dc-db1", "acc-dangan1", False, ("10.211.17.11", "2001:db8:211:11::11")),
    ],
    ids=[
        "published, as client",
        "published, as server",
        "inside its LAN",
        "not published, as client: the router's",
        "not published, as server: in IPv4 by none",
        "from a LAN with the same numbers",
        "not translated",
    ],
)
def test_addresses_as_seen_elsewhere(host: str, at: str, expected: tuple[str, ...], *, opening: bool) -> None:
    """A translated host is known by its published address, else by its router's and only when it opens connections."""
    (interface,) = huludao().business(huludao().hosts[host])

    assert expected == REACH.seen_address(interface, huludao().hosts[at], opening=opening)


def test_a_whole_translated_zone_as_seen_by_the_firewall() -> None:
    """Of departments' LANs the firewall sees published addresses, the access routers', and IPv6 as it is."""
    found = REACH.seen(Ends(prefixes=("lan-minzheng",)), huludao().hosts["fw1"], opening=True)

    assert {"10.211.128.170/32", "10.211.128.162/32", "2001:db8:211:a1::/64"} == {
        address for seen in found for address in seen.addresses
    }


def test_the_internet_is_everything_that_is_not_ours() -> None:
    """No described prefix overlaps it, and every address outside all of them is in it."""
    outside = [ip_network(text) for text in REACH.outside]
    own = [
        ip_network(text)
        for prefix in huludao().prefixes.values()
        if REACH.kind(prefix.id) != "internet"
        for text in (prefix.prefix, prefix.ipv6)
        if text
    ]
    overlapping = [(a, b) for a in outside for b in own if a.version == b.version and a.overlaps(b)]
    strangers = [ip_address(text) for text in ("203.0.113.71", "8.8.8.8", "10.0.0.1", "2001:db8:ffff::71", "2400::1")]

    assert [] == overlapping
    assert all(sum(stranger in network for network in outside) == 1 for stranger in strangers)


def test_networks_are_merged_to_the_fewest() -> None:
    """Halves join, what lies inside another goes, IPv4 comes first, and the order given does not matter."""
    given = ["2001:db8::/33", "10.0.1.0/24", "2001:db8:8000::/33", "10.0.0.0/24", "10.0.0.7/32"]

    assert merged(given) == merged(reversed(given)) == ("10.0.0.0/23", "2001:db8::/32")


def test_translation_of_an_access_router() -> None:
    """The LAN leaves under the router's address, a published host under its own; a router without a LAN has none."""
    expected = Translation(
        "pub0", "10.211.128.226", ("192.168.10.0/24",), (Published("192.168.10.20", "10.211.128.234"),)
    )

    assert expected == translation(REACH, huludao().hosts["acc-dangan1"])
    assert Translation() == translation(REACH, huludao().hosts["fw1"])
