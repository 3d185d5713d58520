#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "certs/cert.h"
#include "certs/crl_signers.h"
#include "certs/mem.h"
#include "certs/signature.h"
#include "certs/trust.h"
#include "pair.h"
#include "tests/unit/certs/crl_case.h"
#include "tests/unit/certs/forge.h"

static struct trust *trust;
static struct crl_signers signers;
static struct crl_signers_rules rules;
static struct fault f;

static void set_up(void)
{
    trust = pair_trust("root", "int", TLS_VERSION_1_3);
    rules.ca_count = trust_cas(trust, &rules.cas, &rules.anchor_count);
    rules.now_s = (int64_t)time(NULL);
}

static void tear_down(void)
{
    crl_signers_clear(&signers);
    trust_release(trust);
}

TestSuite(crl_signers, .init = set_up, .fini = tear_down);

static int load(const char *name)
{
    fault_clear(&f);
    return crl_signers_load(&signers, pair_path(name, ".pem"), &rules, &f);
}

Test(crl_signers, takes_what_signs_for_a_ca_of_the_trust)
{
    cr_assert_eq(load("crl-signer"), 0, "%s", f.note);
    cr_assert_eq(load("crl-signer-root"), 0, "%s", f.note);
    cr_assert_eq(signers.count, 2);
    for (size_t i = 0; i < 2; i++) {
        struct pem_block block = pair_certificate(i == 0 ? "crl-signer" : "crl-signer-root");
        cr_expect(span_equal(signers.der[i], span_of(block.der, block.len)));
        pem_block_free(&block);
    }
}

Test(crl_signers, takes_the_same_one_once)
{
    cr_assert_eq(load("crl-signer"), 0);
    cr_assert_eq(load("crl-signer"), 0);
    cr_assert_eq(signers.count, 1);
}

static void assert_refused(const char *name, enum fault_code code, const char *in_note)
{
    cr_assert_eq(load(name), (int)code, "%s: %s", name, f.note);
    cr_assert_eq(f.code, code);
    cr_assert_eq(f.side, FAULT_SIDE_CERTIFICATE);
    cr_assert_not_null(strstr(f.note, in_note), "%s", f.note);
    cr_assert_eq(strncmp(f.note, pair_path(name, ".pem"), strlen(pair_path(name, ".pem"))), 0);
    cr_assert_eq(signers.count, 0);
}

Test(crl_signers, refuses_a_file_that_is_not_there)
{
    assert_refused("missing", FAULT_OPEN, "missing.pem");
}

Test(crl_signers, refuses_a_ca)
{
    assert_refused("int", FAULT_BAD_CERT, "is a CA; right: ");
}

Test(crl_signers, refuses_what_may_sign_certificates)
{
    assert_refused("crl-signer-certs", FAULT_BAD_CERT, "is a CA; right: ");
}

Test(crl_signers, refuses_what_may_not_sign_crls)
{
    assert_refused("pump-12-leaf", FAULT_BAD_CERT, "may not sign CRLs; right: ");
    assert_refused("plain", FAULT_BAD_CERT, "may not sign CRLs; right: ");
}

Test(crl_signers, refuses_an_unknown_critical_extension)
{
    assert_refused("crl-signer-crit", FAULT_BAD_CERT, "critical extension");
}

Test(crl_signers, refuses_what_is_out_of_its_time)
{
    assert_refused("crl-signer-expired", FAULT_EXPIRED, "has expired");
    assert_refused("crl-signer-notyet", FAULT_NOT_YET, "not valid yet");
}

Test(crl_signers, holds_to_the_last_second)
{
    struct pem_block block = pair_certificate("crl-signer");
    struct cert_view view;

    cr_assert(cert_view_read(span_of(block.der, block.len), &view));
    /* The CAs are of the same day: the signer's own time must decide. */
    rules.now_s = view.not_after_s + 1;
    assert_refused("crl-signer", FAULT_EXPIRED, "has expired");
    rules.now_s = view.not_before_s - 1;
    assert_refused("crl-signer", FAULT_NOT_YET, "not valid yet");
    pem_block_free(&block);
}

