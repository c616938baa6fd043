"""Rendered objects → one file per pod and container host, as `podman play kube` takes them. Pure.

The pod is the template of the Deployment or StatefulSet, as the program made it. What podman cannot do is left out and
said at its head: placement and spreading (the file is where it belongs), probes (podman would look for curl inside
the container; the edge and the playbook look from outside), the ports (the host's ruleset publishes them).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from egov.capture.manifests import DECLARED, INDEX, Object, text
from egov.city import City
from egov.city.placement import Pod, pods
from egov.errors import UsageError
from egov.render.workloads import Door, doors

ADDRESS = "egov/address"
_KINDS = ("Deployment", "StatefulSet")
_OF_THE_POD = (
    "automountServiceAccountToken",
    "nodeSelector",
    "priorityClassName",
    "serviceAccountName",
    "tolerations",
    "topologySpreadConstraints",
)
_OF_A_CONTAINER = ("livenessProbe", "ports", "readinessProbe", "startupProbe")
_LIMITS = "resources"


def manifests(found: Iterable[Object], city: City, on: date, *, limits: bool = True) -> dict[str, dict[str, str]]:
    """Return host → file name → text, for every container host that runs pods itself.

    limits: False leaves out limits of cores and memory too, for hosts whose kernel gives them no controllers (a lab).
    UsageError for a pod that no program registers, or one that needs what is not handed over without a cluster.
    """
    made = {(o.key.namespace, o.key.name): o for o in found if o.key.kind in _KINDS}
    files: dict[str, dict[str, str]] = {h.id: {} for h in city.hosts.values() if h.pods is not None}
    running, opened = pods(city, on), doors(city, on)
    for pod in running:
        namespace = f"dept-{city.systems[pod.system].department}"
        workload = made.get((namespace, pod.system))
        if workload is None:
            message = f"{pod.system}: no stack renders its workload; is {namespace} in another stack?"
            raise UsageError(message)
        _refuse_what_a_cluster_brings(city, pod)
        made_pod, dropped = _pod(workload, pod, _neighbours(city, pod, running, opened), limits=limits)
        head = f"# {DECLARED}: {workload.declared}\n# left out: {', '.join(dropped)}\n"
        files[pod.host][f"{pod.system}.yaml"] = head + text(made_pod)
    return files


def folder(files: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return all hosts' files by path, with an index, so that what is gone is taken away from a folder."""
    texts = {f"{host}/{name}": content for host, own in files.items() for name, content in own.items()}
    listed = [{"file": name, "sha256": hashlib.sha256(content.encode()).hexdigest()} for name, content in texts.items()]
    return {**texts, INDEX: json.dumps({"objects": listed}, indent=1, sort_keys=True) + "\n"}


def _refuse_what_a_cluster_brings(city: City, pod: Pod) -> None:
    workload = city.systems[pod.system].workload
    for name in ("secrets", "database_gib"):
        if workload is not None and getattr(workload, name):
            message = f"{pod.system}: workload: {name} is handed over by a cluster's secret store; here there is none"
            raise UsageError(message)


def _pod(
    workload: Object, placed: Pod, neighbours: list[dict[str, Any]], *, limits: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return the pod, and what was left out of it; of annotations podman takes 63 characters, so most stay behind."""
    template = workload.data["spec"]["template"]
    spec = {name: value for name, value in template["spec"].items() if name not in _OF_THE_POD}
    dropped = {name for name in _OF_THE_POD if name in template["spec"]}
    claims = workload.data["spec"].get("volumeClaimTemplates") or []
    if claims:
        dropped.add("volumeClaimTemplates")
    containers = []
    for container in spec["containers"]:
        out = {*_OF_A_CONTAINER, *(() if limits else (_LIMITS,))} & container.keys()
        dropped |= out
        containers.append({name: value for name, value in container.items() if name not in out})
    own = [{"name": c["metadata"]["name"], "persistentVolumeClaim": {"claimName": _claim(workload, c)}} for c in claims]
    spec |= {"containers": containers, "volumes": [*spec.get("volumes", ()), *own], "restartPolicy": "Always"}
    if neighbours:
        spec["hostAliases"] = neighbours
    metadata = workload.data["metadata"]
    notes = {ADDRESS: f"{placed.address}:{placed.port}"}
    kept = {"name": metadata["name"], "labels": template["metadata"]["labels"], "annotations": notes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": kept, "spec": spec}, sorted(dropped)


def _claim(workload: Object, claim: Mapping[str, Any]) -> str:
    """Return the name a stateful set gives the claim of its first replica; podman makes a volume of it, once.

    The claim itself is left out: podman 4.3 refuses a file whose volume is there already, after a boot as well.
    """
    return f"{claim['metadata']['name']}-{workload.key.name}-0"


def _neighbours(city: City, pod: Pod, running: list[Pod], opened: list[Door]) -> list[dict[str, Any]]:
    """Return the systems that flows let the pod reach, by the names they have in a cluster, at their hosts."""
    asked = {s for door in opened if pod.system in door.clients.systems for s in door.servers.systems}
    found: dict[str, list[str]] = {}
    for other in running:
        if other.system in asked:
            address = city.business(city.hosts[other.host])[0].address
            found.setdefault(address, []).append(f"{other.system}.dept-{city.systems[other.system].department}.svc")
    return [{"ip": address, "hostnames": names} for address, names in sorted(found.items())]
