"""One host of the lab: its root (overlay), its process tree (systemd-nspawn), its state as seen from outside."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from egov.city import Disk
from egov.lab import groups
from egov.lab.namespace import run
from egov.lab.packages import PORT, for_hosts, sources
from egov.lab.paths import Paths
from egov.lab.topology import LabHost

USER = "ops"
# Kernel keyrings and bpf are needed by containers inside hosts; the API file systems must be writable for sysctl.
_ENVIRONMENT = {"SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network", "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
_OPTIONS = (
    "--quiet",
    "--register=no",
    "--keep-unit",
    "--boot",
    "--capability=all",
    "--drop-capability=CAP_SYS_TIME",  # the clock is the machine's
    "--system-call-filter=@keyring bpf",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=pipe",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A host's place in a lab."""

    lab: Paths
    host: LabHost

    @property
    def folder(self) -> Path:
        """The host's folder."""
        return self.lab.host(self.host.id)

    @property
    def root(self) -> Path:
        """Where its root file system is mounted."""
        return self.folder / "root"

    @property
    def group(self) -> Path:
        """Its control group."""
        return self.lab.control_group / self.host.id

    def prepare(self, base: Path, proxy_address: str) -> None:
        """Make the host's own layer once: name, host key, the user ops with the controller's key, package source."""
        if (self.folder / "ready").exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        upper = self.folder / "upper"
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True)
        (upper / "etc/ssh").mkdir(parents=True)
        run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(upper / "etc/ssh/ssh_host_ed25519_key")]
        )
        public_key = self.lab.key.with_suffix(".pub").read_text(encoding="utf-8")
        files = {
            "etc/hostname": f"{self.host.id}\n",
            "etc/hosts": f"127.0.0.1 localhost\n{self.host.address} {self.host.id}\n",
            "etc/ssh/sshd_config.d/10-lab.conf": "HostKey /etc/ssh/ssh_host_ed25519_key\n",
            "etc/apt/apt.conf.d/91lab-proxy": f'Acquire::http::Proxy "http://{proxy_address}:{PORT}";\n',
            "etc/sudoers.d/ops": f"{USER} ALL=(ALL:ALL) NOPASSWD: ALL\n",
            f"home/{USER}/.ssh/authorized_keys": public_key,
        }
        for name, text in files.items():
            (upper / name).parent.mkdir(parents=True, exist_ok=True)
            (upper / name).write_text(text, encoding="utf-8")
        (upper / "etc/sudoers.d/ops").chmod(0o440)
        self._add_user(base, upper)
        lists = upper / "etc/apt/sources.list.d"
        lists.mkdir(parents=True)
        for path in (base / "etc/apt/sources.list.d").glob("*"):
            (lists / path.name).write_text("", encoding="utf-8")
        (lists / "lab.sources").write_text(for_hosts(sources()), encoding="utf-8")
        (self.folder / "ready").touch()

    def _add_user(self, base: Path, upper: Path) -> None:
        """Write the account of ops into the layer: what `adduser --disabled-password` would leave."""
        lines = {
            "passwd": f"{USER}:x:1000:1000:Operations:/home/{USER}:/bin/bash",
            "group": f"{USER}:x:1000:",
            "shadow": f"{USER}:*:20000:0:99999:7:::",
        }
        for name, line in lines.items():
            target = upper / "etc" / name
            target.write_text((base / "etc" / name).read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
            shutil.copystat(base / "etc" / name, target)
            status = (base / "etc" / name).stat()
            os.chown(target, status.st_uid, status.st_gid)
        for path in (upper / "home" / USER, upper / "home" / USER / ".ssh"):
            path.chmod(0o700)
        for path in [upper / "home" / USER, *(upper / "home" / USER).rglob("*")]:
            os.chown(path, 1000, 1000)

    def start(self, base: Path) -> None:
        """Mount the root and boot; does nothing if the host runs."""
        if groups.populated(self.group):
            return
        if not os.path.ismount(self.root):
            layers = f"lowerdir={base},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
            run(["mount", "-t", "overlay", "overlay", "-o", layers, str(self.root)])
        for number, disk in enumerate(self.host.disks):
            self._mount(number, disk)
        self.group.mkdir(parents=True, exist_ok=True)
        (self.folder / "containers").mkdir(exist_ok=True)
        command = [
            "systemd-nspawn",
            *_OPTIONS,
            f"--directory={self.root}",
            f"--hostname={self.host.id}",
            f"--machine={self.lab.control_group.name}-{self.host.id}",
            f"--network-namespace-path={self.lab.netns(self.host.id)}",
            *(f"--bind={self._disk(number)}:{disk.mount}" for number, disk in enumerate(self.host.disks)),
            # A disk of its own for containers: their layers are an overlay, and the host's root is one already.
            f"--bind={self.folder / 'containers'}:/var/lib/containers",
        ]
        with (self.folder / "console.log").open("wb") as console:
            groups.spawn(self.group, command, console, _ENVIRONMENT)

    def _disk(self, number: int) -> Path:
        return self.folder / f"disk{number}"

    def _mount(self, number: int, disk: Disk) -> None:
        """Mount a disk of its described size from a file that holds only what was written to it."""
        image, place = self.folder / f"disk{number}.ext4", self._disk(number)
        if not image.exists():
            trial = image.with_suffix(".new")
            with trial.open("wb") as file:
                file.truncate(disk.size_gib << 30)
            run(["mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1,root_owner=0:0", str(trial)])
            trial.rename(image)
        place.mkdir(exist_ok=True)
        if not os.path.ismount(place):
            run(["mount", "-o", "loop", str(image), str(place)])

    def init(self) -> int | None:
        """Return the process id of the host's init as seen from the machine, None if it does not run."""
        scope = self.group / "payload" / "init.scope"
        pids = groups.processes(scope)
        return min(pids) if pids else None

    def inside(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command inside the host (as root, without SSH): for looking at its state only."""
        pid = self.init()
        if pid is None:
            return subprocess.CompletedProcess(command, 1, "", "not running")
        enter = ["nsenter", "-t", str(pid), "--mount", "--pid", "--uts", "--net", "--ipc"]
        try:
            return subprocess.run([*enter, *command], capture_output=True, text=True, check=False, timeout=20)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", "did not answer within 20 s")

    def state(self) -> str:
        """Return `off`, `frozen`, or what systemd says of itself, as starting, running, degraded."""
        if not groups.populated(self.group):
            return "off"
        if groups.frozen(self.group):
            return "frozen"
        said = self.inside(["systemctl", "is-system-running"]).stdout.strip()
        return said if said and said != "offline" else "starting"

    def failed_units(self) -> list[str]:
        """Return the names of failed units."""
        listed = self.inside(["systemctl", "--failed", "--plain", "--no-legend"]).stdout
        return [line.split()[0] for line in listed.splitlines() if line.split()]

    def public_host_key(self) -> str:
        """Return the host's public key as pinned in known_hosts."""
        text = (self.folder / "upper/etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8")
        return " ".join(text.split()[:2])
