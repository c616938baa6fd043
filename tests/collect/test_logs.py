"""Access logs: a line is a request or counted as unread, people are told from machines, nothing counts twice."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from log_city import BROWSER, OWN, PROBE, PROXY, city, classes, line, taken, use, write

from egov.checks.zombies import ScannerRule
from egov.collect.logs import Selection
from egov.errors import CollectionError, UsageError
from egov.facts import UseClient, UseDay, UseLog
from egov.facts.store import connection, read_table
from egov.facts.tables import row_data, row_hash

REAL = Path(__file__).parents[3] / "shared" / "data" / "access-logs" / "apache_combined.log"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/access-logs, which is absent")
def test_a_real_log_agrees_with_an_independent_count(tmp_path: Path) -> None:
    """Lines, unread lines, clients, requests by hour and their first and last are those a regular expression finds."""
    raw = REAL.read_bytes().splitlines()
    cut = re.compile(rb'(\S+) \S+ .*? \[([^\]]+)\] "(?:[^"\\]|\\.)*" (\d{3}) \S+ "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"\Z')
    read = [match for one in raw if (match := cut.match(one))]
    times = [datetime.strptime(match[2].decode(), "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC) for match in read]

    found = taken(tmp_path, REAL)
    (log,) = found.logs
    clients = {row.client: row for row in read_table(tmp_path / "evidence", UseClient)}  # type: ignore[attr-defined]
    per_day = Counter(row.day for row in read_table(tmp_path / "evidence", UseDay) for _ in range(row.requests))  # type: ignore[attr-defined]

    assert (10_000, 9_999, 1) == (log.lines, log.requests, log.unread)
    assert (len(raw), len(read)) == (log.lines, log.requests)
    assert {match[1].decode() for match in read} == set(clients)
    assert Counter((time.timestamp() + 8 * 3600) // 86400 for time in times) == Counter(
        {(day.toordinal() - 719163): count for day, count in per_day.items()}
    )
    said = use(tmp_path)
    assert (min(times).isoformat(), max(times).isoformat()) == (said["covered_from"], said["covered_until"])
    assert (10_000, 1) == (said["lines"], said["unread"])
    assert [(8899, "46.118.127.106")] == [(s["line"], s["text"].split(" ")[0]) for s in said["unread_samples"]]
    assert (
        sum(b"bot" in match[0] or b"spider" in match[0] for match in read) <= said["by_agent_class"]["search_bot"] * 1.1
    )


AGENTS = (
    (BROWSER, "human"),
    ("Mozilla/5.0 (Linux; Android 8) MicroMessenger/6.7", "human"),
    ("内网客户端/1.0", "human"),
    ("Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/)", "search_bot"),
    ("Sogou web spider/4.0", "search_bot"),
    ("curl/7.61.0", "script"),
    ("Java/1.8.0_181", "script"),
    ("-", "script"),
    ("Prometheus/2.42.0", "monitor"),
    ("Blackbox Exporter/0.28", "monitor"),
    ("kube-probe/1.11", "monitor"),
    ("Zabbix", "monitor"),
    ("Mozilla/5.00 (Nikto/2.1.6)", "scanner"),
    ("sqlmap/1.2#stable", "scanner"),
)


def test_an_agent_is_told_by_its_name(tmp_path: Path) -> None:
    """Machines name themselves; whoever says nothing known is a person, for a doubt must not retire a system."""
    lines = [line(client=f"10.1.1.{number}", agent=agent) for number, (agent, _) in enumerate(AGENTS)]
    taken(tmp_path, write(tmp_path / "a.log", lines))
    found = {row.client: row.agent_class for row in read_table(tmp_path / "evidence", UseClient)}  # type: ignore[attr-defined]

    assert list(AGENTS) == [(agent, found[f"10.1.1.{number}"]) for number, (agent, _) in enumerate(AGENTS)]


def test_our_own_addresses_are_no_use(tmp_path: Path) -> None:
    """Monitoring and a system's own host are `self` whatever they call themselves; another's host is a client."""
    path = write(tmp_path / "a.log", [line(client=client) for client in (PROBE, OWN, "127.0.0.1", "10.1.1.1")])
    taken(tmp_path, path, systems=("permits",))
    taken(tmp_path, path, systems=("archive",))

    assert {"self": 3, "human": 1} == classes(tmp_path)
    assert {"self": 2, "human": 2} == classes(tmp_path, "archive")


def test_a_burst_of_guesses_is_a_scanner_whatever_it_calls_itself(tmp_path: Path) -> None:
    """Payloads and misses under a browser's name are no use, nor is the hit among them; others' visits are."""
    guesses = [line("10.6.6.6", request=f"GET /{name} HTTP/1.1", status=404, referer="-")
               for name in ("wp-login.php", ".env", "..%2f../etc/passwd", "x.php", "y.php")]  # fmt: skip
    hit = line("10.6.6.6", request="GET /index.html HTTP/1.1", referer="-")
    taken(tmp_path, write(tmp_path / "a.log", [*guesses, hit, line("10.1.1.1"), line("10.1.1.2")]))

    assert {"scanner": 6, "human": 2} == classes(tmp_path)
    assert 2 == use(tmp_path)["human_clients"]


def test_the_mandate_says_who_is_a_scanner(tmp_path: Path) -> None:
    """By another city's numbers the same burst is somebody who tries addresses; the run says which numbers held."""
    guesses = [line("10.6.6.6", request=f"GET /{n}/.env HTTP/1.1", status=404, referer="-") for n in range(5)]
    path = write(tmp_path / "a.log", guesses)
    taken(tmp_path, path)
    run = taken(tmp_path / "2", path, scanner=ScannerRule(min_payloads=6)).run
    commands = json.loads((tmp_path / "2" / "evidence" / "runs" / str(run) / "manifest.json").read_text())["commands"]

    assert ({"scanner": 5}, {"human": 5}) == (classes(tmp_path), classes(tmp_path / "2"))
    assert ["min_payloads=6 " in command for command in commands] == [False, True]


