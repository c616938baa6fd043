"""The whole site on real hosts: predicted, applied, repeated, interrupted, partial. One lab, in this order.

Everything is judged twice: by what Ansible reports, and by the hosts' files, packages and units seen from outside.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import CITY, Play, TestLab, described_by

pytestmark = pytest.mark.lab
SITE = "site.yml"
CONTROLLER = "localhost"
HEALTHY = "Be in good health before the next batch"  # the last task of a host


def documents(lab: TestLab) -> dict[str, dict[str, str]]:
    """Return every host's document, seen from outside."""
    return {host: lab.document(host) for host in lab.states()}


@pytest.fixture(scope="module")
def provisioned(site: TestLab) -> tuple[TestLab, Play, Play]:
    """Return the site's lab with what --check predicted on bare hosts, and what the first run changed."""
    predicted = site.play(SITE, "--check")
    return site, predicted, site.play(SITE)


def test_check_on_bare_hosts_predicts_the_first_run(provisioned: tuple[TestLab, Play, Play]) -> None:
    """On hosts as they come, --check names exactly the tasks and hosts that the real run then changes."""
    lab, predicted, first = provisioned

    assert (0, 0) == (predicted.code, first.code), predicted.output + first.output
    assert predicted.changed == first.changed
    assert set(lab.states()) == {host for host, _, _ in first.changed}


def test_the_second_run_changes_nothing(provisioned: tuple[TestLab, Play, Play]) -> None:
    """changed=0 on every host, and no file, package or unit differs before and after."""
    lab = provisioned[0]
    before = documents(lab)

    second = lab.play(SITE)

    assert (0, frozenset()) == (second.code, second.changed), second.output
    assert set(lab.states()) <= second.hosts
    assert before == documents(lab)
    assert {"running"} == set(lab.states().values())


ASK_ENDPOINT = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/haproxy/admin.sock'); "
    "s.sendall(b'show stat\\n'); print(s.makefile().read())"
)


def test_the_database_and_its_copies_stand(provisioned: tuple[TestLab, Play, Play]) -> None:
    """One run made a leader, a copy that commits wait for, endpoints that lead to it, backups in both places."""
    lab = provisioned[0]
    members = json.loads(lab.ssh("dc-db1", "sudo patronictl -c /etc/patroni/config.yml list -f json"))
    (leader,) = [member["Member"] for member in members if member["Role"] == "Leader"]
    backups = json.loads(lab.ssh("bk-repo1", "sudo -u postgres pgbackrest info --output=json"))
    asked = {host: lab.ssh(host, f'sudo python3 -c "{ASK_ENDPOINT}"') for host in ("dc-app1", "dc-app2")}
    up = {
        (host, server)
        for host, answer in asked.items()
        for proxy, server, *figures in (line.split(",") for line in answer.splitlines() if "," in line)
        if proxy == "write" and server in {"dc-db1", "bk-db1"} and "UP" in figures
    }

    assert ["Leader", "Sync Standby"] == sorted(member["Role"] for member in members)
    assert {(host, leader) for host in asked} == up
    assert "full" in {backup["type"] for stanza in backups for backup in stanza["backup"]}
    assert json.loads(lab.ssh("bk-repo1", "sudo city-offsite list"))
    assert all(json.loads(lab.ssh("dc-mon1", f"sudo city-files list {place}")) for place in ("same-city", "off-site"))


def test_check_predicts_the_repair_of_a_hand_edit(provisioned: tuple[TestLab, Play, Play]) -> None:
    """Files edited by hand on one host: --check predicts exactly their repair, which the run does, then nothing."""
    lab = provisioned[0]
    before = lab.document("dc-app1")
    edits = "echo '# by hand' | sudo tee -a /etc/ssh/sshd_config.d/20-city.conf /etc/issue.net >/dev/null"
    lab.ssh("dc-app1", f"{edits}; sudo rm /etc/chrony/conf.d/city.conf; sudo chmod 600 /etc/rsyslog.d/50-city.conf")

    predicted = lab.play(SITE, "--check", "--limit", "dc-app1,dc-app2")
    repaired = lab.play(SITE, "--limit", "dc-app1,dc-app2")
    quiet = lab.play(SITE, "--check", "--limit", "dc-app1,dc-app2")

    tasks = {
        "Configure the SSH service",
        "Name owner and contact before and after login",
        "Keep time with the city's servers",
        "Forward logs to the archive, or receive them",
        "Restart chrony",
        "Restart rsyslog",
        "Reload SSH",
    }
    assert {("dc-app1", task) for task in tasks} == {
        (host, task.rpartition(" : ")[2]) for host, task, _ in repaired.changed
    }
    assert predicted.changed == repaired.changed
    assert frozenset() == quiet.changed
    assert before == lab.document("dc-app1")


