"""Every judge is silent about what is rendered, and speaks of each thing that is made wrong in it: no judge sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import pytest
from sample_stacks import LATER, ON, ROOT, Change, centre, changed, city, clusters, graphs, stacks, without

from egov.capture.manifests import Object
from egov.judges.admission import admission
from egov.judges.all import judged
from egov.judges.capacity import capacity, quantity
from egov.judges.pack import load, pack
from egov.judges.pod_security import pod_security
from egov.judges.reachability import reachability
from egov.judges.schema import minors, schema
from egov.judges.verdict import Verdict

Judge = Callable[[Iterable[Object]], Iterator[Verdict]]
APP = "Deployment/minzheng-hunyin"
STATEFUL = "StatefulSet/gov-office-menhu"


def reach(found: Iterable[Object]) -> Iterator[Verdict]:
    """Judge reachability in the sample city."""
    return reachability(found, city(), ON)


def room(found: Iterable[Object]) -> Iterator[Verdict]:
    """Judge capacity in the sample city, with a site lost."""
    return capacity(found, city(), lab=False, lose_a_site=True)


@cache
def of_the_sample_city(judge: Judge) -> tuple[str, ...]:
    """Return what a judge says of the sample city as it is."""
    return tuple(map(str, judge(centre())))


def packed(found: Iterable[Object]) -> Iterator[Verdict]:
    """Ask the policy pack."""
    return pack(found, ROOT / "stacks")


def pod(change: Change) -> Change:
    """Return a change of a workload's pod."""
    return lambda data: change(data["spec"]["template"]["spec"])


def container(change: Change) -> Change:
    """Return a change of a workload's only container."""
    return pod(lambda spec: change(spec["containers"][0]))


def put(*path: Any) -> Change:  # noqa: ANN401 - keys, then the value
    """Return a change that sets a value at a path of keys."""
    *keys, last, value = path

    def change(data: Any) -> None:  # noqa: ANN401 - plain data
        for key in keys:
            data = data.setdefault(key, {}) if isinstance(data, dict) else data[key]
        data[last] = value

    return change


def drop(*path: Any) -> Change:  # noqa: ANN401 - keys
    """Return a change that takes a value away."""
    *keys, last = path

    def change(data: Any) -> None:  # noqa: ANN401 - plain data
        for key in keys:
            data = data[key]
        del data[last]

    return change


