#include <string.h>

#include <criterion/criterion.h>

#include "certs/cert.h"
#include "certs/crl_intake.h"
#include "certs/digest.h"
#include "certs/mem.h"
#include "tests/unit/certs/crl_case.h"
#include "tests/unit/certs/forge.h"

enum { ROOT_KEY = 1, SUB_KEY = 2, OTHER_KEY = 3, NEW_KEY = 4, SIGNER_KEY = 5 };

static struct crl_intake in;

static struct span ca_cert(const char *subject, unsigned key, const char *issuer, unsigned signer)
{
    const struct forge f = {
        .subject = subject, .issuer = issuer, .key = key, .signer = signer, .is_ca = true};

    return forge_cert(&f);
}

/* "Root" over "Sub". */
static struct trust *ward(void)
{
    struct span root = ca_cert("Root", ROOT_KEY, "Root", ROOT_KEY);
    struct span sub = ca_cert("Sub", SUB_KEY, "Root", ROOT_KEY);

    return crl_case_trust(&root, 1, &sub, 1);
}

static struct span crl_of(const char *issuer, unsigned key)
{
    const struct crl_case c = {.issuer = issuer, .key = key, .number = 5};

    return crl_case_crl(&c);
}

static void read_at(const struct trust *t, struct span bytes, int64_t now_s)
{
    struct fault f = {0};

    cr_assert_eq(crl_intake_read(bytes, t, now_s, &in, &f), 0, "%s", f.note);
}

/* One CRL alone, in a trust of its own. */
static void read_one(struct trust *t, struct span bytes)
{
    read_at(t, bytes, CRL_CASE_NOW_S);
    cr_assert_eq(in.count, 1);
    trust_release(t);
}

static void assert_unverified(const char *why)
{
    cr_assert_not(in.arrivals[0].is_verified);
    cr_assert_not_null(strstr(in.arrivals[0].why, why), "%s", in.arrivals[0].why);
    crl_intake_clear(&in);
}

static void assert_signer(size_t at, struct span cert)
{
    struct cert_view view;
    uint8_t digest[DIGEST_LEN];

    cr_assert(cert_view_read(cert, &view));
    cr_assert(digest_sha256(view.key_info, digest));
    cr_assert(in.arrivals[at].is_verified, "%s", in.arrivals[at].why);
    cr_assert_str_empty(in.arrivals[at].why);
    cr_assert_arr_eq(in.arrivals[at].signer, digest, sizeof(digest));
}

Test(crl_intake, verifies_the_crls_of_an_anchor_and_of_an_intermediate)
{
    struct trust *t = ward();

    read_at(t, crl_of("Root", ROOT_KEY), CRL_CASE_NOW_S);
    assert_signer(0, ca_cert("Root", ROOT_KEY, "Root", ROOT_KEY));
    crl_intake_clear(&in);
    read_at(t, crl_of("Sub", SUB_KEY), CRL_CASE_NOW_S);
    assert_signer(0, ca_cert("Sub", SUB_KEY, "Root", ROOT_KEY));
    crl_intake_clear(&in);
    trust_release(t);
}

Test(crl_intake, reads_each_crl_of_a_pem_and_skips_other_blocks)
{
    struct trust *t = ward();
    struct span pem = FORGE_JOIN(
        span_of_text("Root's:\n"), crl_case_pem("X509 CRL", crl_of("Root", ROOT_KEY)),
        crl_case_pem("CERTIFICATE", ca_cert("Root", ROOT_KEY, "Root", ROOT_KEY)),
        crl_case_pem("X509 CRL", crl_of("Sub", SUB_KEY)), span_of_text("the end"));

    read_at(t, pem, CRL_CASE_NOW_S);
    cr_assert_eq(in.count, 2);
    assert_signer(0, ca_cert("Root", ROOT_KEY, "Root", ROOT_KEY));
    assert_signer(1, ca_cert("Sub", SUB_KEY, "Root", ROOT_KEY));
    crl_intake_clear(&in);
    trust_release(t);
}

Test(crl_intake, keeps_a_crl_of_an_unknown_issuer_unverified)
{
    read_one(ward(), crl_of("Stranger", OTHER_KEY));
    assert_unverified("no CA of this trust has its issuer's name, CN=Stranger");
}