def test_people_who_share_an_address_with_a_scanner_still_count(tmp_path: Path) -> None:
    """Behind one address of a department only the agent that scans is taken out."""
    shared = "10.1.1.1"
    guesses = [line(shared, request=f"GET /{n}/.env HTTP/1.1", status=404, referer="-", agent="x") for n in range(5)]
    visits = [line(shared, request=f"GET /page/{n} HTTP/1.1") for n in range(40)]
    taken(tmp_path, write(tmp_path / "a.log", guesses + visits))

    assert {"scanner": 5, "human": 40} == classes(tmp_path)


def test_a_person_on_a_page_with_broken_pictures_is_no_scanner(tmp_path: Path) -> None:
    """Misses that come from a page are the page's fault."""
    broken = [line(request=f"GET /img/{n}.gif HTTP/1.1", status=404) for n in range(60)]
    taken(tmp_path, write(tmp_path / "a.log", [line(), *broken]))

    assert {"human": 61} == classes(tmp_path)


def test_logins_and_writes_are_told_from_page_views(tmp_path: Path) -> None:
    """A request that changes something and was granted is a write, to a page of logins a login."""
    requests = (
        ("POST /login.do HTTP/1.1", 302),
        ("POST /login.do HTTP/1.1", 403),
        ("POST /apply HTTP/1.1", 200),
        ("PUT /apply/1 HTTP/1.1", 500),
        ("DELETE /apply/2 HTTP/1.1", 204),
        ("GET /login.do HTTP/1.1", 200),
    )
    taken(tmp_path, write(tmp_path / "a.log", [line(request=request, status=status) for request, status in requests]))
    (day,) = read_table(tmp_path / "evidence", UseDay)

    assert (6, 1, 2) == (day.requests, day.logins, day.writes)  # type: ignore[attr-defined]


MOMENTS = (  # as written, day in the city, moment in UTC
    ("01/Jul/2018:23:30:00 +0800", "2018-07-01", "2018-07-01 15:30:00"),
    ("01/Jul/2018:23:30:00 +0000", "2018-07-02", "2018-07-01 23:30:00"),
    ("01/Jul/2018:15:59:59 +0000", "2018-07-01", "2018-07-01 15:59:59"),
    ("01/Jul/2018:16:00:00 +0000", "2018-07-02", "2018-07-01 16:00:00"),
    ("01/Jul/2018:21:29:59 +0530", "2018-07-01", "2018-07-01 15:59:59"),
    ("01/Jul/2018:21:30:00 +0530", "2018-07-02", "2018-07-01 16:00:00"),
    ("30/Jun/2018:23:00:00 -0930", "2018-07-01", "2018-07-01 08:30:00"),
)


