/* NIST PKITS, sections 4.4, 4.5, 4.14 and 4.15, as Debian's python3-cryptography-vectors ships it:
 * an independent set of certificates and CRLs. Each test gets all CRLs and all certificates as
 * evidence, like a gateway that trusts too many. Only revocation is judged here. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/cert.h"
#include "certs/crl.h"
#include "certs/dn.h"
#include "tests/unit/pages.h"

#define PKITS "/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data/"

enum { FILES_MAX = 512, FILE_MAX = 4096, PATH_MAX_CERTS = 4 };

static const int64_t now_s = INT64_C(1767225600); /* 2026-01-01 */

static uint8_t (*bytes)[FILE_MAX]; /* 2 * FILES_MAX of them */
static size_t file_count;
static struct span certs[FILES_MAX];
static size_t cert_count;
static struct crl *crls[FILES_MAX];
static size_t crl_count;

static struct span read_file(const char *folder, const char *name)
{
    char path[512];
    FILE *file;
    size_t len;

    if (bytes == NULL) {
        bytes = pages_take((size_t)2 * FILES_MAX * FILE_MAX);
    }
    cr_assert(file_count < 2 * FILES_MAX);
    (void)snprintf(path, sizeof(path), PKITS "%s/%s", folder, name);
    file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    len = fread(bytes[file_count], 1, FILE_MAX, file);
    (void)fclose(file);
    cr_assert(len > 0 && len < FILE_MAX, "%s", path);
    return span_of(bytes[file_count++], len);
}

/* All files of a folder; false when the package is not there. */
static bool load(const char *folder, bool is_crl)
{
    char path[512];
    DIR *dir;
    struct dirent *entry;

    (void)snprintf(path, sizeof(path), PKITS "%s", folder);
    dir = opendir(path);
    if (dir == NULL) {
        return false;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (is_crl) {
            struct crl *c = crl_new(read_file(folder, entry->d_name), NULL);
            crl_count += c != NULL ? 1 : 0;
            crls[crl_count - 1] = c != NULL ? c : crls[crl_count - 1];
        } else {
            certs[cert_count++] = read_file(folder, entry->d_name);
        }
    }
    (void)closedir(dir);
    return true;
}

static bool is_in(const struct crl_authority *a, struct span cert)
{
    for (size_t i = 0; i < a->path_count; i++) {
        if (span_equal(a->path[i], cert)) {
            return true;
        }
    }
    return false;
}

static bool is_good(struct span cert, const struct crl_authority *a, int depth);

static bool is_usable(const struct crl *c, const struct crl_authority *a, int depth)
{
    struct span signer;

    if (!crl_verify(c, a, &signer, 0, NULL)) {
        return false;
    }
    if (is_in(a, signer) || depth > 1) {
        return true;
    }
    /* Who signs CRLs without being of the path has a status, too: under any CA of the path. */
    for (size_t i = 0; i < a->path_count; i++) {
        struct crl_authority up = *a;
        struct cert_view view;
        struct cert_view issuer;
        up.path = &a->path[i];
        up.path_count = a->path_count - i;
        cr_assert(cert_view_read(signer, &view) && cert_view_read(up.path[0], &issuer));
        if (dn_equal(view.issuer, issuer.subject)) {
            return is_good(signer, &up, depth + 1);
        }
    }
    return false;
}

/* One base with every delta that may fit, worst wins; PART adds up. */
static bool is_good(struct span cert, const struct crl_authority *a, int depth)
{
    unsigned covered = 0;

    for (size_t i = 0; i < crl_count; i++) {
        struct crl_question q = {.cert = cert, .now_s = now_s};
        struct crl_evidence evidence;
        enum crl_answer answer;
        if (crl_is_delta(crls[i]) || !is_usable(crls[i], a, depth)) {
            continue;
        }
        for (size_t j = 0; j < crl_count; j++) {
            if (crl_is_delta(crls[j]) && crl_verify(crls[j], a, NULL, 0, NULL)) {
                q.delta = crls[j];
            }
        }
        answer = crl_ask(crls[i], &q, &evidence, NULL);
        if (answer == CRL_REVOKED) {
            return false;
        }
        if (answer == CRL_GOOD || answer == CRL_PART) {
            covered |= evidence.reasons;
        }
    }
    return covered == CRL_ALL_REASONS;
}

struct row {
    const char *leaf;
    const char *cas[PATH_MAX_CERTS]; /* from the leaf's issuer up, without the anchor */
    bool is_accepted;
};

