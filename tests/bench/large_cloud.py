"""A city with many tenants in the cloud, and the graphs of the stacks that deploy it."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from egov.capture import Graph
from egov.capture.inprocess import capture
from egov.capture.programs import configuration
from egov.city import City, Department, Ends, Flow, System, load
from egov.city.workloads import Quota, Workload
from stacks.platform.setting import Setting, numbers

ROOT = Path(__file__).parents[2]
STACKS = ROOT / "stacks"
ON = date(2026, 12, 1)
IMAGE = "registry.example/app:1.0@sha256:" + 64 * "c"


def city(tenants: int, systems: int) -> City:
    """Return the sample city with other departments and systems in its cloud, each system in one flow."""
    base = load(ROOT / "inventory" / "huludao")
    some = next(iter(base.departments.values()))
    quota = Quota(cpu_millicores=60000, memory_mib=60000, storage_gib=600, pods=200, document="文")
    departments: dict[str, Department] = dict(base.departments)
    made: dict[str, System] = {name: s for name, s in base.systems.items() if s.workload is None}
    gateway = base.systems["dashuju-gongxiang"]
    flows: dict[str, Flow] = {}
    for number in range(tenants):
        name = f"t{number}"
        departments[name] = some.model_copy(update={"id": name, "quota": quota})
        names = [f"{name}-s{index}" for index in range(systems)]
        for system in names:
            workload = Workload(protection="standard", image=IMAGE, hostname=f"{system}.example.cn")
            given: dict[str, Any] = {"network": "extranet", "placement": "cloud", "workload": workload}
            made[system] = System(id=system, department=name, **given)
        flows[name] = Flow(
            id=name,
            clients=Ends(systems=(gateway.id,)),
            servers=Ends(systems=tuple(names)),
            services=("8080/tcp",),
            why="-",
            department=name,
            until=ON,
        )
    return replace(base, departments=departments, systems={**made, gateway.id: gateway}, flows=flows)


def graphs(made: City) -> list[Graph]:
    """Return the graphs of the data centre's and the extranet's programs for a city in memory."""
    config = configuration(STACKS, "datacenter", "production")
    given = Setting(made, ON, "production", numbers(lambda key: config.get(f"egov:{key}")))
    found: list[Graph] = []
    for program in ("datacenter", "extranet"):
        build: Callable[[Setting], None] = runpy.run_path(str(STACKS / program / "__main__.py"))["build"]
        outputs = dict(found[0].outputs) if found else {}
        graph = capture(
            lambda build=build: build(given),  # type: ignore[misc] # bound now
            project=program,
            stack="production",
            folder=STACKS,
            config=config,
            references=lambda _name, outputs=outputs: outputs,
        )
        found.append(graph)
    return found
