"""`egov procedure`: run, resume or undo what takes minutes and touches hosts, step by step, with a journal."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from egov.cli.common import Common, common, lab_option
from egov.errors import GuardError, UsageError

if TYPE_CHECKING:
    from egov.procedures import Journal, Result, Runner
    from egov.procedures.runner import Execute


@click.group("procedure")
def command() -> None:
    """Procedures: steps with do, verify, undo. A run ends done or undone; past a marked point only forward."""


@command.command("list")
@common
def list_(options: Common) -> int:
    """List the procedures that are described, and the runs there are with how they stand."""
    from egov.present.tables import as_json, table
    from egov.procedures import Journal, Runner, procedures

    known = procedures(_folder(options))
    begun = [Journal(path) for path in sorted(journals(options).glob("*.jsonl"))]
    runs = {journal.path.stem: Runner(journal, _never).outcome().value for journal in begun}
    if options.as_json():
        data = [{"id": p.head.id, "title": p.head.title_en, "inputs": list(p.head.inputs)} for p in known.values()]
        options.write(as_json({"procedures": data, "runs": runs}))
        return 0
    rows = [
        (p.head.id, p.head.title_zh if options.lang == "zh" else p.head.title_en, " ".join(p.head.inputs))
        for p in known.values()
    ]
    text = table(("procedure", "title", "inputs"), rows)
    options.write(text + ("\n" + table(("run", "state"), runs.items()) if runs else ""))
    return 0


@command.command()
@click.argument("name")
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the procedure.")
@click.option("--dry-run", is_flag=True, help="Print the steps and their commands; run nothing.")
@lab_option
@common
def run(options: Common, name: str, inputs: tuple[str, ...], lab: str | None, *, dry_run: bool) -> int:
    """Run procedure NAME. Each step is journalled before and after; a failed step walks everything back.

    Exit 0 if it is done, 1 if it was undone, 4 if it is stuck and needs a person.
    """
    from egov.present.tables import steps
    from egov.procedures import Journal, Runner, procedure

    filled = procedure(_folder(options), name).filled(_inputs(inputs))
    if dry_run:
        options.write(steps(filled))
        return 0
    journal = Journal(journals(options) / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{name}.jsonl")
    journal.begin(filled)
    click.echo(f"run {journal.path.stem}", err=True)
    return _go(options, journal, lab, Runner.run)


@command.command()
@click.argument("run_id", metavar="RUN")
@lab_option
@common
def resume(options: Common, run_id: str, lab: str | None) -> int:
    """Go on with a RUN that was interrupted: forward, or back if it was walking back or a step had failed.

    Exit as `egov procedure run`.
    """
    from egov.procedures import Runner

    return _go(options, _journal(options, run_id), lab, Runner.run)


@command.command()
@click.argument("run_id", metavar="RUN")
@lab_option
@common
def undo(options: Common, run_id: str, lab: str | None) -> int:
    """Undo RUN, last step first; refused (exit 4) once its point of no return is begun. Exit 1 if it was undone."""
    from egov.procedures import Runner

    return _go(options, _journal(options, run_id), lab, Runner.undo)


def _folder(options: Common) -> Path:
    return options.root() / "playbooks" / "procedures"


def journals(options: Common) -> Path:
    """Return the folder of all journals of the city."""
    return options.evidence_dir() / "procedures"


def _inputs(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name in found:
            message = f"--input takes NAME=VALUE, each name once; not {text!r}"
            raise UsageError(message)
        found[name] = value
    return found


def _journal(options: Common, run_id: str) -> Journal:
    from egov.city.load import unknown
    from egov.procedures import Journal

    known = {path.stem: path for path in journals(options).glob("*.jsonl")}
    if run_id not in known:
        what = "run of a procedure"
        raise unknown(what, run_id, known)
    return Journal(known[run_id])


def _go(options: Common, journal: Journal, lab: str | None, action: Callable[[Runner], Result]) -> int:
    """Run, resume or undo what a journal began, alone; print how it ended and return the exit code."""
    from egov.procedures import Outcome, Runner

    name = journal.path.stem
    with journal.held() as lock:
        try:
            result = action(Runner(journal, executor(options, lab, lock), _say))
        except KeyboardInterrupt:
            _say(f"interrupted; go on: egov procedure resume {name}; or back: egov procedure undo {name}")
            raise
    options.write(f"{name}: {result.outcome.value}" + (f": {result.reason}" if result.reason else "") + "\n")
    return {Outcome.DONE: 0, Outcome.UNDONE: 1}.get(result.outcome, GuardError.exit_code)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _never(words: tuple[str, ...], _seconds: int) -> int:
    """Take the place of what runs commands where none is run."""
    raise AssertionError(words)


def executor(options: Common, lab: str | None, lock: int | None = None) -> Execute:
    """Return what runs a command at the root of the repository, inside the lab's controller if one is named.

    A command gets a session of its own, is ended with all its children when its time is up or egov is interrupted, and
    holds *lock* as long as it lives, so that nobody resumes beside it.
    """
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment["EGOV_CITY"] = str(options.city_dir().resolve())
    prefix: list[str] = []
    if lab or os.environ.get("EGOV_LAB"):
        from egov.lab import paths

        found = paths(lab, options.root())
        environment["EGOV_LAB"] = found.name
        prefix = ["egov", "lab", "--name", found.name, "run", "--"]

    def execute(words: tuple[str, ...], seconds: int) -> int:
        process = None
        try:
            with _uninterrupted():
                process = subprocess.Popen(
                    [*prefix, *words],
                    cwd=options.root(),
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=2,  # progress: stdout is for how it ended
                    start_new_session=True,
                    pass_fds=() if lock is None else (lock,),
                )
            return process.wait(timeout=seconds)
        except OSError as error:
            _say(f"{error.filename}: {error.strerror}")
            return 127
        except subprocess.TimeoutExpired:
            _say(f"not done within {seconds} s: ended")
            return 124
        finally:
            if process is not None and process.poll() is None:
                _end(process)

    return execute


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off, so that no command is begun that nobody knows of (it never reaches commands: own session)."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and its children: asked first, then killed."""
    os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
