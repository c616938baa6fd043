#!/bin/sh
# dropped.sh DATABASE TABLE, as root where the database leads: the commits that removed files of the database, oldest
# first, a line of JSON each; nothing if the table is there. Then the WAL so far is sent to the repository.
set -eu
cd /
wal=/var/lib/postgresql/15/city/pg_wal
ask() { runuser -u postgres -- psql -h /run/postgresql -X -A -t -d "$1" -v table="$2"; }
[ -z "$(echo "select to_regclass(:'table')" | ask "$1" "$2")" ] || exit 0
database=$(echo 'select oid from pg_database where datname = current_database()' | ask "$1" "$2")
newest=$(echo 'select pg_walfile_name(pg_switch_wal())' | ask postgres "$2")
timeline=$(echo "$newest" | cut -c1-8)
oldest=$(find "$wal" -maxdepth 1 -type f -name "$timeline????????????????" -printf '%f\n' | sort | head -1)
# Its end is not there yet, which pg_waldump calls an error.
{ TZ=UTC /usr/lib/postgresql/15/bin/pg_waldump --rmgr=Transaction --path="$wal" "$oldest" "$newest" 2>/dev/null || true; } |
    python3 -c 'import datetime, json, re, sys
found = re.compile(r"tx: +([0-9]+),.*COMMIT (\S+ \S+) \S+;.*\brels:[^;]* base/%s/" % sys.argv[1])
for line in sys.stdin:
    if match := found.search(line):
        at = datetime.datetime.fromisoformat(match[2]).replace(tzinfo=datetime.timezone.utc)
        print(json.dumps({"xid": int(match[1]), "at": str(at.astimezone())[:26], "epoch": at.timestamp()}))' "$database"
