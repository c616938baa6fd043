"""Logs that are not cut at quotes → lines of the form that is: W3C (IIS), JSON lines, HAProxy.

One line becomes one line: host client ident user [time zone] "request" status bytes "referer" "agent" "forwarded".
What cannot be read as its format stays as it was, and so becomes an unread line. A log that names no agent at all
gives `?`: nobody is told to be a machine by what a log leaves out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from egov.collect.logs.reading import LogText, decoded, text_before

_LATEST = 4102444800  # 2100-01-01: a larger number of seconds is one of milliseconds
_CONTROL = re.compile(r'[\x00-\x1f"\x7f]')


@dataclass(frozen=True, slots=True)
class Request:
    """What a line says; `at` has a zone."""

    client: str
    at: datetime
    status: str
    request: str
    host: str = "-"
    user: str = "-"
    size: str = "-"
    referer: str = "-"
    agent: str = "?"
    forwarded: str = "-"

    def line(self) -> str:
        """Return the line, without what would end it or a part of it."""
        head = " ".join(_word(text) for text in (self.host, self.client, "-", self.user))
        strings = " ".join(f'"{_inside(text)}"' for text in (self.referer, self.agent, self.forwarded))
        time = f"{self.at:%d}/{_MONTHS[self.at.month - 1]}/{self.at:%Y:%H:%M:%S %z}"
        return f'{head} [{time}] "{_inside(self.request)}" {_word(self.status)} {_word(self.size)} {strings}'


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LineReader = Callable[[str], Request | None]


def _inside(text: str) -> str:
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _word(text: str) -> str:
    return _inside(text).replace(" ", "_") or "-"


def converted(log: LogText, family: str, timezone: str, work: Path) -> LogText:
    """Return the log with its text converted; `lines` then leaves out the directives of a W3C log."""
    target = work / f"{log.content_sha256[:16]}.{family}"
    lines = 0
    with log.text.open("rb") as source, target.open("w", encoding="utf-8", newline="\n") as out:
        reader = _READERS[family](log, ZoneInfo(timezone))
        for raw in source:
            text = decoded(raw.rstrip(b"\r\n"))
            request = reader(text)
            if request is None and family == "w3c" and text.startswith("#"):
                continue
            lines += 1
            out.write((text if request is None else request.line()) + "\n")
    if log.text != log.path:
        log.text.unlink()
    return replace(log, text=target, lines=lines, encoding="utf-8")


def _w3c(log: LogText, _: ZoneInfo) -> LineReader:
    """W3C extended log file format (working draft WD-logfile-960323), as IIS writes it: UTC, `+` for a space.

    `#Fields:` may come again and change what the columns are.
    """
    fields = [b.decode("ascii", "replace") for b in text_before(log, b"#Fields:").split()]

    def read(text: str) -> Request | None:
        nonlocal fields
        if text.startswith("#"):
            if text.startswith("#Fields:"):
                fields = text.removeprefix("#Fields:").split()
            return None
        words = text.split(" ")
        if len(words) != len(fields):
            return None
        row = dict(zip(fields, words, strict=True))
        try:
            at = datetime.fromisoformat(f"{row['date']} {row['time']}").replace(tzinfo=UTC)
            query = row.get("cs-uri-query", "-")
            target = row["cs-uri-stem"] + (f"?{query}" if query != "-" else "")
            return Request(
                client=row["c-ip"], at=at, status=row["sc-status"], size=row.get("sc-bytes", "-"),
                request=f"{row['cs-method']} {target} {row.get('cs-version', 'HTTP/1.1')}",
                host=row.get("cs-host", "-"), user=row.get("cs-username", "-"), referer=row.get("cs(Referer)", "-"),
                agent=row.get("cs(User-Agent)", "?").replace("+", " "), forwarded=row.get("X-Forwarded-For", "-"),
            )  # fmt: skip
        except (KeyError, ValueError):
            return None

    return read


# What programs call a part of a request in JSON; a dot leads into an object.
_KEYS = {
    "client": ("remote_addr", "clientip", "client_ip", "remote_ip", "request.remote_ip", "source.ip", "client", "ip"),
    "time": ("time_local", "time_iso8601", "@timestamp", "timestamp", "time", "ts", "msec"),
    "status": ("status", "status_code", "response", "http.response.status_code"),
    "request": ("request",),
    "method": ("request_method", "method", "request.method", "http.request.method", "verb"),
    "target": ("request_uri", "uri", "request.uri", "path", "url", "url.original"),
    "host": ("http_host", "host", "request.host", "server_name", "vhost"),
    "user": ("remote_user", "user"),
    "size": ("body_bytes_sent", "bytes_sent", "bytes", "size"),
    "referer": ("http_referer", "referer", "referrer"),
    "agent": ("http_user_agent", "user_agent", "agent", "useragent", "user_agent.original"),
    "forwarded": ("http_x_forwarded_for", "x_forwarded_for", "xff"),
}


def _found(data: Mapping[str, Any], part: str) -> str | None:
    for key in _KEYS[part]:
        value: Any = data.get(key)
        if value is None and "." in key:
            value = data
            for name in key.split("."):
                value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, (str, int, float)):
            return str(value)
    return None


def _time(text: str, zone: ZoneInfo) -> datetime:
    """Return a moment as JSON logs write it; one without a zone is the city's. ValueError if it is none."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        seconds = float(text)
        return datetime.fromtimestamp(seconds / 1000 if seconds > _LATEST else seconds, UTC)
    local = re.fullmatch(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):([\d:]{8}) ([+-]\d{4})", text)
    if local:
        day, month, year, clock, offset = local.groups()
        text = f"{year}-{_MONTHS.index(month) + 1:02}-{day}T{clock}{offset}"
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _json(_: LogText | None, zone: ZoneInfo) -> LineReader:
    def read(text: str) -> Request | None:
        try:
            data = json.loads(text)
            if not isinstance(data, dict):
                return None
            parts = {name: value for name in _KEYS if (value := _found(data, name)) is not None}
            request = parts.pop("request", "")
            method, target = parts.pop("method", "GET"), parts.pop("target", "")
            at = _time(parts.pop("time"), zone)
            return Request(at=at, request=request or f"{method} {target} HTTP/1.1", **parts)
        except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
            return None

    return read