Test(crl_intake, does_not_verify_a_crl_with_another_key)
{
    read_one(ward(), crl_of("Sub", OTHER_KEY));
    assert_unverified("is not signed with the issuer's key");
}

Test(crl_intake, does_not_verify_a_crl_that_another_ca_of_the_trust_signed)
{
    read_one(ward(), crl_of("Sub", ROOT_KEY));
    assert_unverified("is not signed with the issuer's key");
}

Test(crl_intake, verifies_either_key_of_a_ca_that_has_two)
{
    struct span roots[] = {ca_cert("Root", ROOT_KEY, "Root", ROOT_KEY),
                           ca_cert("Root", NEW_KEY, "Root", NEW_KEY)};
    struct trust *t = crl_case_trust(roots, 2, NULL, 0);

    read_at(t, crl_of("Root", NEW_KEY), CRL_CASE_NOW_S);
    assert_signer(0, roots[1]);
    crl_intake_clear(&in);
    read_at(t, crl_of("Root", ROOT_KEY), CRL_CASE_NOW_S);
    assert_signer(0, roots[0]);
    crl_intake_clear(&in);
    trust_release(t);
}

Test(crl_intake, verifies_an_indirect_crl_of_one_of_its_cas)
{
    const struct crl_case c = {
        .issuer = "Sub",
        .key = SUB_KEY,
        .number = 5,
        .extensions = forge_extension("551D1C", true, forge_hex("30038401FF")),
    };

    read_one(ward(), crl_case_crl(&c));
    assert_signer(0, ca_cert("Sub", SUB_KEY, "Root", ROOT_KEY));
    crl_intake_clear(&in);
}

Test(crl_intake, does_not_verify_a_crl_of_a_ca_that_may_not_sign_crls)
{
    struct forge f = {.subject = "Sub",
                      .issuer = "Root",
                      .key = SUB_KEY,
                      .signer = ROOT_KEY,
                      .is_ca = true,
                      .leave_out = FORGE_NO_USAGE,
                      .extra = {forge_extension("551D0F", true, forge_hex("03020204"))}};
    struct span root = ca_cert("Root", ROOT_KEY, "Root", ROOT_KEY);
    struct span sub = forge_cert(&f);

    read_one(crl_case_trust(&root, 1, &sub, 1), crl_of("Sub", SUB_KEY));
    assert_unverified("no cRLSign");
}

/* What a CA signed still verifies when its time is over; what it says does not count any more. */
#ifndef WARDGATE_WOLFSSL_SYSTEM /* 5.5.4 does not load a CA that is out of its time, flag or not   \
                                 */
Test(crl_intake, does_not_verify_by_an_anchor_whose_time_is_over)
{
    struct forge f = {.subject = "Root",
                      .issuer = "Root",
                      .key = ROOT_KEY,
                      .signer = ROOT_KEY,
                      .is_ca = true,
                      .until = "260101180000Z"};
    struct span root = forge_cert(&f);
    struct trust *t = crl_case_trust(&root, 1, NULL, 0);

    read_at(t, crl_of("Root", ROOT_KEY), CRL_CASE_NOW_S + 6L * 3600);
    cr_assert(in.arrivals[0].is_verified);
    crl_intake_clear(&in);
    read_at(t, crl_of("Root", ROOT_KEY), CRL_CASE_NOW_S + 6L * 3600 + 1);
    assert_unverified("not valid now");
    f.until = NULL;
    f.from = "260101060000Z";
    trust_release(t);
    root = forge_cert(&f);
    t = crl_case_trust(&root, 1, NULL, 0);
    read_at(t, crl_of("Root", ROOT_KEY), CRL_CASE_NOW_S - 6L * 3600);
    cr_assert(in.arrivals[0].is_verified);
    crl_intake_clear(&in);
    read_at(t, crl_of("Root", ROOT_KEY), CRL_CASE_NOW_S - 6L * 3600 - 1);
    assert_unverified("not valid now");
    trust_release(t);
}

