"""Limits of the machine that a lab could run into, asked before it boots. The lab never changes them."""

from __future__ import annotations

import resource
from pathlib import Path

from egov.errors import UsageError

# Measured on Debian 12, provisioned: 4 at rest (systemd 2, dbus-daemon 1, systemd-logind 1), one more for a login.
INOTIFY_PER_HOST = 5
_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")


def refuse_too_many(hosts: int, limit: int | None = None, used: int | None = None) -> None:
    """Refuse (UsageError) to boot more hosts than the kernel has inotify instances for: they would fail one by one."""
    limit = limit if limit is not None else int(_LIMIT.read_text(encoding="ascii"))
    used = used if used is not None else inotify_in_use()
    if hosts and used + hosts * INOTIFY_PER_HOST > limit:
        message = (
            f"{hosts} more hosts need about {hosts * INOTIFY_PER_HOST} inotify instances; "
            f"the machine allows {limit} and {used} are in use: "
            "take another lab down, name fewer hosts, or raise fs.inotify.max_user_instances"
        )
        raise UsageError(message)


def inotify_in_use() -> int:
    """Return how many inotify instances root's processes hold."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid == 0:
                found += sum("inotify" in str(link.readlink()) for link in (folder / "fd").iterdir())
        except OSError:
            continue  # it ended
    return found


def hard_limits() -> list[str]:
    """Return the hard limits that containers of the lab's hosts cannot go beyond, as podman's `ulimit` has them."""
    limits = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    found = {name: resource.getrlimit(number)[1] for name, number in limits.items()}
    return [f"{name}={hard}:{hard}" for name, hard in found.items()]
