#include <string.h>

#include <criterion/criterion.h>

#include "certs/chain_cert.h"
#include "tests/unit/certs/forge.h"

static struct chain_cert cert;

static const char *defect_of(const struct forge *recipe)
{
    cr_assert(chain_cert_read(forge_cert(recipe), &cert));
    return cert.defect;
}

static void expect(const struct forge *recipe, const char *text)
{
    const char *defect = defect_of(recipe);

    cr_assert_not_null(defect, "%s", text);
    cr_assert_not_null(strstr(defect, text), "%s; got %s", text, defect);
}

Test(chain_cert, reads_a_ca)
{
    struct forge recipe = {.subject = "CA",
                           .issuer = "Root",
                           .key = 1,
                           .is_ca = true,
                           .path_len = 3,
                           .until = "20600101000000Z"};

    cr_assert_null(defect_of(&recipe));
    cr_assert_eq(cert.version, 3);
    cr_assert(cert.view.is_ca && cert.has_path_len && cert.path_len == 2);
    cr_assert(chain_cert_has(&cert, CHAIN_BASIC_CONSTRAINTS));
    cr_assert(chain_cert_has_critical(&cert, CHAIN_BASIC_CONSTRAINTS));
    cr_assert(chain_cert_has(&cert, CHAIN_SUBJECT_KEY));
    cr_assert_not(chain_cert_has_critical(&cert, CHAIN_SUBJECT_KEY));
    cr_assert_not(chain_cert_has(&cert, CHAIN_NAME_CONSTRAINTS));
    cr_assert(span_equal(cert.subject_key, forge_hex("55555501")));
    cr_assert(span_equal(cert.authority_key, forge_hex("55555500")));
    cr_assert_not(chain_cert_is_self_issued(&cert));
    cr_assert_not(cert.is_old_time_general);
    cr_assert(cert.policies.require_explicit == POLICIES_NONE &&
              cert.policies.inhibit_any == POLICIES_NONE);
}

Test(chain_cert, the_signed_part_and_the_signature_are_whole)
{
    struct forge recipe = {.subject = "Root", .issuer = "Root", .is_ca = true};
    struct span der = forge_cert(&recipe);

    cr_assert(chain_cert_read(der, &cert));
    cr_assert(chain_cert_is_self_issued(&cert));
    cr_assert(cert.tbs.data == der.data + (der.len > 0xFF ? 4 : 3));
    cr_assert(cert.signature.data + cert.signature.len == der.data + der.len);
}

Test(chain_cert, two_signature_algorithms_are_a_defect)
{
    expect(&(struct forge){.subject = "a",
                           .issuer = "b",
                           .inner = forge_hex("300A06082A8648CE3D040303")},
           "differs inside and outside");
}

Test(chain_cert, names_are_there_and_readable)
{
    expect(&(struct forge){.subject = "a"}, "the issuer's name is empty");
    expect(&(struct forge){.issuer = "b", .is_ca = true}, "a CA without a name");
    cr_assert_null(defect_of(&(struct forge){.issuer = "b"}));
    expect(&(struct forge){.issuer = "b", .subject_der = forge_hex("30023100")},
           "a name cannot be read");
}

Test(chain_cert, old_versions_have_no_new_fields)
{
    struct forge recipe = {.subject = "a", .issuer = "b", .version = 2};

    expect(&recipe, "not of version 3");
    recipe.leave_out = FORGE_NOTHING;
    cr_assert_null(defect_of(&recipe));
    cr_assert_eq(cert.version, 2);
    recipe.ids = forge_hex("81020055");
    cr_assert_null(defect_of(&recipe));
    recipe.version = 1;
    expect(&recipe, "unique identifiers");
    recipe.ids = span_of(NULL, 0);
    cr_assert_null(defect_of(&recipe));
    cr_assert_eq(cert.version, 1);
    recipe.version = 3;
    recipe.ids = forge_hex("81020055");
    cr_assert_null(defect_of(&recipe));
}

Test(chain_cert, old_dates_in_the_new_form_are_known)
{
    cr_assert_null(
        defect_of(&(struct forge){.subject = "a", .issuer = "b", .from = "20200101000000Z"}));
    cr_assert(cert.is_old_time_general);
    cr_assert_null(
        defect_of(&(struct forge){.subject = "a", .issuer = "b", .until = "20491231235959Z"}));
    cr_assert(cert.is_old_time_general);
}

Test(chain_cert, refuses_every_cut_and_more_bytes)
{
    struct forge recipe = {.subject = "a", .issuer = "b"};
    struct span whole = forge_cert(&recipe);
    struct span longer = FORGE_JOIN(whole, forge_hex("00"));

    cert.version = 99;
    for (size_t len = 0; len < whole.len; len++) {
        cr_assert_not(chain_cert_read(span_first(whole, len), &cert), "%zu", len);
    }
    cr_assert_not(chain_cert_read(longer, &cert));
    cr_assert_eq(cert.version, 99, "the output is untouched");
}

/* [0] EXPLICIT INTEGER 0 (a default, not DER) and 3. */
Test(chain_cert, refuses_unknown_versions)
{
    struct span whole = forge_cert(&(struct forge){.subject = "a", .issuer = "b"});
    uint8_t bytes[1024];
    static const uint8_t numbers[] = {0, 3, 0x80};

    cr_assert(whole.len <= sizeof(bytes));
    memcpy(bytes, whole.data, whole.len);
    cr_assert(bytes[8] == 0xA0 && bytes[12] == 2);
    for (size_t i = 0; i < 3; i++) {
        bytes[12] = numbers[i];
        cr_assert_not(chain_cert_read(span_of(bytes, whole.len), &cert), "%u", numbers[i]);
    }
}