Test(crl_intake, does_not_verify_by_an_intermediate_whose_anchors_time_is_over)
{
    struct forge f = {.subject = "Root",
                      .issuer = "Root",
                      .key = ROOT_KEY,
                      .signer = ROOT_KEY,
                      .is_ca = true,
                      .until = "260101180000Z"};
    struct span root = forge_cert(&f);
    struct span sub = ca_cert("Sub", SUB_KEY, "Root", ROOT_KEY);
    struct trust *t = crl_case_trust(&root, 1, &sub, 1);

    read_at(t, crl_of("Sub", SUB_KEY), CRL_CASE_NOW_S + 6L * 3600);
    cr_assert(in.arrivals[0].is_verified);
    crl_intake_clear(&in);
    read_at(t, crl_of("Sub", SUB_KEY), CRL_CASE_NOW_S + 6L * 3600 + 1);
    cr_assert_not(in.arrivals[0].is_verified);
    cr_assert_str_not_empty(in.arrivals[0].why);
    crl_intake_clear(&in);
    trust_release(t);
}

#endif

/* One CRL from the future would be the newest for ever. */
Test(crl_intake, does_not_verify_a_crl_that_is_dated_ahead)
{
    struct trust *t = ward();
    const struct crl_case c = {
        .issuer = "Sub", .key = SUB_KEY, .number = 5, .this_update = "20260101120500Z"};
    struct span crl = crl_case_crl(&c);

    read_at(t, crl, CRL_CASE_NOW_S);
    cr_assert(in.arrivals[0].is_verified, "skew of %d s", CRL_INTAKE_SKEW_S);
    cr_assert_not(in.arrivals[0].is_future);
    crl_intake_clear(&in);
    read_at(t, crl, CRL_CASE_NOW_S - 1);
    cr_assert(in.arrivals[0].is_future);
    assert_unverified("lies 301 s ahead");
    trust_release(t);
}

/* ---- CRL signers ---- */

/* ward() with one CRL signer. */
static struct trust *ward_with(struct span signer)
{
    struct span root = ca_cert("Root", ROOT_KEY, "Root", ROOT_KEY);
    struct span sub = ca_cert("Sub", SUB_KEY, "Root", ROOT_KEY);
    const struct crl_case_cas cas = {.anchors = &root,
                                     .anchor_count = 1,
                                     .intermediates = &sub,
                                     .intermediate_count = 1,
                                     .signers = &signer,
                                     .signer_count = 1};

    return crl_case_trust_of(&cas);
}

static struct span indirect_of(const char *issuer, unsigned key)
{
    const struct crl_case c = {
        .issuer = issuer,
        .key = key,
        .number = 5,
        .extensions = forge_extension("551D1C", true, forge_hex("30038401FF")),
    };

    return crl_case_crl(&c);
}

Test(crl_intake, verifies_what_a_signer_of_the_ca_has_signed)
{
    struct span by_sub = crl_case_signer("Sub", SIGNER_KEY, "Sub", SUB_KEY);
    struct span by_root = crl_case_signer("Sub", SIGNER_KEY, "Root", ROOT_KEY);

    read_one(ward(), crl_of("Sub", SIGNER_KEY));
    assert_unverified("is not signed with the issuer's key");
    read_one(ward_with(by_sub), crl_of("Sub", SIGNER_KEY));
    assert_signer(0, by_sub);
    crl_intake_clear(&in);
    read_one(ward_with(by_root), crl_of("Sub", SIGNER_KEY));
    assert_signer(0, by_root);
    crl_intake_clear(&in);
    read_one(ward_with(by_root), crl_of("Sub", SUB_KEY));
    assert_signer(0, ca_cert("Sub", SUB_KEY, "Root", ROOT_KEY));
    crl_intake_clear(&in);
}

Test(crl_intake, does_not_verify_what_a_signer_of_another_name_has_signed)
{
    struct span signer = crl_case_signer("Crls", SIGNER_KEY, "Sub", SUB_KEY);

    read_one(ward_with(signer), crl_of("Sub", SIGNER_KEY));
    assert_unverified("is not signed with the issuer's key");
    read_one(ward_with(signer), crl_of("Crls", SIGNER_KEY));
    assert_unverified("no CA of this trust has its issuer's name, CN=Crls");
}