def test_days_are_the_city_s(tmp_path: Path) -> None:
    """A log in any zone, half hours too, gives moments in UTC and days as the city counts them."""
    lines = [line(client=f"10.1.1.{number}", time=time) for number, (time, _, _) in enumerate(MOMENTS)]
    taken(tmp_path, write(tmp_path / "a.log", lines))
    first = {row.client: row.first_at for row in read_table(tmp_path / "evidence", UseClient)}  # type: ignore[attr-defined]

    assert [moment for *_, moment in MOMENTS] == [f"{first[f'10.1.1.{n}']:%F %T}" for n in range(len(MOMENTS))]
    assert Counter(day for _, day, _ in MOMENTS) == use(tmp_path)["human_by_day"]


def test_two_moments_of_a_utc_log_on_either_side_of_the_city_s_midnight(tmp_path: Path) -> None:
    """Requests within one hour of the log's clock do not share a day by accident."""
    times = [f"01/Jul/2018:{hour}:00 +0530" for hour in ("21:29", "21:30", "21:31")]
    taken(tmp_path, write(tmp_path / "a.log", [line(time=time) for time in times]))

    assert {"2018-07-01": 1, "2018-07-02": 2} == use(tmp_path)["human_by_day"]


HOSTILE = {
    "blank": b"",
    "no-text": b"\x00\x01\x02\xff",
    "cut-off": line().encode()[:-40],
    "quotes-only": b'"' * 60,
    "no-such-day": line(time="32/Jul/2018:10:00:00 +0800").encode(),
    "no-such-month": line(time="01/Foo/2018:10:00:00 +0800").encode(),
    "no-such-hour": line(time="01/Jul/2018:25:00:00 +0800").encode(),
    "no-zone": line(time="01/Jul/2018:10:00:00 GMT+8").encode(),
    "client-that-is-none": line(client="<script>").encode(),
    "client-with-quotes-of-sql": line(client="a'; drop table groups; --").encode(),
    "endless-line": b"x" * 3_000_000,
    "lone-carriage-return": b"half\ra line",
    "gb18030": "中文日志".encode("gb18030"),
}


def test_a_line_that_is_no_request_is_counted_and_harms_no_other(tmp_path: Path) -> None:
    """Whatever stands in a line, those around it are read, and it is one unread line."""
    around = [line(client="10.1.1.1"), line(client="10.1.1.2")]
    paths = [write(tmp_path / name, [*around, odd, *around, name]) for name, odd in HOSTILE.items()]
    found = taken(tmp_path, *paths)

    assert dict.fromkeys(HOSTILE, (6, 4, 2)) == {
        Path(log.path).name: (log.lines, log.requests, log.unread) for log in found.logs
    }


READABLE = {
    "escaped-quotes": line(agent=BROWSER + r" \"quoted\" x").encode(),
    "many-escaped-quotes": line(agent=r"\"\"\"\"\"\"").encode(),
    "gb18030-in-the-path": line(request="GET /查询 HTTP/1.1").encode("gb18030"),
    "gb18030-with-bytes-below-0xa0": line(request="GET /亊丄 HTTP/1.1").encode("gb18030"),
    "utf-8-and-a-byte-that-is-none": line(request="GET /查询\udc81 HTTP/1.1").encode("utf-8", "surrogateescape"),
    "utf-8-in-the-path": line(request="GET /查询 HTTP/1.1").encode(),
    "nul-in-the-path": line(request="GET /\x00 HTTP/1.1").encode(),
    "carriage-return-in-the-path": line(request="GET /a\rb HTTP/1.1").encode(),
    "ipv6": line(client="2001:db8::1").encode(),
    "user-with-a-space": line().replace("- -", "- 张三 李四", 1).encode(),
    "no-request": line(request="-", status=408).encode(),
    "carriage-return-at-the-end": line().encode() + b"\r",
    "common-among-combined": line().split(' "http')[0].encode(),
}


