"""Log in to the hosts of a lab again and again: logins|collection STATE EVIDENCE LOGINS ADDRESSES.

A process of its own, so that what it costs can be measured. `logins` connects, runs the collection's script and takes
its answer apart; `collection` does what `egov collect hosts` does, facts and store included.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from egov.collect import Credentials, Limits, Target, collect, pinned_keys, private_key
from egov.collect.frames import answers
from egov.collect.hosts import _COMMAND, SCRIPT
from egov.collect.login import Dial, run
from egov.lab import entered


def main(what: str, state_file: str, evidence: str, logins: int, addresses: dict[str, str]) -> None:
    """Log in *logins* times, spread evenly over the hosts, and print how many answered in full."""
    state = json.loads(Path(state_file).read_text(encoding="utf-8"))
    credentials = Credentials(state["user"], private_key(Path(state["key"])), pinned_keys(Path(state["known_hosts"])))

    def dial(address: str, port: int, seconds: float) -> socket.socket:
        with entered(Path(state["controller_netns"])):
            return socket.create_connection((address, port), seconds)

    hosts = list(addresses.items())
    targets = [Target(f"{host}-{n}", address) for n in range(logins) for host, address in [hosts[n % len(hosts)]]]
    if what == "logins":
        whole = log_in(targets, credentials, dial, len(hosts))
    else:
        _, contacts = collect(Path(evidence), targets, credentials, dial, Limits(at_once=len(hosts)))
        whole = sum(contact.status == "ok" for contact in contacts)
    print(whole)  # noqa: T201 - what the caller reads


def log_in(targets: Sequence[Target], credentials: Credentials, dial: Dial, at_once: int) -> int:
    """Return how many of *targets* gave a whole answer."""
    script, nonce = SCRIPT.read_bytes(), "0" * 32
    command = _COMMAND.format(nonce=nonce, seconds=20)
    with ThreadPoolExecutor(max_workers=at_once) as pool:
        found = pool.map(lambda target: answers(run(target, credentials, dial, command, script, 120), nonce), targets)
        return sum(complete for _, complete in found)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), json.loads(sys.argv[5]))
