#include <time.h>

#include <criterion/criterion.h>

#include "certs/path_check.h"
#include "certs/signature.h"
#include "tests/unit/certs/bench_path.h"
#include "tests/unit/certs/pair.h"

#define ROOT     bench_path.root
#define CA       bench_path.ca
#define LEAF     bench_path.leaf
#define SETTINGS bench_path.settings

TestSuite(path_check, .init = bench_path_set_up);

Test(path_check, a_plain_path_is_good)
{
    bench_path_good();
    SETTINGS.purpose = PATH_ANY;
    bench_path_good();
}

Test(path_check, both_ends_of_the_time_are_inside)
{
    struct forge *const certs[] = {&ROOT, &CA, &LEAF};

    for (size_t i = 0; i < 3; i++) {
        bench_path_set_up();
        certs[i]->from = "231114221320Z"; /* BENCH_PATH_NOW_S */
        certs[i]->until = "231114221320Z";
        bench_path_good();
        SETTINGS.now_s = BENCH_PATH_NOW_S - 1;
        bench_path_refused("not valid yet");
        SETTINGS.now_s = BENCH_PATH_NOW_S + 1;
        bench_path_refused("has expired");
    }
}

Test(path_check, an_issuer_is_a_ca)
{
    CA.leave_out = FORGE_NO_BASIC;
    SETTINGS.allows_loose_cas = true;
    bench_path_refused("no CA (basicConstraints)");
    bench_path_set_up();
    ROOT.leave_out = FORGE_NO_BASIC;
    SETTINGS.purpose = PATH_ANY;
    bench_path_refused("no CA (basicConstraints)");
}

Test(path_check, an_issuer_says_so_with_ca_true)
{
    CA.leave_out = FORGE_NO_BASIC;
    CA.extra[0] = forge_extension("551D13", true, forge_hex("3000"));
    SETTINGS.allows_loose_cas = true;
    bench_path_refused("no CA (basicConstraints)");
}

Test(path_check, an_issuer_may_sign_certificates)
{
    CA.leave_out = FORGE_NO_USAGE;
    bench_path_good();
    CA.extra[0] = forge_extension("551D0F", true, forge_hex("03020102")); /* cRLSign */
    bench_path_refused("may not sign certificates");
    bench_path_set_up();
    ROOT.leave_out = FORGE_NO_USAGE;
    ROOT.extra[0] = forge_extension("551D0F", true, forge_hex("03020780"));
    bench_path_refused("may not sign certificates");
}

Test(path_check, a_ca_is_of_version_3)
{
    CA.version = 1;
    CA.leave_out = FORGE_NOTHING;
    SETTINGS.purpose = PATH_ANY;
    bench_path_refused("not of version 3");
    bench_path_set_up();
    ROOT.version = 1;
    ROOT.leave_out = FORGE_NOTHING;
    SETTINGS.purpose = PATH_ANY;
    bench_path_refused("not of version 3");
}

Test(path_check, a_leaf_of_version_1_is_for_old_suites)
{
    LEAF.version = 1;
    LEAF.leave_out = FORGE_NOTHING;
    bench_path_refused("not of version 3");
    SETTINGS.purpose = PATH_ANY;
    bench_path_good();
}

Test(path_check, path_length_counts_the_cas_between)
{
    CA.path_len = 1; /* 0 */
    bench_path_good();
    ROOT.path_len = 2; /* 1 */
    bench_path_good();
    ROOT.path_len = 1; /* 0 */
    bench_path_refused("path length");
}

/* A CA that gave itself a new key does not count. */
Test(path_check, path_length_passes_over_self_issued_cas)
{
    ROOT.path_len = 1;
    CA.subject = "Root";
    LEAF.issuer = "Root";
    bench_path_good();
}

Test(path_check, usage_fits_the_purpose)
{
    SETTINGS.purpose = PATH_CLIENT;
    bench_path_refused("does not allow clientAuth");
    LEAF.leave_out = FORGE_NO_EKU;
    bench_path_good();
    LEAF.extra[0] = forge_extension("551D25", true, forge_hex("300A06082B06010505070302"));
    bench_path_good();
    SETTINGS.purpose = PATH_SERVER;
    bench_path_refused("does not allow serverAuth");
    SETTINGS.purpose = PATH_ANY;
    bench_path_good();
}

