#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "certs/cert.h"
#include "certs/mem.h"
#include "certs/signature.h"
#include "certs/trust.h"
#include "certs/trust_context.h"
#include "pair.h"

static struct trust *load(const char *anchors, const char *intermediates, struct fault *f)
{
    struct trust_settings settings = {
        .name = "hospital",
        .anchors = pair_path(anchors, ".pem"),
        .intermediates = intermediates == NULL ? NULL : pair_path(intermediates, ".pem"),
        .tls_min = TLS_VERSION_1_3,
    };

    return trust_load(&settings, (int64_t)time(NULL), f);
}

Test(trust, loads_anchors_and_intermediates)
{
    static const char *const PAIRS[][2] = {
        {"root", NULL}, {"root", "int"}, {"both-roots", "int"}, {"both-roots", "int-other"}};

    for (size_t i = 0; i < 4; i++) {
        struct fault f = {0};
        struct trust *t = load(PAIRS[i][0], PAIRS[i][1], &f);
        cr_assert_not_null(t, "%s", f.note);
        cr_assert_str_eq(trust_name(t), "hospital");
        cr_assert_eq(trust_revocation(t), REVOCATION_OFF);
        trust_release(t);
    }
}

Test(trust, shows_its_anchors_before_its_intermediates)
{
    struct fault f = {0};
    struct trust *t = load("both-roots", "int", &f);
    const struct span *cas;
    size_t anchors = 0;

    cr_assert_not_null(t, "%s", f.note);
    cr_assert_eq(trust_cas(t, &cas, &anchors), 3);
    cr_assert_eq(anchors, 2);
    for (size_t i = 0; i < 3; i++) {
        struct cert_view view;
        cr_assert(cert_view_read(cas[i], &view));
        cr_assert_eq(span_equal(view.subject, view.issuer), i < anchors);
    }
    trust_release(t);
}

Test(trust, refuses_what_cannot_vouch)
{
    static const struct {
        const char *anchors;
        const char *intermediates;
        enum fault_code code;
        const char *in_note;
    } CASES[] = {
        {"missing", NULL, FAULT_OPEN, "missing.pem"},
        {"root", "missing", FAULT_OPEN, "missing.pem"},
        {"hl7", NULL, FAULT_BAD_CERT, "no CA"},
        {"int", NULL, FAULT_BAD_CERT, "no root"},
        {"root-expired", NULL, FAULT_EXPIRED, "Old Root CA"},
        {"root-notyet", NULL, FAULT_NOT_YET, "Future Root CA"},
        {"root", "hl7", FAULT_BAD_CERT, "no CA"},
        {"root", "plain", FAULT_BAD_CERT, "no CA"},
        {"root", "hl7-ca", FAULT_NONE, ""},
        {"root", "root", FAULT_NONE, ""}, /* the same certificate again: harmless */
        {"root", "other", FAULT_BAD_CERT, "not issued"},
        {"root", "int-other", FAULT_BAD_CERT, "not issued"},
        {"root", "int-expired", FAULT_EXPIRED, "int-expired"},
        {"root", "int-limited", FAULT_BAD_CERT, "name constraints"},
        {"root", "int-deep", FAULT_BAD_CERT, "not issued"},
        {"root", "int-sha1", FAULT_BAD_CERT, "weak hash"},
        {"weak-root", NULL, FAULT_BAD_CERT, "weak key"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fault f = {0};
        struct trust *t = load(CASES[i].anchors, CASES[i].intermediates, &f);
        if (strcmp(CASES[i].anchors, "root") == 0 && CASES[i].intermediates != NULL &&
            strcmp(CASES[i].intermediates, "hl7-ca") == 0) {
            /* keyUsage digitalSignature only: CA:TRUE is not enough */
            cr_assert_eq(f.code, FAULT_BAD_CERT, "%s", f.note);
            continue;
        }
        cr_assert_eq(t == NULL, CASES[i].code != FAULT_NONE, "%zu", i);
        cr_assert_eq(f.code, CASES[i].code, "%s + %s: %s", CASES[i].anchors,
                     CASES[i].intermediates == NULL ? "" : CASES[i].intermediates, f.note);
        cr_assert_not_null(strstr(f.note, CASES[i].in_note), "%s", f.note);
        trust_release(t);
    }
}

Test(trust, refuses_a_file_without_certificates)
{
    struct fault f = {0};
    struct trust_settings settings = {.name = "x", .anchors = pair_path("root", ".key")};

    cr_assert_null(trust_load(&settings, (int64_t)time(NULL), &f));
    cr_assert_eq(f.code, FAULT_BAD_CERT);
}

static struct trust *load_signers(const char *signers, struct fault *f)
{
    struct trust_settings settings = {.name = "hospital",
                                      .anchors = pair_path("root", ".pem"),
                                      .intermediates = pair_path("int", ".pem"),
                                      .crl_signers = pair_path(signers, ".pem"),
                                      .tls_min = TLS_VERSION_1_3};

    return trust_load(&settings, (int64_t)time(NULL), f);
}

Test(trust, may_have_crl_signers)
{
    struct fault f = {0};
    struct trust *one = load_signers("crl-signer", &f);
    struct trust *same = load_signers("crl-signer", &f);
    struct trust *other = load_signers("crl-signer-root", &f);
    struct trust *none = pair_trust("root", "int", TLS_VERSION_1_3);
    struct pem_block block = pair_certificate("crl-signer");
    const struct span *signers;

    cr_assert(one != NULL && same != NULL && other != NULL, "%s", f.note);
    cr_assert_eq(trust_crl_signers(one, &signers), 1);
    cr_assert(span_equal(signers[0], span_of(block.der, block.len)));
    cr_assert_eq(trust_crl_signers(none, &signers), 0);
    cr_assert_eq(trust_differs(one, same), 0);
    cr_assert_neq(trust_differs(one, other), 0);
    cr_assert_neq(trust_differs(one, none), 0);
    pem_block_free(&block);
    trust_release(one);
    trust_release(same);
    trust_release(other);
    trust_release(none);
}

Test(trust, refuses_crl_signers_that_are_none)
{
    static const char *const NAMES[] = {"missing", "int", "pump-12-leaf", "crl-signer-other"};

    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct fault f = {0};
        cr_assert_null(load_signers(NAMES[i], &f));
        cr_assert_not_null(strstr(f.note, NAMES[i]), "%s", f.note);
    }
}

