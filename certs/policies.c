#include "certs/policies.h"

#include "certs/der.h"

static const uint8_t oid_any[] = {0x55, 0x1D, 0x20, 0x00};

static bool is_any(struct span oid)
{
    return span_equal(oid, span_of(oid_any, sizeof(oid_any)));
}

/* PolicyInformation ::= SEQUENCE { policyIdentifier OID, policyQualifiers SEQUENCE OPTIONAL } */
static bool take_policy(struct span *list, struct span *oid)
{
    struct span information;
    struct span qualifiers;
    bool present;

    return der_take_tag(list, DER_SEQUENCE, &information) &&
           der_take_tag(&information, DER_OID, oid) && oid->len > 0 &&
           der_take_optional(&information, DER_SEQUENCE, &qualifiers, &present) &&
           information.len == 0;
}

/* SEQUENCE { issuerDomainPolicy OID, subjectDomainPolicy OID } */
static bool take_mapping(struct span *list, struct span *from, struct span *to)
{
    struct span mapping;

    return der_take_tag(list, DER_SEQUENCE, &mapping) && der_take_tag(&mapping, DER_OID, from) &&
           der_take_tag(&mapping, DER_OID, to) && mapping.len == 0;
}

static bool holds(const struct span *set, size_t count, struct span oid)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(set[i], oid)) {
            return true;
        }
    }
    return false;
}

bool policies_are_sound(struct span policies)
{
    struct span seen[POLICIES_MAX];
    size_t count = 0;

    while (policies.len > 0) {
        struct span oid;
        if (count == POLICIES_MAX || !take_policy(&policies, &oid) || holds(seen, count, oid)) {
            return false;
        }
        seen[count] = oid;
        count++;
    }
    return count > 0;
}

bool policies_mappings_are_sound(struct span mappings)
{
    if (mappings.len == 0) {
        return false;
    }
    while (mappings.len > 0) {
        struct span from;
        struct span to;
        if (!take_mapping(&mappings, &from, &to) || is_any(from) || is_any(to)) {
            return false;
        }
    }
    return true;
}

/* Put a policy into the set, once. False when the set is full. */
static bool add(struct policies *p, struct span oid)
{
    if (holds(p->set, p->count, oid)) {
        return true;
    }
    if (p->count == POLICIES_MAX) {
        return false;
    }
    p->set[p->count] = oid;
    p->count++;
    return true;
}

/* 6.1.3 (d) and (e): the set becomes what both it and the certificate hold. False when there are
 * too many. */
static bool narrow(struct policies *p, const struct policies_facts *facts)
{
    bool any_counts = p->inhibit_any > 0 || (!facts->is_last && facts->is_self_issued);
    struct policies next = *p;
    struct span list = facts->policies;
    bool says_any = false;
    bool fits = true;
    struct span oid;

    next.count = 0;
    while (list.len > 0 && take_policy(&list, &oid)) {
        if (is_any(oid)) {
            says_any = any_counts;
        } else if (p->has_any || holds(p->set, p->count, oid)) {
            fits = add(&next, oid) && fits;
        }
    }
    next.has_any = says_any && p->has_any;
    for (size_t i = 0; says_any && i < p->count; i++) {
        fits = add(&next, p->set[i]) && fits;
    }
    *p = next;
    return fits;
}

static void drop(struct policies *p, struct span oid)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->count; i++) {
        if (!span_equal(p->set[i], oid)) {
            p->set[kept] = p->set[i];
            kept++;
        }
    }
    p->count = kept;
}

/* 6.1.4 (b) (2), where mapping is inhibited: what is mapped is deleted. A mapped policy that only
 * stands in the set as anyPolicy cannot be taken out of it ("any but this one"), so anyPolicy goes:
 * stricter, never looser. */
static void drop_mapped(struct policies *p, struct span mappings)
{
    struct span from;
    struct span to;

    while (mappings.len > 0 && take_mapping(&mappings, &from, &to)) {
        if (p->has_any && !holds(p->set, p->count, from)) {
            p->has_any = false;
        }
        drop(p, from);
    }
}

static void count_down(uint32_t *counter)
{
    if (*counter > 0) {
        (*counter)--;
    }
}

static void lower_to(uint32_t *counter, int32_t value)
{
    if (value != POLICIES_NONE && (uint32_t)value < *counter) {
        *counter = (uint32_t)value;
    }
}

void policies_begin(struct policies *p, struct span required, const struct policies_facts *anchor,
                    size_t count)
{
    uint32_t never = (uint32_t)count + 1;

    p->count = 0;
    p->has_any = true;
    p->explicit_policy = required.len > 0 ? 0 : never;
    p->inhibit_any = never;
    p->required = required;
    lower_to(&p->explicit_policy, anchor->require_explicit);
    lower_to(&p->inhibit_any, anchor->inhibit_any);
}

/* 6.1.4: what holds for the certificates below. */
static void prepare(struct policies *p, const struct policies_facts *facts)
{
    drop_mapped(p, facts->mappings);
    if (!facts->is_self_issued) {
        count_down(&p->explicit_policy);
        count_down(&p->inhibit_any);
    }
    lower_to(&p->explicit_policy, facts->require_explicit);
    lower_to(&p->inhibit_any, facts->inhibit_any);
}

/* 6.1.5 */
static const char *finish(struct policies *p, const struct policies_facts *facts)
{
    bool is_empty = p->count == 0 && !p->has_any;

    count_down(&p->explicit_policy);
    if (facts->require_explicit == 0) {
        p->explicit_policy = 0;
    }
    if (p->explicit_policy > 0) {
        return NULL;
    }
    if (p->required.len > 0 && !p->has_any && !holds(p->set, p->count, p->required)) {
        return "the required policy does not hold along the path";
    }
    return is_empty ? "an explicit policy is required, and none holds along the path" : NULL;
}

const char *policies_step(struct policies *p, const struct policies_facts *facts)
{
    if (!narrow(p, facts)) {
        return "too many certificate policies";
    }
    /* 6.1.3 (f) */
    if (p->explicit_policy == 0 && p->count == 0 && !p->has_any) {
        return p->required.len > 0
                   ? "the required policy does not hold along the path"
                   : "an explicit policy is required, and none holds along the path";
    }
    if (facts->is_last) {
        return finish(p, facts);
    }
    prepare(p, facts);
    return NULL;
}
