#!/bin/bash
# Runs the unit test binaries: run.sh OUT FLOOR... ; one line per floor, exit 1 when anything is red.
#
# Criterion lets a leaking test pass, and so does UBSan's report on its own, so sanitizer reports go to
# files and any such file is a failure. A binary that did not build is one too. TEST_S=N: how many
# seconds a test may take.
set -u

out=$1
shift
san=$out/san
rm -rf "$san"
mkdir -p "$san"
export ASAN_OPTIONS=log_path=$san/a:detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=log_path=$san/u:print_stacktrace=1
# libuv's threads and the libraries' one-time tables are not ours to free.
if [ -f tests/unit/lsan.supp ]; then
    export LSAN_OPTIONS=suppressions=tests/unit/lsan.supp:print_suppressions=0
fi
red=0
# Most tests wait for a loop or a child most of the time; sanitized, half of it.
jobs=$(($([ "$out" = build/asan ] && echo 2 || echo 4) * $(nproc)))

run_floor()
{
    local floor=$1 log=$out/unit/$1.log tested passing failing status=0 line
    if [ ! -x "$out/unit/$floor" ]; then
        echo "unit $floor: 0 passed, 1 failed (no binary)"
        return 1
    fi
    # Criterion's own time-out is per test; this one is for a binary that hangs outside of a test, as it
    # sometimes does itself when a test was too slow, which it has said by then.
    timeout -k 5 1200 "$out/unit/$floor" --jobs "$jobs" --timeout "${TEST_S:-120}" >"$log" 2>&1 || status=$?
    line=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | grep 'Synthesis:' | tail -n 1)
    tested=$(sed -n 's/.*Tested: \([0-9]*\).*/\1/p' <<<"$line")
    passing=$(sed -n 's/.*Passing: \([0-9]*\).*/\1/p' <<<"$line")
    failing=$((${tested:-0} - ${passing:-0}))
    if [ "$failing" -eq 0 ] && { [ "$status" -ne 0 ] || [ "${tested:-0}" -eq 0 ]; }; then
        failing=1
    fi
    if [ "$failing" -ne 0 ]; then
        cat "$log"
    fi
    echo "unit $floor: ${passing:-0} passed, $failing failed"
    [ "$failing" -eq 0 ]
}

for floor in "$@"; do
    run_floor "$floor" || red=1
done
reports=$(find "$san" -type f -size +0)
if [ -n "$reports" ]; then
    for report in $reports; do
        head -n 60 "$report"
    done
    echo "unit sanitizer: 0 passed, $(wc -w <<<"$reports") failed (reports in $san)"
    red=1
fi
exit "$red"
