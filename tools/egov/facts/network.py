"""Observed rows about the network: rulesets that run, packets that were sent, ways out that were seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from egov.facts.tables import Fact, column


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruleset(Fact):
    """The packet filter that runs on a device, as `nft -j list ruleset` printed it."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    text: str = column("JSON of the live ruleset")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedRuleset(Fact):
    """The packet filter that the description asks for, loaded into an empty namespace and read back in the same way."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    text: str = column("JSON of the ruleset as loaded")


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketPair(Fact):
    """Packets sent from one host to another, one of each service: how many should arrive, how many did."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id of the sender")
    server: str = column("Host id of the receiver")
    version: int = column("Version of IP")
    sent: int = column("Packets sent")
    permitted: int = column("Packets that the flows permit")
    arrived: int = column("Packets that arrived")
    wrong: str = column("Packets whose fate is not what the flows say, in words", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCount(Fact):
    """What a device counted as dropped in one cell (or two that equal links share) while packets were sent."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id of the device")
    cell: str = column("Names of the counters")
    expected: int = column("Packets that should be dropped and counted here")
    counted: int = column("Packets counted here")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCount(Fact):
    """How many of the packets that we sent ourselves a device counted in the rules of a flow: no use of it."""

    about: ClassVar[dict[str, str]] = {"hosts": "host", "flows": "flow"}

    host: str = column("Host id of the device")
    flow: str = column("Flow id")
    packets: int = column("Packets of ours that its rules counted")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCall(Fact):
    """A client that called what a flow opens at other times: dropped by the device, and remembered there."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id of the device")
    client: str = column("Source address")
    server: str = column("Destination address")
    service: str = column("Destination port and protocol, as 443/tcp")
    packets: int = column("Packets dropped since the device began to remember")
    age_seconds: int = column("Time from the last of them to the observation, s")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallWatch(Fact):
    """For how long a device has remembered who called what a closed flow names: since its ruleset was loaded."""

    about: ClassVar[dict[str, str]] = {"hosts": "host", "flows": "flow"}

    host: str = column("Host id of the device")
    flow: str = column("Flow id")
    watched_seconds: int = column("Time for which every such call was remembered, up to the observation, s")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitSeen(Fact):
    """The source address under which a host's fetch arrived outside: it tells the way out (R14)."""

    about: ClassVar[dict[str, str]] = {"hosts": "host"}

    host: str = column("Host id")
    way: str = column("direct | proxy | dns")
    seen: str | None = column("Source address seen outside; empty if nothing arrived", default=None)
