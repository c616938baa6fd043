#!/bin/sh
# One fault of a drill, or its end, as root on the host that it hits: fault.sh NAME. Repeated, it changes nothing more.
set -eu
data=/var/lib/postgresql
repository=/var/lib/pgbackrest
bystander=$repository/.drill-original

newest_file() { # the largest file of the newest backup
    find "$repository"/backup/*/latest/pg_data/base -type f -printf '%s %p\n' | sort -n | tail -1 | cut -d' ' -f2-
}

flip() { # change one bit in the middle of a file
    python3 -c 'import sys
with open(sys.argv[1], "r+b") as file:
    middle = file.seek(0, 2) // 2
    file.seek(middle)
    byte = file.read(1)[0]
    file.seek(middle)
    file.write(bytes([byte ^ 1]))' "$1"
}

case $1 in
kill) pkill -KILL -u postgres ;;
stop) pkill -STOP -u postgres ;;
continue) pkill -CONT -u postgres ;;
fill) # nearly all that is free at once, the rest in pieces: the database writes meanwhile
    [ -e "$data/full" ] || fallocate -l "$(df --output=avail -B1 "$data" | tail -1)" "$data/full" || true
    for piece in 1M 4k; do
        while head -c "$piece" /dev/zero >>"$data/full"; do :; done 2>/dev/null
    done
    ;;
empty) rm -f "$data/full" ;;
deafen) systemctl stop pgbackrest-server.service ;;
hear) systemctl start pgbackrest-server.service ;;
damage)
    [ -e "$bystander" ] && exit 0
    victim=$(newest_file)
    cp -p "$victim" "$bystander"
    echo "$victim" >"$bystander.name"
    flip "$victim"
    ;;
repair)
    [ ! -e "$bystander" ] || mv "$bystander" "$(cat "$bystander.name")"
    rm -f "$bystander.name"
    ;;
lose-repository)
    systemctl stop pgbackrest-server.service
    rm -rf "$repository"
    ;;
lose-member)
    systemctl stop etcd.service
    rm -rf /var/lib/etcd/city
    ;;
drop-table) runuser -u postgres -- psql -h /run/postgresql -X -q -d drill -c 'drop table if exists ledger' ;;
*)
    echo "no such fault: $1" >&2
    exit 2
    ;;
esac
