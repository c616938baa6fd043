"""Quotas against what the hosts can give: all that was promised must fit when one site is lost."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from egov.capture.manifests import Object
from egov.city import City
from egov.city.workloads import CONTAINER_HOST
from egov.judges.pod_security import pod_of
from egov.judges.verdict import Verdict, of

JUDGE = "capacity"
_SUFFIX: dict[str, int | Fraction] = {
    "": 1,
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "E": 10**18,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
    "Ei": 2**60,
}
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|)")
_MIB = 2**20
# Without these two a quota promises everything (1,454 of 1,455 quotas of one well-known platform bound pods only).
_BOUNDED = ("requests.cpu", "requests.memory")


def quantity(text: str | int) -> Fraction:
    """Return a Kubernetes quantity as a number of its unit (cores, bytes); ValueError for what is none."""
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        message = f"{text!r} is no quantity"
        raise ValueError(message)
    return Fraction(Decimal(match[1])) * _SUFFIX[match[2]]


@dataclass(frozen=True, slots=True)
class Fit:
    """One line of the sums: what is promised and what is there, in millicores and MiB."""

    lost: str
    resource: str
    promised: int
    there: int

    @property
    def fits(self) -> bool:
        """Whether what is promised is there."""
        return self.promised <= self.there


def fits(found: Iterable[Object], city: City, *, lab: bool, lose_a_site: bool) -> list[Fit]:
    """Return the sums of all quotas against the hosts' capacity with no site lost, and with each one lost."""
    quotas = [o.data["spec"]["hard"] for o in found if o.key.kind == "ResourceQuota"]
    promised = {
        "cpu_millicores": sum(int(quantity(hard.get("requests.cpu", 0)) * 1000) for hard in quotas),
        "memory_mib": sum(int(quantity(hard.get("requests.memory", 0)) / _MIB) for hard in quotas),
    }
    hosts = [h for h in city.hosts.values() if CONTAINER_HOST in h.roles and h.capacity and (h.lab or not lab)]
    lost = ["", *(sorted({host.site for host in hosts}) if lose_a_site else [])]
    return [
        Fit(site, name, promised[name], sum(getattr(h.capacity, name) for h in hosts if h.site != site))
        for site in lost
        for name in promised
    ]


def capacity(found: Iterable[Object], city: City, *, lab: bool, lose_a_site: bool) -> Iterator[Verdict]:
    """Yield where quotas exceed the hosts, and where a department's workloads exceed its own quota."""
    objects = list(found)
    try:
        yield from list(_capacity(objects, city, lab=lab, lose_a_site=lose_a_site))
    except ValueError as error:
        yield Verdict(JUDGE, "all sites", "undetermined", str(error))


def _capacity(objects: list[Object], city: City, *, lab: bool, lose_a_site: bool) -> Iterator[Verdict]:
    for fit in fits(objects, city, lab=lab, lose_a_site=lose_a_site):
        if not fit.fits:
            thing = f"site {fit.lost} lost" if fit.lost else "all sites"
            message = f"quotas promise {fit.resource} {fit.promised}, the hosts that are left have {fit.there}"
            yield Verdict(JUDGE, thing, "violation", message)
    yield from _own_quota(objects)


def _own_quota(objects: list[Object]) -> Iterator[Verdict]:
    """Yield where the workloads of a namespace, and one pod more for a rollout, need more than its quota."""
    needs = _needs(objects)
    quotas = [made for made in objects if made.key.kind == "ResourceQuota"]
    for made in quotas:
        hard = made.data["spec"]["hard"]
        needed = needs.get(made.key.namespace, {})
        yield from (
            of(JUDGE, made, f"no bound for {name}") for name in sorted({*_BOUNDED, *needed}) if name not in hard
        )
        for name, need in sorted(needed.items()):
            if name in hard and need > quantity(hard[name]):
                yield of(JUDGE, made, f"workloads need {name} {_text(need, name)}, the quota is {hard[name]}")
    for namespace in sorted(needs.keys() - {made.key.namespace for made in quotas}):
        yield Verdict(JUDGE, f"Namespace {namespace}", "violation", "workloads without a quota")


def _needs(objects: list[Object]) -> dict[str, dict[str, Fraction]]:
    """Return what the workloads of each namespace ask for, by the names of a quota."""
    needs: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for made in objects:
        pod = pod_of(made.data)
        if pod is None:
            continue
        replicas, needed = made.data["spec"].get("replicas", 1), needs[made.key.namespace]
        pods = replicas + 1 if made.key.kind == "Deployment" and replicas else replicas
        needed["pods"] += pods
        for name, amount in _requests(pod).items():
            needed[f"requests.{name}"] += pods * amount
        for claim in made.data["spec"].get("volumeClaimTemplates") or []:
            needed["requests.storage"] += replicas * quantity(claim["spec"]["resources"]["requests"]["storage"])
    return needs


def _requests(pod: Mapping[str, object]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    containers = pod.get("containers")
    for container in containers if isinstance(containers, list) else []:
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            found[name] += quantity(amount)
    return found


def _text(need: Fraction, name: str) -> str:
    if name.endswith("cpu"):
        return f"{int(need * 1000)}m"
    return f"{int(need / _MIB)}Mi" if name.endswith(("memory", "storage")) else str(int(need))
