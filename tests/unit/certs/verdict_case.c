#include "tests/unit/certs/verdict_case.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/crl_intake.h"
#include "tests/unit/certs/ocsp_make.h"

struct verdict_case verdict_case;

void verdict_case_begin(void)
{
    memset(&verdict_case, 0, sizeof(verdict_case));
    verdict_case.root = (struct forge){.subject = "Root", .issuer = "Root", .is_ca = true};
    verdict_case.ca = (struct forge){
        .subject = "CA", .issuer = "Root", .key = 1, .is_ca = true, .serial = forge_hex("02")};
    verdict_case.leaf = (struct forge){
        .subject = "pump", .issuer = "CA", .key = 9, .signer = 1, .serial = forge_hex("03")};
    verdict_case.evidence = evidence_new();
    cr_assert_not_null(verdict_case.evidence);
    verdict_case.q = (struct verdict_question){.evidence = verdict_case.evidence,
                                               .chain = verdict_case.certs,
                                               .count = 2,
                                               .purpose = PATH_SERVER,
                                               .ocsp_max_age_s = 3600,
                                               .now_s = CRL_CASE_NOW_S};
}

void verdict_case_end(void)
{
    evidence_free(verdict_case.evidence);
    trust_release(verdict_case.trust);
}

void verdict_case_make(bool knows_ca)
{
    struct verdict_case *c = &verdict_case;

    c->certs[0] = forge_cert(&c->leaf);
    c->certs[1] = forge_cert(&c->ca);
    c->certs[2] = forge_cert(&c->root);
    c->trust = crl_case_trust(&c->certs[2], 1, &c->certs[1], knows_ca ? 1 : 0);
    c->q.trust = c->trust;
}

void verdict_case_have_signers(const struct span *signers, size_t count)
{
    const struct crl_case_cas cas = {.anchors = &verdict_case.certs[2],
                                     .anchor_count = 1,
                                     .intermediates = &verdict_case.certs[1],
                                     .intermediate_count = 1,
                                     .signers = signers,
                                     .signer_count = count};

    trust_release(verdict_case.trust);
    verdict_case.trust = crl_case_trust_of(&cas);
    verdict_case.q.trust = verdict_case.trust;
}

static void replace_trust(struct trust_settings settings)
{
    char path[] = "/tmp/verdict-case-XXXXXX";
    int fd = mkstemp(path);
    struct span pem = crl_case_pem("CERTIFICATE", verdict_case.certs[2]);
    struct fault f = {0};

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, pem.data, pem.len), (ssize_t)pem.len);
    (void)close(fd);
    settings.name = "strict";
    settings.anchors = path;
    settings.tls_min = TLS_VERSION_1_2;
    trust_release(verdict_case.trust);
    verdict_case.trust = trust_load(&settings, CRL_CASE_NOW_S, &f);
    (void)unlink(path);
    cr_assert_not_null(verdict_case.trust, "%s", f.note);
    verdict_case.q.trust = verdict_case.trust;
}

void verdict_case_demand(bool is_strict, struct span policy)
{
    replace_trust((struct trust_settings){.is_strict_about_cas = is_strict, .policy = policy});
}

void verdict_case_demand_purpose(void)
{
    replace_trust((struct trust_settings){.requires_eku = true});
}

/* TBSCertList */
static struct span make_list(const char *issuer, uint8_t serial, const char *until)
{
    const uint8_t number[] = {2, 1, serial};
    struct span entry = FORGE_SEQUENCE(span_of(number, 3), forge_text(0x18, "20250102030405Z"));
    struct span revoked = serial > 0 ? FORGE_SEQUENCE(entry) : span_of(NULL, 0);

    return FORGE_SEQUENCE(
        forge_hex("020101"), forge_hex("300A06082A8648CE3D040302"), forge_name(issuer),
        forge_text(0x18, "20251201000000Z"), forge_text(0x18, until), revoked,
        forge_tlv(0xA0, FORGE_SEQUENCE(forge_extension("551D14", false, forge_hex("02011C")))));
}

enum evidence_taken verdict_case_put_crl(const char *issuer, unsigned key, uint8_t serial,
                                         const char *until)
{
    static struct crl_intake intake;
    struct span der = forge_signed(make_list(issuer, serial, until), key);
    struct evidence_id id;
    struct fault f = {0};
    enum evidence_taken taken;

    cr_assert_eq(crl_intake_read(der, verdict_case.trust, CRL_CASE_NOW_S, &intake, &f), 0, "%s",
                 f.note);
    taken = evidence_put_crl(verdict_case.evidence, &intake.arrivals[0], "a test", &id, &f);
    crl_intake_clear(&intake);
    return taken;
}

void verdict_case_put_crls(void)
{
    cr_assert_eq(verdict_case_put_crl("Root", 0, 0, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
    cr_assert_eq(verdict_case_put_crl("CA", 1, 0, VERDICT_CASE_UNTIL), EVIDENCE_NEW);
}

void verdict_case_put_answer(size_t level, enum ocsp_answer status)
{
    struct span cert = verdict_case.certs[level];
    struct span response = ocsp_make_answer(
        &(struct ocsp_make){.cert = cert,
                            .issuer = verdict_case.certs[level + 1],
                            .issuer_key = level == 0 ? 1 : 0,
                            .is_forged = true,
                            .status = status,
                            .this_update = "20251201000000Z",
                            .next_update = VERDICT_CASE_UNTIL,
                            .reason = -1});
    struct evidence_answer answer = {.cert = cert,
                                     .response = response,
                                     .this_update_s = CRL_CASE_NOW_S - 1,
                                     .until_s = CRL_CASE_NOW_S + VERDICT_CASE_DAY_S,
                                     .source = "a test"};
    struct evidence_id id;
    struct fault f = {0};

    cr_assert_eq(evidence_put_answer(verdict_case.evidence, &answer, &id, &f), EVIDENCE_NEW, "%s",
                 f.note);
}

bool verdict_case_ask(void)
{
    struct verdict_answer *a = &verdict_case.answer;

    memset(a, 0xAA, sizeof(*a));
    verdict_ask_chain(&verdict_case.q, a, &verdict_case.why);
    cr_expect_gt(strlen(a->sentence), 0);
    cr_expect_lt(strlen(a->evidence), VERDICT_TEXT_MAX);
    cr_expect_eq(a->has_path, a->path.count >= 2);
    cr_expect(a->has_path || (!a->accepted && a->need_count == 0));
    cr_expect(a->accepted || !a->is_tolerated);
    return a->accepted;
}
