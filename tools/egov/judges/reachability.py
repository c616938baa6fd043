"""What network policies let through, as a matrix, against what the city's flows say: nothing more, nothing less.

The matrix is read off the rendered policies alone, by the rules of the NetworkPolicy API: a pod that no policy of a
direction selects is open in it; what is selected is reached only if both ends allow it. Everything that could be at an
end is asked: each workload, and each network that a policy or a flow names, cut where networks overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from typing import Any, NamedTuple

from egov.capture.manifests import Object
from egov.city import City
from egov.city.fields import parsed_network
from egov.judges.verdict import Verdict, of
from egov.render.workloads import doors

JUDGE = "reachability"
Data = Mapping[str, Any]
Net = IPv4Network | IPv6Network
_NAME_LABEL = "kubernetes.io/metadata.name"
_LAST_PORT = 65535


class Ports(NamedTuple):
    """A protocol with a range of ports, both ends included."""

    protocol: str
    first: int
    last: int

    def __str__(self) -> str:
        port = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{port}/{self.protocol}"


EVERY_PORT = tuple(Ports(protocol, 1, _LAST_PORT) for protocol in ("tcp", "udp", "sctp"))


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods that are alike: those of one system, of the cluster's DNS, or of anything else in a namespace."""

    name: str
    namespace: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """Addresses outside the cluster: one piece that every network is either wholly in, or wholly out of."""

    network: Net

    @property
    def name(self) -> str:
        """The network as text."""
        return str(self.network)


End = Pods | Outside
_NAMES = Pods("cluster DNS", "kube-system", (("k8s-app", "kube-dns"),))
# A namespace that nobody here rendered: open both ways, so that only the other end's policies stand between.
_ELSEWHERE = Pods("elsewhere in the cluster", "elsewhere", ())


class Cluster:
    """The namespaces, pods and policies of one cluster, as rendered."""

    def __init__(self, found: Iterable[Object]) -> None:
        objects = list(found)
        spaces = [o for o in objects if o.key.kind == "Namespace"]
        self.namespaces = {o.key.name: dict(o.data["metadata"].get("labels") or {}) for o in spaces}
        self.policies = [o for o in objects if o.key.kind == "NetworkPolicy"]
        self.workloads = [o for o in objects if o.key.kind in {"Deployment", "StatefulSet", "DaemonSet"}]

    @cached_property
    def pods(self) -> list[Pods]:
        """Return every group of pods: of workloads, of controllers in the platform's own namespaces, and of nobody.

        A pod of nobody stands in each tenancy without a label: it shows what a new thing there could do.
        """
        found = []
        for made in self.workloads:
            labels = made.data["spec"]["template"]["metadata"].get("labels") or {}
            found.append(Pods(made.key.name, made.key.namespace, tuple(sorted(labels.items()))))
        for name, labels in sorted(self.namespaces.items()):
            found.append(Pods(labels.get("egov/system") or f"any other pod of {name}", name, ()))
        return [*found, _ELSEWHERE]

    @cached_property
    def _policies_of(self) -> dict[str, list[Object]]:
        found: dict[str, list[Object]] = {}
        for policy in self.policies:
            found.setdefault(policy.key.namespace, []).append(policy)
        return found

    def matrix(self, pieces: Iterable[Outside]) -> dict[tuple[str, str], frozenset[Ports]]:
        """Return (who opens, who answers) → the ports that pass, for all pairs with a pod at one end."""
        outside = list(pieces)
        opens = {pods: self._rules(pods, "egress") for pods in self.pods}
        answers = {pods: self._rules(pods, "ingress") for pods in self.pods}
        found: dict[tuple[str, str], frozenset[Ports]] = {}
        for client in self.pods:
            for server in self.pods:
                passing = self._passing(opens[client], client, server)
                if passing:
                    passing = _both(passing, self._passing(answers[server], server, client))
                found[client.name, server.name] = frozenset(passing)
            # Nobody but the cluster bounds its DNS, so only the side that asks decides; what it asks itself is its own.
            others: list[End] = [_NAMES, *outside]
            for other in others:
                found[client.name, other.name] = frozenset(self._passing(opens[client], client, other))
                found[other.name, client.name] = frozenset(self._passing(answers[client], client, other))
        ours = {pods.name for pods in self.pods if pods is not _ELSEWHERE}
        return {pair: ports for pair, ports in found.items() if ports and ours.intersection(pair)}

    def _rules(self, pods: Pods, direction: str) -> list[Data] | None:
        """Return the rules of one direction for pods; None if no policy selects them in it, so all is open."""
        selected = False
        rules: list[Data] = []
        for policy in self._policies_of.get(pods.namespace, ()):
            spec = policy.data["spec"]
            kinds = spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]
            if direction.title() in kinds and selects(spec.get("podSelector") or {}, pods.labels):
                selected = True
                rules += spec.get(direction) or []
        return rules if selected else None

    def _passing(self, rules: list[Data] | None, own: Pods, other: End) -> set[Ports]:
        if rules is None:
            return set(EVERY_PORT)
        found: set[Ports] = set()
        for rule in rules:
            peers = rule.get("to") or rule.get("from")
            if not peers or any(self._is_peer(peer, own, other) for peer in peers):
                found.update(_ports(rule))
        return found

    def _is_peer(self, peer: Data, own: Pods, other: End) -> bool:
        if "ipBlock" in peer:
            return isinstance(other, Outside) and _in_block(peer["ipBlock"], other.network)
        if isinstance(other, Outside):
            return False
        if "namespaceSelector" in peer:
            labels = {**self.namespaces.get(other.namespace, {}), _NAME_LABEL: other.namespace}
            if not selects(peer["namespaceSelector"], tuple(labels.items())):
                return False
        elif own.namespace != other.namespace:
            return False
        return selects(peer.get("podSelector") or {}, other.labels)


