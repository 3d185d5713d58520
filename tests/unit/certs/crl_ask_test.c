#include <string.h>

#include <criterion/criterion.h>

#include "certs/crl.h"
#include "certs/crl_inside.h"
#include "tests/unit/certs/crl_make.h"

/* The CRLs below hold from 2026-01-01 to 2026-02-01. */
static const int64_t begin_s = INT64_C(1767225600);
static const int64_t end_s = INT64_C(1769904000);
static const struct span none = {NULL, 0};

static struct reasons why;
static struct crl_evidence evidence;

static struct crl_make_list spec(struct span revoked)
{
    struct crl_make_list l = {.issuer = "CA",
                              .key = 1,
                              .version = 1,
                              .this_update = "20260101000000Z",
                              .next_update = "20260201000000Z",
                              .revoked = revoked,
                              .extensions = crl_make_number(7)};

    return l;
}

static struct crl *make(const struct crl_make_list *l)
{
    struct crl *c = crl_new(crl_make_crl(l), NULL);

    cr_assert_not_null(c);
    return c;
}

/* A device's certificate with the serial number 5. */
static struct crl_make_cert leaf(void)
{
    struct crl_make_cert s = {.subject = "pump",
                              .issuer = "CA",
                              .key = 4,
                              .issuer_key = 1,
                              .serial = CRL_BYTES(5),
                              .usage = CRL_USAGE_LEAF};

    return s;
}

static struct crl_question about(const struct crl_make_cert *cert)
{
    struct crl_question q = {
        .cert = crl_make_certificate(cert), .now_s = begin_s + 3600, .level = 1};

    return q;
}

static enum crl_answer ask(const struct crl *c, const struct crl_question *q)
{
    why.count = 0;
    return crl_ask(c, q, &evidence, &why);
}

static void assert_says(const char *text)
{
    cr_assert_gt(why.count, 0);
    cr_assert_not_null(strstr(why.lines[why.count - 1].text, text), "%s",
                       why.lines[why.count - 1].text);
    cr_assert_eq(why.lines[why.count - 1].level, 1);
}

static struct span listed(uint8_t serial, int reason)
{
    return crl_make_entry(CRL_BYTES(serial), reason < 0 ? none : crl_make_reason((uint8_t)reason));
}

Test(crl_ask, is_good_when_not_listed)
{
    struct crl_make_list l = spec(listed(6, -1));
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c = make(&l);

    cr_assert_eq(ask(c, &q), CRL_GOOD);
    cr_assert_eq(evidence.until_s, end_s);
    cr_assert_eq(evidence.reasons, (unsigned)CRL_ALL_REASONS);
    assert_says("CRL 07 does not list");
    cr_assert_eq(why.lines[0].mark, REASONS_PASS);
    crl_release(c);
}

Test(crl_ask, is_revoked_for_every_reason)
{
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);

    for (int reason = -1; reason < 12; reason++) {
        struct crl_make_list l = spec(listed(5, reason));
        struct crl *c = make(&l);
        cr_assert_eq(ask(c, &q), CRL_REVOKED, "%d", reason);
        cr_assert_eq(why.lines[0].mark, REASONS_REFUSE);
        assert_says(reason == 6 ? "on hold" : "revoked");
        cr_assert_eq(evidence.revoked_at_s, 1735787045);
        cr_assert(reason < 0 || reason > 10 || evidence.reason == (unsigned)reason);
        crl_release(c);
    }
}

Test(crl_ask, holds_from_this_update_to_next_update)
{
    struct crl_make_list l = spec(none);
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c = make(&l);

    q.now_s = begin_s - 1;
    cr_assert_eq(ask(c, &q), CRL_FUTURE);
    assert_says("lies ahead");
    q.now_s = begin_s;
    cr_assert_eq(ask(c, &q), CRL_GOOD);
    q.now_s = end_s;
    cr_assert_eq(ask(c, &q), CRL_GOOD);
    q.now_s = end_s + 1;
    cr_assert_eq(ask(c, &q), CRL_STALE);
    assert_says("has expired");
    crl_release(c);
}

