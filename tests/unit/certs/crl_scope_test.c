#include <criterion/criterion.h>

#include "certs/crl.h"
#include "certs/crl_scope.h"
#include "tests/unit/certs/crl_make.h"

static const struct span none = {NULL, 0};

/* issuingDistributionPoint of these members. */
static struct crl_scope scope_of(struct span members)
{
    struct crl_scope s;

    cr_assert(crl_scope_read(crl_make_der(0x30, members), &s));
    return s;
}

/* [0] fullName */
static struct span full(struct span names)
{
    return crl_make_der(0xA0, crl_make_der(0xA0, names));
}

/* [0] nameRelativeToCRLIssuer with one common name */
static struct span relative(const char *common_name)
{
    struct span name = crl_make_name(common_name);

    /* Only the AttributeTypeAndValue: SEQUENCE and SET are implicit in [1]. */
    return crl_make_der(0xA0, crl_make_der(0xA1, span_after(name, 4)));
}

/* A DistributionPoint; issuers may be empty. */
static struct span point(struct span name, struct span reasons, struct span issuers)
{
    struct span content = crl_make_join(name, reasons);

    if (issuers.len > 0) {
        content = crl_make_join(content, crl_make_der(0xA2, issuers));
    }
    return crl_make_der(0x30, content);
}

/* What a CRL of "CA" with that scope covers of a certificate of "CA" with these points. */
static unsigned covered_by(const struct crl_scope *s, const char *crl_issuer, struct span points,
                           bool is_ca)
{
    struct crl_make_cert spec = {
        .subject = "pump", .issuer = "CA", .key = 4, .issuer_key = 1, .is_ca = is_ca, .usage = -1};
    struct crl_cert cert;
    const char *why;

    if (points.len > 0) {
        spec.extensions = crl_make_extension(0x1F, false, crl_make_der(0x30, points));
    }
    cr_assert(crl_cert_read(crl_make_certificate(&spec), &cert));
    return crl_scope_reasons(s, crl_make_name(crl_issuer), &cert, &why);
}

static bool covers(struct span members, struct span points)
{
    struct crl_scope s = scope_of(members);

    return covered_by(&s, "CA", points, false) == CRL_ALL_REASONS;
}

static struct span uri(const char *text)
{
    return crl_make_uri(text);
}

Test(crl_scope, covers_everything_without_the_extension)
{
    struct crl_scope s = crl_scope_all();

    cr_assert_eq(covered_by(&s, "CA", none, false), (unsigned)CRL_ALL_REASONS);
    cr_assert_eq(covered_by(&s, "CA", none, true), (unsigned)CRL_ALL_REASONS);
    cr_assert_eq(covered_by(&s, "CA", point(full(uri("http://a/")), none, none), false),
                 (unsigned)CRL_ALL_REASONS);
    cr_assert_eq(covered_by(&s, "CB", none, false), 0U);
}

Test(crl_scope, tells_users_from_cas)
{
    struct crl_scope users = scope_of(CRL_BYTES(0x81, 1, 0xFF));
    struct crl_scope cas = scope_of(CRL_BYTES(0x82, 1, 0xFF));
    struct crl_scope attributes = scope_of(CRL_BYTES(0x85, 1, 0xFF));

    cr_assert_neq(covered_by(&users, "CA", none, false), 0U);
    cr_assert_eq(covered_by(&users, "CA", none, true), 0U);
    cr_assert_eq(covered_by(&cas, "CA", none, false), 0U);
    cr_assert_neq(covered_by(&cas, "CA", none, true), 0U);
    cr_assert_eq(covered_by(&attributes, "CA", none, false), 0U);
    cr_assert_eq(covered_by(&attributes, "CA", none, true), 0U);
}

Test(crl_scope, refuses_malformed_scopes)
{
    struct crl_scope s;

    cr_assert_not(crl_scope_read(none, &s));
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 0), &s));
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 3, 0x81, 1, 1), &s), "neither 00 nor FF");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 4, 0x81, 2, 0, 0), &s));
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 3, 0x86, 1, 0xFF), &s), "unknown member");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 6, 0x82, 1, 0xFF, 0x81, 1, 0xFF), &s), "order");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 6, 0x81, 1, 0xFF, 0x82, 1, 0xFF), &s), "both");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 6, 0x81, 1, 0xFF, 0x85, 1, 0xFF), &s), "both");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 4, 0xA0, 2, 0xA0, 0), &s), "no name");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 2, 0xA0, 0), &s), "no choice");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 5, 0xA0, 3, 0xA2, 1, 0), &s), "no such choice");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 3, 0x83, 1, 0), &s), "no reasons");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 4, 0x83, 2, 8, 0x40), &s), "unused bits");
    cr_assert_not(crl_scope_read(CRL_BYTES(0x30, 3, 0x81, 1, 0xFF, 0), &s), "bytes behind it");
}

Test(crl_scope, matches_the_names_of_points)
{
    struct span here = full(uri("http://crl/1"));
    struct span there = full(uri("http://crl/2"));
    struct span both = full(crl_make_join(uri("http://crl/2"), uri("http://crl/1")));

    cr_assert(covers(here, point(here, none, none)));
    cr_assert_not(covers(here, point(there, none, none)));
    cr_assert(covers(both, point(here, none, none)));
    cr_assert(covers(here, point(both, none, none)));
    cr_assert(covers(here, crl_make_join(point(there, none, none), point(here, none, none))));
    cr_assert_not(covers(here, none), "a certificate without points");
}

