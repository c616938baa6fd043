"""A canary per host: what leaves it for the Internet, and under which source address it arrives there (R14).

Only in the lab, whose Internet is a namespace of its own; nothing outside what is described is ever contacted.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from egov.city import City, Host
from egov.collect.probing import Namespaces
from egov.facts import Coverage, ExitSeen, Fact, RunWriter

_WEB, _DNS, _PROXY = 80, 53, 3128
_WAIT_SECONDS = 2.0


def canaries(evidence: Path, city: City, hosts: Sequence[Host], where: Namespaces) -> tuple[str, list[ExitSeen]]:
    """Send every host's canaries to the described peer outside; return the run and what was seen there."""
    outside = next(h for h in hosts if OUTSIDE in h.roles)
    proxies = [h for h in hosts if PROXY in h.roles]
    inside = [h for h in hosts if OUTSIDE not in h.roles and "controller" not in h.roles]
    token = secrets.token_hex(8)
    with RunWriter.begin(evidence, "exits", [f"canaries to {outside.id}"]) as run, ExitStack() as stack:
        listeners = _Outside(stack, where, outside, city)
        for host in inside:
            with where.enter(where.of(host.id)):
                stack.enter_context(_fetch(listeners.address, _WEB, f"{token} {host.id} direct"))
                _ask(listeners.address, f"{token} {host.id} dns")
                for proxy in proxies:
                    through = city.business(proxy)[0].address
                    request = f"{token} {host.id} proxy"
                    stack.enter_context(_fetch(through, _PROXY, request, host=listeners.address))
        seen = listeners.wait(token, len(inside))
        found = []
        for fact in _facts(inside, seen, bool(proxies)):
            run.add(fact)
            found += [fact] if isinstance(fact, ExitSeen) else []
    return run.id, found


OUTSIDE = "internet-peer"
PROXY = "edge"


def _facts(hosts: Sequence[Host], seen: dict[tuple[str, str], str], proxied: bool) -> Iterator[Fact]:  # noqa: FBT001
    at = datetime.now(UTC)
    times: dict[str, Any] = {"observed_at": at, "collected_at": at, "source": "canary"}
    for host in hosts:
        for way in ("direct", "dns", *(["proxy"] if proxied else [])):
            yield ExitSeen(**times, host=host.id, way=way, seen=seen.get((host.id, way)))
        yield Coverage(**times, table=ExitSeen.__name__, host=host.id, status="ok")


class _Outside:
    """The listeners in the simulated Internet: a web server that answers all, and a name server that does not."""

    def __init__(self, stack: ExitStack, where: Namespaces, peer: Host, city: City) -> None:
        self.address = city.business(peer)[0].address
        with where.enter(where.of(peer.id)):
            self._web = stack.enter_context(socket.create_server((self.address, _WEB), backlog=64))
            self._dns = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self._dns.bind((self.address, _DNS))
        for listener in (self._web, self._dns):
            listener.settimeout(0.1)

    def wait(self, token: str, most: int) -> dict[tuple[str, str], str]:
        """Return (host, way) -> source address of everything that arrived until nothing more does."""
        seen: dict[tuple[str, str], str] = {}
        quiet = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < quiet and len(seen) < most * 3:
            for text, source in [*self._fetched(), *self._asked()]:
                words = text.split()
                if words[:1] == [token] and len(words) == 3:  # noqa: PLR2004 - token, host, way
                    seen[words[1], words[2]] = source
                    quiet = time.monotonic() + _WAIT_SECONDS
        return seen

    def _fetched(self) -> Iterator[tuple[str, str]]:
        try:
            connection, (source, _) = self._web.accept()
        except TimeoutError:
            return
        with connection:
            connection.settimeout(1)
            try:
                path = connection.recv(2048).split(b" ")[1].decode("ascii", "replace")
                connection.sendall(b"HTTP/1.0 204 No Content\r\nConnection: close\r\n\r\n")
            except (OSError, IndexError):
                return
        yield path.rpartition("/")[2].replace("+", " "), source

    def _asked(self) -> Iterator[tuple[str, str]]:
        try:
            data, (source, _) = self._dns.recvfrom(512)
        except TimeoutError:
            return
        yield data.decode("ascii", "replace"), source


def _fetch(address: str, port: int, text: str, host: str | None = None) -> socket.socket:
    """Begin a fetch whose path is *text*; the connection goes on by itself and is closed by the caller."""
    path = text.replace(" ", "+")
    target = f"http://{host}/{path}" if host else f"/{path}"
    link = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    link.settimeout(0.3)
    try:
        link.connect((address, port))
        link.sendall(f"GET {target} HTTP/1.0\r\nHost: {host or address}\r\n\r\n".encode())
    except OSError:
        pass  # nothing gets there: that is the answer, and nothing will be seen outside
    return link


def _ask(address: str, text: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(0.3)
        try:
            link.sendto(text.encode("ascii"), (address, _DNS))
        except OSError:
            return  # no route there: nothing will be seen outside