MUTANTS: list[tuple[str, Judge, str, Change, str]] = [
    ("misspelt key", schema, APP, put("spec", "replica", 2), "'replica' was unexpected"),
    ("float for a whole number", schema, APP, put("spec", "replicas", 2.5), "2.5 is not of type"),
    (
        "key of a route",
        schema,
        "HTTPRoute/minzheng-hunyin",
        put("spec", "hostname", "x.cn"),
        "'hostname' was unexpected",
    ),
    (
        "port of a gateway",
        schema,
        "Gateway/platform",
        put("spec", "listeners", 0, "port", 0),
        "0 is less than the minimum",
    ),
    ("kind nobody knows", schema, APP, put("metadata", "nme", "x"), "'nme' was unexpected"),
    ("host network", pod_security, APP, pod(put("hostNetwork", True)), "hostNetwork is true"),  # noqa: FBT003
    ("host process ids", pod_security, APP, pod(put("hostPID", True)), "hostPID is true"),  # noqa: FBT003
    (
        "host path",
        pod_security,
        APP,
        pod(put("volumes", [{"name": "v", "hostPath": {"path": "/"}}])),
        "v is a hostPath",
    ),
    ("host port", pod_security, APP, container(put("ports", 0, "hostPort", 80)), "app: hostPort 80"),
    ("privileged", pod_security, APP, container(put("securityContext", "privileged", True)), "privileged is true"),  # noqa: FBT003
    ("as root", pod_security, APP, pod(drop("securityContext", "runAsNonRoot")), "runAsNonRoot is not true"),
    ("user 0", pod_security, APP, pod(put("securityContext", "runAsUser", 0)), "pod: runAsUser is 0"),
    ("no seccomp", pod_security, APP, pod(drop("securityContext", "seccompProfile")), "seccompProfile is not"),
    ("escalation", pod_security, APP, container(drop("securityContext", "allowPrivilegeEscalation")), "not false"),
    ("capabilities", pod_security, APP, container(drop("securityContext", "capabilities")), "does not drop all"),
    (
        "added capability",
        pod_security,
        APP,
        container(put("securityContext", "capabilities", "add", ["SYS_ADMIN"])),
        "adds capability SYS_ADMIN",
    ),
    ("volume of another kind", pod_security, APP, pod(put("volumes", 0, {"name": "v", "nfs": {}})), "of kind nfs"),
    ("image by tag", admission, APP, container(put("image", "registry.example/a:1")), "named by version and digest"),
    (
        "another's label",
        admission,
        APP,
        put("spec", "template", "metadata", "labels", "egov/system", "renshe-shebao"),
        "egov-own-labels: label egov/system must be",
    ),
    (
        "another department's label",
        admission,
        APP,
        put("spec", "template", "metadata", "labels", "egov/department", "renshe"),
        "label egov/department must be",
    ),
    ("shared account", admission, APP, pod(put("serviceAccountName", "default")), "must be the workload's own"),
    ("a token", admission, APP, pod(drop("automountServiceAccountToken")), "automountServiceAccountToken must be"),
    ("unwatched", admission, APP, container(drop("livenessProbe")), "needs a readiness and a liveness probe"),
    ("unbounded", admission, APP, container(drop("resources", "limits")), "needs requests and limits"),
    ("node port", admission, "Service/minzheng-hunyin", put("spec", "type", "NodePort"), "of type ClusterIP"),
    ("taken address", admission, "Service/minzheng-hunyin", put("spec", "externalIPs", ["10.0.0.1"]), "externalIPs"),
    (
        "elevated, not encrypted",
        admission,
        STATEFUL,
        put("metadata", "labels", "egov/protection", "elevated"),
        "volumes of elevated protection are encrypted",
    ),
    (
        "no denial",
        reach,
        "NetworkPolicy/dept-minzheng/default-deny",
        put("metadata", "namespace", "x"),
        "any other pod of dept-minzheng",
    ),
    (
        "denial of one direction",
        reach,
        "NetworkPolicy/dept-shenpiban/default-deny",
        put("spec", "policyTypes", ["Egress"]),
        "elsewhere in the cluster -> any other pod of dept-shenpiban: 1-65535/sctp",
    ),
    (
        "wider port",
        reach,
        "NetworkPolicy/dept-minzheng/to-shenpi-checks-marriages",
        put("spec", "ingress", 0, "ports", 0, "port", 1),
        "minzheng-hunyin: 8080/tcp is a flow, policies stop it",
    ),
    (
        "egress to everywhere",
        reach,
        "NetworkPolicy/dept-minzheng/from-systems-to-database",
        put("spec", "egress", 0, "to", 0, "ipBlock", "cidr", "0.0.0.0/0"),
        "5432/tcp passes, no flow says so",
    ),
    (
        "any namespace",
        reach,
        "NetworkPolicy/dept-minzheng/to-gateway-to-systems",
        put("spec", "ingress", 0, "from", [{"namespaceSelector": {}}]),
        "elsewhere in the cluster -> minzheng-hunyin: 8080/tcp passes",
    ),
    (
        "more pods",
        reach,
        "NetworkPolicy/dept-fagai/from-touzi-reads-approvals",
        drop("spec", "egress", 0, "to"),
        "passes",
    ),
    (
        "quota beyond the hosts",
        room,
        "ResourceQuota/dept-renshe/quota",
        put("spec", "hard", "requests.memory", "400000Mi"),
        "site dc lost: quotas promise memory_mib",
    ),
    (
        "quota too small",
        room,
        "ResourceQuota/dept-minzheng/quota",
        put("spec", "hard", "requests.cpu", "500m"),
        "workloads need requests.cpu 750m, the quota is 500m",
    ),
    (
        "quota of pods only",
        room,
        "ResourceQuota/dept-minzheng/quota",
        drop("spec", "hard", "requests.memory"),
        "no bound for requests.memory",
    ),
    ("volumes beyond the quota", room, STATEFUL, put("spec", "replicas", 6), "requests.storage 122880Mi"),
    ("no name", packed, APP, drop("metadata", "name"), "named: metadata.name is missing"),
    ("no namespace", packed, APP, drop("metadata", "namespace"), "named: metadata.namespace is missing"),
    ("no owner", packed, APP, drop("metadata", "labels", "egov/cost-centre"), "owned: labels"),
    ("rights in the cluster", packed, "Role/dept-minzheng/operators", put("kind", "ClusterRole"), "no-cluster-rights"),
    ("any verb", packed, "Role/dept-minzheng/operators", put("rules", 0, "verbs", ["*"]), "rules.verbs holds *"),
    (
        "rights to policies",
        packed,
        "Role/dept-minzheng/automation",
        put("rules", 0, "resources", ["networkpolicies"]),
        "rules give a tenant network policies",
    ),
    (
        "a secret's value",
        packed,
        "ConfigMap/minzheng-hunyin-database",
        put("kind", "Secret"),
        "no-secret-values: a Secret with values",
    ),
    ("an ingress", packed, "HTTPRoute/minzheng-hunyin", put("kind", "Ingress"), "no-ingress: Ingress"),
    (
        "a budget that blocks",
        packed,
        "PodDisruptionBudget/minzheng-hunyin",
        put("spec", "maxUnavailable", 0),
        "drainable: this budget",
    ),
    (
        "a policy for all",
        packed,
        "NetworkPolicy/dept-minzheng/to-gateway-to-systems",
        put("spec", "ingress", 0, "from", []),
        "no-open-policy: ingress is open to everybody",
    ),
]


