/*
 * Certificate policies along a path (RFC 5280 section 6.1, with initial-policy-mapping-inhibit
 * set): policy mapping is not done, and what a CA maps is taken out.
 *
 * Floor 1, pure. Without mappings the policy tree is a set; that is what is kept here. Everything
 * borrows from the certificates.
 */
#ifndef WARDGATE_POLICIES_H
#define WARDGATE_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum { POLICIES_MAX = 64, POLICIES_NONE = -1 };

/* What one certificate says about policies. */
struct policies_facts {
    struct span policies;     /* content of the SEQUENCE of PolicyInformation; empty: none */
    struct span mappings;     /* content of policyMappings; empty: none */
    int32_t require_explicit; /* policyConstraints; POLICIES_NONE: not there */
    int32_t inhibit_any;      /* inhibitAnyPolicy; POLICIES_NONE: not there */
    bool is_self_issued;
    bool is_last; /* the leaf */
};

/* private to policies.c */
struct policies {
    struct span set[POLICIES_MAX];
    size_t count;
    bool has_any;
    uint32_t explicit_policy;
    uint32_t inhibit_any;
    struct span required;
};

/* Are the values well formed (RFC 5280 4.2.1.4 and 4.2.1.5): not empty, no policy twice, none
 * mapped from or to anyPolicy? Contents of the SEQUENCEs. */
bool policies_are_sound(struct span policies);
bool policies_mappings_are_sound(struct span mappings);

/* Begin at the anchor of a path of `count` certificates below it; its own policyConstraints and
 * inhibitAnyPolicy count, its policies do not. required: content of the OID that the path must be
 * valid for, or empty. */
void policies_begin(struct policies *p, struct span required, const struct policies_facts *anchor,
                    size_t count);

/* Go one certificate down. NULL, or the reason to refuse, a constant text. */
const char *policies_step(struct policies *p, const struct policies_facts *facts);

#endif
