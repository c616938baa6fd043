"""What a change will touch, read from the roles' own text: files, tasks, services, and no host too many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from egov.city import load
from egov.render.ansible import inventory
from egov.render.impact import HostImpact, impact

ROOT = Path(__file__).parents[2]
ROLE = {
    "tasks/main.yml": """\
- name: Write the site
  ansible.builtin.template: {src: site.j2, dest: /etc/site.conf}
  notify: [Reload web, Tell nobody]
- name: Name the owner
  ansible.builtin.copy: {content: "{{ web_owner }}", dest: "{{ item }}"}
  loop: [/etc/issue, /etc/motd]
- name: Install the server
  packages: {name: "{{ web_package }}"}
- name: Write what a variable of the role says
  ansible.builtin.copy: {content: "{{ __web_text }}", dest: "{{ __web_file }}"}
  notify: Reload web
- name: Ask something
  ansible.builtin.command: "echo {{ web_port }} {{ web_owner }} {{ web_package }} {{ web_secret }}"
- ansible.builtin.include_tasks: more.yml
""",
    "tasks/more.yml": """\
- name: Make an account for each of a list
  ansible.builtin.user: {name: "{{ item.name }}"}
  loop: "{{ web_people }}"
- name: Write a file for each of a list
  ansible.builtin.template: {src: person.j2, dest: "/etc/people/{{ item.name }}"}
  loop: "{{ web_people }}"
""",
    "handlers/main.yml": """\
- name: Reload web
  ansible.builtin.systemd_service: {name: web.service, state: reloaded}
""",
    "vars/main.yml": """\
__web_text: "{{ lookup('template', 'deep.j2') }}"
__web_file: /etc/deep.conf
""",
    "templates/site.j2": "port={{ web_port }}\n",
    "templates/deep.j2": "{{ web_secret }}\n",
    "templates/person.j2": "{{ item.key }}\n",
}


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    """Return a folder with one role that uses variables in every way impact knows."""
    for name, text in ROLE.items():
        path = tmp_path / "roles" / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "roles"


def rendered(common: dict[str, Any], groups: dict[str, dict[str, Any]], **hosts: dict[str, Any]) -> dict[str, Any]:
    """Return an inventory: variables of all, groups of (hosts, vars), hosts with their own variables."""
    return {"all": {"vars": common}, "_meta": {"hostvars": hosts}, **groups}


@pytest.mark.parametrize(
    ("name", "files", "tasks", "restarts"),
    [
        pytest.param("web_port", ("/etc/site.conf",), (), ("web.service",), id="in-a-template"),
        pytest.param("web_owner", ("/etc/issue", "/etc/motd"), (), (), id="in-the-task-for-each-of-a-list"),
        pytest.param("web_package", (), ("web: Install the server",), (), id="in-a-task-without-a-file"),
        pytest.param("web_secret", ("/etc/deep.conf",), (), ("web.service",), id="behind-a-variable-of-the-role"),
        pytest.param(
            "web_people",
            ("/etc/people/{{ item.name }}",),
            ("web: Make an account for each of a list",),
            (),
            id="looped-over",
        ),
        pytest.param("web_por", (), (), (), id="part-of-a-name-is-no-name"),
        pytest.param("egov_zone", (), (), (), id="used-nowhere"),
    ],
)
def test_a_variable_touches_what_uses_it(
    roles: Path, name: str, files: tuple[str, ...], tasks: tuple[str, ...], restarts: tuple[str, ...]
) -> None:
    """Files are those of tasks whose own text, template or role variable names what changed; restarts follow notify."""
    before, after = rendered({}, {}, h1={name: 1}), rendered({}, {}, h1={name: 2})

    found = impact(before, after, roles)

    assert found == [HostImpact("h1", "changed", (name,), files, tasks, restarts)]


def test_only_hosts_that_differ_are_named(roles: Path) -> None:
    """A host that stays as it is, is not in the list; a value of all, a group or a host reaches whom it concerns."""
    group = {"hosts": ["h1", "h2"], "vars": {"web_owner": "a"}}
    before = rendered({"web_port": 1}, {"g": group}, h1={}, h2={"web_owner": "own"}, h3={})
    changes = {
        "nothing": rendered({"web_port": 1}, {"g": group}, h1={}, h2={"web_owner": "own"}, h3={}),
        "all": rendered({"web_port": 2}, {"g": group}, h1={}, h2={"web_owner": "own"}, h3={}),
        "group": rendered(
            {"web_port": 1}, {"g": {**group, "vars": {"web_owner": "b"}}}, h1={}, h2={"web_owner": "own"}, h3={}
        ),
        "host": rendered({"web_port": 1}, {"g": group}, h1={}, h2={"web_owner": "own"}, h3={"web_owner": "c"}),
    }

    touched = {name: [item.host for item in impact(before, after, roles)] for name, after in changes.items()}

    assert touched == {"nothing": [], "all": ["h1", "h2", "h3"], "group": ["h1"], "host": ["h3"]}


def test_hosts_that_come_and_go(roles: Path) -> None:
    """A new host is touched by all its variables; one that is gone is named, though no playbook reaches it."""
    before = rendered({"web_port": 1}, {}, old={})
    after = rendered({"web_port": 1}, {"g": {"hosts": ["new"], "vars": {}}}, new={"web_owner": "a"})

    assert impact(before, after, roles) == [
        HostImpact(
            "new",
            "added",
            ("group g", "web_owner", "web_port"),
            ("/etc/site.conf", "/etc/issue", "/etc/motd"),
            (),
            ("web.service",),
        ),
        HostImpact("old", "removed"),
    ]


def test_a_change_of_groups_is_named(roles: Path) -> None:
    """A host that joins or leaves a group is named with it: plays and roles choose their hosts by groups."""
    with_it = rendered({}, {"g": {"hosts": ["h1"], "vars": {}}}, h1={})
    without = rendered({}, {}, h1={})

    assert [item.variables for item in impact(without, with_it, roles)] == [("group g",)]
    assert [item.variables for item in impact(with_it, without, roles)] == [("group g",)]


def test_no_variable_of_the_roles_is_handed_out_for_nothing() -> None:
    """Every variable that the description gives the project's roles changes a file or an account where it changes."""
    city = load(ROOT / "inventory" / "huludao")
    found = inventory(city, ROOT / "inventory" / "huludao")
    given = dict(found["all"]["vars"])
    for name, group in found.items():
        given |= group.get("vars", {}) if name not in {"all", "_meta"} else {}
    given = {name: value for name, value in given.items() if not name.startswith(("egov_", "ansible_"))}
    before, after = (rendered({}, {}, **{name: {name: value} for name in given}) for value in (1, 2))
    hosts = impact(before, after, ROOT / "playbooks" / "roles")

    assert "base_administrators" in given
    assert sorted(given) == [item.host for item in hosts]
    assert [] == [item.host for item in hosts if not (item.files or item.tasks)]