Test(crl_signers, refuses_weak_algorithms_but_for_who_allows_them)
{
    assert_refused("crl-signer-weak", FAULT_BAD_CERT, "has a weak key");
    assert_refused("crl-signer-sha1", FAULT_BAD_CERT, "weak hash");
    rules.allows = SIGNATURE_ALLOWS_SHA1;
    assert_refused("crl-signer-weak", FAULT_BAD_CERT, "has a weak key");
    rules.allows = SIGNATURE_ALLOWS_RSA_1024;
    assert_refused("crl-signer-sha1", FAULT_BAD_CERT, "weak hash");
    cr_assert_eq(load("crl-signer-weak"), 0, "%s", f.note);
    rules.allows = SIGNATURE_ALLOWS_SHA1;
    cr_assert_eq(load("crl-signer-sha1"), 0, "%s", f.note);
}

Test(crl_signers, refuses_one_that_no_ca_of_the_trust_has_issued)
{
    assert_refused("crl-signer-other", FAULT_BAD_CERT, "no path to an anchor; right: ");
    rules.ca_count = rules.anchor_count; /* the root alone */
    assert_refused("crl-signer", FAULT_BAD_CERT, "no path to an anchor");
}

Test(crl_signers, refuses_more_than_it_has_room_for)
{
    struct span root = forge_cert(
        &(struct forge){.subject = "Root", .issuer = "Root", .key = 1, .signer = 1, .is_ca = true});
    struct span many[CRL_SIGNERS_MAX + 1];
    char path[32];

    for (unsigned i = 0; i <= CRL_SIGNERS_MAX; i++) {
        many[i] = crl_case_signer("Root", 2 + i, "Root", 1);
    }
    rules = (struct crl_signers_rules){
        .cas = &root, .ca_count = 1, .anchor_count = 1, .now_s = CRL_CASE_NOW_S};
    crl_case_write(path, many, CRL_SIGNERS_MAX);
    cr_assert_eq(crl_signers_load(&signers, path, &rules, &f), 0, "%s", f.note);
    cr_assert_eq(signers.count, CRL_SIGNERS_MAX);
    crl_signers_clear(&signers);
    crl_case_remove(path);
    crl_case_write(path, many, CRL_SIGNERS_MAX + 1);
    cr_assert_eq(crl_signers_load(&signers, path, &rules, &f), FAULT_BAD_CERT);
    cr_assert_not_null(strstr(f.note, "more than 16"), "%s", f.note);
    crl_case_remove(path);
}

Test(crl_signers, differ_by_each_certificate)
{
    struct crl_signers other = {.count = 0};

    cr_assert_not(crl_signers_differ(&signers, &other));
    cr_assert_eq(load("crl-signer"), 0);
    cr_assert(crl_signers_differ(&signers, &other));
    cr_assert_eq(crl_signers_load(&other, pair_path("crl-signer-root", ".pem"), &rules, &f), 0);
    cr_assert(crl_signers_differ(&signers, &other));
    crl_signers_clear(&other);
    cr_assert_eq(crl_signers_load(&other, pair_path("crl-signer", ".pem"), &rules, &f), 0);
    cr_assert_not(crl_signers_differ(&signers, &other));
    crl_signers_clear(&other);
}

Test(crl_signers, survives_running_out_of_memory)
{
    bool is_whole = false;

    for (uint32_t nth = 1; !is_whole; nth++) {
        int code;
        (void)mem_fail_nth(nth);
        code = load("crl-signer");
        is_whole = mem_fail_nth(0) > 0;
        cr_assert(code != 0 || is_whole || signers.count == 1);
        cr_assert(!is_whole || code == 0, "%s", f.note);
        cr_assert_lt(nth, 200);
        crl_signers_clear(&signers);
    }
}
