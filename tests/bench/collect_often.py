"""Collect from the hosts of a lab again and again in one collection: STATE EVIDENCE LOGINS.

A process of its own, so that all it costs (start, imports, logins, reading answers, writing facts) is measured.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

from egov.collect import Credentials, Limits, Target, collect, pinned_keys, private_key
from egov.lab import entered


def main(state_file: str, evidence: str, logins: int, addresses: dict[str, str]) -> None:
    """Log in *logins* times, spread evenly over the hosts, and print how many answered in full."""
    state = json.loads(Path(state_file).read_text(encoding="utf-8"))
    credentials = Credentials(state["user"], private_key(Path(state["key"])), pinned_keys(Path(state["known_hosts"])))

    def dial(address: str, port: int, seconds: float) -> socket.socket:
        with entered(Path(state["controller_netns"])):
            return socket.create_connection((address, port), seconds)

    hosts = list(addresses.items())
    targets = [Target(f"{host}-{n}", address) for n in range(logins) for host, address in [hosts[n % len(hosts)]]]
    _, contacts = collect(Path(evidence), targets, credentials, dial, Limits(at_once=len(hosts)))
    print(sum(contact.status == "ok" for contact in contacts))  # noqa: T201 - what the caller reads


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4]))
