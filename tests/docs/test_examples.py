"""The commands that pages show are run, page by page, and print what the pages say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import PAGES, ROOT, Example, examples, matches, name

# The blocks of the Chinese README are those of the English one, as a test of the pages says.
WITH_EXAMPLES = [page for page in PAGES if examples(page) and page.name != "README.zh-CN.md"]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a clone as a reader has it: description and playbooks in git, no evidence yet, 80 columns."""
    for folder in ("inventory/huludao", "playbooks", "stacks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "home").mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "XDG_CACHE_HOME": str(tmp_path / "home"),
        "COLUMNS": "80",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    for variable in ("EGOV_CITY", "EGOV_LAB"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".gitignore").write_text("/evidence/\n/home/\n/reports/\n", encoding="utf-8")
    identity = ["-c", "user.name=reader", "-c", "user.email=reader@localhost"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "Describe the city"]):
        subprocess.run(["git", *words], check=True)
    return tmp_path


@pytest.fixture
def shell(checkout: Path, egov: Callable[..., Any]) -> Callable[[str], tuple[int, str]]:
    """Return a function that runs a line as a person types it and returns exit code and output.

    A bare `egov` command runs in this process, which is quicker; everything else goes through bash.
    """

    def run(command: str) -> tuple[int, str]:
        command = command.replace("\\\n", " ")
        if command.startswith("egov ") and not re.search(r"[|<>*;&$]", command.partition("#")[0]):
            result = egov(*shlex.split(command, comments=True)[1:])
            return result.exit_code, result.stdout + result.stderr
        line = ["bash", "-c", command]
        done = subprocess.run(line, cwd=checkout, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=name)
def test_examples_print_what_their_page_shows(page: Path, shell: Callable[[str], tuple[int, str]]) -> None:
    """Typed in their order into a fresh clone, a page's commands end and print as the page says."""
    for example in examples(page):
        exit_code, printed = shell(example.command)

        where = f"{name(page)}:{example.line}: {example.command}"
        assert example.exit_code == exit_code, f"{where}\n{printed}"
        assert matches(example.expected, printed), f"{where}\n{printed}"


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        pytest.param("one two\n", "one\n  two  \n", True, id="broken elsewhere"),
        pytest.param("one\n", "one\ntwo\n", False, id="more was printed"),
        pytest.param("one\ntwo\n", "one\n", False, id="less was printed"),
        pytest.param("one\n…\n", "one\ntwo\nthree\n", True, id="the rest left out"),
        pytest.param("…\nthree\n", "one\ntwo\n", False, id="another end"),
        pytest.param("seal …, signed\n", "seal 12, signed\n", True, id="a number left out"),
        pytest.param("a.b\n", "axb\n", False, id="a dot is a dot"),
        pytest.param("", "", True, id="nothing"),
    ],
)
def test_an_output_is_compared_to_the_letter(expected: str, actual: str, *, same: bool) -> None:
    """What a page leaves out it marks with `…`; everything else must be there, and nothing more."""
    assert same == matches(expected, actual)


def test_examples_are_found_with_their_output_and_exit_code(tmp_path: Path) -> None:
    """A block holds several commands; long ones go on after a backslash."""
    page = tmp_path / "page.md"
    console = "```console\n$ one  # exit 3\nsaid\n$ two \\\n    more\n```\n"
    page.write_text(f"# Page\n\n{console}\n```sh\n$ not run\n```\n", encoding="utf-8")

    assert [Example(4, "one  # exit 3", "said\n", 3), Example(6, "two \\\n    more", "", 0)] == examples(page)