Test(path_check, any_usage_is_any)
{
    LEAF.leave_out = FORGE_NO_EKU;
    LEAF.extra[0] = forge_extension("551D25", false, forge_hex("30060604551D2500"));
    bench_path_good();
}

Test(path_check, usage_of_a_ca_binds_what_is_below)
{
    struct forge *const cas[] = {&ROOT, &CA};

    for (size_t i = 0; i < 2; i++) {
        bench_path_set_up();
        cas[i]->extra[0] = forge_extension("551D25", false, forge_hex("300A06082B06010505070302"));
        bench_path_refused("does not allow serverAuth");
        cas[i]->extra[0] = forge_extension("551D25", false, forge_hex("30060604551D2500"));
        bench_path_good();
        cas[i]->extra[0] = forge_extension("551D25", false, forge_hex("300A06082B06010505070301"));
        bench_path_good();
    }
}

Test(path_check, a_leaf_signs_its_handshake)
{
    LEAF.leave_out = FORGE_NO_USAGE;
    bench_path_good();
    LEAF.extra[0] = forge_extension("551D0F", true, forge_hex("03020520"));
    bench_path_refused("does not allow digitalSignature");
    SETTINGS.purpose = PATH_ANY;
    bench_path_good();
}

/* 551D25: extendedKeyUsage; 551D0F: keyUsage. */
Test(path_check, a_required_purpose_is_named_by_the_leaf)
{
    static const char *const roles[] = {"300A06082B06010505070301", "300A06082B06010505070302"};
    static const char *const wrong[] = {"does not name serverAuth", "does not name clientAuth"};

    for (size_t i = 0; i < 2; i++) {
        bench_path_set_up();
        SETTINGS.purpose = i == 0 ? PATH_SERVER : PATH_CLIENT;
        LEAF.leave_out = FORGE_NO_EKU;
        bench_path_good();
        SETTINGS.requires_eku = true;
        bench_path_refused(wrong[i]);
        LEAF.extra[0] = forge_extension("551D25", false, forge_hex("30060604551D2500")); /* any */
        bench_path_refused(wrong[i]);
        LEAF.extra[0] = forge_extension("551D25", false, forge_hex(roles[1 - i]));
        bench_path_refused(i == 0 ? "does not allow serverAuth" : "does not allow clientAuth");
        LEAF.extra[0] = forge_extension("551D25", false, forge_hex(roles[i]));
        bench_path_good();
    }
}

Test(path_check, a_required_purpose_comes_with_a_key_usage)
{
    SETTINGS.requires_eku = true;
    bench_path_good();
    LEAF.leave_out = FORGE_NO_USAGE;
    bench_path_refused("no keyUsage with digitalSignature");
    LEAF.extra[0] = forge_extension("551D0F", true, forge_hex("03020520"));
    bench_path_refused("does not allow digitalSignature");
    LEAF.extra[0] = forge_extension("551D0F", true, forge_hex("03020780"));
    bench_path_good();
}

Test(path_check, a_required_purpose_is_not_asked_of_cas_or_old_suites)
{
    SETTINGS.requires_eku = true;
    CA.extra[0] = forge_extension("551D25", false, forge_hex("30060604551D2500"));
    bench_path_good();
    LEAF.leave_out = FORGE_NO_EKU | FORGE_NO_USAGE;
    SETTINGS.purpose = PATH_ANY;
    bench_path_good();
}

Test(path_check, a_ca_is_no_peer)
{
    LEAF.is_ca = true;
    LEAF.leave_out = FORGE_NO_USAGE;
    bench_path_refused("a CA's certificate is no peer's certificate");
    SETTINGS.purpose = PATH_ANY;
    bench_path_good();
}

