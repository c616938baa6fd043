"""Ids of one kind as another kind refers to them. The loader checks that each refers to something."""

from __future__ import annotations

from typing import Annotated

from egov.city.fields import Reference, Slug

DepartmentId = Annotated[Slug, Reference("departments")]
SiteId = Annotated[Slug, Reference("sites")]
RoomId = Annotated[Slug, Reference("rooms")]
RackId = Annotated[Slug, Reference("racks")]
DeviceId = Annotated[Slug, Reference("devices")]
ZoneId = Annotated[Slug, Reference("zones")]
VrfId = Annotated[Slug, Reference("vrfs")]
PrefixId = Annotated[Slug, Reference("prefixes")]
HostId = Annotated[Slug, Reference("hosts")]
SystemId = Annotated[Slug, Reference("systems")]
CircuitId = Annotated[Slug, Reference("circuits")]
WaveId = Annotated[Slug, Reference("waves")]
