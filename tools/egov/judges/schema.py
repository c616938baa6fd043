"""Strict schemas of the newest Kubernetes minors, and of the custom resources that the platform uses.

A key that no schema knows is a violation: Pulumi takes `replica: 2` and a cluster drops it. A kind without a schema is
not judged, never passed. Schemas of Kubernetes come with the package kubernetes-validate; those of custom resources
are our own subsets in `schemas/`: what they leave out is refused although a cluster would take it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from egov.capture.manifests import Object
from egov.judges.verdict import Verdict, of

JUDGE = "schema"
_OWN = Path(__file__).parent / "schemas"
NEWEST = 3


@cache
def minors() -> tuple[str, ...]:
    """Return the newest minors that there are schemas for, as 1.37."""
    import kubernetes_validate.utils as package  # noqa: PLC0415 - half a second, needed only to judge

    found = dict.fromkeys(package.major_minor(version) for version in package.all_versions())
    return tuple(sorted(found, key=lambda text: tuple(map(int, text.split("."))))[-NEWEST:])


def schema(found: Iterable[Object], versions: Iterable[str] | None = None) -> Iterator[Verdict]:
    """Yield what is wrong with each object by the schemas of each minor (the three newest)."""
    wanted = tuple(versions) if versions is not None else minors()
    for made in found:
        said: dict[str, list[str]] = {}
        for version in wanted:
            validator = _validator(made.key.api_version, made.key.kind, version)
            if validator is None:
                yield of(JUDGE, made, f"no schema for {made.key.api_version} {made.key.kind}", "undetermined")
                break
            for problem in _problems(validator, made.data):
                said.setdefault(problem, []).append(version)
        for problem, versions_said in said.items():
            where = "" if len(versions_said) == len(wanted) else f" (Kubernetes {', '.join(versions_said)})"
            yield of(JUDGE, made, problem + where)


def _problems(validator: Any, data: Mapping[str, Any]) -> list[str]:  # noqa: ANN401 - jsonschema has no types
    if validator.is_valid(data):
        return []
    found = set()
    for error in validator.iter_errors(data):
        path = ".".join(map(str, error.absolute_path)) or "object"
        message = re.sub(r"\s+", " ", error.message)
        found.add(f"{path}: {message if len(message) < _LONG else message[:_LONG] + '…'}")
    return sorted(found)


_LONG = 200


@cache
def _validator(api_version: str, kind: str, minor: str) -> Any:  # noqa: ANN401 - jsonschema has no types
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - as above

    own = _OWN / f"{api_version.replace('/', '_')}_{kind}.json"
    if own.is_file():
        return Draft202012Validator(json.loads(own.read_text(encoding="utf-8")))
    folder = _folder(minor)
    # rbac.authorization.k8s.io/v1 → rbac-v1, as the files are named.
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    path = folder / f"{kind.lower()}-{group}.json"
    if not path.is_file() or ("." in api_version and not api_version.partition("/")[0].endswith(".k8s.io")):
        return None
    return Draft202012Validator(json.loads(path.read_text(encoding="utf-8")), registry=_registry(minor))


@cache
def _folder(minor: str) -> Path:
    import kubernetes_validate  # noqa: PLC0415 - as above

    root = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    return next(path for path in root.glob(f"v{minor}.*-local-strict"))


@cache
def _registry(minor: str) -> Any:  # noqa: ANN401 - referencing's registry
    from referencing import Registry, Resource  # noqa: PLC0415 - as above

    text = (_folder(minor) / "_definitions.json").read_text(encoding="utf-8")
    return Resource.from_contents(json.loads(text)) @ Registry()
