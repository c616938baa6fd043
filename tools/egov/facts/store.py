"""The evidence store: immutable collection runs. Each is a folder with raw output, Parquet facts and one manifest.

evidence/<city>/runs/<run>/manifest.json   root hash, tool version, commands, clock, hash of every file
                          /raw/…           as delivered
                          /facts/<Table>.parquet
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from egov import __version__
from egov.errors import EvidenceError
from egov.facts.tables import Fact, columns, row_line, tables

if TYPE_CHECKING:
    import duckdb

MANIFEST = "manifest.json"
# Tables below this many bytes are stored uncompressed: a changed byte then shows which row it was in.
_COMPRESS_FROM = 2**20


@dataclass
class RunWriter:
    """One run being written. `begin` gives it a hidden folder that is renamed only when everything is on disk."""

    folder: Path
    id: str
    kind: str
    commands: tuple[str, ...]
    started: datetime
    _lines: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _rows: dict[str, int] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def begin(
        cls, evidence: Path, kind: str, commands: Sequence[str], started: datetime | None = None
    ) -> Iterator[RunWriter]:
        """Yield a run; on leaving it is complete in the store, on an exception nothing is left."""
        started = started or datetime.now(UTC)
        runs = evidence / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".new-", dir=runs))
        work.chmod(0o750)
        run = cls(work, _free_id(runs, f"{started:%Y%m%dT%H%M%SZ}-{kind}"), kind, tuple(commands), started)
        try:
            yield run
            run._finish(runs)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise

    def raw(self, name: str, data: bytes) -> None:
        """Keep *data* as delivered under raw/*name* (a relative path without `..`)."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            message = f"raw file name {name!r} leaves its folder"
            raise EvidenceError(message)
        target = self.folder / "raw" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def add(self, fact: Fact) -> None:
        """Add one row to its table."""
        self._lines[type(fact).__name__].append(row_line(fact))

    def add_rows(self, table: type[Fact], parquet: Path, **same: Any) -> None:  # noqa: ANN401 - a cell
        """Add the rows of a Parquet file to a table nothing else is added to, with what is the *same* in all of them.

        For tables too large to go through Python; the rows' order is that of their first columns.
        """
        (self.folder / "facts").mkdir(exist_ok=True)
        with connection() as database:
            target = self.folder / "facts" / f"{table.__name__}.parquet"
            self._rows[table.__name__] = _copy_rows(database, table, parquet, target, same)

    def counts(self) -> dict[str, int]:
        """Return the number of rows per table so far."""
        added = {table: len(lines) for table, lines in self._lines.items()}
        return dict(sorted((added | self._rows).items()))

    def _finish(self, runs: Path) -> None:
        self.id = _free_id(runs, self.id)  # another run of the same second may have finished meanwhile
        (self.folder / "facts").mkdir(exist_ok=True)
        if self._lines:
            with connection() as database:
                for table, lines in sorted(self._lines.items()):
                    _write_parquet(database, tables()[table], lines, self.folder / "facts" / f"{table}.parquet")
        manifest = {
            "run": self.id,
            "kind": self.kind,
            "tool": f"egov {__version__}",
            "commands": list(self.commands),
            "clock": {"started": self.started.isoformat(), "finished": datetime.now(UTC).isoformat()},
            "tables": self.counts(),
            "files": {name: file_hash(self.folder / name) for name in run_files(self.folder)},
        }
        manifest["root"] = root_hash(manifest)
        text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True)
        (self.folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
        self.folder = self.folder.rename(runs / self.id)
        os.sync()


def _free_id(runs: Path, wanted: str) -> str:
    taken = {path.name for path in runs.iterdir()}
    suffixes = ("", *(f"-{n}" for n in range(2, 1000)))
    return next(wanted + suffix for suffix in suffixes if wanted + suffix not in taken)


@contextmanager
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB connection of its own, in memory, that reads no other file than it is told."""
    import duckdb  # noqa: PLC0415 - 0.1 s that only evidence needs

    database = duckdb.connect(":memory:")
    try:
        database.execute("set timezone = 'UTC'")
        yield database
    finally:
        database.close()


def _write_parquet(database: duckdb.DuckDBPyConnection, table: type[Fact], lines: list[str], to: Path) -> None:
    types = {name: kind for name, (kind, _) in columns(table).items()} | {"row_sha256": "VARCHAR"}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8", dir=to.parent) as file:
        file.writelines(lines)
        file.flush()
        codec = "zstd" if Path(file.name).stat().st_size >= _COMPRESS_FROM else "uncompressed"
        read = "select * from read_json($lines, format = 'newline_delimited', columns = $types)"
        relation = database.sql(read, params={"lines": file.name, "types": types})
        relation.write_parquet(str(to), compression=codec)


def _copy_rows(
    database: duckdb.DuckDBPyConnection, table: type[Fact], parquet: Path, to: Path, same: Mapping[str, Any]
) -> int:
    """Copy rows from Parquet to Parquet, each with the hash that `row_line` gives it."""
    kinds = {name: kind for name, (kind, _) in columns(table).items()}
    database.execute("create table same as select " + ", ".join(f"${name} as {name}" for name in same), dict(same))
    cells = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in kinds.items())
    # The text of row_data: canonical JSON has its keys in order, times with microseconds.
    texts = {"TIMESTAMP": "strftime({}, '%Y-%m-%d %H:%M:%S.%f')", "DATE": "strftime({}, '%Y-%m-%d')"}
    data = ", ".join(f"{name} := {texts.get(kinds[name], '{}').format(name)}" for name in sorted(kinds))
    rows = database.sql(f"select {cells} from read_parquet($path), same", params={"path": str(parquet)})  # noqa: S608 - names of columns
    rows.create_view("rows")
    hashed = database.query(
        f"select *, sha256('[\"{table.__name__}\",' || to_json(struct_pack({data})) || ']') as row_sha256 "  # noqa: S608 - the same
        f"from rows order by {', '.join(sorted(kinds))}",
    )
    hashed.write_parquet(str(to), compression="zstd")
    counted = database.execute("select count(*) from read_parquet($path)", {"path": str(to)}).fetchone()
    return int(counted[0]) if counted else 0


def run_files(folder: Path) -> list[str]:
    """Return the relative names of a run's files, without its manifest, sorted."""
    found = (p for p in folder.rglob("*") if p.is_file() or p.is_symlink())
    return sorted(p.relative_to(folder).as_posix() for p in found if p.relative_to(folder).as_posix() != MANIFEST)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def root_hash(manifest: dict[str, Any]) -> str:
    """Return a run's root: the SHA-256 of its manifest's canonical JSON without the root itself."""
    data = {key: value for key, value in manifest.items() if key != "root"}
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def runs(evidence: Path) -> list[Path]:
    """Return the folders of all complete runs, oldest first."""
    folder = evidence / "runs"
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def manifest(run: Path) -> dict[str, Any]:
    """Return a run's manifest; EvidenceError if it is missing or not JSON."""
    try:
        data = json.loads((run / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"run {run.name}: its manifest cannot be read: {error}"
        raise EvidenceError(message) from None
    if not isinstance(data, dict):
        message = f"run {run.name}: its manifest is not an object"
        raise EvidenceError(message)
    return data


def read_table(evidence: Path, table: type[Fact]) -> Iterator[Fact]:
    """Yield all rows of one table in every run, in order of run and row; EvidenceError if a file is unreadable."""
    name = table.__name__
    files = [run / "facts" / f"{name}.parquet" for run in runs(evidence)]
    files = [path for path in files if path.exists()]
    if not files:
        return
    with connection() as database:
        for path in files:
            run = path.parent.parent.name
            for number, values in enumerate(read_rows(database, table, path)):
                digest = values.pop("row_sha256")
                yield table(**values, run=run, row=number, sha256=digest)


def read_rows(database: duckdb.DuckDBPyConnection, table: type[Fact], path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of one Parquet file as keyword arguments of *table*, plus `row_sha256`."""
    import duckdb  # noqa: PLC0415

    kinds = columns(table)
    try:
        relation = database.execute("select * from read_parquet($path)", {"path": str(path)})
        names = [column[0] for column in relation.description]
        missing = set(kinds) - set(names)
        if required := sorted(name for name in missing if not kinds[name][1]):
            message = f"{path}: columns missing: {', '.join(required)}"
            raise EvidenceError(message)
        while rows := relation.fetchmany(10_000):
            for row in rows:
                found = dict(zip(names, row, strict=True))
                values = {name: _aware(found.get(name)) for name in kinds}
                yield values | {"row_sha256": found.get("row_sha256", "")}
    except duckdb.Error as error:
        message = f"{path}: cannot be decoded: {' '.join(str(error).split())[:200]}"
        raise EvidenceError(message) from None


def _aware(value: Any) -> Any:  # noqa: ANN401 - a cell
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
