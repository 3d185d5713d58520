#!/bin/bash
# Proves that the runner of the unit tests turns red on what Criterion alone lets pass: a leak, and undefined
# behaviour, each in a test that asserts nothing wrong, which without sanitizers would be green; and a test that
# does not end, which is named.
set -eu

cd "$(dirname "$0")/../.."
out=build/proof
rm -rf "$out"
mkdir -p "$out/unit"

prove()
{
    local name=$1 body=$2 said=${3:-}
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
    gcc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -static-libasan -static-libubsan -o "$out/unit/$name" "$out/$name.c" tests/unit/lib/deadline.c -lcriterion
    if TEST_S=5 tests/unit/run.sh "$out" "$name" >"$out/$name.log" 2>&1 || ! grep -q "$said" "$out/$name.log"; then
        cat "$out/$name.log"
        echo "unit proof-$name: 0 passed, 1 failed (the runner let it pass, or does not say: $said)"
        return 1
    fi
    echo "unit proof-$name: 1 passed, 0 failed"
}

prove leak 'kept = malloc(64); kept = NULL;'
prove overflow 'big = big + 1;'
prove endless 'while (big != 0) { }' 'proof::endless: Timed out'
