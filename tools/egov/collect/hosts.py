"""Collect from many hosts at once into one run: raw answers, facts, and the outcome of every contact."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from egov.collect.frames import answers
from egov.collect.login import PARTIAL, Credentials, Dial, LoginFailed, Target, run
from egov.collect.rows import ABSENT, READINGS, facts
from egov.facts import Coverage, Fact, HostContact, RunWriter

SCRIPT = Path(__file__).with_name("collect.sh")
PROBE_SECONDS = 20
HOST_SECONDS = 120
# Root sees process names and password states; who may not become root still gets all the rest.
_COMMAND = (
    "if sudo -n true 2>/dev/null; then exec sudo -n sh -s {nonce} {seconds}; else exec sh -s {nonce} {seconds}; fi"
)


@dataclass(frozen=True, slots=True)
class Contact:
    """What came of one host: the row to record, its facts, its answer as delivered."""

    contact: HostContact
    facts: tuple[Fact, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one collection: hosts at a time, seconds per probe and per host."""

    at_once: int = 16
    probe_seconds: int = PROBE_SECONDS
    host_seconds: int = HOST_SECONDS


def collect(
    evidence: Path,
    targets: Sequence[Target],
    credentials: Credentials,
    dial: Dial,
    limits: Limits,
    say: Callable[[HostContact], None] = lambda _contact: None,
) -> tuple[str, list[HostContact]]:
    """Collect from all *targets* into a new run; return its id and the contacts, in the order of *targets*."""
    digest = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()
    commands = [f"collect.sh sha256:{digest}", *(f"ssh {credentials.user}@{t.address} ({t.host})" for t in targets)]
    with RunWriter.begin(evidence, "hosts", commands) as writer:
        found: list[HostContact] = []
        with ThreadPoolExecutor(max_workers=limits.at_once) as pool:
            for result in pool.map(lambda t: contact(t, credentials, dial, limits), targets):
                say(result.contact)
                found.append(result.contact)
                writer.add(result.contact)
                if result.raw:
                    writer.raw(f"{result.contact.host}.txt", result.raw)
                for fact in result.facts:
                    writer.add(fact)
        return writer.id, found


def contact(target: Target, credentials: Credentials, dial: Dial, limits: Limits) -> Contact:
    """Collect from one host. Whatever goes wrong is in the contact's status; nothing is raised for a host's doing."""
    nonce = secrets.token_hex(16)
    command = _COMMAND.format(nonce=nonce, seconds=limits.probe_seconds)
    started = time.monotonic()
    before = datetime.now(UTC)
    status, detail = "ok", ""
    try:
        raw = run(target, credentials, dial, command, SCRIPT.read_bytes(), limits.host_seconds)
    except LoginFailed as failure:
        status, detail, raw = failure.status, failure.detail, failure.output
    seconds = round(time.monotonic() - started, 3)
    after = datetime.now(UTC)
    probes, complete = answers(raw, nonce)
    if not probes:
        if status == "ok":
            status, detail = PARTIAL, f"no answer to the script: {raw[:200].decode('utf-8', 'replace')!r}"
        rows = tuple(_uncovered(target.host, status, detail, after))
    else:
        rows = tuple(facts(target.host, probes, after, after, complete=complete))
        gaps = [row.table for row in rows if isinstance(row, Coverage) and row.status not in {"ok", ABSENT}]
        if status == "ok" and (gaps or not complete):
            status, detail = PARTIAL, ", ".join(gaps) or "the script did not come to its end"
    clock = probes["clock"].text.strip() if "clock" in probes else ""
    told = int(clock) if re.fullmatch("[0-9]{1,12}", clock) else None
    offset = None if told is None else told - (before + timedelta(seconds=seconds / 2)).timestamp()
    made = HostContact(
        observed_at=after,
        collected_at=after,
        source=f"{target.host}: ssh {target.address}",
        host=target.host,
        status=status,
        detail=detail,
        seconds=seconds,
        clock_offset_s=None if offset is None else round(offset, 1),
    )
    return Contact(made, rows, raw.replace(nonce.encode(), b"#"))


def _uncovered(host: str, status: str, detail: str, at: datetime) -> list[Fact]:
    """Say of every table that it was not collected: an unreachable host is never one without packages."""
    return [
        Coverage(
            observed_at=at,
            collected_at=at,
            source=f"{host}: ssh",
            table=reading.name,
            host=host,
            status="failed" if status in {"ok", PARTIAL} else status,
            reason=detail,
        )
        for reading in READINGS
    ]
