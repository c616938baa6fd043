#!/usr/bin/env bash
# setup.sh environment DIR   virtual environment from hash-locked requirements
# setup.sh packages          Debian packages for the lab (root); does nothing where all are installed
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian packages of the lab: image, hosts, switch, package cache and its relays; git and ssh are used by egov itself.
packages=(apt-cacher-ng bind9-utils ca-certificates git iproute2 mmdebstrap nftables openssh-client python3-venv shellcheck socat
    systemd-container util-linux)

environment() {
    local venv=$1
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "Python 3.11 or later is needed; python3 is $(python3 --version)" >&2
        exit 2
    }
    if ! python3 -c 'import ensurepip' 2>/dev/null; then
        install_packages python3-venv
    fi
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
}

install_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q ' installed$' || missing+=("$name")
    done
    [ ${#missing[@]} -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        echo "these Debian packages are missing; as root run: apt-get install ${missing[*]}" >&2
        exit 2
    fi
    echo "installing Debian packages: ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
    # The lab runs its own proxy; the package's service is not wanted on this machine.
    if [[ " ${missing[*]} " == *" apt-cacher-ng "* && -d /run/systemd/system ]]; then
        systemctl disable --now --quiet apt-cacher-ng.service
    fi
}

case ${1:-} in
environment) environment "${2:-.venv}" ;;
packages) install_packages "${packages[@]}" ;;
*)
    echo "usage: setup.sh environment DIR | packages" >&2
    exit 2
    ;;
esac
