"""The same-city backup centre: tenancies and systems that stand by, the flows they will need, nothing that runs.

What protection standard or elevated asks for is here with no replica; a takeover scales it up. What is basic waits
until the data centre is back.
"""

from __future__ import annotations

import pulumi

from egov.render.workloads import doors
from stacks.platform.admission import admission
from stacks.platform.backup import backup
from stacks.platform.flows import policies
from stacks.platform.gateway import entrance
from stacks.platform.priorities import priorities
from stacks.platform.setting import Setting, reference, setting
from stacks.platform.systems import applications, deploy, under_way
from stacks.platform.tenants import inside, tenants


def build(given: Setting) -> None:
    """Register the stack; it tells which of the data centre's tenancies have no double here."""
    priorities()
    admission()
    entrance(given)
    made = tenants(given)
    arrived = {None, *(wave.id for wave in under_way(given))}
    standing: list[str] = []
    for system, workload in applications(given.city):
        if workload.wave in arrived and workload.protection != "basic":
            deploy(given, system, workload, inside(made[system.department]), standby=True)
            standing.append(system.id)
    backup(given)
    opts = pulumi.ResourceOptions(depends_on=[*made.values()])
    for door in doors(given.city, given.on):
        policies(given.city, door, given.numbers.pod_networks, opts)
    there = reference(given, "datacenter").require_output("namespaces")
    pulumi.export("cluster", "backup")
    pulumi.export("standby", standing)
    pulumi.export("without_double", there.apply(lambda names: sorted(set(names) - set(made))))


if __name__ == "__main__":
    build(setting())
