"""The migration: systems of the waves that have started, and bridges that end with their wave."""

from __future__ import annotations

import pulumi

from egov.render.workloads import doors
from stacks.platform.flows import policies
from stacks.platform.setting import Setting, reference, setting
from stacks.platform.systems import applications, deploy, under_way


def build(given: Setting) -> None:
    """Register the stack: what a wave moves stands in the namespaces that the data centre's stack made."""
    datacenter = reference(given, "datacenter")
    opts = pulumi.ResourceOptions(depends_on=[datacenter])
    moved: dict[str, list[str]] = {}
    for wave in under_way(given):
        moved[wave.id] = []
        for system, workload in applications(given.city):
            if workload.wave == wave.id:
                deploy(given, system, workload, opts, wave=wave)
                moved[wave.id].append(system.id)
    bridges = [door for door in doors(given.city, given.on) if door.flow.bridge in moved]
    for door in bridges:
        policies(given.city, door, given.numbers.pod_networks, opts)
    pulumi.export("waves", moved)
    pulumi.export("bridges", {door.flow.id: door.flow.until.isoformat() for door in bridges})
    pulumi.export("cluster", "datacenter")
    pulumi.export("namespaces", datacenter.require_output("namespaces"))


if __name__ == "__main__":
    build(setting())
