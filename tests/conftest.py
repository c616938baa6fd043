"""Shared by all tests: signing keys, made once per session and worth nothing outside it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from a name to the file of that person's private key; the public one is beside it (.pub)."""
    folder = tmp_path_factory.mktemp("keys")

    @cache
    def made(name: str) -> Path:
        path = folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        return path

    return made
