"""The database over two sites: what a commit costs that waits for the other site, against one that does not.

64 clients write through the endpoint for 60 s, each on a connection of its own, one row a transaction. Clients, both
copies and etcd share this machine's cores, so the figures are of this lab; the ratio is what carries over.
"""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from measure import ROOT

from egov.drills.ledger import ACK, ledger
from egov.drills.run import WRITER

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(os.geteuid() != 0, reason="the lab makes network namespaces and mounts: needs root"),
]
BIN = Path(sys.executable).parent
CLIENTS, SECONDS = 64, 60
NAME = "benchdb"

Run = Callable[..., str]


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return what runs `egov lab` commands for a lab with the database built; it is gone when the bench ends."""
    import ansible_mitogen  # noqa: PLC0415 - only where it is asked for

    environment = {
        **os.environ,
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": str(Path(ansible_mitogen.__file__).parent / "plugins" / "strategy"),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "EGOV_CITY": str(ROOT / "tests" / "twosites"),
        "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
    }

    def lab(*words: str) -> str:
        command = ["egov", "lab", "--name", NAME, *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(words)[:200]}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    lab("down")
    lab("up")
    lab("run", "--", "ansible-playbook", "playbooks/site.yml", "--tags", "base")
    lab("run", "--", "ansible-playbook", "playbooks/datacenter.yml")
    yield lab
    lab("down")


@dataclass(frozen=True)
class Written:
    """What the clients were told: commits a second, and how long half and all but a hundredth of them took (ms)."""

    commits_a_second: float
    p50_ms: float
    p99_ms: float

    def __str__(self) -> str:
        """Return it as a line of the report."""
        return f"{self.commits_a_second:8.0f} commits/s   p50 {self.p50_ms:6.1f} ms   p99 {self.p99_ms:6.1f} ms"


def written(lab: Run, run: str) -> Written:
    """Have all clients write, and return what came of it."""
    lab("run", "--", "ansible-playbook", "playbooks/drill_ledger.yml")
    words = ["sudo", "python3", "-c", WRITER.read_text(encoding="utf-8"), "write", "--run", run, "--readers", "0"]
    command = shlex.join([*words, "--clients", str(CLIENTS), "--seconds", str(SECONDS)])
    found = ledger(lab("ssh", "dc-app1", command).splitlines())
    took = [1000 * (write.ended - write.sent) for write in found.writes if write.outcome == ACK]
    assert not found.problems
    assert len(took) == len(found.writes)
    hundredths = statistics.quantiles(took, n=100)
    return Written(len(took) / (found.ended - found.started), hundredths[49], hundredths[98])


def test_what_a_commit_in_two_sites_costs(inside: Run) -> None:
    """Print commits a second and latencies with and without the synchronous standby, each measured twice in turn."""
    found: dict[str, list[Written]] = {"waits for the other site": [], "does not wait": []}
    for turn in (1, 2):
        for waits, runs in zip(("true", "false"), found.values(), strict=True):
            play = [
                "ansible-playbook",
                "playbooks/preflight.yml",
                "playbooks/database.yml",
                "-t",
                "patroni_service",
            ]
            inside("run", "--", *play, "-e", f'{{"patroni_synchronous": {waits}}}')
            asked = inside("ssh", "dc-db1", "sudo patronictl -c /etc/patroni/config.yml show-config")
            assert f"synchronous_mode: {waits}\n" in asked
            runs.append(written(inside, f"bench-{waits}-{turn}"))

    print(f"\n{CLIENTS} clients for {SECONDS} s, one row a commit")  # noqa: T201 - what a benchmark is for
    for name, runs in found.items():
        for one in runs:
            print(f"  {name:<26}{one}")  # noqa: T201 - as above
    with_it, without = (statistics.mean(r.commits_a_second for r in runs) for runs in found.values())
    print(f"  ratio of commits/s, with / without: {with_it / without:.2f}")  # noqa: T201 - as above
    assert with_it > 0
