#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/snapshot.h"

/* What leaks here, the sanitizer names. */
Test(snapshot, gives_everything_back_that_it_owns)
{
    struct snapshot s = {
        .devices = mem_new(2, sizeof(*s.devices)),
        .device_count = 2,
        .trusts = mem_new(2, sizeof(*s.trusts)),
        .trust_count = 2,
        .blocks = mem_new(3, sizeof(*s.blocks)),
        .block_count = 3,
        .grants = mem_new(1, sizeof(*s.grants)),
        .grant_count = 1,
    };
    cr_assert_not_null(s.trusts);
    for (size_t i = 0; i < s.trust_count; i++) {
        s.trusts[i].crls = mem_new(4, sizeof(*s.trusts[i].crls));
        s.trusts[i].sources = mem_new(1, sizeof(*s.trusts[i].sources));
    }
    snapshot_free(&s);
    cr_expect_eq(s.device_count + s.trust_count + s.block_count + s.grant_count, 0);
    cr_expect_null(s.trusts);
    snapshot_free(&s);
}

Test(snapshot, frees_an_empty_one)
{
    struct snapshot s = {.name = "w"};
    snapshot_free(&s);
    cr_expect_null(s.devices);
}
