"""A little of everything that two captures must see alike."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

config = pulumi.Config("egov")
outer = pulumi.ComponentResource("case:app:Outer", "outer")
inside = pulumi.ResourceOptions(parent=outer)
space = k8s.core.v1.Namespace("space", metadata={"name": "space"}, opts=inside)
secret = pulumi.Output.secret("hunter2")
first = k8s.core.v1.ConfigMap(
    "first",
    metadata={"name": "first", "namespace": space.metadata.name},
    data={"password": secret, "count": config.require("count")},
    opts=pulumi.ResourceOptions(parent=outer, protect=True, aliases=[pulumi.Alias(name="once")]),
)
k8s.core.v1.ConfigMap(
    "second",
    metadata={"name": "second", "namespace": "space"},
    data={"of": pulumi.StackReference("organization/other/lab").require_output("word")},
    opts=pulumi.ResourceOptions(depends_on=[first]),
)
k8s.apps.v1.Deployment("d", metadata={"name": "d"}, spec={"replicas": 2, "selector": {}, "template": {}}, opts=inside)
pulumi.export("secret", secret)
pulumi.export("uid", space.metadata.uid)
pulumi.export("numbers", [1, 2.5, {"a": None}])
