"""The description: model, loader with positions, cross-kind rules, JSON Schema. Imports nothing of egov but errors."""

from egov.city.codes import Code
from egov.city.load import find, load
from egov.city.model import (
    City,
    Component,
    Continuity,
    Department,
    Device,
    Disk,
    Host,
    Place,
    Rack,
    Room,
    Site,
    System,
)
from egov.city.network import Access, Circuit, Ends, Exit, Flow, Interface, Prefix, Zone
from egov.city.workloads import Capacity, Quota, Wave, Workload

__all__ = [
    "Access",
    "Capacity",
    "Circuit",
    "City",
    "Code",
    "Component",
    "Continuity",
    "Department",
    "Device",
    "Disk",
    "Ends",
    "Exit",
    "Flow",
    "Host",
    "Interface",
    "Place",
    "Prefix",
    "Quota",
    "Rack",
    "Room",
    "Site",
    "System",
    "Wave",
    "Workload",
    "Zone",
    "find",
    "load",
]