Test(path_check, loose_cas_may_be_allowed)
{
    ROOT.leave_out = FORGE_NO_SKI;
    bench_path_refused("the issuer has no subjectKeyIdentifier");
    SETTINGS.allows_loose_cas = true;
    bench_path_good();
    SETTINGS.allows_loose_cas = false;
    SETTINGS.purpose = PATH_ANY;
    bench_path_good();
}

Test(path_check, a_defect_is_one_for_every_purpose)
{
    struct forge *const certs[] = {&ROOT, &CA, &LEAF};

    static const enum path_purpose purposes[] = {PATH_SERVER, PATH_CLIENT, PATH_ANY};

    for (size_t i = 0; i < 9; i++) {
        bench_path_set_up();
        SETTINGS.purpose = purposes[i / 3];
        SETTINGS.allows_loose_cas = true;
        certs[i % 3]->extra[0] = forge_extension("2A0304", true, forge_hex("0500"));
        bench_path_refused("an unknown critical extension");
    }
}

Test(path_check, unknown_extensions_that_are_not_critical_are_fine)
{
    ROOT.extra[0] = CA.extra[0] = LEAF.extra[0] = forge_extension("2A0304", false,
                                                                  forge_hex("0500"));
    bench_path_good();
}

Test(path_check, constraints_of_the_anchor_and_of_cas_bind)
{
    struct forge *const cas[] = {&ROOT, &CA};
    struct span none = span_of(NULL, 0);

    for (size_t i = 0; i < 2; i++) {
        bench_path_set_up();
        cas[i]->extra[0] = forge_constraints(forge_subtree(forge_text(0x82, "hospital.example")),
                                             none);
        bench_path_refused("outside of the permitted");
        cas[i]->extra[0] = forge_constraints(forge_subtree(forge_text(0x82, "example")), none);
        bench_path_good();
        cas[i]->extra[0] = forge_constraints(none, forge_subtree(forge_text(0x82, "pump.example")));
        bench_path_refused("excluded");
    }
}

Test(path_check, constraints_narrow_and_never_widen)
{
    struct span none = span_of(NULL, 0);

    ROOT.extra[0] = forge_constraints(forge_subtree(forge_text(0x82, "a.example")), none);
    CA.extra[0] = forge_constraints(forge_subtree(forge_text(0x82, "example")), none);
    bench_path_refused("outside of the permitted");
}

Test(path_check, constraints_bind_names_of_cas_below)
{
    CA.extra[0] = forge_san(forge_text(0x82, "evil.example"));
    bench_path_good();
    ROOT.extra[0] = forge_constraints(forge_subtree(forge_text(0x82, "pump.example")),
                                      span_of(NULL, 0));
    bench_path_refused("outside of the permitted");
}

Test(path_check, constraints_pass_over_self_issued_cas_but_not_the_leaf)
{
    ROOT.extra[0] = forge_constraints(forge_subtree(forge_text(0x82, "pump.example")),
                                      span_of(NULL, 0));
    CA.subject = "Root";
    CA.extra[0] = forge_san(forge_text(0x82, "evil.example"));
    LEAF.issuer = "Root";
    bench_path_good();
    LEAF.subject = "Root";
    LEAF.leave_out = FORGE_NO_SAN;
    LEAF.extra[0] = forge_san(forge_text(0x82, "evil.example"));
    bench_path_refused("outside of the permitted");
}

Test(path_check, a_required_policy_holds_for_every_certificate)
{
    struct span carries = forge_extension("551D20", false, forge_hex("3006300406022A03"));

    SETTINGS.required_policy = forge_hex("2A03");
    bench_path_refused("the required policy");
    LEAF.extra[0] = carries;
    bench_path_refused("the required policy");
    CA.extra[0] = carries;
    bench_path_good();
    SETTINGS.required_policy = forge_hex("2A04");
    bench_path_refused("the required policy");
    CA.extra[0] = forge_extension("551D20", false, forge_hex("300830060604551D2000"));
    SETTINGS.required_policy = forge_hex("2A03");
    bench_path_good();
}

