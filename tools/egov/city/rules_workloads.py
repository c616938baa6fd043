"""Rules on workloads, waves and bridges: what a thing in the cloud needs before anything is rendered for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from egov.city.codes import Code
from egov.city.fields import parsed_network
from egov.city.placement import placement
from egov.city.shape import Kinds
from egov.city.workloads import CONTAINER_HOST
from egov.errors import Problem

if TYPE_CHECKING:
    from egov.city.model import City


def workloads_whole(city: City, kinds: Kinds) -> Iterator[Problem]:
    """A workload has a department with a quota, an image unless it is a gateway, and a name nobody else has."""
    names: dict[str, str] = {}
    for system in city.systems.values():
        workload = system.workload
        if workload is None:
            continue
        if city.departments[system.department].quota is None:
            message = f"workload: {system.department} has no quota; say what it may use of the cloud"
            yield kinds.problem("systems", system.id, ("workload",), Code.E318, message, "部门没有云资源配额")
        if (workload.image is None) == (workload.serves_as == "application"):
            message = "workload: an application needs an image, a gateway or backup has none"
            yield kinds.problem(
                "systems", system.id, ("workload",), Code.E318, message, "应用须写明镜像, 网关和备份不写"
            )
        alone = workload.storage_gib and workload.replicas == 1 and workload.database_gib is None
        if workload.database_image and not alone:
            message = "database_image: a database of its own needs storage_gib, replicas: 1 and no database_gib"
            loc = ("workload", "database_image")
            yield kinds.problem("systems", system.id, loc, Code.E318, message, "自带数据库须有存储且只有一个副本")
        if workload.hostname and names.setdefault(workload.hostname, system.id) != system.id:
            message = f"hostname: {workload.hostname} already belongs to {names[workload.hostname]}"
            yield kinds.problem("systems", system.id, ("workload", "hostname"), Code.E309, message, "域名重复使用")
    yield from _one_of_each(city, kinds)


def _one_of_each(city: City, kinds: Kinds) -> Iterator[Problem]:
    workloads = [(system, system.workload) for system in city.systems.values() if system.workload]
    first: dict[str, str] = {}
    for system, workload in workloads:
        kind = workload.serves_as
        if kind != "application" and first.setdefault(kind, system.id) != system.id:
            message = f"serves_as: {first[kind]} serves as {kind} already"
            yield kinds.problem("systems", system.id, ("workload", "serves_as"), Code.E318, message, "只能有一个")
    for system, workload in workloads if "gateway" not in first else ():
        for name in ("hostname", "shares"):
            if getattr(workload, name):
                message = f"{name}: no system serves as the gateway that would publish it"
                yield kinds.problem("systems", system.id, ("workload", name), Code.E318, message, "没有统一网关")


def capacity_known(city: City, kinds: Kinds) -> Iterator[Problem]:
    """Capacity is said of container hosts, and of each of them once anything runs there."""
    used = any(system.workload for system in city.systems.values())
    for host in city.hosts.values():
        carries = CONTAINER_HOST in host.roles
        if host.capacity is not None and not carries:
            message = f"capacity: {host.id} is no {CONTAINER_HOST}"
            yield kinds.problem("hosts", host.id, ("capacity",), Code.E207, message, "只有容器主机有容量")
        if used and carries and host.capacity is None:
            message = "capacity: a container host of a cloud with workloads says what it can give"
            yield kinds.problem("hosts", host.id, ("roles",), Code.E318, message, "容器主机须写明容量")


def pods_have_a_place(city: City, kinds: Kinds) -> Iterator[Problem]:
    """Hosts that run pods themselves are container hosts, their pods' addresses nobody else's; each replica fits."""
    for host in city.hosts.values():
        if host.pods is None:
            continue
        if CONTAINER_HOST not in host.roles:
            message = f"pods: {host.id} is no {CONTAINER_HOST}"
            yield kinds.problem("hosts", host.id, ("pods",), Code.E207, message, "只有容器主机有容器网段")
        own = parsed_network(host.pods)
        for prefix in city.prefixes.values():
            if parsed_network(prefix.prefix).overlaps(own):
                message = f"pods: {host.pods} overlaps {prefix.id} {prefix.prefix}"
                yield kinds.problem("hosts", host.id, ("pods",), Code.E304, message, "容器网段与城市网段重叠")
    for system, why in placement(city).refused.items():
        message = f"workload: {why}"
        yield kinds.problem("systems", system, ("workload",), Code.E321, message, "没有可以运行它的容器主机")


def flows_of_workloads(city: City, kinds: Kinds) -> Iterator[Problem]:
    """A bridge names a system of its wave and ends with it; network policies know no echo request."""
    for flow in city.flows.values():
        named = [city.systems[name] for name in (*flow.clients.systems, *flow.servers.systems)]
        workloads = [system.workload for system in named if system.workload]
        if workloads and "ping" in flow.services:
            message = "services: a network policy cannot permit ping; name the port"
            loc = ("services", flow.services.index("ping"))
            yield kinds.problem("flows", flow.id, loc, Code.E320, message, "网络策略不支持ping")
        if flow.bridge is None:
            continue
        wave = city.waves[flow.bridge]
        if all(workload.wave != wave.id for workload in workloads):
            message = f"bridge: no system of {wave.id} on either side"
            yield kinds.problem("flows", flow.id, ("bridge",), Code.E319, message, "两端都不是该批次的系统")
        if flow.until > wave.until:
            message = f"until: {flow.until} is after {wave.id} ends ({wave.until})"
            yield kinds.problem("flows", flow.id, ("until",), Code.E319, message, "过渡访问不得超过批次期限")


WORKLOAD_RULES = (workloads_whole, capacity_known, pods_have_a_place, flows_of_workloads)
