"""Two departments' hosts as found: the busy system is left alone, the idle one is found, and each page says why.

What the hosts themselves can show is real: web servers, requests of today, their logs fetched over SSH, their packages.
What takes half a year to come about is made: older logs, in the place and form that logrotate leaves them; load as
`sadf -d` prints it; the departments' sheets. Nothing of it is in the repository: it ends on the day of the test.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import TestLab

pytestmark = pytest.mark.lab
BUSY, IDLE = "minzheng-jiuzhu", "fangchan-chaxun"
HOSTS = {BUSY: "dept-minzheng1", IDLE: "dept-fangchan1"}
DAYS = 190  # the mandate's window is 180
BROWSER = "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/69.0 Safari/537.36"
PROBE, SPIDER = (
    "Prometheus/2.42.0",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
)
GUESSES = ("/.env", "/wp-login.php", "/phpmyadmin/", "/manager/html", "/a.bak", "/../../etc/passwd")
# Asks each address for each path, as each agent, and prints the statuses: hosts have Python and no other client.
ASK = """
import sys, urllib.error, urllib.request
base, agent, *paths = sys.argv[1:]
for path in paths:
    try:
        print(urllib.request.urlopen(urllib.request.Request(base + path, headers={"User-Agent": agent})).status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""


@dataclass(frozen=True)
class Seen:
    """What the audit said, and where the pages are."""

    findings: dict[tuple[str, str], dict[str, Any]]
    pages: dict[str, str]
    logs: list[dict[str, Any]]


def days() -> Iterator[date]:
    """Yield the days of the history, the last of them yesterday."""
    today = datetime.now(UTC).date()
    return (today - timedelta(days=n) for n in range(DAYS, 0, -1))


def history(line: Callable[[date], Iterator[str]]) -> dict[str, bytes]:
    """Return a rotated set of nginx logs, one file a month: name → bytes, the older ones packed."""
    months: dict[str, list[str]] = {}
    for day in days():
        months.setdefault(f"{day:%Y-%m}", []).extend(line(day))
    found: dict[str, bytes] = {}
    for number, lines in enumerate(reversed(months.values()), 1):
        text = "".join(lines).encode()
        found |= {f"access.log.{number}": text} if number == 1 else {f"access.log.{number}.gz": gzip.compress(text)}
    return found


def entry(day: date, clock: str, client: str, request: str, answer: str) -> str:
    """Return a line as nginx writes it (combined), in UTC as the hosts' clocks are."""
    return f'{client} - - [{day:%d/%b/%Y}:{clock} +0000] "{request} HTTP/1.1" {answer}\n'


def answer(status: int, agent: str, referer: str = "-") -> str:
    """Return the half of a line that follows the request."""
    return f'{status} 612 "{referer}" "{agent}"'


def people(day: date) -> Iterator[str]:
    """Yield a busy day: a dozen officials who log in, look and approve; monitoring besides."""
    for number in range(12 if day.weekday() < 5 else 2):
        client = f"10.211.128.{20 + number}"
        yield entry(day, f"0{1 + number % 8}:10:00", client, "POST /login.do", answer(302, BROWSER, "http://oa/"))
        yield entry(day, f"0{1 + number % 8}:11:00", client, "GET /", answer(200, BROWSER, "http://oa/"))
    yield entry(day, "02:00:00", "10.211.0.51", "GET /", answer(200, PROBE))


def machines(day: date) -> Iterator[str]:
    """Yield a dead day: monitoring each hour, a search engine, now and then somebody who looks for holes."""
    for hour in range(24):
        yield entry(day, f"{hour:02}:00:00", "10.211.0.51", "GET /", answer(200, PROBE))
    yield entry(day, "03:30:00", "10.211.128.9", "GET /robots.txt", answer(404, SPIDER))
    if day.day % 10 == 1:
        for path in GUESSES:
            yield entry(day, "04:00:00", "10.211.128.66", f"GET {path}", answer(404, BROWSER))


def put(lab: TestLab, host: str, files: dict[str, bytes]) -> None:
    """Leave files in the web server's log folder, readable as logrotate makes them."""
    for name, content in files.items():
        target = lab.root(host) / "var" / "log" / "nginx" / name
        target.write_bytes(content)
        target.chmod(0o640)


def ask(lab: TestLab, host: str, of: str, agent: str, *paths: str) -> list[str]:
    """Let a host ask another for pages, and return the statuses."""
    address = {"dept-minzheng1": "10.211.0.81", "dept-fangchan1": "10.211.0.82"}[of]
    script = base64.b64encode(ASK.encode()).decode()
    command = f"python3 -c \"import base64; exec(base64.b64decode('{script}'))\" http://{address} {shlex.quote(agent)}"
    return lab.ssh(host, f"{command} {' '.join(map(shlex.quote, paths))}").split()


def load_of(host: str, *, busy: bool) -> str:
    """Return half a year of a host's load as `sadf -d -- -u` and `sadf -d -- -n DEV` print it, one value an hour."""
    processor = "# hostname;interval;timestamp;CPU;%user;%nice;%system;%iowait;%steal;%idle\n"
    network = "# hostname;interval;timestamp;IFACE;rxpck/s;txpck/s;rxkB/s;txkB/s\n"
    for day in days():
        for hour in range(24):
            at = f"{host};3600;{day} {hour:02}:00:01 UTC"
            working = busy and 1 <= hour <= 9
            processor += f"{at};-1;{40 if working else 1}.00;0.00;0.50;0.00;0.00;{59 if working else 98}.50\n"
            network += f"{at};eth0;1;1;{90 if working else 0}.10;{90 if working else 0}.10\n"
    return processor + network


def sheets(folder: Path) -> list[Path]:
    """Write the departments' answers as they were asked: transactions, and traces of maintenance, up to today."""
    today = datetime.now(UTC).date()
    first, long_ago = today - timedelta(days=176), today - timedelta(days=3000)
    done = [(BUSY, "210600-0101", 412), (BUSY, "210600-0102", 87), (IDLE, "211400-0301", 0)]
    done += [(IDLE, item, 0) for item in ("权属档案查询", "登记簿查阅", "维修资金查询")]
    signs = [(BUSY, sign, today - timedelta(days=9)) for sign in ("release", "administrator-login", "work-order")]
    signs += [(IDLE, sign, "") for sign in ("release", "administrator-login", "work-order")]  # type: ignore[misc]
    tables = {
        "ProcessUse": (
            "system,item,first_day,last_day,transactions,observed_at",
            [f"{system},{item},{first},{today},{count},{today}" for system, item, count in done],
        ),
        "MaintenanceSign": (
            "system,sign,looked_from,last_day,observed_at",
            [f"{system},{sign},{long_ago},{last},{today}" for system, sign, last in signs],
        ),
    }
    written = []
    for table, (head, rows) in tables.items():
        path = folder / f"{table}.csv"
        path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        columns = "".join(f"  - {{id: {name}, column: {name}}}\n" for name in head.split(","))
        mapping = f"sheet: {{table: {table}, header_row: 1}}\ncolumns:\n{columns}"
        path.with_name(f"{path.name}.yml").write_text(mapping, encoding="utf-8")
        written.append(path)
    return written


@pytest.fixture(scope="module")
def seen(new_lab: Callable[[str], TestLab], tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Return what the audit says of both systems, after all evidence was taken in as an auditor would."""
    lab, work = new_lab("zombies"), tmp_path_factory.mktemp("zombies")
    lab.lab("up", *HOSTS.values())
    found = lab.play("legacy.yml", "--limit", ",".join(HOSTS.values()))
    assert found.code == 0, found.output
    for system, line in ((BUSY, people), (IDLE, machines)):
        put(lab, HOSTS[system], history(line))
    assert ["200", "200"] == ask(lab, HOSTS[IDLE], HOSTS[BUSY], BROWSER, "/", "/?page=2")
    assert "200" not in ask(lab, HOSTS[BUSY], HOSTS[IDLE], BROWSER, *GUESSES)
    assert ["200"] == ask(lab, HOSTS[BUSY], HOSTS[IDLE], PROBE, "/")

    where = ("--evidence", str(work / "evidence"))
    reached = (*where, "--lab", lab.name)
    logs = []
    for system, host in HOSTS.items():
        path = f"{host}:/var/log/nginx/access.log*"
        logs.append(json.loads(lab.egov("collect", "logs", "--system", system, path, *reached, "--format", "json")))
        (work / f"{host}.csv").write_text(load_of(host, busy=system == BUSY), encoding="utf-8")
        lab.egov("collect", "metrics", str(work / f"{host}.csv"), "--host", host, *where)
    lab.egov("collect", "hosts", *HOSTS.values(), *reached)
    lab.egov("collect", "survey", *map(str, sheets(work)), *where)

    with lab.start("audit", "R25", *where, "--format", "json") as process:
        output, errors = process.communicate(timeout=120)
    assert output, errors
    with lab.start("report", "zombies", "--to", str(work / "report"), *where) as process:
        process.communicate(timeout=120)
    pages = {
        f"{system}.{lang}": (work / "report" / "systems" / f"{system}.{lang}.html").read_text("utf-8")
        for system in HOSTS
        for lang in ("zh", "en")
    }
    judged = {(one["check"], one["subject"]["id"]): one for one in json.loads(output)["findings"]}
    return Seen(judged, pages, logs)


def test_logs_are_fetched_whole_and_called_what_they_are_called_there(seen: Seen) -> None:
    """The rotated set of each host, packed files among it, is read to the last line; the path says where it stands."""
    for taken, host in zip(seen.logs, HOSTS.values(), strict=True):
        logs = [log for log in taken["logs"] if not log["earlier"]]

        assert 7 <= len(logs)
        assert {f"{host}:/var/log/nginx"} == {log["path"].rpartition("/")[0] for log in logs}
        assert {0} == {log["unread"] for log in logs}
        assert f"{host}:/var/log/nginx/access.log" in {log["path"] for log in logs}


def test_the_idle_system_is_found_with_the_limbs_it_has(seen: Seen) -> None:
    """Detached, idle, unmaintained, unused: by the mandate's own numbers; requests of machines save nothing."""
    limbs = {check: one["verdict"] for (check, system), one in seen.findings.items() if system == IDLE}

    assert "violation" == limbs["zombie"]
    assert dict.fromkeys(("zombie-process", "zombie-idle", "zombie-unmaintained", "zombie-narrow"), "violation") == {
        check: verdict for check, verdict in limbs.items() if check not in {"zombie", "zombie-replaceable"}
    }
    assert 0 == seen.findings["zombie-narrow", IDLE]["facts"]["use_days"]


def test_the_busy_system_is_left_alone(seen: Seen) -> None:
    """No limb speaks against it, and who used it today is seen."""
    verdicts = {check: one["verdict"] for (check, system), one in seen.findings.items() if system == BUSY}
    today = datetime.now(UTC) + timedelta(hours=8)

    assert "violation" not in verdicts.values()
    assert "pass" == verdicts["zombie"]
    assert seen.findings["zombie-narrow", BUSY]["facts"]["last_human"] == f"{today:%Y-%m-%d}"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_of_each_says_why(seen: Seen, lang: str) -> None:
    """Name, verdict, who asked, the limbs and their numbers, and the drawing of a year stand on the page."""
    words = {"zh": ("疑点", "符合"), "en": ("concern", "pass")}[lang]
    for system, word in zip((IDLE, BUSY), words, strict=True):
        page = seen.pages[f"{system}.{lang}"]

        assert "<svg" in page
        assert word in page
    page = seen.pages[f"{IDLE}.{lang}"]
    asked = dict(re.findall(r"<tr><td>([^<]+)</td><td>(\d+)</td><td>\d+</td></tr>", page))
    human, monitoring, scanners = {"zh": ("人", "监控", "扫描"), "en": ("people", "monitoring", "scanners")}[lang]

    assert "房屋档案查询系统" in page
    assert {human: "0"}.items() <= asked.items()
    assert int(asked[scanners]) >= 6 * 18
    assert int(asked[monitoring]) >= 1
