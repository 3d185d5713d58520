#include <string.h>

#include <criterion/criterion.h>

#include "certs/crl.h"
#include "certs/crl_inside.h"
#include "certs/signature.h"
#include "tests/unit/certs/crl_make.h"

enum { ROOT_KEY = 9, CA_KEY = 1, OTHER_KEY = 2, SIGNER_KEY = 3 };

static struct reasons why;

static struct crl_make_cert ca_spec(void)
{
    struct crl_make_cert s = {.subject = "CA",
                              .issuer = "Root",
                              .key = CA_KEY,
                              .issuer_key = ROOT_KEY,
                              .is_ca = true,
                              .usage = CRL_USAGE_CA};

    return s;
}

static struct crl_make_cert root_spec(void)
{
    struct crl_make_cert s = ca_spec();

    s.subject = "Root";
    s.key = ROOT_KEY;
    return s;
}

/* A certificate for signing the CRLs of "CA" only. */
static struct crl_make_cert signer_spec(void)
{
    struct crl_make_cert s = {.subject = "CA",
                              .issuer = "CA",
                              .key = SIGNER_KEY,
                              .issuer_key = CA_KEY,
                              .usage = CRL_USAGE_CRLS};

    return s;
}

static struct crl_make_list list_spec(void)
{
    struct crl_make_list l = {.issuer = "CA",
                              .key = CA_KEY,
                              .version = 1,
                              .this_update = "20260101000000Z",
                              .next_update = "20260201000000Z",
                              .extensions = crl_make_number(7)};

    return l;
}

static struct span scope(uint8_t flag)
{
    return crl_make_extension(0x1C, true, CRL_BYTES(0x30, 3, flag, 1, 0xFF));
}

/* Everything that one question needs; cas[0] is the issuer. */
struct stage {
    struct crl_make_list list;
    struct crl_make_cert cas[3];
    size_t ca_count;
    struct crl_make_cert signer;
    bool has_signer;
    struct span signed_by;
};

static struct stage stage_new(void)
{
    struct stage s = {.list = list_spec(), .ca_count = 2, .signer = signer_spec()};

    s.cas[0] = ca_spec();
    s.cas[1] = root_spec();
    return s;
}

static bool ask(struct stage *s)
{
    struct crl *c = crl_new(crl_make_crl(&s->list), NULL);
    struct span path[3];
    struct span signer = crl_make_certificate(&s->signer);
    struct crl_authority a = {.path = path,
                              .path_count = s->ca_count,
                              .signers = &signer,
                              .signer_count = s->has_signer ? 1 : 0,
                              .now_s = 1767225600,
                              .is_strict = true};
    bool is_genuine;

    cr_assert_not_null(c);
    for (size_t i = 0; i < s->ca_count; i++) {
        path[i] = crl_make_certificate(&s->cas[i]);
    }
    why.count = 0;
    is_genuine = crl_verify(c, &a, &s->signed_by, 2, &why);
    cr_assert_eq(crl_verify(c, &a, NULL, 2, NULL), is_genuine, "a second time");
    crl_release(c);
    return is_genuine;
}

static void assert_refused(struct stage *s, const char *text)
{
    cr_assert_not(ask(s), "%s", text);
    cr_assert_eq(why.count, 1);
    cr_assert_eq(why.lines[0].level, 2);
    cr_assert_eq(why.lines[0].mark, REASONS_NOTE);
    cr_assert_not_null(strstr(why.lines[0].text, text), "%s", why.lines[0].text);
}

Test(crl_verify, accepts_the_issuers_own_signature)
{
    struct stage s = stage_new();

    cr_assert(ask(&s));
    cr_assert(span_equal(s.signed_by, crl_make_certificate(&s.cas[0])));
}

Test(crl_verify, accepts_an_issuer_without_key_usage)
{
    struct stage s = stage_new();

    s.cas[0].usage = -1;
    cr_assert(ask(&s));
}

Test(crl_verify, refuses_another_issuers_name)
{
    struct stage s = stage_new();

    s.list.issuer = "CB";
    assert_refused(&s, "is another issuer's");
}

Test(crl_verify, refuses_another_key_under_the_same_name)
{
    struct stage s = stage_new();

    s.list.key = OTHER_KEY;
    assert_refused(&s, "is not signed with the issuer's key");
}

Test(crl_verify, refuses_a_broken_signature)
{
    struct stage s = stage_new();

    s.list.is_signature_broken = true;
    assert_refused(&s, "is not signed with the issuer's key");
}

Test(crl_verify, refuses_an_issuer_without_crl_sign)
{
    struct stage s = stage_new();

    s.cas[0].usage = CRL_USAGE_CERTS;
    assert_refused(&s, "no cRLSign");
}

Test(crl_verify, refuses_what_the_content_forbids)
{
    struct stage s = stage_new();

    s.list.extensions = crl_make_key_id(CA_KEY);
    assert_refused(&s, "has no crlNumber");
}

