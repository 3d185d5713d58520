/*
 * NIST's Public Key Interoperability Test Suite, sections 4.1 to 4.13 and 4.16, through our own
 * path validation: the certificates of Debian's package python3-cryptography-vectors, the results
 * of the suite's document. What depends on CRLs alone is left out here.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/cert.h"
#include "certs/dn.h"
#include "certs/path.h"
#include "certs/pem.h"

enum {
    VALID,
    INVALID,
    NOT_HERE, /* valid, but with policy mapping or DSA, which are not supported: refused */
};

enum { CAS_MAX = 256, FILES_MAX = 512, NOW_S = 1322000000 }; /* in November 2011 */

static const char folder[] =
    "/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data/certs";

static const struct row {
    const char *number;
    const char *name;
    int result;
} rows[] = {
    /* clang-format off */
    {"4.1.1", "ValidCertificatePathTest1EE", VALID},
    {"4.1.2", "InvalidCASignatureTest2EE", INVALID},
    {"4.1.3", "InvalidEESignatureTest3EE", INVALID},
    {"4.1.4", "ValidDSASignaturesTest4EE", NOT_HERE},
    {"4.1.5", "ValidDSAParameterInheritanceTest5EE", NOT_HERE},
    {"4.1.6", "InvalidDSASignatureTest6EE", INVALID},
    {"4.2.1", "InvalidCAnotBeforeDateTest1EE", INVALID},
    {"4.2.2", "InvalidEEnotBeforeDateTest2EE", INVALID},
    {"4.2.3", "Validpre2000UTCnotBeforeDateTest3EE", VALID},
    {"4.2.4", "ValidGeneralizedTimenotBeforeDateTest4EE", VALID},
    {"4.2.5", "InvalidCAnotAfterDateTest5EE", INVALID},
    {"4.2.6", "InvalidEEnotAfterDateTest6EE", INVALID},
    {"4.2.7", "Invalidpre2000UTCEEnotAfterDateTest7EE", INVALID},
    {"4.2.8", "ValidGeneralizedTimenotAfterDateTest8EE", VALID},
    {"4.3.1", "InvalidNameChainingTest1EE", INVALID},
    {"4.3.2", "InvalidNameChainingOrderTest2EE", INVALID},
    {"4.3.3", "ValidNameChainingWhitespaceTest3EE", VALID},
    {"4.3.4", "ValidNameChainingWhitespaceTest4EE", VALID},
    {"4.3.5", "ValidNameChainingCapitalizationTest5EE", VALID},
    {"4.3.6", "ValidNameUIDsTest6EE", VALID},
    {"4.3.7", "ValidRFC3280MandatoryAttributeTypesTest7EE", VALID},
    {"4.3.8", "ValidRFC3280OptionalAttributeTypesTest8EE", VALID},
    {"4.3.9", "ValidUTF8StringEncodedNamesTest9EE", VALID},
    {"4.3.10", "ValidRolloverfromPrintableStringtoUTF8StringTest10EE", VALID},
    {"4.3.11", "ValidUTF8StringCaseInsensitiveMatchTest11EE", VALID},
    {"4.4.14", "ValidNegativeSerialNumberTest14EE", VALID},
    {"4.4.16", "ValidLongSerialNumberTest16EE", VALID},
    {"4.4.17", "ValidLongSerialNumberTest17EE", VALID},
    {"4.5.1", "ValidBasicSelfIssuedOldWithNewTest1EE", VALID},
    {"4.5.3", "ValidBasicSelfIssuedNewWithOldTest3EE", VALID},
    {"4.5.4", "ValidBasicSelfIssuedNewWithOldTest4EE", VALID},
    {"4.5.6", "ValidBasicSelfIssuedCRLSigningKeyTest6EE", VALID},
    {"4.5.8", "InvalidBasicSelfIssuedCRLSigningKeyTest8EE", INVALID},
    {"4.6.1", "InvalidMissingbasicConstraintsTest1EE", INVALID},
    {"4.6.2", "InvalidcAFalseTest2EE", INVALID},
    {"4.6.3", "InvalidcAFalseTest3EE", INVALID},
    {"4.6.4", "ValidbasicConstraintsNotCriticalTest4EE", VALID},
    {"4.6.5", "InvalidpathLenConstraintTest5EE", INVALID},
    {"4.6.6", "InvalidpathLenConstraintTest6EE", INVALID},
    {"4.6.7", "ValidpathLenConstraintTest7EE", VALID},
    {"4.6.8", "ValidpathLenConstraintTest8EE", VALID},
    {"4.6.9", "InvalidpathLenConstraintTest9EE", INVALID},
    {"4.6.10", "InvalidpathLenConstraintTest10EE", INVALID},
    {"4.6.11", "InvalidpathLenConstraintTest11EE", INVALID},
    {"4.6.12", "InvalidpathLenConstraintTest12EE", INVALID},
    {"4.6.13", "ValidpathLenConstraintTest13EE", VALID},
    {"4.6.14", "ValidpathLenConstraintTest14EE", VALID},
    {"4.6.15", "ValidSelfIssuedpathLenConstraintTest15EE", VALID},
    {"4.6.16", "InvalidSelfIssuedpathLenConstraintTest16EE", INVALID},
    {"4.6.17", "ValidSelfIssuedpathLenConstraintTest17EE", VALID},
    {"4.7.1", "InvalidkeyUsageCriticalkeyCertSignFalseTest1EE", INVALID},
    {"4.7.2", "InvalidkeyUsageNotCriticalkeyCertSignFalseTest2EE", INVALID},
    {"4.7.3", "ValidkeyUsageNotCriticalTest3EE", VALID},
    {"4.8.2", "AllCertificatesNoPoliciesTest2EE", VALID},
    {"4.8.3", "DifferentPoliciesTest3EE", VALID},
    {"4.8.4", "DifferentPoliciesTest4EE", INVALID},
    {"4.8.5", "DifferentPoliciesTest5EE", INVALID},
    {"4.8.6", "OverlappingPoliciesTest6EE", VALID},
    {"4.8.7", "DifferentPoliciesTest7EE", INVALID},
    {"4.8.8", "DifferentPoliciesTest8EE", INVALID},
    {"4.8.9", "DifferentPoliciesTest9EE", INVALID},
    {"4.8.10", "AllCertificatesSamePoliciesTest10EE", VALID},
    {"4.8.11", "AllCertificatesanyPolicyTest11EE", VALID},
    {"4.8.12", "DifferentPoliciesTest12EE", INVALID},
    {"4.8.13", "AllCertificatesSamePoliciesTest13EE", VALID},
    {"4.8.14", "AnyPolicyTest14EE", VALID},
    {"4.8.15", "UserNoticeQualifierTest15EE", VALID},
    {"4.8.16", "UserNoticeQualifierTest16EE", VALID},
    {"4.8.17", "UserNoticeQualifierTest17EE", VALID},
    {"4.8.18", "UserNoticeQualifierTest18EE", VALID},
    {"4.8.19", "UserNoticeQualifierTest19EE", VALID},
    {"4.8.20", "CPSPointerQualifierTest20EE", VALID},
    {"4.9.1", "ValidrequireExplicitPolicyTest1EE", VALID},
    {"4.9.2", "ValidrequireExplicitPolicyTest2EE", VALID},
    {"4.9.3", "InvalidrequireExplicitPolicyTest3EE", INVALID},
    {"4.9.4", "ValidrequireExplicitPolicyTest4EE", VALID},
    {"4.9.5", "InvalidrequireExplicitPolicyTest5EE", INVALID},
    {"4.9.6", "ValidSelfIssuedrequireExplicitPolicyTest6EE", VALID},
    {"4.9.7", "InvalidSelfIssuedrequireExplicitPolicyTest7EE", INVALID},
    {"4.9.8", "InvalidSelfIssuedrequireExplicitPolicyTest8EE", INVALID},
    {"4.10.1", "ValidPolicyMappingTest1EE", NOT_HERE},
    {"4.10.2", "InvalidPolicyMappingTest2EE", INVALID},
    {"4.10.3", "ValidPolicyMappingTest3EE", NOT_HERE},
    {"4.10.4", "InvalidPolicyMappingTest4EE", INVALID},
    {"4.10.5", "ValidPolicyMappingTest5EE", NOT_HERE},
    {"4.10.6", "ValidPolicyMappingTest6EE", NOT_HERE},
    {"4.10.7", "InvalidMappingFromanyPolicyTest7EE", INVALID},
    {"4.10.8", "InvalidMappingToanyPolicyTest8EE", INVALID},
    {"4.10.9", "ValidPolicyMappingTest9EE", NOT_HERE},
    {"4.10.10", "InvalidPolicyMappingTest10EE", INVALID},
    {"4.10.11", "ValidPolicyMappingTest11EE", NOT_HERE},
    {"4.10.12", "ValidPolicyMappingTest12EE", VALID},
    {"4.10.13", "ValidPolicyMappingTest13EE", VALID},
    {"4.10.14", "ValidPolicyMappingTest14EE", VALID},
    {"4.11.1", "InvalidinhibitPolicyMappingTest1EE", INVALID},
    {"4.11.2", "ValidinhibitPolicyMappingTest2EE", NOT_HERE},
    {"4.11.3", "InvalidinhibitPolicyMappingTest3EE", INVALID},
    {"4.11.4", "ValidinhibitPolicyMappingTest4EE", NOT_HERE},
    {"4.11.5", "InvalidinhibitPolicyMappingTest5EE", INVALID},
    {"4.11.6", "InvalidinhibitPolicyMappingTest6EE", INVALID},
    {"4.11.7", "ValidSelfIssuedinhibitPolicyMappingTest7EE", NOT_HERE},
    {"4.11.8", "InvalidSelfIssuedinhibitPolicyMappingTest8EE", INVALID},
    {"4.11.9", "InvalidSelfIssuedinhibitPolicyMappingTest9EE", INVALID},
    {"4.11.10", "InvalidSelfIssuedinhibitPolicyMappingTest10EE", INVALID},
    {"4.11.11", "InvalidSelfIssuedinhibitPolicyMappingTest11EE", INVALID},
    {"4.12.1", "InvalidinhibitAnyPolicyTest1EE", INVALID},
    {"4.12.2", "ValidinhibitAnyPolicyTest2EE", VALID},
    {"4.12.3", "inhibitAnyPolicyTest3EE", VALID},
    {"4.12.4", "InvalidinhibitAnyPolicyTest4EE", INVALID},
    {"4.12.5", "InvalidinhibitAnyPolicyTest5EE", INVALID},
    {"4.12.6", "InvalidinhibitAnyPolicyTest6EE", INVALID},
    {"4.12.7", "ValidSelfIssuedinhibitAnyPolicyTest7EE", VALID},
    {"4.12.8", "InvalidSelfIssuedinhibitAnyPolicyTest8EE", INVALID},
    {"4.12.9", "ValidSelfIssuedinhibitAnyPolicyTest9EE", VALID},
    {"4.12.10", "InvalidSelfIssuedinhibitAnyPolicyTest10EE", INVALID},
    {"4.13.1", "ValidDNnameConstraintsTest1EE", VALID},
    {"4.13.2", "InvalidDNnameConstraintsTest2EE", INVALID},
    {"4.13.3", "InvalidDNnameConstraintsTest3EE", INVALID},
    {"4.13.4", "ValidDNnameConstraintsTest4EE", VALID},
    {"4.13.5", "ValidDNnameConstraintsTest5EE", VALID},
    {"4.13.6", "ValidDNnameConstraintsTest6EE", VALID},
    {"4.13.7", "InvalidDNnameConstraintsTest7EE", INVALID},
    {"4.13.8", "InvalidDNnameConstraintsTest8EE", INVALID},
    {"4.13.9", "InvalidDNnameConstraintsTest9EE", INVALID},
    {"4.13.10", "InvalidDNnameConstraintsTest10EE", INVALID},
    {"4.13.11", "ValidDNnameConstraintsTest11EE", VALID},
    {"4.13.12", "InvalidDNnameConstraintsTest12EE", INVALID},
    {"4.13.13", "InvalidDNnameConstraintsTest13EE", INVALID},
    {"4.13.14", "ValidDNnameConstraintsTest14EE", VALID},
    {"4.13.15", "InvalidDNnameConstraintsTest15EE", INVALID},
    {"4.13.16", "InvalidDNnameConstraintsTest16EE", INVALID},
    {"4.13.17", "InvalidDNnameConstraintsTest17EE", INVALID},
    {"4.13.18", "ValidDNnameConstraintsTest18EE", VALID},
    {"4.13.19", "ValidDNnameConstraintsTest19EE", VALID},
    {"4.13.20", "InvalidDNnameConstraintsTest20EE", INVALID},
    {"4.13.21", "ValidRFC822nameConstraintsTest21EE", VALID},
    {"4.13.22", "InvalidRFC822nameConstraintsTest22EE", INVALID},
    {"4.13.23", "ValidRFC822nameConstraintsTest23EE", VALID},
    {"4.13.24", "InvalidRFC822nameConstraintsTest24EE", INVALID},
    {"4.13.25", "ValidRFC822nameConstraintsTest25EE", VALID},
    {"4.13.26", "InvalidRFC822nameConstraintsTest26EE", INVALID},
    {"4.13.27", "ValidDNandRFC822nameConstraintsTest27EE", VALID},
    {"4.13.28", "InvalidDNandRFC822nameConstraintsTest28EE", INVALID},
    {"4.13.29", "InvalidDNandRFC822nameConstraintsTest29EE", INVALID},
    {"4.13.30", "ValidDNSnameConstraintsTest30EE", VALID},
    {"4.13.31", "InvalidDNSnameConstraintsTest31EE", INVALID},
    {"4.13.32", "ValidDNSnameConstraintsTest32EE", VALID},
    {"4.13.33", "InvalidDNSnameConstraintsTest33EE", INVALID},
    {"4.13.34", "ValidURInameConstraintsTest34EE", VALID},
    {"4.13.35", "InvalidURInameConstraintsTest35EE", INVALID},
    {"4.13.36", "ValidURInameConstraintsTest36EE", VALID},
    {"4.13.37", "InvalidURInameConstraintsTest37EE", INVALID},
    {"4.13.38", "InvalidDNSnameConstraintsTest38EE", INVALID},
    {"4.16.1", "ValidUnknownNotCriticalCertificateExtensionTest1EE", VALID},
    {"4.16.2", "InvalidUnknownCriticalCertificateExtensionTest2EE", INVALID},
    /* clang-format on */
};

