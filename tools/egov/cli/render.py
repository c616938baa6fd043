"""`egov render`: print what is rendered from the description."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from egov.cli.common import Common, common, environment_option, lab_option, write_file, write_folder
from egov.errors import UsageError

if TYPE_CHECKING:
    from egov.capture import Graph
    from egov.capture.programs import Stacks

_ALL = "stacks"
_WORKLOADS = "workloads"


@click.command("render")
@click.argument("what", metavar="ansible|nftables|frr|dns|mpls|srv6|stacks|STACK|workloads")
@click.argument("host", required=False)
@lab_option
@environment_option
@click.option("--graph", type=click.Path(path_type=Path, dir_okay=False), help="File for a stack's resources as SVG.")
@click.option("--without-limits", is_flag=True, help="Workloads' pods without limits of cores and memory.")
@click.option("--compare", type=click.Path(path_type=Path, dir_okay=False), help="PULUMI_DEBUG_GRPC log of a real run.")
@common
def command(
    options: Common,
    *,
    what: str,
    host: str | None,
    lab: str | None,
    environment: str,
    graph: Path | None,
    without_limits: bool,
    compare: Path | None,
) -> int:
    """Print what is rendered: the Ansible inventory, the nftables, frr.conf or name server files of one HOST, a STACK.

    mpls and srv6 are frr.conf of a carrier router that takes VRFs from site to site.

    Without HOST, --output names a folder that gets one file per host. A STACK is a Pulumi program below stacks/, or
    `stacks` for all of them; its Kubernetes objects go to stdout, or with --output one to a file. What the judges say
    of them goes to stderr: exit 1 for a concern, 3 for what could not be judged. The same description, the same bytes.
    Nothing is deployed: no Pulumi engine and no cluster is asked. `workloads` are the same pods as files for the
    container hosts of a city without a cluster, one per pod and host; playbooks/workloads.yml installs them.
    """
    if what == "ansible":
        from egov.lab import paths
        from egov.render.ansible import rendered

        state = paths(lab, options.root()).state if lab else None
        options.write(rendered(options.city_dir(), state, options.as_of))
        return 0
    if what == _WORKLOADS:
        return _pods(options, host, environment, limits=not without_limits)
    if what not in _SUFFIX:
        if host is not None:
            message = f"a stack has no host {host}; it is rendered whole"
            raise UsageError(message)
        return _stack(options, what, environment, graph, compare)
    files = _files(what, options)
    if host is not None:
        options.write(_one(files, host, what))
        return 0
    if options.output is None:
        message = f"name a host ({', '.join(files)}), or a folder for all of them with --output"
        raise UsageError(message)
    write_folder(options.output, {f"{name}.{_SUFFIX[what]}": text for name, text in files.items()})
    return 0


_SUFFIX = {"nftables": "nft", "frr": "frr.conf", "dns": "dns.txt", "mpls": "mpls.conf", "srv6": "srv6.conf"}


def _files(what: str, options: Common) -> Mapping[str, str]:
    """Return what is rendered, by host; files of a name server one after the other, each under its name."""
    from egov.render.dns import dns
    from egov.render.flows import rulesets
    from egov.render.frr import frr
    from egov.render.vpn import vpn

    city = options.load_city()
    made: dict[str, Callable[[], Mapping[str, str]]] = {
        "nftables": lambda: rulesets(city, options.day(city)),
        "frr": lambda: frr(city),
        "dns": lambda: {host: _in_one(files) for host, files in dns(city, options.day(city)).items()},
        "mpls": lambda: vpn(city, "mpls"),
        "srv6": lambda: vpn(city, "srv6"),
    }
    return made[what]()


def _in_one(files: Mapping[str, str]) -> str:
    return "\n".join(f"==> {name} <==\n{text}" for name, text in files.items())


def _one(files: Mapping[str, str], host: str, what: str) -> str:
    from egov.city.load import unknown

    if host not in files:
        kind = f"host with rendered {what}"
        raise unknown(kind, host, files)
    return files[host]


def _pods(options: Common, host: str | None, environment: str, *, limits: bool) -> int:
    from egov.capture.kube_play import folder, manifests
    from egov.capture.manifests import INDEX, objects

    stacks, city = options.stacks(environment), options.load_city()
    found = [made for name in ("datacenter", "migration") for made in objects(stacks.graph(name))]
    files = manifests(found, city, stacks.on, limits=limits)
    if not files:
        message = "no container host runs pods itself (pods: on a host); a cluster does: egov render stacks"
        raise UsageError(message)
    if host is not None:
        own = {name: "---\n".join(texts.values()) for name, texts in files.items()}
        options.write(_one(own, host, _WORKLOADS))
        return 0
    if options.output is None:
        message = f"name a host ({', '.join(files)}), or a folder for all of them with --output"
        raise UsageError(message)
    write_folder(options.output, folder(files), INDEX)
    return 0


def _stack(options: Common, program: str, environment: str, graph_file: Path | None, compare: Path | None) -> int:
    from egov.capture.manifests import INDEX, files, objects, stream
    from egov.city.load import unknown

    stacks = options.stacks(environment)
    known = stacks.programs()
    if not known:
        message = f"no Pulumi program below {stacks.folder}: stacks/ stands beside inventory/"
        raise UsageError(message)
    if program not in {*known, _ALL}:
        thing = "stack or rendered thing"
        raise unknown(thing, program, ["ansible", *_SUFFIX, _ALL, *known])
    graphs = [stacks.graph(name) for name in (known if program == _ALL else [program])]
    found = {graph.project: objects(graph) for graph in graphs}
    if compare is not None:
        return _compared(options, graphs, compare, stacks.folder)
    if options.output is None:
        options.write("".join(map(stream, found.values())))
    else:
        for graph in graphs:
            folder = options.output / graph.project if program == _ALL else options.output
            write_folder(folder, files(graph, found[graph.project]), INDEX)
    if graph_file is not None:
        from egov.present.stacks import drawing

        write_file(graph_file, "".join(map(drawing, graphs[:1])).encode())
    return _judged(options, graphs, stacks, whole=program == _ALL)


def _judged(options: Common, graphs: Sequence[Graph], stacks: Stacks, *, whole: bool) -> int:
    from egov.judges.all import clusters, judged, part
    from egov.present.stacks import summary, verdicts

    clustered = clusters(graphs)
    said = list(judged(graphs, stacks, options.load_city())) if whole else part(graphs[0].project, stacks)
    click.echo(verdicts(said, options.lang), nl=False, err=True)
    click.echo(summary(said, sum(map(len, clustered.values())), options.lang), nl=False, err=True)
    outcomes = {verdict.outcome for verdict in said}
    return 1 if "violation" in outcomes else 3 if outcomes else 0


def _compared(options: Common, graphs: Sequence[Graph], log: Path, folder: Path) -> int:
    """Print where a log of a real engine's run differs from the capture; exit 1 if it does."""
    from egov.capture.debug_log import graph_of
    from egov.capture.graph import differences

    if len(graphs) != 1:
        message = "a log is of one stack; name it"
        raise UsageError(message)
    found = list(differences(graphs[0], graph_of(log, folder)))
    options.write("".join(f"{line}\n" for line in found))
    click.echo(f"{len(graphs[0].resources)} resources captured, {len(found)} differences from {log}", err=True)
    return 1 if found else 0
