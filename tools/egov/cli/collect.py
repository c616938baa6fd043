"""`egov collect`: take facts in from hosts, field sheets and access logs."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from egov.cli.common import DAY, Common, common, environment_option, lab_option, now_in
from egov.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from egov.checks.zombies import ScannerRule
    from egov.city import City, Host
    from egov.collect import Credentials
    from egov.collect.login import Dial
    from egov.facts import HostContact


@click.group("collect")
def command() -> None:
    """Take facts in. Every collection is an immutable run in the evidence store; seal it with `egov facts seal`."""


_LOGIN_OPTIONS = (
    lab_option,
    click.option("--user", help="Who logs in [the lab's user, else the current one]."),
    click.option("--key", type=click.Path(path_type=Path), help="Private key [the lab's, else ~/.ssh/id_ed25519]."),
    click.option("--known-hosts", type=click.Path(path_type=Path), help="Pinned host keys [the city's known_hosts]."),
)


def login_options(function: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of whoever logs in to hosts."""
    for option in reversed(_LOGIN_OPTIONS):
        function = option(function)
    return function


@command.command()
@click.argument("names", metavar="[HOST]...", nargs=-1)
@login_options
@click.option("--at-once", default=16, show_default=True, type=click.IntRange(1, 256), help="Hosts at the same time.")
@click.option("--probe-seconds", default=20, show_default=True, type=click.IntRange(1, 600), help="Bound of a probe.")
@click.option("--host-seconds", default=120, show_default=True, type=click.IntRange(2, 3600), help="Bound of a host.")
@common
def hosts(
    options: Common,
    names: tuple[str, ...],
    lab: str | None,
    user: str | None,
    key: Path | None,
    known_hosts: Path | None,
    **limits: int,
) -> int:
    """Collect over SSH from HOSTs, all described ones if none is named. Read-only; needs no software there.

    Exit 0 if every host answered in full, 3 if not: an answer that is missing is recorded as missing.
    """
    from egov.collect import Limits, Target, collect
    from egov.present.tables import as_json, collected

    as_data, city = options.as_json(), options.load_city()
    state = _lab_state(options, lab)
    chosen = [h for h in _chosen(city, names) if state is None or h.lab]
    credentials = _credentials(options, state, user, key, known_hosts)
    targets = [Target(h.id, h.interfaces[0].address) for h in chosen]
    bounds = Limits(**limits)

    def say(contact: HostContact) -> None:
        if contact.status != "ok":
            click.echo(f"{contact.host}: {contact.status} {contact.detail}", err=True)

    run, contacts = collect(options.evidence_dir(), targets, credentials, _dial(state), bounds, say)
    data = [{"host": c.host, "status": c.status, "detail": c.detail, "seconds": c.seconds} for c in contacts]
    options.write(as_json({"run": run, "hosts": data}) if as_data else collected(run, contacts))
    return 0 if all(c.status == "ok" for c in contacts) else 3


@command.command()
@click.argument("sheets", metavar="SHEET...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--mapping", type=click.Path(path_type=Path), help="What the columns mean [SHEET.yml].")
@click.option("--partial", is_flag=True, help="Take the sound rows in; the others become unread rows.")
@common
def survey(options: Common, sheets: tuple[Path, ...], mapping: Path | None, *, partial: bool) -> int:
    """Take room surveys, asset counts and ledgers in from CSV and xlsx, as their mapping declares.

    A row that is wrong or in doubt refuses its sheet, with sheet, row and column; nothing is dropped.
    """
    from egov.collect.survey import take_in
    from egov.present.tables import as_json, taken_in

    as_data = options.as_json()
    found = take_in(options.evidence_dir(), options.load_city(), sheets, mapping, partial=partial)
    options.write(as_json(found.as_dict()) if as_data else taken_in(found))
    return 3 if found.unread else 0


@command.command()
@click.argument("files", metavar="FILE|HOST:PATH...", nargs=-1, required=True)
@click.option(
    "--system",
    "chosen",
    metavar="ID[=PLACE]",
    multiple=True,
    required=True,
    help="Whose logs these are; of a log of several systems, its first part of the path (/permits) or its host.",
)
@click.option("--log-format", help="Take the files for this format, whatever they look like.")
@click.option(
    "--requests", is_flag=True, help="Keep the requests one by one, as raw Parquet of the run: personal data."
)
@click.option(
    "--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="Runs the SQL."
)
@login_options
@common
def logs(
    options: Common,
    files: tuple[str, ...],
    chosen: tuple[str, ...],
    log_format: str | None,
    engine: str,
    *,
    requests: bool,
    **login: Any,  # noqa: ANN401 - click passes what it parsed
) -> int:
    """Take access logs in: who used a system on which day, told apart from machines. Plain, .gz, .zst, rotated sets.

    HOST:PATH is fetched from a described host over SSH; PATH may have * and ?, quoted from the shell here.

    A log is read once, whatever it is called later; of one that has grown only what is new. Exit 3: lines were unread.
    """
    from egov.collect.logs import Options, Selection, take_in
    from egov.present.tables import as_json
    from egov.present.usage import taken_logs

    as_data, city = options.as_json(), options.load_city()
    selections = [Selection.parse(text, city) for text in chosen]
    with tempfile.TemporaryDirectory(prefix="egov-fetched-") as folder:
        called = _fetched(options, city, files, login, Path(folder))
        here = {Path(file): file for file in files if _there(city, file) is None}
        how = Options(log_format, engine == "spark", requests, _scanner_rule(options), called)
        found = take_in(options.evidence_dir(), city, selections, [*here, *called], how)
    options.write(as_json(found.as_dict()) if as_data else taken_logs(found))
    return 3 if found.unread else 0


