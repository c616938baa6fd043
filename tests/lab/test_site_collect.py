"""Collection from real hosts over SSH: what they have, what could not be had, and what the audit makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import TestLab
from egov.city import load
from egov.facts import Listener, PackageState
from egov.facts.store import read_table

pytestmark = pytest.mark.lab


def collected(lab: TestLab, evidence: Path, *words: str, code: int) -> dict[str, str]:
    """Collect into *evidence* and return each host's status."""
    where = ("--lab", lab.name, "--evidence", str(evidence), "--format", "json")
    found = json.loads(lab.egov("collect", "hosts", *words, *where, code=code))
    return {host["host"]: host["status"] for host in found["hosts"]}


def findings(lab: TestLab, evidence: Path, check: str) -> dict[str, dict[str, Any]]:
    """Return the findings of one check by subject, whatever they are."""
    with lab.start("audit", check, "--evidence", str(evidence), "--format", "json") as process:
        output, _ = process.communicate(timeout=120)
    return {finding["subject"]["id"]: finding for finding in json.loads(output)["findings"]}


def test_every_host_is_read_in_full_and_left_as_it_was(site: TestLab, tmp_path: Path) -> None:
    """All hosts answer in full; packages and listeners are the ones they have; no file of theirs changes."""
    before = {host: site.document(host) for host in site.states()}

    statuses = collected(site, tmp_path, code=0)

    assert dict.fromkeys(site.states(), "ok") == statuses
    assert before == {host: site.document(host) for host in site.states()}
    seen: dict[str, set[str]] = {}
    for row in read_table(tmp_path, PackageState):
        assert isinstance(row, PackageState)
        seen.setdefault(row.host, set()).add(f"{row.name}\t{row.version}")
    has = {
        host: {line.replace(":amd64", "") for line in document["packages"].split("\n") if line}
        for host, document in before.items()
    }
    assert has == seen
    listening = {(row.host, row.port) for row in read_table(tmp_path, Listener) if isinstance(row, Listener)}
    assert {(host, 22) for host in has} <= listening


def test_what_cannot_be_had_is_recorded_as_such(site: TestLab, tmp_path: Path) -> None:
    """A host without power, one that hangs, one with another key, one that refuses: each is named, none is empty."""
    site.lab("kill", "witness1")
    site.lab("freeze", "dc-app2")
    pinned = site.paths.known_hosts.read_text("utf-8")
    addresses = {
        host.id: host.interfaces[0].address for host in load(Path(site.environment["EGOV_CITY"])).hosts.values()
    }
    lines = {line.split()[0]: line.partition(" ")[2] for line in pinned.splitlines()}
    swapped = pinned.replace(lines[addresses["bk-db1"]], lines[addresses["dc-db1"]])
    site.paths.known_hosts.write_text(swapped, "utf-8")
    site.ssh("bk-repo1", "mv .ssh/authorized_keys .ssh/away")
    hosts = ("witness1", "dc-app2", "bk-db1", "bk-repo1", "dc-app1")

    statuses = collected(site, tmp_path, *hosts, "--host-seconds", "6", code=3)
    found = findings(site, tmp_path, "undeclared-listener")

    site.paths.known_hosts.write_text(pinned, "utf-8")
    (site.root("bk-repo1") / "home/ops/.ssh/away").rename(site.root("bk-repo1") / "home/ops/.ssh/authorized_keys")
    site.lab("freeze", "dc-app2", "--thaw")
    site.lab("up", "witness1")
    wanted = ("unreachable", "timeout", "host-key-changed", "auth-failed", "ok")
    assert dict(zip(hosts, wanted, strict=True)) == statuses
    assert dict.fromkeys(hosts[:-1], "undetermined") == {host: found[host]["verdict"] for host in hosts[:-1]}
    assert found["dc-app1"]["verdict"] != "undetermined"


def test_what_nobody_declared_is_found(site: TestLab, tmp_path: Path) -> None:
    """On the departments' hosts as found, undeclared listeners and addresses are named; declared ones are not."""
    first, second = site.play("legacy.yml"), site.play("legacy.yml")
    assert (0, 0, frozenset()) == (first.code, second.code, second.changed), first.output + second.output
    collected(site, tmp_path, code=0)

    listeners = findings(site, tmp_path, "undeclared-listener")
    hosts = findings(site, tmp_path, "undeclared-host")

    undeclared = {
        host: found["facts"]["undeclared"] for host, found in listeners.items() if found["verdict"] == "violation"
    }
    assert {
        "dept-dangan1": ["3128/tcp tinyproxy"],
        "dept-fangchan1": ["8000/tcp nginx"],
        "dept-minzheng1": ["8080/tcp nginx"],
    } == undeclared
    assert hosts["lan-minzheng"]["facts"]["undescribed"] == ["192.168.1.66"]
