"""Two hosts on a wire, in a network namespace of the caller's: one keeps a connection while its flow closes.

keep_connection.py INTERFACE ADDRESS SERVER OPENED CLOSED: the rulesets are files. Prints the ruleset as it then stands,
and what arrived at the server's port 5432.
"""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SERVE = """
import socket
with socket.create_server(("0.0.0.0", 5432)) as server:
    print(flush=True)
    with server.accept()[0] as link:
        while words := link.recv(99):
            print(words.decode(), flush=True)
"""


def run(*words: str, given: str = "") -> str:
    """Run a command and return what it printed."""
    return subprocess.run(words, check=True, input=given, capture_output=True, text=True).stdout


def main(interface: str, address: str, other: str, opened: str, closed: str) -> None:
    """Connect while the flow is open, send on the connection when it is not."""
    server = ["unshare", "--net", "sh", "-c", 'read ready; exec python3 -c "$0"', SERVE]
    with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as far:
        try:
            wire(far.pid, (interface, address), ("far", other))
            run("nft", "-f", "-", given=Path(opened).read_text("utf-8"))
            print(file=far.stdin, flush=True)
            far.stdout.readline()
            with socket.create_connection((other, 5432), 5) as link:
                link.sendall(b"while open")
                arrived = far.stdout.readline()
                run("nft", "-f", "-", given=Path(closed).read_text("utf-8"))
                link.sendall(b"when closed")
                wait_until(lambda: "expires" in run("nft", "list", "set", "inet", "egov", "calls4"))
                live = run("nft", "-j", "list", "ruleset")
        finally:
            far.kill()
        sys.stdout.write(live.strip() + "\n" + arrived + far.stdout.read())


def wire(pid: int, here: tuple[str, str], there: tuple[str, str]) -> None:
    """Put a link between this namespace and that of a process: of each end its name and address."""
    wait_until(lambda: run("readlink", f"/proc/{pid}/ns/net") != run("readlink", "/proc/self/ns/net"))
    run("ip", "link", "add", here[0], "type", "veth", "peer", "name", there[0], "netns", str(pid))
    for inside, (name, own), (_, beyond) in (
        ((), here, there),
        (("nsenter", "--net", "--target", str(pid)), there, here),
    ):
        run(*inside, "ip", "address", "add", f"{own}/32", "dev", name)
        run(*inside, "ip", "link", "set", name, "up")
        run(*inside, "ip", "route", "add", beyond, "dev", name)


def wait_until(truth: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until a condition holds; TimeoutError if it does not come true."""
    deadline = time.monotonic() + seconds
    while not truth():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)  # the condition is the kernel's: nothing tells us


if __name__ == "__main__":
    main(*sys.argv[1:])
