"""The description: model, loader with positions, cross-kind rules, JSON Schema. Imports nothing of egov but errors."""

from egov.city.codes import Code
from egov.city.load import find, load
from egov.city.model import (
    City,
    Component,
    Department,
    Device,
    Host,
    Interface,
    Place,
    Prefix,
    Rack,
    Room,
    Site,
    System,
)

__all__ = [
    "City",
    "Code",
    "Component",
    "Department",
    "Device",
    "Host",
    "Interface",
    "Place",
    "Prefix",
    "Rack",
    "Room",
    "Site",
    "System",
    "find",
    "load",
]