/* The signer of Sub's CRLs is none of Root's, though Root has issued who issued it. */
Test(crl_intake, does_not_verify_by_a_signer_below_the_ca)
{
    struct span signer = crl_case_signer("Root", SIGNER_KEY, "Sub", SUB_KEY);

    read_one(ward_with(signer), crl_of("Root", SIGNER_KEY));
    assert_unverified("no CA of the path has issued");
}

Test(crl_intake, verifies_an_indirect_crl_in_the_name_of_its_signer)
{
    struct span signer = crl_case_signer("Crls", SIGNER_KEY, "Sub", SUB_KEY);

    read_one(ward(), indirect_of("Crls", SIGNER_KEY));
    assert_unverified("no CA of this trust has its issuer's name, CN=Crls");
    read_one(ward_with(signer), indirect_of("Crls", SIGNER_KEY));
    assert_signer(0, signer);
    crl_intake_clear(&in);
    read_one(ward_with(signer), indirect_of("Crls", OTHER_KEY));
    assert_unverified("is not signed with the issuer's key");
}

Test(crl_intake, does_not_verify_by_a_signer_whose_time_is_over)
{
    struct forge f = {.subject = "Sub",
                      .issuer = "Sub",
                      .key = SIGNER_KEY,
                      .signer = SUB_KEY,
                      .until = "260101180000Z",
                      .leave_out = FORGE_NO_USAGE | FORGE_NO_EKU,
                      .extra = {forge_extension("551D0F", true, forge_hex("03020102"))}};
    struct trust *t = ward_with(forge_cert(&f));

    read_at(t, crl_of("Sub", SIGNER_KEY), CRL_CASE_NOW_S + 6L * 3600);
    cr_assert(in.arrivals[0].is_verified);
    crl_intake_clear(&in);
    read_at(t, crl_of("Sub", SIGNER_KEY), CRL_CASE_NOW_S + 6L * 3600 + 1);
    assert_unverified("not valid now");
    trust_release(t);
}

#ifndef WARDGATE_WOLFSSL_SYSTEM
Test(crl_intake, does_not_verify_by_a_signer_whose_anchors_time_is_over)
{
    struct forge f = {.subject = "Root",
                      .issuer = "Root",
                      .key = ROOT_KEY,
                      .signer = ROOT_KEY,
                      .is_ca = true,
                      .until = "260101180000Z"};
    struct span root = forge_cert(&f);
    struct span signer = crl_case_signer("Crls", SIGNER_KEY, "Root", ROOT_KEY);
    const struct crl_case_cas cas = {
        .anchors = &root, .anchor_count = 1, .signers = &signer, .signer_count = 1};
    struct trust *t = crl_case_trust_of(&cas);

    read_at(t, indirect_of("Crls", SIGNER_KEY), CRL_CASE_NOW_S + 6L * 3600);
    cr_assert(in.arrivals[0].is_verified);
    crl_intake_clear(&in);
    read_at(t, indirect_of("Crls", SIGNER_KEY), CRL_CASE_NOW_S + 6L * 3600 + 1);
    assert_unverified("expired");
    trust_release(t);
}
#endif

/* ---- files ---- */

static void assert_refused(struct span bytes, const char *note)
{
    struct trust *t = ward();
    struct fault f = {0};

    in.count = 1;
    cr_assert_eq(crl_intake_read(bytes, t, CRL_CASE_NOW_S, &in, &f), FAULT_BAD_CERT);
    cr_assert_eq(f.code, FAULT_BAD_CERT);
    cr_assert_eq(f.side, FAULT_SIDE_CERTIFICATE);
    cr_assert_not_null(strstr(f.note, note), "%s", f.note);
    cr_assert_eq(in.count, 0);
    trust_release(t);
}

