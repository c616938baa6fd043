"""Run one drill: clients write and read through the real endpoint while a procedure breaks something and mends it."""

from __future__ import annotations

import json
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from egov.drills.ledger import ACK, acknowledged_at, ledger, merged, rows
from egov.drills.model import Drill, Load, varied
from egov.drills.verify import Measured, verify
from egov.errors import CollectionError, GuardError, UsageError
from egov.procedures import Journal, Outcome, Result, Runner
from egov.procedures.runner import Execute

WRITER = Path(__file__).with_name("writer.py")
_PREPARE = ("ansible-playbook", "playbooks/drill_ledger.yml")
_STATUS = "sudo patronictl -c /etc/patroni/config.yml list -f json"
_AGREED = "sudo patronictl -c /etc/patroni/config.yml show-config"
_COMMAND_SECONDS = 120
_LOOK_SECONDS = 2  # asking the members costs a second of a core


@dataclass(frozen=True, slots=True)
class Place:
    """Where a drill runs: how to run a command on a host, which hosts there are, who executes the steps."""

    execute: Execute
    on_host: Callable[[str, str], Sequence[str]]
    copies: tuple[str, ...]
    endpoints: tuple[str, ...]
    third: str | None = None
    repository: str | None = None
    sites: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Copies:
    """Who leads and who may take over; None where nobody does."""

    leader: str | None = None
    follower: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a drill."""

    drill: Drill
    journal: Journal
    result: Result
    measured: Measured
    started: datetime
    seed: int
    ledgers: dict[str, str]
    acked_by: dict[str, int]
    rows_text: str


def run(drill: Drill, place: Place, journal: Journal, say: Callable[[str], None], seed: int) -> Done:
    """Run *drill* and measure it; GuardError, before anything is touched, unless a leader and a follower stand."""
    started, drill = datetime.now(UTC), varied(drill, seed)
    before, late = copies(place), False
    if before.leader and before.follower is None:  # asked once: no drill changes what is agreed on
        late = _late(place, before.leader)
        before = copies(place, late=late)
    if before.leader is None or before.follower is None:
        message = f"no drill now: the database has not both a leader and a copy that may take over ({before})"
        raise GuardError(message)
    hosts = _writing(drill, place, before)
    if place.execute(_PREPARE, _COMMAND_SECONDS):
        message = "the ledger's table could not be made; nothing was broken"
        raise CollectionError(message)
    journal.begin(drill.procedure.filled(_inputs(drill, place, before)))
    name, load = journal.path.stem.lower(), drill.load
    say(
        f"{drill.id}: {before.leader} leads, {before.follower} follows; writing through {', '.join(hosts)}; seed {seed}"
    )
    with ExitStack() as stack:
        writers = {
            host: stack.enter_context(_Writer(place, host, name, number * load.clients, load))
            for number, host in enumerate(hosts)
        }
        time.sleep(load.calm_seconds)
        with journal.held():
            result = Runner(journal, place.execute, say).run()
        _await_whole(lambda: copies(place, late=late), writers.values(), load.whole_seconds, say)
        time.sleep(load.settle_seconds)
        texts = {host: writer.stop() for host, writer in writers.items()}
    told = {host: ledger(text.splitlines()) for host, text in texts.items()}
    found = _remote(place, hosts[0], _program("rows", name))
    there, problems = rows(found.splitlines())
    if result.outcome is not Outcome.DONE:
        problems = (*problems, f"the procedure ended {result.outcome.value}: {result.reason}")
    acked = {host: sum(write.outcome == ACK for write in one.writes) for host, one in told.items()}
    measured = verify(merged(told), there, problems)
    return Done(drill, journal, result, measured, started, seed, texts, acked, found)


def _writing(drill: Drill, place: Place, now: Copies) -> tuple[str, ...]:
    """Return the endpoints that clients write through; UsageError if no such one is described."""
    away = tuple(host for host in place.endpoints if place.sites.get(host) != place.sites.get(now.leader or ""))
    found = {"all": place.endpoints, "one": place.endpoints[:1], "elsewhere": away[:1]}[drill.load.writers]
    if not found:
        message = f"{drill.id}: no application host with a database endpoint stands outside the leader's site"
        raise UsageError(message)
    return found


def copies(place: Place, *, late: bool = False) -> Copies:
    """Ask the copies who leads and who may take over; the first that answers is believed.

    That is the one that follows synchronously, or any that follows where commits are not to wait for one (*late*).
    """
    for host in place.copies:
        try:
            members = json.loads(_remote(place, host, _STATUS, seconds=20))
        except (CollectionError, ValueError):
            continue
        roles = {m["Role"]: m["Member"] for m in members if m.get("State") in {"running", "streaming"}}
        if "Leader" in roles:
            follower = roles.get("Sync Standby") or roles.get("Quorum Standby")
            return Copies(roles["Leader"], follower or (roles.get("Replica") if late else None))
    return Copies()


def _late(place: Place, host: str) -> bool:
    """Say whether the cluster has agreed that commits wait for no other copy."""
    try:
        return "synchronous_mode: false" in _remote(place, host, _AGREED, seconds=20).splitlines()
    except CollectionError:
        return False


def _inputs(drill: Drill, place: Place, now: Copies) -> dict[str, str]:
    """Return what the drill's commands name: hosts by what they do now, the leader's site, the link of the host hit."""
    known = {"leader": now.leader, "follower": now.follower, "third": place.third, "repository": place.repository}
    wanted = drill.procedure.head.inputs
    hurt = next((known[name] for name in wanted if known.get(name)), None)
    known |= {"link": place.links.get(hurt or ""), "site": place.sites.get(now.leader or "")}
    return {name: value for name in wanted if (value := known.get(name))}


def _await_whole(
    look: Callable[[], Copies], writers: Collection[_Writer], seconds: int, say: Callable[[str], None]
) -> None:
    """Wait until there are a leader and a copy that may take over again; after *seconds* go on and measure what is.

    What the members say of themselves is as old as their last look, so a client must have been told a commit since.
    """
    since, deadline = time.time(), time.monotonic() + seconds
    while not any(writer.acknowledged(since) for writer in writers) or look().follower is None:
        if time.monotonic() > deadline:
            say(f"not whole after {seconds} s: {look()}")
            return
        time.sleep(_LOOK_SECONDS)


def _program(what: str, run: str, *words: str) -> str:
    """Return the writer as one command line for a host's shell: its text is an argument, its input stays free."""
    program = ["sudo", "python3", "-c", WRITER.read_text(encoding="utf-8"), what, "--run", run, *words]
    return shlex.join(program)


