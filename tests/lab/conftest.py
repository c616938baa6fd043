"""Real hosts for tests: labs of their own, playbooks with a record of what they changed, hosts seen from outside."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from egov.lab import Paths, paths

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CITY = ROOT / "inventory" / "huludao"
# Labs of several workers come one after the other: they share the cores and the cache of packages.
BUILDING = ROOT / ".lab" / ".building"
NEEDED = ("mmdebstrap", "systemd-nspawn", "apt-cacher-ng", "socat", "nsenter", "ip")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the drills measured, least and most of each over its runs."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    runs = [found for report in reports for name, found in report.user_properties if name == "drill"]
    if not runs:
        return
    terminalreporter.section("drills")
    figures = ("acked", "lost", "gap_write_s", "gap_read_s", "seconds")
    terminalreporter.line(" | ".join(("drill", "runs", "pass", *figures)))
    for drill in dict.fromkeys(run["drill"] for run in runs):
        of = [run for run in runs if run["drill"] == drill]
        ranges = (f"{min(run[name] for run in of)} to {max(run[name] for run in of)}" for name in figures)
        passed = sum(run["verdict"] == "pass" for run in of)
        terminalreporter.line(" | ".join((drill, str(len(of)), str(passed), *ranges)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, saying why, where hosts cannot be booted; `make test` as root installs what is missing."""
    missing = [program for program in NEEDED if shutil.which(program) is None]
    reason = "needs root" if os.geteuid() else f"not installed: {', '.join(missing)}; run: make packages"
    if os.geteuid() or missing:
        for item in items:
            if item.get_closest_marker("lab") or item.get_closest_marker("drill"):
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class Play:
    """What a playbook run did: exit code, output, and (host, task, file of the task) of everything that changed."""

    code: int
    output: str
    changed: frozenset[tuple[str, str, str]]
    hosts: frozenset[str]
    done: frozenset[tuple[str, str]]

    def finished(self, task: str) -> set[str]:
        """Return the hosts on which a task went well."""
        return {host for host, name in self.done if name == task}


