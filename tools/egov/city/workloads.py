"""What the cloud runs for a system, and what a department may use of it: workloads, quotas, capacity, waves."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from egov.city.codes import Code
from egov.city.fields import Day, Domain, Item, Network, Part, Slug, Text, parsed_network, refuse
from egov.city.ids import WaveId

CONTAINER_HOST = "container-host"
"""Role of the hosts that carry workloads."""

Protection = Literal["basic", "standard", "elevated"]
"""Need of protection, as B, S, H of BSI IT-Grundschutz APP.4.4; each adds to the one before."""

Millicores = Annotated[int, Field(ge=1, le=1_000_000, description="Thousandths of a processor core")]
Mebibytes = Annotated[int, Field(ge=1, le=16_777_216, description="MiB of memory")]
Gibibytes = Annotated[int, Field(ge=1, le=1_048_576, description="GiB of storage")]
HostName = Annotated[Domain, Field(description="Name users type")]
UnprivilegedPort = Annotated[int, Field(ge=1024, le=65535)]

_DIGEST = "@sha256:"


def _pinned(image: str) -> str:
    """Accept registry/name:tag@sha256:digest only: the tag is for people, the digest is what runs."""
    name, found, digest = image.partition(_DIGEST)
    last = name.rpartition("/")[2]
    well = found and len(digest) == 64 and set(digest) <= set("0123456789abcdef")  # noqa: PLR2004 - SHA-256 in hex
    if not (well and "/" in name and ":" in last and last.partition(":")[2] not in {"", "latest"}):
        message = f"{image} is not registry/name:version@sha256:digest"
        raise refuse(Code.E206, message, "镜像须写明仓库、版本和摘要")
    return image


Image = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9./:@_-]*$", max_length=400),
    AfterValidator(_pinned),
    Field(description="registry/name:version@sha256:digest"),
]


_POD_BITS = 16


def _room_for_every_port(network: str) -> str:
    """Accept an IPv4 /16 only: a pod's address is the network's plus the port it listens on, so it never moves."""
    if parsed_network(network).version != 4 or parsed_network(network).prefixlen != _POD_BITS:  # noqa: PLR2004
        message = f"{network} is no IPv4 network of 65,536 addresses (/16), one for each port"
        raise refuse(Code.E206, message, "容器网段须为IPv4的/16")
    return network


PodNetwork = Annotated[Network, AfterValidator(_room_for_every_port), Field(description="10.244.0.0/16")]


class Quota(Part):
    """What a department may use of the cloud at most, and the document that grants it (资源需求清单)."""

    cpu_millicores: Millicores
    memory_mib: Mebibytes
    storage_gib: Gibibytes
    pods: Annotated[int, Field(ge=1, le=10_000)]
    document: Text


class Capacity(Part):
    """What a container host can give to workloads, its own needs subtracted."""

    cpu_millicores: Millicores
    memory_mib: Mebibytes


class Share(Part):
    """An interface that a system offers to other departments through the sharing gateway."""

    name: Slug
    path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]*$", max_length=200)]


class Workload(Part):
    """The part of a system that the cloud runs. Flows that name the system decide what it reaches."""

    serves_as: Literal["application", "gateway", "backup"] = Field(
        default="application",
        description="gateway: what all published names lead to; backup: what writes to the repository and the province",
    )
    protection: Protection
    image: Image | None = Field(
        default=None, description="Absent for a gateway and for backup: their controllers bring one"
    )
    port: UnprivilegedPort = Field(default=8080, description="Where it listens; below 1024 would need privileges")
    health: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]*$", max_length=200)] = "/healthz"
    replicas: Annotated[int, Field(ge=1, le=50)] = 2
    cpu_millicores: Millicores = 250
    memory_mib: Mebibytes = 256
    storage_gib: Gibibytes | None = Field(default=None, description="Volume of each replica; absent: keeps nothing")
    database_gib: Gibibytes | None = Field(default=None, description="Database on the data centre's PostgreSQL")
    database_image: Image | None = Field(
        default=None, description="Database of its own beside it, in the same pod; the volume is the database's"
    )
    hostname: HostName | None = Field(default=None, description="Name under which the gateway publishes it")
    secrets: tuple[Slug, ...] = Field(default=(), description="Names in the secret store, handed over as environment")
    shares: tuple[Share, ...] = ()
    wave: WaveId | None = Field(default=None, description="Wave by which it moves in; absent: it was built here")

    @property
    def containers(self) -> int:
        """How many containers a pod of it has; each has its bounds."""
        return 1 if self.database_image is None else 2


class Wave(Item):
    """A group of systems that move into the cloud together (迁移批次)."""

    name_zh: Text
    starts: Day = Field(description="First day on which its systems are deployed")
    until: Day = Field(description="Last day on which a bridge to where they came from may be open")
    decision: Text = Field(description="Document that set it (文号)")
