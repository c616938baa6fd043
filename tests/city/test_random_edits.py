"""A valid city edited at random: whatever is done to a file, the answer is a list of places, never a traceback.

The edits are the same in every run. EGOV_EDITS=20000 tries that many new ones.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
CITY = ROOT / "inventory" / "huludao"
PROBLEM = re.compile(r"(?P<file>[^:]+):(?P<line>[0-9]+):(?P<col>[0-9]+): E[1-6][0-9]{2} \S.*")
SCALAR = re.compile(rb"(?<=: )[^,{}\[\]\n]+")
# What people and programs leave behind: YAML's signs and traps, odd characters, other encodings, no value, too much.
SIGNS = [
    "- ", ": ", "{", "}", "[", "]", ",", '"', "'", "#", "&a ", "*a", "!!str ", "!x ", "<<: ", "? ", "\n", "\r", "\t",
    "   ", "---\n", "...\n", "%YAML 1.1\n", ">-\n", "|", "@", "`", "null", "~", "yes", "off", "0123", "1_000",
    "22:30", "1.5", "-1", ".inf", "1e9", "9999999999999999999", "true", "2018-02-30", "10.0.0.1/8", "::1", "x" * 3000,
    "[" * 60, "{a: " * 1200, "- " * 1200, "涉密", "\u2028", "\x85", "\ufeff", "\U0001f600", "\u202e", "e\u0301", "\x00",
    "\x1b[31m", '"\\0"', '"\\n"',
]  # fmt: skip
TOKENS = [*(sign.encode() for sign in SIGNS), b"\xff", b"\xc3\x28"]

Edit = Callable[[bytes, int, int, bytes], bytes]


def _insert(raw: bytes, at: int, _: int, token: bytes) -> bytes:
    at %= len(raw) + 1
    return raw[:at] + token + raw[at:]


def _delete(raw: bytes, at: int, length: int, _: bytes) -> bytes:
    at %= len(raw) + 1
    return raw[:at] + raw[at + length % 40 :]


def _overwrite(raw: bytes, at: int, _: int, token: bytes) -> bytes:
    at %= len(raw) + 1
    return raw[:at] + token + raw[at + len(token) :]


def _cut_off(raw: bytes, at: int, _: int, __: bytes) -> bytes:
    return raw[: at % (len(raw) + 1)]


def _line(change: Callable[[list[bytes], int, int, bytes], None]) -> Edit:
    def edit(raw: bytes, one: int, other: int, token: bytes) -> bytes:
        lines = raw.split(b"\n")
        change(lines, one % len(lines), other % len(lines), token)
        return b"\n".join(lines)

    edit.__name__ = change.__name__
    return edit


@_line
def _delete_line(lines: list[bytes], one: int, _: int, __: bytes) -> None:
    del lines[one]


@_line
def _copy_line(lines: list[bytes], one: int, other: int, _: bytes) -> None:
    lines.insert(other, lines[one])


@_line
def _swap_lines(lines: list[bytes], one: int, other: int, _: bytes) -> None:
    lines[one], lines[other] = lines[other], lines[one]


@_line
def _replace_line(lines: list[bytes], one: int, _: int, token: bytes) -> None:
    lines[one] = token


@_line
def _indent_line(lines: list[bytes], one: int, other: int, _: bytes) -> None:
    lines[one] = b" " * (other % 8) + lines[one].lstrip()


def _scalar(raw: bytes, one: int, _: int, token: bytes) -> bytes:
    """Put *token* in the place of a value."""
    values = list(SCALAR.finditer(raw))
    if not values:
        return raw
    value = values[one % len(values)]
    return raw[: value.start()] + token + raw[value.end() :]


def _swap_scalars(raw: bytes, one: int, other: int, _: bytes) -> bytes:
    values = list(SCALAR.finditer(raw))
    if not values:
        return raw
    first, second = sorted((values[one % len(values)], values[other % len(values)]), key=lambda value: value.start())
    if first == second:
        return raw
    between = raw[first.end() : second.start()]
    return raw[: first.start()] + second[0] + between + first[0] + raw[second.end() :]


EDITS: Sequence[Edit] = (
    _insert, _delete, _overwrite, _cut_off, _delete_line, _copy_line, _swap_lines, _replace_line, _indent_line,
    _scalar, _scalar, _scalar, _swap_scalars, _swap_scalars,
)  # fmt: skip
NUMBERS = st.integers(0, 2**20)
edits = st.lists(st.tuples(st.sampled_from(EDITS), NUMBERS, NUMBERS, st.sampled_from(TOKENS)), min_size=1, max_size=3)
# Part of the city → the files edited, and the files it needs beside them.
PARTS = {
    "description": (("*.yml", "sites/*.yml", "networks/*.yml", "hosts/*.yml", "systems/*.yml"), ()),
    "mandate": (("mandate/*.yml",), ("city.yml",)),
    "cases": (("cases/exemption-room-shenji-2018.yml", "cases/rectification-*.yml", "signers.yml"), ("city.yml",)),
}
MANY = int(os.environ.get("EGOV_EDITS", "0"))


@contextmanager
def written(path: Path, raw: bytes) -> Iterator[None]:
    """Have *raw* in a file for a while."""
    before = path.read_bytes()
    path.write_bytes(raw)
    try:
        yield
    finally:
        path.write_bytes(before)


@pytest.fixture(scope="module", params=PARTS)
def part(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Path]]]:
    """Return a folder with one part of the sample city, and the files of it to edit."""
    folder = tmp_path_factory.mktemp(request.param)
    edited, beside = PARTS[request.param]
    files = []
    for pattern in (*edited, *beside):
        for path in sorted(CITY.glob(pattern)):
            copy = folder / path.relative_to(CITY)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, copy)
            if pattern in edited:
                files.append(copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield folder, files


def tried(times: int) -> settings:
    """Return how often a test tries: the same edits every time, or EGOV_EDITS new ones."""
    slow = [HealthCheck.too_slow]
    return settings(
        max_examples=MANY or times, derandomize=not MANY, database=None, deadline=None, suppress_health_check=slow
    )


def edited(raw: bytes, changes: list[tuple[Edit, int, int, bytes]]) -> bytes:
    """Return *raw* after all changes."""
    for edit, one, other, token in changes:
        raw = edit(raw, one, other, token)
    return raw


@tried(100)
@given(which=NUMBERS, changes=edits)
def test_edited_city(
    egov: Callable[..., Any], part: tuple[Path, list[Path]], which: int, changes: list[tuple[Edit, int, int, bytes]]
) -> None:
    """An edited file is still valid, or every line of the answer is a place within a file, a code and a message."""
    folder, files = part
    path = files[which % len(files)]

    with written(path, edited(path.read_bytes(), changes)):
        result = egov("validate", folder)
        lines = result.stdout.splitlines()
        strange = [line for line in lines if not _is_place_in(folder, line)] if result.exit_code else []

    assert (True, "") == (result.exit_code in {0, 2}, result.stderr)
    assert [] == strange
    assert lines


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return copies of the sample city's field sheets and of the mappings beside them."""
    folder = tmp_path_factory.mktemp("surveys")
    return [Path(shutil.copy(path, folder)) for path in sorted((CITY / "surveys").iterdir())]


