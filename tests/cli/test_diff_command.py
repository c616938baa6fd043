"""`egov diff`: the hosts, files and restarts a change will touch, and commands that do and undo exactly that."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Egov = Callable[..., Any]
HOSTS = "inventory/huludao/hosts/data-centre.yml"
SPARE = """
  - id: spare1
    department: dashuju
    site: backup
    zone: backup
    os: debian-12
    interfaces:
      - {name: mgmt0, prefix: mgmt, address: 10.211.0.99}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a git repository with the sample city and the playbooks, committed."""
    shutil.copytree(ROOT / "inventory" / "huludao", tmp_path / "inventory" / "huludao")
    shutil.copytree(ROOT / "playbooks" / "roles", tmp_path / "playbooks" / "roles")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EGOV_CITY", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    git("init", "-q")
    commit("Describe the city")
    return tmp_path


def git(*words: str) -> None:
    """Run git, independent of who runs the tests."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


def commit(message: str) -> None:
    """Commit everything."""
    git("add", "-A")
    git("commit", "-q", "-m", message)


def change(file: str, old: str, new: str) -> None:
    """Replace a piece of a file that must be there once at least."""
    path = Path(file)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.usefixtures("repository")
def test_nothing_changed(egov: Egov) -> None:
    """Without a change, or with one that no host knows of, nothing is touched and nothing is to be run."""
    first = egov("diff")
    change("inventory/huludao/systems/platform.yml", "name_zh: ", "name_zh: 新")
    second = egov("diff", "HEAD", "--format", "json")

    assert (0, "no host is touched\n") == (first.exit_code, first.stdout)
    assert {"rev": "HEAD", "hosts": [], "flows": [], "commands": {}} == json.loads(second.stdout)


@pytest.mark.usefixtures("repository")
def test_a_changed_contact(egov: Egov) -> None:
    """A department's new contact changes two files on its hosts, restarts nothing, and can be undone."""
    change("inventory/huludao/departments.yml", 'phone: "0429-0000117"', 'phone: "0429-0000999"')

    result = egov("diff", "HEAD")

    assert (0, "") == (result.exit_code, result.stderr)
    assert result.stdout == (
        "changed: dept-minzheng1\n"
        "  file     /etc/issue.net\n"
        "  file     /etc/motd\n"
        "\n"
        "check  ansible-playbook playbooks/site.yml --limit dept-minzheng1,localhost --check --diff\n"
        "apply  ansible-playbook playbooks/site.yml --limit dept-minzheng1,localhost\n"
        "undo   git restore --source HEAD -- inventory/huludao && "
        "ansible-playbook playbooks/site.yml --limit dept-minzheng1,localhost\n"
    )


@pytest.mark.usefixtures("repository")
def test_a_change_of_all_hosts(egov: Egov) -> None:
    """What every host has is applied to the whole site, with the service that restarts."""
    change("inventory/huludao/administrators.yml", "{id: zhiban, ", "{id: zhiban2, ")

    found = json.loads(egov("diff", "--format", "json").stdout)

    assert {"ssh.service"} == {unit for host in found["hosts"] for unit in host["restarts"]}
    assert all("/etc/sudoers.d/city" in host["files"] for host in found["hosts"])
    assert found["commands"] == {
        "check": "ansible-playbook playbooks/site.yml --check --diff",
        "apply": "ansible-playbook playbooks/site.yml",
        "undo": "git restore --source HEAD -- inventory/huludao && ansible-playbook playbooks/site.yml",
    }


@pytest.mark.usefixtures("repository")
def test_hosts_that_come_and_go(egov: Egov) -> None:
    """No command names a host that the description it runs with does not have."""
    path = Path(HOSTS)
    path.write_text(path.read_text("utf-8") + SPARE, encoding="utf-8")
    added = json.loads(egov("diff", "--format", "json").stdout)
    commit("Add a host")
    git("rm", "-q", "--cached", "-r", ".")
    git("checkout", "-q", "HEAD~1", "--", HOSTS)
    removed = json.loads(egov("diff", "HEAD", "--format", "json").stdout)

    assert [("spare1", "added")] == [(host["host"], host["state"]) for host in added["hosts"]]
    assert "/etc/motd" in added["hosts"][0]["files"]
    assert added["commands"] == {
        "check": "ansible-playbook playbooks/site.yml --limit spare1,localhost --check --diff",
        "apply": "ansible-playbook playbooks/site.yml --limit spare1,localhost",
        "undo": "git restore --source HEAD -- inventory/huludao",
    }
    assert [("spare1", "removed")] == [(host["host"], host["state"]) for host in removed["hosts"]]
    assert removed["commands"] == {
        "undo": "git restore --source HEAD -- inventory/huludao"
        " && ansible-playbook playbooks/site.yml --limit spare1,localhost"
    }


def test_the_undo_undoes(repository: Path, egov: Egov) -> None:
    """The command to undo, run up to its playbook, leaves nothing to apply."""
    change("inventory/huludao/departments.yml", 'phone: "0429-0000117"', 'phone: "0429-0000999"')
    commit("Change a contact")
    undo = json.loads(egov("diff", "HEAD~1", "--format", "json").stdout)["commands"]["undo"]

    subprocess.run(shlex.split(undo.partition(" && ")[0]), check=True, cwd=repository)

    assert egov("diff", "HEAD~1").stdout == "no host is touched\n"


@pytest.mark.usefixtures("repository")
def test_changes_nothing(egov: Egov) -> None:
    """Comparing leaves the working tree and the index as they are."""
    change("inventory/huludao/administrators.yml", "{id: zhiban, ", "{id: zhiban2, ")
    before = subprocess.run(["git", "status", "--porcelain"], capture_output=True, check=True).stdout

    egov("diff", "HEAD")

    assert before == subprocess.run(["git", "status", "--porcelain"], capture_output=True, check=True).stdout


@pytest.mark.usefixtures("repository")
def test_a_revision_that_is_not_valid_is_named(egov: Egov) -> None:
    """A comparison with a broken description says that the old one is at fault, not the new one."""
    change("inventory/huludao/city.yml", "name_zh: 葫芦岛市", "name_xx: 葫芦岛市")
    commit("Break it")
    change("inventory/huludao/city.yml", "name_xx: 葫芦岛市", "name_zh: 葫芦岛市")

    result = egov("diff", "HEAD")

    assert (2, "") == (result.exit_code, result.stdout)
    assert "the description at HEAD is not valid, so nothing can be compared with it: city.yml:" in result.stderr
