#!/bin/sh
# pg_rewind, as Patroni calls it. What it leaves is consistent once it has replayed up to where the leader would have
# written next. Right after the end of a segment that is behind the head of the next one, and where nobody writes
# nothing ever comes there: the copy would go on starting until somebody does. So have the leader write one record.
set -eu
/usr/lib/postgresql/15/bin/pg_rewind "$@"
while [ $# -gt 1 ]; do
    if [ "$1" = --source-server ]; then
        psql -X -q -o /dev/null -d "$2" -c 'select txid_current()' || true # its commit is the record
    fi
    shift
done
