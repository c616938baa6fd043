"""Which addresses are translated (IPv4 only): by an access router, a LAN; by a container host, its own pods. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from egov.city import Host, Interface
from egov.city.fields import parsed_network
from egov.city.placement import Pod
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
        to = [f'iifname "{self.outer}" ip daddr {host.outside} dnat ip to {host.inside}' for host in self.published]
        of = [f'oifname "{self.outer}" ip saddr {host.inside} snat ip to {host.outside}' for host in self.published]
        of += [f'oifname "{self.outer}" ip saddr {network} snat ip to {self.own}' for network in self.networks]
        yield from _chains(to, of)


@dataclass(frozen=True, slots=True)
class PodTranslation:
    """A container host's translations: its pods answer on its own address, and go out under it."""

    interface: str
    network: str
    pods: tuple[Pod, ...]
    outer: tuple[Interface, ...]

    def chains(self) -> Iterator[str]:
        """Yield the nat chains in nftables' syntax.

        A pod that asks another one of the same host by the host's address comes back under the bridge's address: the
        answer would go past the host otherwise, and nobody would undo the translation.
        """
        own = [interface.address for interface in self.outer]
        to = [
            f"ip daddr {address} tcp dport {pod.port} dnat ip to {pod.address}" for address in own for pod in self.pods
        ]
        of = [f'oifname "{i.name}" ip saddr {self.network} snat ip to {i.address}' for i in self.outer]
        gateway = parsed_network(self.network)[1]
        yield from _chains(to, [*of, f'oifname "{self.interface}" ip saddr {self.network} snat ip to {gateway}'])


def _chains(to: Iterable[str], of: Iterable[str]) -> Iterator[str]:
    yield "  chain destinations {"
    yield "    type nat hook prerouting priority dstnat; policy accept;"
    yield from (f"    {rule}" for rule in to)
    yield "  }"
    yield "  chain sources {"
    yield "    type nat hook postrouting priority srcnat; policy accept;"
    yield from (f"    {rule}" for rule in of)
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