static const struct row rows[] = {
#define ROW(accepted, leaf, ...)                                                                   \
    {                                                                                              \
        leaf, {__VA_ARGS__}, accepted                                                              \
    }
    ROW(false, "InvalidMissingCRLTest1EE", "NoCRLCACert"),
    ROW(false, "InvalidRevokedCATest2EE", "RevokedsubCACert", "GoodCACert"),
    ROW(false, "InvalidRevokedEETest3EE", "GoodCACert"),
    ROW(false, "InvalidBadCRLSignatureTest4EE", "BadCRLSignatureCACert"),
    ROW(false, "InvalidBadCRLIssuerNameTest5EE", "BadCRLIssuerNameCACert"),
    ROW(false, "InvalidWrongCRLTest6EE", "WrongCRLCACert"),
    ROW(true, "ValidTwoCRLsTest7EE", "TwoCRLsCACert"),
    ROW(false, "InvalidUnknownCRLEntryExtensionTest8EE", "UnknownCRLEntryExtensionCACert"),
    ROW(false, "InvalidUnknownCRLExtensionTest9EE", "UnknownCRLExtensionCACert"),
    ROW(false, "InvalidUnknownCRLExtensionTest10EE", "UnknownCRLExtensionCACert"),
    ROW(false, "InvalidOldCRLnextUpdateTest11EE", "OldCRLnextUpdateCACert"),
    ROW(false, "Invalidpre2000CRLnextUpdateTest12EE", "pre2000CRLnextUpdateCACert"),
    ROW(true, "ValidGeneralizedTimeCRLnextUpdateTest13EE", "GeneralizedTimeCRLnextUpdateCACert"),
    ROW(true, "ValidNegativeSerialNumberTest14EE", "NegativeSerialNumberCACert"),
    ROW(false, "InvalidNegativeSerialNumberTest15EE", "NegativeSerialNumberCACert"),
    ROW(true, "ValidLongSerialNumberTest16EE", "LongSerialNumberCACert"),
    ROW(true, "ValidLongSerialNumberTest17EE", "LongSerialNumberCACert"),
    ROW(false, "InvalidLongSerialNumberTest18EE", "LongSerialNumberCACert"),
    ROW(true, "ValidSeparateCertificateandCRLKeysTest19EE",
        "SeparateCertificateandCRLKeysCertificateSigningCACert"),
    ROW(false, "InvalidSeparateCertificateandCRLKeysTest20EE",
        "SeparateCertificateandCRLKeysCertificateSigningCACert"),
    ROW(false, "InvalidSeparateCertificateandCRLKeysTest21EE",
        "SeparateCertificateandCRLKeysCA2CertificateSigningCACert"),
    ROW(true, "ValidBasicSelfIssuedOldWithNewTest1EE", "BasicSelfIssuedNewKeyOldWithNewCACert",
        "BasicSelfIssuedNewKeyCACert"),
    ROW(false, "InvalidBasicSelfIssuedOldWithNewTest2EE", "BasicSelfIssuedNewKeyOldWithNewCACert",
        "BasicSelfIssuedNewKeyCACert"),
    ROW(true, "ValidBasicSelfIssuedNewWithOldTest3EE", "BasicSelfIssuedOldKeyNewWithOldCACert",
        "BasicSelfIssuedOldKeyCACert"),
    ROW(true, "ValidBasicSelfIssuedNewWithOldTest4EE", "BasicSelfIssuedOldKeyNewWithOldCACert",
        "BasicSelfIssuedOldKeyCACert"),
    ROW(false, "InvalidBasicSelfIssuedNewWithOldTest5EE", "BasicSelfIssuedOldKeyNewWithOldCACert",
        "BasicSelfIssuedOldKeyCACert"),
    ROW(true, "ValidBasicSelfIssuedCRLSigningKeyTest6EE", "BasicSelfIssuedCRLSigningKeyCACert"),
    ROW(false, "InvalidBasicSelfIssuedCRLSigningKeyTest7EE", "BasicSelfIssuedCRLSigningKeyCACert"),
    ROW(false, "InvalidkeyUsageCriticalcRLSignFalseTest4EE", "keyUsageCriticalcRLSignFalseCACert"),
    ROW(false, "InvalidkeyUsageNotCriticalcRLSignFalseTest5EE",
        "keyUsageNotCriticalcRLSignFalseCACert"),
    ROW(true, "ValiddistributionPointTest1EE", "distributionPoint1CACert"),
    ROW(false, "InvaliddistributionPointTest2EE", "distributionPoint1CACert"),
    ROW(false, "InvaliddistributionPointTest3EE", "distributionPoint1CACert"),
    ROW(true, "ValiddistributionPointTest4EE", "distributionPoint1CACert"),
    ROW(true, "ValiddistributionPointTest5EE", "distributionPoint2CACert"),
    ROW(false, "InvaliddistributionPointTest6EE", "distributionPoint2CACert"),
    ROW(true, "ValiddistributionPointTest7EE", "distributionPoint2CACert"),
    ROW(false, "InvaliddistributionPointTest8EE", "distributionPoint2CACert"),
    ROW(false, "InvaliddistributionPointTest9EE", "distributionPoint2CACert"),
    ROW(true, "ValidNoissuingDistributionPointTest10EE", "NoissuingDistributionPointCACert"),
    ROW(false, "InvalidonlyContainsUserCertsTest11EE", "onlyContainsUserCertsCACert"),
    ROW(false, "InvalidonlyContainsCACertsTest12EE", "onlyContainsCACertsCACert"),
    ROW(true, "ValidonlyContainsCACertsTest13EE", "onlyContainsCACertsCACert"),
    ROW(false, "InvalidonlyContainsAttributeCertsTest14EE", "onlyContainsAttributeCertsCACert"),
    ROW(false, "InvalidonlySomeReasonsTest15EE", "onlySomeReasonsCA1Cert"),
    ROW(false, "InvalidonlySomeReasonsTest16EE", "onlySomeReasonsCA1Cert"),
    ROW(false, "InvalidonlySomeReasonsTest17EE", "onlySomeReasonsCA2Cert"),
    ROW(true, "ValidonlySomeReasonsTest18EE", "onlySomeReasonsCA3Cert"),
    ROW(true, "ValidonlySomeReasonsTest19EE", "onlySomeReasonsCA4Cert"),
    ROW(false, "InvalidonlySomeReasonsTest20EE", "onlySomeReasonsCA4Cert"),
    ROW(false, "InvalidonlySomeReasonsTest21EE", "onlySomeReasonsCA4Cert"),
    ROW(true, "ValidIDPwithindirectCRLTest22EE", "indirectCRLCA1Cert"),
    ROW(false, "InvalidIDPwithindirectCRLTest23EE", "indirectCRLCA1Cert"),
    ROW(true, "ValidIDPwithindirectCRLTest24EE", "indirectCRLCA2Cert"),
    ROW(true, "ValidIDPwithindirectCRLTest25EE", "indirectCRLCA2Cert"),
    ROW(false, "InvalidIDPwithindirectCRLTest26EE", "indirectCRLCA2Cert"),
    ROW(false, "InvalidcRLIssuerTest27EE", "indirectCRLCA2Cert"),
    ROW(true, "ValidcRLIssuerTest28EE", "indirectCRLCA3Cert"),
    ROW(true, "ValidcRLIssuerTest29EE", "indirectCRLCA3Cert"),
    ROW(true, "ValidcRLIssuerTest30EE", "indirectCRLCA4Cert"),
    ROW(false, "InvalidcRLIssuerTest31EE", "indirectCRLCA6Cert"),
    ROW(false, "InvalidcRLIssuerTest32EE", "indirectCRLCA6Cert"),
    ROW(true, "ValidcRLIssuerTest33EE", "indirectCRLCA6Cert"),
    ROW(false, "InvalidcRLIssuerTest34EE", "indirectCRLCA5Cert"),
    ROW(false, "InvalidcRLIssuerTest35EE", "indirectCRLCA5Cert"),
    ROW(false, "InvaliddeltaCRLIndicatorNoBaseTest1EE", "deltaCRLIndicatorNoBaseCACert"),
    ROW(true, "ValiddeltaCRLTest2EE", "deltaCRLCA1Cert"),
    ROW(false, "InvaliddeltaCRLTest3EE", "deltaCRLCA1Cert"),
    ROW(false, "InvaliddeltaCRLTest4EE", "deltaCRLCA1Cert"),
    ROW(true, "ValiddeltaCRLTest5EE", "deltaCRLCA1Cert"),
    ROW(false, "InvaliddeltaCRLTest6EE", "deltaCRLCA1Cert"),
    ROW(true, "ValiddeltaCRLTest7EE", "deltaCRLCA1Cert"),
    ROW(true, "ValiddeltaCRLTest8EE", "deltaCRLCA2Cert"),
    ROW(false, "InvaliddeltaCRLTest9EE", "deltaCRLCA2Cert"),
    ROW(false, "InvaliddeltaCRLTest10EE", "deltaCRLCA3Cert"),
};

