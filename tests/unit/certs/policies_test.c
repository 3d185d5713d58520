#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/policies.h"
#include "tests/unit/certs/forge.h"

static struct policies state;

/* PolicyInformation for 1.2.n; 0 is anyPolicy. */
static struct span policy(unsigned n)
{
    char oid[16];

    (void)snprintf(oid, sizeof(oid), n == 0 ? "0604551D2000" : "06022A%02X", n);
    return FORGE_SEQUENCE(forge_hex(oid));
}

static struct policies_facts ca(struct span policies)
{
    return (struct policies_facts){
        .policies = policies, .require_explicit = POLICIES_NONE, .inhibit_any = POLICIES_NONE};
}

static struct policies_facts leaf(struct span policies)
{
    struct policies_facts facts = ca(policies);

    facts.is_last = true;
    return facts;
}

static const struct policies_facts anchor = {.require_explicit = POLICIES_NONE,
                                             .inhibit_any = POLICIES_NONE};
static const struct span none = {NULL, 0};

/* A path of one CA and a leaf for the required policy 1.2.n (0: none is required). */
static const char *judge(unsigned required, struct policies_facts above, struct policies_facts end)
{
    const char *why;

    policies_begin(&state, required == 0 ? none : span_after(policy(required), 4), &anchor, 2);
    why = policies_step(&state, &above);
    return why != NULL ? why : policies_step(&state, &end);
}

Test(policies, nobody_asks)
{
    cr_assert_null(judge(0, ca(none), leaf(none)));
    cr_assert_null(judge(0, ca(policy(1)), leaf(policy(2))));
}

Test(policies, a_required_one_holds_everywhere)
{
    cr_assert_null(judge(1, ca(policy(1)), leaf(policy(1))));
    cr_assert_null(judge(1, ca(FORGE_JOIN(policy(2), policy(1))), leaf(policy(1))));
    cr_assert_not_null(judge(1, ca(policy(1)), leaf(policy(2))));
    cr_assert_not_null(judge(1, ca(policy(2)), leaf(policy(1))));
    cr_assert_not_null(judge(1, ca(policy(2)), leaf(policy(2))));
    cr_assert_not_null(judge(1, ca(none), leaf(policy(1))));
    cr_assert_not_null(judge(1, ca(policy(1)), leaf(none)));
}

Test(policies, any_policy_stands_for_all)
{
    cr_assert_null(judge(1, ca(policy(0)), leaf(policy(1))));
    cr_assert_null(judge(1, ca(policy(1)), leaf(policy(0))));
    cr_assert_null(judge(1, ca(policy(0)), leaf(policy(0))));
    cr_assert_not_null(judge(1, ca(policy(2)), leaf(policy(0))));
    cr_assert_not_null(judge(1, ca(policy(0)), leaf(policy(2))));
}

Test(policies, any_policy_may_be_inhibited)
{
    struct policies_facts above = ca(policy(1));

    above.inhibit_any = 0;
    cr_assert_not_null(judge(1, above, leaf(policy(0))));
    cr_assert_null(judge(1, above, leaf(policy(1))));
    above.inhibit_any = 1;
    cr_assert_null(judge(1, above, leaf(policy(0))));
}

/* 6.1.3 (d) (2): a CA that only gave itself a new key may still say anyPolicy; a leaf may not. */
Test(policies, inhibition_passes_over_self_issued_cas)
{
    struct policies_facts above = ca(policy(1));
    struct policies_facts between = ca(policy(0));
    struct policies_facts end = leaf(policy(1));

    between.is_self_issued = true;
    above.inhibit_any = 0;
    policies_begin(&state, none, &anchor, 3);
    state.explicit_policy = 0;
    cr_assert_null(policies_step(&state, &above));
    cr_assert_null(policies_step(&state, &between));
    cr_assert_null(policies_step(&state, &end));
    end = leaf(policy(0));
    end.is_self_issued = true;
    cr_assert_not_null(judge(1, above, end));
}

Test(policies, an_explicit_one_may_be_demanded)
{
    struct policies_facts above = ca(policy(1));
    struct policies_facts end = leaf(none);

    above.require_explicit = 0;
    cr_assert_not_null(judge(0, above, leaf(none)));
    cr_assert_not_null(judge(0, above, leaf(policy(2))));
    cr_assert_null(judge(0, above, leaf(policy(1))));
    above.require_explicit = 1;
    cr_assert_not_null(judge(0, above, leaf(none)));
    above.require_explicit = 2;
    cr_assert_null(judge(0, above, leaf(none)));
    end.require_explicit = 0;
    cr_assert_not_null(judge(0, ca(policy(1)), end), "the leaf demands it of itself");
}

Test(policies, the_anchor_may_demand_one)
{
    struct policies_facts strict = anchor;
    struct policies_facts above = ca(none);

    strict.require_explicit = 0;
    policies_begin(&state, none, &strict, 2);
    cr_assert_not_null(policies_step(&state, &above));
}

Test(policies, mapped_policies_are_taken_out)
{
    struct policies_facts above = ca(policy(1));

    above.mappings = forge_hex("300806022A0106022A02");
    above.require_explicit = 0;
    cr_assert_not_null(judge(0, above, leaf(policy(2))), "mapping is not done");
    cr_assert_not_null(judge(0, above, leaf(policy(1))));
    above.policies = FORGE_JOIN(policy(1), policy(3));
    cr_assert_null(judge(0, above, leaf(policy(3))));
    above.policies = policy(0);
    cr_assert_not_null(judge(0, above, leaf(policy(1))));
    above.require_explicit = POLICIES_NONE;
    cr_assert_null(judge(0, above, leaf(policy(1))), "nobody asks");
}

Test(policies, malformed_lists_are_not_sound)
{
    cr_assert(policies_are_sound(FORGE_JOIN(policy(1), policy(0))));
    cr_assert(policies_are_sound(forge_hex("300606022A013000")), "qualifiers");
    cr_assert_not(policies_are_sound(none));
    cr_assert_not(policies_are_sound(FORGE_JOIN(policy(1), policy(1))), "twice");
    cr_assert_not(policies_are_sound(forge_hex("06022A01")));
    cr_assert_not(policies_are_sound(forge_hex("300606022A010500")));
    cr_assert_not(policies_are_sound(forge_hex("30020600")));
}

Test(policies, malformed_mappings_are_not_sound)
{
    cr_assert(policies_mappings_are_sound(forge_hex("300806022A0106022A02")));
    cr_assert_not(policies_mappings_are_sound(none));
    cr_assert_not(policies_mappings_are_sound(forge_hex("300A0604551D200006022A02")));
    cr_assert_not(policies_mappings_are_sound(forge_hex("300A06022A020604551D2000")));
    cr_assert_not(policies_mappings_are_sound(forge_hex("300406022A01")));
    cr_assert_not(policies_mappings_are_sound(forge_hex("300A06022A0106022A020500")));
}

Test(policies, more_than_64_are_refused)
{
    struct span many[POLICIES_MAX + 1];

    for (unsigned i = 0; i <= POLICIES_MAX; i++) {
        many[i] = policy(i + 1);
    }
    cr_assert(policies_are_sound(forge_join(many, POLICIES_MAX)));
    cr_assert_not(policies_are_sound(forge_join(many, POLICIES_MAX + 1)));
}
