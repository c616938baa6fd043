"""Copies: where they go, when, and for how long. The same in both centres' clusters; off site goes data alone."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from stacks.platform.data import BackupSchedule, BackupScheduleArgs
from stacks.platform.labels import BACKUP_NAMESPACE, declared, labels
from stacks.platform.namespaces import GuardedNamespace, metadata
from stacks.platform.setting import Setting
from stacks.platform.systems import addresses, applications, highest, serving

SAME_CITY, PROVINCE = "same-city", "province"
# Role of the hosts where copies are kept.
_ROLES = {SAME_CITY: "backup-repository", PROVINCE: "archive"}


def backup(given: Setting) -> None:
    """Register the backup controller's namespace, its two stores, and schedules, if a system serves as the backup.

    The province gets volumes only (利用省政府数据中心进行异地数据备份, 二(一)2): nothing there can be started.
    """
    front = serving(given.city, "backup")
    if front is None:
        return
    own, notes = labels(front.department, front.id), declared("systems", front.id)
    space = GuardedNamespace(BACKUP_NAMESPACE, given.numbers.pod_security, own, notes)
    opts = pulumi.ResourceOptions(depends_on=[space])
    stores = {SAME_CITY: given.numbers.repository_port, PROVINCE: given.numbers.archive_port}
    for name, port in stores.items():
        _store(given, name, port, front.department, opts)
    for department in sorted({system.department for system, _ in applications(given.city)}):
        levels = [workload.protection for s, workload in applications(given.city) if s.department == department]
        level = highest(levels)
        for location in stores:
            retention = given.numbers.retention[level]
            BackupSchedule(
                BackupScheduleArgs(
                    department=department,
                    protection=level,
                    schedule=retention.schedule if location == SAME_CITY else retention.off_site_schedule,
                    keep_days=retention.keep_days,
                    namespace=BACKUP_NAMESPACE,
                    location=location,
                    data_only=location == PROVINCE,
                ),
                opts,
            )


def _store(given: Setting, name: str, port: int, department: str, opts: pulumi.ResourceOptions) -> None:
    """Register one place for copies: the hosts of its role, over TLS, with credentials by reference."""
    found = addresses(given.city, _ROLES[name])
    if not found:
        message = f"no host of the role {_ROLES[name]}: copies for {name} have no place"
        raise ValueError(message)
    k8s.apiextensions.CustomResource(
        f"{BACKUP_NAMESPACE}/{name}",
        api_version="velero.io/v1",
        kind="BackupStorageLocation",
        metadata=metadata(name, BACKUP_NAMESPACE, labels(department)),
        spec={
            "provider": "aws",
            "objectStorage": {"bucket": given.city.profile.id},
            "config": {"region": name, "s3ForcePathStyle": "true", "s3Url": f"https://{found[0]}:{port}"},
            "credential": {"name": f"{name}-store", "key": "cloud"},
            "default": name == SAME_CITY,
        },
        opts=opts,
    )
