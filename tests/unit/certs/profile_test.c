#include <criterion/criterion.h>

#include "certs/profile.h"
#include "tests/unit/certs/bench_path.h"

#define ROOT bench_path.root
#define CA   bench_path.ca
#define LEAF bench_path.leaf

TestSuite(profile, .init = bench_path_set_up);

/* Refused, but for whoever allows loose CAs, and for old suites. */
static void check_profile(const char *text)
{
    bench_path.settings.allows_loose_cas = false;
    bench_path.settings.purpose = PATH_SERVER;
    bench_path_refused(text);
    bench_path.settings.allows_loose_cas = true;
    bench_path_good();
    bench_path.settings.allows_loose_cas = false;
    bench_path.settings.purpose = PATH_ANY;
    bench_path_good();
}

Test(profile, serial_numbers)
{
    LEAF.serial = forge_hex("00");
    check_profile("zero");
    LEAF.serial = forge_hex("80");
    check_profile("negative");
    LEAF.serial = forge_hex("0102030405060708090A0B0C0D0E0F1011121314");
    bench_path_good();
    bench_path_set_up();
    LEAF.serial = forge_hex("0102030405060708090A0B0C0D0E0F101112131415");
    check_profile("longer than 20");
    bench_path_set_up();
    CA.serial = forge_hex("00");
    check_profile("zero");
    bench_path_set_up();
    ROOT.serial = forge_hex("00");
    bench_path_good();
}

Test(profile, dates_before_2050_are_utc_times)
{
    LEAF.until = "20491231235959Z";
    check_profile("UTCTime");
    LEAF.until = "20500101000000Z";
    bench_path_good();
    bench_path_set_up();
    CA.from = "20200101000000Z";
    check_profile("UTCTime");
    bench_path_set_up();
    ROOT.from = "20200101000000Z";
    bench_path_good();
}

Test(profile, key_identifiers_are_there)
{
    LEAF.leave_out = FORGE_NO_AKI;
    check_profile("no authorityKeyIdentifier");
    bench_path_set_up();
    LEAF.leave_out = FORGE_NO_SKI;
    bench_path_good();
    bench_path_set_up();
    CA.leave_out = FORGE_NO_AKI;
    check_profile("no authorityKeyIdentifier");
    bench_path_set_up();
    CA.leave_out = FORGE_NO_SKI;
    check_profile("the issuer has no subjectKeyIdentifier");
    bench_path_set_up();
    ROOT.leave_out = FORGE_NO_SKI;
    check_profile("the issuer has no subjectKeyIdentifier");
    bench_path_set_up();
    ROOT.leave_out = FORGE_NO_AKI;
    bench_path_good();
}

Test(profile, key_identifiers_come_in_pairs_or_not_at_all)
{
    LEAF.leave_out = FORGE_NO_AKI;
    CA.leave_out = FORGE_NO_SKI;
    bench_path_good();
    CA.leave_out = FORGE_NO_SKI | FORGE_NO_AKI;
    ROOT.leave_out = FORGE_NO_SKI | FORGE_NO_AKI;
    bench_path_good();
}

Test(profile, a_key_identifier_is_not_empty)
{
    struct forge *const certs[] = {&ROOT, &CA, &LEAF};

    for (size_t i = 0; i < 3; i++) {
        bench_path_set_up();
        certs[i]->leave_out = FORGE_NO_AKI;
        certs[i]->extra[0] = forge_extension("551D23", false, forge_hex("3000"));
        if (i < 2) {
            ROOT.leave_out |= i == 1 ? (unsigned)FORGE_NO_SKI : 0;
        } else {
            CA.leave_out |= FORGE_NO_SKI;
        }
        check_profile("no keyIdentifier");
    }
}

Test(profile, a_self_signed_anchor_names_its_own_key)
{
    ROOT.leave_out = FORGE_NO_AKI;
    ROOT.extra[0] = forge_extension("551D23", false, forge_hex("3006800455555501"));
    check_profile("the key identifiers of a self-signed CA differ");
    ROOT.extra[0] = forge_extension("551D23", false, forge_hex("3000"));
    check_profile("no keyIdentifier");
    ROOT.extra[0] = forge_extension(
        "551D23", false,
        FORGE_SEQUENCE(forge_hex("800455555500"),
                       forge_tlv(0xA1, forge_tlv(0xA4, forge_name("Root"))), forge_hex("820101")));
    check_profile("names an issuer");
}

Test(profile, what_must_not_be_critical)
{
    static const struct {
        const char *oid;
        const char *value;
        const char *text;
        unsigned leave_out;
    } rows[] = {
        {"551D23", "3006800455555501", "authorityKeyIdentifier is critical", FORGE_NO_AKI},
        {"551D0E", "040455555509", "subjectKeyIdentifier is critical", FORGE_NO_SKI},
        {"2B06010505070101", "300E300C06082B060105050730028200", "authorityInfoAccess is critical",
         0},
        {"551D2E", "30023000", "freshestCRL is critical", 0},
    };

    for (size_t i = 0; i < 4; i++) {
        bench_path_set_up();
        LEAF.leave_out = rows[i].leave_out;
        LEAF.extra[0] = forge_extension(rows[i].oid, true, forge_hex(rows[i].value));
        check_profile(rows[i].text);
    }
}

Test(profile, what_must_be_critical)
{
    CA.leave_out = FORGE_NO_BASIC;
    CA.extra[0] = forge_extension("551D13", false, forge_hex("30030101FF"));
    check_profile("basicConstraints of a CA are not critical");
    bench_path_set_up();
    CA.extra[0] = forge_extension(
        "551D1E", false,
        FORGE_SEQUENCE(forge_tlv(0xA0, forge_subtree(forge_text(0x82, "example")))));
    check_profile("nameConstraints are not critical");
    bench_path_set_up();
    CA.extra[0] = forge_extension("551D24", false, forge_hex("3003800103"));
    check_profile("policyConstraints are not critical");
    bench_path_set_up();
    CA.extra[0] = forge_extension("551D36", false, forge_hex("020100"));
    check_profile("inhibitAnyPolicy is not critical");
}

Test(profile, an_end_has_nothing_of_a_ca)
{
    LEAF.leave_out = FORGE_NO_USAGE;
    LEAF.extra[0] = forge_extension("551D0F", true, forge_hex("03020284"));
    check_profile("keyCertSign in a certificate that is no CA's");
    bench_path_set_up();
    LEAF.extra[0] = forge_extension("551D13", true, forge_hex("3003020100"));
    check_profile("a path length in a certificate that is no CA's");
    bench_path_set_up();
    LEAF.extra[0] = forge_constraints(forge_subtree(forge_text(0x82, "example")), span_of(NULL, 0));
    check_profile("nameConstraints in a certificate that is no CA's");
}

Test(profile, a_path_length_needs_the_right_to_sign)
{
    CA.path_len = 1;
    CA.leave_out = FORGE_NO_USAGE;
    CA.extra[0] = forge_extension("551D0F", true, forge_hex("03020102"));
    bench_path_refused("a path length without keyCertSign");
}

Test(profile, an_empty_subject_has_critical_names)
{
    LEAF.subject = NULL;
    check_profile("an empty subject without a critical subjectAltName");
    LEAF.leave_out = FORGE_NO_SAN;
    check_profile("an empty subject without a critical subjectAltName");
    LEAF.extra[0] = forge_extension("551D11", true,
                                    FORGE_SEQUENCE(forge_text(0x82, "pump.example")));
    bench_path_good();
    LEAF.subject = "pump";
    check_profile("subjectAltName is critical beside a subject");
}
