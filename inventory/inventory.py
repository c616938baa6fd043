#!/usr/bin/env python3
"""Ansible's inventory: prints the rendered description from a cache keyed by content (cold: renders it first).

$EGOV_CITY chooses the city (default: the only one here), $EGOV_LAB says that its hosts stand in that lab.
Nothing heavy is imported while the cache is warm: 5,000 hosts are read in the time it takes to hash their files.
"""

import hashlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def city() -> Path:
    """Return the city's folder, or end with a sentence."""
    if chosen := os.environ.get("EGOV_CITY"):
        return Path(chosen)
    found = sorted(path.parent for path in HERE.glob("*/city.yml"))
    if len(found) != 1:
        sys.exit(f"inventory: {len(found)} cities under {HERE}; name one with EGOV_CITY")
    return found[0]


def key(folder: Path, state: Path | None) -> str:
    """Return a hash over the description, the lab's state and the code that renders them."""
    digest = hashlib.sha256(f"{datetime.now(UTC):%Y-%m-%dT%H}".encode())  # flows open and end at midnight somewhere
    code = [*(ROOT / "tools/egov/city").glob("*.py"), *(ROOT / "tools/egov/render").glob("*.py")]
    described = [
        p for p in folder.rglob("*.yml") if p.relative_to(folder).parts[0] not in {"mandate", "cases", "surveys"}
    ]
    for path in sorted([*described, *code, *([state] if state else [])]):
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def main() -> None:
    """Print the inventory; `--host NAME` is never asked for, as `_meta` holds all variables."""
    folder = city()
    lab = os.environ.get("EGOV_LAB")
    state = ROOT / ".lab" / lab / "state.json" if lab else None
    if state and not state.is_file():
        sys.exit(f"inventory: the lab {lab} is not up ({state} is missing); start it with: egov lab --name {lab} up")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "egov" / "inventory"
    cached = cache / f"{key(folder, state)}.json"
    if cached.is_file():
        sys.stdout.buffer.write(cached.read_bytes())
        return
    try:
        from egov.errors import EgovError
        from egov.render.ansible import rendered
    except ImportError:
        python = ROOT / ".venv" / "bin" / "python"
        if not python.is_file() or sys.executable == str(python):
            sys.exit("inventory: egov is not installed; run: make setup")
        os.execv(python, [str(python), __file__, *sys.argv[1:]])
    try:
        text = rendered(folder, state)
    except EgovError as error:
        sys.exit(f"inventory: {error}")
    cache.mkdir(parents=True, exist_ok=True)
    for old in sorted(cache.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-8]:
        old.unlink(missing_ok=True)
    trial = cached.with_suffix(f".{os.getpid()}")
    trial.write_text(text, encoding="utf-8")
    trial.rename(cached)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
