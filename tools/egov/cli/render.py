"""`egov render`: print what is rendered from the description."""

from __future__ import annotations

from collections.abc import Mapping

import click

from egov.cli.common import Common, common, lab_option
from egov.errors import UsageError


@click.command("render")
@click.argument("what", type=click.Choice(["ansible", "nftables", "frr", "dns", "mpls", "srv6"]))
@click.argument("host", required=False)
@lab_option
@common
def command(options: Common, what: str, host: str | None, lab: str | None) -> int:
    """Print what is rendered: the Ansible inventory, or the nftables, frr.conf or name server files of one HOST.

    mpls and srv6 are frr.conf of a carrier router that takes VRFs from site to site.

    Without HOST, --output names a folder that gets one file per host. The same description, the same bytes.
    """
    if what == "ansible":
        from egov.lab import paths
        from egov.render.ansible import rendered

        state = paths(lab, options.root()).state if lab else None
        options.write(rendered(options.city_dir(), state, options.as_of))
        return 0
    files = _files(what, options)
    if host is not None:
        options.write(_one(files, host, what))
        return 0
    if options.output is None:
        message = f"name a host ({', '.join(files)}), or a folder for all of them with --output"
        raise UsageError(message)
    options.output.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (options.output / f"{name}.{_SUFFIX[what]}").write_text(text, encoding="utf-8")
    click.echo(f"wrote {len(files)} files to {options.output}", err=True)
    return 0


_SUFFIX = {"nftables": "nft", "frr": "frr.conf", "dns": "dns.txt", "mpls": "mpls.conf", "srv6": "srv6.conf"}


def _files(what: str, options: Common) -> Mapping[str, str]:
    """Return what is rendered, by host; files of a name server one after the other, each under its name."""
    from egov.render.dns import dns
    from egov.render.flows import rulesets
    from egov.render.frr import frr
    from egov.render.vpn import vpn

    city = options.load_city()
    if what == "dns":
        servers = dns(city, options.day(city)).items()
        return {host: "\n".join(f"==> {name} <==\n{text}" for name, text in files.items()) for host, files in servers}
    made = {"mpls": lambda: vpn(city, "mpls"), "srv6": lambda: vpn(city, "srv6"), "frr": lambda: frr(city)}
    return made[what]() if what in made else rulesets(city, options.day(city))


def _one(files: Mapping[str, str], host: str, what: str) -> str:
    from egov.city.load import unknown

    if host not in files:
        kind = f"host with rendered {what}"
        raise unknown(kind, host, files)
    return files[host]
