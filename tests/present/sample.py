"""The sample city with evidence: its own field sheets, and hosts that show every outcome only hosts can show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from egov.city import City, load
from egov.collect.survey import take_in
from egov.facts import Coverage, Fact, Listener, Neighbour, RunWriter

ROOT = Path(__file__).parents[2]
CITY = ROOT / "inventory" / "huludao"
AS_OF = date(2018, 12, 31)
NOON = datetime(2018, 12, 30, 12, tzinfo=UTC)
ARGUMENTS = ("--city", CITY, "--as-of", AS_OF, "--description-of-today")
TIMES = {"observed_at": NOON, "collected_at": NOON, "source": "test"}
# Host → ports it listens on, over SSH: what is declared, and what docs/sample-city.md says stands there besides.
LISTENS = {
    "dc-app1": (),
    "dept-minzheng1": (80, 5432, 8080),
    "dept-fangchan1": (80, 8000),  # 8443, declared as used daily, is silent
}
SEEN = {"dc-app1": ("mgmt0", "10.211.0.11"), "dept-minzheng1": ("eth0", "192.168.1.66")}


def host_facts() -> Iterator[Fact]:
    """Yield what a collection from three hosts found."""
    for host, ports in LISTENS.items():
        yield Coverage(**TIMES, host=host, table="Listener", status="ok")
        for port in (22, *ports):
            yield Listener(**TIMES, host=host, protocol="tcp", address="0.0.0.0", port=port, process="p")  # noqa: S104 - data
    for host, (interface, address) in SEEN.items():
        yield Coverage(**TIMES, host=host, table="Neighbour", status="ok")
        yield Neighbour(**TIMES, host=host, interface=interface, address=address, state="reachable")


def collected(evidence: Path, city: City) -> Path:
    """Write the sample's sheets and hosts as runs of a store and return it."""
    sheets = sorted(path for path in (CITY / "surveys").iterdir() if path.suffix in {".csv", ".xlsx"})
    take_in(evidence, city, sheets, None, partial=False)
    with RunWriter.begin(evidence, "hosts", ["egov collect hosts"], NOON) as run:
        for row in host_facts():
            run.add(row)
    return evidence


def evidence_of(folder: Path) -> Path:
    """Return a new store with the sample's evidence."""
    return collected(folder / "evidence", load(CITY))


def copied(evidence: Path, to: Path) -> Path:
    """Return a copy of a store in another place."""
    return Path(shutil.copytree(evidence, to))
