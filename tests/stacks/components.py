"""What golden cases share: components by name, run as a program of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from egov.capture import Graph
from egov.capture.inprocess import capture
from egov.city.workloads import Workload as Described
from stacks.platform.admission import admission
from stacks.platform.data import (
    BackupSchedule,
    BackupScheduleArgs,
    Database,
    DatabaseArgs,
    SharedEndpoint,
    SharedEndpointArgs,
)
from stacks.platform.gateway import Entrance, EntranceArgs
from stacks.platform.namespaces import Tenant, TenantArgs
from stacks.platform.priorities import priorities
from stacks.platform.workload import Workload, WorkloadArgs

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent / "cases"
DIGEST = "@sha256:" + 64 * "a"
IMAGE = f"registry.example/finance/budget:1.2.0{DIGEST}"

COMPONENTS: dict[str, tuple[type, type]] = {
    "tenant": (Tenant, TenantArgs),
    "workload": (Workload, WorkloadArgs),
    "database": (Database, DatabaseArgs),
    "backup-schedule": (BackupSchedule, BackupScheduleArgs),
    "shared-endpoint": (SharedEndpoint, SharedEndpointArgs),
    "entrance": (Entrance, EntranceArgs),
}
USUAL: dict[str, dict[str, Any]] = {
    "tenant": {
        "department": "finance",
        "owner": "市财政局",
        "contact": "值班室 1234",
        "protection": "standard",
        "quota": {
            "cpu_millicores": 4000,
            "memory_mib": 8192,
            "storage_gib": 100,
            "pods": 30,
            "document": "文1",
        },
        "pod_security": "v1.35",
        "review_after": date(2027, 12, 31).isoformat(),
    },
    "workload": {
        "system": "budget",
        "department": "finance",
        "described": {"protection": "standard", "image": IMAGE},
        "storage_class": "standard",
        "secret_store": "city",
        "spread": True,
        "max_replicas": 50,
    },
    "database": {
        "system": "budget",
        "department": "finance",
        "protection": "standard",
        "size_gib": 20,
        "servers": ["10.2.0.11", "10.3.0.11"],
        "secret_store": "city",
    },
    "backup-schedule": {
        "department": "finance",
        "protection": "standard",
        "schedule": "0 2 * * *",
        "keep_days": 30,
        "namespace": "platform-backup",
        "location": "same-city",
        "data_only": False,
    },
    "shared-endpoint": {
        "system": "budget",
        "department": "finance",
        "share": {"name": "payments", "path": "/api/payments"},
        "port": 8080,
        "hostname": "share.example.cn",
    },
    "entrance": {
        "system": "front",
        "department": "office",
        "port": 8443,
        "hostnames": ["a.example.cn"],
        "gateway_class": "egov",
        "gateway_controller": "example.cn/gateway",
        "certificate_issuer": "city",
        "pod_security": "v1.35",
    },
}


def run(program: Callable[[], None], **given: Any) -> Graph:  # noqa: ANN401 - what a capture is told
    """Return what a program registers; places are looked for beside this file."""
    told = {"project": "case", "stack": "lab", "folder": Path(__file__).parent, "config": {}, **given}
    return capture(program, **told)


def component(name: str, arguments: Mapping[str, Any]) -> Callable[[], None]:
    """Return a program that makes one component of its usual arguments, some of them given otherwise."""
    if name in {"admission", "priorities"}:
        return {"admission": admission, "priorities": priorities}[name]
    made, model = COMPONENTS[name]
    merged = merge(USUAL[name], arguments)

    def program() -> None:
        adapter: TypeAdapter[Any] = TypeAdapter(model)
        made(adapter.validate_json(json.dumps(merged)))

    return program


def merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return one mapping with another laid over it, mappings inside as well; None takes a key away."""
    found = dict(one)
    for key, value in other.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(found.get(key), Mapping):
            found[key] = merge(found[key], value)
        else:
            found[key] = value
    return found


def described(**given: Any) -> Described:  # noqa: ANN401 - fields of a workload
    """Return a described workload."""
    return Described(**{"protection": "standard", "image": IMAGE, **given})