Test(crl_scope, compares_uris_byte_by_byte_and_directory_names_as_names)
{
    struct span upper = crl_make_directory(crl_make_name("CRL one"));
    struct span lower = crl_make_directory(crl_make_name("crl  ONE"));

    cr_assert(covers(full(upper), point(full(lower), none, none)));
    cr_assert_not(covers(full(uri("http://crl/A")), point(full(uri("http://crl/a")), none, none)));
}

Test(crl_scope, does_not_take_one_kind_of_name_for_another)
{
    struct span name = crl_make_name("one");

    cr_assert_not(
        covers(full(crl_make_directory(name)), point(full(crl_make_der(0x86, name)), none, none)));
}

Test(crl_scope, covers_without_points_when_named_like_the_issuer)
{
    cr_assert(covers(full(crl_make_directory(crl_make_name("ca"))), none));
    cr_assert_not(covers(full(crl_make_directory(crl_make_name("cb"))), none));
}

Test(crl_scope, joins_relative_names_to_the_issuer)
{
    struct span pair = crl_make_join(span_after(crl_make_name("CA"), 2),
                                     span_after(crl_make_name("part 1"), 2));
    struct span whole = full(crl_make_directory(crl_make_der(0x30, pair)));

    cr_assert(covers(relative("part 1"), point(relative("Part 1"), none, none)));
    cr_assert_not(covers(relative("part 1"), point(relative("part 2"), none, none)));
    cr_assert(covers(relative("part 1"), point(whole, none, none)));
    cr_assert(covers(whole, point(relative("part 1"), none, none)));
    cr_assert_not(covers(whole, point(relative("part 2"), none, none)));
}

Test(crl_scope, adds_up_the_reasons_of_points)
{
    struct span here = full(uri("http://crl/1"));
    struct crl_scope s = scope_of(here);
    struct span key = CRL_BYTES(0x81, 2, 6, 0x40);
    struct span ca = CRL_BYTES(0x81, 2, 5, 0x20);

    cr_assert_eq(covered_by(&s, "CA", point(here, key, none), false), 2U);
    cr_assert_eq(
        covered_by(&s, "CA", crl_make_join(point(here, key, none), point(here, ca, none)), false),
        6U);
    s = scope_of(crl_make_join(here, CRL_BYTES(0x83, 2, 5, 0x20)));
    cr_assert_eq(covered_by(&s, "CA", point(here, key, none), false), 0U);
    cr_assert_eq(covered_by(&s, "CA", point(here, none, none), false), 4U);
}

Test(crl_scope, reads_all_nine_reason_flags)
{
    struct crl_scope s = scope_of(CRL_BYTES(0x83, 3, 7, 0xFF, 0x80));

    cr_assert_eq(s.reasons, (unsigned)CRL_ALL_REASONS);
    s = scope_of(CRL_BYTES(0x83, 2, 7, 0x80));
    cr_assert_eq(s.reasons, 0U, "unused(0) is no reason");
}

Test(crl_scope, lets_another_issuer_speak_only_when_the_certificate_names_it)
{
    struct crl_scope indirect = scope_of(CRL_BYTES(0x84, 1, 0xFF));
    struct crl_scope direct = crl_scope_all();
    struct span crls = crl_make_directory(crl_make_name("Crls"));
    struct span named = point(full(uri("http://crl/1")), none, crls);

    cr_assert_neq(covered_by(&indirect, "Crls", named, false), 0U);
    cr_assert_eq(covered_by(&indirect, "Crls", none, false), 0U);
    cr_assert_eq(covered_by(&indirect, "Crls", point(full(uri("http://crl/1")), none, none), false),
                 0U);
    cr_assert_eq(covered_by(&indirect, "Other", named, false), 0U);
    cr_assert_eq(covered_by(&direct, "Crls", named, false), 0U, "not indirect");
}

Test(crl_scope, matches_the_name_of_an_indirect_crl)
{
    struct span here = full(uri("http://crl/1"));
    struct span flag = CRL_BYTES(0x84, 1, 0xFF);
    struct crl_scope s = scope_of(crl_make_join(here, flag));
    struct span crls = crl_make_directory(crl_make_name("Crls"));

    cr_assert_neq(covered_by(&s, "Crls", point(here, none, crls), false), 0U);
    cr_assert_eq(covered_by(&s, "Crls", point(full(uri("http://crl/2")), none, crls), false), 0U);
    cr_assert_eq(covered_by(&s, "Crls", point(none, none, crls), false), 0U);
    s = scope_of(crl_make_join(full(crls), flag));
    cr_assert_neq(covered_by(&s, "Crls", point(none, none, crls), false), 0U,
                  "without a name of its own a point is named by cRLIssuer");
}

Test(crl_scope, covers_nothing_when_the_points_are_malformed)
{
    struct crl_scope s = scope_of(full(uri("http://crl/1")));
    struct span here = full(uri("http://crl/1"));

    cr_assert_eq(
        covered_by(&s, "CA", crl_make_join(point(here, none, none), CRL_BYTES(5, 0)), false), 0U);
    cr_assert_eq(
        covered_by(&s, "CA", crl_make_der(0x30, crl_make_join(here, CRL_BYTES(0x87, 0))), false),
        0U);
}

Test(crl_scope, finds_directory_names)
{
    struct span names = crl_make_join(uri("http://a/"), crl_make_directory(crl_make_name("A")));

    cr_assert(crl_scope_has_directory(names));
    cr_assert_not(crl_scope_has_directory(uri("http://a/")));
    cr_assert(crl_scope_lists(names, crl_make_name("a")));
    cr_assert_not(crl_scope_lists(names, crl_make_name("b")));
}
