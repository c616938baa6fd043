"""A description of 5,000 hosts and 3,000 systems: loading it, handing it to Ansible; and the command's own start.

Each figure is that of a whole process, start and imports included. Cold: no cache. Warm: the cache of the run before.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import large_city
import pytest
import yaml
from measure import ROOT, Bar, Cost, cost, least, report

from egov.city import load
from egov.lab.lab import Lab
from egov.lab.paths import Paths
from egov.lab.topology import topology

Run = Callable[[], Cost]
pytestmark = pytest.mark.bench
HOSTS, SYSTEMS = 5000, 3000
LAB = "benchfile"
SAMPLE = ROOT / "inventory" / "huludao"
BIN = Path(sys.executable).parent
COMPOSE = """
import gc, sys, yaml
from pathlib import Path
gc.disable()
for path in sorted(Path(sys.argv[1]).rglob("*.yml")):
    yaml.compose(path.read_text("utf-8"), yaml.CSafeLoader)
"""
LOAD = """
import sys
from pathlib import Path
from egov.city import load
city = load(Path(sys.argv[1]))
print(len(city.hosts), len(city.systems))
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the large description, which `egov validate` finds valid."""
    folder = tmp_path_factory.mktemp("city") / "large"
    large_city.write(folder, HOSTS, SYSTEMS)
    cache = tmp_path_factory.mktemp("validate")
    cost([str(BIN / "egov"), "validate", str(folder)], {"XDG_CACHE_HOME": str(cache)})
    return folder


def cold_and_warm(command: list[str], cache: Path, environment: dict[str, str]) -> tuple[Run, Run]:
    """Return two runs of *command*: with an empty cache, then with the one that it left."""
    environment = {**environment, "XDG_CACHE_HOME": str(cache)}

    def cold() -> Cost:
        shutil.rmtree(cache, ignore_errors=True)
        return cost(command, environment)

    return cold, lambda: cost(command, environment)


def test_load(city: Path, tmp_path: Path) -> None:
    """Loading costs under 2 s of CPU beyond composing the same files with libyaml; from the cache under 0.5 s."""
    python = [sys.executable, "-c"]
    parse, start, cold, warm = least(
        5,
        lambda: cost([*python, COMPOSE, str(city)], {}),
        lambda: cost([*python, "import egov.city"], {}),
        *cold_and_warm([*python, LOAD, str(city)], tmp_path / "cache", {}),
    )

    assert (f"{HOSTS} {SYSTEMS}\n",) * 2 == (cold.output, warm.output)
    report(
        f"load {HOSTS} hosts, {SYSTEMS} systems: {sum(p.stat().st_size for p in city.rglob('*.yml'))} bytes of YAML",
        {
            "yaml.compose with CSafeLoader, nothing else": parse,
            "start and imports of egov.city, nothing else": start,
            "start, imports, load: cold": cold,
            "start, imports, load: warm": warm,
        },
        [
            Bar("CPU beyond YAML parsing, cold, start and imports included", cold.cpu_s - parse.cpu_s, "s", 2),
            Bar("CPU of loading, warm", warm.cpu_s - start.cpu_s, "s", 0.5),
        ],
    )


@pytest.fixture(params=["production", "lab"])
def environment(request: pytest.FixtureRequest, city: Path) -> Iterator[dict[str, str]]:
    """Return the environment that makes the city's hosts those of production (few variables each) or of a lab."""
    environment = {"EGOV_CITY": str(city), "ANSIBLE_DEPRECATION_WARNINGS": "0"}
    if request.param == "production":
        yield environment
        return
    folder = ROOT / ".lab" / LAB
    folder.mkdir(parents=True)
    lab = Lab(Paths(ROOT, LAB), topology(load(SAMPLE)))  # never brought up: no host stands behind its state
    lab.paths.state.write_text(json.dumps(lab.state()), encoding="utf-8")
    yield {**environment, "EGOV_LAB": LAB}
    shutil.rmtree(folder)


