"""A small city and its evidence in memory: each method adds one thing, `audit` judges it by one check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from egov.checks import Audit, Finding, audit
from egov.city import City, Component, Department, Device, Ends, Flow, Host, Interface, Prefix, Room, Site, System
from egov.city.fields import uscc_check_character
from egov.city.model import Classified, Contact, InnerNetwork, Merge, Profile, Vrf, Zone
from egov.facts import (
    AssetRecord,
    Coverage,
    Fact,
    Facts,
    InterfaceAddress,
    Listener,
    Neighbour,
    RoomSurvey,
    SystemRecord,
)
from egov.mandate import Binding, Decision, Duty, Mandate

AS_OF = date(2018, 12, 31)


def at(day: date = AS_OF) -> dict[str, Any]:
    """Return the fields that every fact has, observed at noon of *day*."""
    noon = datetime.combine(day, time(12), UTC)
    return {"observed_at": noon, "collected_at": noon, "source": "test"}


def duty(duty_id: str = "R20", *bindings: Binding, **fields: object) -> Duty:
    """Return a duty with these checks; one without any says why."""
    reason = None if bindings else "nothing to judge"
    given = {"document": "doc", "clause": "五(四)2", "title_zh": "机房腾退", "summary_en": "-", "checkable": "-"}
    return Duty.model_validate(
        {"id": duty_id, "serves": ("audit",), "not_checked_reason": reason, "checks": bindings, **given, **fields}
    )


def binding(check: str, **parameters: object) -> Binding:
    """Return a binding of one check."""
    return Binding(check=check, parameters=parameters, reason="the text's own number")


def law(*duties: Duty) -> Mandate:
    """Return a mandate of these duties."""
    return Mandate(duties={duty.id: duty for duty in duties})


def decision(check: str, kind: str, subject: str, **fields: object) -> Decision:
    """Return a decision of 2018 that holds far beyond the as-of day."""
    days = {"decided_on": date(2018, 1, 2), "expires_on": date(2020, 12, 31)}
    text = {"case": f"exempt-{subject}", "document": "葫信组〔2018〕1号", "signer": "leader"}
    return Decision(**{**text, **days, "check": check, "kind": kind, "subject": subject, **fields})


@dataclass
class Build:
    """A city under construction; things named in passing (departments, sites, prefixes) appear by themselves."""

    kinds: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: list[Fact] = field(default_factory=list)
    beside: tuple[Binding, ...] = ()  # checks of the same duty that the one asked for weighs

    def _put(self, kind: str, item: Any) -> None:  # noqa: ANN401 - any described thing
        self.kinds.setdefault(kind, {})[item.id] = item

    def site(self, site_id: str) -> None:
        """Add a building."""
        self._put("sites", Site(id=site_id, name_zh=site_id, name_en=site_id))

    def department(self, department_id: str, site: str = "hall", **fields: object) -> None:
        """Add a department that works in *site*."""
        self.site(site)
        number = f"11211400{len(self.kinds.get('departments', {})):09}"
        code = number + uscc_check_character(number)
        names = {"name_zh": f"{department_id}局", "name_en": department_id, "level": "city"}
        contact = Contact(office="办公室")
        self._put(
            "departments",
            Department(id=department_id, credit_code=code, site=site, contact=contact, **names, **fields),
        )

    def _departments(self, *ids: str) -> None:
        for department_id in ids:
            if department_id not in self.kinds.get("departments", {}):
                self.department(department_id)

    def room(self, room_id: str, *departments: str, merged_on: date | None = None, **fields: object) -> None:
        """Add a room of these departments (default `a`), shared by a decision of *merged_on*."""
        users = departments or ("a",)
        self._departments(*users)
        merge = merged_on and Merge(document="葫机管〔2018〕7号", decided_on=merged_on)
        given = {"site": "hall", "name_zh": f"{room_id}机房", **fields}
        self._put("rooms", Room(id=room_id, departments=users, merge=merge, **given))

    def survey(self, room: str, area_m2: float, kind: str = "usable", day: date = AS_OF) -> None:
        """Add a measured area."""
        self.rows.append(RoomSurvey(room=room, area_m2=area_m2, area_kind=kind, measured_by="测绘", **at(day)))

    def device(self, device_id: str, role: str, systems: Iterable[str] | None, room: str = "r1") -> None:
        """Add a device of department `a` that carries *systems*."""
        if room not in self.kinds.get("rooms", {}):
            self.room(room)
        carried = None if systems is None else tuple(systems)
        self._put("devices", Device(id=device_id, role=role, department="a", room=room, systems=carried))

    def counted(self, device: str, room: str = "r1", *, found: bool = True, day: date = AS_OF) -> None:
        """Add a row of an asset count."""
        row = AssetRecord(device=device, room=room, asset_tag="T-1", found=found, counted_by="财政", **at(day))
        self.rows.append(row)

    def system(self, system_id: str, **fields: object) -> None:
        """Add a system of department `a`, with *fields* over a LAN system in the department's room."""
        given: dict[str, Any] = {"department": "a", "network": "lan", "placement": "department-room", **fields}
        self._departments(given["department"])
        self._put("systems", System(id=system_id, **given))

    def record(self, system: str | None, day: date = AS_OF, run: str = "", **fields: object) -> None:
        """Add a row of a ledger."""
        given = {"department": "a", "name_zh": "系统", "ledger": "发改", **fields}
        self.rows.append(SystemRecord(system=system, run=run, **given, **at(day)))

    def prefix(
        self, prefix_id: str, prefix: str = "10.0.0.0/24", vrf: str = "main", *, container: bool = False
    ) -> None:
        """Add a prefix of department `a`."""
        self._departments("a")
        self._put("vrfs", Vrf(id=vrf, name_zh=vrf))
        self._put("zones", Zone(id="dc", name_zh="区", name_en="zone"))
        self._put(
            "prefixes",
            Prefix(id=prefix_id, prefix=prefix, vrf=vrf, zone="dc", department="a", container=container),
        )

    def host(self, host_id: str, address: str = "10.0.0.1", prefix: str = "lan", *more: tuple[str, str, str]) -> None:
        """Add a host with eth0 in *prefix* and further interfaces (name, prefix, address)."""
        if prefix not in self.kinds.get("prefixes", {}):
            self.prefix(prefix)
        self.site("hall")
        ways = (("eth0", prefix, address), *more)
        interfaces = tuple(Interface(name=name, prefix=p, address=a) for name, p, a in ways)
        place = {"department": "a", "site": "hall", "zone": "dc", "os": "debian-12"}
        self._put("hosts", Host(id=host_id, interfaces=interfaces, **place))

    def flow(self, flow_id: str, server: str, *services: str) -> None:
        """Let the prefix `lan` reach a host by *services*."""
        ends = {"clients": Ends(prefixes=("lan",)), "servers": Ends(hosts=(server,))}
        given = {"why": "-", "department": "a", "until": date(2019, 12, 31)}
        self._put("flows", Flow(id=flow_id, services=services, **ends, **given))

    def covered(self, host: str, table: type[Fact], status: str = "ok", day: date = AS_OF, run: str = "") -> None:
        """Say how the collection of *table* from a host ended."""
        self.rows.append(Coverage(host=host, table=table.__name__, status=status, run=run, **at(day)))

    def listens(self, host: str, port: str, address: str = "0.0.0.0", run: str = "", day: date = AS_OF) -> None:  # noqa: S104 - data
        """Add a socket, *port* as `443/tcp`, of the process `p`."""
        number, _, protocol = port.partition("/")
        given = {"host": host, "protocol": protocol, "port": int(number), "address": address, "process": "p"}
        self.rows.append(Listener(**given, run=run, **at(day)))

    def saw(self, host: str, address: str, interface: str = "eth0", state: str = "reachable") -> None:
        """Add an address that a host has in its neighbour table."""
        self.rows.append(Neighbour(host=host, interface=interface, address=address, state=state, **at()))

    def carries(self, host: str, address: str, interface: str = "eth0") -> None:
        """Add an address, with its length, that a host has on an interface."""
        self.rows.append(InterfaceAddress(host=host, interface=interface, address=address, **at()))

    def city(self) -> City:
        """Return the city so far."""
        profile = Profile(id="test", name_zh="测试市", name_en="Test", region_code="211400")
        return City(profile=profile, **self.kinds)

    def facts(self, as_of: date = AS_OF) -> Facts:
        """Return the city with its evidence as of a day."""
        return Facts.of_rows(self.city(), as_of, self.rows)

    def judged(self, mandate: Mandate, *decisions: Decision, as_of: date = AS_OF, only: Iterable[str] = ()) -> Audit:
        """Return the audit by a whole mandate."""
        return audit(self.facts(as_of), mandate, decisions, tuple(only))

    def audit(self, check: str, *decisions: Decision, as_of: date = AS_OF, **parameters: object) -> list[Finding]:
        """Return the findings of one check with these parameters."""
        found = self.judged(
            law(duty("R20", binding(check, **parameters), *self.beside)), *decisions, as_of=as_of
        ).findings
        return [finding for finding in found if finding.check == check]

    def one(self, check: str, *decisions: Decision, as_of: date = AS_OF, **parameters: object) -> Finding:
        """Return the only finding of one check."""
        (finding,) = self.audit(check, *decisions, as_of=as_of, **parameters)
        return finding


__all__ = ["AS_OF", "Build", "Classified", "Component", "InnerNetwork", "at", "binding", "decision", "duty", "law"]
