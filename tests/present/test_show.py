"""`egov show`: a kind, an object with the place of every value, a duty from its words to its cases."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from sample import ARGUMENTS, CITY

from egov.city import load
from egov.city.load import kinds
from egov.mandate import mandate
from egov.present.show import object_data

Egov = Callable[..., Any]


@pytest.fixture(scope="session")
def show(egov: Egov, evidence: Path) -> Callable[..., str]:
    """Return a function that runs `egov show` on the sample city and returns what it prints; exit code 0."""

    @cache
    def run(*words: str) -> str:
        result = egov("show", *words, *ARGUMENTS[:4], "--evidence", evidence)

        assert (0, "") == (result.exit_code, result.stderr)
        return str(result.stdout)

    return run


@cache
def lines(file: str) -> list[str]:
    """Return the lines of a file of the description."""
    return (CITY / file).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("kind", kinds())
def test_every_value_stands_where_it_is_said_to(kind: str) -> None:
    """File, line and column of a value lead to that value in the file, for every object of the kind."""
    city = load(CITY)
    wrong = []
    for item_id in getattr(city, kind):
        data = object_data(CITY, city, kind, item_id)
        for value in data["values"]:
            text = lines(value["file"])[value["line"] - 1][value["col"] - 1 :].lstrip("\"'")
            said = str(value["value"]).lower() if isinstance(value["value"], bool) else str(value["value"])
            if not text.startswith(said):
                wrong.append((item_id, value, text[:40]))

    assert getattr(city, kind)
    assert wrong == []


def test_a_kind_as_data(show: Callable[..., str]) -> None:
    """Every object of the kind with its fields and its place, in the order of the files."""
    found = json.loads(show("systems", "--format", "json"))
    city = load(CITY)

    assert list(city.systems) == [item["id"] for item in found]
    for item in found:
        line = lines(item["file"])[item["line"] - 1]

        assert re.search(rf"id: {item['id']}\b", line), item
        assert item["department"] in city.departments


def test_an_object_as_data(show: Callable[..., str]) -> None:
    """A room with each value's place, and all that refers to it."""
    found = json.loads(show("room-minzheng", "--format", "json"))
    values = {value["field"]: value["value"] for value in found["values"]}

    assert ("rooms", "room-minzheng", "sites/rooms.yml") == (found["kind"], found["id"], found["file"])
    assert ["minzheng"] == [value for field, value in values.items() if field.startswith("departments.")]
    assert {"kind": "devices", "id": "dev-minzheng1", "field": "room"} in found["used_by"]


def test_an_object_as_text(show: Callable[..., str]) -> None:
    """A person reads the same: value and place side by side, then what uses it."""
    text = show("room-xingzheng", "--lang", "zh")

    assert text.startswith("机房 room-xingzheng  sites/rooms.yml:14\n")
    assert re.search(r"^merge\.document +葫机管发〔2018〕21号 +sites/rooms\.yml:15:24$", text, re.MULTILINE)
    assert re.search(r"^devices +dev-xingzheng-srv1 +room$", text, re.MULTILINE)


def test_a_duty_on_one_screen(show: Callable[..., str]) -> None:
    """R20 from quotation through checks, parameters and facts to findings and cases."""
    text = show("R20", "--lang", "zh")
    flat = "".join(text.split())
    duty = mandate(CITY).duties["R20"]
    order = [
        "R20 葫政办发〔2017〕211号 五(四)2",
        "「仅保留网络接入设备及局域网政务信息系统",
        "期限: 2018-12-31",
        "机房面积 (room-area) max_area_m2=20, area_kind=usable",
        "合用机房面积 (room-area-shared) max_area_m2=null",
        "依据的事实: AssetRecord, RoomSurvey",
        "台账: 疑点 ",
        "民政局机房面积 20.01 m²（使用面积），超过上限 20 m²",
        "rectification-room-minzheng-2018 room-minzheng rectifying",
    ]
    places = [flat.find("".join(words.split())) for words in order]

    assert -1 not in places
    assert places == sorted(places)
    for binding in duty.checks:
        assert "".join(binding.reason.split()) in flat


def test_a_duty_as_data(show: Callable[..., str]) -> None:
    """The same for scripts: words, checks, findings in their published form, cases."""
    found = json.loads(show("R20", "--format", "json"))

    assert ("五(四)2", "葫政办发〔2017〕211号") == (found["clause"], found["document_number"])
    assert {"room-area", "room-count", "room-merge", "room-contents", "room-area-shared"} == {
        check["check"] for check in found["checks"]
    }
    assert {"R20"} == {finding["duty"] for finding in found["findings"]}
    assert "rectification-room-minzheng-2018" in {case["id"] for case in found["cases"]}
    assert {"RoomSurvey", "AssetRecord"} == set(found["facts"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_duty_without_checks_says_why(show: Callable[..., str], lang: str) -> None:
    """A duty that nothing checks shows its words and the reason."""
    text = show("R32", "--lang", lang)

    assert {"zh": "未设检查的条目", "en": "Duties without a check"}[lang] in text
    assert "docs/duties.md" in text


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("what", [*kinds(), "R13", "R18", "R20", "R22", "R32", "room-xingzheng", "dc-app1", "minzheng"])
def test_80_columns_are_enough(show: Callable[..., str], what: str, lang: str) -> None:
    """Nothing shown is wider than the terminal or cut off."""
    shown = show(what, "--lang", lang).splitlines()

    assert [line for line in shown if cell_len(line) > 80] == []
    assert [line for line in shown if "…" in line] == []


@pytest.mark.parametrize(
    ("what", "near"),
    [("room-minzhen", "room-minzheng"), ("sytems", "systems"), ("R200", "R20"), ("dept-minzheng", "dept-minzheng1")],
)
def test_a_mistyped_name_is_answered_with_the_nearest(egov: Egov, what: str, near: str) -> None:
    """What names nothing is exit 2, with what was probably meant."""
    result = egov("show", what, *ARGUMENTS[:2])

    assert (2, "") == (result.exit_code, result.stdout)
    assert f"no kind, object or duty {what}; did you mean {near}?" in result.stderr
