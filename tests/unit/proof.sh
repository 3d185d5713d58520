#!/bin/bash
# Proves that the runner of the unit tests turns red on what Criterion alone lets pass: a leak, and undefined
# behaviour, each in a test that asserts nothing wrong. Without sanitizers both would be green.
set -eu

cd "$(dirname "$0")/../.."
out=build/proof
rm -rf "$out"
mkdir -p "$out/unit"

prove()
{
    local name=$1 body=$2
    cat >"$out/$name.c" <<C
#include <criterion/criterion.h>
#include <stdlib.h>

static void *volatile kept;
static volatile int big = 2147483647;

Test(proof, $name)
{
    $body
    cr_assert(1);
}
C
    gcc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -static-libasan -static-libubsan -o "$out/unit/$name" "$out/$name.c" -lcriterion
    if tests/unit/run.sh "$out" "$name" >"$out/$name.log" 2>&1; then
        cat "$out/$name.log"
        echo "unit proof-$name: 0 passed, 1 failed (the runner let it pass)"
        return 1
    fi
    echo "unit proof-$name: 1 passed, 0 failed"
}

prove leak 'kept = malloc(64); kept = NULL;'
prove overflow 'big = big + 1;'
