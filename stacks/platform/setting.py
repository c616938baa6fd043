"""What a program is told: the city, the day, and the numbers of one environment (`Pulumi.<environment>.yaml`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pulumi
from pydantic import Field

from egov.city import City, find, load
from egov.city.fields import Day, Network, Part, Slug, Text
from egov.city.workloads import Protection, UnprivilegedPort

Cron = Annotated[str, Field(pattern=r"^(?:[0-9*/,-]+ ){4}[0-9*/,-]+$", description="Minute hour day month weekday")]


class Retention(Part):
    """How often a protection level is backed up, and for how many days a copy is kept."""

    schedule: Cron
    off_site_schedule: Cron
    keep_days: Annotated[int, Field(ge=1, le=3660)]


class Numbers(Part):
    """The configuration of one environment; keys as in the file, without the namespace `egov:`."""

    pod_security: Annotated[str, Field(pattern=r"^v1\.[0-9]+$", description="Version of the Pod Security Standards")]
    pod_networks: tuple[Network, ...] = Field(description="Addresses of pods: no flow to the outside means them")
    storage_class: Slug = "standard"
    encrypted_storage_class: Slug = "encrypted"
    secret_store: Slug = Field(default="city", description="Name of the store that secrets are taken from")
    gateway_class: Slug = "egov"
    gateway_controller: Text = Field(description="Name by which a gateway's implementation knows its class")
    certificate_issuer: Slug = "city"
    max_replicas: Annotated[int, Field(ge=1, le=50, description="The lab runs fewer than are declared")] = 50
    spread: bool = Field(default=True, description="Whether there are several sites to spread over")
    review_after: Day = Field(description="Day by which each tenant is looked at again")
    retention: dict[Protection, Retention]
    repository_port: UnprivilegedPort = Field(description="Of the same-city repository's object store")
    archive_port: UnprivilegedPort = Field(description="Of the province's")


@dataclass(frozen=True, slots=True)
class Setting:
    """All that a program reads. Nothing else reaches it: no clock, no network, no environment."""

    city: City
    on: date
    environment: str
    numbers: Numbers


def setting() -> Setting:
    """Return what the engine configured; the city is `egov:city`, else the only one there is.

    `egov:on` is the day whose open flows and waves count: today where the city is, if nobody set it.
    """
    config = pulumi.Config("egov")
    folder = find(config.get("city"), _root())
    city = load(folder)
    given = config.get("on")
    on = date.fromisoformat(given) if given else datetime.now(ZoneInfo(city.profile.timezone)).date()
    return Setting(city, on, pulumi.get_stack(), numbers(config.get))


def numbers(get: Callable[[str], str | None]) -> Numbers:
    """Return the numbers of a configuration; *get* returns a key's text. pydantic's ValidationError if wrong."""
    values = {name: _value(get, name) for name in Numbers.model_fields}
    return Numbers.model_validate_json(json.dumps({name: v for name, v in values.items() if v is not None}))


def _root() -> Path:
    return Path(__file__).resolve().parents[2]


def _value(get: Callable[[str], str | None], name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    words = name.split("_")
    text = get(words[0] + "".join(word.title() for word in words[1:]))
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def reference(setting: Setting, program: str) -> pulumi.StackReference:
    """Return the outputs of another program in the same environment."""
    return pulumi.StackReference(program, f"{pulumi.get_organization()}/{program}/{setting.environment}")
