"""What a report rests on: commit of the description, seal of the evidence, parameters. Printed with every output."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from egov import __version__
from egov.checks import bindings
from egov.errors import UsageError
from egov.facts import seal
from egov.facts.store import manifest, runs
from egov.mandate import Mandate


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit of the description: its id, its day, whether files differ from it."""

    id: str
    day: date
    changed: bool


@dataclass(frozen=True, slots=True)
class Provenance:
    """All that is needed to get the same findings again."""

    city: str
    as_of: date
    commit: str | None
    changed: bool
    seal: int
    evidence: str
    parameters: str
    tool: str
    checks: tuple[Mapping[str, Any], ...]
    runs: tuple[Mapping[str, Any], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {**asdict(self), "as_of": self.as_of.isoformat()}


def provenance(city_dir: Path, city: str, as_of: date, law: Mandate, evidence: Path) -> Provenance:
    """Return what findings of that city and day rest on."""
    bound = [
        {"duty": duty.id, "check": check.name, "parameters": parameters.model_dump(mode="json"), "reason": reason}
        for (duty, check, parameters), reason in zip(
            bindings(law, as_of), (b.reason for _, _, b in law.bindings(as_of)), strict=True
        )
    ]
    canonical = json.dumps(bound, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    found = commit(city_dir)
    return Provenance(
        city=city,
        as_of=as_of,
        commit=found.id if found else None,
        changed=found.changed if found else False,
        seal=seal.current(evidence),
        evidence=seal.evidence_hash(evidence),
        parameters=hashlib.sha256(canonical.encode()).hexdigest()[:16],
        tool=f"egov {__version__}",
        checks=tuple(bound),
        runs=tuple(_run(path) for path in runs(evidence)),
    )


def _run(path: Path) -> dict[str, Any]:
    content = manifest(path)
    rows = sum(content.get("tables", {}).values())
    return {"run": path.name, "collected": content["clock"]["finished"], "rows": rows, "root": content["root"]}


def commit(folder: Path) -> Commit | None:
    """Return the newest commit that touched *folder*, None if git does not know it."""
    line = _git(folder, "log", "-1", "--format=%H %cs", "--", ".").split()
    if not line:
        return None
    return Commit(line[0][:12], date.fromisoformat(line[1]), bool(_git(folder, "status", "--porcelain", "--", ".")))


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False, timeout=30
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def refuse_anachronism(city_dir: Path, as_of: date, today: date) -> None:
    """Refuse to judge a past day by a later description (UsageError) unless the caller allows it in so many words."""
    if as_of >= today:
        return
    found = commit(city_dir)
    if found is not None and found.day <= as_of and not found.changed:
        return
    of = f"of {found.day}" if found else "not under version control"
    message = (
        f"the description is {of}, the audit as of {as_of}: check out the commit of that time "
        f"(git log --until={as_of}), or say --description-of-today"
    )
    raise UsageError(message)
