"""The extranet inside the cloud: the open flows of the city as network policies. Bridges are the migration's."""

from __future__ import annotations

import pulumi

from egov.render.workloads import doors
from stacks.platform.flows import policies
from stacks.platform.setting import Setting, reference, setting


def build(given: Setting) -> None:
    """Register the stack: policies go into the namespaces that the data centre's stack made."""
    datacenter = reference(given, "datacenter")
    opts = pulumi.ResourceOptions(depends_on=[datacenter])
    lasting = [door for door in doors(given.city, given.on) if door.flow.bridge is None]
    for door in lasting:
        policies(given.city, door, given.numbers.pod_networks, opts)
    pulumi.export("flows", [door.flow.id for door in lasting])
    pulumi.export("cluster", "datacenter")
    pulumi.export("namespaces", datacenter.require_output("namespaces"))


if __name__ == "__main__":
    build(setting())
