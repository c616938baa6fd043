#!/bin/sh
# Make one image of the distribution's packages, take it into this host's registry, and keep its digest.
# city-image NAME VERSION    as root; what it is made of stands in /etc/city-registry/images/NAME-VERSION
set -eu
folder=/etc/city-registry/images/$1-$2
digest=/var/lib/city-registry/$1-$2
packages=$(paste -sd, "$folder/packages")
base=/var/cache/city-registry/$(sha256sum <"$folder/packages" | cut -c1-16).tar
# shellcheck disable=SC1091 # the host's own
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
eval "$(apt-config shell proxy Acquire::http::Proxy)"

if [ ! -f "$base" ]; then # what several versions share is made once
    sources=$(find /etc/apt -maxdepth 2 -type f -size +0 \( -name sources.list -o -name '*.sources' -o -path '*.d/*.list' \))
    # shellcheck disable=SC2086,SC2016 # one word per file; the hook's "$1" is the image's root
    mmdebstrap --quiet --format=tar --variant=extract --include="$packages" --aptopt='Acquire::Check-Valid-Until "false"' \
        --extract-hook='rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/info "$1"/usr/share/locale' \
        ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} "$release" "$base.new" $sources
    mv "$base.new" "$base"
fi

work=$(mktemp -d /var/cache/city-registry/make-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/etc"
# A program may ask who it runs as; pods run as this user, and no package says so.
echo 'app:x:10001:10001:app:/tmp:/usr/sbin/nologin' >"$work/root/etc/passwd"
echo 'app:x:10001:' >"$work/root/etc/group"
for file in "$folder"/*!*; do
    [ -f "$file" ] || continue
    path=$work/root/$(basename "$file" | tr '!' /)
    mkdir -p "$(dirname "$path")"
    cp -p "$file" "$path"
done
cp "$base" "$work/image.tar"
(cd "$work/root" && find . -type f | sort) >"$work/files"
tar --append --file="$work/image.tar" --owner=0 --group=0 -C "$work/root" --files-from="$work/files"
name=$1:$2
while read -r change; do
    set -- "$@" --change "$change"
done <"$folder/changes"
shift 2
podman import --quiet "$@" "$work/image.tar" "localhost/$name" >/dev/null
podman push --quiet --tls-verify=false --digestfile "$work/digest" "localhost/$name" "docker://127.0.0.1:5001/$name"
podman rmi "localhost/$name" >/dev/null
mv "$work/digest" "$digest"
