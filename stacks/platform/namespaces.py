"""Namespaces that forbid first: what every namespace of the platform has, a department's or the platform's own."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from egov.city.fields import Day, Part, Slug, Text
from egov.city.workloads import Protection, Quota
from stacks.platform.labels import NAMESPACE_NAME, REVIEW, TENANT, declared, labels, namespace_of

_EVERYTHING = k8s.meta.v1.LabelSelectorArgs()
_BOTH = ["Ingress", "Egress"]


def metadata(
    name: str, namespace: str | None, own: Mapping[str, str], notes: Mapping[str, str] | None = None
) -> k8s.meta.v1.ObjectMetaArgs:
    """Return an object's metadata; always with a name, for nothing but a provider would invent one."""
    return k8s.meta.v1.ObjectMetaArgs(
        name=name, namespace=namespace, labels=dict(own), annotations=dict(notes) if notes else None
    )


def port(number: int, protocol: str = "TCP", last: int | None = None) -> k8s.networking.v1.NetworkPolicyPortArgs:
    """Return a port, or a range of ports, of a network policy."""
    end = last if last is not None and last != number else None
    return k8s.networking.v1.NetworkPolicyPortArgs(port=number, protocol=protocol, end_port=end)


class GuardedNamespace(pulumi.ComponentResource):
    """A namespace under Pod Security "restricted", its version pinned, where nothing talks but to the cluster's DNS.

    BSI APP.4.4.A7 (first forbid), A9 (no token for `default`). What may talk comes from flows, elsewhere.
    """

    def __init__(
        self,
        name: str,
        pod_security: str,
        own: Mapping[str, str],
        notes: Mapping[str, str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("egov:platform:GuardedNamespace", name, None, opts)
        self.name = name
        inside = pulumi.ResourceOptions(parent=self)
        levels = {
            key: value
            for mode in ("enforce", "audit", "warn")
            for key, value in (
                (f"pod-security.kubernetes.io/{mode}", "restricted"),
                (f"pod-security.kubernetes.io/{mode}-version", pod_security),
            )
        }
        namespace = k8s.core.v1.Namespace(name, metadata=metadata(name, None, {**own, **levels}, notes), opts=inside)
        self.after = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        self._policies(own)
        k8s.core.v1.ServiceAccountPatch(
            f"{name}/default",
            metadata=k8s.meta.v1.ObjectMetaPatchArgs(name="default", namespace=name),
            automount_service_account_token=False,
            opts=self.after,
        )
        self.register_outputs({})

    def _policies(self, own: Mapping[str, str]) -> None:
        k8s.networking.v1.NetworkPolicy(
            f"{self.name}/default-deny",
            metadata=metadata("default-deny", self.name, own),
            spec=k8s.networking.v1.NetworkPolicySpecArgs(pod_selector=_EVERYTHING, policy_types=_BOTH),
            opts=self.after,
        )
        names = k8s.networking.v1.NetworkPolicyPeerArgs(
            namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={NAMESPACE_NAME: "kube-system"}),
            pod_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"k8s-app": "kube-dns"}),
        )
        k8s.networking.v1.NetworkPolicy(
            f"{self.name}/names",
            metadata=metadata("names", self.name, own),
            spec=k8s.networking.v1.NetworkPolicySpecArgs(
                pod_selector=_EVERYTHING,
                policy_types=["Egress"],
                egress=[
                    k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=[names], ports=[port(53, "UDP"), port(53, "TCP")])
                ],
            ),
            opts=self.after,
        )


class TenantArgs(Part):
    """What a department's tenancy is made of."""

    department: Slug
    owner: Text = Field(description="The department by name, for whoever finds the namespace")
    contact: Text
    protection: Protection = Field(description="The highest need of protection among its systems")
    quota: Quota
    pod_security: Text
    review_after: Day


