"""Pods on real hosts without a cluster: deployed, repeated, renewed under load, broken, killed, pruned, fenced in."""

from __future__ import annotations

import json
import re
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from conftest import ROOT, TestLab
from egov.city import load as load_city
from egov.lab import entered
from egov.proof.compare import compare
from egov.render.flows import Compiler
from waiting import wait_for

pytestmark = pytest.mark.drill
CITY = ROOT / "tests" / "workloads"
PROGRAMS = CITY / "images"
WORKLOADS = "workloads.yml"
EDGE, DEPARTMENT = "10.213.16.21", "10.213.16.41"
A_SECOND = 100
WORKERS = 20
GOOD, NEXT, BROKEN = "1.0.0", "1.1.0", "1.2.0"
PYTHON = ["python3-minimal", "libpython3-stdlib"]


def image(name: str, version: str, packages: list[str], **words: str) -> dict[str, Any]:
    """Return what an image of the distribution's packages and one program is made of, for the role `registry`."""
    (program,) = PROGRAMS.glob(f"{name}.*")
    content = program.read_text(encoding="utf-8")
    for word, value in {"VERSION": version, **words}.items():
        content = content.replace(f"@{word}@", value)
    path = f"usr/local/bin/{program.name}"
    runs = [f"/{path}"] if program.suffix == ".sh" else ["/usr/bin/python3", f"/{path}"]
    file = {"path": path, "content": content, "mode": "0755"}
    return {"name": name, "version": version, "packages": packages, "command": runs, "files": [file]}


IMAGES = [
    image("status", GOOD, PYTHON, HEALTH="200"),
    image("status", NEXT, PYTHON, HEALTH="200"),
    image("status", BROKEN, PYTHON, HEALTH="500"),
    image("booking", "1.0.0", [*PYTHON, "python3-psycopg2"]),
    image("postgresql", "15.0.0", ["postgresql-15", "dash"]),
]


@dataclass
class Cloud:
    """The lab, its description (a copy that a test may change), and the digests of the images that were made."""

    lab: TestLab
    digests: dict[str, str] = field(default_factory=dict)

    def describe(self, status: str, *, booking: bool = True) -> None:
        """Write the description: which version of the status page runs, and whether the booking system is there."""
        text = (CITY / "city.yml").read_text(encoding="utf-8")
        for name, version in {"status": status, "booking": "1.0.0", "postgresql": "15.0.0"}.items():
            digest = self.digests.get(f"{name}-{version}", "sha256:" + 64 * "0")
            text = re.sub(rf"/{name}:[0-9.]+@sha256:[0-9a-f]+", f"/{name}:{version}@{digest}", text)
        if not booking:  # its description, and the flows that name it alone
            text = re.sub(r"  - id: booking\n(?:    .*\n)+", "", text)
            text = re.sub(r"  - id: (?:status-asks-booking|booking-asks-department)\n(?:    .*\n)+", "", text)
            text = text.replace("systems: [status, booking]", "systems: [status]")
        (self.lab.city / "city.yml").write_text(text, encoding="utf-8")

    def get(self, name: str, path: str = "/", body: str = "") -> tuple[int, str]:
        """Ask a published system through the edge, from the department's host, over TLS with the city's authority.

        A connection that ends without an answer is status 0.
        """
        context = ssl.create_default_context(cafile=str(self.lab.paths.secrets / "authority" / "certificate.pem"))
        with entered(self.lab.paths.netns("dept1")):
            plain = socket.create_connection((EDGE, 443), 10)
        hostname = f"{name}.workloads.example"
        head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: {hostname}\r\nConnection: close\r\n"
        with plain, context.wrap_socket(plain, server_hostname=hostname) as secure:
            secure.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            answer = b"".join(iter(lambda: secure.recv(65536), b"")).decode()
        status, _, rest = answer.partition("\r\n")
        return int(status.split()[1] if status else 0), rest.partition("\r\n\r\n")[2].strip()

    def pods(self, host: str) -> set[str]:
        """Return the names of the containers that run on a host, but those that podman makes for itself."""
        shown = self.lab.ssh(host, "sudo podman ps --format '{{.Names}} {{.Image}}'")
        return {line.split()[0] for line in shown.splitlines() if "podman-pause" not in line}


