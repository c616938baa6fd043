"""The policy pack, asked without Pulumi's engine: the same file that `pulumi up --policy-pack` runs."""

from __future__ import annotations

import runpy
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from egov.capture.manifests import Object
from egov.judges.verdict import Verdict, of

JUDGE = "policy-pack"
FILE = "policy/policies.py"


def pack(found: Iterable[Object], folder: Path) -> Iterator[Verdict]:
    """Yield what the pack below the programs' folder reports of each object."""
    policies = load(folder)
    for made in found:
        args = SimpleNamespace(
            resource_type="kubernetes:" + made.urn.split("::")[2].rpartition("kubernetes:")[2],
            props=made.data,
            urn=made.urn,
            name=made.key.name,
        )
        for policy in policies:
            said: list[str] = []
            policy.validate(args, lambda message, _urn=None, said=said: said.append(message))
            yield from (of(JUDGE, made, f"{policy.name}: {message}") for message in said)


def load(folder: Path) -> list[Any]:
    """Return the policies of a programs' folder."""
    found: list[Any] = runpy.run_path(str(folder / FILE))["POLICIES"]
    return found
