"""A drill's verifier: an honest ledger passes, and each of the ways to doctor one is caught."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledgers import RUN, START, Told, honest

from egov.drills.ledger import acknowledged_at, ledger, merged, rows
from egov.drills.verify import Measured, digest, verify


def measured(told: Told) -> Measured:
    """Return what the verifier says of a ledger and a read-back."""
    there, problems = rows(told.rows)
    return verify(ledger(told.ledger), there, problems)


def test_an_honest_run_has_lost_nothing() -> None:
    """Refused rows are not there, a row of unknown outcome may be: neither counts against the database."""
    found = measured(honest())

    assert (58, 0, ()) == (found.acked, found.lost, found.problems)
    assert found.whole
    assert (1.01, 1.51, 0.0) == (found.gap_write_s, found.gap_read_s, found.rpo_s)  # the first of each comes last


def test_a_row_of_unknown_outcome_may_be_missing() -> None:
    """Nobody was promised that row, so its absence is no loss."""
    told = honest()

    found = measured(told.with_row(told.row(1, 11)))

    assert found.whole
    assert not found.problems


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("w 1 2 5.000000 6.500000 ack\n", 6.5),
        ("w 1 2 5.000000 6.500000 refused\n", None),
        ("r 5.000000 6.500000 ack\n", None),
        ("w 1 2 5.000000 6.5", None),
        ("\n", None),
    ],
)
def test_a_line_says_when_a_commit_was_acknowledged(line: str, at: float | None) -> None:
    """Only a whole line of an acknowledged write: a drill waits for one before it reads back."""
    assert at == acknowledged_at(line)


def test_ledgers_of_two_hosts_are_one() -> None:
    """Clients on both sides of a cut write in one run: the gap is the time in which none of them was told a commit."""
    one, two = ledger(honest().ledger), ledger(honest().ledger)
    early = replace(one, ended=one.ended - 10, writes=one.writes[: len(one.writes) // 2])
    other = tuple(replace(write, client=write.client + 3) for write in two.writes)
    both = merged({"a": early, "b": replace(two, writes=other, problems=("torn",))})

    assert (early.started, two.ended) == (both.started, both.ended)
    assert len(early.writes) + len(other) == len(both.writes)
    assert ("b: torn",) == both.problems
    assert verify(both, ()).gap_write_s == measured(honest()).gap_write_s


def _without(client: int, seqs: range) -> Callable[[Told], Told]:
    def doctor(told: Told) -> Told:
        for seq in seqs:
            told = told.with_row(told.row(client, seq))
        return told

    return doctor


def _row(client: int, seq: int, change: Callable[[str], tuple[str, ...]]) -> Callable[[Told], Told]:
    return lambda told: told.with_row(told.row(client, seq), *change(told.rows[told.row(client, seq)]))


def _line(beginning: str, change: Callable[[str], tuple[str, ...]]) -> Callable[[Told], Told]:
    return lambda told: told.with_ledger(told.line(beginning), *change(told.ledger[told.line(beginning)]))


def _swapped(told: Told) -> Told:
    """Exchange the positions of two rows of one client."""
    first, second = told.row(2, 4), told.row(2, 5)
    one, two = told.rows[first].split(), told.rows[second].split()
    one[4], two[4] = two[4], one[4]
    return told.with_row(first, " ".join(one)).with_row(second, " ".join(two))


def _cut(told: Told, keep: int) -> Told:
    return Told(told.ledger[:keep], told.rows)


DOCTORED: dict[str, tuple[Callable[[Told], Told], str]] = {
    "first-row-lost": (_without(0, range(1, 2)), "lost"),
    "middle-row-lost": (_without(2, range(9, 10)), "lost"),
    "last-row-lost": (_without(2, range(20, 21)), "lost"),
    "tail-of-a-client-lost": (_without(1, range(12, 21)), "lost"),
    "whole-client-lost": (_without(0, range(1, 21)), "lost"),
    "row-doubled-elsewhere": (_row(0, 3, lambda row: (row, " ".join((*row.split()[:4], "999")))), "duplicated"),
    "row-doubled-in-place": (_row(0, 3, lambda row: (row, row)), "duplicated"),
    "rows-exchanged": (_swapped, "reordered"),
    "two-rows-at-one-place": (_row(0, 3, lambda row: (" ".join((*row.split()[:4], "4")),)), "reordered"),
    "content-altered": (_row(0, 3, lambda row: (row.replace(digest(RUN, 0, 3), "0" * 64),)), "altered"),
    "content-of-another-row": (_row(0, 3, lambda row: (row.replace(digest(RUN, 0, 3), digest(RUN, 0, 4)),)), "altered"),
    "content-of-another-run": (_row(0, 3, lambda row: (row.replace(digest(RUN, 0, 3), digest("x", 0, 3)),)), "altered"),
    "row-of-nobody": (_row(0, 3, lambda row: (row, f"row 77 1 {digest(RUN, 77, 1)} 998")), "foreign"),
    "row-never-sent": (_row(0, 20, lambda row: (row, f"row 0 21 {digest(RUN, 0, 21)} 998")), "foreign"),
    "refused-row-is-there": (_row(1, 8, lambda row: (f"row 1 7 {digest(RUN, 1, 7)} 20", row)), "foreign"),
    "ledger-line-taken-out": (_line("w 0 5 ", lambda _: ()), "problems"),
    "last-line-of-a-client-taken-out": (_line("w 0 20 ", lambda _: ()), "problems"),
    "ledger-line-doubled": (_line("w 0 5 ", lambda line: (line, line)), "problems"),
    "ledger-lines-exchanged": (lambda t: t.with_ledger(t.line("w 0 5 "), t.ledger[t.line("w 0 6 ")]), "problems"),
    "acknowledged-before-sent": (
        _line("w 0 5 ", lambda line: (" ".join((*line.split()[:4], f"{START:.6f}", "ack")),)),
        "problems",
    ),
    "times-go-back": (
        _line("w 0 5 ", lambda line: (" ".join((*line.split()[:3], f"{START:.6f}", *line.split()[4:])),)),
        "problems",
    ),
    "acknowledged-after-the-end": (
        _line("w 2 20 ", lambda line: (" ".join((*line.split()[:4], f"{START + 99:.6f}", "ack")),)),
        "problems",
    ),
    "client-of-another-run": (_line("w 0 1 ", lambda line: (line.replace("w 0 ", "w 9 "),)), "problems"),
    "ledger-torn": (lambda told: _cut(told, 30), "problems"),
    "ledger-without-header": (lambda told: Told(told.ledger[1:], told.rows), "problems"),
    "ledger-empty": (lambda told: Told((), told.rows), "problems"),
    "line-after-the-end": (lambda told: Told((*told.ledger, told.ledger[1]), told.rows), "problems"),
    "unknown-outcome-word": (_line("w 0 5 ", lambda line: (line.replace("ack", "perhaps"),)), "problems"),
    "reads-taken-out": (_line("r ", lambda _: ()), "problems"),
    "read-back-torn": (lambda told: Told(told.ledger, told.rows[:30]), "problems"),
    "read-back-short": (lambda told: Told(told.ledger, (*told.rows[:30], told.rows[-1])), "problems"),
    "read-back-with-a-strange-line": (lambda told: Told(told.ledger, ("hello", *told.rows)), "problems"),
}


@pytest.mark.parametrize("name", DOCTORED)
def test_a_doctored_ledger_is_caught(name: str) -> None:
    """Each way to doctor a ledger or the rows shows in the figure that names it."""
    doctor, figure = DOCTORED[name]

    found = measured(doctor(honest()))

    assert getattr(found, figure)
    assert figure == "problems" or not found.whole


@given(st.data())
def test_any_lost_acknowledged_row_counts_and_dates_the_recovery_point(data: st.DataObject) -> None:
    """However many rows are gone, each counts once, and the recovery point is the last moment before the first."""
    told = honest()
    acked = [tuple(map(int, line.split()[1:3])) for line in told.ledger if line.endswith(" ack") and line[0] == "w"]
    gone = data.draw(st.sets(st.sampled_from(acked), min_size=1))
    for client, seq in sorted(gone):
        told = told.with_row(told.row(client, seq))

    found = measured(told)

    times = {(client, seq): START + seq + client / 100 + 0.01 for client, seq in acked}
    first = min(times[key] for key in gone)
    before = [at for at in times.values() if at < first]
    assert (len(gone), not gone) == (found.lost, found.whole)
    assert found.recovery_point == pytest.approx(max(before) if before else None)
    last = max(times[key] for key in gone)
    assert found.rpo_s == pytest.approx(last - (max(before) if before else START), abs=0.002)


@given(st.lists(st.text(max_size=40)), st.lists(st.text(max_size=40)))
def test_no_text_from_outside_breaks_the_reading(one: list[str], two: list[str]) -> None:
    """Whatever a host answers, the outcome is figures with problems, never an exception."""
    assert measured(Told(tuple(one), tuple(two))).problems


def test_writer_and_verifier_agree_on_what_a_row_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer runs alone on a host, with a library of that host, so there are two functions; they say the same."""
    monkeypatch.setitem(sys.modules, "psycopg2", types.ModuleType("psycopg2"))
    writer = importlib.import_module("egov.drills.writer")

    assert digest(RUN, 3, 5) == writer.digest(RUN, 3, 5)
