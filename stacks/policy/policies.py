"""The policy pack's policies: what no program of this city may register, whoever wrote it.

One pack for unit tests, `egov render` and `pulumi up --policy-pack stacks/policy`. Each is about what a resource *is*;
schemas, pods and admission rules have judges of their own. A value that a preview does not know is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi_policy import EnforcementLevel, Policy, ReportViolation, ResourceValidationArgs, ResourceValidationPolicy

Check = Callable[[str, Mapping[str, Any]], str | None]
_CLUSTER_WIDE = {
    "Namespace",
    "PriorityClass",
    "GatewayClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "StorageClass",
    "CustomResourceDefinition",
}


def _policy(name: str, description: str, check: Check) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        kind = args.props.get("kind")
        if args.resource_type.startswith("kubernetes:") and isinstance(kind, str):
            said = check(kind, args.props)
            if said:
                report(said, None)

    return ResourceValidationPolicy(
        name=name, description=description, validate=validate, enforcement_level=EnforcementLevel.MANDATORY
    )


def _named(kind: str, props: Mapping[str, Any]) -> str | None:
    metadata = props.get("metadata") or {}
    if not metadata.get("name"):
        return "metadata.name is missing: a provider would invent one"
    if kind not in _CLUSTER_WIDE and not metadata.get("namespace"):
        return "metadata.namespace is missing: the object would land in whatever is the default"
    return None


def _owned(kind: str, props: Mapping[str, Any]) -> str | None:
    labels = (props.get("metadata") or {}).get("labels") or {}
    if kind in {"Deployment", "StatefulSet", "Service", "HTTPRoute", "ResourceQuota"} and not (
        labels.get("egov/department") and labels.get("egov/cost-centre")
    ):
        return "labels egov/department and egov/cost-centre are missing: nobody answers for it, nobody pays"
    return None


def _no_cluster_rights(kind: str, _props: Mapping[str, Any]) -> str | None:
    if kind in {"ClusterRole", "ClusterRoleBinding"}:
        return f"{kind}: rights are given per namespace"
    return None


def _no_wildcards(kind: str, props: Mapping[str, Any]) -> str | None:
    if kind != "Role":
        return None
    for rule in props.get("rules") or []:
        for field in ("apiGroups", "resources", "verbs"):
            if "*" in (rule.get(field) or []):
                return f"rules.{field} holds *: name what is needed"
        if {"networkpolicies", "roles", "rolebindings", "resourcequotas", "secrets"} & set(rule.get("resources") or []):
            return "rules give a tenant network policies, rights, quotas or secrets"
    return None


def _no_values_of_secrets(kind: str, props: Mapping[str, Any]) -> str | None:
    if kind == "Secret" and (props.get("data") or props.get("stringData")):
        return "a Secret with values: refer to the secret store (ExternalSecret)"
    return None


def _no_ingress(kind: str, _props: Mapping[str, Any]) -> str | None:
    return "Ingress: publish by HTTPRoute through the platform's gateway" if kind == "Ingress" else None


def _drainable(kind: str, props: Mapping[str, Any]) -> str | None:
    spec = props.get("spec") or {}
    if kind != "PodDisruptionBudget":
        return None
    if spec.get("maxUnavailable") in {0, "0", "0%"} or spec.get("minAvailable") == "100%":
        return "this budget keeps every host from being emptied"
    return None


def _no_policy_for_all(kind: str, props: Mapping[str, Any]) -> str | None:
    if kind != "NetworkPolicy":
        return None
    spec = props.get("spec") or {}
    for direction, side in (("ingress", "from"), ("egress", "to")):
        for rule in spec.get(direction) or []:
            peers = rule.get(side) or []
            if not peers or {} in peers or any(peer.get("namespaceSelector") == {} for peer in peers):
                return f"{direction} is open to everybody"
    return None


POLICIES: list[Policy] = [
    _policy("named", "Every object has a name and a namespace", _named),
    _policy("owned", "Every workload, service, route and quota says who answers for it and who pays", _owned),
    _policy("no-cluster-rights", "Nobody gets rights in the whole cluster (APP.4.4.A3)", _no_cluster_rights),
    _policy("no-wildcards", "Rights name what is needed (APP.4.4.A3, A10)", _no_wildcards),
    _policy("no-secret-values", "No value of a secret is in a program or in its state", _no_values_of_secrets),
    _policy("no-ingress", "Names are published by the Gateway API", _no_ingress),
    _policy("drainable", "Hosts can be emptied for maintenance", _drainable),
    _policy("no-open-policy", "No network policy opens a direction to everybody (APP.4.4.A7)", _no_policy_for_all),
]
