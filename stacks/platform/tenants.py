"""Departments with systems in the cloud → tenancies, alike in the data centre and in the backup centre."""

from __future__ import annotations

import pulumi

from stacks.platform.namespaces import Tenant, TenantArgs
from stacks.platform.setting import Setting
from stacks.platform.systems import applications, highest


def tenants(setting: Setting) -> dict[str, Tenant]:
    """Register the tenancy of every department that has a workload, whether its wave has started or not."""
    found: dict[str, Tenant] = {}
    for department in sorted({system.department for system, _ in applications(setting.city)}):
        described = setting.city.departments[department]
        if described.quota is None:  # the description's rules refuse it; a program may be given any city
            message = f"{department} has no quota"
            raise ValueError(message)
        levels = [workload.protection for s, workload in applications(setting.city) if s.department == department]
        found[department] = Tenant(
            TenantArgs(
                department=department,
                owner=described.name_zh,
                contact=" ".join(filter(None, (described.contact.office, described.contact.phone))),
                protection=highest(levels),
                quota=described.quota,
                pod_security=setting.numbers.pod_security,
                review_after=setting.numbers.review_after,
            )
        )
    return found


def inside(tenant: Tenant) -> pulumi.ResourceOptions:
    """Return the options of what stands in a tenancy: made after it."""
    return pulumi.ResourceOptions(depends_on=[tenant])
