"""Range queries to a Prometheus with node exporters → files of its answers, which the traces' reader takes in."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from egov.collect.metrics import Trace
from egov.errors import CollectionError, UsageError

# What node exporter counts, per host: busy share of processors and memory, bytes a second on the network and disks.
QUERIES = {
    "cpu": '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[15m]))',
    "memory": "1 - sum by (instance) (node_memory_MemAvailable_bytes) / sum by (instance) (node_memory_MemTotal_bytes)",
    "network": (
        'sum by (instance) (rate(node_network_receive_bytes_total{device!="lo"}[15m]))'
        ' + sum by (instance) (rate(node_network_transmit_bytes_total{device!="lo"}[15m]))'
    ),
    "disk": (
        "sum by (instance) (rate(node_disk_read_bytes_total[15m]))"
        " + sum by (instance) (rate(node_disk_written_bytes_total[15m]))"
    ),
}
_STEP = timedelta(minutes=5)
_MOST = timedelta(days=30)  # of one query: Prometheus gives no more than 11,000 points of a series
_SECONDS = 120
_MOST_BYTES = 2**29


def ask(url: str, first: datetime, last: datetime, folder: Path) -> dict[Path, Trace]:
    """Write the answers of the server at *url* from *first* to *last* into *folder*; return what each measures.

    UsageError if the address is none of HTTP; CollectionError with what the server says if it does not answer.
    """
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        message = f"{url}: the address of a Prometheus begins with http:// or https://"
        raise UsageError(message)
    found: dict[Path, Trace] = {}
    for measure, query in QUERIES.items():
        for start, end in _parts(first, last):
            path = folder / f"{measure}-{start:%Y%m%dT%H%M%S}.json"
            path.write_bytes(_answer(url, query, start, end))
            found[path] = Trace(measure=measure, interval=_STEP.total_seconds())
    return found


def _parts(first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    while first <= last:
        yield first, min(first + _MOST - _STEP, last)
        first += _MOST


def _answer(url: str, query: str, start: datetime, end: datetime) -> bytes:
    asked = {"query": query, "start": start.timestamp(), "end": end.timestamp(), "step": _STEP.total_seconds()}
    address = f"{url.rstrip('/')}/api/v1/query_range?{urllib.parse.urlencode(asked)}"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as response:  # noqa: S310 - of HTTP, as checked
            raw: bytes = response.read(_MOST_BYTES)
        data = json.loads(raw)
        if data["status"] == "success" and data["data"]["resultType"] == "matrix":
            return raw
        said = str(data)[:200]
    except urllib.error.HTTPError as error:
        said = f"{error.code} {error.read(300).decode('utf-8', 'replace')}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = str(getattr(error, "reason", error))
    message = f"{url}: no answer to a range query: {said}"
    raise CollectionError(message)
