"""The Pod Security Standards, evaluated without an API server: baseline and restricted, as of Kubernetes 1.35 to 1.37.

The controls are those of kubernetes.io/docs/concepts/security/pod-security-standards; each yields its own message, so
that one pod can be wrong in several ways. Windows pods are judged as if they were Linux's, which is stricter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from egov.capture.manifests import Object
from egov.judges.verdict import Verdict, of

JUDGE = "pod-security"
Level = Literal["privileged", "baseline", "restricted"]
Data = Mapping[str, Any]

_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_BASELINE_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
    }
)
_SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_PROFILES = frozenset({"RuntimeDefault", "Localhost"})


def pod_security(found: Iterable[Object]) -> Iterator[Verdict]:
    """Yield how pods of workloads fall short of the level that their own namespace enforces.

    A namespace that says no level, or is not among the objects, leaves its pods not judged.
    """
    objects = list(found)
    levels = {made.key.name: _enforced(made) for made in objects if made.key.kind == "Namespace"}
    for made in objects:
        pod = pod_of(made.data)
        if pod is None:
            continue
        level = levels.get(made.key.namespace)
        if level is None:
            yield of(JUDGE, made, f"namespace {made.key.namespace} enforces no known level", "undetermined")
            continue
        for message in evaluate(pod, level, _pod_annotations(made.data)):
            yield of(JUDGE, made, f"{level}: {message}")


def _enforced(namespace: Object) -> Level | None:
    labels = namespace.data["metadata"].get("labels") or {}
    level = labels.get("pod-security.kubernetes.io/enforce")
    return level if level in {"privileged", "baseline", "restricted"} else None


def pod_of(data: Data) -> Data | None:
    """Return the pod's spec inside an object that makes pods; None for all other kinds."""
    spec = data.get("spec")
    if not isinstance(spec, Mapping):
        return None
    kind = data["kind"]
    if kind == "Pod":
        return spec
    if kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    elif kind not in {"Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "ReplicationController"}:
        return None
    template: Data = spec["template"]["spec"]
    return template


def _pod_annotations(data: Data) -> Data:
    spec: Any = data.get("spec") or {}
    spec = spec["jobTemplate"]["spec"] if data["kind"] == "CronJob" else spec
    template = data if data["kind"] == "Pod" else spec["template"]
    found: Data = (template.get("metadata") or {}).get("annotations") or {}
    return found


def evaluate(pod: Data, level: Level, annotations: Data | None = None) -> list[str]:
    """Return what of a pod's spec falls short of a level, sorted; nothing for privileged."""
    found: list[str] = []
    if level != "privileged":
        found += _baseline(pod, annotations or {})
    if level == "restricted":
        found += _restricted(pod)
    return sorted(found)


def _containers(pod: Data) -> Iterator[tuple[str, Data, Data]]:
    """Yield name, container and its security context of every container of a pod."""
    for kind in _CONTAINERS:
        for container in pod.get(kind) or []:
            yield container.get("name", "?"), container, container.get("securityContext") or {}


def _contexts(pod: Data) -> Iterator[tuple[str, Data]]:
    yield "pod", pod.get("securityContext") or {}
    yield from ((name, context) for name, _, context in _containers(pod))


def _baseline(pod: Data, annotations: Data) -> Iterator[str]:
    yield from (f"{name} is true" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name))
    yield from (f"volume {v['name']} is a hostPath" for v in pod.get("volumes") or [] if "hostPath" in v)
    for name, container, context in _containers(pod):
        yield from _baseline_container(name, container, context)
        yield from (f"{name}: {where} names a host" for where, action in _actions(container) if action.get("host"))
    for name, context in _contexts(pod):
        yield from _baseline_context(name, context)
    sysctls = (pod.get("securityContext") or {}).get("sysctls") or []
    yield from (f"sysctl {s['name']} is not safe" for s in sysctls if s["name"] not in _SAFE_SYSCTLS)
    for key, value in annotations.items():
        safe = value == "runtime/default" or value.startswith("localhost/")
        if key.startswith("container.apparmor.security.beta.kubernetes.io/") and not safe:
            yield f"annotation {key} is {value}"


def _baseline_container(name: str, container: Data, context: Data) -> Iterator[str]:
    if context.get("privileged"):
        yield f"{name}: privileged is true"
    added = set((context.get("capabilities") or {}).get("add") or [])
    yield from (f"{name}: adds capability {one}" for one in sorted(added - _BASELINE_CAPABILITIES))
    ports = container.get("ports") or []
    yield from (f"{name}: hostPort {port['hostPort']}" for port in ports if port.get("hostPort"))
    if context.get("procMount", "Default") != "Default":
        yield f"{name}: procMount is {context['procMount']}"


def _actions(container: Data) -> Iterator[tuple[str, Data]]:
    """Yield every network action of a container's probes and hooks, with the name of the probe or hook."""
    lifecycle = container.get("lifecycle") or {}
    probes = {name: container.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")}
    hooks = {name: lifecycle.get(name) for name in ("postStart", "preStop")}
    for name, found in {**probes, **hooks}.items():
        for kind in ("httpGet", "tcpSocket"):
            if found and found.get(kind):
                yield name, found[kind]


def _baseline_context(name: str, context: Data) -> Iterator[str]:
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        yield f"{name}: hostProcess is true"
    options = context.get("seLinuxOptions") or {}
    if options.get("type", "") not in _SELINUX_TYPES or options.get("user") or options.get("role"):
        yield f"{name}: seLinuxOptions set a user, role or other type"
    if (context.get("appArmorProfile") or {}).get("type", "RuntimeDefault") not in _PROFILES:
        yield f"{name}: appArmorProfile is {context['appArmorProfile']['type']}"
    if (context.get("seccompProfile") or {}).get("type", "RuntimeDefault") not in _PROFILES:
        yield f"{name}: seccompProfile is {context['seccompProfile']['type']}"


def _restricted(pod: Data) -> Iterator[str]:
    for volume in pod.get("volumes") or []:
        kinds = volume.keys() - {"name"} - _VOLUMES - {"hostPath"}
        yield from (f"volume {volume['name']} is of kind {kind}" for kind in sorted(kinds))
    whole = pod.get("securityContext") or {}
    if whole.get("runAsUser") == 0:
        yield "pod: runAsUser is 0"
    for name, _, context in _containers(pod):
        yield from _restricted_container(name, context, whole)


def _restricted_container(name: str, context: Data, whole: Data) -> Iterator[str]:
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation is not false"
    if not context.get("runAsNonRoot", whole.get("runAsNonRoot")):
        yield f"{name}: runAsNonRoot is not true"
    if context.get("runAsUser") == 0:
        yield f"{name}: runAsUser is 0"
    profile = (context.get("seccompProfile") or whole.get("seccompProfile") or {}).get("type")
    if profile not in _PROFILES:
        yield f"{name}: seccompProfile is not RuntimeDefault or Localhost"
    capabilities = context.get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or []):
        yield f"{name}: does not drop all capabilities"
    added = set(capabilities.get("add") or []) & _BASELINE_CAPABILITIES - {"NET_BIND_SERVICE"}
    yield from (f"{name}: adds capability {one}" for one in sorted(added))
