"""A system's workload: what runs, how it is watched, spread and published."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from egov.city.fields import Part, Slug, Text
from egov.city.workloads import Workload as Described
from stacks.platform.labels import (
    GATEWAY,
    GATEWAY_NAMESPACE,
    MANAGED_BY,
    declared,
    labels,
    namespace_of,
    selecting,
)
from stacks.platform.namespaces import metadata

_USER = 10001
_BOTH = ["Ingress", "Egress"]
# A pod that starts slowly is waited for 5 minutes before it counts as broken.
_PERIOD_S, _STARTS_WITHIN = 10, 30
_ITS_OWN_DATABASE = [k8s.core.v1.EnvVarArgs(name="PGHOST", value="127.0.0.1")]


class WorkloadArgs(Part):
    """What a workload is made of: the description of it, and where it stands."""

    system: Slug
    department: Slug
    described: Described
    storage_class: Slug = Field(description="Class of its volumes; the encrypted one for elevated protection")
    secret_store: Slug
    spread: bool
    max_replicas: int = Field(ge=1)
    decision: Text | None = Field(default=None, description="Document of the wave it moves by")
    standby: bool = Field(default=False, description="Waits in the backup centre: no pod runs until it is called")


class Workload(pulumi.ComponentResource):
    """A deployment, or a stateful set where it keeps volumes, with all that its level of protection asks for.

    basic: restricted pods, probes, bounds. standard adds: two replicas or more, a disruption budget, spread over hosts
    and sites. elevated adds: spread as a condition, hosts of its own, encrypted volumes (APP.4.4.A14, A15, A19, A20).
    """

    def __init__(self, args: WorkloadArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        namespace = namespace_of(args.department)
        super().__init__("egov:platform:Workload", f"{namespace}/{args.system}", None, opts)
        described = args.described
        if described.image is None:
            message = f"{args.system}: a workload needs an image"
            raise ValueError(message)
        if described.database_image is not None and described.storage_gib is None:
            message = f"{args.system}: a database of its own needs a volume"
            raise ValueError(message)
        if described.protection != "basic" and described.replicas == 1:
            message = f"{args.system}: protection {described.protection} needs 2 replicas or more, not 1"
            raise ValueError(message)
        self._args, self._described, self._image = args, described, described.image
        self._namespace = namespace
        self._labels = labels(args.department, args.system, described.protection)
        self.replicas = 0 if args.standby else min(described.replicas, args.max_replicas)
        self._inside = pulumi.ResourceOptions(parent=self)
        self._account()
        self._itself()
        self._secrets()
        self._service()
        self._runs()
        if self.replicas > 1:
            self._budget()
        if described.hostname:
            self._route(described.hostname)
        self.register_outputs({"service": args.system})

    def _meta(self, name: str | None = None, **notes: str | None) -> k8s.meta.v1.ObjectMetaArgs:
        given = declared("systems", self._args.system, granted_by=self._args.decision, **notes)
        return metadata(name or self._args.system, self._namespace, self._labels, given)

    def _called(self, name: str = "") -> str:
        return f"{self._namespace}/{self._args.system}" + (f"-{name}" if name else "")

    def _account(self) -> None:
        k8s.core.v1.ServiceAccount(
            self._called(), metadata=self._meta(), automount_service_account_token=False, opts=self._inside
        )

    def _itself(self) -> None:
        """Pods of one system may talk to each other: what the system is split into is its own matter."""
        own = k8s.meta.v1.LabelSelectorArgs(match_labels=selecting(self._args.system))
        peer = k8s.networking.v1.NetworkPolicyPeerArgs(pod_selector=own)
        k8s.networking.v1.NetworkPolicy(
            self._called("itself"),
            metadata=self._meta(f"{self._args.system}-itself"),
            spec=k8s.networking.v1.NetworkPolicySpecArgs(
                pod_selector=own,
                policy_types=_BOTH,
                ingress=[k8s.networking.v1.NetworkPolicyIngressRuleArgs(from_=[peer])],
                egress=[k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=[peer])],
            ),
            opts=self._inside,
        )

    def _secrets(self) -> None:
        for name in self._described.secrets:
            external_secret(
                self._called(name),
                self._meta(f"{self._args.system}-{name}"),
                self._args.secret_store,
                f"{self._args.system}/{name}",
                self._inside,
            )

    def _service(self) -> None:
        k8s.core.v1.Service(
            self._called(),
            metadata=self._meta(),
            spec=k8s.core.v1.ServiceSpecArgs(
                type="ClusterIP",
                cluster_ip="None" if self._described.storage_gib else None,
                selector=selecting(self._args.system),
                ports=[
                    k8s.core.v1.ServicePortArgs(
                        name="http", port=self._described.port, target_port="http", protocol="TCP"
                    )
                ],
            ),
            opts=self._inside,
        )

    def _runs(self) -> None:
        selector = k8s.meta.v1.LabelSelectorArgs(match_labels=selecting(self._args.system))
        template = k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(labels=dict(self._labels)), spec=self._pod()
        )
        if self._described.storage_gib is None:
            k8s.apps.v1.Deployment(
                self._called(),
                metadata=self._meta(),
                spec=k8s.apps.v1.DeploymentSpecArgs(
                    replicas=self.replicas,
                    selector=selector,
                    template=template,
                    revision_history_limit=5,
                    strategy=k8s.apps.v1.DeploymentStrategyArgs(
                        type="RollingUpdate",
                        rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
                    ),
                ),
                opts=self._inside,
            )
            return
        claim = k8s.core.v1.PersistentVolumeClaimArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(name="data", labels=dict(self._labels)),
            spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteOnce"],
                storage_class_name=self._args.storage_class,
                resources=k8s.core.v1.VolumeResourceRequirementsArgs(
                    requests={"storage": f"{self._described.storage_gib}Gi"}
                ),
            ),
        )
        k8s.apps.v1.StatefulSet(
            self._called(),
            metadata=self._meta(),
            spec=k8s.apps.v1.StatefulSetSpecArgs(
                replicas=self.replicas,
                service_name=self._args.system,
                selector=selector,
                template=template,
                revision_history_limit=5,
                volume_claim_templates=[claim],
            ),
            opts=self._inside,
        )

    def _pod(self) -> k8s.core.v1.PodSpecArgs:
        volumes = [
            k8s.core.v1.VolumeArgs(name="tmp", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(size_limit="64Mi"))
        ]
        return k8s.core.v1.PodSpecArgs(
            service_account_name=self._args.system,
            automount_service_account_token=False,
            enable_service_links=False,
            priority_class_name=f"egov-{self._described.protection}",
            security_context=k8s.core.v1.PodSecurityContextArgs(
                run_as_non_root=True,
                run_as_user=_USER,
                run_as_group=_USER,
                fs_group=_USER,
                seccomp_profile=k8s.core.v1.SeccompProfileArgs(type="RuntimeDefault"),
            ),
            containers=[self._container(), *([self._database()] if self._described.database_image else [])],
            volumes=volumes,
            **self._placed(),
        )

    def _placed(self) -> dict[str, Any]:
        """Return where pods may stand: spread over hosts and sites, elevated ones on hosts of their own."""
        protection = self._described.protection
        found: dict[str, Any] = {}
        if protection != "basic" and self._args.spread:
            firm = "DoNotSchedule" if protection == "elevated" else "ScheduleAnyway"
            found["topology_spread_constraints"] = [
                k8s.core.v1.TopologySpreadConstraintArgs(
                    max_skew=1,
                    topology_key=key,
                    when_unsatisfiable=firm,
                    label_selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selecting(self._args.system)),
                )
                for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
            ]
        if protection == "elevated":
            found["node_selector"] = {"egov/protection": "elevated"}
            found["tolerations"] = [
                k8s.core.v1.TolerationArgs(
                    key="egov/protection", operator="Equal", value="elevated", effect="NoSchedule"
                )
            ]
        return found

    def _container(self) -> k8s.core.v1.ContainerArgs:
        described = self._described
        keeps = described.storage_gib is not None and described.database_image is None
        return k8s.core.v1.ContainerArgs(
            name="app",
            image=self._image,
            ports=[k8s.core.v1.ContainerPortArgs(name="http", container_port=described.port, protocol="TCP")],
            env_from=self._environment(),
            env=_ITS_OWN_DATABASE if described.database_image else None,
            startup_probe=self._probe(_STARTS_WITHIN),
            readiness_probe=self._probe(3),
            liveness_probe=self._probe(6),
            **self._bounded(keeps=keeps),
        )

    def _database(self) -> k8s.core.v1.ContainerArgs:
        """Return the container of a database of its own: only its pod reaches it, by the loopback address."""
        ready = k8s.core.v1.ExecActionArgs(command=["pg_isready", "--host=127.0.0.1"])
        return k8s.core.v1.ContainerArgs(
            name="database",
            image=self._described.database_image,
            startup_probe=_probe(_STARTS_WITHIN, exec_=ready),
            readiness_probe=_probe(3, exec_=ready),
            liveness_probe=_probe(6, exec_=ready),
            **self._bounded(keeps=True),
        )

    def _bounded(self, *, keeps: bool) -> dict[str, Any]:
        """Return what holds of each container: its bounds, its rights, where it may write."""
        described = self._described
        bounds = {"cpu": f"{described.cpu_millicores}m", "memory": f"{described.memory_mib}Mi"}
        mounts = [k8s.core.v1.VolumeMountArgs(name="tmp", mount_path="/tmp")]  # noqa: S108 - inside the container
        if keeps:
            mounts.append(k8s.core.v1.VolumeMountArgs(name="data", mount_path="/data"))
        return {
            "image_pull_policy": "IfNotPresent",
            "resources": k8s.core.v1.ResourceRequirementsArgs(requests=bounds, limits=bounds),
            "security_context": k8s.core.v1.SecurityContextArgs(
                allow_privilege_escalation=False,
                read_only_root_filesystem=True,
                capabilities=k8s.core.v1.CapabilitiesArgs(drop=["ALL"]),
            ),
            "volume_mounts": mounts,
        }

    def _environment(self) -> list[k8s.core.v1.EnvFromSourceArgs]:
        secrets = [f"{self._args.system}-{name}" for name in self._described.secrets]
        found = []
        if self._described.database_gib:
            name = database_name(self._args.system)
            found.append(k8s.core.v1.EnvFromSourceArgs(config_map_ref=k8s.core.v1.ConfigMapEnvSourceArgs(name=name)))
            secrets.append(name)
        return found + [
            k8s.core.v1.EnvFromSourceArgs(secret_ref=k8s.core.v1.SecretEnvSourceArgs(name=name)) for name in secrets
        ]

    def _probe(self, failures: int) -> k8s.core.v1.ProbeArgs:
        return _probe(failures, http_get=k8s.core.v1.HTTPGetActionArgs(path=self._described.health, port="http"))

    def _budget(self) -> None:
        """One pod at a time may be taken away: never a budget that keeps a host from being emptied."""
        k8s.policy.v1.PodDisruptionBudget(
            self._called(),
            metadata=self._meta(),
            spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(
                max_unavailable=1,
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=selecting(self._args.system)),
            ),
            opts=self._inside,
        )

    def _route(self, hostname: str) -> None:
        k8s.apiextensions.CustomResource(
            self._called(),
            api_version="gateway.networking.k8s.io/v1",
            kind="HTTPRoute",
            metadata=self._meta(),
            spec={
                "parentRefs": [{"name": GATEWAY, "namespace": GATEWAY_NAMESPACE, "sectionName": "https"}],
                "hostnames": [hostname],
                "rules": [{"backendRefs": [{"name": self._args.system, "port": self._described.port}]}],
            },
            opts=self._inside,
        )


def _probe(failures: int, **action: Any) -> k8s.core.v1.ProbeArgs:  # noqa: ANN401 - one of Kubernetes' actions
    return k8s.core.v1.ProbeArgs(period_seconds=_PERIOD_S, timeout_seconds=3, failure_threshold=failures, **action)


def database_name(system: str) -> str:
    """Return the name of the objects that say where a system's database is."""
    return f"{system}-database"


def external_secret(
    called: str,
    meta: k8s.meta.v1.ObjectMetaArgs,
    store: str,
    key: str,
    opts: pulumi.ResourceOptions,
) -> None:
    """Ask for a secret by its name in the city's store: no value of it is in git, in a program or in its state."""
    name = meta.name
    k8s.apiextensions.CustomResource(
        called,
        api_version="external-secrets.io/v1",
        kind="ExternalSecret",
        metadata=meta,
        spec={
            "refreshInterval": "1h",
            "secretStoreRef": {"name": store, "kind": "ClusterSecretStore"},
            "target": {"name": name, "creationPolicy": "Owner", "template": {"metadata": {"labels": MANAGED_BY}}},
            "dataFrom": [{"extract": {"key": key}}],
        },
        opts=opts,
    )
