#!/bin/sh
# commit_confirm.sh arm|confirm|undo NAME SECONDS UNIT FILE...
# arm:     save the FILEs, start a timer that undoes in SECONDS
# confirm: end the timer, drop the saved files
# undo:    put the FILEs back, reload UNIT, end the timer
set -eu
step=$1 name=$2 seconds=$3 unit=$4
shift 4
saved=/var/lib/egov-undo/$name
timer=egov-undo-$name

end_timer() {
    systemctl stop "$timer.timer" 2>/dev/null || true
    systemctl reset-failed "$timer.service" 2>/dev/null || true
    rm -rf "$saved"
    rmdir /var/lib/egov-undo 2>/dev/null || true
}

case $step in
arm)
    if [ -d "$saved" ]; then
        # Armed before by a run that died: what is saved is the good state. Start the clock anew.
        systemctl stop "$timer.timer" 2>/dev/null || true
    else
        umask 077
        new=$saved.new
        rm -rf "$new"
        mkdir -p "$new"
        {
            echo '#!/bin/sh'
            number=0
            for file in "$@"; do
                number=$((number + 1))
                if [ -e "$file" ]; then
                    cp -a "$file" "$new/$number"
                    echo "cp -a '$saved/$number' '$file'"
                else
                    echo "rm -f '$file'"
                fi
            done
            echo "systemctl try-reload-or-restart '$unit'"
            echo "rm -rf '$saved'"
        } >"$new/undo"
        mv "$new" "$saved"
    fi
    systemd-run --quiet --collect --unit="$timer" --on-active="${seconds}s" --timer-property=AccuracySec=1s \
        /bin/sh "$saved/undo"
    ;;
confirm)
    if [ ! -d "$saved" ]; then
        echo "$name: nothing to confirm; the host has undone the change by itself" >&2
        exit 3
    fi
    end_timer
    ;;
undo)
    if [ -d "$saved" ]; then
        sh "$saved/undo"
        echo undone
    fi
    end_timer
    ;;
esac