/* Section 4.8 with an initial policy set of one. */
static const struct policy_row {
    const char *number;
    const char *name;
    unsigned policy; /* NIST-test-policy-n */
    int result;
} policy_rows[] = {
    /* clang-format off */
    {"4.8.1", "ValidCertificatePathTest1EE", 1, VALID},
    {"4.8.1", "ValidCertificatePathTest1EE", 2, INVALID},
    {"4.8.2", "AllCertificatesNoPoliciesTest2EE", 1, INVALID},
    {"4.8.3", "DifferentPoliciesTest3EE", 1, INVALID},
    {"4.8.3", "DifferentPoliciesTest3EE", 2, INVALID},
    {"4.8.6", "OverlappingPoliciesTest6EE", 1, VALID},
    {"4.8.6", "OverlappingPoliciesTest6EE", 2, INVALID},
    {"4.8.10", "AllCertificatesSamePoliciesTest10EE", 1, VALID},
    {"4.8.10", "AllCertificatesSamePoliciesTest10EE", 2, VALID},
    {"4.8.11", "AllCertificatesanyPolicyTest11EE", 1, VALID},
    {"4.8.13", "AllCertificatesSamePoliciesTest13EE", 1, VALID},
    {"4.8.13", "AllCertificatesSamePoliciesTest13EE", 2, VALID},
    {"4.8.13", "AllCertificatesSamePoliciesTest13EE", 3, VALID},
    {"4.8.14", "AnyPolicyTest14EE", 1, VALID},
    {"4.8.14", "AnyPolicyTest14EE", 2, INVALID},
    /* clang-format on */
};

