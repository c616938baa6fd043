"""Access logs of any length, the same bytes for the same seed: sessions of people, and all that is no person.

One combined-format log of a proxy before many systems: the first part of the path names the system. As in real logs,
a session is some requests of one client within minutes, pages name the page before them, and the lines are nearly in
order of time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

MONITOR = "10.9.0.9"  # the address of the city's own monitoring
_PAGES = ("index.html", "list.action?page={}", "detail/{}", "static/app.{}.js", "static/main.{}.css", "img/{}.png")
_PAYLOADS = ("wp-login.php", ".env", "../../etc/passwd", "phpmyadmin/index.php", "?id=1%27%20union%20select%201")
_BROWSERS = (
    "Mozilla/5.0 (Windows NT {}.{}; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}.{} Safari/537.36",
    "Mozilla/5.0 (Windows NT {}.{}; WOW64; Trident/7.0; rv:11.0; SLCC2 {}.{}.{}) like Gecko",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_{}_{}) AppleWebKit/{}.{}.{} (KHTML, like Gecko) Safari/605.1.15",
)
_OTHERS = (
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html) {}",
    "curl/7.{}.0",
    "python-requests/2.{}.0",
    "Go-http-client/1.{}",
)


def agents(count: int, chance: random.Random) -> list[str]:
    """Return that many distinct agents, one in twenty of them no browser."""
    found: dict[str, None] = {}
    while len(found) < count:
        pool = _OTHERS if chance.random() < 0.05 else _BROWSERS
        found[chance.choice(pool).format(*(chance.randrange(6, 130) for _ in range(5)))] = None
    return list(found)


def write(path: Path, lines: int, *, systems: int = 50, days: int = 90, seed: int = 1) -> None:
    """Write *lines* lines of a log over *days* days from 2018-07-01, in the time of UTC+8."""
    chance = random.Random(seed)  # noqa: S311 - data to measure with, no secret
    known = agents(2000, chance)
    clients = [f"10.{chance.randrange(1, 9)}.{chance.randrange(256)}.{n % 250 + 1}" for n in range(20_000)]
    with path.open("w", encoding="ascii", newline="\n") as file:
        for number in range(days):
            wanted = lines * (number + 1) // days - lines * number // days
            day = date(2018, 7, 1) + timedelta(number)
            rows = _day(wanted, systems, known, clients, chance)
            rows.sort()
            stamp = f"{day:%d/%b/%Y}"
            file.writelines(
                f"{head} [{stamp}:{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02} +0800] {rest}\n"
                for second, head, rest in rows
            )


def _day(
    wanted: int, systems: int, known: list[str], clients: list[str], chance: random.Random
) -> list[tuple[int, str, str]]:
    rows: list[tuple[int, str, str]] = []
    while len(rows) < wanted:
        kind = chance.random()
        system = f"/sys-{int(systems * chance.random() ** 2):02}"
        if kind < 0.05:
            rows += _probes(system, chance)
        elif kind < 0.06:
            rows += _scan(system, chance.choice(known), chance.choice(clients), chance)
        else:
            rows += _session(system, chance.choice(known), chance.choice(clients), chance)
    return rows[:wanted]


def _session(system: str, agent: str, client: str, chance: random.Random) -> Iterator[tuple[int, str, str]]:
    second, came_from = chance.randrange(0, 82_000), "-"
    user = f"user{chance.randrange(900)}" if chance.random() < 0.2 else "-"
    for number in range(chance.randrange(4, 30)):
        second += chance.randrange(0, 40)
        page = f"{system}/{chance.choice(_PAGES).format(chance.randrange(2000))}"
        method, status = ("POST", 302) if number == 2 else ("GET", 200 if chance.random() < 0.97 else 404)
        page = f"{system}/login.do" if method == "POST" else page
        size = chance.randrange(200, 60_000)
        yield second, f"{client} - {user}", f'"{method} {page} HTTP/1.1" {status} {size} "{came_from}" "{agent}"'
        came_from = f"http://portal.example.gov.cn{page}"


def _probes(system: str, chance: random.Random) -> Iterator[tuple[int, str, str]]:
    second = chance.randrange(0, 80_000)
    for number in range(20):
        yield (
            second + 60 * number,
            f"{MONITOR} - -",
            f'"GET {system}/health HTTP/1.1" 200 2 "-" "Blackbox Exporter/0.28"',
        )


def _scan(system: str, agent: str, client: str, chance: random.Random) -> Iterator[tuple[int, str, str]]:
    second = chance.randrange(0, 82_000)
    for number in range(60):
        page = f"{system}/{chance.choice(_PAYLOADS)}" if number % 2 else f"{system}/{chance.randrange(10**6)}.php"
        yield second + number // 8, f"{client} - -", f'"GET {page} HTTP/1.1" 404 153 "-" "{agent}"'