Test(crl_ask, gives_grace)
{
    struct crl_make_list l = spec(none);
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c = make(&l);

    q.grace_s = 100;
    q.now_s = end_s + 100;
    cr_assert_eq(ask(c, &q), CRL_GOOD);
    cr_assert_eq(evidence.until_s, end_s + 100);
    q.now_s = end_s + 101;
    cr_assert_eq(ask(c, &q), CRL_STALE);
    q.grace_s = INT64_MAX;
    cr_assert_eq(ask(c, &q), CRL_GOOD);
    crl_release(c);
}

Test(crl_ask, is_stale_without_next_update)
{
    struct crl_make_list l = spec(none);
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c;

    l.next_update = NULL;
    c = make(&l);
    q.grace_s = INT64_MAX;
    cr_assert_eq(ask(c, &q), CRL_STALE);
    assert_says("has no nextUpdate");
    crl_release(c);
}

Test(crl_ask, lets_revoked_beat_stale_and_future)
{
    struct crl_make_list l = spec(listed(5, -1));
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c = make(&l);

    q.now_s = end_s + 1;
    cr_assert_eq(ask(c, &q), CRL_REVOKED);
    q.now_s = begin_s - 1;
    cr_assert_eq(ask(c, &q), CRL_REVOKED);
    crl_release(c);
}

Test(crl_ask, does_not_speak_about_another_issuers_certificate)
{
    struct crl_make_list l = spec(listed(5, -1));
    struct crl_make_cert cert = leaf();
    struct crl_question q;
    struct crl *c = make(&l);

    cert.issuer = "CB";
    q = about(&cert);
    cr_assert_eq(ask(c, &q), CRL_OUT);
    assert_says("another issuer");
    crl_release(c);
}

Test(crl_ask, does_not_speak_of_a_broken_certificate)
{
    struct crl_make_list l = spec(none);
    struct crl_question q = {.cert = CRL_BYTES(0x30, 0), .now_s = begin_s, .level = 1};
    struct crl *c = make(&l);

    cr_assert_eq(ask(c, &q), CRL_OUT);
    assert_says("cannot be read");
    crl_release(c);
}

Test(crl_ask, does_not_speak_of_serial_numbers_that_break_the_rules)
{
    struct crl_make_cert cert = leaf();
    struct crl_make_list l = spec(none);
    struct crl *c = make(&l);
    uint8_t longest[CRL_SERIAL_MAX + 1];
    struct crl_question q;

    memset(longest, 1, sizeof(longest));
    cert.serial = crl_make_bytes(longest, CRL_SERIAL_MAX);
    q = about(&cert);
    cr_assert_eq(ask(c, &q), CRL_GOOD);
    cert.serial = crl_make_bytes(longest, sizeof(longest));
    q = about(&cert);
    cr_assert_eq(ask(c, &q), CRL_OUT);
    cert.serial = CRL_BYTES(0, 5);
    q = about(&cert);
    cr_assert_eq(ask(c, &q), CRL_OUT);
    assert_says("serial number");
    crl_release(c);
}

Test(crl_ask, does_not_use_what_crl_verify_refuses)
{
    struct crl_make_list l = spec(none);
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c;

    l.extensions = crl_make_join(l.extensions, crl_make_extension(99, true, CRL_BYTES(5, 0)));
    c = make(&l);
    cr_assert_eq(ask(c, &q), CRL_OUT);
    assert_says("unknown critical extension");
    crl_release(c);
}

Test(crl_ask, is_a_part_when_only_some_reasons_are_covered)
{
    struct crl_make_list l = spec(none);
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c;

    /* onlySomeReasons: keyCompromise and cACompromise */
    l.extensions = crl_make_join(
        l.extensions, crl_make_extension(0x1C, true, CRL_BYTES(0x30, 4, 0x83, 2, 5, 0x60)));
    c = make(&l);
    cr_assert_eq(ask(c, &q), CRL_PART);
    cr_assert_eq(evidence.reasons, 0x6U);
    cr_assert_eq(evidence.until_s, end_s);
    assert_says("some reasons only");
    crl_release(c);
}

