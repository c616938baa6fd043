"""What a city declares. One class per kind, named as in NetBox where it has the thing.

To add a kind: write its class, add one line to `City`. Loading, positions, references, JSON Schema,
`egov show` and the template of `egov init` follow from these two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from egov.city.fields import (
    Address,
    CreditCode,
    Day,
    Domain,
    Item,
    Money,
    Network,
    NotClassified,
    Part,
    Port,
    Slug,
    Text,
    TimeZone,
    Units,
)
from egov.city.ids import DepartmentId, DeviceId, HostId, RackId, RoomId, SiteId, SystemId, ZoneId
from egov.city.network import Access, Circuit, Ends, Exit, Flow, Interface, Prefix, Vrf, Zone
from egov.city.workloads import CONTAINER_HOST, Capacity, PodNetwork, Quota, Wave, Workload

DeviceRole = Literal[
    "access-switch",
    "aggregation-switch",
    "air-conditioner",
    "core-switch",
    "firewall",
    "internet-behaviour-gateway",
    "network-access-control",
    "optical-network-unit",
    "patch-panel",
    "power-distribution-unit",
    "router",
    "server",
    "storage",
    "tape-library",
    "ups",
    "wireless-access-point",
    "wireless-controller",
    "workstation",
]
Scope = Literal["section", "department", "departments", "city", "public"]
Frequency = Literal["daily", "weekly", "monthly", "yearly", "seldom"]
Level = Literal["city", "county", "town", "subordinate"]
FundingKind = Literal["government-investment", "built-with-enterprise", "bought-service", "government-maintained"]


class Profile(Part):
    """The city itself (`city:` in city.yml)."""

    id: Slug
    name_zh: Text
    name_en: Text
    region_code: Annotated[str, Field(pattern=r"^[0-9]{6}$", description="GB/T 2260, six digits (行政区划代码)")]
    timezone: TimeZone = Field(default="Asia/Shanghai", description="IANA name of the hosts' time zone")
    domain: Domain | None = Field(default=None, description="Domain of the names of hosts and systems (role `dns`)")


class Contact(Part):
    """The office that answers for a department. A duty office, never a person's private data."""

    office: Text
    phone: Text | None = None


class Classified(Part):
    """All that is ever stored of a department's classified systems (涉密): a count and a milestone."""

    systems: Annotated[int, Field(ge=0)]
    milestone: Day | None = Field(default=None, description="Planned day of their move to the inner network")


class InnerNetwork(Part):
    """State of a department's access to the inner network (政务内网); nothing technical is stored."""

    state: Literal["none", "terminal", "node"]
    approval: Text | None = Field(default=None, description="Number of the secrecy assessment's approval (审批文号)")
    approved_on: Day | None = None


class Department(Item):
    """A body of government that owns systems, rooms or devices."""

    name_zh: Text
    name_en: Text
    credit_code: CreditCode = Field(description="Unified social credit code, GB 32100-2015")
    level: Level
    site: SiteId = Field(description="Building it works in")
    contact: Contact
    classified: Classified | None = None
    inner_network: InnerNetwork | None = None
    quota: Quota | None = Field(default=None, description="What it may use of the cloud")


class Site(Item):
    """A building."""

    name_zh: Text
    name_en: Text
    address: Text | None = None


class Merge(Part):
    """The decision by which several departments use one room."""

    document: Text = Field(description="Number of the decision (文号)")
    decided_on: Day


class Room(Item):
    """A machine room. Its area is not declared here: it is measured (RoomSurvey)."""

    name_zh: Text
    site: SiteId
    purpose: Literal["department", "data-centre", "backup", "witness", "province"] = "department"
    departments: tuple[DepartmentId, ...] = Field(
        min_length=1, description="Departments that use it; the first owns it"
    )
    merge: Merge | None = Field(default=None, description="Decision that lets several departments share the room")


class Rack(Item):
    """A rack in a room."""

    room: RoomId
    height_u: Units = 42


class Device(Item):
    """A piece of hardware."""

    role: DeviceRole
    model: Text | None = None
    serial: Text | None = None
    asset_tag: Text | None = Field(default=None, description="Number in the department's asset ledger (资产编号)")
    purchased_on: Day | None = None
    original_value_cny: Money | None = None
    department: DepartmentId = Field(description="Owner in the asset ledger")
    room: RoomId
    rack: RackId | None = None
    position_u: Units | None = Field(default=None, description="Lowest rack unit it takes")
    height_u: Units = 1
    systems: tuple[SystemId, ...] | None = Field(
        default=None, description="Systems it carries; [] says none, absent says nobody looked"
    )


