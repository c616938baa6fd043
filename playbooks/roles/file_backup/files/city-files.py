#!/usr/bin/python3
"""File backups of this host, to each place that the city describes (same-city, off-site). As root.

city-files copy                     send what is new to every place
city-files read [PART|all]          read a seventh of each place's repository back: that of today, PART, or all seven,
                                    and keep what came of it in /var/lib/city-files
city-files list PLACE               the copies there are, as JSON
city-files restore PLACE FOLDER     bring the newest copy back below FOLDER

The places take what is new and delete nothing; a place that fails does not keep the others from their turn.
"""

import json
import os
import re
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

CONFIG = Path("/etc/city-files")
RESULTS = Path("/var/lib/city-files")
PARTS = 7
SHOWN = 20
FRACTION = re.compile(r"\.([0-9]{1,6})[0-9]*")


def restic(place, *words):
    """Run restic on a place's repository; return how it ended."""
    url = "rest:https://{}:{}/{}/".format(SETTINGS["places"][place], SETTINGS["port"], SETTINGS["host"])
    command = ["restic", "--repo", url, "--cacert", f"{CONFIG}/tls/authority.pem"]
    keys = {"RESTIC_PASSWORD_FILE": f"{CONFIG}/password", "RESTIC_CACHE_DIR": "/var/cache/city-files"}
    return subprocess.run(
        [*command, "--tls-client-cert", f"{CONFIG}/tls/both.pem", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **keys},
    )


def told(done):
    """Pass on what restic printed; return its exit code."""
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def answers(place):
    """Say whether the place has a repository that opens with this host's password."""
    return restic(place, "cat", "config").returncode == 0


def copy(*_):
    """Send what is new to every place."""
    codes = [_copy(place) for place in SETTINGS["places"]]
    if not any(codes):
        (RESULTS / "copied").write_text(f"{time.time():.0f}\n")
    return max(codes)


def _copy(place):
    if not answers(place) and (code := told(restic(place, "init", "--quiet"))):
        return code
    return told(restic(place, "backup", "--quiet", "--tag", "city", "--", *SETTINGS["paths"]))


def read(part=None):
    """Read parts of every place's repository back, and keep what came of it."""
    every = range(1, PARTS + 1)
    if part not in {None, "all", *map(str, every)}:
        sys.exit(f"there is no part {part}: name one from 1 to {PARTS}, or all")
    today = time.localtime().tm_wday + 1
    parts = every if part == "all" else [int(part or today)]
    return max(_read(place, parts) for place in SETTINGS["places"])


def _read(place, parts):
    """Read parts of one place; what cannot be reached was not read, and is no damage."""
    if not answers(place):
        print(f"{place}: no repository answers", file=sys.stderr)
        return 1
    copies = copied(place)
    return max([_part(place, number, copies) for number in parts])


def _part(place, part, copies):
    started = time.time()
    done = restic(place, "check", f"--read-data-subset={part}/{PARTS}")
    damaged = [line.strip() for line in done.stderr.splitlines() if line.strip()] if done.returncode else []
    if damaged and not answers(place):
        print(f"{place}: it stopped answering", file=sys.stderr)
        return 1
    told_of = {
        "copy": place,
        "part": part,
        "parts": PARTS,
        "started": round(started),
        "copies": len(copies),
        "newest": max(copies, default=None),
        "damaged": damaged[:SHOWN],
    }
    text = json.dumps(told_of, sort_keys=True)
    trial = RESULTS / f".{place}-{part}.new"
    trial.write_text(text + "\n")
    trial.rename(RESULTS / f"{place}-{part}.json")
    print(text)
    return 1 if damaged else 0


def copied(place):
    """Return when each copy in a place was made (epoch, s)."""
    done = restic(place, "snapshots", "--json", "--tag", "city")
    found = json.loads(done.stdout) if done.returncode == 0 else []
    return [round(datetime.fromisoformat(FRACTION.sub(r".\1", one["time"])).timestamp()) for one in found or []]


def list_(place):
    """Print the copies in a place."""
    return told(restic(place, "snapshots", "--json", "--tag", "city"))


def restore(place, folder):
    """Bring the newest copy of a place back below a folder."""
    return told(restic(place, "restore", "--quiet", "latest", "--tag", "city", "--target", folder))


if __name__ == "__main__":
    SETTINGS = json.loads((CONFIG / "settings.json").read_text())
    doing = {"copy": copy, "read": read, "list": list_, "restore": restore}
    if sys.argv[1:2] and sys.argv[1] in doing:
        sys.exit(doing[sys.argv[1]](*sys.argv[2:]))
    sys.exit(__doc__)