def test_ansible_inventory(environment: dict[str, str], tmp_path: Path) -> None:
    """`ansible-inventory --graph` through the script costs a fifth of static YAML cold, a twelfth warm; same output.

    The bars are for about 20 variables a host, as a lab's hosts have them; static YAML is cheaper where hosts have few.
    """
    graph = [str(BIN / "ansible-inventory"), "--graph"]
    script = cost([str(ROOT / "inventory" / "inventory.py")], {**environment, "XDG_CACHE_HOME": str(tmp_path / "peer")})
    inventory = json.loads(script.output)
    at_hosts, at_groups = by_host(inventory), by_group(inventory)
    for name, content in (("hosts", at_hosts), ("groups", at_groups)):
        text = yaml.dump(content, Dumper=yaml.CSafeDumper, allow_unicode=True)
        (tmp_path / f"{name}.yml").write_text(text, encoding="utf-8")
    static = {**environment, "ANSIBLE_INVENTORY_ENABLED": "yaml"}
    hosts, groups, cold, warm = least(
        3,
        lambda: cost([*graph, "-i", str(tmp_path / "hosts.yml")], static),
        lambda: cost([*graph, "-i", str(tmp_path / "groups.yml")], static),
        *cold_and_warm(graph, tmp_path / "cache", environment),
    )

    assert {hosts.output} == {groups.output, cold.output, warm.output}
    variables = len(next(iter(at_hosts["all"]["hosts"].values())))
    bars = [
        Bar("times cheaper than static YAML, cold", hosts.cpu_s / cold.cpu_s, "", 5, at_most=False),
        Bar("times cheaper than static YAML, warm", hosts.cpu_s / warm.cpu_s, "", 12, at_most=False),
    ]
    report(
        f"ansible-inventory --graph: {HOSTS} hosts in {len(inventory) - 2} groups, {variables} variables a host",
        {
            "static YAML, each host with its variables": hosts,
            "static YAML, variables at groups where all hosts share them": groups,
            "script, cold: description rendered anew": cold,
            "script, warm": warm,
        },
        bars if "EGOV_LAB" in environment else [],
    )


def by_host(inventory: dict[str, Any]) -> dict[str, Any]:
    """Return the inventory as static YAML with every variable at each host, as Ansible's own export has it."""
    groups = named_groups(inventory)
    hosts = {host: {**inventory["all"]["vars"]} for host in inventory["_meta"]["hostvars"]}
    for content in groups.values():
        for host in content["hosts"]:
            hosts[host] |= content["vars"]
    for host, own in inventory["_meta"]["hostvars"].items():
        hosts[host] |= own
    children = {name: {"hosts": dict.fromkeys(content["hosts"])} for name, content in groups.items()}
    return {"all": {"hosts": hosts, "children": children}}


def by_group(inventory: dict[str, Any]) -> dict[str, Any]:
    """Return the inventory as static YAML with each variable where the script says it."""
    groups = named_groups(inventory)
    children = {name: {**content, "hosts": dict.fromkeys(content["hosts"])} for name, content in groups.items()}
    return {"all": {"vars": inventory["all"]["vars"], "hosts": inventory["_meta"]["hostvars"], "children": children}}


def named_groups(inventory: dict[str, Any]) -> dict[str, Any]:
    """Return the groups but `all`."""
    return {name: content for name, content in inventory.items() if name not in {"_meta", "all"}}


def test_help() -> None:
    """`egov --help` imports no command: under 150 ms of CPU."""
    bare, found = least(
        5,
        lambda: cost([sys.executable, "-c", "import click"], {}),
        lambda: cost([str(BIN / "egov"), "--help"], {}),
    )

    report(
        "egov --help",
        {"python with click, nothing else": bare, "egov --help": found},
        [Bar("CPU", 1000 * found.cpu_s, "ms", 150)],
    )
