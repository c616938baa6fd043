"""City → Ansible inventory: groups and variables, no template in any value, the same bytes each time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from egov.city import City, Department, Host, load
from egov.city.fields import Item, Slug, Text
from egov.city.shape import read_kinds
from egov.errors import DescriptionError
from egov.render.containers import EDGE_PROXY, SITES, WORKLOAD, containers
from egov.render.database import database
from egov.render.dns import dns
from egov.render.files import FILE_BACKUP, file_backups
from egov.render.flows import rulesets
from egov.render.frr import frr
from egov.render.reach import ROUTER

CONTROLLER = "controller"
LOG_ARCHIVE = "log-archive"
TIME_SERVER = "time-server"
# Groups that playbooks name, there in every city: Ansible warns of a name that it does not know. The playbook
# preflight.yml fills the last two.
_ALWAYS = (
    *("archive", "backup_repository", "database", "database_endpoint", "dns", "edge", "edge_proxy", FILE_BACKUP),
    *("host_firewall", "registry", "router", "witness", WORKLOAD, "reached", "dropped"),
)
# Variables that say where on the controller the city's folder is, and nothing of the city.
_STORES = ("certificate_store", "offsite_store", "file_backup_store")
_RENDERED = "workload_folder"
OF_THE_FOLDER = ("ansible_ssh_common_args", *_STORES, _RENDERED)


def rendered(folder: Path, lab_state: Path | None, on: date | None = None) -> str:
    """Return the inventory of a city's folder as JSON text; DescriptionError if the description is invalid.

    on: the day whose open flows the firewalls let through (today, where the city is).
    """
    state = json.loads(lab_state.read_text(encoding="utf-8")) if lab_state else None
    city = load(folder)
    found = inventory(city, folder, state, on or datetime.now(ZoneInfo(city.profile.timezone)).date())
    return json.dumps(found, ensure_ascii=False, sort_keys=True) + "\n"


def inventory(city: City, folder: Path, lab: Mapping[str, Any] | None = None, on: date | None = None) -> dict[str, Any]:
    """Return the inventory: all hosts in production, those that stand in the lab with *lab* (its state.json).

    What all hosts of a group share is said once, at the group: Ansible pays for every value it is handed.
    Without a day no network is rendered: a description can be compared without its flows.
    """
    found = as_found(folder) if lab else {}
    network = _network(city, on) if on else {}
    hosts = [h for h in city.hosts.values() if CONTROLLER not in h.roles and (lab is None or h.lab)]
    groups: dict[str, dict[str, Any]] = {}
    cluster, files = database(city), file_backups(city)
    shared = {name: cluster.get(name, {}) | files.get(name, {}) for name in {*cluster, *files}}
    for host in sorted(hosts, key=lambda h: h.id):
        for name, variables in _groups(city, host, shared).items():
            group = groups.setdefault(name.replace("-", "_"), {"hosts": [], "vars": _no_template(variables)})
            group["hosts"].append(host.id)
    guarded = [h.id for h in hosts if h.id in network and ROUTER not in h.roles]
    carrying = containers(city, on) if on else {}
    synthetic = {
        "host_firewall": guarded,
        FILE_BACKUP: [h.id for h in hosts if h.backup],
        WORKLOAD: [h.id for h in hosts if h.id in carrying and h.pods is not None],
        EDGE_PROXY: [h.id for h in hosts if SITES in carrying.get(h.id, {})],
    }
    groups |= {name: {"hosts": sorted(members), "vars": {}} for name, members in synthetic.items() if members}
    groups = {name: {"hosts": [], "vars": {}} for name in _ALWAYS} | groups
    parts = (network, found, shared, carrying)
    extra = {h.id: _no_template({k: v for part in parts for k, v in part.get(h.id, {}).items()}) for h in hosts}
    own = {h.id: {"ansible_host": h.interfaces[0].address, **extra[h.id]} for h in hosts}
    common = _common(city) | (_lab(lab) if lab else _production(folder))
    return {"_meta": {"hostvars": own}, "all": {"vars": _no_template(common)}, **groups}


def _no_template(value: Any) -> Any:  # noqa: ANN401 - any variable
    """Mark text that Ansible could take for a template: it trusts an inventory's variables otherwise."""
    if isinstance(value, str):
        return {"__ansible_unsafe": value} if "{{" in value or "{%" in value or "{#" in value else value
    if isinstance(value, dict):
        return {name: _no_template(entry) for name, entry in value.items()}
    return [_no_template(entry) for entry in value] if isinstance(value, list) else value