Test(crl_verify, asks_the_key_identifier)
{
    struct stage s = stage_new();

    s.list.extensions = crl_make_join(s.list.extensions, crl_make_key_id(CA_KEY));
    cr_assert(ask(&s));
    s.list.extensions = crl_make_join(crl_make_number(7), crl_make_key_id(OTHER_KEY));
    assert_refused(&s, "names another key");
}

static struct span key_serial(const char *issuer, uint8_t serial)
{
    struct span names = crl_make_der(0xA1, crl_make_directory(crl_make_name(issuer)));

    return crl_make_extension(
        0x23, false,
        crl_make_der(0x30, crl_make_join(names, crl_make_der(0x82, CRL_BYTES(serial)))));
}

Test(crl_verify, asks_the_issuer_and_serial_number_of_the_key_identifier)
{
    struct stage s = stage_new();

    s.list.extensions = crl_make_join(crl_make_number(7), key_serial("Root", 1));
    cr_assert(ask(&s));
    s.list.extensions = crl_make_join(crl_make_number(7), key_serial("Root", 2));
    assert_refused(&s, "names another key");
    s.list.extensions = crl_make_join(crl_make_number(7), key_serial("Roof", 1));
    assert_refused(&s, "names another key");
}

Test(crl_verify, refuses_without_an_issuer)
{
    struct stage s = stage_new();

    s.ca_count = 0;
    assert_refused(&s, "cannot be read");
}

Test(crl_verify, accepts_the_other_key_over_a_self_issued_certificate)
{
    struct stage s = stage_new();

    /* CA's old key, vouched for by its new one, which has signed the CRL. */
    s.cas[0].issuer = "CA";
    s.cas[0].issuer_key = OTHER_KEY;
    s.cas[1] = ca_spec();
    s.cas[1].key = OTHER_KEY;
    s.cas[2] = root_spec();
    s.ca_count = 3;
    s.list.key = OTHER_KEY;
    cr_assert(ask(&s));
    cr_assert(span_equal(s.signed_by, crl_make_certificate(&s.cas[1])));
}

Test(crl_verify, refuses_the_key_of_a_namesake_further_up)
{
    struct stage s = stage_new();

    s.cas[1].subject = "CA";
    s.list.key = ROOT_KEY;
    assert_refused(&s, "is not signed with the issuer's key");
}

Test(crl_verify, accepts_a_signer_of_the_same_ca)
{
    struct stage s = stage_new();

    s.list.key = SIGNER_KEY;
    s.has_signer = true;
    cr_assert(ask(&s));
    cr_assert(span_equal(s.signed_by, crl_make_certificate(&s.signer)));
}

Test(crl_verify, accepts_a_signer_from_further_up)
{
    struct stage s = stage_new();

    s.list.key = SIGNER_KEY;
    s.has_signer = true;
    s.signer.issuer = "Root";
    s.signer.issuer_key = ROOT_KEY;
    cr_assert(ask(&s));
}

static void assert_signer_refused(struct stage *s, const char *text)
{
    s->list.key = SIGNER_KEY;
    s->has_signer = true;
    assert_refused(s, text);
}

Test(crl_verify, refuses_a_signer_of_another_name)
{
    struct stage s = stage_new();

    s.signer.subject = "CB";
    assert_signer_refused(&s, "is not signed with the issuer's key");
}

Test(crl_verify, refuses_a_signer_that_the_ca_has_not_issued)
{
    struct stage s = stage_new();

    s.signer.issuer_key = OTHER_KEY;
    assert_signer_refused(&s, "no CA of the path has issued");
}

Test(crl_verify, refuses_a_signer_whose_issuer_has_another_name)
{
    struct stage s = stage_new();

    s.signer.issuer = "CB";
    assert_signer_refused(&s, "no CA of the path has issued");
}

Test(crl_verify, refuses_a_signer_without_crl_sign)
{
    struct stage s = stage_new();

    s.signer.usage = CRL_USAGE_LEAF;
    assert_signer_refused(&s, "signer that may not sign CRLs");
    s.signer.usage = -1;
    assert_signer_refused(&s, "signer that may not sign CRLs");
}

Test(crl_verify, refuses_a_signer_that_may_sign_certificates)
{
    struct stage s = stage_new();

    s.signer.usage = CRL_USAGE_CA;
    assert_signer_refused(&s, "another key of its issuer");
    s.signer.usage = CRL_USAGE_CRLS;
    s.signer.is_ca = true;
    assert_signer_refused(&s, "another key of its issuer");
}

Test(crl_verify, refuses_a_signer_out_of_its_time)
{
    struct stage s = stage_new();

    s.signer.not_after = "20251231235959Z";
    assert_signer_refused(&s, "not valid now");
    s.signer.not_after = "20260101000000Z";
    cr_assert(ask(&s));
}

