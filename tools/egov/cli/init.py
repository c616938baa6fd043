"""`egov init`: write a small valid description of a new city."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import click

from egov.cli.common import Common, common
from egov.errors import GuardError, UsageError


@click.command("init")
@click.argument("name")
@click.option(
    "--mandate-from",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="City whose mandate to adapt [the first under inventory/].",
)
@common
def command(options: Common, name: str, mandate_from: Path | None) -> int:
    """Write a small, commented, valid description of the city NAME to inventory/NAME, with a mandate to adapt.

    Nothing that exists is overwritten.
    """
    from egov.city.fields import SLUG

    if not re.fullmatch(SLUG, name):
        message = f"a city's id is lower-case letters, digits and hyphens, as mycity; not {name!r}"
        raise UsageError(message)
    inventory = (options.city.parent if options.city else Path.cwd() / "inventory").resolve()
    folder = inventory / name
    if folder.exists():
        message = f"{folder} exists; nothing was written"
        raise GuardError(message)
    source = mandate_from or next((p.parent for p in sorted(inventory.glob("*/mandate"))), None)
    work = inventory / f".{name}.new"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    template = Path(__file__).parent.parent / "city" / "template" / "city.yml"
    text = template.read_text(encoding="utf-8").format(id=name, name=name.title())
    (work / "city.yml").write_text(text, encoding="utf-8")
    for empty in ("surveys", "cases", "calendar"):
        (work / empty).mkdir()
    if source is not None and (source / "mandate").is_dir():
        shutil.copytree(source / "mandate", work / "mandate")
    work.rename(folder)
    said = f"its mandate is that of {source.name}: adapt it" if source else "no mandate was found to start from"
    shown = os.path.relpath(folder)
    options.write(f"wrote {shown}; {said}\nnext: egov validate {shown}\n")
    return 0
