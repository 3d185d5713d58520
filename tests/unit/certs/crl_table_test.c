#include <string.h>

#include <criterion/criterion.h>

#include "certs/crl.h"
#include "certs/crl_inside.h"
#include "tests/unit/certs/crl_make.h"

static const struct span none = {NULL, 0};

static struct crl *make(struct span revoked, bool is_indirect)
{
    struct crl_make_list l = {.issuer = "CA",
                              .key = 1,
                              .version = 1,
                              .this_update = "20260101000000Z",
                              .next_update = "20260201000000Z",
                              .revoked = revoked,
                              .extensions = crl_make_number(7)};

    if (is_indirect) {
        l.extensions = crl_make_join(
            l.extensions, crl_make_extension(0x1C, true, CRL_BYTES(0x30, 3, 0x84, 1, 0xFF)));
    }
    return crl_new(crl_make_crl(&l), NULL);
}

static struct span other_issuer(const char *name)
{
    return crl_make_extension(0x1D, true,
                              crl_make_der(0x30, crl_make_directory(crl_make_name(name))));
}

static bool lists(const struct crl *c, struct span serial, const char *issuer)
{
    return crl_table_find(c, serial, crl_make_name(issuer)) != NULL;
}

Test(crl_table, finds_every_serial_number_and_no_other)
{
    struct span revoked = none;
    struct crl *c;

    for (unsigned i = 0; i < 60; i++) {
        revoked = crl_make_join(revoked, crl_make_entry(CRL_BYTES(0x10, (uint8_t)(i * 3)), none));
    }
    c = make(revoked, false);
    cr_assert_not_null(c);
    cr_assert_eq(crl_entry_count(c), 60);
    for (unsigned i = 0; i < 180; i++) {
        cr_assert_eq(lists(c, CRL_BYTES(0x10, (uint8_t)i), "CA"), i % 3 == 0, "%u", i);
    }
    crl_release(c);
}

Test(crl_table, compares_serial_numbers_with_their_length)
{
    struct crl *c = make(crl_make_entry(CRL_BYTES(0x11, 0x22), none), false);

    cr_assert(lists(c, CRL_BYTES(0x11, 0x22), "CA"));
    cr_assert_not(lists(c, CRL_BYTES(0x11), "CA"));
    cr_assert_not(lists(c, CRL_BYTES(0x11, 0x22, 0), "CA"));
    cr_assert_not(lists(c, none, "CA"));
    crl_release(c);
}

Test(crl_table, tells_negative_from_positive_numbers)
{
    struct crl *c = make(crl_make_entry(CRL_BYTES(0, 0xFF), none), false);

    cr_assert(lists(c, CRL_BYTES(0, 0xFF), "CA"));
    cr_assert_not(lists(c, CRL_BYTES(0xFF), "CA"));
    crl_release(c);
}

Test(crl_table, passes_over_a_number_that_is_too_long_and_keeps_the_others)
{
    uint8_t longest[CRL_SERIAL_MAX + 1];
    struct span revoked;
    struct crl *c;

    memset(longest, 0x55, sizeof(longest));
    revoked = crl_make_entry(crl_make_bytes(longest, sizeof(longest)), none);
    revoked = crl_make_join(revoked, crl_make_entry(CRL_BYTES(5), none));
    revoked = crl_make_join(revoked, crl_make_entry(crl_make_bytes(longest, CRL_SERIAL_MAX), none));
    c = make(revoked, false);
    cr_assert_not_null(c);
    cr_assert_eq(crl_entry_count(c), 3);
    cr_assert(lists(c, CRL_BYTES(5), "CA"));
    cr_assert(lists(c, span_of(longest, CRL_SERIAL_MAX), "CA"));
    cr_assert_not(lists(c, span_of(longest, sizeof(longest)), "CA"));
    crl_release(c);
}

Test(crl_table, refuses_numbers_that_are_not_in_shortest_form)
{
    cr_assert_null(make(crl_make_entry(CRL_BYTES(0, 5), none), false));
    cr_assert_null(make(crl_make_entry(CRL_BYTES(0xFF, 0x80), none), false));
    cr_assert_null(make(crl_make_entry(none, none), false));
}

Test(crl_table, keeps_the_strictest_of_repeated_entries)
{
    const uint8_t reasons[] = {CRL_REASON_REMOVE, 1, CRL_REASON_HOLD};

    for (unsigned first = 0; first < 3; first++) {
        struct span revoked = none;
        struct crl *c;
        for (unsigned i = 0; i < 3; i++) {
            revoked = crl_make_join(
                revoked, crl_make_entry(CRL_BYTES(5), crl_make_reason(reasons[(first + i) % 3])));
        }
        c = make(revoked, false);
        cr_assert_eq(crl_table_find(c, CRL_BYTES(5), crl_make_name("CA"))->reason, 1);
        crl_release(c);
    }
}

