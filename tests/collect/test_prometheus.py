"""Days of use asked of a Prometheus: of a real one where it is installed, and of one that answers as it may."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from life_build import Life

from egov.collect.prometheus import QUERIES, Server, take_in
from egov.errors import CollectionError, UsageError
from egov.facts import Facts, ResourceDay, Unread
from egov.facts.store import read_table

DAY = date(2018, 12, 4)
MIDNIGHT = datetime(2018, 12, 3, 16, tzinfo=UTC)  # of that day in the city
H1 = {"metric": {"instance": "10.0.0.2:9100"}}
Answer = tuple[int, Any]


def city() -> Life:
    """Return a city with a host h1 at 10.0.0.2."""
    build = Life()
    build.runs("s1", "h1")
    return build


def series(instance: str, *values: tuple[float, float]) -> dict[str, Any]:
    """Return a series as the API gives it: seconds after midnight, and the value as text."""
    start = MIDNIGHT.timestamp()
    return {"metric": {"instance": instance}, "values": [[start + after, str(value)] for after, value in values]}


def matrix(*found: dict[str, Any], **more: Any) -> Answer:  # noqa: ANN401 - any member of the answer
    """Return an answer with series."""
    return 200, {"status": "success", "data": {"resultType": "matrix", "result": [*found]}, **more}


@contextmanager
def served(answer: Callable[[dict[str, str], str | None], Answer]) -> Iterator[str]:
    """Serve what *answer* makes of a query's parameters and token, on a port of loopback; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            assert parts.path == "/api/v1/query_range"
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, body = answer(asked, self.headers.get("Authorization"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_day_of_the_city_is_asked_for_and_kept(tmp_path: Path) -> None:
    """Each measure is asked from the city's midnight on; ratios and rates become a row; the answers are kept."""
    asked: list[dict[str, str]] = []

    def answer(query: dict[str, str], _token: str | None) -> Answer:
        asked.append(query)
        value = {"cpu": 0.5, "memory": 0.25, "network": 10.0, "disk": 20.0}[_measure(query)]
        return matrix(series("10.0.0.2:9100", (0, value), (300, value), (600, value)))

    with served(answer) as url:
        found = take_in(tmp_path, city().city(), Server(url), DAY, DAY)

    (row,) = Facts.of_store(city().city(), DAY, tmp_path).rows(ResourceDay)
    assert (row.host, row.day, row.samples, row.covered_seconds) == ("h1", DAY, 3, 900.0)
    assert (row.cpu_mean_ratio, row.memory_mean_ratio) == (0.5, 0.25)
    assert (row.network_bytes, row.disk_bytes) == (10.0 * 900, 20.0 * 900)
    assert {(q["start"], q["end"]) for q in asked} == {
        (str(MIDNIGHT.timestamp()), str((MIDNIGHT + timedelta(days=1, seconds=-300)).timestamp()))
    }
    raw = tmp_path / "runs" / found.run / "raw"
    assert {path.name for path in raw.iterdir()} == {f"{measure}-{DAY}.json.gz" for measure in QUERIES}
    assert json.loads(gzip.decompress((raw / f"cpu-{DAY}.json.gz").read_bytes()))["status"] == "success"


def _measure(query: dict[str, str]) -> str:
    return next(measure for measure, text in QUERIES.items() if text == query["query"])


def test_others_and_warnings_are_left_unread_not_lost(tmp_path: Path) -> None:
    """A series of an address that nobody described is no host's use; a partial answer's warning is kept."""

    def answer(query: dict[str, str], _token: str | None) -> Answer:
        if _measure(query) == "cpu":
            found = (series("10.0.0.2:9100", (0, 0.5)), series("10.9.9.9:9100", (0, 0.9)), {"metric": {}, "values": []})
            return matrix(*found, warnings=["store gateway away"])
        return matrix()

    with served(answer) as url:
        found = take_in(tmp_path, city().city(), Server(url), DAY, DAY)

    texts = {row.text for row in read_table(tmp_path, Unread)}
    assert (found.unread, texts) == (3, {"10.9.9.9", "{}", "store gateway away"})
    assert found.days == {"h1": 1}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param((401, b"no"), "answered 401: Unauthorized", id="token"),
        pytest.param(
            (422, {"status": "error", "errorType": "execution", "error": "too many samples"}),
            "answered 422: execution: too many samples",
            id="the API's error",
        ),
        pytest.param((200, b"<html>login</html>"), "gave no answer to a range query", id="another server"),
        pytest.param((200, {"data": {"result": [{**H1, "values": 7}]}}), "gave no answer to a range query", id="odd"),
        pytest.param(matrix(), "knows nothing of any described host", id="nothing"),
    ],
)
def test_what_is_no_answer_is_said_and_leaves_no_run(tmp_path: Path, answer: Answer, said: str) -> None:
    """One line with the server's address and what it said; nothing half done is left."""
    with served(lambda _query, _token: answer) as url, pytest.raises(CollectionError, match=said):
        take_in(tmp_path, city().city(), Server(url), DAY, DAY)

    assert [] == list((tmp_path / "runs").iterdir())


