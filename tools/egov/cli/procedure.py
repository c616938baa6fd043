"""`egov procedure`: run, resume or undo what takes minutes and touches hosts, step by step, with a journal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from egov.cli.common import Common, common, lab_option
from egov.errors import UsageError

if TYPE_CHECKING:
    from egov.procedures import Procedure, Result, Runner
    from egov.procedures.runner import Execute


@click.group("procedure")
def command() -> None:
    """Procedures: steps with do, verify, undo. A run ends done or undone; past a marked point only forward."""


@command.command("list")
@common
def list_(options: Common) -> int:
    """List the procedures that are described, and the runs there are."""
    from egov.present.tables import as_json, table
    from egov.procedures import procedures

    known = procedures(_folder(options))
    runs = [path.stem for path in sorted(_journals(options).glob("*.jsonl"))]
    if options.format == "json":
        data = [{"id": p.head.id, "title": p.head.title_en, "inputs": list(p.head.inputs)} for p in known.values()]
        options.write(as_json({"procedures": data, "runs": runs}))
        return 0
    rows = [
        (p.head.id, p.head.title_zh if options.lang == "zh" else p.head.title_en, " ".join(p.head.inputs))
        for p in known.values()
    ]
    options.write(table(("procedure", "title", "inputs"), rows) + "".join(f"run {name}\n" for name in runs))
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
    from egov.procedures import Journal, Runner

    filled = _filled(options, name, dict(_pair(text) for text in inputs))
    if dry_run:
        options.write(steps(filled))
        return 0
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{name}"
    journal = Journal(_journals(options) / f"{run_id}.jsonl")
    _inputs_file(options, run_id).parent.mkdir(parents=True, exist_ok=True)
    _inputs_file(options, run_id).write_text("".join(f"{text}\n" for text in inputs), encoding="utf-8")
    click.echo(f"run {run_id}", err=True)
    return _end(options, run_id, Runner(filled, journal, _execute(options, lab), _say).run())


@command.command()
@click.argument("run_id", metavar="RUN")
@lab_option
@common
def resume(options: Common, run_id: str, lab: str | None) -> int:
    """Go on with a RUN that was interrupted: forward, or back if it was walking back."""
    return _end(options, run_id, _runner(options, run_id, lab).run())


@command.command()
@click.argument("run_id", metavar="RUN")
@lab_option
@common
def undo(options: Common, run_id: str, lab: str | None) -> int:
    """Undo RUN, last step first; refused past its point of no return."""
    return _end(options, run_id, _runner(options, run_id, lab).undo())


def _folder(options: Common) -> Path:
    return options.root() / "playbooks" / "procedures"


def _journals(options: Common) -> Path:
    return options.evidence_dir() / "procedures"


def _inputs_file(options: Common, run_id: str) -> Path:
    return _journals(options) / f"{run_id}.inputs"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        message = f"--input takes NAME=VALUE, not {text!r}"
        raise UsageError(message)
    return name, value


def _filled(options: Common, name: str, inputs: dict[str, str]) -> Procedure:
    from egov.procedures import procedure

    return procedure(_folder(options), name).filled(inputs)


def _runner(options: Common, run_id: str, lab: str | None) -> Runner:
    from egov.city.load import unknown
    from egov.procedures import Journal, Runner

    path = _journals(options) / f"{run_id}.jsonl"
    if not path.is_file():
        what = "run of a procedure"
        raise unknown(what, run_id, [p.stem for p in _journals(options).glob("*.jsonl")])
    given = dict(_pair(line) for line in _inputs_file(options, run_id).read_text(encoding="utf-8").splitlines())
    filled = _filled(options, run_id.partition("-")[2], given)
    return Runner(filled, Journal(path), _execute(options, lab), _say)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _execute(options: Common, lab: str | None) -> Execute:
    """Return what runs a command at the root of the repository, inside the lab's controller if one is named."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    prefix: list[str] = []
    if lab or os.environ.get("EGOV_LAB"):
        from egov.lab import paths

        found = paths(lab, options.root())
        environment["EGOV_LAB"] = found.name
        prefix = ["egov", "lab", "--name", found.name, "run", "--"]

    def execute(words: tuple[str, ...], seconds: int) -> int:
        process = subprocess.Popen(
            [*prefix, *words], cwd=options.root(), env=environment, stdout=sys.stderr, start_new_session=True
        )
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            click.echo(f"not done within {seconds} s: ended", err=True)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return 124

    return execute


def _end(options: Common, run_id: str, result: Result) -> int:
    from egov.procedures import Outcome

    options.write(f"{run_id}: {result.outcome.value} {result.reason}".rstrip() + "\n")
    return {Outcome.DONE: 0, Outcome.UNDONE: 1}.get(result.outcome, 4)
