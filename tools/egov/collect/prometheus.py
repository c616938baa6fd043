"""Days of a host's use (ResourceDay) asked of a Prometheus server that scrapes node exporters; its answers are kept.

HTTP API: GET /api/v1/query_range (prometheus.io, "HTTP API", range queries). Asked day by day of the city, so that what
is in memory at once is a day, and a server's limit of 11,000 points a series is far.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

from egov.city import City
from egov.collect.metrics import Reading, Sample, TakenIn, Trace, days, range_query, unread_row
from egov.errors import CollectionError, UsageError
from egov.facts import RunWriter

# Of node_exporter 1.x. By instance, as the host's own address is what the description knows.
QUERIES = {
    "cpu": '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
    "memory": "max by (instance) (1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)",
    "network": 'sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[5m])'
    ' + rate(node_network_transmit_bytes_total{device!="lo"}[5m]))',
    "disk": "sum by (instance) (rate(node_disk_read_bytes_total[5m]) + rate(node_disk_written_bytes_total[5m]))",
}
_WAIT_SECONDS = 60
_MOST_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Server:
    """A Prometheus, the bearer token it wants, and the seconds between the points asked for."""

    url: str
    token: str | None = None
    step: int = 300

    def __post_init__(self) -> None:
        """Refuse (UsageError) what is no address of a server."""
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            message = f"{self.url!r} is no http:// or https:// address of a Prometheus (a token goes to --token-file)"
            raise UsageError(message)

    def address(self, query: str, start: datetime, end: datetime) -> str:
        """Return the address of a range query."""
        given = {"query": query, "start": start.timestamp(), "end": end.timestamp(), "step": self.step}
        return f"{self.url.rstrip('/')}/api/v1/query_range?{urlencode(given)}"

    def ask(self, address: str) -> bytes:
        """Return the answer; CollectionError says what the server, or the way to it, said instead."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = Request(address, headers=headers)  # noqa: S310 - http or https, as __post_init__ made sure
        try:
            with urlopen(request, timeout=_WAIT_SECONDS) as response:  # noqa: S310 - the same
                answer: bytes = response.read(_MOST_BYTES + 1)
        except HTTPError as error:
            message = f"{self.url} answered {error.code}: {_said(error.read(4096)) or error.reason}"
            raise CollectionError(message) from None
        except (URLError, OSError) as error:
            message = f"{self.url} cannot be asked: {getattr(error, 'reason', error)}"
            raise CollectionError(message) from None
        if len(answer) > _MOST_BYTES:
            message = f"{self.url} answered with more than {_MOST_BYTES >> 20} MiB for a day; take a larger --step"
            raise CollectionError(message)
        return answer


def take_in(evidence: Path, city: City, server: Server, first: date, last: date) -> TakenIn:
    """Take in what a server knows of the described hosts from the first day to the last, as one run.

    Series of other instances and warnings of the server are kept as unread. CollectionError where there is nothing.
    """
    zone, now = ZoneInfo(city.profile.timezone), datetime.now(UTC)
    source = f"{server.url}, node exporter, every {server.step} s"
    counts: dict[str, int] = defaultdict(int)
    unread = 0
    with RunWriter.begin(evidence, "metrics", [f"query_range {query}" for query in QUERIES.values()], now) as run:
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
            samples: list[Sample] = []
            for measure, query in QUERIES.items():
                name = f"{measure}-{day}.json"
                answer = server.ask(server.address(query, *_bounds(day, zone, server.step)))
                run.raw(f"{name}.gz", gzip.compress(answer, mtime=0))
                reading = _read(answer, measure, server, city)
                samples += reading.samples
                unread += len(reading.unread)
                for line, text, reason in reading.unread:
                    run.add(unread_row(name, line, text, reason, now))
            for row in days(samples, zone, now, source):
                run.add(row)
                counts[row.host] += 1
        if not counts:
            message = f"{server.url} knows nothing of any described host from {first} to {last}"
            raise CollectionError(message)
    return TakenIn(run.id, QUERIES, dict(counts), unread)


def _bounds(day: date, zone: ZoneInfo, step: int) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a day that is asked for; the next day's first is the next day's."""
    start, end = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    return start, end - timedelta(seconds=step)


def _read(answer: bytes, measure: str, server: Server, city: City) -> Reading:
    """Return the described hosts' samples, and what is not theirs as unread."""
    try:
        data = json.loads(answer)
        warnings = [str(warning) for warning in data.get("warnings") or ()]
        reading = range_query(data, Trace(measure=measure, interval=server.step), city)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{server.url} gave no answer to a range query: {error!r}; it begins {answer[:40]!r}"
        raise CollectionError(message) from None
    strangers = sorted({sample.host for sample in reading.samples} - {*city.hosts})
    reading.samples = [sample for sample in reading.samples if sample.host in city.hosts]
    reading.unread += [(0, stranger, "instance is no address of a described host") for stranger in strangers]
    reading.unread += [(0, warning, "the server's warning") for warning in warnings]
    return reading


def _said(body: bytes) -> str:
    """Return what the API's JSON of an error says, shortened; "" if it is none."""
    try:
        data: Any = json.loads(body)
        return f"{data['errorType']}: {data['error']}"[:300]
    except (ValueError, KeyError, TypeError):
        return ""
