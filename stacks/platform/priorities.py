"""Which pods make room for which when a site is lost: elevated before standard before basic."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from egov.city.workloads import Protection
from stacks.platform.labels import MANAGED_BY
from stacks.platform.namespaces import metadata

# Far below the cluster's own classes, which begin at 2,000,000,000; only their order has a meaning.
VALUES: dict[Protection, int] = {"basic": 1000, "standard": 10000, "elevated": 100000}


def priorities(opts: pulumi.ResourceOptions | None = None) -> None:
    """Register a priority class per level of protection."""
    for level, value in VALUES.items():
        name = f"egov-{level}"
        k8s.scheduling.v1.PriorityClass(
            name,
            metadata=metadata(name, None, MANAGED_BY),
            value=value,
            global_default=False,
            description=f"Workloads whose need of protection is {level}",
            opts=opts,
        )
