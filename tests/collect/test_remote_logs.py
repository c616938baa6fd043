"""Logs fetched from a host: what comes is what stands there, what does not come is said. A shell here is the host."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

import pytest
from log_city import line, taken, use, write

from egov.collect.login import UNREACHABLE, LoginFailed
from egov.collect.logs.remote import fetch
from egov.errors import CollectionError, UsageError


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def ask(_: str, script: bytes) -> bytes:
    """Run a script as the host's shell would."""
    return subprocess.run(["sh", "-s"], input=script, capture_output=True, check=False).stdout


def test_a_rotated_set_arrives_as_it_is(tmp_path: Path) -> None:
    """Plain and packed files, names with quotes and spaces; they are called by host and path, and read once."""
    there = tmp_path / "there"
    there.mkdir()
    write(there / "access.log", [line(client="10.1.1.1")])
    write(there / "access.log.1'; exit 1; '", [line(client="10.1.1.2"), "odd"])
    (there / "access.log.2.gz").write_bytes(gzip.compress(line(client="10.1.1.3").encode()))
    found = fetch("app", f"{there}/access.log*", ask, tmp_path / "here")
    again = fetch("app", f"{there}/access.log*", ask, tmp_path / "again")
    logs = taken(tmp_path, *found, called=found).logs

    assert {path.read_bytes() for path in there.iterdir()} == {path.read_bytes() for path in found}
    assert [f"app:{path}" for path in sorted(there.iterdir())] == sorted(log.path for log in logs)
    assert (4, 1, 3) == (
        sum(log.lines for log in logs),
        sum(log.unread for log in logs),
        use(tmp_path)["human_clients"],
    )
    assert [True] * 3 == [log.earlier for log in taken(tmp_path, *again, called=again).logs]


def test_what_does_not_come_is_said(tmp_path: Path) -> None:
    """No such file, a host that breaks off, one that cannot be reached: named, and nothing is taken in."""
    write(tmp_path / "a.log", [line()])

    def broken(command: str, script: bytes) -> bytes:
        answer = ask(command, script)
        return answer if answer.endswith(b"\0") else answer[:-40]

    def unreachable(*_: object) -> bytes:
        raise LoginFailed(UNREACHABLE, "no route to host")

    with pytest.raises(CollectionError, match="no such file there"):
        fetch("app", f"{tmp_path}/none*", ask, tmp_path / "1")
    with pytest.raises(CollectionError, match=r"app:.*a\.log: cannot be read there, or broke off"):
        fetch("app", f"{tmp_path}/a.log", broken, tmp_path / "2")
    with pytest.raises(CollectionError, match="unreachable: no route to host"):
        fetch("app", f"{tmp_path}/a.log", unreachable, tmp_path / "3")
    with pytest.raises(UsageError, match="behind the host stands a path"):
        fetch("app", "/var/log/$(reboot)", ask, tmp_path / "4")