Test(trust, differs_by_what_it_holds)
{
    struct trust *a = pair_trust("root", NULL, TLS_VERSION_1_3);
    struct trust *same = pair_trust("root", NULL, TLS_VERSION_1_3);
    struct trust *older = pair_trust("root", NULL, TLS_VERSION_1_2);
    struct trust *more = pair_trust("root", "int", TLS_VERSION_1_3);
    struct trust *other = pair_trust("other", NULL, TLS_VERSION_1_3);

    cr_assert_eq(trust_differs(a, same), 0);
    cr_assert_neq(trust_differs(a, older), 0);
    cr_assert_neq(trust_differs(a, more), 0);
    cr_assert_neq(trust_differs(a, other), 0);
    trust_release(a);
    trust_release(same);
    trust_release(older);
    trust_release(more);
    trust_release(other);
}

Test(trust, may_be_strict_about_its_cas)
{
    struct fault f = {0};
    struct trust_settings settings = {.name = "hospital",
                                      .anchors = pair_path("root", ".pem"),
                                      .tls_min = TLS_VERSION_1_3,
                                      .is_strict_about_cas = true};
    struct trust *strict = trust_load(&settings, (int64_t)time(NULL), &f);
    struct trust *loose = pair_trust("root", NULL, TLS_VERSION_1_3);

    cr_assert_not_null(strict, "%s", f.note);
    cr_assert(trust_is_strict_about_cas(strict));
    cr_assert_not(trust_is_strict_about_cas(loose));
    cr_assert_neq(trust_differs(strict, loose), 0);
    trust_release(strict);
    trust_release(loose);
}

Test(trust, may_require_the_purpose_of_its_peers)
{
    struct fault f = {0};
    struct trust_settings settings = {.name = "hospital",
                                      .anchors = pair_path("root", ".pem"),
                                      .tls_min = TLS_VERSION_1_3,
                                      .requires_eku = true};
    struct trust *named = trust_load(&settings, (int64_t)time(NULL), &f);
    struct trust *open = pair_trust("root", NULL, TLS_VERSION_1_3);

    cr_assert_not_null(named, "%s", f.note);
    cr_assert(trust_requires_eku(named));
    cr_assert_not(trust_requires_eku(open));
    cr_assert_neq(trust_differs(named, open), 0);
    trust_release(named);
    trust_release(open);
}