@pytest.mark.drill
def test_without_the_accelerator_all_is_the_same(provisioned: tuple[TestLab, Play, Play]) -> None:
    """Ansible's own strategy changes nothing on what the accelerated runs made."""
    lab = provisioned[0]

    plain = lab.play(SITE, "--limit", "dc-app1,dc-mon1,fw1", accelerate=False)

    assert (0, frozenset()) == (plain.code, plain.changed), plain.output
    assert {"dc-app1", "dc-mon1", "fw1"} == plain.hosts - {CONTROLLER}


def test_one_host_down_leaves_the_run_partial(provisioned: tuple[TestLab, Play, Play]) -> None:
    """A host without power is named and left out; all others finish, and the run says that it was partial."""
    lab = provisioned[0]
    lab.lab("kill", "witness1")

    partial = lab.play(SITE)
    lab.lab("up", "witness1")

    assert partial.code != 0
    assert "partial: not reached and left as they were: witness1" in partial.output
    assert set(lab.states()) - {"witness1"} == partial.finished(HEALTHY)


def test_logs_arrive_at_the_archive(provisioned: tuple[TestLab, Play, Play]) -> None:
    """What a host logs stands in the archive under the host's address."""
    lab = provisioned[0]
    sent = f"egov-test-{os.getpid()}"
    lab.ssh("bk-repo1", f"logger -t test {sent}")

    found = "for n in $(seq 50); do sudo grep -rl %s /var/log/archive/ && exit 0; sleep 0.2; done; exit 1"
    place = lab.ssh("dc-mon1", found % sent)

    address = json.loads(lab.lab("status", "--format", "json"))
    assert next(host["address"] for host in address if host["host"] == "bk-repo1") in place


def test_a_template_in_the_description_is_refused(provisioned: tuple[TestLab, Play, Play], tmp_path: Path) -> None:
    """Text of the description that looks like a template ends the run before it is rendered or written anywhere."""
    lab = provisioned[0]
    city = tmp_path / "city"
    shutil.copytree(CITY, city)
    departments = city / "departments.yml"
    text = departments.read_text("utf-8")
    departments.write_text(text.replace("office: 运行保障科", 'office: "{{ 6 * 7 }}"'), "utf-8")

    refused = lab.play(SITE, "-i", described_by(city), "--check", "--limit", "dc-app1", "--tags", "base_configure")

    assert refused.code != 0
    assert "{{ 6 * 7 }}" in refused.output
    assert not [task for host, task, _ in refused.changed if "owner" in task]


def without_secrets(document: dict[str, str]) -> dict[str, str]:
    """Return a document without what keys and certificates say: each lab has an authority of its own."""
    return {name: what.rpartition(" ")[0] if "/tls/" in name else what for name, what in document.items()}


@pytest.mark.drill
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_in_the_middle_and_run_again(new_lab: Callable[[str], TestLab], seed: int) -> None:
    """SIGKILL at a random task on bare hosts, then one whole run: the same documents as an undisturbed run leaves."""
    lab = new_lab("broken")
    hosts = ["dc-app1", "dc-app2"]
    lab.lab("up", "dc-mon1", *hosts)
    record = lab.work / "killed.jsonl"
    tasks = random.Random(seed).randrange(10, 60)  # noqa: S311 - which task, no secret
    process = lab.start_play(SITE, record, "--limit", ",".join(hosts))
    with subprocess.Popen(["tail", "-F", "-q", "-n", "+1", str(record)], stdout=subprocess.PIPE, text=True) as follow:
        assert follow.stdout is not None
        for number, _ in enumerate(follow.stdout, 1):
            if number == tasks:
                break
        follow.kill()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()

    again = lab.play(SITE, "--limit", ",".join(hosts))
    killed = {host: without_secrets(lab.document(host)) for host in hosts}
    lab.lab("down")
    lab.lab("up", "dc-mon1", *hosts)
    undisturbed = lab.play(SITE, "--limit", ",".join(hosts))

    assert (0, 0) == (again.code, undisturbed.code), again.output + undisturbed.output
    assert {host: without_secrets(lab.document(host)) for host in hosts} == killed
    lab.lab("down")
