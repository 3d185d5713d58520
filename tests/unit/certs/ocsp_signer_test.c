#include <string.h>

#include <criterion/criterion.h>

#include "certs/ocsp_inside.h"
#include "certs/signature.h"
#include "ocsp_case.h"

/* Why the signer of an answer is refused; NULL when it is not. */
static const char *check(const char *answer, const struct ocsp_question *q)
{
    struct chain_cert issuer;
    struct ocsp_basic basic;
    struct ocsp_signer signer;

    cr_assert_null(ocsp_parse_response(ocsp_case_file(answer), &basic), "%s", answer);
    cr_assert(chain_cert_read(q->issuer, &issuer));
    return ocsp_signer_check(&basic, &issuer, q, &signer);
}

static void refuses(const char *answer, const struct ocsp_question *q, const char *why)
{
    const char *got = check(answer, q);

    cr_assert_not_null(got, "%s was accepted", answer);
    cr_expect_str_eq(got, why, "%s: %s", answer, got);
}

Test(ocsp_signer, accepts_the_ca_and_who_it_has_appointed)
{
    static const char *const names[] = {
        "good.ocsp",         "good-by-key.ocsp", "good-ca.ocsp",    "good-ca-by-key.ocsp",
        "good-checked.ocsp", "good-sha512.ocsp", "by-namesake.ocsp"};
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *why = check(names[i], &q);
        cr_expect_null(why, "%s: %s", names[i], why);
    }
}

/* The forgeries that other judges have accepted. */
Test(ocsp_signer, refuses_whom_the_ca_has_not_appointed)
{
    static const struct {
        const char *answer;
        const char *why;
    } rows[] = {
        {"by-device.ocsp", "its signer is not allowed to sign OCSP answers (no id-kp-OCSPSigning)"},
        {"by-device-chain.ocsp",
         "its signer is not allowed to sign OCSP answers (no id-kp-OCSPSigning)"},
        {"by-revoked.ocsp",
         "its signer is not allowed to sign OCSP answers (no id-kp-OCSPSigning)"},
        {"by-forged-v1.ocsp",
         "its signer is not allowed to sign OCSP answers (no id-kp-OCSPSigning)"},
        {"by-any.ocsp", "its signer is not allowed to sign OCSP answers (no id-kp-OCSPSigning)"},
        {"by-forged-v3.ocsp",
         "its signer names the CA as issuer, but the CA's key did not sign it"},
        {"by-fake.ocsp", "its signature is wrong"},
        {"by-stranger.ocsp", "its signer was not issued by the CA of the certificate"},
        {"by-indirect.ocsp", "its signer was not issued by the CA of the certificate"},
        {"by-indirect-chain.ocsp", "its signer was not issued by the CA of the certificate"},
        {"by-agreement.ocsp", "its signer's keyUsage does not allow digitalSignature"},
        {"bad-signature.ocsp", "its signature is wrong"},
        {"made-responder.ocsp", "its signer is neither the CA nor among its certificates"},
        {"no-certs.ocsp", "its signer is neither the CA nor among its certificates"},
    };
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        refuses(rows[i].answer, &q, rows[i].why);
    }
    cr_expect_not_null(check("by-critical.ocsp", &q));
}

Test(ocsp_signer, refuses_who_vouches_for_himself)
{
    struct ocsp_question q = ocsp_case_question("vain.der", "ca.der");

    refuses("by-vain.ocsp", &q, "its signer is the certificate in question");
}

Test(ocsp_signer, refuses_a_responder_that_is_not_valid_now)
{
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");
    int64_t now_s = q.now_s;

    cr_expect_null(check("by-short.ocsp", &q));
    q.now_s = now_s + INT64_C(2) * 86400;
    refuses("by-short.ocsp", &q, "its signer's certificate is not valid now");
    q.now_s = now_s - 86400;
    refuses("good.ocsp", &q, "its signer's certificate is not valid now");
}

Test(ocsp_signer, keeps_to_the_strict_rules_where_they_are_on)
{
    static const struct {
        const char *answer;
        const char *cert;
        const char *issuer;
        const char *why;
        unsigned needs; /* what a trust must allow to take it */
    } rows[] = {
        {"good-sha1.ocsp", "device.der", "ca.der", "it is signed with SHA-1",
         SIGNATURE_ALLOWS_SHA1},
        {"by-small.ocsp", "device.der", "ca.der", "it is signed with a weak key",
         SIGNATURE_ALLOWS_RSA_1024},
        {"by-old-hash.ocsp", "device.der", "ca.der",
         "its signer's certificate is signed too weakly", SIGNATURE_ALLOWS_SHA1},
        {"weak-ca.ocsp", "frail.der", "weak.der", "it is signed with a weak key",
         SIGNATURE_ALLOWS_RSA_1024},
        {"weak-delegated.ocsp", "frail.der", "weak.der",
         "its signer's certificate is signed too weakly", SIGNATURE_ALLOWS_RSA_1024},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ocsp_question q = ocsp_case_question(rows[i].cert, rows[i].issuer);
        refuses(rows[i].answer, &q, rows[i].why);
        q.allows = rows[i].needs ^ 3U;
        refuses(rows[i].answer, &q, rows[i].why);
        q.allows = rows[i].needs;
        cr_expect_null(check(rows[i].answer, &q), "%s", rows[i].answer);
        q.allows = 0;
        q.strict_strength = false;
        cr_expect_null(check(rows[i].answer, &q), "%s", rows[i].answer);
    }
}
