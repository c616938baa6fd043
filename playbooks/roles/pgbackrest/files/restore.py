#!/usr/bin/python3
"""Restore a backup where nothing leads to production. As root, on the backup repository.

city-restore test STANZA same-city|off-site
    Look at what came back; print it as one line of JSON and keep it. Every file of the repository is read first
    (pgbackrest verify). A backup with a damaged file is named and passed over for the newest one without. Every table
    is read and counted, and every block's checksum is tested.
city-restore table STANZA same-city|off-site DATABASE TABLE XID EPOCH
    Bring a table back as it was right before the transaction XID, which ended at EPOCH (s): table.sql in WORK.
city-restore wal STANZA
    Say which WAL segments are missing since the newest full backup; 1 if any is.

The restored database runs in a network namespace of its own without any route. Then it is deleted. A restore waits for
another one that runs: they have one place.
"""

import contextlib
import fcntl
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

WORK = Path("/var/lib/city-restore")
LOCK = Path("/run/city-restore.lock")
REPOSITORY = Path("/var/lib/pgbackrest")
BIN = Path("/usr/lib/postgresql/15/bin")
LABEL = re.compile(r"\b[0-9]{8}-[0-9]{6}F(?:_[0-9]{8}-[0-9]{6}[DI])?\b")
SETTINGS = """listen_addresses = ''
unix_socket_directories = '{work}'
hba_file = '{work}/hba.conf'
max_connections = 200
max_wal_senders = 10
hot_standby = on
archive_mode = off
"""


def run(words):
    """Return what a command printed; SystemExit with its last words if it failed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        sys.exit(f"{words[0]} failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def written(path, text):
    """Write a file for the restored database, which alone reads it."""
    path.write_text(text)
    path.chmod(0o600)
    shutil.chown(path, "postgres", "postgres")


def apart(*words):
    """Return a command line that runs as postgres without any network."""
    return ["unshare", "--net", "--", "runuser", "-u", "postgres", "--", *words]


def pgbackrest(stanza, *words):
    """Return a pgBackRest command line on the test's own configuration: it knows no host of production."""
    return apart("pgbackrest", f"--config={WORK}/pgbackrest.conf", f"--stanza={stanza}", *words)


def damaged(stanza):
    """Read every file of the repository; return what is said of damaged ones."""
    words = pgbackrest(stanza, "--log-level-console=detail", "--log-level-stderr=off", "verify")
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    said = (done.stdout + done.stderr).splitlines()
    wrong = [line for line in said if re.search(r"invalid checksum|invalid size|missing|invalid result|ERROR", line)]
    return [line.split(": ", 1)[-1].strip() for line in wrong if not re.search(r"(missing|invalid)[a-z ]*: 0\b", line)]


def good(stanza, bad, before=None):
    """Return the newest backup, ended *before* then if given, with no damaged file in it or in one it leans on."""
    spoilt = {label for line in bad for label in LABEL.findall(line)}
    for backup in reversed(backups(stanza)):
        early = before is None or backup["timestamp"]["stop"] < before
        if early and not spoilt & {backup["label"], *(backup.get("reference") or [])}:
            return backup
    sys.exit(f"no backup is whole and old enough: {'; '.join(bad)[:500]}")


def backups(stanza, where=()):
    """Return what the repository's catalogue lists, oldest first."""
    listed = json.loads(run([*(where or pgbackrest(stanza)), "--output=json", "info"]))
    return listed[0]["backup"] if listed else []


def looked_at(database):
    """Return the number of rows of every table of a database; every row is read."""
    names = "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname !~ '^(pg_|information_)'"
    every = "select count(*) from (select t.*::text from {} t) r"  # the names come quoted from the database itself
    return {table: int(psql(database, every.format(table))) for table in psql(database, names).splitlines()}


def psql(database, query):
    """Return a query's answer as bare text."""
    return run(apart("psql", "-h", str(WORK), "-X", "-A", "-t", "-d", database, "-c", query)).strip()


def restored(stanza, label, *target):
    """Restore a backup and bring it to the end of its WAL, or to *target*; return how long until it answered (s)."""
    begun = time.monotonic()
    data = WORK / "data"
    run(apart("mkdir", "-m", "700", str(data)))
    run(pgbackrest(stanza, f"--set={label}", "--archive-mode=off", *target, "restore"))
    written(data / "postgresql.conf", SETTINGS.format(work=WORK))
    written(WORK / "hba.conf", "local all postgres peer\n")
    control("-l", str(WORK / "log"), "-t", "600", "start")
    while psql("postgres", "select pg_is_in_recovery()") == "t":
        time.sleep(0.2)
    return round(time.monotonic() - begun, 1)