def test_an_odd_request_is_read_all_the_same(tmp_path: Path) -> None:
    """Quotes, any bytes, names with spaces: a line from which time, client and status can be told is a request."""
    found = taken(tmp_path, *(write(tmp_path / name, [line(), odd, line()]) for name, odd in READABLE.items()))

    assert dict.fromkeys(READABLE, (3, 3, 0)) == {
        Path(log.path).name: (log.lines, log.requests, log.unread) for log in found.logs
    }


def test_an_unread_line_is_shown_as_it_was_written(tmp_path: Path) -> None:
    """Chinese in GB 18030 is readable among the samples, with its line number."""
    taken(tmp_path, write(tmp_path / "a.log", [line(), "启动完成".encode("gb18030"), line()]))
    (sample,) = use(tmp_path)["unread_samples"]

    assert (2, "启动完成") == (sample["line"], sample["text"])


def test_a_compressed_log_is_read_whatever_its_name(tmp_path: Path) -> None:
    """Its first bytes tell; members one after another are one text."""
    logs = []
    for number, pack in enumerate((gzip.compress, zstandard.compress)):
        text = "".join(f"{line(client=f'10.1.{number}.{n}')}\n" for n in range(9)).encode()
        logs.append(tmp_path / f"access.log.{number}")
        logs[-1].write_bytes(pack(text[:300]) + pack(text[300:]))

    assert [(9, 9)] * 2 == [(log.lines, log.requests) for log in taken(tmp_path, *logs).logs]


def test_a_compressed_log_that_breaks_off_gives_what_there_is(tmp_path: Path) -> None:
    """What stands before the break is read; that it breaks off is kept and said."""
    text = "".join(f"{line(client=f'10.1.{n % 200}.{n % 7}')}\n" for n in range(5000)).encode()
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(text)[:-2000])
    (log,) = taken(tmp_path, path).logs

    assert 0 < log.requests < 5000
    assert ["breaks off" in note for note in log.notes] == [True]
    assert any("breaks off" in sample["reason"] for sample in use(tmp_path)["unread_samples"])


def test_a_log_is_read_once_whatever_it_is_called_later(tmp_path: Path) -> None:
    """Rotated, packed and given twice it adds nothing, and no run is written."""
    path = write(tmp_path / "access.log", [line(), line()])
    first = taken(tmp_path, path)
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    again = taken(tmp_path, path, packed, write(tmp_path / "access.log.2", [line(), line()]))

    assert (True, None) == (first.run is not None, again.run)
    assert [True] * 3 == [log.earlier for log in again.logs]
    assert 2 == use(tmp_path)["lines"]


def test_of_a_log_that_has_grown_only_the_new_lines_count(tmp_path: Path) -> None:
    """Taken in while it is written and again when it is full, each line counts once."""
    path = write(tmp_path / "access.log", [line(), line()])
    taken(tmp_path, path)
    write(path, [line(), line(), line(time="02/Jul/2018:10:00:00 +0800"), "odd"])
    (log,) = taken(tmp_path, path).logs

    assert (2, 1, 1) == (log.lines, log.requests, log.unread)
    assert {"2018-07-01": 2, "2018-07-02": 1} == use(tmp_path)["human_by_day"]
    assert [4] == [sample["line"] for sample in use(tmp_path)["unread_samples"]]


def test_a_rotated_set_is_one_use(tmp_path: Path) -> None:
    """A client in several files of a set is one client; each file says what it covers."""
    paths = [write(tmp_path / f"access.log.{n}", [line(time=f"0{n}/Jul/2018:10:00:00 +0800")]) for n in (1, 2, 3)]
    taken(tmp_path, *paths)
    covers = [row.first_at for row in read_table(tmp_path / "evidence", UseLog)]  # type: ignore[attr-defined]

    assert (1, 3) == (use(tmp_path)["human_clients"], len(use(tmp_path)["human_by_day"]))
    assert [datetime(2018, 7, n, 2, tzinfo=UTC) for n in (1, 2, 3)] == covers


