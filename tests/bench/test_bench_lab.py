"""Real hosts: booting them, running the site a second time, collecting facts against Ansible's own.

Controller and hosts share the machine; CPU is the controller's alone. Of the site runs it leaves out what SSH
connections cost that are kept in the background.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from measure import ROOT, Bar, Cost, cost, report

from egov.city import load

pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(os.geteuid() != 0, reason="the lab makes network namespaces and mounts: needs root"),
]
BIN = Path(sys.executable).parent
LOGINS = 100
NAME = "bench"


@dataclass(frozen=True)
class BenchLab:
    """The sample city's lab under a name of its own."""

    environment: dict[str, str]

    def lab(self, *words: str) -> Cost:
        """Run an `egov lab` command for this lab."""
        return cost([str(BIN / "egov"), "lab", "--name", NAME, *words], self.environment)

    def inside(self, *words: str, **environment: str) -> Cost:
        """Run a command inside the lab's controller; what entering it costs is taken off."""
        command = [str(BIN / "egov"), "lab", "--name", NAME, "run", "--"]
        enter = cost([*command, "true"], self.environment)
        found = cost([*command, *words], {**self.environment, **environment})
        return replace(found, cpu_s=found.cpu_s - enter.cpu_s, wall_s=found.wall_s - enter.wall_s)

    @property
    def addresses(self) -> dict[str, str]:
        """Return each host's address."""
        status = json.loads(self.lab("status", "--format", "json").output)
        return {host["host"]: host["address"] for host in status}

    @property
    def state(self) -> Path:
        """Return the file that says how to reach the hosts."""
        return ROOT / ".lab" / NAME / "state.json"


@pytest.fixture(scope="module")
def bench_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BenchLab]:
    """Return the lab, not yet up, with a base image made; gone when the benches end."""
    lab = BenchLab(
        {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "EGOV_CITY": str(ROOT / "inventory" / "huludao"),
            "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")),
        }
    )
    lab.lab("down")
    lab.lab("up", "dc-app1")  # makes the base image where there is none
    lab.lab("down")
    yield lab
    lab.lab("down")


def test_up(bench_lab: BenchLab) -> None:
    """All hosts of the sample city, from nothing to `running`, in under 20 s."""
    up = bench_lab.lab("up")
    again = bench_lab.lab("up")

    hosts = len(bench_lab.addresses)
    report(
        f"egov lab up, {hosts} hosts, base image at hand",
        {"up from nothing": up, "up again, all running": again},
        [Bar("hosts", hosts, "", 12, at_most=False), Bar("wall time", up.wall_s, "s", 20)],
    )


def test_collection(bench_lab: BenchLab, tmp_path: Path) -> None:
    """A login costs at most 15 ms of CPU; with all its facts stored, an eighth or less of Ansible's gathering facts.

    All are asked for few logins and for 100 more; the difference leaves out what starting the program costs.
    """
    bench_lab.lab("up")
    addresses = bench_lab.addresses
    few, many = len(addresses), len(addresses) + LOGINS
    # No connection is kept: the module is one command, and a kept one would cost in the background, uncounted.
    peer = {
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
    }

    def ours(what: str, logins: int) -> Cost:
        script = [sys.executable, str(Path(__file__).with_name("collect_often.py")), what, str(bench_lab.state)]
        evidence = str(tmp_path / f"evidence-{logins}")
        found = cost([*script, evidence, str(logins), json.dumps(addresses)], bench_lab.environment)
        assert f"{logins}\n" == found.output
        return found

    def setup(logins: int) -> Cost:
        inventory = tmp_path / f"{logins}.yml"
        inventory.write_text(yaml.safe_dump(often(bench_lab.state, addresses, logins)), encoding="utf-8")
        command = ["ansible", "all", "-i", str(inventory), "-m", "ansible.builtin.setup", "-f", str(few), "-o"]
        found = bench_lab.inside(*command, **peer)
        assert logins == found.output.count("| SUCCESS =>")
        return found

    costs = {
        f"ansible -m setup, pipelining, {many} logins": setup(many),
        f"ansible -m setup, pipelining, {few} logins": setup(few),
        f"egov collect: log in, run the script, take its answer, {many}": ours("logins", many),
        f"egov collect: log in, run the script, take its answer, {few}": ours("logins", few),
        f"egov collect: the same, and facts read, hashed, stored, {many}": ours("collection", many),
        f"egov collect: the same, and facts read, hashed, stored, {few}": ours("collection", few),
    }
    cpu_s = [found.cpu_s for found in costs.values()]
    peer, login, collection = ((more - less) / LOGINS for more, less in zip(cpu_s[::2], cpu_s[1::2], strict=True))
    each = f"{1000 * peer:.1f} ms for each by Ansible, {1000 * collection:.1f} ms by egov"
    report(
        f"facts from {few} hosts, all at once; {each}",
        costs,
        [
            Bar("CPU per login with the host's answer", 1000 * login, "ms", 15),
            Bar("times cheaper than ansible -m setup, facts stored", peer / collection, "", 8, at_most=False),
        ],
    )


def often(state_file: Path, addresses: dict[str, str], logins: int) -> dict[str, Any]:
    """Return an inventory in which each host stands under many names, so that one run logs in that often."""
    state = json.loads(state_file.read_text(encoding="utf-8"))
    pinned = f"-F none -o UserKnownHostsFile={state['known_hosts']} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    variables = {
        "ansible_user": state["user"],
        "ansible_ssh_private_key_file": state["key"],
        "ansible_ssh_common_args": pinned,
    }
    hosts = list(addresses.items())
    named = {
        f"{host}-{n}": {"ansible_host": address} for n in range(logins) for host, address in [hosts[n % len(hosts)]]
    }
    return {"all": {"hosts": named, "vars": variables}}


def roles(hosts: Iterable[str]) -> str:
    """Return how many of the hosts have each role: what the layers of a run have to do."""
    described = load(ROOT / "inventory" / "huludao").hosts
    found = Counter(role for host in hosts for role in described[host].roles)
    return ", ".join(f"{number} {role}" for role, number in sorted(found.items()))


def test_second_site_run(bench_lab: BenchLab) -> None:
    """With nothing to change, the whole site takes under 60 s on twelve hosts with the accelerator."""
    import ansible_mitogen  # noqa: PLC0415 - only where it is asked for

    plugins = Path(ansible_mitogen.__file__).parent / "plugins" / "strategy"
    accelerator = {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(plugins)}
    site = ["ansible-playbook", "playbooks/site.yml"]
    bench_lab.lab("up")
    every = sorted(bench_lab.addresses)
    twelve = [*site, "--limit", ":".join(every[:12])]
    first = bench_lab.inside(*site, **accelerator)
    second = bench_lab.inside(*site, **accelerator)
    second_of_twelve = bench_lab.inside(*twelve, **accelerator)
    plain = bench_lab.inside(*twelve)

    which = f"{len(every)} hosts ({roles(every)}) and 12 of them ({roles(every[:12])})"
    report(
        f"ansible-playbook playbooks/site.yml, {which}",
        {
            "second run, 12 hosts, without the accelerator": plain,
            "second run, 12 hosts, mitogen_linear": second_of_twelve,
            f"second run, {len(every)} hosts, mitogen_linear": second,
            f"first run, {len(every)} hosts, mitogen_linear": first,
        },
        [Bar("wall time of the second run of 12 hosts", second_of_twelve.wall_s, "s", 60)],
    )
