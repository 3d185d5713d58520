#include <string.h>

#include <criterion/criterion.h>

#include "certs/crl.h"
#include "certs/crl_inside.h"
#include "certs/mem.h"
#include "tests/unit/certs/crl_make.h"

static struct crl_make_list sound(void)
{
    struct crl_make_list l = {
        .issuer = "CA",
        .key = 1,
        .version = 1,
        .this_update = "20260101000000Z",
        .next_update = "20260201000000Z",
        .revoked = crl_make_join(crl_make_entry(CRL_BYTES(5), span_of(NULL, 0)),
                                 crl_make_entry(CRL_BYTES(6), crl_make_reason(1))),
        .extensions = crl_make_join(crl_make_number(7), crl_make_key_id(1)),
    };

    return l;
}

static void assert_refused(struct span der, const char *note)
{
    struct fault f;

    fault_clear(&f);
    cr_assert_null(crl_new(der, &f));
    cr_assert_eq(f.code, FAULT_BAD_CERT);
    cr_assert_not_null(strstr(f.note, note), "%s", f.note);
}

static void assert_list_refused(const struct crl_make_list *l, const char *note)
{
    assert_refused(crl_make_crl(l), note);
}

Test(crl, reads_what_a_crl_says_of_itself)
{
    struct crl_make_list l = sound();
    struct crl *c = crl_new(crl_make_crl(&l), NULL);
    int64_t next_s = 0;

    cr_assert_not_null(c);
    cr_assert(span_equal(crl_issuer(c), crl_make_name("CA")));
    cr_assert(span_equal(crl_number(c), CRL_BYTES(7)));
    cr_assert_eq(crl_this_update_s(c), 1767225600);
    cr_assert(crl_next_update_s(c, &next_s));
    cr_assert_eq(next_s, 1769904000);
    cr_assert_eq(crl_entry_count(c), 2);
    cr_assert_not(crl_is_delta(c));
    cr_assert_null(c->defect);
    crl_release(c);
}

Test(crl, says_that_there_is_no_next_update)
{
    struct crl_make_list l = sound();
    struct crl *c;
    int64_t next_s = 3;

    l.next_update = NULL;
    c = crl_new(crl_make_crl(&l), NULL);
    cr_assert_not_null(c);
    cr_assert_not(crl_next_update_s(c, &next_s));
    cr_assert_eq(next_s, 3);
    crl_release(c);
}

Test(crl, takes_lists_without_entries)
{
    struct crl_make_list l = sound();
    struct crl *c;

    l.revoked = span_of(NULL, 0);
    for (int i = 0; i < 2; i++) {
        l.has_empty_list = i == 1;
        c = crl_new(crl_make_crl(&l), NULL);
        cr_assert_not_null(c);
        cr_assert_eq(crl_entry_count(c), 0);
        crl_release(c);
    }
}

Test(crl, refuses_what_is_no_crl)
{
    struct crl_make_list l = sound();
    struct span der = crl_make_crl(&l);

    assert_refused(span_of(NULL, 0), "no CRL");
    assert_refused(CRL_BYTES(0x30, 0), "no CRL");
    assert_refused(CRL_BYTES(0x30, 2, 0x30, 0), "no CRL");
    assert_refused(crl_make_join(der, CRL_BYTES(0)), "no CRL");
    for (size_t len = 0; len < der.len; len++) {
        cr_assert_null(crl_new(span_first(der, len), NULL));
    }
}

Test(crl, refuses_other_versions)
{
    struct crl_make_list l = sound();

    for (int version = 0; version < 4; version++) {
        l.version = version;
        if (version != 1) {
            assert_list_refused(&l, "no CRL");
        }
    }
}

Test(crl, refuses_extensions_in_version_1)
{
    struct crl_make_list l = sound();

    l.version = -1;
    l.revoked = span_of(NULL, 0);
    assert_list_refused(&l, "extensions are broken");
}

Test(crl, refuses_entry_extensions_in_version_1)
{
    struct crl_make_list l = sound();

    l.version = -1;
    l.extensions = span_of(NULL, 0);
    assert_list_refused(&l, "list of revoked certificates");
}