static struct span named(const char *name)
{
    char file[128];

    (void)snprintf(file, sizeof(file), "%s.crt", name);
    return read_file("certs", file);
}

Test(crl_pkits, judges_every_path_as_the_suite_says, .timeout = 120)
{
    unsigned wrong = 0;

    if (!load("certs", false) || !load("crls", true)) {
        cr_skip_test("python3-cryptography-vectors is not installed");
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span path[PATH_MAX_CERTS + 2];
        size_t count = 0;
        bool is_accepted = true;
        path[count++] = named(rows[i].leaf);
        for (size_t j = 0; j < PATH_MAX_CERTS && rows[i].cas[j] != NULL; j++) {
            path[count++] = named(rows[i].cas[j]);
        }
        path[count++] = named("TrustAnchorRootCertificate");
        for (size_t j = 0; j + 1 < count; j++) {
            struct crl_authority a = {.path = &path[j + 1],
                                      .path_count = count - j - 1,
                                      .signers = certs,
                                      .signer_count = cert_count,
                                      .now_s = now_s,
                                      .is_strict = true};
            is_accepted = is_accepted && is_good(path[j], &a, 0);
        }
        if (is_accepted != rows[i].is_accepted) {
            cr_log_error("%s: %s", rows[i].leaf, is_accepted ? "accepted" : "refused");
            wrong++;
        }
    }
    cr_assert_eq(wrong, 0, "%u paths judged wrongly", wrong);
}
