"""`egov render`: print what is rendered from the description."""

from __future__ import annotations

from collections.abc import Mapping

import click

from egov.cli.common import Common, common, lab_option
from egov.errors import UsageError


@click.command("render")
@click.argument("what", type=click.Choice(["ansible", "nftables", "frr"]))
@click.argument("host", required=False)
@lab_option
@common
def command(options: Common, what: str, host: str | None, lab: str | None) -> int:
    """Print what is rendered: the Ansible inventory, or the nftables or frr.conf of one HOST.

    Without HOST, --output names a folder that gets one file per host. The same description, the same bytes.
    """
    if what == "ansible":
        from egov.lab import paths
        from egov.render.ansible import rendered

        state = paths(lab, options.root()).state if lab else None
        options.write(rendered(options.city_dir(), state, options.as_of))
        return 0
    from egov.render.flows import rulesets
    from egov.render.frr import frr

    city = options.load_city()
    files = rulesets(city, options.day(city)) if what == "nftables" else frr(city)
    if host is not None:
        options.write(_one(files, host, what))
        return 0
    if options.output is None:
        message = f"name a host ({', '.join(files)}), or a folder for all of them with --output"
        raise UsageError(message)
    options.output.mkdir(parents=True, exist_ok=True)
    suffix = "nft" if what == "nftables" else "frr.conf"
    for name, text in files.items():
        (options.output / f"{name}.{suffix}").write_text(text, encoding="utf-8")
    click.echo(f"wrote {len(files)} files to {options.output}", err=True)
    return 0


def _one(files: Mapping[str, str], host: str, what: str) -> str:
    from egov.city.load import unknown

    if host not in files:
        kind = f"host with rendered {what}"
        raise unknown(kind, host, files)
    return files[host]