class Disk(Part):
    """A file system of its own that a host has, of limited size."""

    mount: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+)+$", description="Where it is mounted")]
    size_gib: Annotated[int, Field(ge=1)] = Field(description="Size, GiB")


class FileBackup(Part):
    """Files of a host that are sent to the backup centre and to the province, encrypted."""

    paths: tuple[Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+)+$")], ...] = Field(
        min_length=1, description="Files and folders, whole"
    )
    keep_days: Annotated[int, Field(ge=1)] = Field(
        description="Days that the same city keeps a copy, the newest always; the province keeps all"
    )


class Host(Item):
    """A machine with an operating system, physical or not."""

    department: DepartmentId
    site: SiteId
    zone: ZoneId
    os: Text
    roles: tuple[Slug, ...] = Field(default=(), description="What playbooks make of it: Ansible groups")
    lab: bool = Field(default=False, description="Stands in the lab")
    device: DeviceId | None = None
    loopback: Address | None = Field(default=None, description="IPv4 address a carrier router speaks BGP and LDP from")
    locator: Network | None = Field(default=None, description="IPv6 prefix of a carrier router's SRv6 segments")
    capacity: Capacity | None = Field(default=None, description="What a container host gives to workloads")
    disks: tuple[Disk, ...] = Field(default=(), description="File systems besides the root; a lab makes them")
    backup: FileBackup | None = Field(default=None, description="Files that are backed up; absent: none are")
    pods: PodNetwork | None = Field(
        default=None, description="Addresses of pods that it runs itself, behind its own; absent: a cluster runs them"
    )
    interfaces: tuple[Interface, ...] = Field(min_length=1)


class Administrator(Item):
    """Someone with an account on every host; `id` is the login name. Duty accounts, not private persons."""

    name: Text
    key: Annotated[str, Field(pattern=r"^(ssh-ed25519|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/=]+$")]
    sudo: bool = False


class Component(Part):
    """A part of a system that runs on one host and listens there."""

    name: Slug
    host: HostId
    listens: tuple[Port, ...] = ()


class Matter(Part):
    """A business matter (业务事项) that a system carries; one that was abolished keeps no system alive."""

    code: Text = Field(description="Number in the list of government service matters (事项编码)")
    name: Text
    ended_on: Day | None = Field(default=None, description="Day it was abolished or handed to another system")

    def live(self, on: date) -> bool:
        """Say whether the matter is still handled on that day."""
        return self.ended_on is None or on < self.ended_on


class Continuity(Part):
    """What a disaster may cost a system, as its owner signed it. Seconds; 0 data loss means a synchronous copy."""

    rpo_seconds: Annotated[int, Field(ge=0)] = Field(description="Newest data that may be lost (恢复点目标), s")
    rto_seconds: Annotated[int, Field(ge=1)] = Field(description="Time until it works again (恢复时间目标), s")
    restore_seconds: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Time until it works again if data must come back from a backup, s; none: not agreed"
    )
    level: Annotated[int, Field(ge=1, le=6)] = Field(description="Level of GB/T 20988 (灾难恢复能力等级)")
    edition: Literal["2007", "2025"] = Field(description="Edition of GB/T 20988 that the level is of")


class System(Item):
    """An information system of government (政务信息系统) with the facts the audit of 五(三) asks for."""

    department: DepartmentId
    name_zh: Text | None = Field(default=None, description="名称")
    function: Text | None = Field(default=None, description="功能")
    scope: Scope | None = Field(default=None, description="使用范围")
    frequency: Frequency | None = Field(default=None, description="使用频度")
    approved_by: Text | None = Field(default=None, description="审批部门")
    approved_on: Day | None = Field(default=None, description="审批时间")
    funding: Text | None = Field(default=None, description="经费来源")
    funding_kind: FundingKind | None = Field(default=None, description="Which of the four kinds of 一(三)")
    in_scope: bool = True
    out_of_scope_reason: Text | None = None
    classified: NotClassified = False
    network: Literal["lan", "extranet", "internet"] = Field(description="Where its users reach it")
    placement: Literal["department-room", "cloud", "moved-hardware", "bought-service", "retired"]
    components: tuple[Component, ...] = ()
    functions: tuple[Text, ...] | None = Field(
        default=None, min_length=1, description="Items of its function menu (功能清单); absent says nobody listed them"
    )
    matters: tuple[Matter, ...] | None = Field(
        default=None, description="Business matters it carries (业务事项); [] says none, absent says nobody asked"
    )
    contract_until: Day | None = Field(default=None, description="Last day of the maintenance contract (运维合同)")
    yearly_cost_cny: Money | None = Field(default=None, description="Cost of operation and maintenance a year")
    workload: Workload | None = Field(default=None, description="What the cloud runs of it")
    continuity: Continuity | None = Field(default=None, description="Objectives for a disaster; absent: nobody set any")


