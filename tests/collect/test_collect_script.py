"""The collection script itself, run by this machine's shell with programs of the test's own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from egov.collect.hosts import SCRIPT

PROGRAMS = {
    "timeout": 'shift; case "$*" in *"ss -H"*) exit 124 ;; esac; exec "$@"',
    "ss": ":",
    "openssl": "exit 1",  # a machine that builds software may hold hundreds of certificates
    "lastlog": "for n in $(seq 200); do [ -e {go} ] && echo was sent && exit; sleep 0.05; done; echo was kept back",
}


def test_a_hung_probe_sends_what_was_answered_before_it(tmp_path: Path) -> None:
    """Answers go out together, yet none waits behind a probe that hangs: the host may run out of time meanwhile."""
    go = tmp_path / "go"
    for name, text in PROGRAMS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{text.replace('{go}', str(go))}\n", encoding="utf-8")
        program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    with (
        SCRIPT.open("rb") as script,
        subprocess.Popen(
            ["sh", "-s", "NONCE", "20"], stdin=script, stdout=subprocess.PIPE, env=environment, text=True
        ) as process,
    ):
        assert process.stdout is not None
        first = []
        for line in process.stdout:
            first.append(line)
            if line.startswith("NONCE end listeners"):
                break
        go.touch()
        rest = process.stdout.read()

    assert ["NONCE begin clock\n", "NONCE end clock 0\n"] == [line for line in first if line.startswith("NONCE")][:2]
    assert "NONCE end listeners 124\n" == first[-1]
    assert "NONCE begin last-logins\nwas sent\nNONCE end last-logins 0\n" in rest
    assert rest.endswith("NONCE done\n")
