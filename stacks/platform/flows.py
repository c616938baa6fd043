"""Flows of the description → NetworkPolicies: one per flow, namespace and direction, so that each can end alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pulumi
import pulumi_kubernetes as k8s

from egov.city import City
from egov.city.fields import parsed_network
from egov.render.intent import Service
from egov.render.workloads import Door, Side
from stacks.platform.labels import (
    BRIDGE,
    FLOW,
    NAMESPACE_NAME,
    PLATFORM,
    SYSTEM,
    UNTIL,
    declared,
    home,
    labels,
)
from stacks.platform.namespaces import metadata, port

_Peer = k8s.networking.v1.NetworkPolicyPeerArgs
_Port = k8s.networking.v1.NetworkPolicyPortArgs


def policies(city: City, door: Door, pod_networks: Iterable[str], opts: pulumi.ResourceOptions) -> None:
    """Register the policies of one flow in every namespace it concerns.

    pod_networks: addresses of pods; a network outside the cloud never means them, whatever it spans.
    """
    ports = [_port(service) for service in door.services]
    for namespace, systems in _by_namespace(city, door.clients.systems).items():
        spec = k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=_pods(namespace, systems),
            policy_types=["Egress"],
            egress=[
                k8s.networking.v1.NetworkPolicyEgressRuleArgs(to=_peers(city, door.servers, pod_networks), ports=ports)
            ],
        )
        _register(city, door, namespace, "from", spec, opts)
    for namespace, systems in _by_namespace(city, door.servers.systems).items():
        spec = k8s.networking.v1.NetworkPolicySpecArgs(
            pod_selector=_pods(namespace, systems),
            policy_types=["Ingress"],
            ingress=[
                k8s.networking.v1.NetworkPolicyIngressRuleArgs(
                    from_=_peers(city, door.clients, pod_networks), ports=ports
                )
            ],
        )
        _register(city, door, namespace, "to", spec, opts)


def _register(
    city: City,
    door: Door,
    namespace: str,
    side: str,
    spec: k8s.networking.v1.NetworkPolicySpecArgs,
    opts: pulumi.ResourceOptions,
) -> None:
    flow = door.flow
    name = f"{side}-{flow.id}"
    notes = {**declared("flows", flow.id, granted_by=flow.decision), UNTIL: flow.until.isoformat()}
    if flow.bridge:
        notes[BRIDGE] = f"{flow.bridge} {city.waves[flow.bridge].decision}"
    own = {**labels(flow.department), FLOW: flow.id}
    k8s.networking.v1.NetworkPolicy(
        f"{namespace}/{name}", metadata=metadata(name, namespace, own, notes), spec=spec, opts=opts
    )


def _by_namespace(city: City, systems: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for system in systems:
        found[home(city, system)].append(system)
    return dict(sorted(found.items()))


def _pods(namespace: str, systems: list[str]) -> k8s.meta.v1.LabelSelectorArgs:
    """Select the pods of systems; in the platform's own namespaces all of them, for controllers label those."""
    if namespace in PLATFORM.values():
        return k8s.meta.v1.LabelSelectorArgs()
    if len(systems) == 1:
        return k8s.meta.v1.LabelSelectorArgs(match_labels={SYSTEM: systems[0]})
    one_of = k8s.meta.v1.LabelSelectorRequirementArgs(key=SYSTEM, operator="In", values=systems)
    return k8s.meta.v1.LabelSelectorArgs(match_expressions=[one_of])


def _peers(city: City, side: Side, pod_networks: Iterable[str]) -> list[_Peer]:
    """Return one side: namespaces by the one label that no tenant can set, and networks without the pods' own."""
    pods = list(pod_networks)
    found = [
        _Peer(
            namespace_selector=k8s.meta.v1.LabelSelectorArgs(match_labels={NAMESPACE_NAME: namespace}),
            pod_selector=_pods(namespace, systems),
        )
        for namespace, systems in _by_namespace(city, side.systems).items()
    ]
    return found + [_Peer(ip_block=_block(network, pods)) for network in side.networks]


def _block(network: str, pods: list[str]) -> k8s.networking.v1.IPBlockArgs:
    whole = parsed_network(network)
    holes = [
        pod
        for pod in pods
        if parsed_network(pod).version == whole.version and parsed_network(pod).subnet_of(whole)  # type: ignore[arg-type] # of one version by the check before
    ]
    return k8s.networking.v1.IPBlockArgs(cidr=network, except_=holes or None)


def _port(service: Service) -> _Port:
    return port(service.first, service.protocol.upper(), service.last)
