#!/bin/sh
# The encrypted off-site copy of the backup repository, as root.
# city-offsite copy         take what is new to the province
# city-offsite read         read a seventh of the copy back and check it; another one each day, all of it in a week
# city-offsite fetch DIR    bring the newest copy back
# city-offsite list         the copies there are, as JSON
set -eu
set -a
# shellcheck source=/dev/null # secrets of the host, none of the repository
. /etc/city-offsite/env
set +a
tls=/etc/city-offsite/tls
restic() { command restic --cacert "$tls/authority.pem" --tls-client-cert "$tls/both.pem" "$@"; }
case ${1:-} in
copy)
    restic cat config >/dev/null 2>&1 || restic init --quiet
    restic backup --quiet --tag city --exclude '*.lock' /var/lib/pgbackrest
    mkdir -p /var/lib/city-offsite
    date +%s >/var/lib/city-offsite/copied
    ;;
read) restic check --quiet --read-data-subset="$(($(date +%u)))/7" ;;
fetch) restic restore --quiet latest --tag city --target "$2" ;;
list) restic snapshots --json --tag city ;;
*)
    echo "usage: city-offsite copy | read | fetch DIR | list" >&2
    exit 2
    ;;
esac
