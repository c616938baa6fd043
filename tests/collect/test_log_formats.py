"""Formats of access logs: each is told from its lines, says why, and gives the same use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from log_city import BROWSER, line, taken, use, write

from egov.facts import UseClient
from egov.facts.store import read_table

IIS = "#Software: Microsoft Internet Information Services 8.5\n#Version: 1.0\n#Fields: "
FIELDS = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) sc-status sc-bytes"
OTHERS = "date time c-ip cs-method cs-uri-stem sc-status"
PLUS = BROWSER.replace(" ", "+")
HAPROXY = (
    "Jul  1 10:00:00 lb haproxy[14389]: 10.1.1.1:33317 [01/Jul/2018:10:00:00.655] web app/a 10/0/30/69/109 200 2750 "
    f'- - ---- 1/1/1/1/0 0/0 {{permits.example|{BROWSER}}} {{}} "GET /index.html HTTP/1.1"'
)
JSON = {
    "remote_addr": "10.1.1.1",
    "time_local": "01/Jul/2018:10:00:00 +0800",
    "request": "GET /index.html HTTP/1.1",
    "status": 200,
    "http_user_agent": f'{BROWSER} "x"',
}
ISO = {"client_ip": "10.1.1.1", "@timestamp": "2018-07-01T02:00:00Z", "method": "GET", "path": "/", "status": "200"}
CADDY = {"ts": 1530410400.25, "request": {"remote_ip": "10.1.1.1", "method": "GET", "uri": "/"}, "status": 200}
COMMON = line().split(' "http')[0]
SAME = {
    "common": [COMMON],
    "combined": [line()],
    "combined-forwarded": [f'{line()} "-"'],
    "vhost-combined": [f"permits.example:80 {line()}"],
    "vhost-common": [f"permits.example {COMMON}"],
    "w3c": (
        f"{IIS}{FIELDS}\n2018-07-01 02:00:00 10.0.0.1 GET /index.html id=1 80 - 10.1.1.1 {PLUS} 200 512\n"
        f"#Fields: {OTHERS}\n2018-07-01 02:00:00 10.1.1.1 GET /查询 200"
    ).split("\n"),
    "json": [json.dumps(JSON), json.dumps(ISO), json.dumps(CADDY)],
    "haproxy": [HAPROXY],
}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_every_format_tells_the_same(tmp_path: Path) -> None:
    """Client, moment and person are the same however the server writes them; directives of IIS are no lines."""
    paths = [write(tmp_path / name, lines) for name, lines in SAME.items()]
    found = taken(tmp_path, *paths)
    (client,) = read_table(tmp_path / "evidence", UseClient)

    assert list(SAME) == [log.layout.split(":")[0] for log in found.logs]
    assert [0] * len(SAME) == [log.unread for log in found.logs]
    assert [sum(not text.startswith("#") for text in lines) for lines in SAME.values()] == [
        log.requests for log in found.logs
    ]
    assert ("10.1.1.1", "human") == (client.client, client.agent_class)  # type: ignore[attr-defined]
    assert "2018-07-01 02:00:00" == f"{client.last_at:%F %T}"


def test_detection_explains_itself(tmp_path: Path) -> None:
    """The reason names what the lines were read as, how many fitted, and what the others look like."""
    (log,) = taken(tmp_path, write(tmp_path / "a.log", [line(), line(), COMMON, "odd"])).logs

    assert (
        'combined: 2 of 4 sampled lines read as client ident user [time zone] "request" status bytes '
        '"referer" "agent", 1 common'
    ) == log.layout
    assert (3, 1) == (log.requests, log.unread)


def test_lines_that_are_no_request_of_their_format_are_unread(tmp_path: Path) -> None:
    """A row with too few columns, half an object, a message of the proxy: counted, shown as they were."""
    odd = {
        "w3c": "2018-07-01 02:00:00 10.0.0.1",
        "json": '{"remote_addr": "10.1.1.1", "status": 200',
        "haproxy": "Jul  1 10:00:00 lb haproxy[14389]: Proxy web started.",
    }
    found = taken(tmp_path, *(write(tmp_path / name, [*SAME[name] * 2, text]) for name, text in odd.items()))

    assert [1, 1, 1] == [log.unread for log in found.logs]
    assert sorted(odd.values()) == sorted(sample["text"] for sample in use(tmp_path)["unread_samples"])


def test_a_grown_iis_log_keeps_its_columns(tmp_path: Path) -> None:
    """What the columns are stands before the part that is new."""
    path = write(tmp_path / "a.log", SAME["w3c"])
    taken(tmp_path, path)
    write(path, [*SAME["w3c"], "2018-07-02 02:00:00 10.1.1.2 GET /new 200"])
    (log,) = taken(tmp_path, path).logs

    assert (1, 1, 0) == (log.lines, log.requests, log.unread)
    assert 2 == use(tmp_path)["human_clients"]
