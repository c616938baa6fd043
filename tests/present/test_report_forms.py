"""One audit, five forms, two languages: all say the same, in words a person reads and a program can check."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from forms import VERDICTS, csv_rows, page, sheets
from rich.cells import cell_len
from sample import AS_OF, ROOT

Audited = Callable[[str, str], bytes]
LANGS = ("zh", "en")
# Sheets of a workbook, by language.
SHEETS = {"zh": ("汇总", "台账", "分部门", "口径"), "en": ("Summary", "Findings", "By department", "Method")}


@pytest.fixture(scope="session")
def data(audited: Audited) -> dict[str, Any]:
    """Return the audit as JSON."""
    found: dict[str, Any] = json.loads(audited("json", "zh"))
    return found


@pytest.fixture(scope="session")
def counts(data: dict[str, Any]) -> Counter[str]:
    """Return how many findings there are of each verdict."""
    return Counter(finding["verdict"] for finding in data["findings"])


def test_every_finding_has_the_published_form(data: dict[str, Any]) -> None:
    """Findings are what schema/finding.schema.json promises to scripts, and there are some of every verdict."""
    schema = json.loads((ROOT / "schema" / "finding.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())

    assert [] == [error.message for finding in data["findings"] for error in validator.iter_errors(finding)]
    assert {"violation", "pass", "undetermined", "exempt"} == {finding["verdict"] for finding in data["findings"]}


def test_the_schema_refuses_what_is_no_finding(data: dict[str, Any]) -> None:
    """The schema is not one that anything passes: a verdict nobody knows or a field too many is refused."""
    schema = json.loads((ROOT / "schema" / "finding.schema.json").read_text(encoding="utf-8"))
    for change in ({"verdict": "guilty"}, {"extra": 1}, {"fingerprint": "x"}, {"subject": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**data["findings"][0], **change}, schema)


def test_a_finding_is_traced_to_its_evidence(data: dict[str, Any]) -> None:
    """Every conclusion from evidence cites table, run, row and hash; what is undetermined says what is missing."""
    from_evidence = {"room-area", "room-area-shared", "room-contents", "register-total", "undeclared-listener"}
    for finding in data["findings"]:
        if finding["verdict"] == "undetermined":
            assert finding["missing"]
        elif finding["check"] in from_evidence and finding["outcome"] != "all-declared":
            assert finding["cites"]
            assert all(re.fullmatch("[0-9a-f]{64}", cite["sha256"]) and cite["run"] for cite in finding["cites"])


@pytest.mark.parametrize("lang", LANGS)
def test_every_form_has_every_finding(audited: Audited, data: dict[str, Any], counts: Counter[str], lang: str) -> None:
    """CSV, workbook and page list each finding once, with the verdict's word in the language asked for."""
    words = VERDICTS[lang]
    verdict = {"zh": "结论", "en": "verdict"}[lang]
    fingerprints = Counter(finding["fingerprint"][:16] for finding in data["findings"])

    lines = csv_rows(audited("csv", lang))
    headings, *cells = sheets(audited("xlsx", lang))[SHEETS[lang][1]]
    shown = [dict(attributes) for tag, attributes in page(audited("html", lang)).tags if tag == "tr"]

    assert counts == Counter(words[line[verdict]] for line in lines)
    assert counts == Counter(words[row[headings.index(verdict)]] for row in cells)
    assert counts == Counter(row["data-verdict"] for row in shown if "data-verdict" in row)
    assert fingerprints == Counter(line[{"zh": "指纹", "en": "fingerprint"}[lang]] for line in lines)


@pytest.mark.parametrize("lang", LANGS)
def test_the_terminal_counts_and_lists(audited: Audited, data: dict[str, Any], counts: Counter[str], lang: str) -> None:
    """The table gives the counts by check; each concern stands below, each open question under what it lacks."""
    text = audited("table", lang).decode()
    table = [line.split() for line in text.split("\n\n")[1].splitlines()[1:]]
    columns = [sum(int(line[n]) for line in table) for n in (-4, -3, -2, -1)]
    heading = {"zh": ("疑点", "无法判定"), "en": ("Concerns", "Undetermined")}[lang]

    assert columns == [counts[verdict] for verdict in ("violation", "undetermined", "exempt", "pass")]
    assert f"{heading[0]} ({counts['violation']})" in text
    assert f"{heading[1]} ({counts['undetermined']})" in text
    listed = sum(map(int, re.findall(r"\((\d+)\)$", text.partition(f"{heading[1]} (")[2], re.MULTILINE)))
    assert listed == counts["undetermined"]
    assert len(data["findings"]) == sum(counts.values())


