#include <time.h>

#include <criterion/criterion.h>

#include "certs/verdict.h"
#include "pair.h"

static const uint8_t ANY[] = {0x30, 0};

Test(verdict, is_not_checked_where_revocation_is_off)
{
    struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_3);
    struct span chain = span_of(ANY, sizeof(ANY));
    struct verdict v = verdict_ask(t, &chain, 1, 1000);

    cr_assert_eq(v.kind, VERDICT_NOT_CHECKED);
    cr_assert_eq(v.valid_until_s, INT64_MAX);
    cr_assert(verdict_accepted(t, &v));
    trust_release(t);
}

Test(verdict, is_unavailable_without_a_chain)
{
    struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_3);
    struct span chain = span_of(ANY, sizeof(ANY));
    struct verdict none = verdict_ask(t, &chain, 0, 1000);
    struct verdict null = verdict_ask(t, NULL, 1, 1000);

    cr_assert_eq(none.kind, VERDICT_UNAVAILABLE);
    cr_assert_eq(null.kind, VERDICT_UNAVAILABLE);
    cr_assert_not(verdict_accepted(t, &none));
    trust_release(t);
}

/* Without a source to ask, a trust that wants checking must not pass as "off". */
Test(verdict, is_unavailable_for_a_trust_that_wants_checking)
{
    struct fault f = {0};
    struct trust_settings settings = {.name = "strict",
                                      .anchors = pair_path("root", ".pem"),
                                      .tls_min = TLS_VERSION_1_3,
                                      .revocation = REVOCATION_CHECKED};
    struct trust *t = trust_load(&settings, (int64_t)time(NULL), &f);
    struct span chain = span_of(ANY, sizeof(ANY));
    struct verdict v;
    struct verdict not_checked = {VERDICT_NOT_CHECKED, INT64_MAX};

    cr_assert_not_null(t, "%s", f.note);
    v = verdict_ask(t, &chain, 1, 1000);
    cr_assert_eq(v.kind, VERDICT_UNAVAILABLE);
    cr_assert_not(verdict_accepted(t, &v));
    cr_assert_not(verdict_accepted(t, &not_checked));
    trust_release(t);
}

Test(verdict, accepts_only_good_and_off)
{
    struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_3);

    for (int kind = VERDICT_GOOD; kind <= VERDICT_NOT_CHECKED; kind++) {
        struct verdict v = {(enum verdict_kind)kind, 0};
        bool is_accepted = kind == VERDICT_GOOD || kind == VERDICT_NOT_CHECKED;
        cr_assert_eq(verdict_accepted(t, &v), is_accepted, "%s", verdict_name(v.kind));
    }
    trust_release(t);
}

Test(verdict, has_a_name_for_each)
{
    cr_assert_str_eq(verdict_name(VERDICT_GOOD), "good");
    cr_assert_str_eq(verdict_name(VERDICT_REVOKED), "revoked");
    cr_assert_str_eq(verdict_name(VERDICT_UNKNOWN), "unknown");
    cr_assert_str_eq(verdict_name(VERDICT_STALE), "stale");
    cr_assert_str_eq(verdict_name(VERDICT_UNAVAILABLE), "unavailable");
    cr_assert_str_eq(verdict_name(VERDICT_NOT_CHECKED), "not checked");
}
