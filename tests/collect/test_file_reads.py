"""What a host says of its file copies: damage is what was read and is not what was written, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "playbooks/roles/file_backup/files/city-files.py"
MADE = '[{"time": "2026-11-27T19:15:08.123456789Z"}]'
LOCKED = "unable to create lock in backend: repository is already locked by PID 7 on dc-app1 by root (UID 0, GID 0)"
Answers = dict[str, tuple[int, str, str]]


@pytest.fixture
def script(tmp_path: Path) -> ModuleType:
    """Return the program with one place, and a folder of its own for results."""
    spec = spec_from_file_location("city_files", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    vars(found).update(SETTINGS={"places": {"off-site": "192.0.2.1"}}, RESULTS=tmp_path)
    return found


def read(script: ModuleType, results: Path, **answers: tuple[int, str, str]) -> tuple[int, list[dict[str, object]]]:
    """Return the exit code of reading one part, and what was kept, where restic answers so."""
    usual: Answers = {"cat": (0, "{}", ""), "snapshots": (0, MADE, ""), "check": (0, "", "")}

    def restic(_place: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(words, *(usual | answers)[words[0]])

    vars(script)["restic"] = restic
    code = script.read("3")
    return code, [json.loads(path.read_text("utf-8")) for path in sorted(results.glob("*.json"))]


@pytest.mark.parametrize(
    ("words", "copy"),
    [pytest.param((), "latest", id="the newest"), pytest.param(("3ab0c1d2",), "3ab0c1d2", id="by its id")],
)
def test_a_restore_brings_the_copy_back_that_was_asked_for(
    script: ModuleType, words: tuple[str, ...], copy: str
) -> None:
    """The newest, or an older one: the newest of a host that was built anew was made before its files were back."""
    asked: list[tuple[str, ...]] = []

    def restic(place: str, *words: str) -> subprocess.CompletedProcess[str]:
        asked.append((place, *words))
        return subprocess.CompletedProcess(words, 0, "", "")

    vars(script)["restic"] = restic

    assert 0 == script.restore("off-site", "/back", *words)
    assert [("off-site", "restore", "--quiet", copy, "--tag", "city", "--target", "/back")] == asked


def test_a_copy_s_id_is_no_option(script: ModuleType) -> None:
    """What is no id goes nowhere near restic."""
    with pytest.raises(SystemExit, match="--delete is no copy's id: city-files list off-site gives them"):
        script.restore("off-site", "/", "--delete")


def test_a_sound_part_and_a_damaged_one(script: ModuleType, tmp_path: Path) -> None:
    """What was read is kept, with the newest copy there was, in whole seconds."""
    code, (sound,) = read(script, tmp_path)
    again, (broken,) = read(script, tmp_path, check=(1, "", "Pack ID does not match\n"))

    assert (0, 1) == (code, again)
    assert ("off-site", 3, 7, 1, 1795806908, []) == tuple(
        sound[key] for key in ("copy", "part", "parts", "copies", "newest", "damaged")
    )
    assert ["Pack ID does not match"] == broken["damaged"]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param({"cat": (1, "", "connection refused")}, id="nobody answers"),
        pytest.param({"check": (1, "", LOCKED)}, id="somebody else works on it"),
        pytest.param({"snapshots": (1, "", "EOF")}, id="its copies are not told"),
    ],
)
def test_what_was_not_read_is_neither_damage_nor_no_copy(answers: Answers, script: ModuleType, tmp_path: Path) -> None:
    """It leaves no result: the audit knows nothing of it then, and says so."""
    assert (1, []) == read(script, tmp_path, **answers)


@pytest.mark.parametrize("words", [[], ["nothing"], ["list"], ["restore", "off-site"], ["copy", "all"]], ids=" ".join)
def test_wrong_words_are_answered_with_the_usage(words: list[str]) -> None:
    """No traceback at three in the morning."""
    done = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("File backups of this host")
