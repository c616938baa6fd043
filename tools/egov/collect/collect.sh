#!/bin/sh
# Read-only collection, POSIX sh. Runs once per host, over one SSH channel; arguments: NONCE SECONDS.
# Each probe prints "NONCE begin NAME", what it read, "NONCE end NAME CODE". The nonce is new each time, so nothing a
# host prints can be taken for a frame. Nothing is written; every probe ends after SECONDS.
# shellcheck disable=SC2016 # what a probe runs is expanded by its own shell, not here
set -u
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
nonce=$1 seconds=$2

have() { command -v "$1" >/dev/null 2>&1; }

bounded() {
    if have timeout; then
        timeout "$seconds" "$@"
        return
    fi
    "$@" &
    child=$!
    (sleep "$seconds" && kill "$child") >/dev/null 2>&1 &
    guard=$!
    wait "$child"
    code=$?
    kill "$guard" 2>/dev/null
    [ "$code" -eq 143 ] && code=124
    return "$code"
}

# Answers go out together: every write becomes a packet, and packets are most of what a login costs who collects.
# A probe that hung sends what there is, so that little is lost of a host that runs out of time.
answers=
say() {
    printf '%s\n' "$answers"
    answers=
}

probe() {
    name=$1
    shift
    text=$(bounded sh -c "$*" 2>&1 </dev/null)
    code=$?
    answers="$answers$nonce begin $name
$text
$nonce end $name $code
"
    [ "$code" -ne 124 ] || say
}

probe clock 'date -u +%s'
probe system 'uname -n; uname -r; uname -m; cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release'
probe boot 'grep ^btime /proc/stat'
if have dpkg-query; then
    probe packages "dpkg-query -W -f '\${db:Status-Abbrev}|\${Package}|\${Version}|\${Architecture}\n'"
    probe packages-changed "find /var/lib/dpkg/info -name '*.list' -printf '%T@ %f\n'"
elif have rpm; then
    probe packages-rpm "rpm -qa --qf '%{NAME}|%{VERSION}-%{RELEASE}|%{ARCH}|%{INSTALLTIME}\n'"
fi
have systemctl && probe services 'systemctl list-units --type=service --all --plain --no-legend --no-pager'
if have ss; then
    probe listeners 'ss -H -l -n -t -u -p'
else
    probe listeners-proc 'cd /proc/net && for f in tcp tcp6 udp udp6; do [ -r $f ] && sed "s/^/$f /" $f; done'
fi
probe users 'getent passwd || cat /etc/passwd'
probe passwords "awk -F: '{ print \$1 \":\" (\$2 == \"\" ? \"empty\" : \$2 ~ /^[!*]/ ? \"locked\" : \"set\") }' /etc/shadow"
have lastlog && probe last-logins 'lastlog'
probe resources 'getconf _NPROCESSORS_ONLN; getconf CLK_TCK; cat /proc/loadavg /proc/uptime; grep "^cpu " /proc/stat
grep -E "^Mem(Total|Available):" /proc/meminfo; cat /proc/net/dev'
probe mounts 'cat /proc/mounts'
probe disks 'df -k -P -l'
have ip && probe routes 'ip -4 route show; ip -6 route show'
have ip && probe addresses 'ip -o address show'
have ip && probe links 'ip -o link show'
have nft && probe ruleset 'nft -j list ruleset'
have ip && probe neighbours 'ip neighbour show'
probe hardware 'cd /sys/class/dmi/id 2>/dev/null || exit 0; for f in sys_vendor product_name product_serial; do
    printf "%s=" $f; cat $f 2>/dev/null || echo; done'
if have openssl; then
    probe certificates 'find /etc /opt /srv /usr/local -xdev -type f \( -name "*.crt" -o -name "*.cer" -o -name "*.pem" \) -size -65k 2>/dev/null |
        grep -v -e "^/etc/ssl/certs/" -e "^/etc/pki/ca-trust/" -e "^/usr/local/share/ca-certificates/" | sort | while read -r f; do
            text=$(openssl x509 -in "$f" -noout -startdate -enddate -sha256 -fingerprint -subject -issuer \
                -nameopt RFC2253,utf8,-esc_msb 2>/dev/null) && printf "%s\nfile=%s\n" "$text" "$f"
        done; true'
fi
if [ -d /var/lib/pgbackrest/backup ]; then
    probe backups 'pgbackrest --output=json --log-level-console=off --log-level-stderr=off info'
    probe wal 'cd /var/lib/pgbackrest/archive && for s in *; do printf "%s " "$s"
        find "$s" -name "[0-9A-F]*-*" -type f -printf "%T@ %f\n" | sort -n | tail -n 1; echo; done'
fi
[ -d /var/lib/city-restore ] && probe restores 'cat /var/lib/city-restore/*.json 2>/dev/null || true'
[ -d /var/lib/city-files ] && probe file-reads 'cat /var/lib/city-files/*.json 2>/dev/null || true'
probe logs "find /var/log -xdev -type f -printf '%s %T@ %p\n'"
answers="$answers$nonce done"
say
