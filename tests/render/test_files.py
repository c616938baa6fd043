"""Whose files are backed up, where to, and for how long."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from egov.city import load
from egov.render.files import file_backups

CITY = load(Path(__file__).parents[1] / "twosites")


def test_files_go_to_both_places_and_the_repository_knows_how_long() -> None:
    """A host learns both addresses; only the repository, which alone can delete, is told the days."""
    found = file_backups(CITY)

    assert {"same-city": "10.212.16.51", "off-site": "10.212.16.61"} == found["dc-app1"]["file_backup_places"]
    assert ["/srv"] == found["dc-app1"]["file_backup_paths"]
    assert {"dc-app1": 35} == found["backup-repository"]["file_backup_kept"]
    assert {"prov-archive1": "10.212.16.61"} == found["archive"]["archive_addresses"]
    assert set(found) == {"dc-app1", "backup-repository", "archive"}


def test_without_the_province_files_go_to_the_same_city_alone() -> None:
    """A place that nobody plays is left out."""
    hosts = {name: host for name, host in CITY.hosts.items() if "archive" not in host.roles}
    found = file_backups(dataclasses.replace(CITY, hosts=hosts))

    assert {"same-city": "10.212.16.51"} == found["dc-app1"]["file_backup_places"]
