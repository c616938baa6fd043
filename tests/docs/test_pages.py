"""Everything a person can type, set or be told is on a page, and pages agree with each other and with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pages import PAGES, ROOT, anchors, blocks, headings, links, name, section, text
from reference import COMMAND, MADE, PARTS, filled, law, leaves

from egov.checks import checks
from egov.city import Code

DOCS = ROOT / "docs"
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
LONGEST_LINE = 160


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_made_parts_are_what_the_code_says(page: Path) -> None:
    """Commands, fields, tables, duties, checks, cases and role options stand on their pages as in the code."""
    assert filled(text(page)) == text(page), f"{name(page)} is behind the code; run: {COMMAND}"


def test_every_made_part_has_its_page() -> None:
    """No reference that could be made is left out."""
    made = [found[2] for page in PAGES for found in MADE.finditer(text(page))]

    assert sorted(PARTS) == sorted(made)


def test_every_command_has_a_heading() -> None:
    """Each command of the command line, groups included, has a place to link to."""
    known = {" ".join(path) for path, _ in leaves() if len(path) > 1}

    assert known <= {words for _, words in headings(DOCS / "commands.md")}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Links between pages name files and headings that exist; none leads out of the project."""
    for link in links(page):
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_pages_named_in_code_and_description_exist() -> None:
    """A message, comment or mandate that sends people to a page names one that is there."""
    folders = ("tools", "inventory", "playbooks")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".yml", ".sh"}]
    named = {page for path in files for page in re.findall(r"docs/[a-z-]+\.md", path.read_text(encoding="utf-8"))}

    assert named
    assert [] == sorted(page for page in named if not (ROOT / page).is_file())


def test_every_page_is_reached_from_the_readme() -> None:
    """The map in both READMEs leads to every page."""
    pages = {name(page) for page in PAGES} - {name(ENGLISH), name(CHINESE)}
    assert pages == {link for link in links(ENGLISH) if link.endswith(".md")} - {name(CHINESE)}
    assert pages == {link for link in links(CHINESE) if link.endswith(".md")} - {name(ENGLISH)}


def test_lines_are_short_enough_to_review() -> None:
    """A changed sentence is a changed line, and fits one."""
    long = [
        f"{name(page)}:{number}"
        for page in PAGES
        for number, line in enumerate(text(page).splitlines(), 1)
        if len(line) > LONGEST_LINE
    ]

    assert [] == long


def rows(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of every table row below a heading, without table heads."""
    lines = re.findall(r"^\| (.+) \|$", section(page, heading), re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines if not re.match(r"[- |]+$", line)]


@pytest.mark.parametrize("check", checks())
def test_every_outcome_is_explained(check: str) -> None:
    """The page of the audit says of each outcome of a check whether it is a concern, what it means and what to do."""
    files = (ROOT / "tools" / "egov" / "present" / "texts").glob("*.yml")
    texts = next(words[check] for path in files if check in (words := yaml.safe_load(path.read_text(encoding="utf-8"))))
    worded = {f"`{outcome}`": outcome in texts["remedy"] for outcome in texts if outcome not in {"title", "remedy"}}
    told = {cells[0]: cells[1] == "concern" for cells in rows(DOCS / "audit.md", check)[1:]}

    assert worded == {outcome: concern for outcome, concern in told.items() if outcome != "`undetermined`"}


def test_every_code_is_explained() -> None:
    """The table of codes has each code once, in order, in the words of the code, with what to do."""
    told = [cells[:2] for cells in rows(DOCS / "description.md", "Codes") if cells[0] != "code"]

    assert [[code.name, code.value] for code in Code] == told


def test_every_make_target_is_explained() -> None:
    """The page for contributors says of each target what it does."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert targets is not None

    told = [cells[0] for cells in rows(ROOT / "CONTRIBUTING.md", "Make targets")][1:]

    assert sorted(f"`make {target}`" for target in targets[1].split()) == sorted(told)


def test_every_variable_of_the_environment_is_explained() -> None:
    """What the code reads from the environment under a name of its own is on the page of commands."""
    files = [*(ROOT / "tools").rglob("*.py"), *(ROOT / "playbooks").rglob("*.py"), ROOT / "inventory" / "inventory.py"]
    read = {found for path in files for found in re.findall(r"\bEGOV_[A-Z]+\b", path.read_text(encoding="utf-8"))}

    told = {cells[0].strip("`") for cells in rows(DOCS / "commands.md", "Environment")}

    assert read <= told


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=name)
def test_the_readme_says_how_many_duties_are_checked(page: Path) -> None:
    """The limits name the true share of the mandate that checks serve."""
    duties = law().duties.values()
    found = re.search(r"Of (\d+) duties, (\d+) have checks|(\d+) 个条目中 (\d+) 个设有检查", text(page))

    assert found is not None
    assert [len(duties), sum(bool(duty.checks) for duty in duties)] == [int(n) for n in found.groups() if n]


def test_both_readmes_have_the_same_form() -> None:
    """Whoever reads Chinese finds the same chapters and the same commands as who reads English."""
    assert [level for level, _ in headings(ENGLISH)] == [level for level, _ in headings(CHINESE)]
    assert blocks(ENGLISH) == blocks(CHINESE)
