"""City → Topology: which hosts the lab boots and how they are wired. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_network

from egov.city import City, Disk, Host, Interface
from egov.city.load import unknown
from egov.errors import UsageError

CONTROLLER = "controller"


@dataclass(frozen=True, slots=True)
class Link:
    """One interface of a host: its name, the network it is on, its address with prefix length."""

    name: str
    network: str
    address: str
    gateway: str | None = None
    ipv6: str | None = None
    gateway6: str | None = None


@dataclass(frozen=True, slots=True)
class LabHost:
    """A host to boot. `site` is what `cut --site` cuts; `disks` are its file systems of limited size."""

    id: str
    site: str
    links: tuple[Link, ...]
    disks: tuple[Disk, ...] = ()

    @property
    def address(self) -> str:
        """The address SSH uses: that of the first interface, without prefix length."""
        return self.links[0].address.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Topology:
    """Hosts, the controller (a namespace, not a host), and the networks (one bridge each) between them."""

    hosts: tuple[LabHost, ...]
    controller: LabHost
    networks: tuple[str, ...]

    def chosen(self, names: Collection[str]) -> tuple[LabHost, ...]:
        """Return the hosts named, all if none is; UsageError for a name that is no lab host."""
        known = {host.id: host for host in self.hosts}
        for name in names:
            if name not in known:
                what = "lab host"
                raise unknown(what, name, known)
        return tuple(known[name] for name in names) if names else self.hosts


def topology(city: City) -> Topology:
    """Return the lab's topology; UsageError if the city describes no lab host or not exactly one controller."""
    hosts = tuple(_host(city, host) for host in city.hosts.values() if host.lab)
    controllers = [_host(city, host) for host in city.hosts.values() if CONTROLLER in host.roles]
    if not hosts or len(controllers) != 1:
        message = (
            f"the city describes {len(hosts)} lab hosts (lab: true) and {len(controllers)} hosts with the role "
            f"{CONTROLLER}; a lab needs at least one host and exactly one controller"
        )
        raise UsageError(message)
    networks = sorted({link.network for host in (*hosts, *controllers) for link in host.links})
    return Topology(hosts, controllers[0], tuple(networks))


def _host(city: City, host: Host) -> LabHost:
    return LabHost(host.id, host.site, tuple(_link(city, interface) for interface in host.interfaces), host.disks)


def _link(city: City, interface: Interface) -> Link:
    prefix = city.prefixes[interface.prefix]
    address = f"{interface.address}/{ip_network(prefix.prefix).prefixlen}"
    if interface.ipv6 is None or prefix.ipv6 is None:
        return Link(interface.name, prefix.id, address, interface.gateway)
    same = (i for h in city.hosts.values() for i in h.interfaces if i.prefix == prefix.id)
    gateway6 = next((i.ipv6 for i in same if i.address == interface.gateway), None)
    ipv6 = f"{interface.ipv6}/{ip_network(prefix.ipv6).prefixlen}"
    return Link(interface.name, prefix.id, address, interface.gateway, ipv6, gateway6)