Test(crl, notes_a_missing_number)
{
    struct crl_make_list l = sound();
    struct crl *c;

    l.extensions = crl_make_key_id(1);
    c = crl_new(crl_make_crl(&l), NULL);
    cr_assert_not_null(c);
    cr_assert_str_eq(c->defect, "has no crlNumber");
    cr_assert_eq(crl_number(c).len, 0);
    crl_release(c);
}

Test(crl, notes_a_critical_number)
{
    struct crl_make_list l = sound();
    struct crl *c;

    l.extensions = crl_make_extension(0x14, true, CRL_BYTES(2, 1, 7));
    c = crl_new(crl_make_crl(&l), NULL);
    cr_assert_not_null(c);
    cr_assert_str_eq(c->defect, "has a critical crlNumber");
    crl_release(c);
}

Test(crl, notes_an_unknown_critical_extension)
{
    struct crl_make_list l = sound();
    struct crl *c;

    /* 2.5.29.46, freshestCRL, is never critical; 2.5.29.99 does not exist. */
    for (unsigned i = 0; i < 2; i++) {
        l.extensions = crl_make_join(crl_make_number(7),
                                     crl_make_extension(i == 0 ? 46 : 99, true, CRL_BYTES(5, 0)));
        c = crl_new(crl_make_crl(&l), NULL);
        cr_assert_not_null(c);
        cr_assert_str_eq(c->defect, "has an unknown critical extension");
        crl_release(c);
    }
}

Test(crl, passes_over_an_unknown_extension_that_is_not_critical)
{
    struct crl_make_list l = sound();
    struct crl *c;

    l.extensions = crl_make_join(l.extensions, crl_make_extension(99, false, CRL_BYTES(5, 0)));
    c = crl_new(crl_make_crl(&l), NULL);
    cr_assert_not_null(c);
    cr_assert_null(c->defect);
    crl_release(c);
}

Test(crl, refuses_a_repeated_extension)
{
    struct crl_make_list l = sound();

    l.extensions = crl_make_join(l.extensions, crl_make_number(8));
    assert_list_refused(&l, "extensions are broken");
}

Test(crl, refuses_numbers_that_break_the_rules)
{
    static const uint8_t values[][24] = {{2, 1, 0x80}, {2, 2, 0, 1}, {2, 0},
                                         {4, 1, 1},    {2, 21, 1},   {2, 1, 1, 0}};
    static const size_t lens[] = {3, 4, 2, 3, 23, 4};

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct crl_make_list l = sound();
        l.extensions = crl_make_extension(0x14, false, crl_make_bytes(values[i], lens[i]));
        assert_list_refused(&l, "extensions are broken");
    }
}

Test(crl, refuses_a_broken_key_identifier)
{
    struct crl_make_list l = sound();

    /* An issuer without a serial number. */
    l.extensions = crl_make_join(
        crl_make_number(7),
        crl_make_extension(
            0x23, false,
            crl_make_der(0x30, crl_make_der(0xA1, crl_make_directory(crl_make_name("CA"))))));
    assert_list_refused(&l, "extensions are broken");
}

Test(crl, refuses_another_algorithm_outside_than_inside)
{
    struct crl_make_list l = sound();

    l.is_algorithm_torn = true;
    assert_list_refused(&l, "differs inside and outside");
}

Test(crl, refuses_an_empty_scope)
{
    struct crl_make_list l = sound();

    l.extensions = crl_make_join(l.extensions, crl_make_extension(0x1C, true, CRL_BYTES(0x30, 0)));
    assert_list_refused(&l, "extensions are broken");
}

Test(crl, refuses_another_issuers_entry_where_none_may_be)
{
    struct crl_make_list l = sound();
    struct span names = crl_make_der(0x30, crl_make_directory(crl_make_name("Other")));

    l.revoked = crl_make_entry(CRL_BYTES(5), crl_make_extension(0x1D, true, names));
    assert_list_refused(&l, "without being indirect");
}

Test(crl, knows_a_delta)
{
    struct crl_make_list l = sound();
    struct crl *c;

    l.extensions = crl_make_join(l.extensions, crl_make_extension(0x1B, true, CRL_BYTES(2, 1, 3)));
    c = crl_new(crl_make_crl(&l), NULL);
    cr_assert_not_null(c);
    cr_assert(crl_is_delta(c));
    cr_assert(span_equal(c->head.base_number, CRL_BYTES(3)));
    crl_release(c);
}

