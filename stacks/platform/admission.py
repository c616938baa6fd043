"""Rules that the API server itself enforces (ValidatingAdmissionPolicy): text in `policy/admission/*.yml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml

from egov.city.fields import Part, Slug, Text
from stacks.platform.labels import MANAGED_BY, TENANT
from stacks.platform.namespaces import metadata

FOLDER = Path(__file__).resolve().parents[1] / "policy" / "admission"


class Rule(Part):
    """What is judged, the expression (CEL) that must hold, and what a person is told if it does not."""

    resources: tuple[str, ...]
    operations: tuple[str, ...] = ("CREATE", "UPDATE")
    validations: tuple[Validation, ...]
    controls: tuple[Text, ...]


class Validation(Part):
    """One expression and its message."""

    expression: Text
    message: Text


class Resources(Part):
    """Resources of one API group, as `apps/v1/deployments`."""

    group: str
    version: str
    resource: Slug

    @classmethod
    def of(cls, text: str) -> Resources:
        """Return the parts of group/version/resource; the core group is `core`."""
        group, version, resource = text.split("/")
        return cls(group="" if group == "core" else group, version=version, resource=resource)


Rule.model_rebuild()


def rules(folder: Path = FOLDER) -> dict[str, Rule]:
    """Return every rule by name, sorted; pydantic's ValidationError if a file is wrong."""
    found = {}
    for path in sorted(folder.glob("*.yml")):
        data: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[path.stem] = Rule.model_validate(data, strict=False)
    return found


def admission(opts: pulumi.ResourceOptions | None = None) -> None:
    """Register every rule and its binding: it denies, and it holds in departments' namespaces."""
    tenants = k8s.meta.v1.LabelSelectorArgs(match_labels={TENANT: "true"})
    for stem, rule in rules().items():
        name = f"egov-{stem}"
        resources = [Resources.of(text) for text in rule.resources]
        k8s.admissionregistration.v1.ValidatingAdmissionPolicy(
            name,
            metadata=metadata(name, None, MANAGED_BY, {"egov/controls": ", ".join(rule.controls)}),
            spec=k8s.admissionregistration.v1.ValidatingAdmissionPolicySpecArgs(
                failure_policy="Fail",
                match_constraints=k8s.admissionregistration.v1.MatchResourcesArgs(
                    resource_rules=[
                        k8s.admissionregistration.v1.NamedRuleWithOperationsArgs(
                            api_groups=[one.group],
                            api_versions=[one.version],
                            operations=list(rule.operations),
                            resources=[one.resource],
                        )
                        for one in resources
                    ]
                ),
                validations=[
                    k8s.admissionregistration.v1.ValidationArgs(expression=v.expression, message=v.message)
                    for v in rule.validations
                ],
            ),
            opts=opts,
        )
        k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
            name,
            metadata=metadata(name, None, MANAGED_BY),
            spec=k8s.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpecArgs(
                policy_name=name,
                validation_actions=["Deny", "Audit"],
                match_resources=k8s.admissionregistration.v1.MatchResourcesArgs(namespace_selector=tenants),
            ),
            opts=opts,
        )
