#!/bin/bash
# Runs the scenarios: run.sh [--quiet | --loud] [NAME...]; two at once, one line each, exit 1 when any is red.
#
# A scenario is an executable tests/scenarios/NAME.sh or NAME.py that exits 0 for a pass. It starts in its
# own empty folder build/scenarios/NAME, in its own process group that is ended afterwards, with
#   WARDGATE  the binary under test        PKI  folder of the throw-away PKI
#   ROOT      the repository               SCENARIO_DIR  the scenario's own folder
# With build/asan/wardgate as the binary, any report of a sanitizer makes the scenario red.
# A line `# timeout: N` among its first ten sets its seconds (120), `# alone` lets it run by itself; `# quiet`, too,
# and last: its figures want a machine that does nothing else. --quiet runs these alone, --loud all the others.
# Lines "figure: TEXT" that it prints are shown as "figure NAME: TEXT" when it passes.
set -u

cd "$(dirname "$0")/../.." || exit 1
ROOT=$PWD
WARDGATE=$(realpath "${WARDGATE:-build/wardgate}")
PKI=$ROOT/build/pki
export ROOT WARDGATE PKI
work=$ROOT/build/${SCENARIO_OUT:-scenarios}
mkdir -p "$work"

declared()
{
    head -n 10 "$1" | sed -n "s/^# *$2:* *//p" | head -n 1
}

# Ends what is left of a process group: politely, then not.
end_group()
{
    kill -TERM -- "-$1" 2>/dev/null || return 0
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 -- "-$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL -- "-$1" 2>/dev/null
}

show_logs()
{
    local file
    # What it said itself comes last: of a long output often only the end is kept.
    for file in "$1"/*.log "$1"/*.out "$1"/*.err "$1"/*.txt "$1"/.san.* "$1/.output"; do
        if [ -s "$file" ]; then
            echo "--- ${file#"$work"/}"
            tail -c 6000 "$file"
        fi
    done
}

run_one()
{
    local script=$1 name dir limit status=0 began=$SECONDS group
    name=$(basename "$script")
    name=${name%.*}
    dir=$work/$name
    limit=$(declared "$script" timeout)
    rm -rf "$dir"
    mkdir -p "$dir"
    # setsid makes the group's id the id of the process that we start.
    (cd "$dir" && SCENARIO_DIR=$dir ASAN_OPTIONS=log_path=$dir/.san:detect_leaks=1 \
        UBSAN_OPTIONS=log_path=$dir/.san:print_stacktrace=1 exec setsid timeout --foreground -k 5 "${limit:-120}" "$ROOT/$script" \
        >"$dir/.output" 2>&1 </dev/null) &
    group=$!
    wait "$group" || status=$?
    end_group "$group"
    # A sanitizer's report is a failure, whatever the scenario saw of it.
    if [ "$status" -eq 0 ] && compgen -G "$dir/.san.*" >/dev/null; then
        status=99
    fi
    if [ "$status" -eq 0 ]; then
        {
            sed -n "s/^figure: /figure $name: /p" "$dir/.output"
            echo "scenario $name: 1 passed, 0 failed ($((SECONDS - began)) s)"
        } | cat
        return 0
    fi
    {
        show_logs "$dir"
        if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
            echo "scenario $name: 0 passed, 1 failed (no end within ${limit:-120} s)"
        else
            echo "scenario $name: 0 passed, 1 failed (exit $status, $((SECONDS - began)) s)"
        fi
    } | cat
    return 1
}

wanted()
{
    local name
    name=$(basename "$1")
    [ -x "$1" ] && [ "$name" != run.sh ] || return 1
    [ "$#" -gt 1 ] || return 0
    shift
    case " $* " in *" ${name%.*} "*) return 0 ;; esac
    return 1
}

marked() { head -n 10 "$1" | grep -q "^# *$2"; }

which=all
case ${1:-} in --quiet | --loud)
    which=${1#--}
    shift
    ;;
esac
red=0
for name in "$@"; do
    if [ ! -x "tests/scenarios/$name.sh" ] && [ ! -x "tests/scenarios/$name.py" ]; then
        echo "tests/scenarios/run.sh: there is no scenario $name (file NAME.sh or NAME.py)" >&2
        red=1
    fi
done
alone=()
quiet=()
running=0
for script in tests/scenarios/*.sh tests/scenarios/*.py; do
    wanted "$script" "$@" || continue
    if marked "$script" quiet; then
        [ "$which" = loud ] || quiet+=("$script")
        continue
    fi
    [ "$which" != quiet ] || continue
    if marked "$script" alone; then
        alone+=("$script")
        continue
    fi
    if [ "$running" -ge 2 ]; then
        wait -n || red=1
        running=$((running - 1))
    fi
    run_one "$script" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || red=1
    running=$((running - 1))
done
for script in "${alone[@]}" "${quiet[@]}"; do
    run_one "$script" || red=1
done
exit "$red"
