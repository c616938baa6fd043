#!/usr/bin/env bash
# The whole toolkit on the sample city: describe, boot, provision, collect, seal, audit, report. Called by `make demo`.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" COLUMNS=${COLUMNS:-100}
city=inventory/huludao
export EGOV_CITY=$city
log=build/demo
mkdir -p "$log"
started=$SECONDS

if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; else bold='' plain=''; fi
step() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
took() { printf '  (%s s)\n' "$((SECONDS - began))"; }
began=$SECONDS

step "1  The description: every file of $city is read and checked"
egov validate | sed 's/^/  /'

step "2  The lab: the described hosts boot on this machine, in network namespaces of their own"
began=$SECONDS
egov lab up >"$log/lab.txt" 2>"$log/lab.log" || { tail -n 20 "$log/lab.log"; exit 1; }
printf '  %s hosts running; see: egov lab status\n' "$(grep -c ' running ' "$log/lab.txt")"
took

step "3  The playbooks: every host is provisioned over SSH"
began=$SECONDS
# The accelerator is optional: without it the same run takes about twice as long.
ANSIBLE_STRATEGY_PLUGINS=$(python -c 'import ansible_mitogen, pathlib; print(pathlib.Path(ansible_mitogen.__file__).parent / "plugins/strategy")')
export ANSIBLE_STRATEGY_PLUGINS ANSIBLE_STRATEGY=mitogen_linear
: >"$log/site.jsonl"
EGOV_RECORD=$PWD/$log/site.jsonl egov lab run -- ansible-playbook playbooks/site.yml >"$log/site.log" 2>&1 ||
    { tail -n 40 "$log/site.log"; exit 1; }
EGOV_RECORD=$PWD/$log/site.jsonl egov lab run -- ansible-playbook playbooks/legacy.yml >>"$log/site.log" 2>&1 ||
    { tail -n 40 "$log/site.log"; exit 1; }
printf '  %s changes on %s hosts (a second run changes nothing); log: %s\n' \
    "$(grep -c '"changed": true' "$log/site.jsonl" || true)" \
    "$(grep -o '"host": "[^"]*"' "$log/site.jsonl" | grep -v localhost | sort -u | wc -l)" "$log/site.log"
took

step "4  The evidence: facts from hosts, canaries and packets, surveys and ledgers from sheets, then a signed seal"
began=$SECONDS
code=0
egov collect hosts --lab egov >"$log/collect.txt" || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 3 ] || exit "$code"
tail -n 1 "$log/collect.txt" | sed 's/^/  /'
egov collect exits --lab egov | tail -n 1 | sed 's/$/: a canary from every host to the simulated Internet/; s/^/  /'
egov collect packets --lab egov | sed 's/^/  /'
egov collect survey $city/surveys/*.csv $city/surveys/*.xlsx | sed 's/^/  /'
key=$log/operator
if [ ! -f "$key" ]; then
    ssh-keygen -q -t ed25519 -N '' -C demo -f "$key"
    printf 'signers:\n  - {id: demo-operator, name: Operator of this demo, roles: [operator], valid_from: "%s", key: "%s"}\n' \
        "$(date -u +%F)" "$(cut -d' ' -f1,2 "$key.pub")" >"$log/signers.yml"
fi
egov facts seal --key "$key" | sed 's/^/  /'
egov facts verify --signers "$log/signers.yml" | sed 's/^/  /'
took

step "5  The audit: rooms and the register, from that evidence"
code=0
egov audit >"$log/audit.txt" || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 1 ] || [ "$code" -eq 3 ] || exit "$code"
awk '/^疑点 \(/ { exit } { print "  " $0 }' "$log/audit.txt"
egov report >/dev/null || code=$?

step "Where to look next"
cat <<TEXT
  reports/huludao/audit.zh.html   the report as a page (audit.en.html in English), and as xlsx, csv and json beside it
  egov show R20                   a duty: its words, checks, findings, cases
  egov show room-minzheng         a room: every value with the file and line it stands in
  egov audit room-area            one check: the 20 m² cap, room by room
  egov audit R51                  the zones apart: proof, packets, comparison; R14 has the private line
  egov lab ssh dept-minzheng1     a host of the lab
  egov diff HEAD~1                what a change of the description touches, before anything is applied
  egov procedure run sshd --input hosts=dc-app1 --input seconds=60 --dry-run
  make clean-demo                 remove all of it

  (egov is .venv/bin/egov; all this took $((SECONDS - started)) s)
TEXT
