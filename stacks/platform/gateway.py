"""The one entrance: a Gateway that publishes departments' names, in a namespace of the platform's own."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from egov.city.fields import Part, Slug, Text
from egov.city.workloads import HostName, UnprivilegedPort
from stacks.platform.labels import GATEWAY, GATEWAY_NAMESPACE, TENANT, declared, labels
from stacks.platform.namespaces import GuardedNamespace, metadata
from stacks.platform.setting import Setting
from stacks.platform.systems import serving

_API = "gateway.networking.k8s.io/v1"
_PORT = 8443


class EntranceArgs(Part):
    """What the entrance is made of."""

    system: Slug
    department: Slug
    port: UnprivilegedPort
    hostnames: tuple[HostName, ...] = Field(min_length=1, description="All names it answers for")
    gateway_class: Slug
    gateway_controller: Text
    certificate_issuer: Slug
    pod_security: Text


class Entrance(pulumi.ComponentResource):
    """Namespace, class, certificate and Gateway. Routes come from departments' namespaces, and from no others."""

    def __init__(self, args: EntranceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("egov:platform:Entrance", GATEWAY, None, opts)
        own, notes = labels(args.department, args.system), declared("systems", args.system)
        guarded = GuardedNamespace(
            GATEWAY_NAMESPACE, args.pod_security, own, notes, pulumi.ResourceOptions(parent=self)
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[guarded])
        k8s.apiextensions.CustomResource(
            args.gateway_class,
            api_version=_API,
            kind="GatewayClass",
            metadata=metadata(args.gateway_class, None, own, notes),
            spec={"controllerName": args.gateway_controller},
            opts=pulumi.ResourceOptions(parent=self),
        )
        k8s.apiextensions.CustomResource(
            f"{GATEWAY_NAMESPACE}/{GATEWAY}-certificate",
            api_version="cert-manager.io/v1",
            kind="Certificate",
            metadata=metadata(GATEWAY, GATEWAY_NAMESPACE, own, notes),
            spec={
                "secretName": f"{GATEWAY}-tls",
                "dnsNames": sorted(args.hostnames),
                "issuerRef": {"name": args.certificate_issuer, "kind": "ClusterIssuer"},
                "privateKey": {"rotationPolicy": "Always"},
            },
            opts=inside,
        )
        consents = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {TENANT: "true"}}}}
        k8s.apiextensions.CustomResource(
            f"{GATEWAY_NAMESPACE}/{GATEWAY}",
            api_version=_API,
            kind="Gateway",
            metadata=metadata(GATEWAY, GATEWAY_NAMESPACE, own, notes),
            spec={
                "gatewayClassName": args.gateway_class,
                "listeners": [
                    {
                        "name": "https",
                        "port": args.port,
                        "protocol": "HTTPS",
                        "tls": {"mode": "Terminate", "certificateRefs": [{"name": f"{GATEWAY}-tls"}]},
                        "allowedRoutes": consents,
                    }
                ],
            },
            opts=inside,
        )
        self.register_outputs({})


def entrance(given: Setting) -> None:
    """Register the entrance if a system serves as the gateway, with the names of all systems that are published."""
    front = serving(given.city, "gateway")
    names = {s.workload.hostname for s in given.city.systems.values() if s.workload and s.workload.hostname}
    if front is None or not names:
        return
    numbers = given.numbers
    Entrance(
        EntranceArgs(
            system=front.id,
            department=front.department,
            port=_PORT,
            hostnames=tuple(sorted(names)),
            gateway_class=numbers.gateway_class,
            gateway_controller=numbers.gateway_controller,
            certificate_issuer=numbers.certificate_issuer,
            pod_security=numbers.pod_security,
        )
    )