Test(crl, survives_every_failing_allocation)
{
    struct crl_make_list l = sound();
    struct span der = crl_make_crl(&l);
    struct crl *c = NULL;
    uint32_t nth = 1;

    for (; c == NULL; nth++) {
        struct fault f;
        fault_clear(&f);
        (void)mem_fail_nth(nth);
        c = crl_new(der, &f);
        (void)mem_fail_nth(0);
        cr_assert(c != NULL || f.code == FAULT_MEMORY);
        cr_assert_lt(nth, 20);
    }
    cr_assert_gt(nth, 4);
    (void)mem_fail_nth(1);
    cr_assert_not(crl_forget_source(c));
    (void)mem_fail_nth(0);
    cr_assert(span_equal(crl_issuer(c), crl_make_name("CA")));
    crl_release(c);
}

Test(crl, keeps_what_it_says_when_its_source_is_forgotten)
{
    struct crl_make_list l = sound();
    struct span names = crl_make_der(0x30, crl_make_directory(crl_make_name("Other")));
    struct span point = crl_make_der(0xA0, crl_make_der(0xA0, crl_make_uri("http://crl/1")));
    size_t memory;
    struct crl *c;

    l.revoked = crl_make_entry(CRL_BYTES(9), crl_make_extension(0x1D, true, names));
    l.extensions = crl_make_join(
        l.extensions,
        crl_make_extension(0x1C, true,
                           crl_make_der(0x30, crl_make_join(point, CRL_BYTES(0x84, 1, 0xFF)))));
    c = crl_new(crl_make_crl(&l), NULL);
    cr_assert_not_null(c);
    cr_assert(span_equal(crl_der(c), crl_make_crl(&l)));
    memory = crl_memory(c);
    cr_assert(crl_forget_source(c));
    cr_assert(crl_forget_source(c), "twice is fine");
    cr_assert_null(c->source);
    cr_assert_eq(crl_der(c).len, 0);
    cr_assert_eq(crl_memory(c), memory - crl_make_crl(&l).len);
    cr_assert(span_equal(crl_key_id(c), CRL_BYTES(1)));
    cr_assert(span_equal(crl_scope_value(c),
                         crl_make_der(0x30, crl_make_join(point, CRL_BYTES(0x84, 1, 0xFF)))));
    cr_assert(span_equal(crl_issuer(c), crl_make_name("CA")));
    cr_assert(span_equal(crl_number(c), CRL_BYTES(7)));
    cr_assert(span_equal(c->head.key_id, CRL_BYTES(1)));
    cr_assert(span_equal(c->scope.point, crl_make_der(0xA0, crl_make_uri("http://crl/1"))));
    cr_assert(c->scope.is_indirect);
    cr_assert_not_null(crl_table_find(c, CRL_BYTES(9), crl_make_name("Other")));
    crl_release(c);
}

Test(crl, says_why_nobody_may_use_it)
{
    struct crl_make_list l = sound();
    struct crl *c = crl_new(crl_make_crl(&l), NULL);

    cr_assert_null(crl_defect(c));
    crl_release(c);
    l.extensions = crl_make_key_id(1);
    c = crl_new(crl_make_crl(&l), NULL);
    cr_assert_str_eq(crl_defect(c), "has no crlNumber");
    crl_release(c);
}

Test(crl, is_counted)
{
    struct crl_make_list l = sound();
    struct crl *c = crl_new(crl_make_crl(&l), NULL);

    cr_assert_eq(crl_hold(c), c);
    crl_release(c);
    cr_assert_eq(crl_entry_count(c), 2);
    crl_release(c);
    crl_release(NULL);
}

Test(crl, is_called_by_its_number)
{
    struct crl_make_list l = sound();
    struct crl *c = crl_new(crl_make_crl(&l), NULL);
    char label[CRL_LABEL_MAX];

    crl_label(c, label);
    cr_assert_str_eq(label, "CRL 07 ");
    c->head.number = span_of(NULL, 0);
    c->is_delta = true;
    crl_label(c, label);
    cr_assert_str_eq(label, "delta CRL without number ");
    crl_release(c);
}