@pytest.mark.parametrize(
    ("judge", "name", "change", "said"), [mutant[1:] for mutant in MUTANTS], ids=[mutant[0] for mutant in MUTANTS]
)
def test_mutants(judge: Judge, name: str, change: Change, said: str) -> None:
    """One thing made wrong, and the judge says so; without it the same judge is silent of it."""
    found = [str(verdict) for verdict in judge(changed(name, change)) if verdict.outcome == "violation"]

    assert found
    assert any(said in text for text in found), found
    assert not any(said and said in text for text in of_the_sample_city(judge))


def test_what_is_missing_is_said() -> None:
    """A namespace without its quota, a flow without its policy, a department without its denial."""
    assert "workloads without a quota" in str([*room(without("ResourceQuota/dept-minzheng/quota"))])
    assert "policies stop it" in str([*reach(without("NetworkPolicy/dept-minzheng/to-gateway-to-systems"))])
    assert "passes, no flow" in str([*reach(without("NetworkPolicy/dept-minzheng/default-deny"))])


def test_what_cannot_be_judged_is_never_a_pass() -> None:
    """A kind without schema, a namespace that enforces nothing, an expression beyond the evaluator."""
    unknown = changed(APP, put("kind", "Rollout"))
    bare = changed("Namespace/dept-minzheng", drop("metadata", "labels", "pod-security.kubernetes.io/enforce"))
    expression = put("spec", "validations", 0, "expression", "quantity('1Gi').isGreaterThan(quantity('1Mi'))")
    beyond = changed("ValidatingAdmissionPolicy/egov-watched", expression)

    assert {"undetermined"} == {v.outcome for v in schema(unknown)}
    assert {"undetermined"} == {v.outcome for v in pod_security(bare)}
    assert {"undetermined"} == {v.outcome for v in admission(beyond)}