def _remote(place: Place, host: str, command: str, seconds: int = _COMMAND_SECONDS) -> str:
    """Return what a command printed on a host; CollectionError if it failed or did not end."""
    try:
        done = subprocess.run(
            place.on_host(host, command),
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env=place.environment,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        message = f"{host} did not answer within {seconds} s"
        raise CollectionError(message) from None
    if done.returncode:
        message = f"{host}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}"
        raise CollectionError(message)
    return done.stdout


class _Writer:
    """The clients on one application host; their ledger is read as it is written."""

    def __init__(self, place: Place, host: str, run: str, first: int, load: Load) -> None:
        words = ("--first", str(first), "--clients", str(load.clients), "--rate", str(load.rate))
        command = _program("write", run, *words)
        self._process = subprocess.Popen(
            place.on_host(host, command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=place.environment,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _read(self, output: IO[str]) -> None:
        self._lines.extend(output)

    def acknowledged(self, since: float) -> bool:
        """Say whether a client was told a commit after a moment (epoch, s)."""
        newest = next((at for line in reversed(self._lines) if (at := acknowledged_at(line)) is not None), since)
        return newest > since

    def stop(self) -> str:
        """End the clients' work and return the ledger; CollectionError if it does not come to its end."""
        if self._process.stdin:
            self._process.stdin.close()
        self._reader.join(timeout=60)
        if self._reader.is_alive():
            message = "the writer did not end within 60 s; the ledger is lost"
            raise CollectionError(message)
        return "".join(self._lines)