def _scanner_rule(options: Common) -> ScannerRule:
    """Return from when on the mandate calls a client a scanner."""
    from egov.checks.zombies import ScannerRule

    bindings = options.load_mandate().bindings(options.day(options.load_city()))
    given = (binding.parameters.get("scanner") for _, _, binding in bindings if binding.check == "zombie-narrow")
    return ScannerRule.model_validate(next(filter(None, given), {}))


def _there(city: City, file: str) -> tuple[Host, str] | None:
    """Return the host and the path of HOST:PATH; None for a file that is here."""
    name, colon, path = file.partition(":")
    return (city.hosts[name], path) if colon and name in city.hosts and not Path(file).exists() else None


def _fetched(
    options: Common, city: City, files: tuple[str, ...], login: Mapping[str, Any], folder: Path
) -> dict[Path, str]:
    """Fetch what stands on hosts; return each file and what it is called there."""
    wanted = [there for file in files if (there := _there(city, file))]
    if not wanted:
        return {}
    from egov.collect import Target
    from egov.collect.hosts import HOST_SECONDS
    from egov.collect.login import run
    from egov.collect.logs.remote import fetch

    state = _lab_state(options, login["lab"])
    credentials, dial = _credentials(options, state, login["user"], login["key"], login["known_hosts"]), _dial(state)
    called: dict[Path, str] = {}
    for host, path in wanted:
        target = Target(host.id, host.interfaces[0].address)

        def ask(command: str, script: bytes, target: Target = target) -> bytes:
            return run(target, credentials, dial, command, script, HOST_SECONDS)

        called |= fetch(host.id, path, ask, folder / str(len(called)))
    return called


@command.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--host", help="Whose traces these are, where the files do not say.")
@click.option("--measure", type=click.Choice(["cpu", "memory", "network", "disk"]), help="What bare values measure.")
@click.option(
    "--unit",
    type=click.Choice(["ratio", "percent", "bytes-per-second", "kilobytes-per-second"]),
    default="ratio",
    show_default=True,
    help="Unit of bare values.",
)
@click.option("--start", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="Moment of the first bare value.")
@click.option("--interval", type=click.FloatRange(1), default=300.0, show_default=True, help="Seconds between values.")
@common
def metrics(options: Common, files: tuple[Path, ...], **given: Any) -> int:  # noqa: ANN401 - click passes what it parsed
    """Take traces of resource use in: what each host used on each day, and how much of the day was seen.

    GWA-T-12 CSV, Parquet traces, sadf -d, Prometheus range queries, CloudWatch statistics, one value per line.
    Files of one host are to be taken in together, so that its days hold all measures. Exit 3: lines were unread.
    """
    from egov.collect.metrics import Trace, take_in
    from egov.present.tables import as_json
    from egov.present.usage import taken_traces

    as_data = options.as_json()
    found = take_in(options.evidence_dir(), options.load_city(), files, Trace(**given))
    options.write(as_json(found.as_dict()) if as_data else taken_traces(found))
    return 3 if found.unread else 0


@command.command()
@click.argument("url", metavar="URL")
@click.option("--from", "first", type=DAY, required=True, help="First day to ask for.")
@click.option("--until", "last", type=DAY, help="Last day to ask for [yesterday].")
@click.option("--step", type=click.IntRange(15, 3600), default=300, show_default=True, help="Seconds between points.")
@click.option("--token-file", type=click.File(), help="File with the bearer token that the server wants.")
@common
def prometheus(options: Common, url: str, first: date, last: date | None, step: int, token_file: TextIO | None) -> int:
    """Ask a Prometheus what each described host used on each day, by its node exporter; its answers are kept.

    A host is known by the address of its exporter. Exit 3: series of other addresses, or warnings, were left unread.
    """
    from egov.collect.prometheus import Server, take_in
    from egov.present.tables import as_json
    from egov.present.usage import taken_traces

    as_data, city = options.as_json(), options.load_city()
    server = Server(url, token_file.read().strip() if token_file else None, step)
    found = take_in(options.evidence_dir(), city, server, first, last or now_in(city).date() - timedelta(days=1))
    options.write(as_json(found.as_dict()) if as_data else taken_traces(found))
    return 3 if found.unread else 0


