"""A city adds a check of its own: one function, one entry in its mandate, one file of words; nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from build import AS_OF, Build, Component

from egov.checks import Judgement, audit, bindings, check, checks, judge, registry
from egov.city import Host
from egov.city.fields import Part
from egov.errors import DescriptionError
from egov.facts import Facts, Listener
from egov.mandate import mandate
from egov.present import words

DUTIES = """\
documents:
  - {id: rule-9, number: 葫信〔2018〕9号, title: 明文协议清理, issuer: 市信息办, issued_on: 2018-03-01}
duties:
  - id: R90
    document: rule-9
    clause: 第三条
    title_zh: 明文协议
    summary_en: No host offers a protocol without encryption.
    checkable: listeners on the ports of such protocols
    serves: [audit]
    deadlines: [{day: 2018-06-30}]
    checks:
      - {check: plain-protocol, parameters: {ports: [21/tcp, 23/tcp]}, reason: FTP and Telnet}
"""
TEXTS = """\
plain-protocol:
  title: {zh: 明文协议, en: Protocols without encryption}
  none-offered: {zh: "{subject}没有明文协议", en: "{subject} offers none"}
  offered: {zh: "{subject}提供明文协议：{which}", en: "{subject} offers {which}"}
  remedy:
    offered: {zh: 停用该服务, en: Stop the service}
"""


class Plain(Part):
    """Ports of protocols without encryption."""

    ports: tuple[str, ...]


def plain_protocol(host: Host, facts: Facts, p: Plain) -> Judgement:
    """No listener on a port of a protocol without encryption."""
    rows = [row for row in facts.snapshot(Listener, host) if f"{row.port}/{row.protocol}" in p.ports]
    return judge(not rows, cites=rows, which=sorted(f"{row.port}/{row.protocol}" for row in rows))


@contextmanager
def added(folder: Path) -> Iterator[Path]:
    """Yield *folder* as a city's that adds the check; checks and words are as before afterwards."""
    checks()  # finds the package's own before the list is replaced
    (folder / "mandate").mkdir()
    (folder / "mandate" / "9-own.yml").write_text(DUTIES, encoding="utf-8")
    (folder / "own.yml").write_text(TEXTS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_CHECKS", dict(registry._CHECKS))
        patch.setattr(words, "_EXTRA", list(words._EXTRA))
        check("plain-protocol", of=Host, outcomes=("none-offered", "offered"))(plain_protocol)
        words.add(folder / "own.yml")
        yield folder
    words._texts.cache_clear()


@pytest.fixture
def hosts() -> Build:
    """Return a host with Telnet, one without, and one nobody collected."""
    build = Build()
    build.system("s1", components=(Component(name="old", host="h1", listens=("23/tcp",)),))
    for number in (1, 2, 3):
        build.host(f"h{number}", f"10.0.0.{number}")
    build.covered("h1", Listener)
    build.listens("h1", "23/tcp")
    build.covered("h2", Listener)
    build.listens("h2", "22/tcp")
    return build


def test_a_check_from_outside_is_run_worded_and_due(tmp_path: Path, hosts: Build) -> None:
    """The runner gives it order, due day and "undetermined"; its own file gives it words in both languages."""
    with added(tmp_path) as folder:
        found = audit(hosts.facts(), mandate(folder)).findings
        told = [(words.sentence(f, hosts.city(), "zh"), words.remedy(f, "zh")) for f in found]
        english = words.sentence(found[0], hosts.city(), "en")

    assert [(f.duty, f.subject.id, f.verdict, f.outcome) for f in found] == [
        ("R90", "h1", "violation", "offered"),
        ("R90", "h2", "pass", "none-offered"),
        ("R90", "h3", "undetermined", "undetermined"),
    ]
    assert {str(f.due) for f in found} == {"2018-06-30"}
    assert told == [
        ("h1提供明文协议：23/tcp", "停用该服务"),
        ("h2没有明文协议", ""),
        ("h3无法判定，缺少：主机监听端口采集", "补充：主机监听端口采集"),
    ]
    assert english == "h1 offers 23/tcp"


def test_a_check_from_outside_lies_idle_until_a_duty_names_it(tmp_path: Path, hosts: Build) -> None:
    """Under a mandate that does not know it, it is the one idle check and asked for by name it finds nothing."""
    sample = mandate(Path(__file__).parents[2] / "inventory" / "huludao")
    with added(tmp_path):
        idle = checks().keys() - {bound.name for _, bound, _ in bindings(sample, AS_OF)}
        found = audit(hosts.facts(), sample, only=["plain-protocol"]).findings

    assert (idle, found) == ({"plain-protocol"}, ())


def test_a_mandate_may_not_name_a_check_that_is_not_there(tmp_path: Path, hosts: Build) -> None:
    """Once the check is gone its entry in the mandate is refused at its place, and its words are gone as well."""
    with added(tmp_path) as folder:
        law = mandate(folder)

    with pytest.raises(DescriptionError) as caught:
        audit(hosts.facts(), law)

    assert [(p.file, p.line, p.col, p.code) for p in caught.value.problems] == [("mandate/9-own.yml", 13, 17, "E401")]
    assert words.title("plain-protocol", "zh") == "plain-protocol"
