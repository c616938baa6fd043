#!/bin/sh
# Forget copies of files that are older than the description says, of every host; the newest stays. As root, on the
# same city's repository. It works as the archive's own user, who gets each password by its input and cannot read it.
set -eu
code=0
while read -r host days; do
    repository=/var/lib/city-archive/$host
    [ -d "$repository" ] || continue
    runuser -u archive -- restic --repo "$repository" --no-cache --quiet forget --group-by '' --keep-last 1 \
        --keep-within "${days}d" --prune <"/etc/city-files-forget/passwords/$host" || code=1
done </etc/city-files-forget/kept
exit $code
