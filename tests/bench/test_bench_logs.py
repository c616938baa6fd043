"""Five million lines of an access log into facts and typed Parquet, against GoAccess; the second run; fifty million.

Figures are those of the whole command, start, hashing and sealing hashes of rows included.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import log_lines
import pytest
from measure import Bar, Cost, cost, report

from egov.city.fields import uscc_check_character

pytestmark = pytest.mark.bench
LINES, SYSTEMS = 5_000_000, 50
EGOV = str(Path(sys.executable).parent / "egov")
CITY = """city: {id: logs, name_zh: 测试市, name_en: Logs, region_code: "211400"}
sites: [{id: hall, name_zh: 楼, name_en: Hall}]
departments:
  - {id: a, name_zh: 局, name_en: Bureau, credit_code: "%s", level: city, site: hall, contact: {office: 办公室}}
systems:
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a description with the systems of the log."""
    digits = "11211400000000001"
    folder = tmp_path_factory.mktemp("inventory") / "logs"
    folder.mkdir()
    text = CITY % (digits + uscc_check_character(digits))
    names = (f"sys-{number:02}" for number in range(SYSTEMS))
    text += "".join(f"  - {{id: {name}, department: a, network: lan, placement: cloud}}\n" for name in names)
    (folder / "city.yml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the log."""
    path = tmp_path_factory.mktemp("log") / "access.log"
    log_lines.write(path, LINES, systems=SYSTEMS)
    return path


def collect(city: Path, log: Path, store: Path, *more: str) -> Cost:
    """Return the cost of taking the log in for all its systems."""
    systems = [word for n in range(SYSTEMS) for word in ("--system", f"sys-{n:02}=/sys-{n:02}")]
    command = [EGOV, "collect", "logs", *systems, *more, str(log), "--city", str(city), "--evidence", str(store)]
    return cost([*command, "--format", "json"], {"XDG_CACHE_HOME": str(store / "cache")})


def per_second(lines: int, found: Cost) -> float:
    """Return million lines per CPU second."""
    return lines / found.cpu_s / 1e6


@pytest.mark.skipif(shutil.which("goaccess") is None, reason="needs the Debian package goaccess, the peer")
def test_five_million_lines(city: Path, log: Path, tmp_path: Path) -> None:
    """Straight to the facts, into typed Parquet, again, and what GoAccess needs for the same file."""
    peer_command = ["goaccess", str(log), "--log-format=COMBINED", "--no-progress", "-o", str(tmp_path / "peer.json")]
    peer = cost(peer_command, {})
    facts = collect(city, log, tmp_path / "facts")
    again = collect(city, log, tmp_path / "facts")
    typed = collect(city, log, tmp_path / "typed", "--requests")

    report(
        f"{LINES:,} combined lines, {log.stat().st_size / 1e6:,.0f} MB",
        {"goaccess": peer, "egov collect logs": facts, "the same with --requests": typed, "again": again},
        [
            Bar("lines straight to facts, per CPU second", per_second(LINES, facts), "M", 2.2, at_most=False),
            Bar("lines into typed Parquet and facts", per_second(LINES, typed), "M", 0.8, at_most=False),
            Bar("ratio to goaccess", peer.cpu_s / facts.cpu_s, "", 10, at_most=False),
            Bar("second run on the same file", again.wall_s, "s", 1),
            Bar("peak memory", max(facts.peak_mib, typed.peak_mib), "MiB", 600),
        ],
    )


@pytest.mark.skipif("EGOV_BENCH_LARGE" not in os.environ, reason="12 GB of disk and minutes: set EGOV_BENCH_LARGE")
def test_fifty_million_lines(city: Path, log: Path, tmp_path: Path) -> None:
    """Ten years of the same log need no more memory than one."""
    large = tmp_path / "large.log"
    with large.open("wb") as out:
        for year in range(2009, 2019):
            with log.open("rb") as source:
                while chunk := source.readlines(2**24):
                    out.write(b"".join(chunk).replace(b"/2018:", f"/{year}:".encode()))
    found = collect(city, large, tmp_path / "store")

    report("fifty million lines", {"egov collect logs": found}, [Bar("peak memory", found.peak_mib, "MiB", 600)])


def test_the_generator_plants_what_it_says(tmp_path: Path) -> None:
    """Two thousand agents, fifty systems, the same bytes for the same seed."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        log_lines.write(path, 200_000, systems=SYSTEMS)
    found = [line.split('"') for line in paths[0].read_text("ascii").splitlines()]
    systems = Counter(parts[1].split("/")[1] for parts in found)

    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert (SYSTEMS, 200_000) == (len(systems), len(found))
    assert len({parts[5] for parts in found}) > 1900
