"""Every command explains itself, quickly, and takes the common options before and after its name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from egov.cli import _SUMMARIES, cli
from egov.cli.common import _NAMES

Egov = Callable[..., Any]
CITY = Path(__file__).parents[2] / "inventory" / "huludao"
# What only the work itself needs: none of it is loaded to print help.
HEAVY = {
    "ansible", "chinese_calendar", "duckdb", "jinja2", "numpy", "openpyxl", "paramiko", "pydantic", "rich",
    "xlsxwriter", "yaml",
}  # fmt: skip


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield the words and the command of every command and group below a group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield (*path, name), found
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))


ALL = dict(commands(cli))
LEAVES = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}


@pytest.mark.parametrize("path", [(), *ALL], ids=" ".join)
def test_help_of_every_command(egov: Egov, path: tuple[str, ...]) -> None:
    """--help and -h print how the command is called and what it does, and end with 0."""
    result = egov(*path, "--help")

    assert (0, "") == (result.exit_code, result.stderr)
    assert result.stdout.startswith(f"Usage: egov{''.join(f' {word}' for word in path)} ")
    assert result.stdout == egov(*path, "-h").stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_and_option_is_explained(path: tuple[str, ...]) -> None:
    """A command says what it does, and each of its options has a sentence."""
    command = ALL[path]

    assert (command.help or "").strip().endswith((".", ")"))
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_the_list_of_commands_is_whole() -> None:
    """`egov --help` has a sentence for every command, without loading any, and none for what is not there."""
    assert {path[0] for path in ALL} == set(_SUMMARIES)


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_common_options_stand_after_any_command(path: tuple[str, ...]) -> None:
    """--city, --evidence, --as-of, --lang, --format, --output are taken after every command."""
    assert set(_NAMES) <= {parameter.name for parameter in LEAVES[path].params}


def test_an_option_counts_before_and_after_the_command(egov: Egov) -> None:
    """The same option before the command or after it means the same; after it wins."""
    city = ("--city", CITY)
    after = egov("show", "R13", "--lang", "en", *city).stdout
    before = egov("--lang", "en", *city, "show", "R13").stdout
    both = egov("--lang", "zh", *city, "show", "R13", "--lang", "en").stdout
    other = egov("show", "R13", "--lang", "zh", *city).stdout

    assert after == before == both
    assert other not in {"", after}


CODE = """
import json, sys
from unittest import mock
from egov.cli import main
for words in json.loads(sys.argv[1]):
    with mock.patch.object(sys, "argv", ["egov", *words]), mock.patch("sys.stdout.write"):
        try:
            main()
        except SystemExit as ended:
            assert ended.code == 0, words
sys.stderr.write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded(*calls: tuple[str, ...]) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after these calls of egov."""
    words = json.dumps([list(call) for call in calls])
    done = subprocess.run(
        [sys.executable, "-c", CODE, words], capture_output=True, text=True, check=True, env=os.environ
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_help_loads_nothing_heavy() -> None:
    """Help is quick because what only the work needs is not loaded: neither for egov nor for any command."""
    assert loaded(("--help",), ("--version",)) & HEAVY == set()
    assert loaded(*((*path, "--help") for path in ALL)) & HEAVY == set()


def test_the_measure_sees_what_is_loaded() -> None:
    """The same measure finds the heavy modules once a command does its work."""
    assert {"pydantic", "rich"} <= loaded(("show", "R13", "--city", str(CITY), "--output", os.devnull))
