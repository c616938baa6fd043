"""What a firewall is meant to let through, in nobody's syntax: the compiler writes it, the proof reads it.

A cell is a pair of interfaces. In each cell the flows permit new connections; packets of connections that exist
(established, related) pass in every cell, but for those by which somebody goes on to call what is closed; everything
else is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Protocol = Literal["tcp", "udp", "icmp", "icmpv6", "ospf"]
Cell = tuple[str, str]
"""Interface a packet comes in by, interface it leaves by."""
LOCAL = ""
"""The device itself, as the end of a cell: (interface, LOCAL) is its input, (LOCAL, interface) its output."""


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """A protocol with a range of destination ports, first and last included; of types for icmp and icmpv6.

    For ospf, which has no ports, first and last are 0.
    """

    protocol: Protocol
    first: int
    last: int

    @property
    def text(self) -> str:
        """The service as a description writes it: 443/tcp, 8000-8010/tcp, ping."""
        if self.protocol in {"icmp", "icmpv6"}:
            return "ping" if self.first in {8, 128} else f"{self.protocol} {self.first}-{self.last}"
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{ports}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Permit:
    """One flow's share of a cell: any source to any destination by any service. Prefixes of both versions may mix.

    tracked: False for what connection tracking never follows (IPv6 neighbour discovery): permitted as `untracked`.
    """

    flow: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    services: tuple[Service, ...]
    tracked: bool = True

    @property
    def calls(self) -> Permit | None:
        """The same for the services by which somebody calls: a ping is none. None if there are none."""
        services = tuple(service for service in self.services if service.protocol in {"tcp", "udp"})
        return replace(self, services=services) if services else None


@dataclass(frozen=True, slots=True)
class Intent:
    """All that one device is meant to let through.

    cells: what is permitted; a cell that is missing permits nothing.
    behind: per interface the prefixes that packets coming in by it may have as their source (anti-spoofing).
    closed: the calls that flows would permit which are not open now. They are dropped like the rest, on connections
    from before it was closed as well, and who called is remembered.
    """

    device: str
    cells: Mapping[Cell, tuple[Permit, ...]]
    behind: Mapping[str, tuple[str, ...]]
    closed: Mapping[Cell, tuple[Permit, ...]] = field(default_factory=dict)