@command.command()
@environment_option
@common
def stacks(options: Common, environment: str) -> int:
    """Render all stacks and keep what the judges say of them, for the audit; egov render stacks prints it.

    Exit 0 if there is nothing to say, 1 for a concern, 3 if something could not be judged.
    """
    from egov.collect.stacks import take_in
    from egov.present.tables import as_json

    run, rows = take_in(options.evidence_dir(), options.stacks(environment), options.load_city())
    concerns, unsure = sum(row.concerns for row in rows), sum(row.not_judged for row in rows)
    departments = len({row.department for row in rows})
    data = {"run": run, "departments": departments, "concerns": concerns, "not_judged": unsure}
    text = f"run {run}: {departments} departments, {concerns} concerns, {unsure} not judged\n"
    options.write(as_json(data) if options.as_json() else text)
    return 1 if concerns else 3 if unsure else 0


@command.command()
@lab_option
@common
def packets(options: Common, lab: str | None) -> int:
    """Send one packet per pair of hosts and service in the lab; keep which arrived and which were counted as dropped.

    Exit 0 if every packet met the fate that the flows say, 1 if not.
    """
    from egov.collect.isolation import prove
    from egov.collect.probing import Namespaces
    from egov.lab import entered, paths
    from egov.present.tables import as_json

    if _lab_state(options, lab or "egov") is None:  # packets are made in namespaces, which only a lab has
        return 2
    city = options.load_city()
    places = paths(lab, options.root())
    hosts_ = [host for host in city.hosts.values() if host.lab]
    where = Namespaces(places.netns, entered)
    run, counted, sent = prove(options.evidence_dir(), city, hosts_, where, options.day(city))
    dropped = sum(counted.rose.values())
    data = {"run": run, "sent": sent, "accepted": len(counted.arrived), "dropped": dropped}
    text = f"run {run}: {sent} packets sent = {len(counted.arrived)} accepted + {dropped} counted as dropped\n"
    options.write(as_json(data) if options.format == "json" else text)
    return 0 if sent == len(counted.arrived) + dropped else 1


@command.command()
@lab_option
@common
def exits(options: Common, lab: str | None) -> int:
    """Let every host of the lab fetch something outside; keep under which address it arrived there, if it did."""
    from egov.collect.canary import canaries
    from egov.collect.probing import Namespaces
    from egov.lab import entered, paths
    from egov.present.tables import as_json, table

    _lab_state(options, lab or "egov")
    city = options.load_city()
    places = paths(lab, options.root())
    chosen = [host for host in city.hosts.values() if host.lab]
    run, found = canaries(options.evidence_dir(), city, chosen, Namespaces(places.netns, entered))
    data = [{"host": fact.host, "way": fact.way, "seen": fact.seen} for fact in found]
    rows = [(fact.host, fact.way, fact.seen or "-") for fact in found]
    text = table(("host", "way", "seen outside as"), rows) + f"run {run}\n"
    options.write(as_json({"run": run, "exits": data}) if options.format == "json" else text)
    return 0


def _lab_state(options: Common, name: str | None) -> dict[str, str] | None:
    if not (name or os.environ.get("EGOV_LAB")):
        return None
    from egov.lab import paths

    state = paths(name, options.root()).state
    if not state.is_file():
        message = f"the lab is not up ({state} is missing); start it with: egov lab up"
        raise UsageError(message)
    data: dict[str, str] = json.loads(state.read_text(encoding="utf-8"))
    return data


def _chosen(city: City, names: tuple[str, ...]) -> list[Host]:
    from egov.city.load import unknown

    for name in names:
        if name not in city.hosts:
            what = "host"
            raise unknown(what, name, city.hosts)
    every = [host for host in city.hosts.values() if "controller" not in host.roles]
    return [city.hosts[name] for name in names] or every


def _credentials(
    options: Common, state: dict[str, str] | None, user: str | None, key: Path | None, known_hosts: Path | None
) -> Credentials:
    from egov.collect import Credentials, pinned_keys, private_key

    if state:
        defaults = (state["user"], Path(state["key"]), Path(state["known_hosts"]))
    else:
        me = os.environ.get("SUDO_USER") or os.environ.get("USER") or "root"
        defaults = (me, Path("~/.ssh/id_ed25519").expanduser(), options.city_dir() / "known_hosts")
    return Credentials(user or defaults[0], private_key(key or defaults[1]), pinned_keys(known_hosts or defaults[2]))


def _dial(state: dict[str, str] | None) -> Dial:
    """Return how to reach hosts: directly, or from inside the lab's controller."""
    if state is None:
        return lambda address, port, seconds: socket.create_connection((address, port), seconds)
    from egov.lab import entered

    def inside(address: str, port: int, seconds: float) -> socket.socket:
        with entered(Path(state["controller_netns"])):
            return socket.create_connection((address, port), seconds)

    return inside
