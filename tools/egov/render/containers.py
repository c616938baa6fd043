"""City → who runs, serves and publishes pods where no cluster does, as variables of the roles that do it. Pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from egov.city import City
from egov.city.fields import parsed_network
from egov.city.placement import Pod, pods
from egov.render.flows import PODS

REGISTRY = "registry"
EDGE = "edge"
# Groups of hosts that no role of the description names: hosts that run pods themselves, edges that publish them.
WORKLOAD, EDGE_PROXY = "workload", "edge_proxy"
SITES = "edge_proxy_sites"
"""Variable of the hosts that publish pods: those of the role `edge`, where any pod has a name to be reached by."""
_REGISTRY_PORT = 5000


def containers(city: City, on: date) -> dict[str, dict[str, Any]]:
    """Return the variables of each host that takes part, by its id; empty in a city whose pods a cluster runs."""
    hosts = {h.id: h for h in city.hosts.values() if h.pods is not None}
    if not hosts:
        return {}
    running = pods(city, on)
    registry = _first(city, REGISTRY)
    names = sorted({image.partition("/")[0] for image in _images(city)}) if registry else []
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, host in hosts.items():
        network = parsed_network(host.pods or "")
        found[name] = {
            "container_host_bridge": PODS,
            "container_host_network": host.pods,
            "container_host_gateway": str(network[1]),
            "container_host_address": city.business(host)[0].address,
            "container_host_registries": dict.fromkeys(names, f"{registry}:{_REGISTRY_PORT}"),
            "workload_pods": [_run(city, pod, running) for pod in running if pod.host == name],
        }
    for name in _of_role(city, REGISTRY):
        found[name] = found[name] | {"registry_address": city.business(city.hosts[name])[0].address}
    sites = _published(city, running)
    for name in _of_role(city, EDGE) if sites else ():
        address = city.business(city.hosts[name])[0].address
        found[name] = found[name] | {"edge_proxy_address": address, SITES: sites}
    return dict(found)


def _published(city: City, running: list[Pod]) -> list[dict[str, Any]]:
    """Return each published system: its name, how to see that it is well, and its replicas by host."""
    found: dict[str, dict[str, Any]] = {}
    for pod in running:
        workload = city.systems[pod.system].workload
        if workload is None or workload.hostname is None:
            continue
        site = {"system": pod.system, "hostname": workload.hostname, "health": workload.health, "port": pod.port}
        servers = found.setdefault(pod.system, {**site, "servers": {}})["servers"]
        servers[pod.host] = city.business(city.hosts[pod.host])[0].address
    return [found[name] for name in sorted(found)]


def _run(city: City, pod: Pod, running: list[Pod]) -> dict[str, Any]:
    workload = city.systems[pod.system].workload
    published = workload is not None and workload.hostname is not None
    health = workload.health if workload else "/"
    return {
        "system": pod.system,
        "address": pod.address,
        "port": pod.port,
        "health": health,
        "published": published,
        "replicas": sum(other.system == pod.system for other in running),
        "images": _images_of(city, pod.system),
    }


def _images(city: City) -> list[str]:
    return [image for name in city.systems for image in _images_of(city, name)]


def _images_of(city: City, system: str) -> list[str]:
    workload = city.systems[system].workload
    return [image for image in (workload.image, workload.database_image) if image] if workload else []


def _of_role(city: City, role: str) -> list[str]:
    return sorted(host.id for host in city.hosts.values() if role in host.roles)


def _first(city: City, role: str) -> str | None:
    """Return the business address of the first host of a role; None if there is none."""
    found = _of_role(city, role)
    return city.business(city.hosts[found[0]])[0].address if found else None