/* Files that are open until the end of the test. */
static struct pem_file files[FILES_MAX];
static size_t file_count;

/* Every CA certificate of the suite, without the anchor. */
static struct cert_view cas[CAS_MAX];
static size_t ca_count;
static struct span anchor;
static struct reasons why;

static struct span load(const char *name)
{
    struct pem_file file;
    struct fault f = {0};
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    cr_assert_eq(pem_file_read(path, &file, &f), 0, "%s", f.note);
    cr_assert_lt(file_count, FILES_MAX);
    files[file_count] = file;
    file_count++;
    return span_of(file.data, file.len);
}

static bool is_ca_file(const char *name)
{
    return strstr(name, ".crt") != NULL && strstr(name, "EE.crt") == NULL &&
           strcmp(name, "TrustAnchorRootCertificate.crt") != 0;
}

static void set_up(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;

    if (dir == NULL) {
        cr_skip_test("package python3-cryptography-vectors is not installed");
    }
    entry = readdir(dir);
    while (entry != NULL) {
        if (is_ca_file(entry->d_name)) {
            cr_assert_lt(ca_count, CAS_MAX);
            cr_assert(cert_view_read(load(entry->d_name), &cas[ca_count]), "%s", entry->d_name);
            ca_count++;
        }
        entry = readdir(dir);
    }
    (void)closedir(dir);
    anchor = load("TrustAnchorRootCertificate.crt");
}