class Tenant(pulumi.ComponentResource):
    """A department's namespace with quota, bounds and rights (GB/T 22239-2019 8.2 租户隔离; BSI APP.4.4.A3, A10)."""

    def __init__(self, args: TenantArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        name = namespace_of(args.department)
        super().__init__("egov:platform:Tenant", name, None, opts)
        self.namespace = name
        self._args = args
        self._own = labels(args.department, protection=args.protection)
        notes = {
            **declared("departments", args.department, granted_by=args.quota.document),
            "egov/owner": args.owner,
            "egov/contact": args.contact,
            REVIEW: args.review_after.isoformat(),
        }
        guarded = GuardedNamespace(
            name, args.pod_security, {**self._own, TENANT: "true"}, notes, pulumi.ResourceOptions(parent=self)
        )
        self._inside = pulumi.ResourceOptions(parent=self, depends_on=[guarded])
        self._quota()
        self._limits()
        self._rights("operators", _OPERATOR)
        self._rights("automation", _AUTOMATION)
        self.register_outputs({"namespace": name})

    def _meta(self, name: str) -> k8s.meta.v1.ObjectMetaArgs:
        return metadata(name, self.namespace, self._own)

    def _quota(self) -> None:
        quota = self._args.quota
        hard = {
            "requests.cpu": f"{quota.cpu_millicores}m",
            "limits.cpu": f"{quota.cpu_millicores}m",
            "requests.memory": f"{quota.memory_mib}Mi",
            "limits.memory": f"{quota.memory_mib}Mi",
            "requests.storage": f"{quota.storage_gib}Gi",
            "persistentvolumeclaims": str(quota.pods),
            "pods": str(quota.pods),
            "services.loadbalancers": "0",
            "services.nodeports": "0",
        }
        k8s.core.v1.ResourceQuota(
            f"{self.namespace}/quota",
            metadata=metadata("quota", self.namespace, self._own, {"egov/granted-by": quota.document}),
            spec=k8s.core.v1.ResourceQuotaSpecArgs(hard=hard),
            opts=self._inside,
        )

    def _limits(self) -> None:
        """A container without figures still has some; none takes more than a quarter of the quota."""
        quota = self._args.quota
        cpu, memory = max(1, quota.cpu_millicores // 4), max(1, quota.memory_mib // 4)
        most = {"cpu": f"{cpu}m", "memory": f"{memory}Mi"}
        usual = {"cpu": f"{min(100, cpu)}m", "memory": f"{min(128, memory)}Mi"}
        k8s.core.v1.LimitRange(
            f"{self.namespace}/limits",
            metadata=self._meta("limits"),
            spec=k8s.core.v1.LimitRangeSpecArgs(
                limits=[
                    k8s.core.v1.LimitRangeItemArgs(type="Container", default=usual, default_request=usual, max=most)
                ]
            ),
            opts=self._inside,
        )

    def _rights(self, who: str, rules: list[k8s.rbac.v1.PolicyRuleArgs]) -> None:
        role = f"{self.namespace}/{who}"
        k8s.rbac.v1.Role(role, metadata=self._meta(who), rules=rules, opts=self._inside)
        group = f"egov:{self._args.department}:{who}"
        k8s.rbac.v1.RoleBinding(
            role,
            metadata=self._meta(who),
            role_ref=k8s.rbac.v1.RoleRefArgs(api_group="rbac.authorization.k8s.io", kind="Role", name=who),
            subjects=[k8s.rbac.v1.SubjectArgs(api_group="rbac.authorization.k8s.io", kind="Group", name=group)],
            opts=self._inside,
        )


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> k8s.rbac.v1.PolicyRuleArgs:
    return k8s.rbac.v1.PolicyRuleArgs(api_groups=groups, resources=resources, verbs=verbs)


_LOOK = ["get", "list", "watch"]
_CHANGE = [*_LOOK, "create", "update", "patch", "delete"]
# People look, and restart a pod; they neither deploy nor read a secret. Machines deploy. Nobody writes a network
# policy, a quota or a right here (BSI APP.4.4.A3, A10).
_OPERATOR = [
    _rule([""], ["pods", "pods/log", "services", "configmaps", "events", "persistentvolumeclaims"], _LOOK),
    _rule([""], ["pods"], ["delete"]),
    _rule(["apps"], ["deployments", "replicasets", "statefulsets"], _LOOK),
    _rule(["batch"], ["jobs", "cronjobs"], _LOOK),
]
_AUTOMATION = [
    _rule([""], ["services", "configmaps", "persistentvolumeclaims"], _CHANGE),
    _rule([""], ["pods", "pods/log", "events"], _LOOK),
    _rule(["apps"], ["deployments", "statefulsets"], _CHANGE),
    _rule(["policy"], ["poddisruptionbudgets"], _CHANGE),
]
