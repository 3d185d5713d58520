#include <criterion/criterion.h>

#include "certs/crl_guess.h"
#include "tests/unit/certs/crl_case.h"
#include "tests/unit/certs/forge.h"

static void assert_kind(struct span bytes, const char *kind)
{
    const char *found = crl_guess_kind(bytes);

    if (kind == NULL) {
        cr_assert_null(found, "%s", found);
        return;
    }
    cr_assert_not_null(found, "nothing instead of: %s", kind);
    cr_assert_str_eq(found, kind);
}

static struct span a_certificate(void)
{
    const struct forge f = {.subject = "CA", .issuer = "CA", .is_ca = true};

    return forge_cert(&f);
}

static struct span a_crl(void)
{
    const struct crl_case c = {.issuer = "CA", .number = 1};

    return crl_case_crl(&c);
}

Test(crl_guess, knows_texts_that_are_no_pem)
{
    static const struct {
        const char *text;
        const char *kind;
    } CASES[] = {
        {"", "it is empty"},
        {" \r\n\t", "it is empty"},
        {"<!DOCTYPE html><html>", "it is an HTML page, not a CRL"},
        {"\xEF\xBB\xBF\n<HTML lang=\"de\">", "it is an HTML page, not a CRL"},
        {"<?xml version=\"1.0\"?>\n<!-- x --><html>", "it is an HTML page, not a CRL"},
        {"<?xml version=\"1.0\"?><a/>", "it is XML or JSON, not a CRL"},
        {"<", "it is XML or JSON, not a CRL"},
        {"{\"error\":1}", "it is XML or JSON, not a CRL"},
        {"\x1F\x8B\x08", "it is compressed (gzip), not a CRL"},
        {"404 not found", NULL},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_kind(span_of_text(CASES[i].text), CASES[i].kind);
    }
}

Test(crl_guess, looks_for_html_at_the_beginning_only)
{
    static uint8_t page[4096];

    page[0] = '<';
    for (size_t i = 1; i < sizeof(page); i++) {
        page[i] = ' ';
    }
    for (size_t i = 0; i < 5; i++) {
        page[2000 + i] = (uint8_t) "<html"[i];
    }
    assert_kind(span_of(page, sizeof(page)), "it is XML or JSON, not a CRL");
}

Test(crl_guess, knows_pem_that_is_no_crl)
{
    struct span der = a_certificate();
    struct span crl = crl_case_pem("X509 CRL", a_crl());

    assert_kind(crl_case_pem("CERTIFICATE", der), "it is a certificate, not a CRL");
    assert_kind(crl_case_pem("TRUSTED CERTIFICATE", der), "it is a certificate, not a CRL");
    assert_kind(crl_case_pem("EC PRIVATE KEY", der), "it is a private key, not a CRL");
    assert_kind(crl_case_pem("PKCS7", der), "it is a PKCS #7 file, not a CRL");
    assert_kind(crl_case_pem("PUBLIC KEY", der), "there is no -----BEGIN X509 CRL----- in it");
    assert_kind(crl, NULL);
    assert_kind(span_first(crl, crl.len / 2), "it is truncated");
    assert_kind(span_first(crl, 11), "it is truncated");
}

Test(crl_guess, knows_der_that_is_no_crl)
{
    struct span crl = a_crl();
    struct span cert = a_certificate();

    assert_kind(cert, "it is a certificate, not a CRL");
    assert_kind(span_first(crl, crl.len - 1), "it is truncated");
    assert_kind(span_first(cert, 3), "it is truncated");
    assert_kind(span_first(forge_hex("3003"), 2), "it is truncated");
    assert_kind(FORGE_JOIN(crl, forge_hex("0A")), "there is something behind its end");
    assert_kind(forge_hex("30030A0106"), "it is an OCSP response, not a CRL");
    assert_kind(forge_hex("300306012A"), "it is a PKCS #7 file, not a CRL");
    assert_kind(crl, NULL);
    assert_kind(forge_hex("3000"), NULL);
    assert_kind(forge_hex("3080"), NULL);
    assert_kind(forge_hex("3085"), NULL);
    assert_kind(forge_hex("30"), NULL);
    assert_kind(forge_hex("3103020101"), NULL);
}

Test(crl_guess, reads_der_as_der_whatever_is_in_it)
{
    struct span text = span_of_text("x\n-----BEGIN X509 CRL-----");

    cr_assert(crl_guess_is_pem(text));
    cr_assert(crl_guess_is_pem(span_of_text("0-----BEGIN ")));
    cr_assert_not(crl_guess_is_pem(span_of_text("-----BEGIN")));
    cr_assert_not(crl_guess_is_pem(span_of(NULL, 0)));
    cr_assert_not(crl_guess_is_pem(FORGE_JOIN(forge_hex("3082"), text)));
}
