"""Shared by all tests: the command line in this process, and signing keys that are worth nothing outside a session."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

from egov import cli


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


@dataclass(frozen=True)
class Result:
    """What a command left: its exit code and what it printed."""

    exit_code: int
    stdout: str
    stderr: str


Egov = Callable[..., Result]


@pytest.fixture(scope="session")
def egov() -> Egov:
    """Return a function that runs `egov ARGUMENTS` in this process, errors for people included."""

    def run(*arguments: str | Path) -> Result:
        argv = ["egov", *map(str, arguments)]
        with CliRunner().isolation() as (out, err, _), mock.patch.object(sys, "argv", argv):
            with pytest.raises(SystemExit) as ended:
                cli.main()
            sys.stdout.flush()
            sys.stderr.flush()
            return Result(int(ended.value.code or 0), out.getvalue().decode(), err.getvalue().decode())

    return run
