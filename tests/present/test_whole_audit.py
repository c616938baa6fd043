"""One small audit, printed whole: what a person sees in the terminal and a spreadsheet reads from the CSV."""

from __future__ import annotations

import hashlib

import pytest
from build import Build, decision
from reports import report_of

from egov.present.report import as_csv, as_text, rendered
from egov.present.rows import Report

HEAD_ZH = """\
测试市 · 政务信息系统整合共享审计报告
截至日期 2018-12-31 · 描述的提交 0123456789ab · 证据封存号 3
证据摘要 eeeeeeeeeeeeeeee · 参数摘要 pppppppppppppppp

条目  检查      疑点  无法判定  经批准例外  符合
R20   机房面积  1     2         1           1

疑点 (1)
  R20 五(四)2 机房面积
    甲机房面积 25.5 m²（使用面积），超过上限 20 m²

无法判定 (2)
  R20 五(四)2 机房面积: 缺少 机房实测记录 (1)
    丁机房
  R20 五(四)2 机房面积: 缺少 按使用面积的实测记录 (1)
    戊机房

本报告列出疑点，不作结论；结论由人核实后作出。
"""
HEAD_EN = """\
Test · Audit of government information systems
as of 2018-12-31 · commit of the description 0123456789ab
seal of the evidence 3 · hash of the evidence eeeeeeeeeeeeeeee
hash of the parameters pppppppppppppppp

duty  check      concern  undetermined  exempt  pass
R20   Room area  1        2             1       1

Concerns (1)
  R20 五(四)2 Room area
    a measures 25.5 m² (usable area), over the cap of 20 m²

Undetermined (2)
  R20 五(四)2 Room area: missing a survey of the room (1)
    d
  R20 五(四)2 Room area: missing a survey of its usable area (1)
    e

This report lists concerns, not verdicts; people verify and decide.
"""


@pytest.fixture
def report() -> Report:
    """Return the audit of five rooms: over the cap, within it, exempt, not measured, measured in the wrong way."""
    build = Build()
    build.department("a", inner_network=None)
    for room, name in {"a": "甲机房", "b": "乙机房", "c": "丙机房", "d": "丁机房", "e": "戊机房"}.items():
        build.room(room, name_zh=name)
    build.survey("a", 25.5)
    build.survey("b", 20)
    build.survey("c", 22)
    build.survey("e", 22, kind="built")
    return report_of(build, "room-area", decision("room-area", "rooms", "c", upper=22), max_area_m2=20.0)


@pytest.mark.parametrize(("lang", "expected"), [("zh", HEAD_ZH), ("en", HEAD_EN)])
def test_the_terminal(report: Report, lang: str, expected: str) -> None:
    """What it rests on, counts by check, the concerns, what is missing and of whom, and that people decide."""
    assert expected == as_text(report, lang)


def test_the_csv(report: Report) -> None:
    """A line per finding with a byte order mark, CRLF, and the same columns in every line."""
    fingerprint = hashlib.sha256(b"room-area\0rooms\0c").hexdigest()[:16]
    marked, *lines = as_csv(report, "zh").split("\r\n")

    assert marked == (
        "\N{ZERO WIDTH NO-BREAK SPACE}条目,条款,检查,责任部门,对象类别,编号,对象,结论,情形,说明,缺少,整改建议,"
        "期限,事项,观测日期,证据及提供者,指纹,截至日期,描述提交,封存,参数摘要"
    )
    assert lines[2] == (
        "R20,五(四)2,机房面积,a局,机房,c,丙机房,经批准例外,over-cap,"
        "丙机房面积 22 m²（使用面积），超过上限 20 m²（经批准例外：葫信组〔2018〕1号，至 2020-12-31）,,,,exempt-c,"
        f"2018-12-31,test,{fingerprint},2018-12-31,0123456789ab,3,pppppppppppppppp"
    )
    assert (6, "") == (len(lines), lines[-1])


def test_no_concern_is_said_too() -> None:
    """An audit that finds nothing says so instead of leaving the place empty."""
    build = Build()
    build.room("r1")
    build.survey("r1", 20)
    report = report_of(build, "room-area", max_area_m2=20.0)

    assert "\n无疑点\n" in as_text(report, "zh")
    assert "\nNo concern\n" in str(rendered(report, "table", "en"))
