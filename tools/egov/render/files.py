"""City → which hosts' files are backed up and where to, as variables of the roles file_backup and archive."""

from __future__ import annotations

from typing import Any

from egov.city import City
from egov.render.database import ARCHIVE, REPOSITORY, addresses

FILE_BACKUP = "file_backup"
SAME_CITY, OFF_SITE = "same-city", "off-site"


def file_backups(city: City) -> dict[str, dict[str, Any]]:
    """Return the variables of the roles that keep copies, and of each host by its id whose files are backed up.

    A place that no host of the city plays is missing; the audit then has no reading from there.
    """
    kept = {host.id: host.backup for host in sorted(city.hosts.values(), key=lambda h: h.id) if host.backup}
    keepers = {SAME_CITY: addresses(city, REPOSITORY), OFF_SITE: addresses(city, ARCHIVE)}
    places = {place: next(iter(found.values())) for place, found in keepers.items() if found}
    days = {host: backup.keep_days for host, backup in kept.items()}
    return {
        REPOSITORY: {"archive_addresses": keepers[SAME_CITY], "file_backup_kept": days},
        ARCHIVE: {"archive_addresses": keepers[OFF_SITE]},
        **{
            host: {
                "file_backup_paths": list(backup.paths),
                "file_backup_places": places,
                "file_backup_address": city.business(city.hosts[host])[0].address,
            }
            for host, backup in kept.items()
        },
    }