def selects(selector: Data, labels: Iterable[tuple[str, str]]) -> bool:
    """Say whether a label selector takes a thing with these labels; an empty one takes everything."""
    have = dict(labels)
    if any(have.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_matches(have, wanted) for wanted in selector.get("matchExpressions") or [])


def _matches(have: Mapping[str, str], wanted: Data) -> bool:
    key, operator, values = wanted["key"], wanted["operator"], wanted.get("values") or []
    if operator in {"Exists", "DoesNotExist"}:
        return bool((key in have) == (operator == "Exists"))
    return bool((have.get(key) in values) == (operator == "In"))


def _ports(rule: Data) -> Iterator[Ports]:
    wanted = rule.get("ports")
    if not wanted:
        yield from EVERY_PORT
    for port in wanted or []:
        first = port.get("port", 1)
        last = port.get("endPort", first if "port" in port else _LAST_PORT)
        yield Ports(port.get("protocol", "TCP").lower(), int(first), int(last))


def _both(one: set[Ports], other: set[Ports]) -> set[Ports]:
    found = set()
    for a in one:
        for b in other:
            first, last = max(a.first, b.first), min(a.last, b.last)
            if a.protocol == b.protocol and first <= last:
                found.add(Ports(a.protocol, first, last))
    return found


def _in_block(block: Data, network: Net) -> bool:
    return _inside(network, block["cidr"]) and not any(_inside(network, hole) for hole in block.get("except") or [])


def _inside(network: Net, text: str) -> bool:
    whole = parsed_network(text)
    return network.version == whole.version and network.subnet_of(whole)  # type: ignore[arg-type] # of one version


def pieces(networks: Iterable[str]) -> list[Outside]:
    """Return all addresses cut into pieces, so that each network holds a piece wholly or not at all."""
    found: list[Outside] = []
    for everything in ("0.0.0.0/0", "::/0"):
        whole = parsed_network(everything)
        named = sorted({n for n in map(parsed_network, networks) if n.version == whole.version}, key=_by_size)
        found += [Outside(piece) for piece in _cut(whole, named)]
    return found


def _by_size(network: Net) -> tuple[int, int]:
    return network.prefixlen, int(network.network_address)


def _cut(whole: Net, named: list[Net]) -> list[Net]:
    """Return one address, as a network, of every different set of networks that addresses can lie in."""
    probes: dict[frozenset[int], Net] = {}
    edges = {int(whole.network_address)}
    for network in named:
        edges.add(int(network.network_address))
        edges.add(int(network.broadcast_address) + 1)
    size = whole.max_prefixlen
    for edge in sorted(edge for edge in edges if edge < 1 << size):
        address: Net = parsed_network(f"{whole.network_address.__class__(edge)}/{size}")
        inside = frozenset(i for i, n in enumerate(named) if address.subnet_of(n))  # type: ignore[arg-type]
        probes.setdefault(inside, address)
    return list(probes.values())


def reachability(found: Iterable[Object], city: City, on: date) -> Iterator[Verdict]:
    """Yield every pair that policies let through though no flow says so, and every pair of a flow that they stop.

    A system may reach itself and everybody the cluster's DNS (53, both protocols): neither needs a flow. Systems whose
    wave has not started, or which do not stand in this cluster, are left out on both sides.
    """
    cluster = Cluster(found)
    named = [of(JUDGE, made, f"port {name} is a name", "undetermined") for made, name in _named_ports(cluster)]
    if named:  # each pod says what a name stands for, and may say it otherwise
        yield from named
        return
    present = {pods.name for pods in cluster.pods}
    wanted = _wanted(city, on, present)
    parts = pieces({*_named(cluster), *(net for pair in wanted for net in pair if "/" in net)})
    actual = cluster.matrix(parts)
    expected = _expected(wanted, parts, cluster)
    owners = {pods.name: cluster.namespaces.get(pods.namespace, {}).get("egov/department") for pods in cluster.pods}
    for pair in sorted(actual.keys() | expected.keys()):
        more = _without(actual.get(pair, frozenset()), expected.get(pair, frozenset()))
        less = _without(expected.get(pair, frozenset()), actual.get(pair, frozenset()))
        department = owners.get(pair[1]) or owners.get(pair[0])
        thing = f"{pair[0]} -> {pair[1]}"
        if more:
            yield Verdict(JUDGE, thing, "violation", f"{_said(more)} passes, no flow says so", "", department)
        if less:
            yield Verdict(JUDGE, thing, "violation", f"{_said(less)} is a flow, policies stop it", "", department)


