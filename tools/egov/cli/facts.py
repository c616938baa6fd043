"""`egov facts`: seal, verify and list evidence; say what it holds of the use of systems."""

from __future__ import annotations

from pathlib import Path

import click

from egov.cli.common import Common, common

_signers_option = click.option(
    "--signers",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Another file of signers besides the city's signers.yml.",
)


@click.group("facts")
def command() -> None:
    """Evidence: runs that never change, sealed by signature so that any change shows."""


@command.command("list")
@click.option("--run", "run_id", help="Files and tables of one run.")
@common
def list_(options: Common, run_id: str | None) -> int:
    """List runs, or what one run holds."""
    from egov.city.load import unknown
    from egov.facts.store import manifest, runs
    from egov.present.tables import as_json, table

    found = {path.name: manifest(path) for path in runs(options.evidence_dir())}
    if run_id is not None and run_id not in found:
        what = "run"
        raise unknown(what, run_id, found)
    if options.as_json():
        options.write(as_json(found[run_id] if run_id else list(found.values())))
    elif run_id:
        files = [(name, digest[:16]) for name, digest in found[run_id]["files"].items()]
        tables = [(name, str(count)) for name, count in found[run_id]["tables"].items()]
        options.write(table(("table", "rows"), tables) + "\n" + table(("file", "sha256"), files))
    else:
        lines = [(n, m["clock"]["finished"][:19], str(sum(m["tables"].values()))) for n, m in found.items()]
        options.write(table(("run", "collected (UTC)", "rows"), lines))
    return 0


@command.command()
@click.option("--key", required=True, type=click.Path(path_type=Path), help="The operator's private SSH key.")
@common
def seal(options: Common, key: Path) -> int:
    """Sign a seal over every run that no seal covers yet, and print its number."""
    from egov.facts.seal import seal as make

    options.write(f"seal {make(options.evidence_dir(), key)}\n")
    return 0


@command.command()
@click.option("--seal", "number", type=click.IntRange(1), help="Only up to this seal.")
@_signers_option
@common
def verify(options: Common, number: int | None, signers: tuple[Path, ...]) -> int:
    """Recompute every hash and signature; name each row, file, run or seal that is not what was sealed.

    Exit 0 if all is as sealed, 1 if not.
    """
    from egov.city.load import SIGNERS
    from egov.facts import signing
    from egov.facts.seal import current
    from egov.facts.seal import verify as check
    from egov.present.tables import as_json

    evidence = options.evidence_dir()
    known = signing.signers([options.city_dir() / SIGNERS, *signers])
    damages = check(evidence, known, number)
    if options.as_json():
        options.write(as_json([{"where": damage.where, "what": damage.what} for damage in damages]))
    elif damages:
        options.write("".join(f"{damage}\n" for damage in damages))
    else:
        options.write(f"as sealed: seal {number or current(evidence)}\n")
    return 1 if damages else 0


@command.command()
@click.argument("run_id", metavar="RUN")
@click.argument("name", metavar="FILE")
@click.option("--reason", required=True, help="Why, as the next seal will say.")
@common
def expire(options: Common, run_id: str, name: str, reason: str) -> int:
    """Delete a raw file with personal data from RUN; its hash and the reason go into the next seal."""
    from egov.facts.seal import expire as drop

    drop(options.evidence_dir(), run_id, name, reason)
    options.write(f"expired {name} of {run_id}; seal it with: egov facts seal\n")
    return 0


@command.command()
@click.argument("systems", metavar="[SYSTEM]...", nargs=-1)
@common
def usage(options: Common, systems: tuple[str, ...]) -> int:
    """Say how systems are used, as their access logs tell: people apart from machines, and what could not be read."""
    from egov.city.load import unknown
    from egov.facts.summary import usage as summary
    from egov.present.tables import as_json
    from egov.present.usage import usage_table

    as_data, city = options.as_json(), options.load_city()
    for name in systems:
        if name not in city.systems:
            what = "system"
            raise unknown(what, name, city.systems)
    found = summary(options.evidence_dir(), options.day(city))
    found = [row for row in found if not systems or row["system"] in systems]
    options.write(as_json(found) if as_data else usage_table(found))
    return 0
