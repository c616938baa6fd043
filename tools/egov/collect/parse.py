"""What a host printed → rows. One pure function per probe; a line that cannot be read is a row of `Unread`.

Formats: dpkg-query(1), rpm(8), systemctl(1) list-units, ss(8), ip(8), lastlog(8), df(1) -P, proc(5).
Real output of several platforms lies as fixtures under tests/collect/hosts/.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

Row = dict[str, Any]
UnreadLine = tuple[int, str, str]
Found = tuple[list[Row], list[UnreadLine]]
_MOUNT_FIELDS = 6


class Unreadable(ValueError):  # noqa: N818 - a line, not a failure of ours
    """A line that has not the form its program documents."""


def rows_of(text: str, parse: Callable[[str], Row | None]) -> Found:
    """Return a row for every line that *parse* reads; (line number, line, reason) for every one that it cannot."""
    rows: list[Row] = []
    unread: list[UnreadLine] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.isspace():
            continue
        try:
            row = parse(line)
        except (ValueError, IndexError, KeyError, OverflowError) as error:
            unread.append((number, line, str(error) or type(error).__name__))
        else:
            if row is not None:
                rows.append(row)
    return rows, unread


def moment(seconds: str) -> datetime:
    """Return the UTC time of seconds since the epoch; ValueError outside 1990-2100, where no host's clock is right."""
    value = float(seconds)
    if not 631152000 <= value <= 4102444800:  # noqa: PLR2004 - 1990-01-01, 2100-01-01
        message = f"no plausible time: {seconds}"
        raise Unreadable(message)
    return datetime.fromtimestamp(value, UTC)


def system(text: str) -> Row:
    """Return hostname, kernel, architecture and os-release of the probe `system`."""
    lines = text.split("\n")
    release: dict[str, str] = {}
    for line in lines[3:]:
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            words = shlex.split(value)
            release[name] = words[0] if words else ""
    return {
        "hostname": lines[0],
        "kernel": lines[1],
        "architecture": lines[2],
        "name": release["ID"],
        "version": release.get("VERSION_ID", ""),
    }


def dpkg(line: str) -> Row | None:
    """Return an installed package of dpkg; None for one that is only known or half there."""
    status, name, version, architecture = line.split("|")
    if status.strip() not in {"ii", "hi"}:
        return None
    return {"name": name, "version": version, "architecture": architecture}


def dpkg_changed(text: str) -> dict[str, datetime]:
    """Return the last change of each package's file list, by package (with `:arch` where dpkg names it so)."""
    found = {}
    for line in text.split("\n"):
        seconds, _, name = line.partition(" ")
        if name.endswith(".list"):
            found[name.removesuffix(".list")] = moment(seconds)
    return found


def rpm(line: str) -> Row:
    """Return an installed package of RPM."""
    name, version, architecture, installed = line.split("|")
    return {"name": name, "version": version, "architecture": architecture, "changed_at": moment(installed)}


def service(line: str) -> Row:
    """Return a unit of `systemctl list-units --plain`; a marker in front says that something is wrong with it."""
    unit, load, active, sub = line.replace("●", " ").split()[:4]
    if not unit.endswith(".service"):
        message = f"no service: {unit}"  # a complaint of systemctl's
        raise Unreadable(message)
    return {"unit": unit, "load": load, "active": active, "sub": sub}


_OTHER_PROTOCOLS = frozenset({"icmp", "icmp6", "raw", "sctp", "dccp", "mptcp", "???"})
_PROCESS = re.compile(r'users:\(\("([^"]*)"')


def listener(line: str) -> Row | None:
    """Return a socket of `ss -H -l -n -t -u -p`; None for protocols that others do not reach."""
    words = line.split(maxsplit=6)
    protocol, local = words[0], words[4]
    if protocol in _OTHER_PROTOCOLS:
        return None
    if protocol not in {"tcp", "udp"}:
        message = f"no protocol: {protocol}"  # a complaint of ss's
        raise Unreadable(message)
    address, _, port = local.rpartition(":")
    process = _PROCESS.search(line)
    return {
        "protocol": protocol,
        "address": _bare(address),
        "port": int(port),
        "process": process[1] if process else None,
    }


def _bare(address: str) -> str:
    address = address.replace("[", "").replace("]", "")  # [::1], [fe80::1%eth0] and [fe80::1]%eth0 all occur
    if address == "*":
        return "::"
    bare, percent, zone = address.partition("%")
    return _written(bare) + percent + zone


def _written(address: str | bytes) -> str:
    """Return an address in the one form that every version of Python writes; ValueError if it is none."""
    parsed = ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return f"::ffff:{mapped}" if mapped else str(parsed)


_LISTEN, _UNCONNECTED = "0A", "07"


def listener_proc(line: str) -> Row | None:
    """Return a listening socket of /proc/net/{tcp,udp}[6]; None for others and for headings."""
    table, _, local, _, state = line.split()[:5]
    if table not in {"tcp", "tcp6", "udp", "udp6"}:
        message = f"no table: {table}"
        raise Unreadable(message)
    if local == "local_address" or state != (_LISTEN if table.startswith("tcp") else _UNCONNECTED):
        return None
    address, _, port = local.partition(":")
    raw = bytes.fromhex(address)
    words = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    return {"protocol": table.removesuffix("6"), "address": _written(words), "port": int(port, 16)}


def user(line: str) -> Row:
    """Return an account of passwd(5)."""
    name, _, uid, _, _, _, shell = line.split(":")
    return {"user": name, "uid": int(uid), "shell": shell}


