"""A system closed off on a real router: who still calls is dropped, named, and keeps the system from being removed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from casefile import Keys, write_case

from conftest import CITY, TestLab, described_by

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
def closed_off(tmp_path: Path, signing_key: Keys) -> Path:
    """Return a description with a retirement whose system is closed off as `egov case quarantine` says."""
    folder = Path(shutil.copytree(CITY, tmp_path / "huludao"))
    steps = [(step, {}) for step in ("open", "notify", "quarantine")]
    write_case(folder, "retirement", steps, signing_key, CASE, SCOPE)
    words = ["egov", "case", "quarantine", CASE, "--until", "2027-01-31", "--city", str(folder)]
    change = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    replaced = {line.split()[4] for line in change.splitlines() if line.startswith("# in place of")}
    for path in (folder / "networks").glob("*.yml"):
        data = yaml.safe_load(path.read_text("utf-8"))
        if "flows" in data:
            data["flows"] = [flow for flow in data["flows"] if flow["id"] not in replaced]
            path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    (folder / "networks" / "flows-held.yml").write_text(f"flows:\n{change}", "utf-8")
    return folder


def test_a_system_that_is_closed_off_names_who_still_calls(
    new_lab: Callable[..., TestLab], closed_off: Path, tmp_path: Path
) -> None:
    """The router drops the call and remembers it; the case says who, and the decision to remove is refused."""
    lab = new_lab("quarantine")
    lab.lab("up", CALLER, ROUTER)
    evidence = ("--evidence", str(tmp_path / "evidence"))
    case = (*evidence, "--city", str(closed_off))
    tags = ("--tags", "base,extranet_router,zone_firewall")
    play = ("site.yml", "-i", described_by(closed_off), "--limit", ROUTER, *tags)
    built = lab.play(*play)
    assert built.code == 0, built.output

    lab.ssh(CALLER, f"python3 -c '{CALL}'")
    lab.egov("collect", "hosts", ROUTER, "--lab", lab.name, *evidence)
    seen = lab.egov("case", "watch", *case, code=1)
    with lab.start("case", "step", CASE, "decide", "--by", "x", "--document", "函1", *case) as process:
        _, refusal = process.communicate(timeout=120)

    assert [f"{CASE} {SYSTEM} 2018-05-04: 192.168.10.20 (refused"] == [
        line.partition(",")[0] for line in seen.splitlines()
    ]
    assert 4 == process.returncode
    assert f"{SYSTEM} was called after 2018-05-04 by 192.168.10.20 (refused" in refusal
    assert 1 == lab.ssh(ROUTER, "sudo nft list set inet egov calls4").count(" . 10.211.128.170 . ")
    again = lab.play(*play)
    assert (0, frozenset()) == (again.code, again.changed), again.output
