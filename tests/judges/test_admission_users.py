"""Who may do what: the same object from the platform, from a tenant, from a controller."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_stacks import centre

from egov.capture.manifests import Key, Object
from egov.judges.admission import PLATFORM_USER, admission, holds

TENANT = {"username": "zhang", "groups": ["egov:minzheng:automation", "system:authenticated"]}
CONTROLLER = {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": []}


def only(*kinds: str) -> list[Object]:
    """Return the cluster's rules and namespaces, and its objects of some kinds in one tenancy."""
    rules = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "Namespace")
    return [
        made
        for made in centre()
        if made.key.kind in rules or (made.key.kind in kinds and made.key.namespace == "dept-minzheng")
    ]


def pod() -> Object:
    """Return a bare pod in a tenancy."""
    some = next(made for made in centre() if made.key.kind == "Deployment")
    data = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "dept-minzheng"}}
    return replace(some, key=Key("v1", "Pod", "dept-minzheng", "p"), data=data)


def test_a_tenant_writes_no_network_policy() -> None:
    """A tenant that could add one would undo the denial of all others; the platform may."""
    found = only("NetworkPolicy")

    assert {
        "egov-network-policies: network policies are rendered from the city's flows (网络策略只能由访问关系生成)"
    } == {v.message for v in admission(found, TENANT)}
    assert [] == list(admission(found, PLATFORM_USER))


@pytest.mark.parametrize(("user", "denied"), [(TENANT, True), (PLATFORM_USER, True), (CONTROLLER, False)])
def test_pods_are_made_by_controllers(user: dict[str, object], *, denied: bool) -> None:
    """A bare pod could carry any label; only what makes pods of workloads may create them."""
    assert denied == any("egov-bare-pods" in v.message for v in admission([*only(), pod()], user))


def test_rules_hold_in_tenancies_only() -> None:
    """The platform's own namespaces are not bound: their controllers bring policies and pods of their own."""
    elsewhere = replace(pod(), key=Key("v1", "Pod", "platform-gateway", "p"))

    assert [] == list(admission([*only(), elsewhere], TENANT))


@pytest.mark.parametrize(
    ("expression", "true"),
    [("object.a == 1", True), ("object.a == 2", False), ("object.b == 1", False), ("has(object.b)", False)],
)
def test_an_error_of_evaluation_denies(expression: str, *, true: bool) -> None:
    """As with failurePolicy Fail: what cannot be read off the object is no consent."""
    assert true == holds(expression, {"object": {"a": 1}})
