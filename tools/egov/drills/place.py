"""City → where its drills run: hosts by role, and how to run a command on one, in production or in a lab."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from egov.city import City
from egov.drills.run import Place
from egov.errors import UsageError
from egov.procedures.runner import Execute
from egov.render.database import DATABASE, ENDPOINT, REPOSITORY, WITNESS


def place(city: City, folder: Path, lab: str | None, execute: Execute) -> Place:
    """Return the place of a city's drills; UsageError if it describes no database, or no host that uses it."""
    hosts = [h for h in city.hosts.values() if lab is None or h.lab]
    roles = (DATABASE, WITNESS, ENDPOINT, REPOSITORY)
    named = {role: tuple(sorted(h.id for h in hosts if role in h.roles)) for role in roles}
    for role in (DATABASE, ENDPOINT):
        if not named[role]:
            message = f"no host has the role {role}: there is nothing to drill"
            raise UsageError(message)
    addresses = {host.id: host.interfaces[0].address for host in hosts}
    return Place(
        execute=execute,
        on_host=_in_lab(lab) if lab else _over_ssh(folder, addresses),
        copies=named[DATABASE],
        third=next(iter(named[WITNESS]), None),
        repository=next(iter(named[REPOSITORY]), None),
        endpoints=named[ENDPOINT],
        sites={host.id: host.site for host in hosts},
        links={host.id: city.business(host)[0].name for host in hosts},
        environment={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "EGOV_CITY": str(folder),
        },
    )


def _in_lab(lab: str) -> Callable[[str, str], Sequence[str]]:
    return lambda host, command: ["egov", "lab", "--name", lab, "ssh", host, command]


def _over_ssh(folder: Path, addresses: dict[str, str]) -> Callable[[str, str], Sequence[str]]:
    pinned = ("-o", f"UserKnownHostsFile={folder.resolve() / 'known_hosts'}", "-o", "StrictHostKeyChecking=yes")
    return lambda host, command: ["ssh", *pinned, "-o", "BatchMode=yes", addresses[host], command]
