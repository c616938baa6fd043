"""A packet filter of one's own, for tests that load a rendered file."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

import pytest


@cache
def no_filter() -> str:
    """Return why no ruleset can be loaded on this machine; empty if one can."""
    if shutil.which("nft") is None or shutil.which("unshare") is None:
        return "nft or unshare is not installed"
    command = ["unshare", "--user", "--map-root-user", "--net", "nft", "list", "ruleset"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip() or "no network namespace of one's own" if done.returncode else ""


@pytest.fixture
def _packet_filter() -> None:
    if reason := no_filter():
        pytest.skip(f"rulesets cannot be loaded here: {reason}")
