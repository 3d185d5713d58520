#!/bin/bash
# Runs fuzz targets, four at once: run.sh OUT SECONDS NAME... ; one line per target, exit 1 on any find.
#
# Each target works on a copy of its stored corpus, so that new inputs go to build/ and not into the tree.
set -u

out=$1
seconds=$2
shift 2
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

fuzz_one()
{
    local name=$1 dir=$out/runs/$1 log=$out/runs/$1.log status=0
    rm -rf "$dir"
    mkdir -p "$dir/corpus" "$dir/finds"
    if [ -d "tests/fuzz/corpus/$name" ]; then
        cp -r "tests/fuzz/corpus/$name/." "$dir/corpus/"
    fi
    timeout -k 5 $((seconds + 120)) "$out/fuzz_$name" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=1024 \
        -print_final_stats=1 -artifact_prefix="$dir/finds/" "$dir/corpus" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 60 "$log"
        echo "fuzz $name: 0 passed, 1 failed (input in $dir/finds)"
        return 1
    fi
    echo "fuzz $name: 1 passed, 0 failed ($(sed -n 's/stat::number_of_executed_units: *//p' "$log") runs)"
}

mkdir -p "$out/work"
red=0
running=0
for name in "$@"; do
    if [ "$running" -ge 4 ]; then
        wait -n || red=1
        running=$((running - 1))
    fi
    fuzz_one "$name" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || red=1
    running=$((running - 1))
done
exit "$red"
