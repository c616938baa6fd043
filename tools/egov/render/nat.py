"""Which addresses an access router translates: a LAN behind its access range (IPv4 only). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from egov.city import Host
from egov.render.reach import Reach


@dataclass(frozen=True, slots=True)
class Published:
    """A host of the LAN that others reach by an address of the access range."""

    inside: str
    outside: str


@dataclass(frozen=True, slots=True)
class Translation:
    """One router's translations: `outer` is its interface in the access range; empty where it translates nothing."""

    outer: str = ""
    own: str = ""
    networks: tuple[str, ...] = ()
    published: tuple[Published, ...] = ()

    def chains(self) -> Iterator[str]:
        """Yield the nat chains in nftables' syntax."""
        if not self.outer:
            return
        yield "  chain destinations {"
        yield "    type nat hook prerouting priority dstnat; policy accept;"
        for host in self.published:
            yield f'    iifname "{self.outer}" ip daddr {host.outside} dnat ip to {host.inside}'
        yield "  }"
        yield "  chain sources {"
        yield "    type nat hook postrouting priority srcnat; policy accept;"
        for host in self.published:
            yield f'    oifname "{self.outer}" ip saddr {host.inside} snat ip to {host.outside}'
        for network in self.networks:
            yield f'    oifname "{self.outer}" ip saddr {network} snat ip to {self.own}'
        yield "  }"


def translation(reach: Reach, router: Host) -> Translation:
    """Return what a router translates."""
    for interface in router.interfaces[1:]:
        prefix = reach.city.prefixes[interface.prefix]
        found = reach.translator(prefix)
        if found is None or found[0].id != router.id:
            continue
        published = (Published(i.address, i.published) for _, i in reach.members_of(prefix) if i.published)
        ordered = tuple(sorted(published, key=lambda p: p.outside))
        return Translation(found[1].name, found[1].address, (prefix.prefix,), ordered)
    return Translation()
