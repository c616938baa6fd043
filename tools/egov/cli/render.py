"""`egov render`: print what is rendered from the description."""

from __future__ import annotations

import click

from egov.cli.common import Common, common, lab_option


@click.command("render")
@click.argument("what", type=click.Choice(["ansible"]))
@lab_option
@common
def command(options: Common, what: str, lab: str | None) -> int:  # noqa: ARG001 - one form so far, more to come
    """Print the Ansible inventory as inventory/inventory.py hands it to Ansible: the same bytes each time."""
    from egov.lab import paths
    from egov.render.ansible import rendered

    state = paths(lab, options.root()).state if lab else None
    options.write(rendered(options.city_dir(), state))
    return 0