def test_a_report_is_in_one_language(audited: Audited) -> None:
    """Sentences and remedies are in the language asked for; names in them stay as they are described."""
    han = re.compile(r"[\u4e00-\u9fff]")
    chinese, english = csv_rows(audited("csv", "zh")), csv_rows(audited("csv", "en"))

    assert all(han.search(row["说明"]) for row in chinese)
    assert all(han.search(row["整改建议"]) for row in chinese if row["整改建议"])
    assert not [row["remedy"] for row in english if han.search(row["remedy"])]
    assert [row["fingerprint"] for row in english] == [row["指纹"] for row in chinese]


@pytest.mark.parametrize("lang", LANGS)
def test_every_concern_says_what_to_do(audited: Audited, lang: str) -> None:
    """A concern without a remedy helps nobody; a pass has none."""
    remedy = {"zh": "整改建议", "en": "remedy"}[lang]
    verdict = {"zh": "结论", "en": "verdict"}[lang]
    rows = csv_rows(audited("csv", lang))
    found = {(VERDICTS[lang][row[verdict]], bool(row[remedy])) for row in rows}

    assert {("violation", True), ("undetermined", True), ("pass", False), ("exempt", False)} == found


@pytest.mark.parametrize("lang", LANGS)
def test_the_method_sheet(audited: Audited, data: dict[str, Any], lang: str) -> None:
    """口径: day, commit, seal, hashes, window of the evidence; how each check judges and why its numbers; every run."""
    on = data["provenance"]
    rows = [[cell for cell in row if cell is not None] for row in sheets(audited("xlsx", lang))[SHEETS[lang][3]]]
    basis = {row[0]: row[1] for row in rows[:9]}
    names = {
        "zh": ("截至日期", "证据封存号", "证据摘要", "参数摘要", "证据的观测日期", "描述的提交"),
        "en": ("as of", "seal of the evidence", "hash of the evidence", "hash of the parameters", "evidence observed",
               "commit of the description"),
    }[lang]  # fmt: skip
    text = page(audited("html", lang)).texts

    assert [basis[name] for name in names[:5]] == [
        str(AS_OF), "1", on["evidence"], on["parameters"], "2018-09-30 – 2018-12-31",
    ]  # fmt: skip
    assert basis[names[5]].startswith(on["commit"] or "")
    assert (1, 2) == (on["seal"], len(on["runs"]))
    checks = [row for row in rows if len(row) == 6]
    assert len(checks) == len(on["checks"]) + 1  # and their headings
    for row, bound in zip(checks[1:], on["checks"], strict=True):
        assert (bound["duty"], bound["reason"]) == (row[0], row[5])
        assert all(str(name) in row[4] for name in bound["parameters"])
        assert {row[2], row[3], row[5]} <= set(text)  # the page says the same
    assert {run["run"] for run in on["runs"]} <= {row[0] for row in rows if row}
    assert {run["root"] for run in on["runs"]} <= {cell for row in rows for cell in row}
    assert set(data["not_checked"]) <= {row[0] for row in rows if row}


def test_every_line_of_a_csv_says_what_it_rests_on(audited: Audited, data: dict[str, Any]) -> None:
    """A line cut out of the file still names day, commit, seal and parameters."""
    on = data["provenance"]
    for row in csv_rows(audited("csv", "en")):
        assert (str(AS_OF), "1", on["parameters"]) == (row["as of"], row["seal"], row["parameters' hash"])
        assert row["commit"].startswith(on["commit"] or "")


@pytest.mark.parametrize("lang", LANGS)
def test_departments_have_their_totals(audited: Audited, counts: Counter[str], lang: str) -> None:
    """Each department has a line; classified systems are a count; what has an owner adds up to the audit's counts."""
    name, first, last = SHEETS[lang][2], 1, -4
    headings, *rows = sheets(audited("xlsx", lang))[name]
    summed = [sum(row[n] for row in rows) for n in range(last, 0)]
    order = ("violation", "undetermined", "exempt", "pass")

    assert [VERDICTS[lang][word] for word in headings[last:]] == list(order)
    assert summed == [counts[verdict] for verdict in order]
    assert len(rows) == 31
    assert sum(row[first + 1] for row in rows) > 0


@pytest.mark.parametrize("lang", LANGS)
def test_a_terminal_of_80_columns_is_enough(audited: Audited, lang: str) -> None:
    """No line of the table is wider than the terminal, and nothing is cut off."""
    lines = audited("table", lang).decode().splitlines()

    assert [line for line in lines if cell_len(line) > 80] == []
    assert not [line for line in lines if "…" in line]