/* Deltas: what base and delta say about serial number 5. */
struct pair {
    struct crl_make_list base;
    struct crl_make_list delta;
    uint8_t base_number; /* what the delta builds on */
    struct span delta_extensions;
};

static struct pair pair_of(int base_reason, int delta_reason)
{
    struct pair p = {.base = spec(base_reason == -2 ? none : listed(5, base_reason)),
                     .delta = spec(delta_reason == -2 ? none : listed(5, delta_reason)),
                     .base_number = 7,
                     .delta_extensions = crl_make_number(9)};

    return p;
}

static enum crl_answer ask_pair(struct pair *p, int64_t now_s)
{
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *base;
    struct crl *delta;
    enum crl_answer answer;

    p->delta.extensions = crl_make_join(
        p->delta_extensions, crl_make_extension(0x1B, true, CRL_BYTES(2, 1, p->base_number)));
    base = make(&p->base);
    delta = make(&p->delta);
    q.delta = delta;
    q.now_s = now_s;
    answer = ask(base, &q);
    crl_release(base);
    crl_release(delta);
    return answer;
}

Test(crl_ask, adds_a_delta_to_its_base)
{
    enum { ABSENT = -2 };

    static const struct {
        int base, delta;
        enum crl_answer answer;
    } rows[] = {
        {ABSENT, ABSENT, CRL_GOOD}, {ABSENT, 1, CRL_REVOKED}, {1, ABSENT, CRL_REVOKED},
        {6, 8, CRL_GOOD},           {1, 8, CRL_REVOKED},      {ABSENT, 8, CRL_GOOD},
        {6, 1, CRL_REVOKED},        {ABSENT, 6, CRL_REVOKED}, {8, ABSENT, CRL_REVOKED},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pair p = pair_of(rows[i].base, rows[i].delta);
        cr_assert_eq(ask_pair(&p, begin_s), rows[i].answer, "row %zu", i);
    }
}

Test(crl_ask, takes_a_delta_on_an_earlier_base)
{
    struct pair p = pair_of(-2, 1);

    p.base_number = 3;
    cr_assert_eq(ask_pair(&p, begin_s), CRL_REVOKED);
    p.base.extensions = crl_make_number(9);
    cr_assert_eq(ask_pair(&p, begin_s), CRL_REVOKED, "base and delta of one moment");
}

/* A delta that must not lift the hold. */
static void assert_no_delta(struct pair *p, int64_t now_s, const char *text)
{
    cr_assert_eq(ask_pair(p, now_s), CRL_REVOKED);
    cr_assert_not_null(strstr(why.lines[0].text, text), "%s", why.lines[0].text);
}

Test(crl_ask, refuses_a_delta_on_a_later_base)
{
    struct pair p = pair_of(6, 8);

    p.base_number = 8;
    assert_no_delta(&p, begin_s, "later base");
}

Test(crl_ask, compares_numbers_by_their_value)
{
    struct pair p = pair_of(6, 8);

    /* 0x0080 is larger than 0x7F. */
    p.base.extensions = crl_make_extension(0x14, false, CRL_BYTES(2, 2, 0, 0x80));
    p.base_number = 0x7F;
    p.delta_extensions = crl_make_extension(0x14, false, CRL_BYTES(2, 2, 0, 0x81));
    cr_assert_eq(ask_pair(&p, begin_s), CRL_GOOD);
    p.delta_extensions = crl_make_number(0x7F);
    assert_no_delta(&p, begin_s, "older than the base");
}

Test(crl_ask, refuses_a_delta_that_is_older_than_the_base)
{
    struct pair p = pair_of(6, 8);

    p.base.extensions = crl_make_number(10);
    assert_no_delta(&p, begin_s, "older than the base");
}

