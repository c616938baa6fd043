"""The network a city declares: zones, prefixes, lines, ways out, accesses, and who may talk to whom (flows)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from egov.city.codes import Code
from egov.city.fields import SERVICE, Address, Day, Item, Money, Network, Part, Text, refuse
from egov.city.ids import CircuitId, DepartmentId, HostId, PrefixId, SiteId, SystemId, VrfId, WaveId, ZoneId

ZoneKind = Literal[
    "management",
    "data-centre",
    "backup",
    "witness",
    "province",
    "public",
    "private",
    "internet-access",
    "department-lan",
    "county-access",
    "transit",
    "internet",
]


def ports(service: str) -> tuple[str, int, int]:
    """Return protocol, first and last port of a flow's service; `ping` has no ports: ("ping", 0, 0)."""
    if service == "ping":
        return "ping", 0, 0
    numbers, _, protocol = service.partition("/")
    first, _, last = numbers.partition("-")
    return protocol, int(first), int(last or first)


def meet(services: Iterable[str], others: Iterable[str]) -> bool:
    """Say whether two sides' services have a port of one protocol in common; `ping` is none."""
    known = [ports(service) for service in others]
    return any(
        protocol == other and first <= other_last and other_first <= last and protocol != "ping"
        for protocol, first, last in map(ports, services)
        for other, other_first, other_last in known
    )


def _forward(service: str) -> str:
    protocol, first, last = ports(service)
    if first > last:
        raise refuse(
            Code.E206, f"{service} begins after it ends; write {last}-{first}/{protocol}", "端口范围应从小到大"
        )
    return service


FlowService = Annotated[
    str,
    StringConstraints(pattern=f"^{SERVICE}$"),
    AfterValidator(_forward),
    Field(description="443/tcp, 8000-8010/tcp, ping"),
]


class Zone(Item):
    """A security zone. `kind` says which part of the extranet it is (公用网络区, 专用网络区, 互联网接入区 …)."""

    name_zh: Text
    name_en: Text
    kind: ZoneKind | None = Field(
        default=None, description="Part of the extranet it is; absent: none that a rule knows"
    )


class Vrf(Item):
    """A routing table of its own; addresses are unique inside one."""

    name_zh: Text
    rd: Annotated[str, Field(pattern=r"^[1-9][0-9]*:[0-9]+$")] | None = Field(
        default=None,
        description="Route distinguisher, AS:number (RFC 4364), where carrier routers take it to other sites",
    )


class Prefix(Item):
    """An address range. Belongs to exactly one VRF; a container holds other prefixes."""

    prefix: Network
    ipv6: Network | None = Field(default=None, description="The same network's IPv6 prefix")
    vrf: VrfId
    zone: ZoneId
    department: DepartmentId = Field(description="Who answers for it")
    container: bool = False
    translated_to: PrefixId | None = Field(
        default=None,
        description="Access range that stands for these addresses beyond the access router (NAT, IPv4 only)",
    )


class Interface(Part):
    """A host's interface and its address; the first one of a host is the one SSH uses."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,14}$")]
    prefix: PrefixId
    address: Address
    ipv6: Address | None = None
    gateway: Address | None = None
    published: Address | None = Field(
        default=None, description="Address of the access range by which others reach it, where the prefix is translated"
    )


class Circuit(Item):
    """A leased line (租用线路), with its contract."""

    provider: Text
    purpose: Literal["internet", "extranet", "inter-site", "business-network", "national-network"]
    department: DepartmentId = Field(description="Who pays for it")
    site: SiteId
    network: Text | None = Field(default=None, description="Name of the business or national network it carries")
    contract_from: Day
    contract_until: Day
    yearly_cost_cny: Money
    mergeable: bool | None = Field(
        default=None, description="Whether 符合整合条件 was found to hold; absent: nobody said"
    )
    merge_reason: Text | None = None


class Exit(Item):
    """A way out to the Internet. One is the extranet's own (统一出口); what a department has besides is to end."""

    name_zh: Text
    department: DepartmentId
    kind: Literal["unified", "private"]
    addresses: tuple[Address, ...] = Field(min_length=1, description="Source addresses that the Internet sees")
    circuit: CircuitId | None = None


class Access(Item):
    """A unit's access to the extranet (政务外网接入), classes of DB34/T 3607-2020; C and E have their own exit."""

    department: DepartmentId
    access_class: Literal["A", "B", "C", "D", "E", "F"]
    prefix: PrefixId
    circuit: CircuitId | None = None


class Ends(Part):
    """One side of a flow: everything in the zones and prefixes named, the hosts and the systems named."""

    zones: tuple[ZoneId, ...] = ()
    prefixes: tuple[PrefixId, ...] = ()
    hosts: tuple[HostId, ...] = Field(default=(), description="By their business interfaces: all but the first")
    management: tuple[HostId, ...] = Field(default=(), description="Hosts by their first interface, the one SSH uses")
    systems: tuple[SystemId, ...] = Field(
        default=(), description="Their workloads in the cloud (or the hosts of their components, where they have none)"
    )


class Flow(Item):
    """Who may talk to whom, on what, why, until when, on whose decision. Nothing else passes a firewall."""

    clients: Ends = Field(description="Who opens connections")
    servers: Ends = Field(description="Who answers them")
    services: tuple[FlowService, ...] = Field(min_length=1)
    why: Text
    department: DepartmentId = Field(description="Owner: who asked for it and answers for it")
    decision: Text | None = Field(default=None, description="Document that allowed it (文号)")
    starts: Day | None = None
    until: Day = Field(description="Last day on which it is open")
    bridge: WaveId | None = Field(
        default=None, description="Wave for whose move it is open: what moved still needs what did not"
    )
    log: bool = Field(default=False, description="Whether new connections are logged (limited) with the flow's id")

    def is_open(self, on: date) -> bool:
        """Say whether it is open on a day."""
        return (self.starts or date.min) <= on <= self.until