Test(crl_intake, says_what_it_got_instead)
{
    struct span cert = ca_cert("Root", ROOT_KEY, "Root", ROOT_KEY);
    struct span crl = crl_of("Root", ROOT_KEY);
    struct span pem = crl_case_pem("X509 CRL", crl);

    assert_refused(span_of(NULL, 0), "it is empty");
    assert_refused(span_of_text("<html><body>Sign in"), "it is an HTML page, not a CRL");
    assert_refused(cert, "it is a certificate, not a CRL");
    assert_refused(crl_case_pem("CERTIFICATE", cert), "it is a certificate, not a CRL");
    assert_refused(crl_case_pem("X509 CRL", cert), "it is a certificate, not a CRL");
    assert_refused(span_first(crl, crl.len - 1), "it is truncated");
    assert_refused(span_first(pem, pem.len / 2), "it is truncated");
    assert_refused(FORGE_JOIN(crl, forge_hex("0A")), "there is something behind its end");
    assert_refused(span_of_text("404 not found"), "it is no CRL, or broken");
}

Test(crl_intake, takes_all_of_a_file_or_nothing)
{
    struct span pem = crl_case_pem("X509 CRL", crl_of("Root", ROOT_KEY));
    struct span broken = span_of_text("-----BEGIN X509 CRL-----\n?\n-----END X509 CRL-----\n");

    assert_refused(FORGE_JOIN(pem, broken), "broken PEM");
    assert_refused(FORGE_JOIN(pem, span_first(pem, pem.len / 2)), "it is truncated");
    assert_refused(FORGE_JOIN(pem, crl_case_pem("X509 CRL", forge_hex("3000"))), "broken");
}

Test(crl_intake, refuses_more_crls_than_it_has_room_for)
{
    struct trust *t = ward();
    struct span one = crl_case_pem("X509 CRL", crl_of("Stranger", OTHER_KEY));
    struct span parts[CRL_INTAKE_MAX + 1];

    for (size_t i = 0; i <= CRL_INTAKE_MAX; i++) {
        parts[i] = one;
    }
    read_at(t, forge_join(parts, CRL_INTAKE_MAX), CRL_CASE_NOW_S);
    cr_assert_eq(in.count, CRL_INTAKE_MAX);
    crl_intake_clear(&in);
    assert_refused(forge_join(parts, CRL_INTAKE_MAX + 1), "more than 64");
    trust_release(t);
}

Test(crl_intake, gives_the_source_of_what_is_verified_back)
{
    struct trust *t = ward();
    struct span good = crl_of("Root", ROOT_KEY);
    struct span pem = FORGE_JOIN(crl_case_pem("X509 CRL", good),
                                 crl_case_pem("X509 CRL", crl_of("Stranger", OTHER_KEY)));
    struct crl *held[2];

    read_at(t, pem, CRL_CASE_NOW_S);
    for (size_t i = 0; i < 2; i++) {
        held[i] = crl_hold(in.arrivals[i].crl);
        cr_assert_gt(crl_der(held[i]).len, 0);
    }
    cr_assert(span_equal(crl_der(held[0]), good));
    crl_intake_clear(&in);
    crl_intake_clear(&in); /* twice is fine */
    cr_assert_eq(crl_der(held[0]).len, 0);
    cr_assert_gt(crl_der(held[1]).len, 0, "it has yet to be verified");
    crl_release(held[0]);
    crl_release(held[1]);
    trust_release(t);
}

Test(crl_intake, survives_running_out_of_memory)
{
    struct trust *t = ward();
    struct span pem = crl_case_pem("X509 CRL", crl_of("Sub", SUB_KEY));
    bool is_whole = false;

    for (uint32_t nth = 1; !is_whole; nth++) {
        struct fault f = {0};
        int code;
        (void)mem_fail_nth(nth);
        code = crl_intake_read(pem, t, CRL_CASE_NOW_S, &in, &f);
        is_whole = mem_fail_nth(0) > 0;
        cr_assert(code == 0 || code == FAULT_MEMORY || f.code == FAULT_BAD_CERT, "%s", f.note);
        cr_assert_eq(code == 0, in.count == 1);
        cr_assert(!is_whole || in.arrivals[0].is_verified);
        cr_assert(in.count == 0 || in.arrivals[0].is_verified != (in.arrivals[0].why[0] != '\0'));
        crl_intake_clear(&in);
        cr_assert_lt(nth, 200);
    }
    trust_release(t);
}
