"""Two hosts on a wire, in a network namespace of the caller's: one keeps a connection while its flow closes.

keep_connection.py INTERFACE ADDRESS SERVER OPENED CLOSED: the rulesets are files. Prints the ruleset as it then stands,
and what arrived at the server's port 5432.
"""

import socket
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from waiting import wait_for

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
                wait_for("a caller", lambda: "expires" in run("nft", "list", "set", "inet", "egov", "calls4"), 20)
                live = run("nft", "-j", "list", "ruleset")
        finally:
            far.kill()
        sys.stdout.write(live.strip() + "\n" + arrived + far.stdout.read())


def wire(pid: int, here: tuple[str, str], there: tuple[str, str]) -> None:
    """Put a link between this namespace and that of a process: of each end its name and address."""
    inside = Path(f"/proc/{pid}/ns/net")
    wait_for("a namespace", lambda: inside.readlink() != Path("/proc/self/ns/net").readlink(), 20)
    run("ip", "link", "add", here[0], "type", "veth", "peer", "name", there[0], "netns", str(pid))
    for at, (name, own), (_, beyond) in (((), here, there), (("nsenter", f"--net={inside}"), there, here)):
        run(*at, "ip", "address", "add", f"{own}/32", "dev", name)
        run(*at, "ip", "link", "set", name, "up")
        run(*at, "ip", "route", "add", beyond, "dev", name)


if __name__ == "__main__":
    main(*sys.argv[1:])
