"""The SQL files, with what a city and a log fill into them. Both engines run the same text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

_FOLDER = Path(__file__).parent / "sql"
_PLACE = re.compile(r"\{([a-z_]+)\}")
# An address or a host name, with a zone or port.
_CLIENT = "^[0-9A-Za-z:][0-9A-Za-z._:%-]{0,254}$"
# Parts of statements that several of them share.
_SHARED = ("parts", "is_request", "kind", "first_of_path", "own_date", "part", "zone_minutes")
_LOGIN = "(?i)(login|signin|logon|passport|oauth|j_security_check|/cas/|/sso/|doauth)"
# What only somebody sends who looks for a hole: ways out of the root, queries, scripts, the pages of others' tools.
_PAYLOAD = (
    r"(?i)(\.\./|%2e%2e|etc/passwd|boot\.ini|cmd\.exe|web-inf|/cgi-bin/"
    r"|union(\+|%20| |/\*)+(all|select)|select(\+|%20| ).{1,40}(from|sleep)|waitfor|benchmark\("
    r"|<script|%3cscript|jndi:|\$\{|%24%7b|invokefunction|eval-stdin|acunetix"
    r"|wp-login|wp-admin|xmlrpc\.php|phpmyadmin|/actuator|/manager/html|/solr/"
    r"|/\.env|/\.git/|/\.svn/|\.(bak|sql|swp|old)( |\?))"
)


@dataclass(frozen=True, slots=True)
class Clock:
    """The city's time zone, and the zone logs write if it has been one for as long as there are logs."""

    timezone: str

    @property
    def zone(self) -> str:
        """The zone as logs write it (`+0800`); empty where the clock is put forward in summer."""
        zone = ZoneInfo(self.timezone)
        days = (datetime(year, month, 1, tzinfo=zone) for year in range(1995, 2041) for month in (1, 7))
        offsets = {day.strftime("%z") for day in days}
        return offsets.pop() if len(offsets) == 1 else ""

    @property
    def minutes(self) -> str:
        """The minutes of its offset: whether the hours of another zone can be told apart by whole hours."""
        offset = datetime(2018, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(self.timezone)).utcoffset() or timedelta()
        return f"{int(offset.total_seconds()) // 60 % 60:02}"


def statement(name: str, parts: Mapping[str, str], clock: Clock) -> str:
    """Return one SQL file without its comments, with *parts* and what all files share filled in."""
    shared = {
        "timezone": clock.timezone,
        "city_zone": clock.zone or "none",
        "city_minutes": clock.minutes,
        "client": _CLIENT,
        "login": _LOGIN,
        "payload": _PAYLOAD,
        **{name: _text(name) for name in _SHARED},
    } | dict(parts)
    text = _text(name)
    while any(match[1] in shared for match in _PLACE.finditer(text)):
        text = _PLACE.sub(lambda match: shared.get(match[1], match[0]), text)
    return text


@cache
def _text(name: str) -> str:
    lines = (_FOLDER / f"{name}.sql").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).strip()
