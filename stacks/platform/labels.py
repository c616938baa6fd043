"""Names that stand on every object: labels that select and count, annotations that explain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from egov.city import City
from egov.city.workloads import Protection

SYSTEM = "egov/system"
DEPARTMENT = "egov/department"
COST = "egov/cost-centre"
PROTECTION = "egov/protection"
TENANT = "egov/tenant"
DECLARED = "egov/declared"
FLOW = "egov/flow"
UNTIL = "egov/until"
BRIDGE = "egov/bridge"
GRANTED = "egov/granted-by"
REVIEW = "egov/review-after"

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The one label of a namespace that its tenant cannot set."""

MANAGED_BY = {"app.kubernetes.io/managed-by": "egov"}
GATEWAY_NAMESPACE = "platform-gateway"
BACKUP_NAMESPACE = "platform-backup"
PLATFORM = {"gateway": GATEWAY_NAMESPACE, "backup": BACKUP_NAMESPACE}
"""What a system serves as → the namespace of the platform where its controller's pods stand."""
GATEWAY = "platform"


def namespace_of(department: str) -> str:
    """Return the namespace of a department."""
    return f"dept-{department}"


def home(city: City, system: str) -> str:
    """Return the namespace a system's workload runs in: one of the platform's own, else its department's."""
    described = city.systems[system]
    serves_as = described.workload.serves_as if described.workload else "application"
    return PLATFORM.get(serves_as) or namespace_of(described.department)


def selecting(system: str) -> dict[str, str]:
    """Return the labels that select a system's pods; a policy of admission keeps tenants from borrowing another's."""
    return {SYSTEM: system}


def labels(department: str, system: str | None = None, protection: Protection | None = None) -> dict[str, str]:
    """Return the labels of an object: owner, who pays, and the system it belongs to."""
    found = {DEPARTMENT: department, COST: department, **MANAGED_BY}
    if system is not None:
        found |= selecting(system) | {"app.kubernetes.io/name": system}
    return found | ({PROTECTION: protection} if protection else {})


def declared(kind: str, item: str, **more: str | date | None) -> Mapping[str, str]:
    """Return the annotations that say what of the description an object came from, and on whose word.

    The line is not among them: it moves whenever somebody writes above it; `egov show` finds it.
    """
    given = {DECLARED: f"{kind}/{item}"}
    return given | {f"egov/{name.replace('_', '-')}": str(value) for name, value in more.items() if value is not None}
