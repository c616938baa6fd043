"""Waiting for what other machines or processes do."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(what: str, truth: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until a condition holds; fail, naming it, if it does not come true."""
    deadline = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.1)  # nothing here could wake us
