"""What holds data: a database on the data centre's PostgreSQL, a schedule of backups, an interface that is shared."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from egov.city.fields import Address, Part, Slug
from egov.city.workloads import Gibibytes, HostName, Protection, Share, UnprivilegedPort
from stacks.platform.labels import GATEWAY, GATEWAY_NAMESPACE, declared, labels, namespace_of
from stacks.platform.namespaces import metadata
from stacks.platform.setting import Cron
from stacks.platform.workload import database_name, external_secret

_POSTGRESQL = 5432


class DatabaseArgs(Part):
    """A claim on the data centre's PostgreSQL, which stands on hosts of its own, outside any cluster."""

    system: Slug
    department: Slug
    protection: Protection
    size_gib: Gibibytes
    servers: tuple[Address, ...] = Field(min_length=1, description="Business addresses of the database hosts")
    secret_store: Slug


class Database(pulumi.ComponentResource):
    """A name inside the cluster for the database's hosts, what a client must know, and a reference to its password.

    basic and standard: TLS asked for. elevated: the server's certificate and name are verified
    (GB/T 22239-2019 8.1.4.8).
    The database itself is made by the playbooks; whether it may be reached is a flow.
    """

    def __init__(self, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        name, namespace = database_name(args.system), namespace_of(args.department)
        called = f"{namespace}/{name}"
        super().__init__("egov:platform:Database", called, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        own = labels(args.department, protection=args.protection)
        notes = declared("systems", args.system)
        k8s.core.v1.Service(
            called,
            metadata=metadata(name, namespace, own, notes),
            spec=k8s.core.v1.ServiceSpecArgs(
                cluster_ip="None",
                ports=[k8s.core.v1.ServicePortArgs(name="postgresql", port=_POSTGRESQL, protocol="TCP")],
            ),
            opts=inside,
        )
        for version in (4, 6):
            addresses = [a for a in args.servers if ip_address(a).version == version]
            if addresses:
                k8s.discovery.v1.EndpointSlice(
                    f"{called}-ipv{version}",
                    metadata=metadata(
                        f"{name}-ipv{version}", namespace, {**own, "kubernetes.io/service-name": name}, notes
                    ),
                    address_type=f"IPv{version}",
                    endpoints=[k8s.discovery.v1.EndpointArgs(addresses=[address]) for address in addresses],
                    ports=[k8s.discovery.v1.EndpointPortArgs(name="postgresql", port=_POSTGRESQL, protocol="TCP")],
                    opts=inside,
                )
        k8s.core.v1.ConfigMap(
            called,
            metadata=metadata(name, namespace, own, {**notes, "egov/size-gib": str(args.size_gib)}),
            data={
                "PGHOST": f"{name}.{namespace}.svc",
                "PGPORT": str(_POSTGRESQL),
                "PGDATABASE": args.system.replace("-", "_"),
                "PGSSLMODE": "verify-full" if args.protection == "elevated" else "require",
                "PGTARGETSESSIONATTRS": "read-write",
            },
            opts=inside,
        )
        external_secret(called, metadata(name, namespace, own, notes), args.secret_store, f"{args.system}/pg", inside)
        self.register_outputs({})


class BackupScheduleArgs(Part):
    """When a department's objects and volumes are copied, and how long a copy is kept."""

    department: Slug
    protection: Protection
    schedule: Cron
    keep_days: Annotated[int, Field(ge=1, le=3660)]
    namespace: Slug = Field(description="Namespace of the backup controller")
    location: Slug = Field(description="Store that takes the copies")
    data_only: bool = Field(description="Copies volumes and nothing that could be started from them")


class BackupSchedule(pulumi.ComponentResource):
    """A Velero schedule of one namespace. standard and elevated also copy volumes' contents (BSI APP.4.4.A5)."""

    def __init__(self, args: BackupScheduleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        tenant = namespace_of(args.department)
        name = f"{tenant}-{args.location}"
        super().__init__("egov:platform:BackupSchedule", name, None, opts)
        template = {
            "includedNamespaces": [tenant],
            "defaultVolumesToFsBackup": args.protection != "basic" or args.data_only,
            "storageLocation": args.location,
            "ttl": f"{args.keep_days * 24}h0m0s",
        }
        if args.data_only:
            template["includedResources"] = ["persistentvolumeclaims", "persistentvolumes", "pods"]
        k8s.apiextensions.CustomResource(
            f"{args.namespace}/{name}",
            api_version="velero.io/v1",
            kind="Schedule",
            metadata=metadata(
                name,
                args.namespace,
                labels(args.department, protection=args.protection),
                declared("departments", args.department),
            ),
            spec={"schedule": args.schedule, "template": template},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


class SharedEndpointArgs(Part):
    """An interface that other departments may ask for: its name at the sharing gateway, and where it leads."""

    system: Slug
    department: Slug
    share: Share
    port: UnprivilegedPort
    hostname: HostName = Field(description="Name of the sharing gateway")


class SharedEndpoint(pulumi.ComponentResource):
    """A route of the sharing gateway into a department's namespace, and that namespace's consent to it.

    Without the consent (ReferenceGrant) the route leads nowhere: both sides are objects that a reviewer sees.
    """

    def __init__(self, args: SharedEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        name, namespace = f"{args.department}-{args.share.name}", namespace_of(args.department)
        super().__init__("egov:platform:SharedEndpoint", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        own, notes = labels(args.department), declared("systems", args.system)
        k8s.apiextensions.CustomResource(
            f"{GATEWAY_NAMESPACE}/{name}",
            api_version="gateway.networking.k8s.io/v1",
            kind="HTTPRoute",
            metadata=metadata(name, GATEWAY_NAMESPACE, own, notes),
            spec={
                "parentRefs": [{"name": GATEWAY, "sectionName": "https"}],
                "hostnames": [args.hostname],
                "rules": [
                    {
                        "matches": [{"path": {"type": "PathPrefix", "value": f"/{name}"}}],
                        "filters": [
                            {
                                "type": "URLRewrite",
                                "urlRewrite": {
                                    "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": args.share.path}
                                },
                            }
                        ],
                        "backendRefs": [{"name": args.system, "namespace": namespace, "port": args.port}],
                    }
                ],
            },
            opts=inside,
        )
        k8s.apiextensions.CustomResource(
            f"{namespace}/{name}",
            api_version="gateway.networking.k8s.io/v1beta1",
            kind="ReferenceGrant",
            metadata=metadata(args.share.name, namespace, own, notes),
            spec={
                "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": GATEWAY_NAMESPACE}],
                "to": [{"group": "", "kind": "Service", "name": args.system}],
            },
            opts=inside,
        )
        self.register_outputs({})
