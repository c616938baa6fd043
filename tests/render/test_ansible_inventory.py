"""The inventory that Ansible reads: what follows from a group stands at the group, and counts for its hosts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import yaml

from egov.city import load
from egov.render.ansible import inventory
from egov.render.impact import impact

ROOT = Path(__file__).parents[2]
CITY = ROOT / "inventory" / "huludao"


def test_a_departments_new_contact_touches_its_hosts_only() -> None:
    """A value said at a group reaches every host of the group, and no other, in what `egov diff` foretells."""
    city = load(CITY)
    department = city.departments["minzheng"]
    contact = department.contact.model_copy(update={"office": "值班室"})
    changed = {**city.departments, "minzheng": department.model_copy(update={"contact": contact})}

    before = inventory(city, CITY)
    after = inventory(dataclasses.replace(city, departments=changed), CITY)
    touched = {item.host: item.variables for item in impact(before, after, ROOT / "playbooks" / "roles")}

    hosts = {host.id for host in city.hosts.values() if host.department == "minzheng"}
    assert hosts
    assert dict.fromkeys(hosts, ("base_contact",)) == touched


def test_every_group_that_a_playbook_names_is_there_in_a_city_without_such_hosts() -> None:
    """Ansible warns of a group that it does not know: a city without a database is no reason for that."""
    plays = [
        play for file in (ROOT / "playbooks").glob("*.yml") for play in yaml.safe_load(file.read_text(encoding="utf-8"))
    ]
    patterns = {play["hosts"] for play in plays if "reached" in play.get("hosts", "")} | {"dropped"}
    named = {name.strip("&!") for pattern in patterns for name in pattern.split(":")}
    city = load(CITY)
    bare = {
        host.id: host.model_copy(update={"roles": (), "backup": None, "pods": None}) for host in city.hosts.values()
    }

    found = inventory(dataclasses.replace(city, hosts=bare), CITY)

    assert {"reached", "database", "file_backup", "router"} <= named
    assert set() == named - set(found)


def test_every_host_but_the_controller_is_listed_with_all_its_groups() -> None:
    """Roles, zone, site, department and a file backup are groups; the controller, where Ansible runs, is in none."""
    city = load(CITY)

    found = inventory(city, CITY)
    groups = {name: set(content["hosts"]) for name, content in found.items() if name not in {"_meta", "all"}}

    servers = {host.id: host for host in city.hosts.values() if "controller" not in host.roles}
    assert set(city.hosts) - set(servers) == {"ops1"}
    assert set(servers) == set(found["_meta"]["hostvars"])
    for host in servers.values():
        kept = {"file_backup"} if host.backup else set()
        names = {*host.roles, *kept, f"zone-{host.zone}", f"site-{host.site}", f"department-{host.department}"}
        assert {name.replace("-", "_") for name in names} == {name for name in groups if host.id in groups[name]}
