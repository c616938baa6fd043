"""Which format a log has, told from a sample of its lines, and why. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address

from egov.collect.logs.convert import is_haproxy, is_json, is_w3c
from egov.errors import UsageError

# The form that other formats are converted to.
CONVERTED = "vhost-combined-forwarded"
# Below this share of lines that fit, a format is no guess but a hope.
_ENOUGH = 0.5


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of one file are to be cut: the SQL file, what to fill in there, and why it was taken for that."""

    name: str
    family: str
    why: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A format: its name, what its lines show, and the test of one line."""

    name: str
    family: str
    shows: str
    fits: Callable[[str], bool]


_TIME = r"\[\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}\]"
_ZONE = re.compile(r'^[^"]*:\d\d ([+-]\d{4})\] "')
_QUOTED = re.compile(rf'(?P<head>[^"]*) {_TIME} "(?:[^"\\]|\\.)*" (?:\d{{3}}|-) [\d-]+(?P<tail>.*)\Z')
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FORWARDED = re.compile(r"-|[0-9A-Fa-f.:]+(?:, ?[0-9A-Fa-f.:]+)*")
_THREE, _FOUR = 3, 4  # words before the time, and strings of a line


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(2**12)  # every format with quotes asks it of the same sample
def _quoted(line: str) -> tuple[bool, int, bool] | None:
    """Say of a line whether a host stands first, how many quoted strings it has, and if the last is an address."""
    match = _QUOTED.match(line)
    if match is None:
        return None
    words = match["head"].split(" ")
    host_first = len(words) > _THREE and _is_address(words[1]) and not (_is_address(words[0]) and words[1] == "-")
    strings = _STRING.findall(match["tail"])
    forwarded = len(strings) == _THREE and bool(_FORWARDED.fullmatch(strings[2]))
    return host_first, 1 + len(strings), forwarded


def _shape(host_first: bool, strings: int, forwarded: bool) -> Callable[[str], bool]:  # noqa: FBT001 - a row of a table
    return lambda line: _quoted(line) == (host_first, strings, forwarded)


def _shapes() -> list[_Kind]:
    found = []
    for host_first, word in ((False, ""), (True, "vhost-")):
        host = "host " if host_first else ""
        head = f'{host}client ident user [time zone] "request" status bytes'
        found += [
            _Kind(f"{word}common", "quoted", head, _shape(host_first, 1, forwarded=False)),
            _Kind(f"{word}combined", "quoted", f'{head} "referer" "agent"', _shape(host_first, 3, forwarded=False)),
            _Kind(
                f"{word}combined-forwarded", "quoted", f'{head} "referer" "agent" "forwarded for"',
                _shape(host_first, _FOUR, forwarded=True),
            ),
        ]  # fmt: skip
    return found


KINDS: tuple[_Kind, ...] = (
    *_shapes(),
    _Kind("w3c", "w3c", "W3C extended log (IIS): columns as #Fields names them, UTC", is_w3c),
    _Kind("json", "json", "an object with client, time and status", is_json),
    _Kind(
        "haproxy", "haproxy", 'client:port [time] frontend backend/server timers status bytes … "request"', is_haproxy
    ),
)
NAMES = tuple(kind.name for kind in KINDS)


def detect(place: str, sample: Sequence[str], named: str | None = None) -> Layout:
    """Return the layout that most sampled lines fit; UsageError, with a line, if no format fits half of them."""
    lines = [line for line in sample if line.strip()]
    fitting = Counter({kind.name: sum(map(kind.fits, lines)) for kind in KINDS if named in {None, kind.name}})
    name, count = fitting.most_common(1)[0]
    kind = next(kind for kind in KINDS if kind.name == name)
    if not lines or (count < _ENOUGH * len(lines) and named is None):
        shown = next(iter(lines), "")[:120]
        message = (
            f"{place}: no known log format: the best guess, {name}, fits {count} of {len(lines)} sampled lines; "
            f"the first is {shown!r}. Name the format with --log-format, one of {', '.join(NAMES)}"
        )
        raise UsageError(message)
    others = "".join(f", {n} {other}" for other, n in fitting.most_common() if n and other != name)
    said = "named by --log-format; " if named else ""
    why = f"{said}{count} of {len(lines)} sampled lines read as {kind.shows}{others}"
    return Layout(name, kind.family, why, _parts(kind, lines))


def _parts(kind: _Kind, lines: Sequence[str]) -> dict[str, str]:
    """Return what the SQL files need to know of these lines."""
    form = kind.name if kind.family == "quoted" else CONVERTED
    host_first, plain = form.startswith("vhost-"), form.removeprefix("vhost-")
    zones = Counter(match[1] for line in lines if (match := _ZONE.search(line)))
    return {
        "host_first": str(host_first).lower(),
        "head_client": "split_part(head, ' ', 2)" if host_first else "left(head, instr(head, ' ') - 1)",
        "pieces": str({"common": 3, "combined": 7, "combined-forwarded": 9}[plain]),
        "agent": "cast(null as string)" if plain == "common" else "piece(pieces, 6)",
        "forwarded": "piece(pieces, 8)" if plain == "combined-forwarded" else "cast(null as string)",
        "usual_zone": zones.most_common(1)[0][0] if zones else "+0000",
    }