def test_several_systems_of_one_log_are_told_apart_by_path_or_host(tmp_path: Path) -> None:
    """Of a proxy's log each system has its own requests; what is nobody's is not lost among the unread."""
    requests = ("GET /permits/a HTTP/1.1", "GET /permits?x=1 HTTP/1.1", "GET /archive HTTP/1.1", "GET /other HTTP/1.1")
    path = write(tmp_path / "a.log", [line(request=request) for request in requests])
    found = taken(tmp_path, path, systems=("permits=/permits", "archive=/archive"))
    hosts = [f"{host} {line()}" for host in ("permits.example:443", "PERMITS.example", "archive.example")]
    taken(tmp_path / "2", write(tmp_path / "b.log", hosts), systems=("permits=permits.example",))

    assert (4, 4, 0) == (found.logs[0].lines, found.logs[0].requests, found.logs[0].unread)
    assert ({"human": 2}, {"human": 1}) == (classes(tmp_path), classes(tmp_path, "archive"))
    assert {"human": 2} == classes(tmp_path / "2")


def test_a_forwarded_address_is_believed_of_our_own_proxy_only(tmp_path: Path) -> None:
    """Behind a described host the last address it forwards for is the client; others may claim what they like."""
    forwarded = [f'{line(client=PROXY)} "1.2.3.4, 10.1.1.{n}"' for n in (1, 2)]
    claimed = [f'{line(client="10.7.7.7")} "10.1.1.3"', f'{line(client=PROXY)} "-"']
    taken(tmp_path, write(tmp_path / "a.log", forwarded + claimed))
    clients = sorted(row.client for row in read_table(tmp_path / "evidence", UseClient))  # type: ignore[attr-defined]

    assert [PROXY, "10.1.1.1", "10.1.1.2", "10.7.7.7"] == clients


def test_rows_written_in_bulk_carry_the_hash_of_every_row(tmp_path: Path) -> None:
    """The hash that SQL gives a row is the one that verification recomputes."""
    taken(tmp_path, write(tmp_path / "a.log", [line(client=f"10.1.1.{n}") for n in range(9)]))

    for table in (UseDay, UseClient, UseLog):
        rows = list(read_table(tmp_path / "evidence", table))
        assert [row_hash(table.__name__, row_data(row)) for row in rows] == [row.sha256 for row in rows]
        assert rows


def test_what_cannot_be_a_log_is_refused_with_what_it_looks_like(tmp_path: Path) -> None:
    """Nothing is taken in where a file is no log, missing, or no system is described by the name."""
    good, text = write(tmp_path / "a.log", [line()]), write(tmp_path / "b.txt", ["# a page", "of text"])
    with pytest.raises(UsageError, match=r"b\.txt: no known log format.*fits 0 of 2 sampled lines.*# a page"):
        taken(tmp_path, good, text)
    with pytest.raises(CollectionError, match="no file"):
        taken(tmp_path, good, tmp_path / "no file")
    with pytest.raises(UsageError, match="permit; did you mean permits"):
        Selection.parse("permit", city())
    with pytest.raises(UsageError, match="first part of the path"):
        Selection.parse("permits=/a/b", city())
    with pytest.raises(UsageError, match="told apart"):
        taken(tmp_path, good, systems=("permits", "archive"))

    assert {} == use(tmp_path)


def test_requests_are_kept_one_by_one_where_asked_for(tmp_path: Path) -> None:
    """Typed, with the class that the facts count them in, as raw data of the run, which can be made to expire."""
    guesses = [
        line("10.6.6.6", request=f"GET /{n}/.env HTTP/1.1", status=404, referer="-", time="01/Jul/2018:20:00:00 +0000")
        for n in range(5)
    ]
    forwarded = f'{line(client=PROXY)} "10.1.1.7"'
    log = write(tmp_path / "a.log", [*guesses, line(client=PROBE), line(agent="curl/7"), "odd"])
    behind = write(tmp_path / "b.log", [forwarded])
    run = taken(tmp_path, log, behind, requests=True).run
    with connection() as database:
        query = 'select client, agent_class, status, bytes, "at" from read_parquet($files) order by all'
        files = [f"{tmp_path}/evidence/runs/{run}/raw/requests-{n}.parquet" for n in (0, 1)]
        found = database.execute(query, {"files": files}).fetchall()
    day, night = datetime(2018, 7, 1, 2), datetime(2018, 7, 1, 20)  # noqa: DTZ001 - stored without a zone, in UTC

    assert [
        (PROBE, "self", 200, 512, day),
        ("10.1.1.1", "script", 200, 512, day),
        ("10.1.1.7", "human", 200, 512, day),
        *[("10.6.6.6", "scanner", 404, 512, night)] * 5,
    ] == found