def control(*words):
    """Start or stop the restored database and wait until it has."""
    run(apart(str(BIN / "pg_ctl"), "-D", str(WORK / "data"), "-w", *words))


def seen():
    """Read all of the restored database, stop it, test every block; return what it holds."""
    point = psql("postgres", "select extract(epoch from pg_last_xact_replay_timestamp())")
    names = psql("postgres", "select datname from pg_database where datallowconn and not datistemplate").split()
    rows = {f"{name} {table}": count for name in names for table, count in looked_at(name).items()}
    control("-m", "fast", "stop")
    checksums = run(apart(str(BIN / "pg_checksums"), "--check", "-D", str(WORK / "data")))
    bad = re.search(r"Bad checksums: *([0-9]+)", checksums)
    return {"recovery_point": float(point) if point else None, "rows": rows, "bad_blocks": int(bad[1]) if bad else None}


@contextlib.contextmanager
def workplace(stanza, source):
    """Have a clean place and the repository in it that is asked for; nothing of it stays."""
    cleared()
    WORK.mkdir(exist_ok=True)
    shutil.chown(WORK, "postgres", "postgres")
    repository = REPOSITORY
    if source == "off-site":
        run(["city-offsite", "fetch", str(WORK / "repository")])
        (WORK / "repository").chmod(0o755)  # its files stay postgres's own
        repository = WORK / "repository" / REPOSITORY.relative_to("/")
    written(
        WORK / "pgbackrest.conf",
        f"[global]\nrepo1-path={repository}\nlog-level-file=off\nprocess-max=2\n[{stanza}]\npg1-path={WORK}/data\n",
    )
    try:
        yield
    finally:
        if (WORK / "data/postmaster.pid").exists():
            subprocess.run(apart(str(BIN / "pg_ctl"), "-D", str(WORK / "data"), "-m", "immediate", "stop"), check=False)
        cleared()


def alone(work):
    """Return *work* as it is done while no other restore runs: a timer's and a person's share one place."""

    def waiting(*words):
        with LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return work(*words)

    return waiting


def cleared():
    """Delete what a restore leaves, of one that was killed too."""
    for name in ("data", "repository", "log", "hba.conf"):
        path = WORK / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@alone
def test(stanza, source):
    """Restore the newest good backup, look at all of it, say what came back; return 1 if a block is bad."""
    started, begun = time.time(), time.monotonic()
    with workplace(stanza, source):
        bad = damaged(stanza)
        backup = good(stanza, bad)
        restore_seconds = restored(stanza, backup["label"])
        found = seen()
    told = {
        "source": source,
        "label": backup["label"],
        "backed_up": backup["timestamp"]["stop"],
        "started": round(started),
        "seconds": round(time.monotonic() - begun, 1),
        "restore_seconds": restore_seconds,
        "damaged": bad,
        **found,
        # What was committed after the backup came from its WAL; if nothing was, the backup's own end is the point.
        "recovery_point": found["recovery_point"] or float(backup["timestamp"]["stop"]),
    }
    text = json.dumps(told, sort_keys=True)
    (WORK / f"{source}.json").write_text(text + "\n")
    print(text)
    return 1 if found["bad_blocks"] else 0


@alone
def table(stanza, source, database, name, xid, epoch):
    """Write down a table as it was right before a transaction."""
    with workplace(stanza, source):
        target = ("--type=xid", f"--target={int(xid)}", "--target-exclusive", "--target-action=promote")
        restored(stanza, good(stanza, [], float(epoch))["label"], *target)
        dump = run(apart("pg_dump", "-h", str(WORK), "-d", database, "-t", name))
    written(WORK / "table.sql", dump)
    return 0


def wal(stanza):
    """Name the segments that are missing between the newest full backup and the newest segment, on any timeline."""
    local = ["runuser", "-u", "postgres", "--", "pgbackrest", f"--stanza={stanza}"]
    full = [backup for backup in backups(stanza, local) if backup["type"] == "full"]
    if not full:
        sys.exit("there is no full backup")
    archive = REPOSITORY / "archive" / stanza
    there = {segment(path.name) for path in archive.rglob("*") if re.match(r"[0-9A-F]{24}-", path.name)}
    begun = segment(full[-1]["archive"]["start"])
    missing = [number for number in range(begun, max(there, default=begun) + 1) if number not in there]
    print(json.dumps({"from": full[-1]["archive"]["start"], "missing": [f"{n:016X}" for n in missing]}))
    return 1 if missing else 0


def segment(name):
    """Return the number of a WAL segment of 16 MiB: 256 of them to each 4 GiB, whatever the timeline."""
    return int(name[8:16], 16) * 256 + int(name[16:24], 16)


if __name__ == "__main__":
    sys.exit({"test": test, "table": table, "wal": wal}[sys.argv[1]](*sys.argv[2:]))
