"""Every kind of observed row. One frozen class per table; Parquet schema, templates and docs derive from it.

A field's type gives its Parquet type; its metadata its meaning and unit. Times are UTC. `about` names, per kind of
described thing, the field that holds its id, so that `Facts.latest(Table, thing)` finds the rows of one subject.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, ClassVar


def column(meaning: str, **options: Any) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Return a dataclass field with its meaning (and unit) for schema, templates and docs."""
    return field(metadata={"meaning": meaning}, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One observed row and where it came from."""

    about: ClassVar[dict[str, str]] = {}

    observed_at: datetime = column("When it was so (UTC)")
    collected_at: datetime = column("When it was taken in (UTC)")
    source: str = column("Host and command, or sheet and row")
    # Filled by the store on reading; not columns of the table's schema.
    run: str = field(default="", compare=False, metadata={"store": True})
    row: int = field(default=-1, compare=False, metadata={"store": True})
    sha256: str = field(default="", compare=False, metadata={"store": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Fact):
    """Says that a table was collected for one subject and window, or why not: absence is proved only by this row."""

    about: ClassVar[dict[str, str]] = {"hosts": "host", "rooms": "room"}

    table: str = column("Name of the table")
    host: str | None = column("Host it was collected from", default=None)
    room: str | None = column("Room it was surveyed in", default=None)
    status: str = column("ok | absent | partial | unreachable | auth-failed | host-key-changed | timeout | failed")
    reason: str = column("Why it is not ok", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostContact(Fact):
    """The outcome of one attempt to collect from a host."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    status: str = column("ok | partial | unreachable | auth-failed | host-key-changed | timeout")
    detail: str = column("Which probes failed, or the error", default="")
    seconds: float = column("Duration of the collection, s")
    clock_offset_s: float | None = column("Host's clock less ours, s", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingSystem(Fact):
    """The operating system a host runs."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    hostname: str = column("Name the host gives itself")
    name: str = column("os-release ID")
    version: str = column("os-release VERSION_ID")
    kernel: str = column("Kernel release")
    architecture: str = column("Machine hardware name")
    booted_at: datetime | None = column("Last boot (UTC)", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageState(Fact):
    """An installed package."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    name: str = column("Package")
    version: str = column("Version")
    architecture: str = column("Architecture")
    changed_at: datetime | None = column("Last time its files' list changed (UTC)", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState(Fact):
    """A system service."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    unit: str = column("Unit name")
    load: str = column("loaded | not-found | masked")
    active: str = column("active | inactive | failed …")
    sub: str = column("running | exited | dead …")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener(Fact):
    """A socket that accepts connections or datagrams."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    protocol: str = column("tcp | udp")
    address: str = column("Local address; 0.0.0.0 or :: for all")
    port: int = column("Local port")
    process: str | None = column("Name of the process, when readable", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Fact):
    """The first certificate of a file on a host; its key is never read."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    path: str = column("File it stands in")
    subject: str = column("Distinguished name of its holder (RFC 2253)")
    issuer: str = column("Distinguished name of the authority that signed it")
    valid_from: datetime = column("First moment of its validity (UTC)")
    valid_until: datetime = column("Last moment of its validity (UTC)")
    fingerprint: str = column("SHA-256 of the certificate, hexadecimal")


@dataclass(frozen=True, slots=True, kw_only=True)
class UserAccount(Fact):
    """An account on a host. No password data is ever collected, only whether one is set."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    user: str = column("Login name")
    uid: int = column("User id")
    shell: str = column("Login shell")
    password: str = column("set | locked | empty | unknown")
    last_login_at: datetime | None = column("Last login (UTC)", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse(Fact):
    """Counters of a host at one moment."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    cpu_count: int = column("Processors")
    load_1m: float = column("Load average over one minute")
    cpu_busy_seconds: float = column("Processor time not idle since boot, s")
    uptime_seconds: float = column("Time since boot, s")
    memory_total_bytes: int = column("Memory, bytes")
    memory_available_bytes: int = column("Memory available, bytes")
    network_received_bytes: int = column("Received since boot on all but loopback, bytes")
    network_sent_bytes: int = column("Sent since boot on all but loopback, bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount(Fact):
    """A mounted file system and its use."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    path: str = column("Mount point")
    device: str = column("Device or source")
    kind: str = column("File system type")
    size_bytes: int | None = column("Size, bytes", default=None)
    used_bytes: int | None = column("Used, bytes", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Fact):
    """An entry of a host's routing table."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    destination: str = column("Prefix, or default")
    gateway: str | None = column("Next hop", default=None)
    interface: str = column("Outgoing interface")


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceAddress(Fact):
    """An address on a host's interface."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    interface: str = column("Interface")
    address: str = column("Address with prefix length")
    mac: str | None = column("Hardware address", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour(Fact):
    """An address that a host has seen on its link (ARP, NDP)."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host that saw it")
    interface: str = column("Interface it was seen on")
    address: str = column("Neighbour's address")
    mac: str | None = column("Neighbour's hardware address", default=None)
    state: str = column("reachable | stale | delay | permanent …")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile(Fact):
    """A log file's size and last write: a cheap sign of life, never its content."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    path: str = column("Path below /var/log")
    size_bytes: int = column("Size, bytes")
    modified_at: datetime = column("Last write (UTC)")


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareSerial(Fact):
    """What the firmware says the machine is."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    vendor: str | None = column("Maker", default=None)
    product: str | None = column("Product", default=None)
    serial: str | None = column("Serial number", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSurvey(Fact):
    """A measured room, from a field sheet."""

    about: ClassVar[dict[str, str]] = {"rooms": "room"}

    room: str = column("Room id")
    area_m2: float = column("Floor area, m²")
    area_kind: str = column("usable (使用面积) | built (建筑面积)")
    measured_by: str = column("Who measured")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRecord(Fact):
    """A row of an asset count: a device seen (or not) in a room."""

    about: ClassVar[dict[str, str]] = {"devices": "device", "rooms": "room"}

    device: str | None = column("Device id, where the asset tag or serial matches one", default=None)
    room: str = column("Room it was looked for in")
    asset_tag: str = column("Asset tag on the sheet (资产编号)")
    serial: str | None = column("Serial number on the device", default=None)
    found: bool = column("Whether it stood there")
    original_value_cny: float | None = column("Original value in the ledger, CNY", default=None)
    counted_by: str = column("Who counted")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemRecord(Fact):
    """What the ledger of an approving or paying body says of a system."""

    about: ClassVar[dict[str, str]] = {"systems": "system", "departments": "department"}

    system: str | None = column("System id, where the ledger's name or number matches one", default=None)
    department: str = column("Department the ledger names")
    name_zh: str = column("Name in the ledger")
    function: str | None = column("Function in the ledger", default=None)
    scope: str | None = column("Scope of use in the ledger", default=None)
    frequency: str | None = column("Frequency of use in the ledger", default=None)
    approved_by: str | None = column("Approving body", default=None)
    approved_on: date | None = column("Day of approval", default=None)
    funding: str | None = column("Source of funds", default=None)
    ledger: str = column("Which ledger, kept by whom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread(Fact):
    """Something that was there and could not be read: a line, a probe's answer, a sheet's row. Never dropped."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str | None = column("Host it came from", default=None)
    place: str = column("File, probe or sheet")
    line: int = column("Line or row, from 1; 0 for the whole")
    text: str = column("The first 500 characters as found")
    reason: str = column("Why it could not be read")


@cache
def tables() -> dict[str, type[Fact]]:
    """Return all tables by name."""
    return {table.__name__: table for table in sorted(Fact.__subclasses__(), key=lambda t: t.__name__)}


def columns(table: type[Fact]) -> dict[str, tuple[str, bool]]:
    """Return a table's columns: name → (DuckDB type, may be null), without the store's own fields."""
    return _columns(table.__name__)


@cache
def _columns(name: str) -> dict[str, tuple[str, bool]]:
    table = tables()[name]
    names = {"str": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "date": "DATE"}
    names["datetime"] = "TIMESTAMP"
    hints = typing.get_type_hints(table)
    result = {}
    for f in fields(table):
        if f.metadata.get("store"):
            continue
        options = typing.get_args(hints[f.name])
        kind = next((o for o in options if o is not type(None)), hints[f.name])
        result[f.name] = (names[kind.__name__], type(None) in options)
    return result


def row_data(fact: Fact) -> dict[str, Any]:
    """Return the fact's columns as JSON-ready data, the same before it is stored and after it is read.

    Times as ISO text in UTC (one without a zone is taken for UTC), days as ISO text, whole numbers in columns of
    decimals as decimals.
    """
    names, values, conversions = _reading(type(fact).__name__)
    data = dict(zip(names, values(fact), strict=True))
    for name, convert in conversions:
        if data[name] is not None:
            data[name] = convert(data[name])
    return data


@cache
def _reading(table: str) -> _Reading:
    """Return a table's columns in order of name, what reads them from a row, and which to convert by what."""
    kinds = {name: kind for name, (kind, _) in sorted(_columns(table).items())}
    convert: dict[str, Callable[..., Any]] = {"TIMESTAMP": _utc_text, "DATE": date.isoformat, "DOUBLE": float}
    return tuple(kinds), attrgetter(*kinds), [(name, convert[kind]) for name, kind in kinds.items() if kind in convert]


_Reading = tuple[tuple[str, ...], Callable[[Fact], tuple[Any, ...]], list[tuple[str, Callable[..., Any]]]]


@lru_cache(maxsize=1024)  # all rows of a host were observed at one time
def _utc_text(time: datetime) -> str:
    moment = time.astimezone(UTC) if time.tzinfo else time
    return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def row_hash(table: str, data: dict[str, Any]) -> str:
    """Return the SHA-256 of a row: table name and canonical JSON of its columns."""
    return _hash(table, _canonical(data))


def row_line(fact: Fact) -> str:
    """Return the fact as a line of JSON for the store: its columns, and their hash as `row_sha256`."""
    text = _canonical(row_data(fact))
    return f'{text[:-1]},"row_sha256":"{_hash(type(fact).__name__, text)}"}}\n'


_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)
_SURROGATE = re.compile("[\ud800-\udfff]")


def _canonical(data: dict[str, Any]) -> str:
    """Return canonical JSON; half a surrogate pair, which no encoding of text holds, becomes U+FFFD."""
    text = _ENCODER.encode(data)
    return text if text.isascii() else _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _hash(table: str, text: str) -> str:
    return hashlib.sha256(f'["{table}",{text}]'.encode()).hexdigest()
