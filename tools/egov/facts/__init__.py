"""Observed rows: typed tables, the evidence store, seals, and the view that checks read."""

from egov.facts.cloud import StackVerdict
from egov.facts.continuity import BackupCopy, DrillResult, RestoreTest, WalArchived
from egov.facts.life import MaintenanceSign, ProcessUse, ResourceDay
from egov.facts.network import CellCount, ExitSeen, FlowCount, PacketPair, RenderedRuleset, Ruleset
from egov.facts.store import RunWriter
from egov.facts.tables import (
    AssetRecord,
    Certificate,
    Coverage,
    Fact,
    HardwareSerial,
    HostContact,
    InterfaceAddress,
    Listener,
    LogFile,
    Mount,
    Neighbour,
    OperatingSystem,
    PackageState,
    ResourceUse,
    RoomSurvey,
    Route,
    ServiceState,
    SystemRecord,
    Unread,
    UserAccount,
)
from egov.facts.usage import UseClient, UseDay, UseLog
from egov.facts.view import Facts, NotObserved

__all__ = [
    "AssetRecord",
    "BackupCopy",
    "CellCount",
    "Certificate",
    "Coverage",
    "DrillResult",
    "ExitSeen",
    "Fact",
    "Facts",
    "FlowCount",
    "HardwareSerial",
    "HostContact",
    "InterfaceAddress",
    "Listener",
    "LogFile",
    "MaintenanceSign",
    "Mount",
    "Neighbour",
    "NotObserved",
    "OperatingSystem",
    "PackageState",
    "PacketPair",
    "ProcessUse",
    "RenderedRuleset",
    "ResourceDay",
    "ResourceUse",
    "RestoreTest",
    "RoomSurvey",
    "Route",
    "Ruleset",
    "RunWriter",
    "ServiceState",
    "StackVerdict",
    "SystemRecord",
    "Unread",
    "UseClient",
    "UseDay",
    "UseLog",
    "UserAccount",
    "WalArchived",
]
