#!/bin/bash
# `make check`: builds and tests everything, one progress line per stage, and one closing line that counts.
#
# A stage that fails shows its log, and the later ones still run, so that one run tells all; what was red is told
# once more before the closing line, since of a long output often only the end is kept. Tests report
# themselves as "unit x: N passed, N failed"; a stage without such lines counts as one. What a stage measured
# stands in its log as "figure x: TEXT" and is shown below its line.
set -u

cd "$(dirname "$0")/.." || exit 1
# The stages choose their own number of jobs.
unset MAKEFLAGS MFLAGS MAKELEVEL
logs=build/check
# Where nothing is built yet, the build itself shows that gcc has nothing to say: every file once, not twice.
lint_stages=
if [ ! -d build/obj ]; then
    lint_stages=$(tests/lint.sh --stages | sed 's/\bgcc\b//')
fi
mkdir -p "$logs"
rm -f "$logs"/*.log
make=(make --no-print-directory -j2)
passed=0
failed=0
red=()

# Which tests of a stage were red, and the last lines that led to each.
tell_red()
{
    local found=$logs/$1.red
    sed 's/\x1b\[[0-9;]*m//g' "$logs/$1.log" |
        grep -B 12 -E '^\[FAIL\]|^(unit|scenario|lint|fuzz|mutant) [^:]*: [0-9]+ passed, [1-9][0-9]* failed' >"$found"
    # A stage that reports no test has its say at the end of its log.
    [ -s "$found" ] || tail -n 20 "$logs/$1.log" >"$found"
    echo "----- red: $1"
    grep -vE '^\[(PASS|RUN |SKIP)' "$found" | tail -n 60 | cut -c 1-300
}

stage()
{
    local name=$1 log=$logs/$1.log began=$SECONDS status=0 p f
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    read -r p f < <(awk '/^(unit|scenario|lint|fuzz|mutant) [^:]*: [0-9]+ passed, [0-9]+ failed/ {
                            sub(/^[^:]*: /, ""); p += $1; f += $3 }
                         END { print p + 0, f + 0 }' "$log")
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
    elif [ "$((p + f))" -eq 0 ]; then
        p=1
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    if [ "$f" -ne 0 ]; then
        red+=("$name")
        echo "----- $name"
        tail -n 400 "$log"
        echo "----- $name: whole log in $log"
    fi
    printf '%-16s %5d passed, %d failed  %4d s\n' "$name" "$p" "$f" "$((SECONDS - began))"
    sed -n 's/^figure /    /p' "$log"
}

# Only certs/ sees the TLS library: what the other floors were built to is the same with Debian's.
system_build()
{
    local floor to
    if [ ! -d build/system/obj ]; then
        make -s WOLFSSL=system floor-names # leaves its flags, which must be older than the objects
        for floor in protocols conf gateway tests/unit/protocols tests/unit/conf tests/unit/gateway; do
            to=build/system/obj/$floor
            mkdir -p "$to"
            cp "build/obj/$floor"/*.[do] "$to"
            sed -i 's|^build/obj/|build/system/obj/|' "$to"/*.d
        done
    fi
    "${make[@]}" -k WOLFSSL=system all unit
}

# Behind the other stages, and only with what they leave idle: fuzzing, which takes its seconds by the clock, and
# lint, since scenarios wait most of the time.
behind=()
begin_behind()
{
    local name=$1
    shift
    nice -n 19 "$@" >"$logs/$name.begun" 2>&1 </dev/null &
    behind[$!]=$name
}
# Ctrl-C does not reach what runs behind.
trap '[ "${#behind[@]}" -eq 0 ] || kill "${!behind[@]}"' EXIT

# What begin_behind began, as a stage.
end_behind()
{
    local id status=0
    for id in "${!behind[@]}"; do
        if [ "${behind[$id]}" = "$1" ]; then
            wait "$id" || status=$?
            unset "behind[$id]"
        fi
    done
    cat "$logs/$1.begun"
    return "$status"
}

# The library's own build shows how far it is. Much of it is done by one processor: the other one begins with what
# does not need the library. What does not build there is told by the stage.
begin_behind beside-tls make --no-print-directory -k WERROR=-Werror beside-tls
make --no-print-directory build/wolfssl/.stamp || failed=$((failed + 1))
end_behind beside-tls >/dev/null
stage build "${make[@]}" -k WERROR=-Werror all unit pki
# Run directly, so that one floor that does not build keeps none of the others from being tested.
read -ra floors < <(make -s floor-names)
stage unit tests/unit/run.sh build "${floors[@]}"
stage sanitizer-proof tests/unit/proof.sh
stage asan-build "${make[@]}" -k asan-build
begin_behind fuzz "${make[@]}" fuzz FUZZ_S="${FUZZ_S:-30}"
stage asan tests/unit/run.sh build/asan "${floors[@]}"
stage system-build system_build
stage system tests/unit/run.sh build/system "${floors[@]}"
begin_behind lint make --no-print-directory lint STAGES="$lint_stages"
stage scenarios make --no-print-directory scenarios SCENARIOS=--loud
stage bench-counts make --no-print-directory bench-counts
stage fuzz end_behind fuzz
stage lint end_behind lint
stage figures make --no-print-directory scenarios SCENARIOS=--quiet
# More than a thousand mutants take longer than all the rest: `make mutants`, or MUTANTS=yes make check.
if [ "${MUTANTS:-no}" = yes ]; then
    stage mutants make --no-print-directory mutants
fi

for name in "${red[@]}"; do
    tell_red "$name"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