Test(path_check, an_explicit_policy_that_a_ca_demands_must_be_there)
{
    CA.extra[0] = forge_extension("551D24", true, forge_hex("3003800100"));
    bench_path_refused("an explicit policy is required");
    LEAF.extra[0] = forge_extension("551D20", false, forge_hex("3006300406022A03"));
    bench_path_refused("an explicit policy is required");
    CA.extra[1] = LEAF.extra[0];
    bench_path_good();
}

Test(path_check, the_anchor_may_demand_an_explicit_policy)
{
    ROOT.extra[0] = forge_extension("551D24", true, forge_hex("3003800100"));
    bench_path_refused("an explicit policy is required");
}

/* Certificates of build/pki under its root. */
static bool validate_file(const char *name, enum path_purpose purpose, unsigned allows)
{
    struct pem_block root = pair_certificate("root");
    struct pem_block leaf = pair_certificate(name);
    struct span anchor = span_of(root.der, root.len);
    struct path_input in = {
        .leaf = span_of(leaf.der, leaf.len), .anchors = &anchor, .anchor_count = 1};
    struct path_settings settings = {.now_s = (int64_t)time(NULL),
                                     .purpose = purpose,
                                     .allows = allows,
                                     .allows_loose_cas = true};
    bool is_good;

    bench_path.why.count = 0;
    is_good = path_validate(&in, &settings, &bench_path.found, &bench_path.why);
    pem_block_free(&root);
    pem_block_free(&leaf);
    return is_good;
}

Test(path_check, weak_algorithms_are_for_old_suites)
{
    static const char *const names[] = {"hl7-sha1", "weak-rsa"};

    cr_assert(validate_file("hl7", PATH_SERVER, 0));
    for (size_t i = 0; i < 2; i++) {
        cr_assert_not(validate_file(names[i], PATH_SERVER, 0), "%s", names[i]);
        cr_assert_str_eq(reasons_decision(&bench_path.why),
                         i == 0 ? "it is signed with a weak hash"
                                : "the key is too weak or of an unknown kind");
        cr_assert(validate_file(names[i], PATH_ANY, 0), "%s", names[i]);
    }
    cr_assert_not(validate_file("weak-ec", PATH_SERVER, 0), "P-224");
}

Test(path_check, each_weakness_is_let_in_by_its_own_name_only)
{
    cr_assert(validate_file("weak-rsa", PATH_SERVER, SIGNATURE_ALLOWS_RSA_1024));
    cr_assert_not(validate_file("weak-rsa", PATH_SERVER, SIGNATURE_ALLOWS_SHA1));
    cr_assert(validate_file("hl7-sha1", PATH_SERVER, SIGNATURE_ALLOWS_SHA1));
    cr_assert_not(validate_file("hl7-sha1", PATH_SERVER, SIGNATURE_ALLOWS_RSA_1024));
    cr_assert_not(
        validate_file("weak-ec", PATH_SERVER, SIGNATURE_ALLOWS_RSA_1024 | SIGNATURE_ALLOWS_SHA1));
}

Test(path_check, time_is_the_reason_only_when_it_decides)
{
    struct reasons *why = &bench_path.why;

    why->count = 0;
    cr_expect_eq(path_time_of(why), PATH_TIME_FITS);
    cr_expect_eq(path_time_of(NULL), PATH_TIME_FITS);
    reasons_add(why, REASONS_NOTE, 0, "the certificate has expired", NULL);
    cr_expect_eq(path_time_of(why), PATH_TIME_FITS);
    reasons_refuse(why, REASONS_AHEAD, 0, "any words");
    cr_expect_eq(path_time_of(why), PATH_TIME_AHEAD);
    reasons_refuse(why, REASONS_OVER, 0, "the first one decides");
    cr_expect_eq(path_time_of(why), PATH_TIME_AHEAD);
    why->count = 0;
    reasons_refuse(why, REASONS_OVER, 0, "any words");
    cr_expect_eq(path_time_of(why), PATH_TIME_OVER);
    why->count = 0;
    reasons_add(why, REASONS_REFUSE, 0, "the certificate has expired", NULL);
    cr_expect_eq(path_time_of(why), PATH_TIME_FITS, "words are for people");
}
