"""Seals: a signed chain over run roots, so that a changed row, a removed run and an added run are all seen.

    evidence/<city>/seals/0001.json (+ .sig)   {seal, previous, sealed_at, tool, runs: [{run, root}], expired: [...]}

Expiry of personal raw data is itself such an event: the file's name and hash stay, its content goes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from egov import __version__
from egov.city.fields import Part
from egov.errors import EvidenceError, UsageError
from egov.facts.signing import SEAL_NAMESPACE, Signer, sign, verified_by
from egov.facts.store import connection, file_hash, manifest, read_rows, root_hash, run_files, runs
from egov.facts.tables import row_data, row_hash, tables


@dataclass(frozen=True, slots=True, order=True)
class Damage:
    """One way in which the evidence is not what was sealed."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class SealedRun(Part):
    """A run and the root it had when it was sealed."""

    run: str
    root: str


class Expired(Part):
    """A raw file that was deleted by the book: its name and hash stay."""

    run: str
    file: str
    sha256: str
    reason: str
    at: str


class Seal(Part):
    """What one seal file says."""

    seal: int
    previous: str | None
    sealed_at: datetime
    tool: str
    runs: tuple[SealedRun, ...]
    expired: tuple[Expired, ...]


def seal_files(evidence: Path) -> list[Path]:
    """Return the seal files in order."""
    return sorted((evidence / "seals").glob("[0-9][0-9][0-9][0-9].json"))


def current(evidence: Path) -> int:
    """Return the number of the newest seal, 0 if there is none."""
    files = seal_files(evidence)
    return int(files[-1].stem) if files else 0


def seal(evidence: Path, key: Path, at: datetime | None = None) -> int:
    """Seal all runs that no seal covers yet and return the seal's number; UsageError if there is nothing new."""
    files = seal_files(evidence)
    covered = {sealed.run for path in files if (known := _read(path)) for sealed in known.runs}
    new = [{"run": run.name, "root": manifest(run)["root"]} for run in runs(evidence) if run.name not in covered]
    pending = evidence / "expiry.jsonl"
    expired = [json.loads(line) for line in pending.read_text("utf-8").splitlines()] if pending.exists() else []
    if not new and not expired:
        message = "nothing to seal: every run is sealed already"
        raise UsageError(message)
    number = current(evidence) + 1
    data = {
        "seal": number,
        "previous": file_hash(files[-1]) if files else None,
        "sealed_at": (at or datetime.now(UTC)).isoformat(),
        "tool": f"egov {__version__}",
        "runs": new,
        "expired": expired,
    }
    text = (json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
    signature = sign(text, key, SEAL_NAMESPACE)
    folder = evidence / "seals"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:04}.json.sig").write_text(signature, encoding="utf-8")
    (folder / f"{number:04}.json").write_bytes(text)
    pending.unlink(missing_ok=True)
    return number


