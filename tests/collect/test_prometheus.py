"""Range queries to a real Prometheus: what node exporters counted becomes the days of the hosts they stand for."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread

import pytest
from life_build import Life

from egov.collect.metrics import take_in
from egov.collect.prometheus import ask
from egov.errors import CollectionError, UsageError
from egov.facts import ResourceDay, Unread
from egov.facts.store import read_table

SERVER = shutil.which("prometheus", path=os.environ.get("EGOV_PROMETHEUS", os.environ["PATH"]))
# A day of the city (UTC+8) that ended before the server started; a count every five minutes.
END = datetime.now(UTC).replace(hour=16, minute=0, second=0, microsecond=0) - timedelta(days=2)
START, STEP = END - timedelta(days=1), 300


def counts() -> Iterator[str]:
    """Yield what two described hosts and a stranger counted: 25 % busy with 3,000 bytes a second, idle, and 100 %."""
    busy = {"10.0.0.2:9100": 0.25, "h2:9100": 0.0, "10.99.9.9:9100": 1.0}
    moments = [(n * STEP, START.timestamp() + n * STEP) for n in range(-12, 24 * 3600 // STEP + 1)]
    yield "# TYPE node_cpu_seconds counter"
    for host, share in busy.items():
        for passed, at in moments:
            labels = f'instance="{host}",cpu="0",mode="idle"'
            yield f"node_cpu_seconds_total{{{labels}}} {(passed + 3600) * (1 - share)} {at}"
    for way, rate in (("receive", 2000), ("transmit", 1000)):
        yield f"# TYPE node_network_{way}_bytes counter"
        for device, times in (("eth0", 1), ("lo", 100)):
            for passed, at in moments:
                labels = f'instance="10.0.0.2:9100",device="{device}"'
                yield f"node_network_{way}_bytes_total{{{labels}}} {(passed + 3600) * rate * times} {at}"
    yield "# EOF"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a Prometheus that holds these counts."""
    if SERVER is None:
        pytest.skip("needs Debian's prometheus, or its folder in EGOV_PROMETHEUS")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "counts").write_text("\n".join(counts()) + "\n", encoding="utf-8")
    (folder / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    made = [str(Path(SERVER).with_name("promtool")), "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run([*made, str(folder / "counts"), str(folder / "data")], check=True, capture_output=True)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "storage.tsdb.retention.time": "60d",
        "web.listen-address": url.removeprefix("http://"),
    }
    command = [SERVER, *(f"--{name}={value}" for name, value in options.items())]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            _wait(f"{url}/-/ready")
            yield url
        finally:
            process.terminate()


def _wait(address: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=1).close()  # noqa: S310 - of loopback
        except OSError:
            time.sleep(0.1)  # until it listens: another process, which nothing here can wait for
        else:
            return
    pytest.fail(f"{address} never answered")


def test_a_server_is_asked_for_what_its_hosts_used(server: str, tmp_path: Path) -> None:
    """The day is whole, by address or name; loopback does not count; a stranger's series is unread, not lost."""
    build = Life()
    build.runs("s1", "h1")
    build.runs("s2", "h2")
    traces = ask(server, START, END - timedelta(seconds=STEP), tmp_path)
    found = take_in(tmp_path / "evidence", build.city(), traces)
    days = {row.host: row for row in read_table(tmp_path / "evidence", ResourceDay) if isinstance(row, ResourceDay)}
    strangers = [row.text for row in read_table(tmp_path / "evidence", Unread) if isinstance(row, Unread)]

    assert {"h1": 1, "h2": 1} == found.days
    assert [86_400.0] * 2 == [row.covered_seconds for row in days.values()]
    assert (0.25, 0.0) == pytest.approx((days["h1"].cpu_p95_ratio, days["h2"].cpu_p95_ratio))
    assert pytest.approx(3000 * 86_400) == days["h1"].network_bytes
    assert days["h2"].network_bytes is None
    assert ["10.99.9.9:9100"] == strangers


def test_half_a_year_is_asked_for_in_parts(tmp_path: Path) -> None:
    """No query asks for more points than Prometheus gives, none twice, none is left out."""
    asked: list[tuple[float, float]] = []

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = dict(part.split("=") for part in self.path.partition("?")[2].split("&"))
            if query["query"].startswith("1+-+avg"):
                asked.append((float(query["start"]), float(query["end"])))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status":"success","data":{"resultType":"matrix","result":[]}}')

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Empty) as here:
        Thread(target=here.serve_forever, daemon=True).start()
        ask(f"http://127.0.0.1:{here.server_port}", END - timedelta(days=180), END, tmp_path)
        here.shutdown()

    assert [(END - timedelta(days=180)).timestamp(), END.timestamp()] == [asked[0][0], asked[-1][1]]
    assert all((end - start) / STEP < 11_000 for start, end in asked)
    assert all(start - end == STEP for (_, end), (start, _) in pairwise(asked))


def test_what_is_no_prometheus_is_said(tmp_path: Path) -> None:
    """Nobody there, and an address of something else."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(CollectionError, match="no answer to a range query"):
        ask(f"http://127.0.0.1:{port}", START, END, tmp_path)
    with pytest.raises(UsageError, match="begins with http"):
        ask("file:///etc/passwd", START, END, tmp_path)
