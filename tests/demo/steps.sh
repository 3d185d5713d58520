# shellcheck shell=bash disable=SC2154,SC2034 # variables of tests/demo.sh
# What the steps of `make demo` share: what is printed, what runs beside it, and the end of all of that.
# Sourced by tests/demo.sh, which sets root, WARDGATE and work.

pids=()
step=0

# Ends what we started, by its id, and removes the folder.
clean_up()
{
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null
    done
    rm -rf "$work"
}
say()
{
    printf '%s\n' "$*"
}

headline()
{
    step=$((step + 1))
    printf '\n== %d. %s\n' "$step" "$*"
}

shown()
{
    sed "s|$work/||g; s/^/     /"
}

fail()
{
    say "DEMO FAILED: $*"
    for file in "$work"/*.log; do
        say "--- $(basename "$file")"
        tail -n 15 "$file"
    done
    exit 1
}

# background NAME COMMAND...: its output goes to NAME.log; $! is its id
background()
{
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 </dev/null &
    pids+=("$!")
}

# until_true SECONDS WHAT COMMAND...
until_true()
{
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "not in time: $what"
        sleep 0.1
    done
}

free_port()
{
    /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

wardgate()
{
    "$WARDGATE" "$1" -c "$work/wardgate.conf" "${@:2}"
}

# device_is NAME KEY VALUE: what status says of it
device_is()
{
    wardgate status --json | /usr/bin/python3 -c '
import json, sys
name, key, value = sys.argv[1:]
device = next(d for d in json.load(sys.stdin)["devices"] if d["name"] == name)
sys.exit(str(device[key]) != value)' "$@"
}

# Has the master, which asks once a second, had more than so many answers?
answers_over()
{
    [ "$(answers)" -gt "$1" ]
}

answers()
{
    grep -c '^\[0\]' "$work/master.log"
}

plug_pump()
{
    background line socat "pty,raw,echo=0,link=$work/ttyPUMP" "pty,raw,echo=0,link=$work/pump-side"
    line_pid=$!
    until_true 5 "the serial line" test -e "$work/ttyPUMP" -a -e "$work/pump-side"
    background pump "$pump_program" "$work/pump-side" 1
    pump_pid=$!
}
