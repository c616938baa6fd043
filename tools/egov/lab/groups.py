"""Control groups (v2): every process of a lab is started inside one, so it can be found, frozen and ended for sure."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from egov.errors import EgovError


def spawn(group: Path, command: Sequence[str], output: BinaryIO, environment: Mapping[str, str] | None = None) -> None:
    """Start a process of its own session inside *group*; it outlives the caller."""
    group.mkdir(parents=True, exist_ok=True)
    # A shell joins the group before it becomes the program: there is no moment in which it is anywhere else.
    join = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(group / "cgroup.procs"), *command]
    process = subprocess.Popen(
        join,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        env={**os.environ, **(environment or {})},
    )
    while not populated(group):  # until the shell has joined: only then is the group's state the program's
        if process.poll() is not None:
            message = f"{command[0]} ended at once ({process.returncode})"
            raise EgovError(message)
        time.sleep(0.001)


def join(group: Path) -> None:
    """Move the calling process into *group*; what it starts from now on is in there too."""
    group.mkdir(parents=True, exist_ok=True)
    (group / "cgroup.procs").write_text(str(os.getpid()))


def _events(group: Path) -> dict[str, str]:
    try:
        return dict(line.split() for line in (group / "cgroup.events").read_text().splitlines())
    except OSError:
        return {}


def populated(group: Path) -> bool:
    """Say whether any process lives in the group or below."""
    return _events(group).get("populated") == "1"


def frozen(group: Path) -> bool:
    """Say whether all processes of the group are stopped."""
    return _events(group).get("frozen") == "1"


def processes(group: Path) -> list[int]:
    """Return the processes directly in the group."""
    try:
        return [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def freeze(group: Path, *, stop: bool) -> None:
    """Stop (or let go on) every process of the group at once, and wait until it is so."""
    (group / "cgroup.freeze").write_text("1" if stop else "0")
    _await(group, "frozen", "1" if stop else "0")


def kill(group: Path) -> None:
    """End every process of the group at once, as a power cut does, and wait until none is left."""
    if not group.is_dir():
        return
    (group / "cgroup.kill").write_text("1")
    _await(group, "populated", "0")


def _await(group: Path, key: str, value: str, seconds: float = 10.0) -> None:
    """Wait until the kernel reports *key* as *value* in cgroup.events (poll wakes on every change)."""
    deadline = time.monotonic() + seconds
    with (group / "cgroup.events").open() as events:
        poll = select.poll()
        poll.register(events, select.POLLPRI)
        while _events(group).get(key) != value:
            left = deadline - time.monotonic()
            if left <= 0:
                message = f"{group}: {key} did not become {value} within {seconds:g} s"
                raise EgovError(message)
            poll.poll(min(left, 0.1) * 1000)


def remove(group: Path) -> None:
    """Remove the group's folders, in every hierarchy that has one of its name; they must hold no process."""
    for folder in {group, *Path("/sys/fs/cgroup").glob(f"*/{group.name}")}:
        if folder.is_dir():
            for child in sorted((p for p in folder.rglob("*") if p.is_dir()), reverse=True):
                child.rmdir()
            folder.rmdir()
