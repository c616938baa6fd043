"""The policy pack for `pulumi up --policy-pack stacks/policy`."""

from __future__ import annotations

from pulumi_policy import PolicyPack

from stacks.policy.policies import POLICIES

PolicyPack(name="egov", policies=POLICIES)
