#!/usr/bin/python3
"""File backups of this host, to each place that the city describes (same-city, off-site). As root.

city-files copy                     send what is new to every place
city-files read [PART|all]          read a seventh of each place's repository back: that of today, PART, or all seven,
                                    and keep what came of it in /var/lib/city-files
city-files list PLACE               the copies there are, as JSON
city-files restore PLACE FOLDER [COPY]
                                    bring the newest copy back below FOLDER, or COPY, as `list` calls it (short_id)

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
LOCKED = "unable to create lock"  # restic's words where somebody else works on the repository
SETTINGS = {}
COPY = re.compile(r"latest|[0-9a-f]{8,64}")
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


def copy():
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
        return unread(place, "no repository answers")
    copies = copied(place)
    return max([_part(place, number, copies) for number in parts])


def _part(place, part, copies):
    started = time.time()
    done = restic(place, "check", f"--read-data-subset={part}/{PARTS}")
    damaged = [line.strip() for line in done.stderr.splitlines() if line.strip()] if done.returncode else []
    if LOCKED in done.stderr:
        return unread(place, damaged[0])
    if damaged and not answers(place):
        return unread(place, "it stopped answering")
    if copies is None and not damaged:
        return unread(place, "its copies could not be listed")
    told_of = {
        "copy": place,
        "part": part,
        "parts": PARTS,
        "started": round(started),
        "copies": len(copies or []),
        "newest": max(copies or [], default=None),
        "damaged": damaged[:SHOWN],
    }
    text = json.dumps(told_of, sort_keys=True)
    trial = RESULTS / f".{place}-{part}.new"
    trial.write_text(text + "\n")
    trial.rename(RESULTS / f"{place}-{part}.json")
    print(text)
    return 1 if damaged else 0


def unread(place, why):
    """Say why nothing was read of a place."""
    print(f"{place}: {why}", file=sys.stderr)
    return 1


def copied(place):
    """Return when each copy in a place was made (epoch, s); None where it does not tell."""
    done = restic(place, "snapshots", "--json", "--tag", "city")
    if done.returncode:
        return None
    found = json.loads(done.stdout) or []
    return [round(datetime.fromisoformat(FRACTION.sub(r".\1", one["time"])).timestamp()) for one in found]


def list_(place):
    """Print the copies in a place."""
    return told(restic(place, "snapshots", "--json", "--tag", "city"))


def restore(place, folder, copy="latest"):
    """Bring the newest copy of a place back below a folder, or one by its id."""
    if not COPY.fullmatch(copy):
        sys.exit(f"{copy} is no copy's id: city-files list {place} gives them")
    return told(restic(place, "restore", "--quiet", copy, "--tag", "city", "--target", folder))


def main(words):
    """Do what the words ask for; say how it is used where they ask for nothing that there is."""
    doing = {"copy": (copy, 0, 0), "read": (read, 0, 1), "list": (list_, 1, 1), "restore": (restore, 2, 3)}
    work, least, most = doing.get(words[0] if words else "", (None, 0, 0))
    if work is None or not least <= len(words) - 1 <= most:
        sys.exit(__doc__)
    SETTINGS.update(json.loads((CONFIG / "settings.json").read_text()))
    if least and words[1] not in SETTINGS["places"]:
        sys.exit("{} is no place of copies; there are {}".format(words[1], ", ".join(SETTINGS["places"])))
    return work(*words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
