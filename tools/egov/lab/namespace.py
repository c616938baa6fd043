"""Network namespaces held open by a file of the lab (never under /run/netns, never the machine's own)."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from egov.errors import EgovError

CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def enter(namespace: Path) -> None:
    """Move the calling thread into a network namespace; EgovError if that is not possible."""
    try:
        handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        message = f"{namespace}: {error.strerror}; is the lab up? (egov lab up)"
        raise EgovError(message) from None
    try:
        if _LIBC.setns(handle, CLONE_NEWNET):
            message = f"{namespace}: {os.strerror(ctypes.get_errno())}; the lab needs root and must be up"
            raise EgovError(message)
    finally:
        os.close(handle)


@contextmanager
def entered(namespace: Path) -> Iterator[None]:
    """Run the calling thread inside a network namespace; sockets opened there stay there."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(namespace)
        try:
            yield
        finally:
            if _LIBC.setns(before, CLONE_NEWNET):  # never go on in the wrong network
                os._exit(70)
    finally:
        os.close(before)


def create(namespace: Path) -> bool:
    """Make a network namespace held by a file; return False if it is there already."""
    if is_namespace(namespace):
        return False
    namespace.parent.mkdir(parents=True, exist_ok=True)
    namespace.touch()
    run(["unshare", f"--net={namespace}", "true"])
    ip(namespace, ["link set lo up"])
    return True


def is_namespace(namespace: Path) -> bool:
    """Say whether the file holds a namespace: then it is on another device than its folder."""
    return namespace.exists() and namespace.stat().st_dev != namespace.parent.stat().st_dev


def ip(namespace: Path, lines: Sequence[str], *, force: bool = False) -> None:
    """Run `ip` commands inside a namespace in one batch."""
    options = ["-force"] if force else []
    run(["nsenter", f"--net={namespace}", "ip", *options, "-batch", "-"], "\n".join(lines) + "\n", check=not force)


def run(command: Sequence[str], text: str | None = None, *, check: bool = True) -> str:
    """Run a program and return its output; EgovError with what it said if it fails."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        message = f"{command[0]} is not installed; run: make setup"
        raise EgovError(message) from None
    if check and done.returncode:
        message = f"{' '.join(command)} failed ({done.returncode}): {done.stderr.strip() or done.stdout.strip()}"
        raise EgovError(message)
    return done.stdout