def passwords(text: str) -> dict[str, str]:
    """Return whether each account's password is set, locked or empty; the hash itself never leaves the host."""
    pairs = (line.split(":") for line in text.split("\n") if line.count(":") == 1)
    return {name: state for name, state in pairs if state in {"set", "locked", "empty"}}


_LOGIN = re.compile(r"^(\S+)\s.*\s(\w{3} +\w{3} +\d+ \d\d:\d\d:\d\d [-+]\d{4} \d{4})$")


def last_logins(text: str) -> dict[str, datetime]:
    """Return the last login of each account that ever logged in."""
    found = {}
    for line in text.split("\n"):
        if match := _LOGIN.match(line.rstrip()):
            latest = " ".join(match[2].split())
            found[match[1]] = datetime.strptime(latest, "%a %b %d %H:%M:%S %z %Y").astimezone(UTC)
    return found


def resources(text: str) -> Row:
    """Return counters of proc(5); busy time is all but idle and iowait."""
    lines = text.split("\n")
    ticks = int(lines[1])
    counters = [int(word) for word in lines[4].split()[1:9]]
    memory = dict(re.findall(r"(?m)^(Mem\w+):\s+(\d+) kB$", text))
    received = sent = 0
    for name, values in re.findall(r"(?m)^\s*([^\s:]+):((?:\s+\d+){16})\s*$", text):
        if name != "lo":
            received += int(values.split()[0])
            sent += int(values.split()[8])
    return {
        "cpu_count": int(lines[0]),
        "load_1m": float(lines[2].split()[0]),
        "cpu_busy_seconds": (sum(counters) - counters[3] - counters[4]) / ticks,
        "uptime_seconds": float(lines[3].split()[0]),
        "memory_total_bytes": int(memory["MemTotal"]) * 1024,
        "memory_available_bytes": int(memory["MemAvailable"]) * 1024,
        "network_received_bytes": received,
        "network_sent_bytes": sent,
    }


def mount(line: str) -> Row:
    """Return a mount of /proc/mounts."""
    words = line.split(" ")
    if len(words) != _MOUNT_FIELDS or not (words[4] + words[5]).isdigit():
        message = "not the six fields of fstab(5)"
        raise Unreadable(message)
    device, path, kind = (_unescaped(word) for word in words[:3])
    return {"device": device, "path": path, "kind": kind}


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), word) if "\\" in word else word


def disks(text: str) -> dict[str, tuple[int, int]]:
    """Return size and use in bytes of local file systems by mount point, from `df -k -P -l`."""
    found = {}
    for line in text.split("\n")[1:]:
        words = line.split(maxsplit=5)
        if len(words) == 6 and words[1].isdigit() and words[2].isdigit():  # noqa: PLR2004 - columns of df -P
            found[words[5]] = (int(words[1]) * 1024, int(words[2]) * 1024)
    return found


def route(line: str) -> Row | None:
    """Return a route of `ip route show`; None for continuation lines of multipath routes, whose head is read."""
    words = line.split()
    if words[0] == "nexthop":
        return None
    if words[0] in {"unreachable", "blackhole", "prohibit", "throw"}:
        return {"destination": words[1], "interface": words[0]}
    if words[0] in {"unicast", "local", "broadcast", "multicast", "anycast", "nat"}:
        words = words[1:]
    if words[0] != "default":
        ip_network(words[0], strict=False)
    return {"destination": words[0], "gateway": _after("via", words), "interface": _after("dev", words) or ""}


def _after(key: str, words: list[str]) -> str | None:
    if key not in words:
        return None
    value = words[words.index(key) + 1]
    return words[words.index(key) + 2] if value in {"inet", "inet6"} else value


def address(line: str) -> Row:
    """Return an address of `ip -o address show`."""
    words = line.split()
    if words[2] not in {"inet", "inet6"}:
        message = "neither inet nor inet6"
        raise Unreadable(message)
    return {"interface": words[1].partition("@")[0], "address": words[3]}


def link_addresses(text: str) -> dict[str, str]:
    """Return the hardware address of each interface, from `ip -o link show`."""
    return dict(re.findall(r"(?m)^\d+: ([^:@\s]+)[^:]*:.*link/ether ([0-9a-f:]{17})", text))


def neighbour(line: str) -> Row:
    """Return an entry of `ip neighbour show`."""
    words = line.split()
    return {
        "address": str(ip_address(words[0])),
        "interface": _after("dev", words) or "",
        "mac": _after("lladdr", words),
        "state": words[-1].lower(),
    }


def hardware(text: str) -> Row | None:
    """Return what the firmware says; None where there is none to ask."""
    names = {"sys_vendor": "vendor", "product_name": "product", "product_serial": "serial"}
    values = dict(line.partition("=")[::2] for line in text.split("\n"))
    row = {field: values.get(name, "").strip() or None for name, field in names.items()}
    return row if any(row.values()) else None


def log_file(line: str) -> Row:
    """Return a file below /var/log."""
    size, seconds, path = line.split(" ", 2)
    return {"path": path, "size_bytes": int(size), "modified_at": moment(seconds)}


def ruleset(text: str) -> Row:
    """Return what `nft -j list ruleset` printed; Unreadable if it is not that."""
    data = json.loads(text)
    if not isinstance(data, dict) or not isinstance(data.get("nftables"), list):
        message = "not what `nft -j list ruleset` prints"
        raise Unreadable(message)
    return {"text": text.strip()}