@dataclass
class Load:
    """What became of requests: when each was sent, how long it took (s), and why it failed ("" if it did not)."""

    done: list[tuple[float, float, str]] = field(default_factory=list)

    @property
    def failed(self) -> list[str]:
        """Why requests failed."""
        return [why for _, _, why in self.done if why]

    def figures(self) -> str:
        """Return how many, how fast, how many failed, in words."""
        times = sorted(seconds for _, seconds, _ in self.done)
        span = self.done[-1][0] - self.done[0][0] if self.done else 0
        pause = max((later[0] - sooner[0] for sooner, later in pairwise(self.done)), default=0)
        return (
            f"{len(times)} requests in {span:.0f} s, {len(self.failed)} failed, median {times[len(times) // 2]:.3f} s, "
            f"99 % {times[len(times) * 99 // 100]:.3f} s, slowest {times[-1]:.2f} s, "
            f"longest pause in sending {pause:.1f} s"
        )


@contextmanager
def load(cloud: Cloud) -> Iterator[Load]:
    """Ask for the status page 100 times a second until the block ends, whatever becomes of earlier requests."""
    found, stop, start = Load(), threading.Event(), time.monotonic()

    def work(number: int) -> None:
        turn = start + number / A_SECOND
        while not stop.wait(max(0.0, turn - time.monotonic())):
            sent, why = time.monotonic(), ""
            try:
                code, text = cloud.get("status")
                why = "" if code == 200 and text.startswith("status ") else f"{code} {text[:60]}"
            except OSError as error:
                why = f"{type(error).__name__} {error}"
            found.done.append((sent, time.monotonic() - sent, why))
            turn += WORKERS / A_SECOND

    threads = [threading.Thread(target=work, args=(n,)) for n in range(WORKERS)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        found.done.sort()


@pytest.fixture(scope="module")
def cloud(new_lab: Callable[..., TestLab], tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """Return five hosts with images made, their digests in the description, everything deployed."""
    city = ROOT / "build" / "workloads-test"  # beside stacks/, two levels below the root, as inventory/<city> is
    shutil.rmtree(city, ignore_errors=True)
    city.mkdir(parents=True)
    shutil.copy(CITY / "city.yml", city)
    made = Cloud(new_lab("workloads", city))
    made.describe(GOOD)
    made.lab.lab("up")
    base = made.lab.play("site.yml", "--tags", "base,host_firewall,zone_firewall")
    assert base.code == 0, base.output
    images = tmp_path_factory.mktemp("images") / "images.json"
    images.write_text(json.dumps({"registry_images": IMAGES}), encoding="utf-8")
    play = made.lab.play(WORKLOADS, "--limit", "registry1,localhost", "-e", f"@{images}")
    assert play.code == 0, play.output
    listed = made.lab.ssh("registry1", "cd /var/lib/city-registry && grep . *")
    made.digests = dict(line.split(":", 1) for line in listed.splitlines())
    made.describe(GOOD)
    first = made.lab.play(WORKLOADS)
    assert first.code == 0, first.output
    return made


def test_both_systems_answer_at_the_edge(cloud: Cloud) -> None:
    """The status page and the booking system with a database of its own; the page reaches the other one's health."""
    wait_for("the booking system is published", lambda: cloud.get("booking")[0] == 200)

    assert (200, f"status {GOOD}") == cloud.get("status")
    assert {"booking well"} == {cloud.get("status", "/systems")[1] for _ in range(4)}  # from either host
    before = int(cloud.get("booking")[1])
    assert 200 == cloud.get("booking", "/", "大会议室".encode().hex())[0]
    assert before + 1 == int(cloud.get("booking")[1])


def test_the_second_run_changes_nothing(cloud: Cloud) -> None:
    """changed=0 on every host, the controller's rendering included."""
    again = cloud.lab.play(WORKLOADS)

    assert (0, frozenset()) == (again.code, again.changed), again.output


def reached(cloud: Cloud, host: str, inside: str, targets: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return the targets that a pod (or with "" the host itself) can open a connection to."""
    asked = " ".join(f"{address}:{port}" for address, port in targets)
    each = 'timeout 1 bash -c "</dev/tcp/${t%:*}/${t#*:}" 2>/dev/null && echo $t &'
    script = f"for t in {asked}; do {each} done; wait"
    enter = f'nsenter -t $(sudo podman inspect -f "{{{{.State.Pid}}}}" {inside}-app) -n' if inside else ""
    out = cloud.lab.ssh(host, f"sudo {enter} bash -c '{script}'")
    return {(address, int(port)) for address, _, port in (line.partition(":") for line in out.split())}


def everything_that_listens(cloud: Cloud) -> list[tuple[str, int]]:
    """Return what answers somebody: SSH everywhere, edge, registry, package source, the pods, the department's two."""
    for port in (8000, 9000):
        unit = f"--unit=listener-{port} --property=ExitType=main python3 -m http.server {port}"
        cloud.lab.ssh("dept1", f"systemctl is-active -q listener-{port} || sudo systemd-run -q {unit}")
    wait_for(
        "the department's services listen",
        lambda: cloud.lab.ssh("dept1", "ss -ltnH | grep -cE ':(8000|9000) '") == "2\n",
    )
    business = [f"10.213.16.{n}" for n in (11, 12, 21, 31, 41)]
    management = [f"10.213.0.{n}" for n in (11, 12, 21, 31, 41)]
    found = [(address, 22) for address in [*business, *management, "10.244.0.1"]]
    found += [(EDGE, 443), ("10.213.16.31", 5000), ("10.213.0.2", 3142), (DEPARTMENT, 8000), (DEPARTMENT, 9000)]
    found += [(f"10.213.16.{n}", port) for n in (11, 12) for port in (8080, 8081)]
    return [*found, ("10.244.31.144", 8080), ("10.244.31.145", 8081), ("10.244.31.145", 5432)]


def test_a_workload_reaches_what_its_flows_say_and_nothing_else(cloud: Cloud) -> None:
    """From inside each pod, every service of every host is tried; a rule too many would show."""
    targets = everything_that_listens(cloud)
    itself = {"status": ("10.244.31.144", 8080), "booking": ("10.244.31.145", 8081)}
    permitted = {"status": {("10.213.16.12", 8081)}, "booking": {(DEPARTMENT, 8000)}}

    for host, system in (("app1", "status"), ("app2", "status"), ("app2", "booking")):
        assert permitted[system] == reached(cloud, host, system, targets) - {itself[system]}, (host, system)
    cloud.lab.ssh("app2", "sudo nft insert rule inet egov forward iifname pods0 accept")
    opened = reached(cloud, "app2", "status", targets) - {itself["status"]}
    cloud.lab.ssh("app2", "sudo systemctl reload nftables")
    assert {(DEPARTMENT, 9000), (DEPARTMENT, 8000)} <= opened  # so a leak is seen


def test_only_the_edge_reaches_a_workload(cloud: Cloud) -> None:
    """What no flow names gets nowhere, though the port is published on the hosts' own addresses."""
    published = [("10.213.16.11", 8080), ("10.213.16.12", 8080), ("10.213.16.12", 8081)]

    assert set(published) == reached(cloud, "edge1", "", published)
    assert set() == reached(cloud, "dept1", "", published)
    assert set() == reached(cloud, "app1", "", published)  # nor does a host itself, only the pod that has the flow


def test_the_proof_holds_of_what_runs(cloud: Cloud) -> None:
    """For every header, what container hosts let through and pass on is what the flows permit."""
    city = load_city(cloud.lab.city)
    compiler = Compiler(city, datetime.now(ZoneInfo(city.profile.timezone)).date())

    for host in ("app1", "app2"):
        results = compare(compiler.intent(city.hosts[host]), cloud.lab.ssh(host, "sudo nft -j list ruleset"))
        assert {"proved"} == {result.verdict for result in results}, [r.packet or r.why for r in results]
        assert ("eth0", "pods0") in {result.cell for result in results}


def test_a_new_version_costs_no_request(cloud: Cloud) -> None:
    """At 100 requests a second through the edge each replica is renewed; --check foretold what changed."""
    cloud.describe(NEXT)
    predicted = cloud.lab.play(WORKLOADS, "--check")
    with load(cloud) as requests:
        play = cloud.lab.play(WORKLOADS)
    print(f"\nnew version: {requests.figures()}")  # noqa: T201 - the figure

    assert (0, []) == (play.code, requests.failed), play.output
    assert len(requests.done) > 10 * A_SECOND
    assert predicted.changed == play.changed
    assert {"app1", "app2"} == {host for host, _, _ in play.changed}
    assert {(200, f"status {NEXT}")} == {cloud.get("status") for _ in range(4)}


def test_a_broken_version_is_undone_by_itself(cloud: Cloud) -> None:
    """The first host goes back to the version before, the second is never touched, users see nothing of it."""
    before = cloud.get("status")
    cloud.describe(BROKEN)
    with load(cloud) as requests:
        play = cloud.lab.play(WORKLOADS, "-e", "workload_probe_seconds=5")
    print(f"\nbroken version: {requests.figures()}")  # noqa: T201

    assert play.code == 2, play.output
    assert "undone" in play.output
    assert [] == requests.failed
    assert len({host for host, task, _ in play.changed if task.endswith("Start it")}) == 1
    assert {before} == {cloud.get("status") for _ in range(4)}
    cloud.describe(before[1].split()[1])
    again = cloud.lab.play(WORKLOADS)
    assert (0, frozenset()) == (again.code, again.changed), again.output


@pytest.mark.parametrize("host", ["app1", "app2"])
def test_a_container_host_dies(cloud: Cloud, host: str) -> None:
    """A power cut: the other replica answers, and after the boot the pods are there again by themselves, data too."""
    bookings = int(cloud.get("booking")[1])
    with load(cloud) as requests:
        wait_for("a second of requests", lambda: len(requests.done) > A_SECOND)
        cut = time.monotonic()
        cloud.lab.lab("kill", host)
        wait_for("ten seconds of requests after it", lambda: max(requests.done)[0] > cut + 10, 120)
    late = [sent - cut for sent, _, why in requests.done if why]
    print(f"\n{host} killed: {requests.figures()}; last failure {max(late, default=0):.1f} s after it")  # noqa: T201
    cloud.lab.lab("up", host)

    assert len(requests.failed) <= A_SECOND / 10
    assert max(late, default=0) < 5
    wait_for("its pods run again", lambda: "status-app" in cloud.pods(host), 90)
    wait_for("the booking system answers", lambda: cloud.get("booking")[0] == 200, 90)
    assert bookings == int(cloud.get("booking")[1])


def test_what_is_described_no_more_is_taken_away(cloud: Cloud) -> None:
    """Pod, unit, files, image and flow of the booking system go; its volume stays, for data is nobody's to prune."""
    cloud.describe(NEXT, booking=False)

    play = cloud.lab.play(WORKLOADS)
    units = cloud.lab.ssh(
        "app2", "systemctl list-units --all --plain --no-legend 'podman-kube@*'; ls /etc/egov/workloads"
    )
    again = cloud.lab.play(WORKLOADS)

    assert play.code == 0, play.output
    assert {"status-app"} == cloud.pods("app2")
    assert "booking" not in units
    assert "status" in units
    assert "postgresql" not in cloud.lab.ssh("app2", "sudo podman images --format '{{.Repository}}'")
    assert "data-booking-0" in cloud.lab.ssh("app2", "sudo podman volume ls --quiet")
    assert 503 == cloud.get("booking")[0]
    assert (0, frozenset()) == (again.code, again.changed), again.output
