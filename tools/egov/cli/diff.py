"""`egov diff`: say what a change of the description will touch, before anything is applied."""

from __future__ import annotations

import io
import shlex
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from egov.cli.common import Common, common, environment_option
from egov.errors import DescriptionError, UsageError

if TYPE_CHECKING:
    from egov.judges.consequences import Stacked
    from egov.render.impact import HostImpact


@click.command("diff")
@click.argument("rev", default="HEAD")
@click.option(
    "--stacks", "with_stacks", is_flag=True, help="Compare the rendered stacks as well: objects, reach, judges."
)
@environment_option
@common
def command(options: Common, rev: str, environment: str, *, with_stacks: bool) -> int:
    """Compare the description with git revision REV: flows, hosts, files and restarts, how to apply and to undo it.

    Nothing is changed. Exit 0; with --stacks 1 if a judge has a concern about what the change makes of them.
    """
    from egov.city import load
    from egov.present.opened import opened
    from egov.present.stacks import stacked_text
    from egov.present.tables import as_json, impacts
    from egov.render.ansible import OF_THE_FOLDER, inventory
    from egov.render.impact import impact
    from egov.render.opened import changes

    folder = options.city_dir().resolve()
    root = options.root()
    place = folder.relative_to(root)
    with tempfile.TemporaryDirectory(prefix="egov-diff-") as work:
        _extract(root, rev, place, Path(work))
        try:
            earlier = load(Path(work) / place)
            stacked = _stacks(options, environment, Path(work) / place) if with_stacks else None
            before = inventory(earlier, Path(work) / place, on=options.day(earlier))
        except DescriptionError as error:
            message = f"the description at {rev} is not valid, so nothing can be compared with it: {error.problems[0]}"
            raise UsageError(message) from None
    city = load(folder)
    after = inventory(city, folder, on=options.day(city))
    flows = changes(earlier, city, options.day(city))
    for one in (before, after):
        for name in OF_THE_FOLDER:  # hold the folder's path, which the comparison changed
            one["all"]["vars"].pop(name)
    found = impact(before, after, root / "playbooks" / "roles")
    commands = _commands(found, rev, place, before, after)
    if options.as_json():
        hosts = [item.as_dict() for item in found]
        data = {"rev": rev, "hosts": hosts, "flows": [change.as_dict() for change in flows], "commands": commands}
        options.write(as_json(data | (stacked.as_dict() if stacked else {})))
    else:
        words = stacked_text(stacked, city, options.lang) if stacked else ""
        options.write(opened(flows, earlier, city, options.lang) + impacts(found, commands) + words)
    return 1 if stacked and stacked.concerns else 0


def _stacks(options: Common, environment: str, earlier: Path) -> Stacked:
    """Return what a change of the description makes of the rendered stacks; the programs are those of now."""
    from dataclasses import replace

    from egov.judges.consequences import stacked

    now = options.stacks(environment)
    return stacked(replace(now, city=earlier, _graphs={}), now, options.load_city())


def _commands(
    found: list[HostImpact], rev: str, place: Path, before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, str]:
    """Return how to check, apply and undo: playbooks reach hosts of the description they run with, no others."""
    site = "ansible-playbook playbooks/site.yml"

    def limit(without: str, inventory: Mapping[str, Any]) -> str | None:
        hosts = [item.host for item in found if item.state != without]
        every = hosts == sorted(inventory["_meta"]["hostvars"])
        # At localhost the site's run says whom it left out.
        return "" if every else f" --limit {','.join([*hosts, 'localhost'])}" if hosts else None

    now, then = limit("removed", after), limit("added", before)
    commands = {"check": f"{site}{now} --check --diff", "apply": f"{site}{now}"} if now is not None else {}
    if found:
        restore = f"git restore --source {shlex.quote(rev)} -- {shlex.quote(str(place))}"
        commands["undo"] = restore + (f" && {site}{then}" if then is not None else "")
    return commands


def _extract(root: Path, rev: str, place: Path, to: Path) -> None:
    """Write a folder as it was at a revision below *to*; UsageError if git cannot tell."""
    git = ["git", "-C", str(root)]
    done = subprocess.run(
        [*git, "rev-parse", "--verify", "--end-of-options", f"{rev}^{{commit}}"], capture_output=True, check=False
    )
    if done.returncode == 0:
        commit = done.stdout.decode().strip()
        command_line = [*git, "archive", "--format=tar", commit, "--", str(place)]
        done = subprocess.run(command_line, capture_output=True, check=False)
    if done.returncode:
        message = f"git has no {place} at {rev}: {done.stderr.decode(errors='replace').strip()}"
        raise UsageError(message)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(to, filter="data")
