#!/usr/bin/python3
"""Restore the newest good backup where nothing leads to production, look at it, and say what came back.

city-restore-test STANZA same-city|off-site    as root, on the backup repository; prints one line of JSON and keeps it

Every file of the repository is read first (pgbackrest verify). A backup with a damaged file is named and passed over
for the newest one without. The restored database runs in a network namespace of its own without any route, is brought
to the end of its WAL, every table is read and counted, and every block's checksum is tested. Then it is deleted.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

WORK = Path("/var/lib/city-restore")
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


def good(stanza, bad):
    """Return the newest label that no damaged file belongs to, by itself or by one it leads on from."""
    spoilt = {label for line in bad for label in LABEL.findall(line)}
    backups = json.loads(run(pgbackrest(stanza, "--output=json", "info")))[0]["backup"]
    for backup in reversed(backups):
        if not spoilt & {backup["label"], *(backup.get("reference") or [])}:
            return backup
    sys.exit(f"no backup is whole: {'; '.join(bad)[:500]}")


def looked_at(database):
    """Return the number of rows of every table of a database; every row is read."""
    names = "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname !~ '^(pg_|information_)'"
    every = "select count(*) from (select t.*::text from {} t) r"  # the names come quoted from the database itself
    return {table: int(psql(database, every.format(table))) for table in psql(database, names).splitlines()}


def psql(database, query):
    """Return a query's answer as bare text."""
    return run(apart("psql", "-h", str(WORK), "-X", "-A", "-t", "-d", database, "-c", query)).strip()


def restored(stanza, label):
    """Restore a backup, bring it to the end of its WAL, read all of it; return what it holds."""
    data = WORK / "data"
    run(apart("mkdir", "-m", "700", str(data)))
    run(pgbackrest(stanza, f"--set={label}", "--archive-mode=off", "restore"))
    written(data / "postgresql.conf", SETTINGS.format(work=WORK))
    written(WORK / "hba.conf", "local all postgres peer\n")
    run(apart(str(BIN / "pg_ctl"), "-D", str(data), "-l", str(WORK / "log"), "-w", "-t", "600", "start"))
    while psql("postgres", "select pg_is_in_recovery()") == "t":
        time.sleep(0.5)
    point = psql("postgres", "select extract(epoch from pg_last_xact_replay_timestamp())")
    names = psql("postgres", "select datname from pg_database where datallowconn and not datistemplate").split()
    rows = {f"{name} {table}": count for name in names for table, count in looked_at(name).items()}
    run(apart(str(BIN / "pg_ctl"), "-D", str(data), "-w", "-m", "fast", "stop"))
    checksums = run(apart(str(BIN / "pg_checksums"), "--check", "-D", str(data)))
    bad = re.search(r"Bad checksums: *([0-9]+)", checksums)
    return {"recovery_point": float(point) if point else None, "rows": rows, "bad_blocks": int(bad[1]) if bad else None}


def main():
    """Do as the arguments say."""
    stanza, source = sys.argv[1:3]
    started = time.time()
    for name in ("data", "repository", "log", "hba.conf"):
        path = WORK / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
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
    bad = damaged(stanza)
    backup = good(stanza, bad)
    found = restored(stanza, backup["label"])
    told = {
        "source": source,
        "label": backup["label"],
        "backed_up": backup["timestamp"]["stop"],
        "started": round(started),
        "seconds": round(time.time() - started, 1),
        "damaged": bad,
        **found,
        # What was committed after the backup came from its WAL; if nothing was, the backup's own end is the point.
        "recovery_point": found["recovery_point"] or float(backup["timestamp"]["stop"]),
    }
    text = json.dumps(told, sort_keys=True)
    (WORK / f"{source}.json").write_text(text + "\n")
    for name in ("data", "repository"):
        shutil.rmtree(WORK / name, ignore_errors=True)
    print(text)
    return 1 if found["bad_blocks"] else 0


if __name__ == "__main__":
    sys.exit(main())
