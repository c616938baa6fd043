"""Logs that stand on a host → files here, over the SSH login of every collection. Read-only; nothing is installed."""

from __future__ import annotations

import gzip
import re
import secrets
import shlex
from collections.abc import Callable
from pathlib import Path

from egov.collect.login import LoginFailed
from egov.errors import CollectionError, UsageError

Ask = Callable[[str, bytes], bytes]
"""Runs a command on the host with a script as its input; returns what it printed, or raises LoginFailed."""

# The shell there expands it: a path with `*`, `?` and `[…]`, and nothing else that a shell understands.
_PATTERN = re.compile(r"/[0-9A-Za-z._/*?\[\]@%+=-]+")
# Root reads what the web server's group reads; who may not become root reads what he may.
_COMMAND = "if sudo -n true 2>/dev/null; then exec sudo -n sh -s; else exec sh -s; fi"
_LIST = 'for f in {pattern}; do if [ -f "$f" ]; then printf "%s\\0" "$f"; fi; done'
# Packed on the way, unless it is already; the mark behind it says that nothing broke off.
_PACKED = (".gz", ".zst")
_SEND = "case {name} in *.gz|*.zst) cat -- {name};; *) gzip -c -- {name};; esac && printf %s {mark}"


def fetch(host: str, pattern: str, ask: Ask, folder: Path) -> dict[Path, str]:
    """Fetch the files that *pattern* names on the host into *folder*; return each file and `host:path` it is called.

    UsageError if the pattern is no path; CollectionError, and nothing half fetched, if the host gives no such file,
    does not let it be read, or breaks off.
    """
    if not _PATTERN.fullmatch(pattern):
        message = f"{host}:{pattern}: behind the host stands a path, with * ? [] where several files are meant"
        raise UsageError(message)
    folder.mkdir()
    found: dict[Path, str] = {}
    try:
        names = ask(_COMMAND, _LIST.format(pattern=pattern).encode()).split(b"\0")[:-1]
        if not names:
            message = f"{host}:{pattern}: no such file there"
            raise CollectionError(message)
        for number, raw in enumerate(names):
            name, mark = raw.decode("utf-8", "surrogateescape"), secrets.token_hex(16)
            script = _SEND.format(name=shlex.quote(name), mark=mark)
            answer = ask(_COMMAND, script.encode("utf-8", "surrogateescape"))
            if not answer.endswith(mark.encode()):
                message = f"{host}:{name}: cannot be read there, or broke off after {len(answer)} bytes"
                raise CollectionError(message)
            target = folder / f"{host}-{number}"
            packed = answer.removesuffix(mark.encode())
            target.write_bytes(packed if name.endswith(_PACKED) else gzip.decompress(packed))
            found[target] = f"{host}:{raw.decode('utf-8', 'backslashreplace')}"
    except LoginFailed as failure:
        message = f"{host}:{pattern}: {failure.status}: {failure.detail}"
        raise CollectionError(message) from None
    return found
