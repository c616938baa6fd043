"""Detached SSH signatures (`ssh-keygen -Y`, PROTOCOL.sshsig) and who may sign what.

`signers.yml` of a city lists public keys with the roles they sign for and the days they are valid.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from egov.city.fields import Day, Item, Slug, Text
from egov.city.shape import read_kinds
from egov.errors import DescriptionError, EgovError, UsageError

SEAL_NAMESPACE = "egov-seal"
DECISION_NAMESPACE = "egov-decision"


class Signer(Item):
    """Someone whose signature counts: for decisions (by role) or for sealing evidence (role `operator`)."""

    name: Text
    roles: tuple[Slug, ...] = Field(min_length=1)
    key: Annotated[
        str, Field(pattern=r"^(ssh-ed25519|sk-ssh-ed25519@openssh\.com|ecdsa-sha2-nistp256) [A-Za-z0-9+/=]+")
    ]
    valid_from: Day
    valid_to: Day | None = None

    def may(self, role: str, on: date) -> bool:
        """Say whether the signer holds *role* and the key is valid on that day."""
        return role in self.roles and self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


def signers(files: Iterable[Path]) -> dict[str, Signer]:
    """Return the signers of all *files* that exist; DescriptionError if one is invalid."""
    found: dict[str, Signer] = {}
    for path in files:
        if path.is_file():
            read = read_kinds(path.parent, [path], {"signers": Signer})
            if read.problems:
                raise DescriptionError(read.problems)
            found.update(read.items["signers"])
    return found


_ARMOUR = re.compile(r"-----BEGIN SSH SIGNATURE-----\n(?:[A-Za-z0-9+/]{1,76}={0,2}\n)+-----END SSH SIGNATURE-----\n?")


def sign(data: bytes, key: Path, namespace: str) -> str:
    """Return the armoured signature of *data*; UsageError if the key cannot be used."""
    if not key.is_file():
        message = f"no signing key at {key}; make one with: ssh-keygen -t ed25519 -f {key}"
        raise UsageError(message)
    done = _ssh_keygen(["-Y", "sign", "-q", "-f", str(key), "-n", namespace], data)
    if done.returncode:
        message = f"ssh-keygen could not sign with {key}: {done.stderr.decode(errors='replace').strip()}"
        raise UsageError(message)
    return done.stdout.decode()


def verified_by(data: bytes, signature: str, known: Mapping[str, Signer], namespace: str) -> Signer | None:
    """Return the signer whose key made *signature* over *data*, or None. Validity in time is the caller's question.

    ssh-keygen forgives odd white space; here a signature is taken only as ssh-keygen writes it, so any change shows.
    """
    if not _ARMOUR.fullmatch(signature):
        return None
    with tempfile.TemporaryDirectory(prefix="egov-") as folder:
        signature_file, allowed = Path(folder, "signature"), Path(folder, "allowed")
        signature_file.write_text(signature, encoding="utf-8")
        allowed.write_text("".join(f"{s.id} {s.key}\n" for s in known.values()), encoding="utf-8")
        found = _ssh_keygen(["-Y", "find-principals", "-f", str(allowed), "-s", str(signature_file)], b"")
        for principal in found.stdout.decode(errors="replace").split():
            who = ["-f", str(allowed), "-I", principal, "-n", namespace, "-s", str(signature_file)]
            if principal in known and _ssh_keygen(["-Y", "verify", *who], data).returncode == 0:
                return known[principal]
    return None


def _ssh_keygen(arguments: list[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["ssh-keygen", *arguments], input=data, capture_output=True, check=False, env=environment, timeout=30
        )
    except FileNotFoundError:
        message = "ssh-keygen is not installed; on Debian: apt-get install openssh-client"
        raise EgovError(message) from None
