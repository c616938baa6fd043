"""The data centre: tenancies of departments, the entrance, admission rules, and the systems that were built here."""

from __future__ import annotations

import pulumi

from stacks.platform.admission import admission
from stacks.platform.backup import backup
from stacks.platform.gateway import entrance
from stacks.platform.priorities import priorities
from stacks.platform.setting import Setting, setting
from stacks.platform.systems import applications, deploy
from stacks.platform.tenants import inside, tenants


def build(given: Setting) -> None:
    """Register the stack; its outputs are what the other stacks refer to."""
    priorities()
    admission()
    entrance(given)
    made = tenants(given)
    for system, workload in applications(given.city):
        if workload.wave is None:
            deploy(given, system, workload, inside(made[system.department]))
    backup(given)
    pulumi.export("cluster", "datacenter")
    pulumi.export("namespaces", {department: tenant.namespace for department, tenant in made.items()})


if __name__ == "__main__":
    build(setting())
