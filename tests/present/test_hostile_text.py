"""Text from outside: whatever somebody wrote into a name or a ledger, it stays text in every form."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from build import Build, decision
from forms import cell_types, csv_rows, page, sheets
from reports import report_of

from egov.present.report import as_csv, as_page, as_text, as_workbook
from egov.present.rows import Report
from egov.present.tables import clean

FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    '=HYPERLINK("http://x","y")',
]
MARKUP = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onclick='x",
    "</table><h1>符合</h1>",
    "{{ 7 * 7 }}",
    "&lt;b&gt;",
]
TERMINAL = ["\x1b[2J\x1b[H", "\x1b]0;x\x07", "a\u202eb", "a\u200bb", "a\rb", "a\nb 符合", "\x9b1m", "[red]x[/red]"]
PLAIN = "某系统"


def report(text: str, *, exempt: bool = True) -> Report:
    """Return an audit that says *text* as a name, in a ledger, as a source and, if exempt, as a decision's number."""
    build = Build()
    build.system("s1", name_zh=text, frequency="daily", function=text)
    build.record(None, name_zh=text, ledger=text)
    build.room("r1", name_zh=text)
    build.survey("r1", 25.0)
    build.rows[:] = [replace(row, source=text) for row in build.rows]
    granted = decision("register-total", "departments", "a", document=text)
    return report_of(build, "register-total", *([granted] if exempt else []))


@pytest.mark.parametrize("text", [*FORMULAS, *MARKUP, *TERMINAL])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_workbook_has_no_formula(text: str, lang: str) -> None:
    """Every cell of a workbook is text or a number, with the text in it as it is told elsewhere."""
    raw = as_workbook(report(text), lang)
    cells = [cell for rows in sheets(raw).values() for row in rows for cell in row if isinstance(cell, str)]

    assert {"s", "n"} == cell_types(raw)
    assert any(clean(text).strip() in cell for cell in cells)


@pytest.mark.parametrize("text", [*FORMULAS, *MARKUP, *TERMINAL])
def test_a_csv_cell_is_no_formula(text: str) -> None:
    """No cell begins as a formula does; one that would is marked as text with an apostrophe and else unchanged."""
    (row,) = csv_rows(as_csv(report(text), "zh").encode())

    assert not [cell for cell in row.values() if cell.startswith(tuple("=+-@＝＋－＠\t\r\n"))]
    assert row["证据及提供者"] in {clean(text), f"'{clean(text)}"}


@pytest.mark.parametrize("text", [*FORMULAS, *MARKUP, *TERMINAL])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_page_has_the_same_tags_whatever_names_say(text: str, lang: str) -> None:
    """A page built of hostile names has exactly the tags and attributes of one built of plain names, and shows them."""
    hostile, plain = page(as_page(report(text), lang).encode()), page(as_page(report(PLAIN), lang).encode())

    assert Counter(plain.tags) == Counter(hostile.tags)
    assert any(clean(text).strip() in shown for shown in hostile.texts)


@pytest.mark.parametrize("text", [*FORMULAS, *MARKUP, *TERMINAL])
def test_a_terminal_is_told_nothing_but_text(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves the cursor, hides or reverses text, or begins a line of its own; brackets are no markup."""
    monkeypatch.setenv("COLUMNS", "1000")  # nothing is broken for want of room
    shown = as_text(report(text, exempt=False), "zh")

    assert {c for c in shown if not c.isprintable()} == {"\n"}
    assert len(as_text(report(PLAIN, exempt=False), "zh").splitlines()) == len(shown.splitlines())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("市民政局 (A-1)", "市民政局 (A-1)", id="plain"),
        pytest.param("a\r\nb\tc", "a  b c", id="lines-and-tabs"),
        pytest.param("\x1b[31m\x00", "\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}", id="control"),
        pytest.param("a\u202eb\u2028", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}", id="direction-and-line"),
        pytest.param("\ue863\U00020bb7", "\ue863\U00020bb7", id="rare-characters"),
        pytest.param("\ufffe\ud800", "\N{REPLACEMENT CHARACTER}" * 2, id="no-characters"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    """What could act on a screen becomes visible; rare characters of names, private use included, stay."""
    assert expected == clean(text)


def test_a_text_too_long_for_a_cell_says_so() -> None:
    """A workbook's cell holds 32,767 characters: a longer text is kept to that and ends in an ellipsis."""
    long = report(PLAIN)
    for finding in long.audit.findings:
        finding.facts["only_in_ledger"] = ["系" * 40_000]  # type: ignore[index]

    cells = [cell for rows in sheets(as_workbook(long, "zh")).values() for row in rows for cell in row]

    assert 32_767 == max(len(cell) for cell in cells if isinstance(cell, str))
    assert any(isinstance(cell, str) and cell.endswith("系…") for cell in cells)