@tried(40)
@given(which=NUMBERS, changes=edits)
def test_edited_sheet(
    egov: Callable[..., Any], sheets: list[Path], which: int, changes: list[tuple[Edit, int, int, bytes]]
) -> None:
    """An edited sheet or mapping is taken in, or refused with places: a sheet's line is a row, its column a column."""
    path = sheets[which % len(sheets)]
    sheet = path.with_suffix("") if path.suffix == ".yml" else path

    with written(path, edited(path.read_bytes(), changes)):
        result = egov("--city", CITY, "--evidence", path.parent / "evidence", "collect", "survey", sheet)
        *lines, count = result.stderr.splitlines() or [""]
        strange = [line for line in lines if not _is_place_in(path.parent, line)]

    assert [] == strange
    assert (2, f"{len(lines)} problem(s)") == (result.exit_code, count) or (0, "") == (result.exit_code, count)


def _is_place_in(folder: Path, line: str) -> bool:
    """Say whether a line of output is a problem whose place lies within a file of the folder."""
    match = PROBLEM.fullmatch(line)
    if match is None:
        return False
    row, col = int(match["line"]), int(match["col"])
    if match["file"].endswith((".csv", ".xlsx")):
        return row >= 1 and col >= 1
    text = (folder / match["file"]).read_bytes().decode("utf-8-sig", "replace")
    lines = re.split(r"\r\n|[\r\n]", text)
    return 1 <= row <= len(lines) and 1 <= col <= len(lines[row - 1]) + 1