# HAProxy's HTTP log (configuration manual, 8.2.3): after the syslog header, client:port [accept date] … "request".
_HAPROXY = re.compile(
    r"(?:.*?: )?(?P<client>[0-9A-Fa-f.:]+):\d+ \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:[\d:]{8})(?:\.\d+)?\] \S+ \S+ "
    r"[-+\d/]+ (?P<status>-?\d+) \+?(?P<size>\d+) \S+ \S+ \S+ [+\d/]+ \d+/\d+ "
    r'(?P<captured>.*)"(?P<request>[^"]*)"?\s*\Z'
)


def _haproxy(_: LogText | None, zone: ZoneInfo) -> LineReader:
    """HAProxy writes its own clock without a zone: the city's. Of captured headers the longest is the agent."""

    def read(text: str) -> Request | None:
        match = _HAPROXY.match(text)
        if match is None:
            return None
        try:
            at = datetime.strptime(match["time"], "%d/%b/%Y:%H:%M:%S").replace(tzinfo=zone)
        except ValueError:
            return None
        captured = [part for group in re.findall(r"\{([^}]*)\}", match["captured"]) for part in group.split("|")]
        agent = max(captured, key=len, default="")
        status = match["status"] if match["status"] != "-1" else "000"
        return Request(
            client=match["client"], at=at, status=status, size=match["size"], request=match["request"],
            agent=agent if " " in agent or "/" in agent else "?",
        )  # fmt: skip

    return read


_W3C = re.compile(r"#(?:Software|Version|Date|Fields|Remark|Start-Date|End-Date):|\d{4}-\d\d-\d\d [\d:]{8} \S+ ")
_READERS: Mapping[str, Callable[[LogText, ZoneInfo], LineReader]] = {"w3c": _w3c, "json": _json, "haproxy": _haproxy}
_ANY_ZONE = ZoneInfo("UTC")


def is_json(line: str) -> bool:
    """Say whether a line is a request as JSON."""
    return line.lstrip().startswith("{") and _json(None, _ANY_ZONE)(line) is not None


def is_haproxy(line: str) -> bool:
    """Say whether a line is a request as HAProxy logs it."""
    return _HAPROXY.match(line) is not None


def is_w3c(line: str) -> bool:
    """Say whether a line can be one of a W3C log: a directive, or a row that begins with its date and time."""
    return _W3C.match(line) is not None