class Project(Item):
    """A system that a department proposes to build (拟建项目): before it is new, it is held against what there is."""

    department: DepartmentId
    name_zh: Text
    functions: tuple[Text, ...] = Field(min_length=1, description="Items of the function menu it is to have")
    matters: tuple[Matter, ...] = Field(default=(), description="Business matters it is to carry (业务事项)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is described: file relative to the city's folder, line, column, and its index there."""

    file: str
    line: int
    col: int
    index: int


# Hosts with these roles ask on the city's behalf.
_PROBING_ROLES = frozenset({"monitoring", "controller"})


@dataclass(frozen=True)
class City:
    """A whole description: each kind a mapping from id, in the order of the files. Field name = YAML key."""

    profile: Profile
    departments: Mapping[str, Department] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    rooms: Mapping[str, Room] = field(default_factory=dict)
    racks: Mapping[str, Rack] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    zones: Mapping[str, Zone] = field(default_factory=dict)
    vrfs: Mapping[str, Vrf] = field(default_factory=dict)
    prefixes: Mapping[str, Prefix] = field(default_factory=dict)
    circuits: Mapping[str, Circuit] = field(default_factory=dict)
    exits: Mapping[str, Exit] = field(default_factory=dict)
    accesses: Mapping[str, Access] = field(default_factory=dict)
    flows: Mapping[str, Flow] = field(default_factory=dict)
    waves: Mapping[str, Wave] = field(default_factory=dict)
    hosts: Mapping[str, Host] = field(default_factory=dict)
    systems: Mapping[str, System] = field(default_factory=dict)
    projects: Mapping[str, Project] = field(default_factory=dict)
    administrators: Mapping[str, Administrator] = field(default_factory=dict)
    places: Mapping[tuple[str, str], Place] = field(default_factory=dict, repr=False)

    def systems_of(self, department: str) -> list[System]:
        """Return the department's systems, in order of id."""
        return sorted((s for s in self.systems.values() if s.department == department), key=lambda s: s.id)

    def rooms_of(self, department: str) -> list[Room]:
        """Return the department rooms that this department uses, in order of id."""
        rooms = (r for r in self.rooms.values() if r.purpose == "department" and department in r.departments)
        return sorted(rooms, key=lambda r: r.id)

    def business(self, host: Host) -> list[Interface]:
        """Return the interfaces by which flows mean a host: not the first (management), no own Internet line.

        A host that has nothing else is meant by what it has.
        """
        later = [*host.interfaces[1:]] or [*host.interfaces]
        inside = [i for i in later if self.zones[self.prefixes[i.prefix].zone].kind != "internet"]
        return inside or later

    def addresses(self, host: Host) -> list[str]:
        """Return every address a host may be seen by."""
        return [a for i in host.interfaces for a in (i.address, i.ipv6, i.published) if a]

    @property
    def probing_addresses(self) -> list[str]:
        """Return the addresses of hosts that ask on the city's behalf: their requests are probes, never use."""
        probing = (host for host in self.hosts.values() if _PROBING_ROLES.intersection(host.roles))
        return [address for host in probing for address in self.addresses(host)]

    def carriers(self, system: System) -> list[Host]:
        """Return the hosts a system may run on: any container host for a workload, else those of its components."""
        if system.workload is not None:
            hosts = [host for host in self.hosts.values() if CONTAINER_HOST in host.roles]
            return sorted(hosts, key=lambda host: host.id)
        return [self.hosts[name] for name in dict.fromkeys(part.host for part in system.components)]

    def members(self, ends: Ends) -> list[tuple[Host, Interface]]:
        """Return the interfaces of the hosts that one side of a flow names one by one."""
        found = [(self.hosts[name], i) for name in ends.hosts for i in self.business(self.hosts[name])]
        carriers = {host.id: host for name in ends.systems for host in self.carriers(self.systems[name])}
        found += [(host, i) for host in carriers.values() for i in self.business(host)]
        return found + [(self.hosts[name], self.hosts[name].interfaces[0]) for name in ends.management]

    def is_shared(self, room: Room, on: date) -> bool:
        """Say whether several departments rightly share *room* on that day.

        A second name typed into a list is not enough: all must work in the room's building and the merge be decided
        (「多个部门在同一楼内办公的，且具备合并条件的，可统一使用1个机房」, 五(四)2).
        """
        return (
            len(set(room.departments)) > 1
            and room.merge is not None
            and room.merge.decided_on <= on
            and all(self.departments[department].site == room.site for department in room.departments)
        )
