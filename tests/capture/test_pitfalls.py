"""What goes wrong silently under the SDK's own mocks is said here, with the line of the program."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s
import pytest

from egov.capture import CaptureError, Graph, Secret
from egov.capture.inprocess import capture
from egov.capture.manifests import objects, stream

HERE = Path(__file__)
OPTIONS = pulumi.ResourceOptions


def graph_of(program: Callable[[], None]) -> Graph:
    """Return what a program registers as the stack `lab` of the project `case`."""
    return capture(program, project="case", stack="lab", folder=HERE.parent, config={})


def config_map(name: str | None = "a", **data: pulumi.Input[str]) -> k8s.core.v1.ConfigMap:
    """Register a config map; its logical name is always `a map`."""
    meta = k8s.meta.v1.ObjectMetaArgs(name=name, namespace="x")
    return k8s.core.v1.ConfigMap("a map", metadata=meta, data=data)


def place(text: str) -> str:
    """Return where this file holds a text first."""
    lines = HERE.read_text(encoding="utf-8").splitlines()
    return f"{HERE.name}:{next(number for number, line in enumerate(lines, 1) if text in line)}"


def test_whole_numbers_stay_whole() -> None:
    """The protocol knows only floats; a manifest with `replicas: 2.0` is refused by a cluster."""

    def program() -> None:
        k8s.apps.v1.Deployment("d", metadata={"name": "d"}, spec={"replicas": 2, "selector": {}, "template": {}})

    assert "replicas: 2\n" in stream(objects(graph_of(program)))


def test_no_secret_is_printed_whatever_it_stands_in() -> None:
    """Values of a Secret and anything marked secret are hidden; their keys and shapes stay."""

    def program() -> None:
        hidden = pulumi.Output.secret("hunter2")
        config_map(password=hidden, url=pulumi.Output.concat("pg://me:", hidden, "@db"), plain="seen")
        k8s.core.v1.Secret("s", metadata={"name": "s"}, string_data={"a": "hunter2"}, data={"b": "aHVudGVyMg=="})

    text = stream(objects(graph_of(program)))

    assert re.search("hunter2|aHVudGVy", text) is None
    assert {"password: '[secret]'", "url: '[secret]'", "a: '[secret]'", "b: '[secret]'"} <= {
        line.strip() for line in text.splitlines()
    }


def test_a_secret_has_no_text() -> None:
    """Neither a traceback nor an f-string gives a secret away."""
    assert f"{Secret('hunter2')} {Secret('hunter2')!r}" == "[secret] [secret]"


@pytest.mark.parametrize("field", ["uid", "resource_version", "creation_timestamp"])
def test_what_only_the_server_knows_is_refused(field: str) -> None:
    """A value made of it is never rendered as the text "None"."""

    def program() -> None:
        space = k8s.core.v1.Namespace("n", metadata={"name": "n"})
        config_map(of=space.metadata.apply(lambda meta: f"id {meta[field]}"))

    with pytest.raises(
        CaptureError, match=r"kubernetes:core/v1:ConfigMap a map: data.* is known only to the API server"
    ):
        objects(graph_of(program))


def test_status_and_addresses_are_the_servers() -> None:
    """A service's address and any status are unknown in a render."""

    def program() -> None:
        service = k8s.core.v1.Service("s", metadata={"name": "s"}, spec={"ports": [{"port": 80}]})
        config_map(address=service.spec.cluster_ip)

    with pytest.raises(CaptureError, match="known only to the API server"):
        objects(graph_of(program))


def test_an_object_without_a_name_is_refused_where_it_stands() -> None:
    """Nobody gives it a name here, and a provider's would differ each time."""

    def program() -> None:
        k8s.core.v1.ConfigMap("nameless", data={"a": "1"})  # nameless

    with pytest.raises(CaptureError) as refused:
        objects(graph_of(program))

    assert (
        f"{place('# nameless')}: kubernetes:core/v1:ConfigMap nameless "
        "has no metadata.name; a provider would invent one" == str(refused.value)
    )


