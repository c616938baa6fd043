"""Tables and paragraphs on a terminal: nothing wider than it, ids whole, Chinese broken where it may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from egov.present.tables import flow, paragraph, table

TEXT = st.text(st.sampled_from("市民政局机房，。（）「」abc-1 /:²"), max_size=120)


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test a terminal of 40 columns."""
    monkeypatch.setenv("COLUMNS", "40")


def test_ids_stay_whole_and_text_is_folded() -> None:
    """The column to copy from is on one line; the text beside it takes as many as it needs."""
    rows = [("room-xingzheng", "行政中心A座合用机房（一层）", "2018-05-16"), ("room-dc", None, 3)]

    assert table(("编号", "名称", "日期"), rows) == (
        "编号            名称          日期\n"
        "room-xingzheng  行政中心A座   2018-05-16\n"
        "                合用机房（一\n"
        "                层）\n"
        "room-dc                       3\n"
    )


def test_too_many_columns_are_folded_from_the_right() -> None:
    """Where not even the ids have room, the first ones keep their line longest."""
    rows = [("rectification-r1-18", "rectifying", "room-minzheng")]

    assert table(("case", "state", "subject"), rows) == (
        "case                 state     subject\n"
        "rectification-r1-18  rectifyi  room-minz\n"
        "                     ng        heng\n"
    )


def test_a_table_without_rows_has_its_headings() -> None:
    """Nothing found is a table with its headings, not an error."""
    assert table(("run", "rows"), []) == "run  rows\n"


def test_chinese_is_broken_anywhere_but_before_a_mark() -> None:
    """A line is full, no punctuation mark begins one, and no number or word is torn."""
    text = "仅保留网络接入设备，原则上每个部门保留1个机房且不超过20平方米，可统一使用 1 个 room"

    assert paragraph(text, indent=2) == (
        "  仅保留网络接入设备，原则上每个部门保留\n    1个机房且不超过20平方米，可统一使用\n    1 个 room\n"
    )


@given(text=TEXT, indent=st.integers(0, 8), hanging=st.integers(0, 8))
def test_a_paragraph_fits_and_loses_nothing(text: str, indent: int, hanging: int) -> None:
    """Whatever the text, no line is wider than the terminal, and all of it but spaces is there in order."""
    lines = paragraph(text, indent, hanging).splitlines()

    assert all(cell_len(line) <= 40 for line in lines)
    assert "".join(text.split()) == "".join("".join(lines).split())


def test_items_are_kept_together() -> None:
    """Short items follow one another; a line ends between two of them only."""
    assert flow(["commit 0123456789ab", "seal 3", "evidence eeeeeeeeeeeeeeee"]) == (
        "commit 0123456789ab · seal 3\n  evidence eeeeeeeeeeeeeeee\n"
    )
