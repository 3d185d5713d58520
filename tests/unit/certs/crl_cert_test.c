#include <criterion/criterion.h>

#include "certs/crl_cert.h"
#include "tests/unit/certs/crl_make.h"

static struct crl_make_cert spec(void)
{
    struct crl_make_cert s = {
        .subject = "CA", .issuer = "Root", .key = 1, .issuer_key = 9, .usage = CRL_USAGE_CRLS};

    return s;
}

Test(crl_cert, reads_what_revocation_needs)
{
    struct crl_make_cert s = spec();
    struct span points = crl_make_der(0x30, crl_make_der(0x30, CRL_BYTES(0x81, 2, 6, 0x40)));
    struct crl_cert c;

    s.extensions = crl_make_extension(0x1F, true, points);
    cr_assert(crl_cert_read(crl_make_certificate(&s), &c));
    cr_assert(c.may_sign_crls);
    cr_assert(span_equal(c.key_id, CRL_BYTES(1)));
    cr_assert(span_equal(c.points, crl_make_der(0x30, CRL_BYTES(0x81, 2, 6, 0x40))));
    cr_assert_eq(c.signature.len, 64);
    cr_assert_not(c.has_unknown_critical);
}

Test(crl_cert, tells_crl_sign_from_the_other_usages)
{
    struct crl_make_cert s = spec();
    struct crl_cert c;

    for (unsigned bit = 1; bit < 8; bit++) {
        s.usage = 1 << bit;
        cr_assert(crl_cert_read(crl_make_certificate(&s), &c));
        cr_assert_eq(c.may_sign_crls, bit == 1);
    }
}

Test(crl_cert, notes_an_unknown_critical_extension)
{
    struct crl_make_cert s = spec();
    struct crl_cert c;

    s.extensions = crl_make_extension(99, false, CRL_BYTES(5, 0));
    cr_assert(crl_cert_read(crl_make_certificate(&s), &c));
    cr_assert_not(c.has_unknown_critical);
    s.extensions = crl_make_extension(99, true, CRL_BYTES(5, 0));
    cr_assert(crl_cert_read(crl_make_certificate(&s), &c));
    cr_assert(c.has_unknown_critical);
}

Test(crl_cert, refuses_repeated_points)
{
    struct crl_make_cert s = spec();
    struct span points = crl_make_extension(
        0x1F, false, crl_make_der(0x30, crl_make_der(0x30, CRL_BYTES(0x81, 2, 6, 0x40))));
    struct crl_cert c;

    s.extensions = crl_make_join(points, points);
    cr_assert_not(crl_cert_read(crl_make_certificate(&s), &c));
}

Test(crl_cert, refuses_empty_points_and_broken_certificates)
{
    struct crl_make_cert s = spec();
    struct crl_cert c;
    struct span der;

    s.extensions = crl_make_extension(0x1F, false, CRL_BYTES(0x30, 0));
    cr_assert_not(crl_cert_read(crl_make_certificate(&s), &c));
    s = spec();
    der = crl_make_certificate(&s);
    for (size_t len = 0; len < der.len; len++) {
        cr_assert_not(crl_cert_read(span_first(der, len), &c));
    }
}
