"""The base image: one Debian root that every host uses as its lower layer and never writes."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from egov.lab.namespace import run
from egov.lab.packages import RELEASE, sources
from egov.lab.paths import Paths

# A bare server as it comes: init, SSH, Python for Ansible, nothing that a role installs.
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "libpam-systemd",
    "dbus",
    "openssh-server",
    "sudo",
    "python3",
    "python3-apt",
    "iproute2",
    "iputils-ping",
    "nftables",
    "ca-certificates",
    "procps",
)
# Nobody can type a password at a host without console, and each of these units would hold a scarce inotify instance.
_MASKED = ("systemd-ask-password-console.path", "systemd-ask-password-wall.path")
# rlimits cannot be raised without CAP_SYS_RESOURCE; units that try would fail. Nothing else differs from a server.
_DEVIATIONS = {
    "etc/systemd/system.conf.d/lab.conf": "[Manager]\nDefaultLimitNOFILE=\nDefaultLimitMEMLOCK=\n",
    "etc/apt/apt.conf.d/90lab": 'Acquire::Languages "none";\nAPT::Install-Recommends "false";\n'
    'Acquire::Check-Valid-Until "false";\n',
}


def base_image(lab: Paths, say: Callable[[str], None]) -> Path:
    """Return the base image's root, building it first if no lab has yet (atomically; about 20 s)."""
    deb822 = sources()
    content = "\n".join((deb822, *PACKAGES, *(f"{n}={t}" for n, t in _DEVIATIONS.items()), *_MASKED))
    target = lab.bases / hashlib.sha256(content.encode()).hexdigest()[:16]
    if target.is_dir():
        return target
    say("base image: building (once)")
    lab.bases.mkdir(parents=True, exist_ok=True)
    for abandoned in lab.bases.glob(".new-*"):
        if not _builder_lives(abandoned):
            shutil.rmtree(abandoned)
    work = Path(tempfile.mkdtemp(prefix=f".new-{os.getpid()}-", dir=lab.bases))
    list_file = work / "build.sources"
    list_file.write_text(deb822, encoding="utf-8")
    root = work / "root"
    options = [
        "--variant=minbase",
        "--skip=cleanup/apt/lists",
        f"--include={','.join(PACKAGES)}",
        '--aptopt=Acquire::Check-Valid-Until "false"',
    ]
    run(["mmdebstrap", "--quiet", *options, RELEASE, str(root), str(list_file)])
    for name, text in _DEVIATIONS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for unit in _MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()  # each host makes its own
    (root / "etc/machine-id").write_text("", encoding="utf-8")
    root.chmod(0o755)
    root.rename(target)
    shutil.rmtree(work)
    return target


def _builder_lives(folder: Path) -> bool:
    pid = folder.name.split("-")[1]
    return Path("/proc", pid).exists()
