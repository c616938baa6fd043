"""A system closed off on a real router: who still calls is dropped, named, and keeps the system from being removed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from casefile import Keys, write_case

from conftest import CITY, TestLab

pytestmark = pytest.mark.lab
SYSTEM, CASE = "minzheng-jiuzhu", "retirement-r1"
CALLER, ROUTER = "dept-fangchan1", "acc-fangchan1"
SCOPE = {"check": "zombie", "subject_kind": "systems", "subject": SYSTEM, "department": "minzheng"}
# The address by which other departments know the system's host, and two of its ports.
CALL = """
import socket
for port in (80, 80, 22):
    with socket.socket() as link:
        link.settimeout(0.5)
        try:
            link.connect(("10.211.128.170", port))
        except OSError:
            pass
"""


@pytest.fixture
def lab(new_lab: Callable[..., TestLab], tmp_path: Path, signing_key: Keys) -> TestLab:
    """Return a client's host behind its router, in a city of its own where the system is about to be closed off."""
    folder = Path(shutil.copytree(CITY, tmp_path / "huludao"))
    write_case(
        folder, "retirement", [(step, {}) for step in ("open", "notify", "quarantine")], signing_key, CASE, SCOPE
    )
    found = new_lab("quarantine", folder)
    found.lab("up", CALLER, ROUTER)
    return found


def close_off(lab: TestLab) -> None:
    """Put the change that `egov case quarantine` prints into the description."""
    change = lab.egov("case", "quarantine", CASE, "--until", "2027-01-31")
    replaced = {line.split()[4] for line in change.splitlines() if line.startswith("# in place of")}
    for path in (lab.city / "networks").glob("*.yml"):
        data = yaml.safe_load(path.read_text("utf-8"))
        if "flows" in data:
            data["flows"] = [flow for flow in data["flows"] if flow["id"] not in replaced]
            path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    (lab.city / "networks" / "flows-held.yml").write_text(f"flows:\n{change}", "utf-8")


def test_a_system_that_is_closed_off_names_who_still_calls(lab: TestLab, tmp_path: Path) -> None:
    """The router drops the call and remembers it; the case says who, and the decision to remove is refused."""
    where = ("--evidence", str(tmp_path / "evidence"))
    close_off(lab)
    built = lab.play("site.yml", "--limit", ROUTER)
    assert built.code == 0, built.output

    lab.ssh(CALLER, f"python3 -c '{CALL}'")
    lab.egov("collect", "hosts", ROUTER, "--lab", lab.name, *where)
    seen = lab.egov("case", "watch", *where, code=1)
    with lab.start("case", "step", CASE, "decide", "--by", "x", "--document", "函1", *where) as process:
        _, refusal = process.communicate(timeout=120)

    assert [f"{CASE} {SYSTEM} 2018-05-04: 192.168.10.20 (refused"] == [
        line.partition(",")[0] for line in seen.splitlines()
    ]
    assert 4 == process.returncode
    assert f"{SYSTEM} was called after 2018-05-04 by 192.168.10.20 (refused" in refusal
    assert "10.211.128.170 . tcp . 80 counter packets 2" in lab.ssh(ROUTER, "sudo nft list set inet egov calls4")
    again = lab.play("site.yml", "--limit", ROUTER)
    assert (0, frozenset()) == (again.code, again.changed), again.output