static void tear_down(void)
{
    for (size_t i = 0; i < file_count; i++) {
        pem_file_free(&files[i]);
    }
}

static bool is_chosen(const struct span *pool, size_t count, struct span der)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(pool[i], der)) {
            return true;
        }
    }
    return false;
}

/* All CAs that may stand above the certificate, by their names. */
static size_t choose_pool(struct span leaf, struct span pool[PATH_POOL_MAX])
{
    struct cert_view view;
    size_t count = 0;
    size_t done = 0;

    cr_assert(cert_view_read(leaf, &view));
    for (;;) {
        for (size_t i = 0; i < ca_count; i++) {
            if (dn_equal(cas[i].subject, view.issuer) && !is_chosen(pool, count, cas[i].der)) {
                cr_assert_lt(count, PATH_POOL_MAX);
                pool[count] = cas[i].der;
                count++;
            }
        }
        if (done == count) {
            return count;
        }
        cr_assert(cert_view_read(pool[done], &view));
        done++;
    }
}

static bool validate(const char *name, struct span policy)
{
    char file[128];
    struct span pool[PATH_POOL_MAX];
    struct path_input in = {.pool = pool, .anchors = &anchor, .anchor_count = 1};
    struct path_settings settings = {
        .now_s = NOW_S, .purpose = PATH_ANY, .required_policy = policy};
    struct path found;

    (void)snprintf(file, sizeof(file), "%s.crt", name);
    in.leaf = load(file);
    in.pool_count = choose_pool(in.leaf, pool);
    why.count = 0;
    return path_validate(&in, &settings, &found, &why);
}

TestSuite(pkits, .init = set_up, .fini = tear_down);

Test(pkits, every_path_has_the_result_of_the_document)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_good = validate(rows[i].name, span_of(NULL, 0));
        cr_expect_eq(is_good, rows[i].result == VALID, "%s %s: %s", rows[i].number, rows[i].name,
                     is_good ? "accepted" : reasons_decision(&why));
    }
}

Test(pkits, policies_of_the_user_narrow)
{
    static uint8_t oid[] = {0x60, 0x86, 0x48, 1, 0x65, 3, 2, 1, 0x30, 1};

    for (size_t i = 0; i < sizeof(policy_rows) / sizeof(policy_rows[0]); i++) {
        const struct policy_row *r = &policy_rows[i];
        bool is_good;
        oid[sizeof(oid) - 1] = (uint8_t)r->policy;
        is_good = validate(r->name, span_of(oid, sizeof(oid)));
        cr_expect_eq(is_good, r->result == VALID, "%s policy %u: %s", r->number, r->policy,
                     is_good ? "accepted" : reasons_decision(&why));
    }
}
