"""`egov validate`: check a description and print every problem with its place."""

from __future__ import annotations

import json
from pathlib import Path

import click

from egov.cli.common import Common, common
from egov.errors import DescriptionError


@click.command("validate")
@click.argument("city_dir", type=click.Path(path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Problems as JSON.")
@common
def command(options: Common, city_dir: Path | None, *, as_json: bool) -> int:
    """Check the description in CITY_DIR: all problems at once, each with file, line and column.

    Exit 0 if it is valid, 2 if not.
    """
    from egov.city.load import find  # noqa: PLC0415
    from egov.mandate import validate  # noqa: PLC0415

    folder = find(city_dir or options.city)
    try:
        counts = validate(folder)
    except DescriptionError as error:
        if as_json or options.format == "json":
            click.echo(json.dumps({"problems": [p.as_dict() for p in error.problems]}, ensure_ascii=False, indent=2))
        else:
            click.echo("\n".join(map(str, error.problems)))
        return error.exit_code
    if as_json or options.format == "json":
        click.echo(json.dumps({"problems": [], "counts": counts}, ensure_ascii=False, indent=2))
    else:
        click.echo(f"{folder.name}: valid; " + ", ".join(f"{n} {kind}" for kind, n in counts.items() if n))
    return 0
