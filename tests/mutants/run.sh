#!/bin/bash
# Shows that each refusal check is tested: run.sh [ID...] ; exit 1 when a mutant survives.
#
# tests/mutants/list has one line per mutant:   id | file | sed -E expression | where [filter]
# "where" is a unit floor (protocols, certs, conf, gateway), with an optional Criterion filter for speed,
# or the name of a scenario. The edit is made in a copy of the tree under build/mutants/; it must change the
# file, the copy must compile, and the named tests must turn red. Two copies work side by side.
set -u

cd "$(dirname "$0")/../.." || exit 1
ROOT=$PWD
list=tests/mutants/list
work=$ROOT/build/mutants
make=(make -s --no-print-directory "OPT=-O1 -w")

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

# Builds and runs in the current folder; 0 green, 1 red, 2 does not compile.
run_where()
{
    local where=$1 filter=${2:-} log=build/mutant.log
    if is_floor "$where"; then
        "${make[@]}" -o build/wolfssl/.stamp "unit-$where" >"$log" 2>&1 || return 2
        timeout -k 5 120 "build/unit/$where" --timeout 20 ${filter:+--filter "$filter"} >"$log" 2>&1 || return 1
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

# A mutant proves nothing unless the same tests are green without it. Prints what is not.
baseline()
{
    local where
    for where in "$@"; do
        if ! run_where "$where"; then
            tail -n 30 build/mutant.log >&2
            echo "mutant baseline-$where: 0 passed, 1 failed (red or broken without any mutant)" >&2
            echo "$where"
        fi
    done
}

# Worker number $1 of two takes every second line.
work_through()
{
    local number=$1 tree=$work/tree$1 n=0 red=0 id file expression where filter line places broken=
    shift
    prepare_copy "$tree"
    cd "$tree" || return 1
    places=$(awk -F' [|] ' -v ids=" $* " '!/^ *(#|$)/ && (ids == "  " || index(ids, " " $1 " ")) {
                                              split($NF, w, " "); print w[1] }' "$ROOT/$list" | sort -u)
    # shellcheck disable=SC2086 # a list of names
    broken=" $(baseline $places | tr '\n' ' ') "
    [ "$broken" = "  " ] || red=1
    while IFS= read -r line; do
        case $line in '' | '#'* | ' '*) continue ;; esac
        n=$((n + 1))
        id=${line%% | *}
        line=${line#* | }
        file=${line%% | *}
        line=${line#* | }
        expression=${line% | *}
        where=${line##* | }
        filter=${where#* }
        where=${where%% *}
        [ "$filter" != "$where" ] || filter=
        if [ "$#" -gt 0 ]; then
            case " $* " in *" $id "*) ;; *) continue ;; esac
        fi
        [ $((n % 2)) -eq "$number" ] || continue
        case $broken in *" $where "*) continue ;; esac
        try_mutant "$id" "$file" "$expression" "$where" "$filter" || red=1
    done <"$ROOT/$list"
    return "$red"
}

mkdir -p "$work"
red=0
work_through 0 "$@" >"$work/0.log" 2>&1 &
first=$!
work_through 1 "$@" >"$work/1.log" 2>&1 &
second=$!
wait "$first" || red=1
wait "$second" || red=1
cat "$work/0.log" "$work/1.log"
awk '/^mutant .*: [01] passed, [01] failed/ { for (i = 1; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1)
                                             if ($i ~ /^failed/) f += $(i-1) } }
     END { printf "mutants: %d passed, %d failed\n", p, f }' "$work/0.log" "$work/1.log"
exit "$red"
