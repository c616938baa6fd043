"""Rendered objects as files for podman: the program's pod, what is left out said, one file per pod and host."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from egov.capture.kube_play import manifests
from egov.capture.manifests import Object, objects
from egov.capture.programs import Stacks
from egov.city import City, load
from egov.errors import UsageError

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "workloads"
CITY = load(FOLDER)
ON = date(2026, 12, 1)


@cache
def rendered() -> tuple[Object, ...]:
    """Return the objects of the small city's data centre."""
    return tuple(objects(Stacks(ROOT / "stacks", "lab", FOLDER, ON).graph("datacenter")))


def documents(host: str, system: str, *, limits: bool = True) -> list[dict[str, Any]]:
    """Return the documents of one pod's file."""
    text = manifests(rendered(), CITY, ON, limits=limits)[host][f"{system}.yaml"]
    return list(yaml.safe_load_all(text))


def test_each_host_has_its_own_pods() -> None:
    """One file per replica, on the host where it is placed; hosts without pods of their own have none."""
    found = manifests(rendered(), CITY, ON)

    assert {"app1": {"status.yaml"}, "app2": {"booking.yaml", "status.yaml"}} == {h: {*f} for h, f in found.items()}


def test_the_pod_is_the_programs() -> None:
    """Its rights, its images and its names are those of the stack; its address is the placement's."""
    (pod,) = documents("app1", "status")
    made = next(o for o in rendered() if (o.key.kind, o.key.name) == ("Deployment", "status"))
    template = made.data["spec"]["template"]
    (container,), (given,) = pod["spec"]["containers"], template["spec"]["containers"]

    for name in ("image", "securityContext", "resources", "volumeMounts"):
        assert given[name] == container[name]
    assert template["spec"]["securityContext"] == pod["spec"]["securityContext"]
    assert template["metadata"]["labels"] == pod["metadata"]["labels"]
    assert {"egov/address": "10.244.31.144:8080"} == pod["metadata"]["annotations"]
    assert [{"ip": "10.213.16.12", "hostnames": ["booking.dept-data-office.svc"]}] == pod["spec"]["hostAliases"]


def test_what_is_left_out_is_said() -> None:
    """Nothing is dropped in silence: the head of the file names each field."""
    text = manifests(rendered(), CITY, ON, limits=False)["app1"]["status.yaml"]
    (pod,) = documents("app1", "status", limits=False)
    (said,) = [line.removeprefix("# left out: ") for line in text.splitlines() if line.startswith("# left out: ")]
    made = next(o for o in rendered() if (o.key.kind, o.key.name) == ("Deployment", "status"))
    spec = made.data["spec"]["template"]["spec"]

    gone = {*spec} - {*pod["spec"]} | {*spec["containers"][0]} - {*pod["spec"]["containers"][0]}
    assert gone == {*said.split(", ")}
    assert "resources" in gone


def test_a_database_of_its_own_keeps_its_volume() -> None:
    """By the name that a stateful set gives the claim, which is no document of its own: podman would make it anew."""
    (pod,) = documents("app2", "booking")

    assert {"name": "data", "persistentVolumeClaim": {"claimName": "data-booking-0"}} in pod["spec"]["volumes"]
    mounts = {c["name"]: [m["mountPath"] for m in c["volumeMounts"]] for c in pod["spec"]["containers"]}
    assert {"app": ["/tmp"], "database": ["/tmp", "/data"]} == mounts


def with_workload(**update: object) -> City:
    """Return the city with a changed workload of the status page."""
    system = CITY.systems["status"]
    assert system.workload is not None
    changed = system.model_copy(update={"workload": system.workload.model_copy(update=update)})
    return replace(CITY, systems={**CITY.systems, "status": changed})


@pytest.mark.parametrize("update", [{"secrets": ("key",)}, {"database_gib": 5}], ids=lambda update: next(iter(update)))
def test_what_only_a_cluster_hands_over_is_refused(update: dict[str, object]) -> None:
    """A secret is never left out: without it a program would run as if there were none."""
    (name,) = update
    with pytest.raises(UsageError, match=f"status: workload: {name} is handed over by a cluster"):
        manifests(rendered(), with_workload(**update), ON)


def test_a_pod_that_no_stack_renders_is_refused() -> None:
    """What is placed and not rendered is said, not skipped."""
    with pytest.raises(UsageError, match="status: no stack renders its workload"):
        manifests([o for o in rendered() if o.key.name != "status"], CITY, ON)