Test(trust, keeps_a_copy_of_its_policy)
{
    struct fault f = {0};
    uint8_t oid[] = {0x2a, 0x03};
    struct trust_settings settings = {.name = "hospital",
                                      .anchors = pair_path("root", ".pem"),
                                      .tls_min = TLS_VERSION_1_3,
                                      .policy = span_of(oid, sizeof(oid))};
    struct trust *gold = trust_load(&settings, (int64_t)time(NULL), &f);
    oid[1] = 0x04;
    struct trust *silver = trust_load(&settings, (int64_t)time(NULL), &f);
    struct trust *any = pair_trust("root", NULL, TLS_VERSION_1_3);
    static const uint8_t RIGHT[] = {0x2a, 0x03};

    cr_assert_not_null(gold, "%s", f.note);
    cr_assert_not_null(silver, "%s", f.note);
    cr_assert(span_equal(trust_policy(gold), span_of(RIGHT, sizeof(RIGHT))));
    cr_assert_eq(trust_policy(any).len, 0);
    cr_assert_neq(trust_differs(gold, silver), 0);
    cr_assert_neq(trust_differs(gold, any), 0);
    trust_release(gold);
    trust_release(silver);
    trust_release(any);
}

Test(trust, lives_until_its_last_holder_lets_go)
{
    struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_3);

    cr_assert_eq(trust_hold(t), t);
    trust_release(t);
    cr_assert_str_eq(trust_name(t), "hospital");
    trust_release(t);
    trust_release(NULL);
}

Test(trust, knows_whether_an_issuer_is_in_time)
{
    struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_3);
    struct pem_block blocks[2] = {pair_certificate("root"), pair_certificate("other")};
    struct cert_view root;
    struct cert_view other;
    bool is_known = false;

    cr_assert(cert_view_read(span_of(blocks[0].der, blocks[0].len), &root));
    cr_assert(cert_view_read(span_of(blocks[1].der, blocks[1].len), &other));
    cr_assert(trust_is_issuer_in_time(t, root.subject, root.not_after_s, &is_known));
    cr_assert(is_known);
    cr_assert_not(trust_is_issuer_in_time(t, root.subject, root.not_after_s + 1, &is_known));
    cr_assert(is_known);
    cr_assert_not(trust_is_issuer_in_time(t, root.subject, root.not_before_s - 1, &is_known));
    cr_assert_not(trust_is_issuer_in_time(t, other.subject, root.not_after_s, &is_known));
    cr_assert_not(is_known);
    pem_block_free(&blocks[0]);
    pem_block_free(&blocks[1]);
    trust_release(t);
}

Test(trust, survives_running_out_of_memory)
{
    bool is_whole = false;

    cr_assert_eq(tls_init(NULL), 0);
    for (uint32_t nth = 1; !is_whole; nth++) {
        struct fault f = {0};
        struct trust *t;
        (void)mem_fail_nth(nth);
        t = load("both-roots", "int", &f);
        is_whole = mem_fail_nth(0) > 0;
        cr_assert(t != NULL || f.code != FAULT_NONE);
        cr_assert(t != NULL || !is_whole, "allocation %u: %s", nth, f.note);
        trust_release(t);
    }
}

static struct trust *load_weak(const char *anchors, const char *intermediates, unsigned allows)
{
    struct fault f = {0};
    struct trust_settings settings = {
        .name = "old",
        .anchors = pair_path(anchors, ".pem"),
        .intermediates = intermediates == NULL ? NULL : pair_path(intermediates, ".pem"),
        .tls_min = TLS_VERSION_1_2,
        .allows = allows};

    return trust_load(&settings, (int64_t)time(NULL), &f);
}

Test(trust, lets_in_weak_cas_by_their_own_name_only)
{
    struct trust *small = load_weak("weak-root", NULL, SIGNATURE_ALLOWS_RSA_1024);
    struct trust *sha1 = load_weak("root", "int-sha1", SIGNATURE_ALLOWS_SHA1);
    struct trust *usual = load_weak("root", NULL, 0);
    struct trust *more = load_weak("root", NULL, SIGNATURE_ALLOWS_SHA1);

    cr_assert(small != NULL && sha1 != NULL && usual != NULL && more != NULL);
    cr_assert_null(load_weak("weak-root", NULL, SIGNATURE_ALLOWS_SHA1));
    cr_assert_null(load_weak("root", "int-sha1", SIGNATURE_ALLOWS_RSA_1024));
    cr_assert_eq(trust_allows(small), SIGNATURE_ALLOWS_RSA_1024);
    cr_assert_eq(trust_allows(usual), 0);
    cr_assert_neq(trust_differs(usual, more), 0);
    trust_release(small);
    trust_release(sha1);
    trust_release(usual);
    trust_release(more);
}
