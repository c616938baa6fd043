"""How long the stacks take to render. There is no peer that prints objects of these programs without an engine."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RENDER = """
import sys
sys.path[:0] = ["tests/judges"]
from sample_stacks import ON, FOLDER, ROOT, PROGRAMS, Stacks
from egov.capture.manifests import objects, stream
import hashlib
digests = []
for _ in range({times}):
    stacks = [Stacks(ROOT / "stacks", env, FOLDER, ON) for env in ("lab", "production")]
    found = [objects(one.graph(name)) for one in stacks for name in PROGRAMS]
    digests.append(hashlib.sha256("".join(map(stream, found)).encode()).hexdigest())
print(len(set(digests)), sum(map(len, found)))
"""
MANY = """
import pulumi_kubernetes as k8s
from pathlib import Path
{capture}
def program():
    for i in range(1000):
        meta = k8s.meta.v1.ObjectMetaArgs(name=f"m{{i}}", labels={{"a": "b"}})
        k8s.core.v1.ConfigMap(f"m{{i}}", metadata=meta, data={{"k": "v"}})
{run}
"""
OURS = (
    "from egov.capture.inprocess import capture",
    "print(len(capture(program, project='p', stack='s', folder=Path('/'), config={}).resources))",
)
LARGE = """
import sys
sys.path[:0] = ["tests/bench"]
from large_cloud import city, graphs
found = graphs(city(60, 10))
print(sum(len(graph.resources) for graph in found))
"""


def say(text: str) -> None:
    """Print a figure."""
    print(text)  # noqa: T201 - what a benchmark is for


def cpu(code: str) -> tuple[float, float, str]:
    """Return CPU and wall seconds of a Python process of its own, and what it printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - start, done.stdout


@pytest.mark.bench
def test_all_stacks_in_one_process() -> None:
    """Four programs, lab and production, in one process, twice the same bytes. Budget 4 s of CPU: not met yet."""
    seconds, wall, said = cpu(RENDER.format(times=1))
    _, _, twice = cpu(RENDER.format(times=2))
    say(f"\nall stacks, lab and production: {seconds:.1f} s CPU (budget 4), {wall:.1f} s, {said.split()[1]} objects")

    assert "1" == twice.split()[0]


@pytest.mark.bench
def test_a_thousand_resources() -> None:
    """A thousand resources in one process, imports included. Budget 3 s of CPU: printed, not met yet."""
    seconds, wall, said = cpu(MANY.format(capture=OURS[0], run=OURS[1]))
    say(f"\n1,000 resources: {seconds:.1f} s CPU (budget 3), {wall:.1f} s")

    assert "1000" == said.strip()


@pytest.mark.bench
def test_sixty_tenants_with_ten_systems() -> None:
    """A large city's cloud. Budget 15 s of CPU: printed."""
    seconds, wall, said = cpu(LARGE)
    say(f"\n60 tenants x 10 systems: {seconds:.1f} s CPU (budget 15), {wall:.1f} s, {said.strip()} resources")

    assert int(said) > 4000