@dataclass
class TestLab:
    """A lab under a name of its own, driven through the command line as a person would."""

    __test__ = False

    name: str
    work: Path
    city: Path = CITY
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give commands the environment's programs, this lab, and a cache of their own."""
        self.environment = {
            **os.environ,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "EGOV_CITY": str(self.city),
            "XDG_CACHE_HOME": str(self.work / "cache"),
            "_ANSIBLE_TEMPLAR_UNTRUSTED_TEMPLATE_BEHAVIOR": "error",
        }

    @property
    def paths(self) -> Paths:
        """Where the lab keeps its things."""
        return paths(self.name, ROOT)

    def start(self, *words: str, accelerate: bool = False) -> subprocess.Popen[str]:
        """Start an `egov` command; *accelerate* has playbooks that it runs use the optional strategy of mitogen."""
        pipe = subprocess.PIPE
        command = ["egov", *words]
        environment = self.environment | (_accelerated() if accelerate else {})
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)

    def egov(self, *words: str, code: int = 0) -> str:
        """Run an `egov` command, expect its exit code, return its output."""
        with self.start(*words) as process:
            output, errors = process.communicate(timeout=600)
        assert code == process.returncode, f"egov {' '.join(words)}\n{output}\n{errors}"
        return output

    def lab(self, *words: str, code: int = 0) -> str:
        """Run an `egov lab` command for this lab."""
        return self.egov("lab", "--name", self.name, *words, code=code)

    def keep(self, model: Path) -> None:
        """Copy what its hosts' disks and its controller hold; the hosts lose their power for it."""
        self.lab("kill", *self.states())
        parts = [self.paths.lab / name for name in ("hosts", "secrets", "id_ed25519", "id_ed25519.pub")]
        trial = model.with_suffix(".new")
        trial.mkdir()
        subprocess.run(["cp", "--archive", "--sparse=always", *parts, trial], check=True)
        trial.rename(model)
        self.lab("up")

    def begin_as(self, model: Path) -> None:
        """Boot a copy of a lab that was kept; it has the same keys and the same rows."""
        self.paths.lab.mkdir(parents=True)
        subprocess.run(["cp", "--archive", "--sparse=always", f"{model}/.", self.paths.lab], check=True)
        (secrets,) = self.paths.secrets.parent.iterdir()
        secrets.rename(self.paths.secrets)
        self.lab("up")

    def states(self) -> dict[str, str]:
        """Return the state of each host."""
        with self.start("lab", "--name", self.name, "status", "--format", "json") as process:
            output, _ = process.communicate(timeout=60)
        return {host["host"]: host["state"] for host in json.loads(output)}

    def ssh(self, host: str, command: str, code: int = 0) -> str:
        """Run a command on a host over SSH."""
        return self.lab("ssh", host, command, code=code)

    def play(self, playbook: str, *words: str, accelerate: bool = True) -> Play:
        """Run a playbook and return what it did; *accelerate* uses the optional strategy of mitogen."""
        record = self.work / f"record-{len(list(self.work.glob('record-*')))}.jsonl"
        with self.start_play(playbook, record, *words, accelerate=accelerate) as process:
            output, errors = process.communicate(timeout=900)
        return self.played(process.returncode, output + errors, record)

    def start_play(self, playbook: str, record: Path, *words: str, accelerate: bool = True) -> subprocess.Popen[str]:
        """Start a playbook that records what it does in a file."""
        environment = {**self.environment, "EGOV_RECORD": str(record)} | (_accelerated() if accelerate else {})
        command = ["egov", "lab", "--name", self.name, "run", "--", "ansible-playbook", f"playbooks/{playbook}", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    @staticmethod
    def played(code: int, output: str, record: Path) -> Play:
        """Return what a finished run did, from its record."""
        lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        changed = {
            (line["host"], line["task"], line["path"].partition(str(ROOT))[2]) for line in lines if line["changed"]
        }
        done = {(line["host"], line["task"]) for line in lines if line["outcome"] == "ok"}
        return Play(code, output, frozenset(changed), frozenset(line["host"] for line in lines), frozenset(done))

    def root(self, host: str) -> Path:
        """Return where a running host's files are seen from outside."""
        return self.paths.host(host) / "root"

    def document(self, host: str) -> dict[str, str]:
        """Return what a host is, seen from outside: configuration files, packages, enabled units."""
        root = self.root(host)
        found = {}
        for folder in ("etc", "usr/local", "var/spool/cron", "var/lib/egov-undo"):
            for path in sorted((root / folder).rglob("*")) if (root / folder).is_dir() else []:
                name = path.relative_to(root).as_posix()
                if not name.startswith(_OWN):
                    found[name] = _described(path)
        admin = f"--admindir={root}/var/lib/dpkg"
        listed = subprocess.run(["dpkg-query", admin, "-W"], capture_output=True, text=True, check=True)
        return found | {"packages": listed.stdout}


# What a host makes for itself: keys, machine id, locks and backups that account tools leave.
_OWN = ("etc/ssh/ssh_host_", "etc/machine-id", "etc/.pwd.lock", "etc/.updated", "etc/resolv.conf")


def _described(path: Path) -> str:
    status = path.lstat()
    what = f"{stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
    if path.is_symlink():
        return f"{what} -> {path.readlink()}"
    return what if path.is_dir() else f"{what} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def described_by(city: Path) -> str:
    """Return an inventory, for -i, of another description of the lab's hosts than the one it was booted from."""
    inventory = city.parent / "inventory"
    inventory.write_text(f'#!/bin/sh\nEGOV_CITY={city} exec {ROOT}/inventory/inventory.py "$@"\n', "utf-8")
    inventory.chmod(0o755)
    return str(inventory)


def _accelerated() -> dict[str, str]:
    import ansible_mitogen  # noqa: PLC0415 - only where it is asked for

    plugins = Path(ansible_mitogen.__file__).parent / "plugins" / "strategy"
    return {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(plugins)}


@contextmanager
def _labs(folders: pytest.TempPathFactory) -> Iterator[Callable[..., TestLab]]:
    """Yield a maker of labs that are gone, whatever happens, in the end."""
    made: list[TestLab] = []

    def make(name: str, city: Path = CITY) -> TestLab:
        name += os.environ.get("PYTEST_XDIST_WORKER", "")
        lab = TestLab(name, folders.mktemp(name), city)
        lab.lab("down")  # of an earlier run that was killed
        made.append(lab)
        return lab

    try:
        yield make
    finally:
        for lab in made:
            lab.lab("down")


@pytest.fixture(scope="module")
def new_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., TestLab]]:
    """Return a maker of labs, gone after a file's tests: the kernel has room for few hosts beside the whole city's."""
    with _labs(tmp_path_factory) as make:
        yield make


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestLab]:
    """Return the whole sample city's lab, booted and as bare as servers come."""
    with _labs(tmp_path_factory) as make:
        lab = make("site")
        lab.lab("up")
        yield lab
