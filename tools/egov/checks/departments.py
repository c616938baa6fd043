"""R13 电子政务内网, 三(四)2: only the state of a department's access is known here, nothing technical."""

from __future__ import annotations

from egov.checks.registry import Judgement, NoParameters, check, judge, undetermined
from egov.city import Department
from egov.facts import Facts


@check("inner-network", of=Department, outcomes=("approved-node", "not-joined"))
def inner_network(department: Department, facts: Facts, p: NoParameters) -> Judgement:  # noqa: ARG001
    """A department joins as an approved node, until then as a terminal; a node without approval is a concern."""
    inner = department.inner_network
    if inner is None:
        return undetermined(["Department.inner_network"])
    if inner.state == "terminal":
        return judge(True, "terminal", state=inner.state)
    approved = inner.approval is not None and (inner.approved_on is None or inner.approved_on <= facts.as_of)
    if inner.state == "node" and not approved:
        return judge(False, "unapproved-node", state=inner.state)
    return judge(inner.state == "node", state=inner.state, approval=inner.approval)