def test_two_registrations_of_one_name_are_refused() -> None:
    """The SDK's mocks take both; an engine refuses the second."""

    def program() -> None:
        config_map()
        config_map("b")

    with pytest.raises(CaptureError, match=r"ConfigMap a map is registered already \(test_pitfalls.py:\d+\)"):
        graph_of(program)


def test_two_resources_that_are_one_object_are_refused() -> None:
    """Two logical names of one object would overwrite each other at every run."""

    def program() -> None:
        config_map("same")
        k8s.core.v1.ConfigMap("other", metadata={"name": "same", "namespace": "x"})

    with pytest.raises(CaptureError, match=r"ConfigMap x/same is registered already"):
        objects(graph_of(program))


def test_a_reference_to_nothing_is_refused_where_it_stands() -> None:
    """Outputs of a stack that nobody rendered are an error, never an empty value."""

    def program() -> None:
        pulumi.StackReference("organization/nowhere/lab")

    with pytest.raises(CaptureError) as refused:
        graph_of(program)

    assert f"{place('organization/nowhere')}: no stack organization/nowhere/lab to refer to" == str(refused.value)


def test_a_missing_output_of_another_stack_is_refused() -> None:
    """A stack that has no such output is as wrong as no stack."""

    def program() -> None:
        config_map(of=pulumi.StackReference("organization/dc/lab").require_output("spaces"))

    with pytest.raises(CaptureError, match="no 'spaces'"):
        capture(
            program,
            project="case",
            stack="lab",
            folder=HERE.parent,
            config={},
            references=lambda _name: {"namespaces": {}},
        )


def test_an_exception_of_a_program_is_one_line_with_its_place() -> None:
    """No traceback for what a person wrote, and the line is the program's, not a library's."""

    def program() -> None:
        _ = {}["quota"]  # no quota

    with pytest.raises(CaptureError) as refused:
        graph_of(program)

    assert f"{place('# no quota')}: no 'quota'" == str(refused.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: k8s.yaml.v2.ConfigFile("f", file="x.yaml"), "only its provider can expand"),
        (lambda: k8s.helm.v4.Chart("c", chart="x"), "only its provider can expand"),
        (lambda: pulumi.runtime.invoke("kubernetes:yaml:decode", {}), "which only a provider can answer"),
    ],
    ids=["yaml.v2.ConfigFile", "helm.v4.Chart", "invoke"],
)
def test_what_only_a_provider_can_do_is_refused(call: Callable[[], object], said: str) -> None:
    """Charts and files that a provider expands have no objects here; they are named, not left out."""
    with pytest.raises(CaptureError, match=said):
        graph_of(lambda: (call(), None)[1])


def test_a_failed_capture_leaves_nothing_behind() -> None:
    """The SDK's settings are global to a process: after a failure the next program starts afresh."""

    def fails() -> None:
        config_map("b", never="seen")
        raise ValueError("no")  # noqa: EM101 - any exception

    with pytest.raises(CaptureError):
        graph_of(fails)
    graph = graph_of(lambda: (config_map("c"), None)[1])

    assert ["c"] == [made.key.name for made in objects(graph)]


def test_urns_are_an_engines() -> None:
    """Types of all parents are chained, the stack's own left out."""

    def program() -> None:
        outer = pulumi.ComponentResource("my:app:Outer", "o")
        inner = pulumi.ComponentResource("my:app:Inner", "i", None, OPTIONS(parent=outer))
        k8s.core.v1.ConfigMap("m", metadata={"name": "m"}, opts=OPTIONS(parent=inner))

    assert set(graph_of(program).resources) == {
        "urn:pulumi:lab::case::my:app:Outer::o",
        "urn:pulumi:lab::case::my:app:Outer$my:app:Inner::i",
        "urn:pulumi:lab::case::my:app:Outer$my:app:Inner$kubernetes:core/v1:ConfigMap::m",
    }