def _every_rule(cluster: Cluster) -> Iterator[tuple[Object, Data]]:
    """Yield each rule of both directions, with its policy."""
    for policy in cluster.policies:
        spec = policy.data["spec"]
        yield from ((policy, rule) for rule in (*(spec.get("ingress") or []), *(spec.get("egress") or [])))


def _named_ports(cluster: Cluster) -> Iterator[tuple[Object, str]]:
    for policy, rule in _every_rule(cluster):
        ports = (port.get("port") for port in rule.get("ports") or [])
        yield from ((policy, port) for port in ports if isinstance(port, str))


def _said(ports: Iterable[Ports]) -> str:
    return ", ".join(map(str, sorted(ports)))


def _wanted(city: City, on: date, present: set[str]) -> dict[tuple[str, str], set[Ports]]:
    found: dict[tuple[str, str], set[Ports]] = {}
    for door in doors(city, on):
        ports = {Ports(service.protocol, service.first, service.last) for service in door.services}
        clients = [name for name in door.clients.systems if name in present]
        servers = [name for name in door.servers.systems if name in present]
        pairs = [(a, b) for a in clients for b in (*servers, *door.servers.networks)]
        pairs += [(a, b) for a in door.clients.networks for b in servers]
        for pair in pairs:
            found.setdefault(pair, set()).update(ports)
    return found


def _named(cluster: Cluster) -> Iterator[str]:
    for _, rule in _every_rule(cluster):
        for peer in rule.get("to") or rule.get("from") or []:
            if "ipBlock" in peer:
                yield peer["ipBlock"]["cidr"]
                yield from peer["ipBlock"].get("except") or []


def _expected(
    wanted: Mapping[tuple[str, str], set[Ports]], parts: list[Outside], cluster: Cluster
) -> dict[tuple[str, str], frozenset[Ports]]:
    found: dict[tuple[str, str], set[Ports]] = {}

    def pieces_of(end: str) -> list[str]:
        return [part.name for part in parts if _inside(part.network, end)] if "/" in end else [end]

    for (client, server), ports in wanted.items():
        for a in pieces_of(client):
            for b in pieces_of(server):
                found.setdefault((a, b), set()).update(ports)
    names = {Ports("udp", 53, 53), Ports("tcp", 53, 53)}
    for pods in cluster.pods:
        if pods is not _ELSEWHERE:
            found.setdefault((pods.name, _NAMES.name), set()).update(names)
        if pods.labels:
            found.setdefault((pods.name, pods.name), set()).update(EVERY_PORT)
    return {pair: frozenset(ports) for pair, ports in found.items()}


def _without(one: frozenset[Ports], other: frozenset[Ports]) -> list[Ports]:
    """Return the ports of one set that the other does not hold."""
    left = list(one)
    for hole in other:
        cut: list[Ports] = []
        for ports in left:
            if ports.protocol != hole.protocol or hole.last < ports.first or ports.last < hole.first:
                cut.append(ports)
                continue
            if ports.first < hole.first:
                cut.append(Ports(ports.protocol, ports.first, hole.first - 1))
            if hole.last < ports.last:
                cut.append(Ports(ports.protocol, hole.last + 1, ports.last))
        left = cut
    return left


@dataclass(frozen=True, slots=True, order=True)
class Reaching:
    """Something that one end may open to another from now on, or no longer."""

    client: str
    server: str
    ports: tuple[Ports, ...]
    opens: bool

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "client": self.client,
            "server": self.server,
            "ports": [str(ports) for ports in self.ports],
            "opens": self.opens,
        }


def opened(before: Iterable[Object], after: Iterable[Object]) -> list[Reaching]:
    """Return what the policies of a cluster let through after a change and not before, and the other way round.

    Ends outside the cluster are the networks that policies name, pods of nobody are left out.
    """
    old, new = Cluster(before), Cluster(after)
    networks = {*_named(old), *_named(new)}
    ends = [Outside(parsed_network(text)) for text in sorted(networks)]
    was, now = old.matrix(ends), new.matrix(ends)
    found = []
    for pair in sorted(was.keys() | now.keys()):
        if any(name.startswith("any other pod") or name == _ELSEWHERE.name for name in pair):
            continue
        for opens, one, other in ((False, was, now), (True, now, was)):
            more = _without(one.get(pair, frozenset()), other.get(pair, frozenset()))
            if more:
                found.append(Reaching(*pair, tuple(sorted(more)), opens))
    return found
