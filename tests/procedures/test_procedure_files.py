"""Procedures as files: inputs filled in, mistakes named with their place, only programs that may change a host."""

from __future__ import annotations

from pathlib import Path

import pytest

from egov.errors import DescriptionError, UsageError
from egov.procedures import procedure, procedures

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
SOUND = """\
procedure: {id: move, title_zh: 迁移, title_en: Move, inputs: [hosts, to]}
steps:
  - id: cut
    title: Cut the old way
    do: [ansible-playbook, cut.yml, --limit, $hosts, -e, "to=${to} $$1"]
    verify: [egov, validate]
    undo: [ansible-playbook, cut.yml, --limit, $hosts, -e, undo=1]
"""


def write(folder: Path, text: str) -> Path:
    """Write a procedure and return its folder."""
    (folder / "move.yml").write_text(text, encoding="utf-8")
    return folder


def test_inputs_are_filled_into_every_command(tmp_path: Path) -> None:
    """$name and ${name} become the input, as one word whatever it holds; $$ is a plain $."""
    (step,) = procedure(write(tmp_path, SOUND), "move").filled({"hosts": "a b;c", "to": "$hosts"}).steps

    assert step.do == ("ansible-playbook", "cut.yml", "--limit", "a b;c", "-e", "to=$hosts $1")
    assert step.undo == ("ansible-playbook", "cut.yml", "--limit", "a b;c", "-e", "undo=1")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        pytest.param({"hosts": "a"}, "move takes the inputs hosts, to: to is missing", id="missing"),
        pytest.param({}, "move takes the inputs hosts, to: hosts is missing, to is missing", id="all-missing"),
        pytest.param(
            {"hosts": "a", "to": "b", "too": "c"}, "move takes the inputs hosts, to: there is no too", id="unknown"
        ),
    ],
)
def test_inputs_that_do_not_fit_are_named(tmp_path: Path, inputs: dict[str, str], message: str) -> None:
    """Every missing and every unknown input is named; nothing runs with half of them."""
    found = procedure(write(tmp_path, SOUND), "move")

    with pytest.raises(UsageError) as caught:
        found.filled(inputs)

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param(
            "[egov, validate]", "[rm, -rf, /]", "6:13: E205 verify: a step runs one of ansible-", id="program"
        ),
        pytest.param("[egov, validate]", "[]", "6:13: E205 verify: ", id="nothing"),
        pytest.param(
            "--limit, $hosts, -e, undo",
            "--limit, $host, -e, undo",
            "7:48: E302 undo: $host is no input of move",
            id="input",
        ),
        pytest.param("undo=1]", "undo=$]", "7:60: E302 undo: $undo=$ is no input of move", id="dollar"),
        pytest.param("steps:", "step:", "2:1: E201 unknown kind step; did you mean steps", id="kind"),
        pytest.param("  - id: cut\n", "  - id: cut\n    undo_second: 3\n", "4:5: E202 unknown field", id="field"),
        pytest.param("steps:", "steps: []\nx:", "3:1: E201 unknown kind x", id="no-steps"),
    ],
)
def test_a_mistake_is_named_at_its_place(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """What is wrong in a procedure is found before anything runs, with file, line and column."""
    assert old in SOUND
    write(tmp_path, SOUND.replace(old, new))

    with pytest.raises(DescriptionError) as caught:
        procedures(tmp_path)

    assert f"move.yml:{problem}" in str(caught.value)


@pytest.mark.parametrize("text", ["steps: []\n", "procedure: {id: a, title_zh: a, title_en: a}\n", "{}\n"])
def test_half_a_procedure_is_none(tmp_path: Path, text: str) -> None:
    """A file without its head, or without a step, is refused: it would end as done without having done anything."""
    write(tmp_path, text)

    with pytest.raises(DescriptionError, match="E204 procedure and steps: one is missing"):
        procedures(tmp_path)


def test_the_nearest_name_is_offered(tmp_path: Path) -> None:
    """A mistyped name of a procedure is answered with the one that is meant."""
    write(tmp_path, SOUND)

    with pytest.raises(UsageError, match="no procedure mvoe; did you mean move"):
        procedure(tmp_path, "mvoe")


def test_the_projects_own_procedures_are_sound() -> None:
    """Every described procedure can be filled, runs playbooks that exist, and can be undone to its marked point."""
    found = procedures(PLAYBOOKS / "procedures")

    assert found
    for described in found.values():
        steps = described.filled(dict.fromkeys(described.head.inputs, "1")).steps
        commands = [words for step in steps for words in (step.do, step.verify, step.undo) if words]
        named = {word for words in commands for word in words if word.startswith("playbooks/")}

        assert {name for name in named if not (PLAYBOOKS.parent / name).is_file()} == set()
        assert steps[0].undo or steps[0].point_of_no_return
