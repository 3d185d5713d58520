#!/bin/bash
# Shows that each refusal check is tested: run.sh [ID...] ; exit 1 when a mutant survives.
#
# tests/mutants/list has one line per mutant:   id | file | sed -E expression | where [filter]
# "where" is a unit floor (protocols, certs, conf, gateway), with an optional Criterion filter for speed,
# or the name of a scenario. The edit is made in a copy of the tree under build/mutants/; it must change the
# file, the copy must compile, and the named tests must turn red, which are green without it. Two copies work
# side by side (WORKERS=N: so many).
set -u

cd "$(dirname "$0")/../.." || exit 1
ROOT=$PWD
list=tests/mutants/list
work=$ROOT/build/mutants
make=(make -s --no-print-directory "OPT=-O1 -w")
WORKERS=${WORKERS:-2}
# Against what hangs, and so long that a busy machine does not reach them: a test, and all that a line names.
TEST_S=60
ALL_S=900

if [ ! -f "$list" ]; then
    echo "mutants: 0 passed, 0 failed (no list)"
    exit 0
fi

# A copy that shares the finished library and PKI; kept from run to run, so that little is compiled.
prepare_copy()
{
    local tree=$1
    mkdir -p "$tree/build"
    for part in Makefile protocols certs conf gateway tests; do
        if [ -e "$part" ]; then
            # Contents decide: a file left mutated by a broken-off run is put right and built anew.
            find "$part" -type f | while read -r file; do
                if ! cmp -s "$file" "$tree/$file"; then
                    mkdir -p "$tree/$(dirname "$file")"
                    cp "$file" "$tree/$file"
                fi
            done
        fi
    done
    (cd "$tree" && find Makefile protocols certs conf gateway tests -type f 2>/dev/null) | while read -r file; do
        [ -e "$ROOT/$file" ] || rm -f "$tree/$file"
    done
    ln -sfn "$ROOT/build/wolfssl" "$tree/build/wolfssl"
    ln -sfn "$ROOT/build/pki" "$tree/build/pki"
    ln -sfn "$ROOT/build/pki-path" "$tree/build/pki-path"
    ln -sfn "$ROOT/build/pki-ocsp" "$tree/build/pki-ocsp"
}

is_floor()
{
    case $1 in protocols | certs | conf | gateway) return 0 ;; esac
    return 1
}

# Builds and runs in the current folder; 0 green, 1 red, 2 does not compile. The first red test is enough.
run_where()
{
    local where=$1 filter=${2:-} log=build/mutant.log
    if is_floor "$where"; then
        "${make[@]}" -o build/wolfssl/.stamp "unit-$where" >"$log" 2>&1 || return 2
        timeout -k 5 "$ALL_S" "build/unit/$where" --fail-fast --timeout "$TEST_S" ${filter:+--filter "$filter"} \
            >"$log" 2>&1 || return 1
        # A filter that matches nothing proves nothing.
        ! sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -q 'Tested: 0 ' || return 2
        return 0
    fi
    "${make[@]}" -o build/wolfssl/.stamp all >"$log" 2>&1 || return 2
    WARDGATE=build/wardgate tests/scenarios/run.sh "$where" >"$log" 2>&1 || return 1
    grep -q '1 passed' "$log" || return 2
}

try_mutant()
{
    local id=$1 file=$2 expression=$3 where=$4 filter=$5 status=0
    if [ ! -f "$file" ]; then
        echo "mutant $id: 0 passed, 1 failed (no file $file)"
        return 1
    fi
    cp "$file" build/original
    sed -E -i "$expression" "$file"
    if cmp -s "$file" build/original; then
        echo "mutant $id: 0 passed, 1 failed (the expression changes nothing in $file)"
        return 1
    fi
    run_where "$where" "$filter" || status=$?
    cp build/original "$file"
    case $status in
    0) echo "mutant $id: 0 passed, 1 failed (survived $where $filter)" ;;
    2) echo "mutant $id: 0 passed, 1 failed (does not compile, or names no test)"; tail -n 5 build/mutant.log ;;
    *) echo "mutant $id: 1 passed, 0 failed"; return 0 ;;
    esac
    return 1
}

# A mutant proves nothing unless the same tests are green without it: asked once for each "where [filter]",
# and remembered in the worker's array "base". Says what is not green.
is_green()
{
    local key="$1 $2"
    if [ -z "${base[$key]:-}" ]; then
        base[$key]=green
        if ! run_where "$1" "$2"; then
            base[$key]=red
            tail -n 30 build/mutant.log
            echo "mutant baseline of $key: 0 passed, 1 failed (red or broken without any mutant)"
        fi
    fi
    [ "${base[$key]}" = green ]
}

# Worker number $1 takes every so manieth line.
work_through()
{
    local number=$1 tree=$work/tree$1 n=0 red=0 id file expression where filter line
    local -A base=()
    shift
    prepare_copy "$tree"
    cd "$tree" || return 1
    while IFS= read -r line; do
        case $line in '' | '#'* | ' '*) continue ;; esac
        id=${line%% | *}
        if [ "$#" -gt 0 ]; then
            case " $* " in *" $id "*) ;; *) continue ;; esac
        fi
        n=$((n + 1))
        [ $((n % WORKERS)) -eq "$number" ] || continue
        line=${line#* | }
        file=${line%% | *}
        line=${line#* | }
        expression=${line% | *}
        where=${line##* | }
        filter=${where#* }
        where=${where%% *}
        [ "$filter" != "$where" ] || filter=
        if ! is_green "$where" "$filter"; then
            red=1
            continue
        fi
        try_mutant "$id" "$file" "$expression" "$where" "$filter" || red=1
    done <"$ROOT/$list"
    return "$red"
}

mkdir -p "$work"
red=0
logs=()
workers=()
for ((i = 0; i < WORKERS; i++)); do
    logs+=("$work/$i.log")
    work_through "$i" "$@" >"$work/$i.log" 2>&1 &
    workers+=($!)
done
for worker in "${workers[@]}"; do
    wait "$worker" || red=1
done
cat "${logs[@]}"
awk '/^mutant .*: [01] passed, [01] failed/ { for (i = 1; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1)
                                             if ($i ~ /^failed/) f += $(i-1) } }
     END { printf "mutants: %d passed, %d failed\n", p, f }' "${logs[@]}"
exit "$red"