def _network(city: City, on: date) -> dict[str, dict[str, Any]]:
    """Return the rendered firewall and routing of each device as the variables of the roles that install them."""
    found: dict[str, dict[str, Any]] = {}
    routing = frr(city)
    for host, text in rulesets(city, on).items():
        found[host] = {"zone_firewall_ruleset": text}
    for host, text in routing.items():
        found.setdefault(host, {})["frr_config"] = text
    for host, files in dns(city, on).items():
        found.setdefault(host, {}).update(dns_domain=city.profile.domain, dns_files=files)
    return found


class AsFound(Item):
    """Something that stands on a host of the lab whether it was declared or not; no part of the description."""

    host: Slug
    kind: Literal["web", "listing", "database", "proxy", "address"]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    title: Text | None = None
    interface: Text | None = None
    address: Text | None = None


def as_found(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the variable `department_legacy_found` of each host of the lab; DescriptionError if a file is invalid."""
    read = read_kinds(folder, sorted((folder / "lab").glob("*.yml")), {"as_found": AsFound})
    if read.problems:
        raise DescriptionError(read.problems)
    hosts: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in read.items["as_found"].values():
        hosts[item.host].append(item.model_dump(exclude={"host", "source", "declared_on"}, exclude_none=True))
    return {host: {"department_legacy_found": entries} for host, entries in hosts.items()}


def _groups(city: City, host: Host, shared: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the groups of a host, each with the variables that all its members share."""
    return {
        **{role: shared.get(role, {}) for role in host.roles},
        f"zone-{host.zone}": {"egov_zone": host.zone},
        f"site-{host.site}": {"egov_site": host.site},
        f"department-{host.department}": _owner(city.departments[host.department]),
    }


def _owner(department: Department) -> dict[str, Any]:
    contact = department.contact
    return {
        "egov_department": department.id,
        "base_owner": f"{department.name_zh} {department.name_en}",
        "base_contact": " ".join(filter(None, (contact.office, contact.phone))),
    }


def _common(city: City) -> dict[str, Any]:
    """Variables of all hosts that follow from the description as a whole."""
    return {
        "egov_city": city.profile.id,
        "base_timezone": city.profile.timezone,
        "base_log_hosts": _addresses(city, LOG_ARCHIVE),
        "base_time_servers": _addresses(city, TIME_SERVER),
        "base_administrators": [
            {"name": a.id, "comment": a.name, "key": a.key, "sudo": a.sudo} for a in city.administrators.values()
        ],
    }


def _addresses(city: City, role: str) -> list[str]:
    return sorted(host.interfaces[0].address for host in city.hosts.values() if role in host.roles)


def _production(folder: Path) -> dict[str, Any]:
    known_hosts = folder.resolve() / "known_hosts"
    return {
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={known_hosts} -o StrictHostKeyChecking=yes",
        **dict.fromkeys(_STORES, str(folder.resolve().parent.parent / "secrets" / folder.resolve().name)),
        _RENDERED: str(folder.resolve().parent.parent / "build" / "workloads" / folder.resolve().name),
    }


def _lab(state: Mapping[str, Any]) -> dict[str, Any]:
    """How hosts of a lab are reached, and the few things a lab's kernel cannot do (docs/playbooks.md names each)."""
    pinned = f"-o UserKnownHostsFile={state['known_hosts']} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    return {
        "ansible_user": state["user"],
        "ansible_ssh_private_key_file": state["key"],
        "ansible_ssh_common_args": f"-F none {pinned}",
        **dict.fromkeys(_STORES, state["secrets"]),
        _RENDERED: state["workloads"],
        "container_host_ulimits": state["limits"],
        "workload_limits": False,
        "patroni_package_url": state["package_files"],
        "base_package_proxy": state["package_proxy"],
        "base_package_sources": state["package_sources"],
        "base_clock_control": False,
        "hardening_audit_service": False,
        "hardening_sysctl_scope": "net",
    }