def test_nobody_there(tmp_path: Path) -> None:
    """A closed port is said as such."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(CollectionError, match=f"{url} cannot be asked: .*refused"):
        take_in(tmp_path, city().city(), Server(url), DAY, DAY)


def test_the_token_travels_in_a_header_and_nowhere_else(tmp_path: Path) -> None:
    """The server sees it; neither manifest nor any file of the run holds it."""
    seen: set[str | None] = set()

    def answer(_query: dict[str, str], token: str | None) -> Answer:
        seen.add(token)
        return matrix(series("10.0.0.2:9100", (0, 0.5)))

    with served(answer) as url:
        take_in(tmp_path, city().city(), Server(url, "s3cret-token"), DAY, DAY)

    assert seen == {"Bearer s3cret-token"}
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "prometheus:9090", "http://u:p@host", "http://"])
def test_only_a_server_s_address(url: str) -> None:
    """A file, an address without a scheme, one with credentials: refused before anything is asked."""
    with pytest.raises(UsageError, match="no http:// or https:// address"):
        Server(url)


# A day of a node exporter: of two processors 75 % idle, a quarter of the memory used, 100 B/s in and 50 B/s out.
_IDLE_PER_S, _MEMORY, _AVAILABLE, _IN_PER_S, _OUT_PER_S = 1.5, 4000, 3000, 100, 50


def open_metrics() -> Iterator[str]:
    """Yield the day in the form that promtool makes blocks from."""
    for name in ("node_cpu_seconds_total", "node_network_receive_bytes_total", "node_network_transmit_bytes_total"):
        yield f"# TYPE {name.removesuffix('_total')} counter"
        for n in range(-20, 24 * 60):
            at, seconds = MIDNIGHT.timestamp() + 60 * n, 60 * (n + 20)
            if name.startswith("node_cpu"):
                for cpu in "01":
                    yield f'{name}{{instance="10.0.0.2:9100",cpu="{cpu}",mode="idle"}} {seconds * _IDLE_PER_S / 2} {at}'
                continue
            rate = _IN_PER_S if "receive" in name else _OUT_PER_S
            yield f'{name}{{instance="10.0.0.2:9100",device="eth0"}} {seconds * rate} {at}'
            yield f'{name}{{instance="10.0.0.2:9100",device="lo"}} {seconds * 9999} {at}'
    for name, value in (("MemTotal", _MEMORY), ("MemAvailable", _AVAILABLE)):
        yield f"# TYPE node_memory_{name}_bytes gauge"
        for n in range(24 * 60):
            yield f'node_memory_{name}_bytes{{instance="10.0.0.2:9100"}} {value} {MIDNIGHT.timestamp() + 60 * n}'
    yield "# EOF"


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[str]:
    """Run a real server over that day on a port of loopback, and yield its address."""
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        pytest.skip("prometheus is not installed (Debian package prometheus): no real server to ask")
    day, data, config = tmp_path / "day.txt", tmp_path / "data", tmp_path / "prometheus.yml"
    day.write_text("\n".join(open_metrics()) + "\n", encoding="utf-8")
    config.write_text("scrape_configs: []\n", encoding="utf-8")
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", day, data], check=True, capture_output=True
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    store = ["--storage.tsdb.path", data, "--storage.tsdb.retention.time=100y"]
    command = ["prometheus", "--config.file", config, f"--web.listen-address={address}", *store]
    said = tmp_path / "server.log"
    with said.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            assert _ready(f"http://{address}/-/ready", server), said.read_text(encoding="utf-8")
            yield f"http://{address}"
        finally:
            server.terminate()


def _ready(url: str, server: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - ours, on loopback
                return True
        except OSError:
            time.sleep(0.1)
    return False


def test_a_real_server_is_understood(prometheus: str, tmp_path: Path) -> None:
    """Queries and reading agree with a real Prometheus over a day whose use is known."""
    take_in(tmp_path / "evidence", city().city(), Server(prometheus), DAY, DAY)

    (row,) = Facts.of_store(city().city(), DAY, tmp_path / "evidence").rows(ResourceDay)
    assert (row.samples, row.covered_seconds) == (288, 86_400)
    assert row.cpu_mean_ratio == pytest.approx(1 - _IDLE_PER_S / 2, abs=1e-6)
    assert row.memory_mean_ratio == pytest.approx(1 - _AVAILABLE / _MEMORY, abs=1e-6)
    assert row.network_bytes == pytest.approx((_IN_PER_S + _OUT_PER_S) * 86_400, rel=1e-6)
    assert row.disk_bytes is None
