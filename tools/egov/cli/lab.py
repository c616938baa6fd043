"""`egov lab`: run the described hosts on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from egov.cli.common import Common, common

if TYPE_CHECKING:
    from egov.lab import Lab


def _lab(options: Common, name: str | None) -> Lab:
    from egov.city import load
    from egov.lab import Lab, paths, topology

    folder = options.city_dir()
    root = folder.resolve().parent.parent
    return Lab(paths(name, root), topology(load(folder)), say=lambda text: click.echo(text, err=True))


@click.group("lab")
@click.option("--name", help="Name of the lab [$EGOV_LAB or egov]; labs of different names run side by side.")
@click.pass_context
def command(context: click.Context, name: str | None) -> None:
    """Run the described hosts on this machine: real systemd, SSH and packets, in network namespaces of their own.

    Needs root on Debian 12. Never touches the machine's addresses, routes or firewall; `down` leaves nothing.
    """
    context.meta["lab"] = name


def _name() -> str | None:
    name: str | None = click.get_current_context().meta.get("lab")
    return name


@command.command()
@click.argument("hosts", nargs=-1)
@common
def up(options: Common, hosts: tuple[str, ...]) -> int:
    """Boot HOSTS (all if none is named) and wait until they run."""
    from egov.present.tables import lab_table

    status = _lab(options, _name()).up(hosts)
    options.write(lab_table(status, options.format))
    return 0


@command.command()
@click.option("--purge", is_flag=True, help="Delete the base image and the package cache too.")
@common
def down(options: Common, *, purge: bool) -> int:
    """End every process of the lab and delete all it made."""
    _lab(options, _name()).down(purge=purge)
    return 0


@command.command()
@common
def status(options: Common) -> int:
    """Show each host's state, address and failed units."""
    from egov.present.tables import lab_table

    found = _lab(options, _name()).status()
    options.write(lab_table(found, options.format))
    return 0 if all(host.state == "running" for host in found) else 3


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@common
def ssh(options: Common, host: str, words: tuple[str, ...]) -> None:
    """Open a shell on HOST, or run a command there."""
    lab = _lab(options, _name())
    chosen = lab.topology.chosen([host])[0]
    _exec(lab, ["ssh", *_ssh_options(lab), f"ops@{chosen.address}", *words])


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
@common
def run(options: Common, words: tuple[str, ...]) -> None:
    """Run a command where the hosts can be reached: `egov lab run -- ansible-playbook playbooks/site.yml`."""
    _exec(_lab(options, _name()), list(words))


@command.command()
@click.argument("host", required=False)
@click.argument("interface", required=False)
@click.option("--site", help="Part a site from all others, by every network but the controller's.")
@common
def cut(options: Common, host: str | None, interface: str | None, site: str | None) -> int:
    """Take links of HOST (or one INTERFACE) down."""
    return _cut(_lab(options, _name()), host, interface, site, heal=False)


@command.command()
@click.argument("host", required=False)
@click.argument("interface", required=False)
@click.option("--site", help="Join a site with the others again.")
@common
def heal(options: Common, host: str | None, interface: str | None, site: str | None) -> int:
    """Take links that were cut up again."""
    return _cut(_lab(options, _name()), host, interface, site, heal=True)


@command.command()
@click.argument("host")
@click.argument("interface")
@click.argument("rate", required=False)
@common
def slow(options: Common, host: str, interface: str, rate: str | None) -> int:
    """Let INTERFACE of HOST pass RATE each way (as 2mbit), or everything again if no RATE is given."""
    lab = _lab(options, _name())
    lab.slow(lab.topology.chosen([host])[0], interface, rate)
    return 0


@command.command()
@click.argument("hosts", nargs=-1)
@click.option("--site", help="End every host of a site.")
@common
def kill(options: Common, hosts: tuple[str, ...], site: str | None) -> int:
    """End all of HOSTS at once, as a power cut does; `up` boots them again."""
    lab = _lab(options, _name())
    if bool(hosts) == bool(site):
        message = "name hosts, or --site SITE"
        raise click.UsageError(message)
    lab.kill([host.id for host in lab.at_site(site)] if site else hosts)
    return 0


@command.command()
@click.argument("hosts", nargs=-1, required=True)
@click.option("--thaw", is_flag=True, help="Let them go on.")
@common
def freeze(options: Common, hosts: tuple[str, ...], *, thaw: bool) -> int:
    """Stop every process of HOSTS."""
    _lab(options, _name()).freeze(hosts, thaw=thaw)
    return 0


def _cut(lab: Lab, host: str | None, interface: str | None, site: str | None, *, heal: bool) -> int:
    if (host is None) == (site is None):
        message = "name one host, or --site SITE"
        raise click.UsageError(message)
    if site:
        lab.cut_site(site, heal=heal)
    else:
        lab.cut(lab.topology.chosen([str(host)]), interface, heal=heal)
    return 0


def _ssh_options(lab: Lab) -> list[str]:
    pinned = [f"UserKnownHostsFile={lab.paths.known_hosts}", "StrictHostKeyChecking=yes", "IdentitiesOnly=yes"]
    return ["-F", "none", "-i", str(lab.paths.key), *(word for option in pinned for word in ("-o", option))]


def _exec(lab: Lab, command_line: list[str]) -> None:
    """Become *command_line* inside the controller's namespace."""
    from egov.errors import UsageError
    from egov.lab import groups
    from egov.lab.namespace import enter

    enter(lab.controller)
    groups.join(lab.paths.control_group / "run")  # so that `down` ends it, and the SSH masters it leaves behind
    environment = {**os.environ, "EGOV_LAB": lab.paths.name}
    environment.setdefault("ANSIBLE_SSH_CONTROL_PATH_DIR", str(lab.paths.lab / "cp"))
    try:
        os.execvpe(command_line[0], command_line, environment)  # noqa: S606 - the user's own command
    except FileNotFoundError:
        message = f"{command_line[0]}: no such command"
        raise UsageError(message) from None