Test(crl_ask, refuses_a_delta_of_another_issuer)
{
    struct pair p = pair_of(6, 8);

    p.delta.issuer = "CB";
    assert_no_delta(&p, begin_s, "another issuer's delta");
}

Test(crl_ask, refuses_a_delta_of_another_key)
{
    struct pair p = pair_of(6, 8);

    p.base.extensions = crl_make_join(p.base.extensions, crl_make_key_id(1));
    p.delta_extensions = crl_make_join(p.delta_extensions, crl_make_key_id(2));
    assert_no_delta(&p, begin_s, "another key");
}

Test(crl_ask, refuses_a_delta_of_another_scope)
{
    struct pair p = pair_of(6, 8);

    p.base.extensions = crl_make_join(
        p.base.extensions, crl_make_extension(0x1C, true, CRL_BYTES(0x30, 3, 0x81, 1, 0xFF)));
    assert_no_delta(&p, begin_s, "another scope");
}

Test(crl_ask, refuses_a_delta_with_an_unknown_critical_extension)
{
    struct pair p = pair_of(6, 8);

    p.delta_extensions = crl_make_join(p.delta_extensions,
                                       crl_make_extension(99, true, CRL_BYTES(5, 0)));
    assert_no_delta(&p, begin_s, "unknown critical extension");
}

Test(crl_ask, lifts_no_hold_with_a_delta_out_of_its_time)
{
    struct pair p = pair_of(6, 8);

    p.delta.next_update = "20260102000000Z";
    assert_no_delta(&p, begin_s + 2 * 86400, "nextUpdate has passed");
    p.delta.next_update = "20260201000000Z";
    p.delta.this_update = "20260103000000Z";
    assert_no_delta(&p, begin_s + 86400, "lies ahead");
}

Test(crl_ask, lifts_a_hold_as_long_as_the_delta_is_fresh)
{
    struct pair p = pair_of(6, 8);

    p.delta.next_update = "20260102000000Z";
    cr_assert_eq(ask_pair(&p, begin_s), CRL_GOOD);
    cr_assert_eq(evidence.until_s, begin_s + 86400);
    p = pair_of(-2, -2);
    p.delta.next_update = "20260102000000Z";
    cr_assert_eq(ask_pair(&p, begin_s), CRL_GOOD);
    cr_assert_eq(evidence.until_s, end_s, "the base alone says the same");
}

Test(crl_ask, heeds_a_revocation_in_a_delta_out_of_its_time)
{
    struct pair p = pair_of(-2, 1);

    p.delta.next_update = "20260102000000Z";
    cr_assert_eq(ask_pair(&p, begin_s + 2 * 86400), CRL_REVOKED);
}

Test(crl_ask, is_stale_with_a_stale_base_and_a_fresh_delta)
{
    struct pair p = pair_of(-2, -2);

    p.base.next_update = "20260102000000Z";
    cr_assert_eq(ask_pair(&p, begin_s + 2 * 86400), CRL_STALE);
}

Test(crl_ask, takes_no_delta_for_a_base)
{
    struct crl_make_list l = spec(none);
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c;

    l.extensions = crl_make_join(l.extensions, crl_make_extension(0x1B, true, CRL_BYTES(2, 1, 3)));
    c = make(&l);
    cr_assert_eq(ask(c, &q), CRL_OUT);
    assert_says("without its base");
    crl_release(c);
}

Test(crl_ask, takes_no_base_for_a_delta)
{
    struct crl_make_list l = spec(listed(5, 6));
    struct crl_make_list other = spec(listed(5, 8));
    struct crl_make_cert cert = leaf();
    struct crl_question q = about(&cert);
    struct crl *c = make(&l);
    struct crl *d = make(&other);

    q.delta = d;
    cr_assert_eq(ask(c, &q), CRL_REVOKED);
    cr_assert_not_null(strstr(why.lines[0].text, "is no delta CRL"));
    crl_release(c);
    crl_release(d);
}