Test(crl_table, takes_an_unknown_reason_as_a_revocation)
{
    struct crl *c = make(crl_make_entry(CRL_BYTES(5), crl_make_reason(77)), false);

    cr_assert_eq(crl_table_find(c, CRL_BYTES(5), crl_make_name("CA"))->reason, 0);
    crl_release(c);
}

Test(crl_table, keeps_an_issuer_until_the_next_one_is_named)
{
    struct span revoked = crl_make_entry(CRL_BYTES(1), none);
    struct crl *c;

    revoked = crl_make_join(revoked, crl_make_entry(CRL_BYTES(2), other_issuer("B")));
    revoked = crl_make_join(revoked, crl_make_entry(CRL_BYTES(3), none));
    revoked = crl_make_join(revoked, crl_make_entry(CRL_BYTES(4), other_issuer("C")));
    revoked = crl_make_join(revoked, crl_make_entry(CRL_BYTES(5), other_issuer("B")));
    c = make(revoked, true);
    cr_assert_not_null(c);
    cr_assert(lists(c, CRL_BYTES(1), "CA"));
    cr_assert_not(lists(c, CRL_BYTES(1), "B"));
    cr_assert(lists(c, CRL_BYTES(2), "B"));
    cr_assert_not(lists(c, CRL_BYTES(2), "CA"));
    cr_assert(lists(c, CRL_BYTES(3), "B"));
    cr_assert(lists(c, CRL_BYTES(4), "C"));
    cr_assert(lists(c, CRL_BYTES(5), "B"));
    cr_assert_eq(c->issuer_count, 3);
    crl_release(c);
}

Test(crl_table, refuses_an_issuer_that_names_nobody)
{
    struct span names = crl_make_der(0x30, crl_make_uri("http://ca/"));

    cr_assert_null(make(crl_make_entry(CRL_BYTES(5), crl_make_extension(0x1D, true, names)), true));
}

Test(crl_table, bounds_the_number_of_issuers)
{
    struct span revoked = none;
    struct crl *c;

    for (unsigned i = 0; i < CRL_ISSUERS_MAX; i++) {
        char name[3] = {(char)('A' + i / 16), (char)('A' + i % 16), '\0'};
        struct span entry = crl_make_entry(CRL_BYTES(1), other_issuer(name));
        if (i == CRL_ISSUERS_MAX - 1) {
            c = make(revoked, true);
            cr_assert_not_null(c);
            crl_release(c);
        }
        revoked = crl_make_join(revoked, entry);
    }
    cr_assert_null(make(revoked, true));
}

Test(crl_table, notes_an_unknown_critical_extension_of_an_entry)
{
    struct span unknown = crl_make_extension(99, true, CRL_BYTES(5, 0));
    struct crl *c = make(crl_make_entry(CRL_BYTES(5), unknown), false);

    cr_assert_not_null(c);
    cr_assert_str_eq(c->defect, "has an entry with an unknown critical extension");
    crl_release(c);
    c = make(crl_make_entry(CRL_BYTES(5), crl_make_extension(99, false, CRL_BYTES(5, 0))), false);
    cr_assert_not_null(c);
    cr_assert_null(c->defect);
    crl_release(c);
}

Test(crl_table, refuses_broken_entries)
{
    struct span reason = crl_make_reason(1);
    struct span sound = crl_make_entry(CRL_BYTES(5), none);

    cr_assert_null(make(CRL_BYTES(0x30, 0), false));
    cr_assert_null(make(crl_make_join(sound, CRL_BYTES(0x30)), false));
    cr_assert_null(make(crl_make_join(sound, CRL_BYTES(2, 1, 5)), false));
    cr_assert_null(make(crl_make_entry(CRL_BYTES(5), crl_make_join(reason, reason)), false));
    cr_assert_null(make(
        crl_make_entry(CRL_BYTES(5), crl_make_extension(0x15, false, CRL_BYTES(0x0A, 2, 1, 1))),
        false));
    cr_assert_null(make(crl_make_entry(CRL_BYTES(5), CRL_BYTES(0x30, 2, 6, 0)), false));
}

Test(crl_table, takes_at_most_40_bytes_an_entry)
{
    /* The entry, its share of the parts, and both ends of the parts. */
    cr_assert_leq(sizeof(struct crl_entry) + sizeof(uint32_t), 40);
}
