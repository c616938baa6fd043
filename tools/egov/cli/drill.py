"""`egov drill`: break something on purpose while clients write, mend it, and measure what it cost."""

from __future__ import annotations

import gzip
import os
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from egov.cli.common import Common, common, lab_option

if TYPE_CHECKING:
    from pathlib import Path

    from egov.city import City
    from egov.drills import Drill

_SEEDS = 10_000
_EXIT = {"pass": 0, "violation": 1, "undetermined": 3}


@click.group("drill")
def command() -> None:
    """Drills: a fault, its recovery by the playbooks that production uses, and what they cost in rows and seconds."""


@command.command("list")
@common
def list_(options: Common) -> int:
    """List the drills that are described: what breaks, and what each costs at most by the objective."""
    from egov.drills import drills
    from egov.present.tables import as_json, table
    from egov.render.database import strictest

    known, wanted = drills(_folder(options)), strictest(options.load_city())
    if options.as_json():
        data = [
            {"id": d.id, "title": d.procedure.head.title_en, "fault": d.load.fault, "lab_only": d.load.lab_only}
            for d in known.values()
        ]
        options.write(as_json({"drills": data, "objective": wanted.model_dump() if wanted else None}))
        return 0
    rows = [
        (d.id, d.load.fault, d.procedure.head.title_zh if options.lang == "zh" else d.procedure.head.title_en)
        for d in known.values()
    ]
    text = f"objective: RPO {wanted.rpo_seconds} s, RTO {wanted.rto_seconds} s\n" if wanted else "objective: none\n"
    options.write(text + table(("drill", "fault", "title"), rows))
    return 0


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…|all")
@click.option(
    "--seed", type=click.IntRange(0), help="Moment and length of the fault, number of clients [another one each time]."
)
@click.option(
    "--rate", type=click.IntRange(0), help="Rows a second that each client writes at most [as described]; 0: no limit."
)
@lab_option
@common
def run(options: Common, names: tuple[str, ...], seed: int | None, rate: int | None, lab: str | None) -> int:
    """Run drills one after the other: on the database that is described, or a lab's. Results are kept as facts.

    Exit 0 if every objective was kept, 1 if one was not, 3 if one could not be measured, 4 if refused.
    """
    from egov.drills import chosen, drills, paced
    from egov.errors import UsageError
    from egov.present.tables import as_json, table

    lab = lab or os.environ.get("EGOV_LAB")
    wanted = [drill if rate is None else paced(drill, rate) for drill in chosen(drills(_folder(options)), names)]
    if cables := [drill.id for drill in wanted if drill.load.lab_only and not lab]:
        message = f"{', '.join(cables)}: pulls cables or cuts power, which only a lab can do; name one with --lab"
        raise UsageError(message)
    city = options.load_city()
    seeds = [random.randrange(_SEEDS) if seed is None else seed for _ in wanted]  # noqa: S311 - printed, to be repeated
    found = [_one(options, city, drill, lab, number) for drill, number in zip(wanted, seeds, strict=True)]
    if options.as_json():
        options.write(as_json(found))
    else:
        columns = ("drill", "seed", "verdict", "acked", "lost", "duplicated", "gap_write_s", "gap_read_s", "rpo_s")
        options.write(table(columns, [[data[name] for name in columns] for data in found]))
    verdicts = {data["verdict"] for data in found}
    return next((_EXIT[name] for name in ("violation", "undetermined") if name in verdicts), 0)


def _one(options: Common, city: City, drill: Drill, lab: str | None, seed: int) -> dict[str, Any]:
    """Run one drill, keep what it left, and return it as data."""
    from egov.cli.procedure import executor, journals
    from egov.drills import as_data, fact
    from egov.drills import run as run_drill
    from egov.drills.place import place
    from egov.facts import RunWriter
    from egov.procedures import Journal
    from egov.render.database import strictest

    started = datetime.now(UTC)
    journal = Journal(journals(options) / f"{started:%Y%m%dT%H%M%SZ}-{drill.id}.jsonl")
    where = place(city, options.city_dir().resolve(), lab, executor(options, lab))
    done = run_drill(drill, where, journal, lambda text: click.echo(text, err=True), seed)
    with RunWriter.begin(
        options.evidence_dir(), "drill", [f"egov drill run {drill.id} --seed {seed}"], started
    ) as writer:
        for host, text in done.ledgers.items():
            writer.raw(f"ledger-{host}.txt.gz", gzip.compress(text.encode(), mtime=0))
        writer.raw("rows.txt.gz", gzip.compress(done.rows_text.encode(), mtime=0))
        writer.add(fact(done, city.profile.id, datetime.now(UTC)))
    data = as_data(done, strictest(city))
    click.echo(f"{drill.id}: {data['verdict']}", err=True)
    return data


def _folder(options: Common) -> Path:
    return options.root() / "playbooks" / "drills"