@pytest.mark.parametrize(
    ("judge", "name", "change", "said"),
    [
        (
            admission,
            "ValidatingAdmissionPolicy/egov-watched",
            put("spec", "matchConditions", [{"name": "few", "expression": "false"}]),
            "matchConditions is not evaluated here",
        ),
        (
            admission,
            "ValidatingAdmissionPolicyBinding/egov-watched",
            put("spec", "matchResources", "objectSelector", {}),
            "matchResources.objectSelector is not evaluated here",
        ),
        (
            reach,
            "NetworkPolicy/dept-minzheng/to-gateway-to-systems",
            put("spec", "ingress", 0, "ports", 0, "port", "http"),
            "port http is a name",
        ),
        (
            room,
            "ResourceQuota/dept-minzheng/quota",
            put("spec", "hard", "requests.cpu", "much"),
            "'much' is no quantity",
        ),
    ],
    ids=["conditions of a rule", "selector of a binding", "port by name", "no quantity"],
)
def test_what_a_judge_does_not_know_is_said(judge: Judge, name: str, change: Change, said: str) -> None:
    """Left unread it would narrow a rule, open a port or end in a traceback: it is not judged, in words."""
    found = [verdict for verdict in judge(changed(name, change)) if verdict.outcome == "undetermined"]

    assert any(said in verdict.message for verdict in found), found


def test_a_rule_for_every_kind_is_a_rule() -> None:
    """`*` in a rule means each: a judge that did not know it would never fire."""
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["deployments"], "operations": ["*"]}
    every = changed("ValidatingAdmissionPolicy/egov-watched", put("spec", "matchConstraints", "resourceRules", [rule]))
    unwatched = changed(APP, container(drop("livenessProbe")), tuple(every))

    assert [] == list(admission(every))
    assert any("egov-watched" in verdict.message for verdict in admission(unwatched))


@pytest.mark.parametrize(("text", "number"), [("1e3", 1000), ("1E3", 1000), ("2E", 2 * 10**18), ("1.5Gi", 1.5 * 2**30)])
def test_quantities_are_read_as_kubernetes_does(text: str, number: float) -> None:
    """Exponents beside suffixes: E alone is 10^18."""
    assert number == quantity(text)


@pytest.mark.parametrize(("environment", "on"), [("production", ON), ("lab", LATER)])
def test_nothing_is_wrong_with_the_sample_city(environment: str, on: Any) -> None:  # noqa: ANN401 - a day
    """All judges, both clusters, before and after the second wave."""
    assert [] == list(judged(graphs(environment, on), stacks(environment, on), city()))


def test_the_three_newest_minors_are_judged() -> None:
    """What a cluster of any of them would refuse is refused here."""
    assert len(minors()) == 3
    assert sorted(minors()) == sorted(set(minors()))


def test_every_policy_of_the_pack_has_a_mutant() -> None:
    """A policy nobody has seen fire is no policy."""
    said = " ".join(mutant[4] for mutant in MUTANTS if mutant[1] is packed)
    quiet = [p.name for p in load(ROOT / "stacks") if f"{p.name}" not in said]

    assert quiet == ["no-wildcards"]  # its messages stand above without its name
    assert {"backup", "datacenter"} == set(clusters(graphs()))


def test_every_admission_rule_has_a_mutant() -> None:
    """Each expression that a cluster would enforce is seen to deny once."""
    rules = {made.key.name for made in centre() if made.key.kind == "ValidatingAdmissionPolicy"}
    seen = set()
    for _, judge, name, change, _ in MUTANTS:
        if judge is admission:
            seen |= {v.message.partition(":")[0] for v in admission(changed(name, change))}

    assert rules - seen == {"egov-bare-pods", "egov-network-policies"}  # see the tests of users
