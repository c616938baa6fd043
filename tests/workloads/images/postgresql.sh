#!/bin/dash
# A database for the pod it is in: no other host, and no other pod, reaches its loopback address.
set -eu
bin=/usr/lib/postgresql/15/bin
export PGDATA=/data/postgresql
[ -f "$PGDATA/PG_VERSION" ] || "$bin/initdb" --auth=trust --username=app --encoding=UTF8 --locale=C
exec "$bin/postgres" -c listen_addresses=127.0.0.1 -c unix_socket_directories=/tmp -c jit=off
