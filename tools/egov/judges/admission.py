"""ValidatingAdmissionPolicies, evaluated as an API server would: their CEL against every object that they match.

What cel-python lacks of Kubernetes' CEL (quantities, URLs, the authorizer) makes an expression not judged, by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from egov.capture.manifests import Object
from egov.judges.reachability import selects
from egov.judges.verdict import Verdict, of

JUDGE = "admission"
Data = Mapping[str, Any]
PLATFORM_USER = {"username": "egov:platform", "groups": ["egov:platform", "system:authenticated"]}
"""Who applies what the programs render."""

_PLURALS = {"NetworkPolicy": "networkpolicies"}
_EVALUATED = {
    "failurePolicy",
    "matchConstraints",
    "matchResources",
    "namespaceSelector",
    "policyName",
    "resourceRules",
    "validationActions",
    "validations",
}


class NotJudgedError(Exception):
    """An expression that cannot be evaluated here; the message says why."""


def admission(
    found: Iterable[Object], user: Data = PLATFORM_USER, policies: Iterable[Object] | None = None
) -> Iterator[Verdict]:
    """Yield what the policies among the objects (or those given) would deny of the others, created by a user."""
    objects = list(found)
    given = objects if policies is None else list(policies)
    rules = [made for made in given if made.key.kind == "ValidatingAdmissionPolicy"]
    bindings = [made for made in given if made.key.kind == "ValidatingAdmissionPolicyBinding"]
    for made in (*rules, *bindings):
        yield from (of(JUDGE, made, f"{name} is not evaluated here", "undetermined") for name in _beyond(made))
    spaces = {o.key.name: o.data for o in objects if o.key.kind == "Namespace"}
    for rule in rules:
        bound = [b.data["spec"] for b in bindings if b.data["spec"]["policyName"] == rule.key.name]
        for made in objects:
            space = spaces.get(made.key.namespace)
            if matches(rule.data["spec"], made) and any(_binds(binding, space) for binding in bound):
                yield from _denied(rule, made, user, space)


def matches(spec: Data, made: Object, operation: str = "CREATE") -> bool:
    """Say whether a policy is about an object and an operation."""
    group, _, version = made.key.api_version.rpartition("/")
    plural = _PLURALS.get(made.key.kind, made.key.kind.lower() + "s")
    asked = {"apiGroups": group, "apiVersions": version, "resources": plural, "operations": operation}
    return any(
        all({value, "*"} & set(rule[name]) for name, value in asked.items())
        for rule in spec["matchConstraints"]["resourceRules"]
    )


def _beyond(made: Object) -> Iterator[str]:
    """Yield the parts of a policy or binding that decide something and are not evaluated here: nobody may think so."""
    spec = made.data["spec"]
    yield from sorted(spec.keys() - _EVALUATED)
    for name in ("matchConstraints", "matchResources"):
        inner = spec.get(name) or {}
        yield from (f"{name}.{key}" for key in sorted(inner.keys() - _EVALUATED))


def _binds(binding: Data, space: Data | None) -> bool:
    if "Deny" not in binding.get("validationActions", []):
        return False
    selector = (binding.get("matchResources") or {}).get("namespaceSelector")
    if selector is None:
        return True
    labels = (space or {}).get("metadata", {}).get("labels") or {}
    return space is not None and selects(selector, tuple(labels.items()))


def _denied(rule: Object, made: Object, user: Data, space: Data | None) -> Iterator[Verdict]:
    context = {"object": made.data, "oldObject": None, "request": {"userInfo": user}, "namespaceObject": space}
    for validation in rule.data["spec"]["validations"]:
        try:
            if not holds(validation["expression"], context):
                yield of(JUDGE, made, f"{rule.key.name}: {validation['message']}")
        except NotJudgedError as error:
            yield of(JUDGE, made, f"{rule.key.name}: {error}", "undetermined")


def holds(expression: str, context: Data) -> bool:
    """Say whether an expression is true; NotJudgedError if it cannot be evaluated here.

    An error of evaluation (a missing field) is false, as with `failurePolicy: Fail`.
    """
    from celpy import CELEvalError, json_to_cel  # type: ignore[attr-defined] # noqa: PLC0415 - slow, judging only

    try:
        result = _program(expression).evaluate({name: json_to_cel(value) for name, value in context.items()})
    except CELEvalError as error:
        if "undeclared reference" in str(error) or "unknown" in str(error).lower():
            message = f"{expression}: {error}"
            raise NotJudgedError(message) from None
        return False
    return bool(result)


@cache
def _program(expression: str) -> Any:  # noqa: ANN401 - celpy's runner
    import celpy  # noqa: PLC0415 - as above
    from celpy.celparser import CELParseError  # noqa: PLC0415 - as above

    environment = celpy.Environment()
    try:
        return environment.program(environment.compile(expression))
    except CELParseError as error:
        message = f"{expression}: {error}"
        raise NotJudgedError(message) from None
