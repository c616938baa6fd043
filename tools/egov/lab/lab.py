"""The lab: brings the described hosts up on this machine, and takes everything down again.

Everything is found by where it is: files below `.lab/<name>/`, mounts below it, processes in the lab's control group.
So `up` after a crash goes on where it stopped, and `down` needs no record of what was started.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egov.errors import EgovError, UsageError
from egov.lab import groups
from egov.lab.hosts import USER, Machine
from egov.lab.image import base_image
from egov.lab.limits import hard_limits, refuse_too_many
from egov.lab.namespace import create, ip, is_namespace, run
from egov.lab.packages import FILES, PORT, fetch_files, for_hosts, proxy_commands, sources
from egov.lab.paths import Paths, held, locked
from egov.lab.topology import LabHost, Topology

SWITCH = "switch"
_READY = frozenset({"running", "degraded"})
_BOOT_SECONDS = 90


@dataclass(frozen=True, slots=True)
class HostStatus:
    """How a host stands."""

    host: str
    state: str
    address: str
    failed: tuple[str, ...] = ()


@dataclass
class Lab:
    """A lab of one topology under one name."""

    paths: Paths
    topology: Topology
    say: Callable[[str], None] = lambda _text: None
    _saying: threading.Lock = field(default_factory=threading.Lock)

    @property
    def controller(self) -> Path:
        """The namespace from which hosts are reached."""
        return self.paths.netns(self.topology.controller.id)

    def up(self, names: Collection[str] = ()) -> list[HostStatus]:
        """Boot the hosts named (all if none) and wait until systemd is done; EgovError names those where it is not.

        A unit that failed is named and refuses nothing: its host is up, and what runs on it is no matter of the lab.
        """
        _needs_root()
        chosen = [Machine(self.paths, host) for host in self.topology.chosen(names)]
        with locked(self.paths):
            refuse_too_many(sum(not groups.populated(machine.group) for machine in chosen))
            with held(self.paths.bases / ".lock"):  # what all labs share, one of them makes
                base = base_image(self.paths, self.say)
                fetch_files(self.paths, self.say)
            self.paths.lab.mkdir(parents=True, exist_ok=True)
            self._keys()
            self._network()
            self._proxy()
            with ThreadPoolExecutor(max_workers=4) as pool:
                list(pool.map(lambda m: m.prepare(base, self.topology.controller.address), chosen))
            self._write_known_hosts()
            for machine in chosen:
                if groups.frozen(machine.group):
                    groups.freeze(machine.group, stop=False)
                machine.start(base)
            self._await_booted(chosen)
            _replace(self.paths.state, json.dumps(self.state(), indent=2, sort_keys=True) + "\n")
        return self.status()

    def down(self, *, purge: bool = False) -> None:
        """End every process, unmount, delete all of the lab; base image and package cache stay unless *purge*."""
        _needs_root()
        with locked(self.paths):
            groups.kill(self.paths.control_group)
            unmount_below(self.paths.lab)
            groups.remove(self.paths.control_group)
            if self.paths.lab.exists():
                shutil.rmtree(self.paths.lab)
            if purge:
                for folder in (self.paths.bases, self.paths.packages, self.paths.files):
                    shutil.rmtree(folder, ignore_errors=True)
        (self.paths.root / ".lab" / f".{self.paths.name}.lock").unlink(missing_ok=True)

    def status(self) -> list[HostStatus]:
        """Return how every host stands, in the order of the description."""
        machines = [Machine(self.paths, host) for host in self.topology.hosts]
        with ThreadPoolExecutor(max_workers=4) as pool:
            return list(pool.map(_status, machines))

    def state(self) -> dict[str, Any]:
        """Return what others may know of this lab, as `state.json` has it."""
        return {
            "name": self.paths.name,
            "user": USER,
            "key": str(self.paths.key),
            "known_hosts": str(self.paths.known_hosts),
            "controller_netns": str(self.controller),
            "package_proxy": f"http://{self.topology.controller.address}:{PORT}",
            "package_sources": for_hosts(sources()),
            "package_files": f"http://{self.topology.controller.address}:{PORT}/{FILES}",
            "secrets": str(self.paths.secrets),
            "workloads": str(self.paths.lab / "workloads"),
            "limits": hard_limits(),
            "hosts": {host.id: host.address for host in self.topology.hosts},
        }

    def kill(self, names: Collection[str]) -> None:
        """End all of a host at once, as a power cut does; `up` boots it again from its disk, its links plugged in.

        What its kernel still had to send goes too: a dead host delivers nothing.
        """
        switch = self.paths.netns(SWITCH)
        for host in self.topology.chosen(names):
            machine, namespace = Machine(self.paths, host), self.paths.netns(host.id)
            ip(switch, [f"link del {self._port(host, n)}" for n in range(len(host.links))], force=True)
            groups.kill(machine.group)
            unmount_below(machine.folder)
            if is_namespace(namespace):
                run(["umount", "--lazy", str(namespace)])

    def freeze(self, names: Collection[str], *, thaw: bool = False) -> None:
        """Stop every process of a host (SIGSTOP for all at once), or let them go on."""
        for host in self.topology.chosen(names):
            group = Machine(self.paths, host).group
            if not groups.populated(group):
                message = f"{host.id} is off; start it with: egov lab up {host.id}"
                raise UsageError(message)
            groups.freeze(group, stop=not thaw)

    def cut(self, hosts: Iterable[LabHost], interface: str | None = None, *, heal: bool = False) -> None:
        """Take the links of hosts down at the switch (the host sees its carrier go), or up again."""
        lines = []
        for host in hosts:
            found = [n for n, link in enumerate(host.links) if interface in (None, link.name)]
            if not found:
                raise UsageError(_no_interface(host, interface))
            lines += [f"link set {self._port(host, n)} {'up' if heal else 'down'}" for n in found]
        ip(self.paths.netns(SWITCH), lines)

    def cut_site(self, site: str, *, heal: bool = False) -> None:
        """Part the hosts of a site from all others, or join them again. Among themselves they still meet.

        No carrier goes, as when a line between sites is cut somewhere. The controller's own networks stay whole: the
        way to manage what is cut off.
        """
        switch = self.paths.netns(SWITCH)
        spared = {link.network for link in self.topology.controller.links}
        lines = []
        for host in self.at_site(site):
            for number, link in enumerate(host.links):
                if link.network not in spared:
                    bridge = f"net{self.topology.networks.index(link.network)}"
                    bridge = bridge if heal else self._island(switch, bridge, site)
                    lines.append(f"link set {self._port(host, number)} master {bridge}")
        ip(switch, lines)

    def _island(self, switch: Path, bridge: str, site: str) -> str:
        """Return the bridge that a site has for itself beside the one that all share; it is made when first needed."""
        name = f"{bridge}s{sorted({h.site for h in self.topology.hosts}).index(site)}"
        if not run(["nsenter", f"--net={switch}", "ip", "link", "show", name], check=False):
            ip(switch, [f"link add {name} type bridge", f"link set {name} up"])
        return name

    def slow(self, host: LabHost, interface: str, rate: str | None) -> None:
        """Let a link of a host pass *rate* (as tc writes it: 2mbit) each way, or all again for None."""
        number = next((n for n, link in enumerate(host.links) if link.name == interface), None)
        if number is None:
            raise UsageError(_no_interface(host, interface))
        for place, name in ((SWITCH, self._port(host, number)), (host.id, interface)):
            tc = ["nsenter", f"--net={self.paths.netns(place)}", "tc", "qdisc"]
            if rate:
                run([*tc, "replace", "dev", name, "root", "tbf", "rate", rate, "burst", "32kb", "latency", "400ms"])
            else:
                run([*tc, "del", "dev", name, "root"], check=False)  # none there: as wanted

    def at_site(self, site: str) -> list[LabHost]:
        """Return the hosts of a site; UsageError if it has none."""
        found = [host for host in self.topology.hosts if host.site == site]
        if not found:
            message = f"no lab host at site {site}; sites: {', '.join(sorted({h.site for h in self.topology.hosts}))}"
            raise UsageError(message)
        return found

    def _keys(self) -> None:
        if not self.paths.key.exists():
            trial = self.paths.lab / ".key"
            for path in self.paths.lab.glob(".key*"):
                path.unlink()
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "controller", "-f", str(trial)])
            trial.with_suffix(".pub").rename(self.paths.key.with_suffix(".pub"))
            trial.rename(self.paths.key)

    def _port(self, host: LabHost, number: int) -> str:
        ends = [(h.id, n) for h in (*self.topology.hosts, self.topology.controller) for n in range(len(h.links))]
        return f"port{ends.index((host.id, number))}"

    def _network(self) -> None:
        """Make the switch (one bridge per network) and wire every host to it; what is there already stays."""
        switch = self.paths.netns(SWITCH)
        if create(switch):
            lines = []
            for number, _ in enumerate(self.topology.networks):
                lines += [f"link add net{number} type bridge", f"link set net{number} up"]
            ip(switch, lines)
        for host in (*self.topology.hosts, self.topology.controller):
            namespace = self.paths.netns(host.id)
            wired = self.paths.lab / "netns" / f".{host.id}.wired"
            if is_namespace(namespace) and wired.exists():
                continue
            if is_namespace(namespace):  # a crash came between: begin again with this host
                run(["umount", "--lazy", str(namespace)])
                ip(switch, [f"link del {self._port(host, n)}" for n in range(len(host.links))], force=True)
            create(namespace)
            self._wire(host, namespace)
            wired.touch()

    def _wire(self, host: LabHost, namespace: Path) -> None:
        at_switch, at_host = [], []
        for number, link in enumerate(host.links):
            port = self._port(host, number)
            at_switch += [
                f"link add {port} type veth peer name {link.name} address {_mac(host, number)} netns {namespace}",
                f"link set {port} master net{self.topology.networks.index(link.network)}",
                f"link set {port} up",
            ]
            at_host.append(f"addr add {link.address} dev {link.name}")
            if link.ipv6:
                at_host.append(f"addr add {link.ipv6} dev {link.name} nodad")
            at_host.append(f"link set {link.name} up")
            gateways = filter(None, (link.gateway, link.gateway6))
            at_host += [f"route replace default via {gateway} dev {link.name}" for gateway in gateways]
        ip(self.paths.netns(SWITCH), at_switch)
        ip(namespace, at_host)

    def _proxy(self) -> None:
        """Start the caching proxy and the relays to it, unless they run."""
        commands = proxy_commands(self.paths, self.topology.controller.address, self.controller)
        for name, command in commands.items():
            group = self.paths.control_group / name
            if not groups.populated(group):
                with (self.paths.lab / "proxy" / f"{name}.log").open("wb") as output:
                    groups.spawn(group, command, output)

    def _write_known_hosts(self) -> None:
        machines = [Machine(self.paths, host) for host in self.topology.hosts]
        ready = [machine for machine in machines if (machine.folder / "ready").exists()]
        lines = [f"{machine.host.address} {machine.public_host_key()}\n" for machine in ready]
        _replace(self.paths.known_hosts, "".join(lines))

    def _await_booted(self, machines: list[Machine]) -> None:
        deadline = time.monotonic() + _BOOT_SECONDS

        def wait(machine: Machine) -> HostStatus:
            while (status := _status(machine)).state not in _READY:
                if status.state == "off" or time.monotonic() > deadline:
                    return status
                machine.inside(["systemctl", "is-system-running", "--wait"])
            self.say(f"{machine.host.id}: {status.state}{''.join(f', {unit} failed' for unit in status.failed)}")
            return status

        with ThreadPoolExecutor(max_workers=len(machines)) as pool:
            missing = [status for status in pool.map(wait, machines) if status.state not in _READY]
        if missing:
            names = "; ".join(f"{status.host} is {status.state}" for status in missing)
            message = f"{names}; see {self.paths.lab}/hosts/<host>/console.log"
            raise EgovError(message)


def _no_interface(host: LabHost, interface: str | None) -> str:
    return f"{host.id} has no interface {interface}; it has {', '.join(link.name for link in host.links)}"


def _mac(host: LabHost, number: int) -> str:
    """Return a link's hardware address, locally administered: a host that lost its power comes back with its own.

    With another one its neighbours would go on sending to the old one for a while.
    """
    digest = hashlib.sha256(f"{host.id} {number}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest[:5]))


def _status(machine: Machine) -> HostStatus:
    state = machine.state()
    failed = tuple(machine.failed_units()) if state == "degraded" else ()
    return HostStatus(machine.host.id, state, machine.host.address, failed)


def _replace(path: Path, text: str) -> None:
    trial = path.with_name(f".{path.name}.new")
    trial.write_text(text, encoding="utf-8")
    trial.rename(path)


def _needs_root() -> None:
    if os.geteuid() != 0:
        message = "the lab makes network namespaces and mounts: run it as root"
        raise UsageError(message)


def unmount_below(folder: Path) -> None:
    """Unmount everything at or below *folder*, innermost first."""
    prefix = f"{folder}/"
    mounts = [
        line.split()[1].encode().decode("unicode_escape") for line in Path("/proc/self/mounts").read_text().splitlines()
    ]
    for mount in sorted((m for m in mounts if m.startswith(prefix)), reverse=True):
        run(["umount", "--lazy", mount])