def expire(evidence: Path, run: str, name: str, reason: str) -> None:
    """Delete one raw file of a run; its hash and the reason go into the next seal. UsageError if it is not raw data."""
    path = evidence / "runs" / run / name
    recorded = manifest(evidence / "runs" / run)["files"].get(name)
    if not name.startswith("raw/") or recorded is None or not path.is_file():
        message = f"run {run} has no raw file {name}; `egov facts list --run {run}` names them"
        raise UsageError(message)
    event = {"run": run, "file": name, "sha256": recorded, "reason": reason, "at": datetime.now(UTC).isoformat()}
    with (evidence / "expiry.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(event, ensure_ascii=False) + "\n")
    path.unlink()


def verify(evidence: Path, known: Mapping[str, Signer], upto: int | None = None) -> list[Damage]:
    """Recompute every hash and signature up to seal *upto* (all if None); return what is damaged, sorted.

    Without *upto* a run that no seal covers is reported too: nobody can say when it was added.
    """
    files = [path for path in seal_files(evidence) if upto is None or int(path.stem) <= upto]
    if upto is not None and upto != (int(files[-1].stem) if files else 0):
        return [Damage(f"seal {upto}", "does not exist")]
    damages: list[Damage] = []
    covered: dict[str, str] = {}
    expired: set[tuple[str, str]] = set()
    for position, path in enumerate(files):
        content = _read(path)
        damages += _seal_damages(path, content, files[position - 1] if position else None, known)
        if content is not None:
            covered |= {sealed.run: sealed.root for sealed in content.runs}
            expired |= {(event.run, event.file) for event in content.expired}
    present = {run.name: run for run in runs(evidence)}
    damages += [
        Damage(f"run {name}", "was removed after it was sealed") for name in sorted(covered.keys() - present.keys())
    ]
    if upto is None:
        message = "no seal covers it: added after the last seal (seal it, or find out who added it)"
        damages += [Damage(f"run {name}", message) for name in sorted(present.keys() - covered.keys())]
    for name in sorted(covered.keys() & present.keys()):
        damages += _run_damages(present[name], covered[name], expired)
    return sorted(damages)


def _seal_damages(
    path: Path, content: Seal | None, previous: Path | None, known: Mapping[str, Signer]
) -> Iterator[Damage]:
    where = f"seal {int(path.stem)}"
    if content is not None and content.seal != int(path.stem):
        yield Damage(where, "does not carry its own number")
    if content is not None and content.previous != (file_hash(previous) if previous else None):
        yield Damage(where, "does not follow the seal before it")
    signature = path.with_name(path.name + ".sig")
    if not signature.is_file():
        yield Damage(where, "has no signature")
        return
    signer = verified_by(path.read_bytes(), signature.read_text("utf-8", "replace"), known, SEAL_NAMESPACE)
    if signer is None:
        yield Damage(where, "signature is not by a signer of this city, or the seal was changed")
    elif content is None:
        yield Damage(where, "is signed but does not have the form of a seal")
    elif not signer.may("operator", content.sealed_at.date()):
        yield Damage(where, f"signer {signer.id} may not seal on {content.sealed_at.date()}")


def _read(path: Path) -> Seal | None:
    """Return what a seal file says; None if it is none, which its signature then shows."""
    try:
        return Seal.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _run_damages(run: Path, sealed_root: str, expired: set[tuple[str, str]]) -> Iterator[Damage]:
    where = f"run {run.name}"
    try:
        recorded = manifest(run)
    except EvidenceError as error:
        yield Damage(where, str(error))
        return
    if root_hash(recorded) != sealed_root or recorded.get("root") != sealed_root:
        yield Damage(where, "its manifest was changed after it was sealed")
    listed: dict[str, str] = recorded.get("files", {})
    present = set(run_files(run))
    for name in sorted(present - listed.keys()):
        yield Damage(where, f"{name} was added")
    for name, digest in sorted(listed.items()):
        if name not in present:
            if (run.name, name) not in expired:
                yield Damage(where, f"{name} was removed")
        elif file_hash(run / name) != digest:
            yield from _file_damages(run, name)


def _file_damages(run: Path, name: str) -> Iterator[Damage]:
    """Name the changed rows of a fact table, or the file where rows cannot be told apart."""
    where = f"run {run.name}"
    table = tables().get(Path(name).stem) if name.startswith("facts/") else None
    found = False
    if table is not None:
        try:
            with connection() as database:
                for number, values in enumerate(read_rows(database, table, run / name)):
                    recorded = values.pop("row_sha256")
                    if row_hash(table.__name__, row_data(table(**values))) != recorded:
                        found = True
                        yield Damage(where, f"{name}: row {number} was changed")
        except (EvidenceError, UnicodeError, ValueError) as error:
            yield Damage(where, f"{name} was changed and can no longer be read: {error}")
            return
    if not found:
        yield Damage(where, f"{name} was changed")


def evidence_hash(evidence: Path) -> str:
    """Return a short hash over the roots of all runs: what an unsealed report rests on."""
    roots = "".join(f"{run.name}:{manifest(run).get('root')}\n" for run in runs(evidence))
    return hashlib.sha256(roots.encode()).hexdigest()[:16]
