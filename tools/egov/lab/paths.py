"""Where a lab keeps its things, and the one lock per lab. Nothing of a lab is anywhere else but its control group."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from egov.errors import EgovError, UsageError

DEFAULT = "egov"
_NAME = re.compile(r"[a-z][a-z0-9]{0,11}\Z")


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one lab: `<root>/.lab/<name>/`, beside base images and the package cache that labs share."""

    root: Path
    name: str

    @property
    def lab(self) -> Path:
        """All of this lab."""
        return self.root / ".lab" / self.name

    @property
    def bases(self) -> Path:
        """Base images by content key."""
        return self.root / ".lab" / "_base"

    @property
    def packages(self) -> Path:
        """Packages fetched once for all labs."""
        return self.root / ".lab" / "_packages"

    @property
    def files(self) -> Path:
        """Packages that Debian does not have, as the package source hands them out, once for all labs."""
        return self.root / ".lab" / "_files"

    @property
    def secrets(self) -> Path:
        """The lab's own authority and keys; gone with the lab."""
        return self.lab / "secrets" / self.name

    @property
    def key(self) -> Path:
        """The controller's private key."""
        return self.lab / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The hosts' pinned keys."""
        return self.lab / "known_hosts"

    @property
    def state(self) -> Path:
        """What others may read: `state.json`."""
        return self.lab / "state.json"

    def host(self, host: str) -> Path:
        """A host's folder: upper and work layer, merged root, console."""
        return self.lab / "hosts" / host

    def netns(self, name: str) -> Path:
        """The file that holds a network namespace open."""
        return self.lab / "netns" / name

    @property
    def control_group(self) -> Path:
        """The lab's own cgroup v2 folder: every process of the lab is below it, so they can be found and ended."""
        return cgroup_root() / f"egov-{self.name}-{self._digest().hex()[:8]}"

    @property
    def loopback(self) -> str:
        """An address of 127.0.0.0/8 of this lab's own, so that labs side by side do not meet."""
        first, second, third = self._digest()[:3]
        return f"127.{1 + first % 254}.{second}.{1 + third % 254}"

    def _digest(self) -> bytes:
        return hashlib.sha256(str(self.lab).encode()).digest()


def paths(name: str | None, root: Path) -> Paths:
    """Return the paths of a lab; UsageError if the name could not be part of a file or interface name."""
    name = name or os.environ.get("EGOV_LAB") or DEFAULT
    if not _NAME.match(name):
        message = f"a lab's name is 1 to 12 lower-case letters and digits, beginning with a letter; not {name!r}"
        raise UsageError(message)
    return Paths(root.resolve(), name)


def cgroup_root() -> Path:
    """Return where cgroup v2 is mounted (alone or beside v1); EgovError if it is not."""
    for folder in (Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")):
        if (folder / "cgroup.procs").exists() and (folder / "cgroup.controllers").exists():
            return folder
    message = "no cgroup v2 hierarchy is mounted; the lab needs one to keep track of its processes"
    raise EgovError(message)


@contextmanager
def held(lock: Path) -> Iterator[None]:
    """Hold a lock file; whoever else wants it waits."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def locked(lab: Paths) -> Iterator[None]:
    """Hold the lab's lock: two commands that change one lab do not run at once."""
    folder = lab.root / ".lab"
    folder.mkdir(exist_ok=True)
    with (folder / f".{lab.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"another command is changing the lab {lab.name}; wait for it to end"
            raise UsageError(message) from None
        yield
