"""One login: connect, compare the pinned host key, authenticate, run the script once, read its answer. Paramiko.

The host key is compared before anything else is said; the key file and the known hosts are parsed once for all hosts.
"""

from __future__ import annotations

import base64
import binascii
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import paramiko
from paramiko.pkey import UnknownKeyType

from egov.errors import UsageError

Dial = Callable[[str, int, float], socket.socket]
"""Opens a TCP connection to (address, port) within a time in seconds."""

# What HostContact.status may say besides ok.
UNREACHABLE = "unreachable"
AUTH_FAILED = "auth-failed"
HOST_KEY_CHANGED = "host-key-changed"
TIMEOUT = "timeout"
PARTIAL = "partial"

MAX_ANSWER_BYTES = 64 * 2**20
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Target:
    """A host to log in to."""

    host: str
    address: str
    port: int = 22


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in, with which key, and which host keys are pinned: address → (type, key) of each."""

    user: str
    key: paramiko.PKey
    pinned: Mapping[str, frozenset[tuple[str, bytes]]]


class LoginFailed(Exception):  # noqa: N818 - becomes a status, never reaches a person as an error
    """A login that did not come to its end: `status` as in HostContact, with what is known."""

    def __init__(self, status: str, detail: str, output: bytes = b"") -> None:
        self.status = status
        self.detail = detail
        self.output = output
        super().__init__(detail)


def private_key(path: Path) -> paramiko.PKey:
    """Return the private key of a file; UsageError if it is none or is protected by a passphrase."""
    try:
        return paramiko.PKey.from_path(path)
    except (paramiko.PasswordRequiredException, TypeError):  # TypeError is how cryptography says it
        message = f"{path} is protected by a passphrase; collection runs unattended and needs a key of its own"
    except (OSError, ValueError, paramiko.SSHException, UnknownKeyType) as error:
        message = f"{path} is no private key that can be read: {error}"
    raise UsageError(message)


def pinned_keys(path: Path) -> dict[str, frozenset[tuple[str, bytes]]]:
    """Return the pinned host keys of a known_hosts file by address; UsageError for a line that is not understood."""
    found: dict[str, set[tuple[str, bytes]]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        message = f"{path}: {error.strerror}; host keys are pinned, so they must be known before the first login"
        raise UsageError(message) from None
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            names, kind, key = words[:3]
            blob = base64.b64decode(key, validate=True)
        except (ValueError, binascii.Error):
            message = f"{path}:{number}: not a known_hosts line (names type key); hashed or marked entries are not used"
            raise UsageError(message) from None
        for name in names.split(","):
            found.setdefault(name, set()).add((kind, blob))
    return {name: frozenset(keys) for name, keys in found.items()}


def run(target: Target, credentials: Credentials, dial: Dial, command: str, script: bytes, seconds: float) -> bytes:
    """Return what *command* printed with *script* as its input; LoginFailed with the status to record otherwise."""
    deadline = time.monotonic() + seconds
    pinned = credentials.pinned.get(target.address)
    if not pinned:
        raise LoginFailed(HOST_KEY_CHANGED, f"no host key is pinned for {target.address}")
    try:
        connection = dial(target.address, target.port, min(seconds, 10))
    except OSError as error:
        raise LoginFailed(UNREACHABLE, error.strerror or str(error)) from None
    transport = paramiko.Transport(connection)
    # Some of paramiko's waits know no limit (a command that is neither accepted nor refused); closing ends them all.
    guard = threading.Timer(max(0.0, deadline - time.monotonic()), transport.close)
    guard.daemon = True
    guard.start()
    try:
        _log_in(transport, credentials, pinned, seconds)
        return _answer(transport, command, script, deadline)
    except LoginFailed as failure:
        if time.monotonic() < deadline or failure.status in {HOST_KEY_CHANGED, PARTIAL}:
            raise
        raise LoginFailed(TIMEOUT, "the host did not answer in time", failure.output) from None
    finally:
        guard.cancel()
        transport.close()


def _log_in(
    transport: paramiko.Transport, credentials: Credentials, pinned: frozenset[tuple[str, bytes]], seconds: float
) -> None:
    options = transport.get_security_options()
    kinds = {kind for kind, _ in pinned}
    options.key_types = [kind for kind in options.key_types if kind in kinds or ("ssh-rsa" in kinds and "rsa" in kind)]
    try:
        transport.start_client(timeout=min(seconds, 15))
        key = transport.get_remote_server_key()
        if not any(key.asbytes() == blob for _, blob in pinned):
            fingerprint = base64.b64encode(key.get_fingerprint()).decode()
            raise LoginFailed(HOST_KEY_CHANGED, f"the host shows another key than the pinned one ({fingerprint})")
        more = transport.auth_publickey(credentials.user, credentials.key)
        if more:
            raise LoginFailed(AUTH_FAILED, f"{credentials.user} needs more than this key: {', '.join(more)}")
    except paramiko.AuthenticationException:
        raise LoginFailed(AUTH_FAILED, f"{credentials.user} may not log in with this key") from None
    except paramiko.SSHException as error:
        text = str(error) or "no SSH service answered"
        status = HOST_KEY_CHANGED if "host key" in text.lower() else UNREACHABLE
        raise LoginFailed(status, text) from None
    except (EOFError, OSError) as error:
        raise LoginFailed(UNREACHABLE, str(error) or "the connection was closed") from None


def _answer(transport: paramiko.Transport, command: str, script: bytes, deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        channel = transport.open_session(timeout=max(0.1, deadline - time.monotonic()))
        channel.exec_command(command)
        channel.sendall(script)
        channel.shutdown_write()
        while size < MAX_ANSWER_BYTES:
            channel.settimeout(max(0.01, deadline - time.monotonic()))
            chunk = channel.recv(_CHUNK)
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)
            size += len(chunk)
    except TimeoutError:
        raise LoginFailed(TIMEOUT, "the host did not answer in time", b"".join(chunks)) from None
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise LoginFailed(UNREACHABLE, str(error) or "the connection broke", b"".join(chunks)) from None
    raise LoginFailed(PARTIAL, f"more than {MAX_ANSWER_BYTES} bytes; the rest was not read", b"".join(chunks))