Test(crl_verify, refuses_a_signer_that_is_not_yet_valid)
{
    struct stage s = stage_new();
    struct crl *c;
    struct span path = crl_make_certificate(&s.cas[0]);
    struct span signer = crl_make_certificate(&s.signer);
    struct crl_authority a = {.path = &path,
                              .path_count = 1,
                              .signers = &signer,
                              .signer_count = 1,
                              .now_s = 1577836799}; /* 2019-12-31T23:59:59Z */

    s.list.key = SIGNER_KEY;
    c = crl_new(crl_make_crl(&s.list), NULL);
    cr_assert_not(crl_verify(c, &a, NULL, 0, NULL));
    a.now_s++;
    cr_assert(crl_verify(c, &a, NULL, 0, NULL));
    crl_release(c);
}

Test(crl_verify, refuses_a_signer_with_an_unknown_critical_extension)
{
    struct stage s = stage_new();

    s.signer.extensions = crl_make_extension(99, true, CRL_BYTES(5, 0));
    assert_signer_refused(&s, "unknown critical extension");
}

Test(crl_verify, accepts_an_indirect_crl_of_an_issuer_that_the_path_knows)
{
    struct stage s = stage_new();

    s.list.issuer = "Crls";
    s.list.key = SIGNER_KEY;
    s.list.extensions = crl_make_join(s.list.extensions, scope(0x84));
    s.signer.subject = "Crls";
    s.has_signer = true;
    cr_assert(ask(&s));
    s.list.issuer = "Root";
    s.list.key = ROOT_KEY;
    cr_assert(ask(&s));
    s.list.key = OTHER_KEY;
    cr_assert_not(ask(&s));
    s.list.issuer = "Crls";
    s.list.key = SIGNER_KEY;
    s.signer.issuer_key = OTHER_KEY;
    assert_refused(&s, "no CA of the path has issued");
}

Test(crl_verify, says_when_the_issuer_is_not_known)
{
    struct stage s = stage_new();

    s.list.issuer = "Crls";
    s.list.extensions = crl_make_join(s.list.extensions, scope(0x84));
    assert_refused(&s, "issuer that is not known here");
}

Test(crl_verify, refuses_a_signature_that_is_too_weak)
{
    struct stage s = stage_new();
    struct crl *c = crl_new(crl_make_crl(&s.list), NULL);
    struct span path = crl_make_certificate(&s.cas[0]);
    struct crl_authority a = {.path = &path, .path_count = 1, .is_strict = true};

    cr_assert(crl_verify(c, &a, NULL, 0, NULL));
    c->memo->is_weak = true; /* as if it were SHA-1 */
    cr_assert_not(crl_verify(c, &a, NULL, 0, NULL));
    a.allows = SIGNATURE_ALLOWS_RSA_1024;
    cr_assert_not(crl_verify(c, &a, NULL, 0, NULL));
    a.allows = SIGNATURE_ALLOWS_SHA1;
    cr_assert(crl_verify(c, &a, NULL, 0, NULL));
    a.allows = 0;
    a.is_strict = false;
    cr_assert(crl_verify(c, &a, NULL, 0, NULL));
    crl_release(c);
}

Test(crl_verify, knows_its_key_after_the_source_is_forgotten_and_no_other)
{
    struct stage s = stage_new();
    struct crl *c = crl_new(crl_make_crl(&s.list), NULL);
    struct span path = crl_make_certificate(&s.cas[0]);
    struct crl_authority a = {.path = &path, .path_count = 1};

    cr_assert(crl_verify(c, &a, NULL, 0, NULL));
    cr_assert(crl_forget_source(c));
    cr_assert(crl_verify(c, &a, NULL, 0, NULL));
    s.cas[0].key = OTHER_KEY;
    path = crl_make_certificate(&s.cas[0]);
    cr_assert_not(crl_verify(c, &a, NULL, 0, NULL));
    crl_release(c);
}

Test(crl_verify, bounds_its_work)
{
    struct stage s = stage_new();
    struct crl *c = crl_new(crl_make_crl(&s.list), NULL);
    struct span path = crl_make_certificate(&s.cas[0]);
    static struct span signers[100];
    struct crl_authority a = {.path = &path,
                              .path_count = 1,
                              .signers = signers,
                              .signer_count = 100,
                              .now_s = 1767225600};

    /* The right signer stands behind many that share its name. */
    s.list.key = SIGNER_KEY;
    crl_release(c);
    c = crl_new(crl_make_crl(&s.list), NULL);
    s.signer.key = OTHER_KEY;
    for (size_t i = 0; i < 99; i++) {
        signers[i] = crl_make_certificate(&s.signer);
    }
    s.signer.key = SIGNER_KEY;
    signers[99] = crl_make_certificate(&s.signer);
    cr_assert_not(crl_verify(c, &a, NULL, 0, NULL));
    a.signers = &signers[90];
    a.signer_count = 10;
    cr_assert(crl_verify(c, &a, NULL, 0, NULL));
    crl_release(c);
}
