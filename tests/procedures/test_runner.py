"""The runner: whatever breaks off wherever, a run ends done or undone; past the point of no return only done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import Power, World, points, run, step

from egov.errors import GuardError
from egov.procedures import Journal, Outcome, Result, Runner, Step

ABC = (step("a", verify=False), step("b"), step("c"))
LAST = (step("a"), step("b", verify=False), step("c", last=True, undo=False), step("d", undo=False))
# What is done, what fails there each time, how it ends.
SCENES = {
    "sound": (ABC, (), Outcome.DONE),
    "do-a-fails": (ABC, ("do a",), Outcome.UNDONE),
    "do-b-fails": (ABC, ("do b",), Outcome.UNDONE),
    "verify-b-fails": (ABC, ("verify b",), Outcome.UNDONE),
    "do-c-fails": (ABC, ("do c",), Outcome.UNDONE),
    "verify-c-fails": (ABC, ("verify c",), Outcome.UNDONE),
    "no-return-sound": (LAST, (), Outcome.DONE),
    "no-return-b-fails": (LAST, ("do b",), Outcome.UNDONE),
    "no-return-c-fails": (LAST, ("do c",), Outcome.STUCK),
    "no-return-d-fails": (LAST, ("verify d",), Outcome.STUCK),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the disk: what is tested is the order of writes, not the disk's."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


def expected(steps: tuple[Step, ...], outcome: Outcome) -> list[str]:
    """Return what holds in the world after that end."""
    return [s.id for s in steps] if outcome is Outcome.DONE else []


@pytest.mark.parametrize(("steps", "fails", "outcome"), SCENES.values(), ids=SCENES)
def test_an_undisturbed_run(tmp_path: Path, steps: tuple[Step, ...], fails: tuple[str, ...], outcome: Outcome) -> None:
    """A sound run is done, a failing one undone, or stuck once there is no way back; the journal says the same."""
    world = World(steps, fails=set(fails))

    result = run(tmp_path / "run.jsonl", world)

    assert result is not None
    assert outcome is result.outcome
    if outcome is not Outcome.STUCK:
        assert expected(steps, outcome) == world.holds
        assert outcome is Runner(Journal(tmp_path / "run.jsonl"), world.execute).outcome()


@pytest.mark.parametrize(("steps", "fails", "outcome"), SCENES.values(), ids=SCENES)
def test_a_crash_anywhere_is_made_good(
    tmp_path: Path, steps: tuple[Step, ...], fails: tuple[str, ...], outcome: Outcome
) -> None:
    """Power lost before, after or in the middle of any write or command: run again, it ends as if undisturbed."""
    wrong = []
    for at, how in points(steps, fails, tmp_path):
        world = World(steps, fails=set(fails))
        path = tmp_path / f"{at}-{how}.jsonl"
        ended = run(path, world, Power(at, how)) or run(path, world)
        right = outcome is Outcome.STUCK or world.holds == expected(steps, outcome)
        if ended is None or ended.outcome is not outcome or not right:
            wrong.append((at, how, ended, world.holds))

    assert wrong == []


def twice(folder: Path, steps: tuple[Step, ...], fails: tuple[str, ...]) -> Iterator[tuple[str, World, Result | None]]:
    """Yield how a run ends that loses power at any point, and once more at any third point after it."""
    for at, how in points(steps, fails, folder):
        for second in range(1, 3 * len(steps), 3):
            for again in ("before", "torn"):
                world = World(steps, fails=set(fails))
                path = folder / f"{at}-{how}-{second}-{again}.jsonl"
                first = run(path, world, Power(at, how)) or run(path, world, Power(second, again))
                yield path.stem, world, first or run(path, world)


@pytest.mark.parametrize("scene", ["sound", "verify-c-fails", "no-return-sound"])
def test_a_second_crash_is_made_good_as_well(tmp_path: Path, scene: str) -> None:
    """A resumed run, or a walk back, may lose power again: in the end it is done or undone all the same."""
    steps, fails, outcome = SCENES[scene]

    wrong = [
        (where, ended, world.holds)
        for where, world, ended in twice(tmp_path, steps, fails)
        if ended is None or (ended.outcome, world.holds) != (outcome, expected(steps, outcome))
    ]

    assert wrong == []


def test_walks_back_last_first(tmp_path: Path) -> None:
    """Only what was begun is undone, the last first, the failed step included."""
    world = World(ABC, fails={"verify b"})

    result = run(tmp_path / "run.jsonl", world)

    assert result == Result(Outcome.UNDONE, "b", "step b failed")
    assert world.calls == ["do a", "do b", "verify b", "undo b", "undo a"]


def test_a_step_whose_end_is_not_known_is_done_again(tmp_path: Path) -> None:
    """A step without a proof of its own, begun but never run, is not taken for done."""
    world = World(ABC)
    crashed = run(tmp_path / "run.jsonl", world, Power("call do a", "before"))
    before = list(world.holds)

    result = run(tmp_path / "run.jsonl", world)

    assert (None, []) == (crashed, before)
    assert result == Result(Outcome.DONE)
    assert world.calls[0] == "do a"


@pytest.mark.parametrize(
    ("at", "then"),
    [
        pytest.param("call do a", ["do a", "do b", "verify b", "do c", "verify c"], id="the-first-step"),
        pytest.param("call do c", ["verify b", "do c", "verify c"], id="a-begun-step"),
        pytest.param("intent do b", ["do a", "do b", "verify b", "do c", "verify c"], id="a-step-that-has-no-proof"),
        pytest.param("intent verify b", ["do a", "verify b", "do c", "verify c"], id="a-done-step"),
        pytest.param("call verify b", ["do a", "verify b", "do c", "verify c"], id="a-step-being-proved"),
        pytest.param("intent do c", ["verify b", "do c", "verify c"], id="a-proved-step"),
        pytest.param("intent verify c", ["verify b", "verify c"], id="the-last-proof"),
    ],
)
def test_resuming_repeats_no_more_than_is_open(tmp_path: Path, at: str, then: list[str]) -> None:
    """What is known to be done is not done again, but for the step that the next one stands on: it is proved anew."""
    world = World(ABC)
    run(tmp_path / "run.jsonl", world, Power(at, "before"))
    calls = len(world.calls)

    run(tmp_path / "run.jsonl", world)

    assert then == world.calls[calls:]


def test_a_failure_that_was_written_down_is_not_forgotten(tmp_path: Path) -> None:
    """If the power goes between a failure and the walk back, the run still walks back, even if all looks well now."""
    world = World(ABC, fails={"do b"})
    run(tmp_path / "run.jsonl", world, Power("intent undo b", "before"))
    world.fails.clear()

    result = run(tmp_path / "run.jsonl", world)

    assert result == Result(Outcome.UNDONE, "b", "step b failed")
    assert world.calls == ["do a", "do b", "undo b", "undo a"]


def test_what_a_host_undid_by_itself_is_seen(tmp_path: Path) -> None:
    """A run that lay still too long does not build on a step that no longer holds: it walks back."""
    world = World(ABC)
    run(tmp_path / "run.jsonl", world, Power("intent do c", "before"))
    world.holds.remove("b")  # the host's own timer ran out
    calls = len(world.calls)

    result = run(tmp_path / "run.jsonl", world)

    assert result == Result(Outcome.UNDONE, "b", "step b failed")
    assert world.calls[calls:] == ["verify b", "undo b", "undo a"]
    assert world.holds == []


def test_an_ended_run_is_left_alone(tmp_path: Path) -> None:
    """To resume a run that is done or undone runs nothing and says so again."""
    for name, fails, outcome in (("done", set[str](), Outcome.DONE), ("undone", {"do c"}, Outcome.UNDONE)):
        world = World(ABC, fails=fails)
        run(tmp_path / name, world)
        calls = list(world.calls)

        result = run(tmp_path / name, world)

        assert result is not None
        assert outcome is result.outcome
        assert calls == world.calls


def test_undo_of_what_was_done(tmp_path: Path) -> None:
    """A run without a point of no return can be undone after it is done, and stays undone."""
    world = World(ABC)
    run(tmp_path / "run.jsonl", world)

    undone = run(tmp_path / "run.jsonl", world, asked="undo")
    resumed = run(tmp_path / "run.jsonl", world)

    assert (Result(Outcome.UNDONE, "c", "asked to"), []) == (undone, world.holds)
    assert resumed is not None
    assert (Outcome.UNDONE, []) == (resumed.outcome, world.holds)


def test_undo_of_steps_that_have_none_is_kept(tmp_path: Path) -> None:
    """Where no step needs undoing a run asked back is undone all the same and does not go forward again."""
    world = World((step("a", undo=False), step("b", undo=False)))
    run(tmp_path / "run.jsonl", world, Power("intent do b", "before"))

    run(tmp_path / "run.jsonl", world, asked="undo")
    resumed = run(tmp_path / "run.jsonl", world)

    assert resumed is not None
    assert (Outcome.UNDONE, ["do a", "verify a"]) == (resumed.outcome, world.calls)


def test_a_failing_undo_is_stuck_and_tried_again(tmp_path: Path) -> None:
    """A walk back that fails stops there, so that nothing is undone out of order, and goes on when resumed."""
    world = World(ABC, fails={"do c", "undo b"})

    stuck = run(tmp_path / "run.jsonl", world)
    held = list(world.holds)
    world.fails.discard("undo b")
    undone = run(tmp_path / "run.jsonl", world)

    assert stuck == Result(Outcome.STUCK, "b", "step c failed; undo of b failed")
    assert held == ["a", "b"]
    assert undone is not None
    assert (Outcome.UNDONE, []) == (undone.outcome, world.holds)
    assert world.calls[-2:] == ["undo b", "undo a"]


@pytest.mark.parametrize("fails", ["do c", "verify c", "do d", "verify d"])
def test_no_way_back_only_forward(tmp_path: Path, fails: str) -> None:
    """From the marked step on a failure undoes nothing, undo is refused, and resuming after the repair gets it done."""
    world = World(LAST, fails={fails})

    stuck = run(tmp_path / "run.jsonl", world)
    with pytest.raises(GuardError, match="no way back from here"):
        run(tmp_path / "run.jsonl", world, asked="undo")
    world.fails.clear()  # repaired
    done = run(tmp_path / "run.jsonl", world)

    assert stuck is not None
    assert (Outcome.STUCK, fails[-1]) == (stuck.outcome, stuck.step)
    assert (Result(Outcome.DONE), ["a", "b", "c", "d"]) == (done, world.holds)
    assert not [call for call in world.calls if call.startswith("undo")]


def test_a_step_that_did_not_prove_itself_is_done_again(tmp_path: Path) -> None:
    """Past the marked step a proof that failed is not just asked for once more: what it was to prove is done first."""
    world = World(LAST, fails={"verify c"})
    run(tmp_path / "run.jsonl", world)
    world.fails.clear()
    world.holds.remove("c")

    done = run(tmp_path / "run.jsonl", world)

    assert (Result(Outcome.DONE), ["a", "b", "c", "d"]) == (done, world.holds)


def test_begun_is_past(tmp_path: Path) -> None:
    """Once the marked step may have run, however little is known of its end, there is no way back."""
    world = World(LAST)
    run(tmp_path / "run.jsonl", world, Power("call do c", "before"))
    assert world.calls[-1] == "do b"

    with pytest.raises(GuardError, match="no way back"):
        run(tmp_path / "run.jsonl", world, asked="undo")
    done = run(tmp_path / "run.jsonl", world)

    assert done == Result(Outcome.DONE)
