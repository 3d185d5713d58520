#include <string.h>

#include <criterion/criterion.h>

#include "certs/chain_extension.h"
#include "tests/unit/certs/forge.h"

static struct chain_cert cert;

/* A list of extensions; NULL when it is fine. */
static const char *read_list(struct span list)
{
    cert = (struct chain_cert){.version = 3};
    return chain_extension_read_all(FORGE_SEQUENCE(list), &cert);
}

static const char *read_one(const char *oid, const char *value)
{
    return read_list(forge_extension(oid, false, forge_hex(value)));
}

Test(chain_extension, the_list_is_well_formed)
{
    struct span good = forge_extension("551D0E", false, forge_hex("040155"));

    cr_assert_null(read_list(good));
    cr_assert_not_null(read_list(span_of(NULL, 0)), "empty");
    cr_assert_not_null(
        chain_extension_read_all(FORGE_JOIN(FORGE_SEQUENCE(good), forge_hex("00")), &cert));
    cr_assert_not_null(read_list(forge_hex("30050603551D0E")), "no value");
    cr_assert_not_null(read_list(forge_hex("300D0603551D0E0101010403040155")), "BOOLEAN 01");
    cr_assert_not_null(read_list(forge_hex("300C0603551D0E04030401550500")), "more behind");
}

Test(chain_extension, none_stands_there_twice)
{
    struct span key = forge_extension("551D0E", false, forge_hex("040155"));
    struct span unknown = forge_extension("2A0304", false, forge_hex("0500"));

    cr_assert_null(read_list(FORGE_JOIN(key, unknown)));
    cr_assert_str_eq(read_list(FORGE_JOIN(key, unknown, key)), "an extension stands there twice");
    cr_assert_str_eq(read_list(FORGE_JOIN(unknown, key, unknown)),
                     "an extension stands there twice");
}

Test(chain_extension, there_is_a_bound)
{
    struct span many[65];

    for (unsigned i = 0; i < 65; i++) {
        const uint8_t oid[] = {6, 2, 0x2A, (uint8_t)i};
        many[i] = FORGE_SEQUENCE(span_of(oid, 4), forge_hex("0400"));
    }
    cr_assert_null(read_list(forge_join(many, 64)));
    cr_assert_str_eq(read_list(forge_join(many, 65)), "too many extensions");
}

Test(chain_extension, unknown_critical_ones_are_refused)
{
    cr_assert_str_eq(read_list(forge_extension("2A0304", true, forge_hex("0500"))),
                     "an unknown critical extension");
    cr_assert_null(read_list(forge_extension("2A0304", false, forge_hex("FF"))));
}

struct row {
    const char *oid;
    const char *value;
    bool good;
};

Test(chain_extension, values_are_strict)
{
    static const struct row rows[] = {
        {"551D13", "3000", true},
        {"551D13", "30030101FF", true},
        {"551D13", "30060101FF020100", true},
        {"551D13", "30060101FF0201FF", false},     /* a negative path length */
        {"551D13", "30070101FF02020001", false},   /* not its shortest form */
        {"551D13", "30080101FF0201000500", false}, /* more behind */
        {"551D13", "30060201000101FF", false},     /* the wrong order */
        {"551D0F", "03020106", true},
        {"551D0F", "0303078080", true},
        {"551D0F", "030100", false},   /* no bits */
        {"551D0F", "03020700", false}, /* none set */
        {"551D0F", "03020701", false}, /* an unused one set */
        {"551D0F", "03020880", false},
        {"551D25", "300A06082B06010505070301", true},
        {"551D25", "3000", false},
        {"551D11", "3004820161", false},
        {"551D11", "3003820161", true},
        {"551D11", "3000", false},
        {"551D11", "6578616D706C65", false},
        {"551D11", "300687047F000001", true},
        {"551D11", "300587037F0000", false}, /* no address */
        {"551D11", "300A87087F000001FFFFFFFF", false},
        {"551D11", "3003A20161", false}, /* a dNSName that is constructed */
        {"551D11", "3003840161", false},
        {"551D11", "3003890161", false}, /* there is no [9] */
        {"551D1E", "3000", false},
        {"551D1E", "3008A0063004820161", false},
        {"551D1E", "3007A0053003820161", true},
        {"551D20", "3006300406022A03", true},
        {"551D20", "3000", false},
        {"551D21", "300A300806022A0106022A02", true},
        {"551D21", "3000", false},
        {"551D24", "3003800100", true},
        {"551D24", "3006800100810100", true},
        {"551D24", "3000", false},
        {"551D24", "30038001FF", false},
        {"551D24", "3003820100", false},
        {"551D36", "020100", true},
        {"551D36", "020180", false},
        {"551D36", "0500", false},
        {"551D23", "3003800155", true},
        {"551D23", "3000", true},
        {"551D23", "3003820101", false},   /* a serial number without its issuer */
        {"551D23", "3004A1028200", false}, /* and the other way round */
        {"551D23", "0500", false},
        {"551D0E", "040155", true},
        {"551D0E", "0400", false},
        {"551D0E", "0500", false},
        {"2B06010505070101", "300E300C06082B060105050730028200", true},
        {"2B06010505070101", "3000", false},
        {"2B06010505070101", "6D616C666F726D6564", false},
        {"2B06010505070101", "300C300A06082B06010505073002", false},
        {"551D1F", "30023000", true},
        {"551D1F", "3000", false},
        {"551D2E", "3000", false},
        {"2B06010505070118", "3003020105", true},
        {"2B06010505070118", "3000", true}, /* a list that demands nothing */
        {"2B06010505070118", "020105", false},
        {"2B06010505070118", "30030201050500", false}, /* more behind */
        {"2B06010505070118", "3003040105", false},     /* not an INTEGER */
        {"2B06010505070118", "300402020005", false},   /* not its shortest form */
        {"2B06010505070118", "3003020185", false},     /* a negative one */
        {"2B06010505070118", "30020200", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why = read_one(rows[i].oid, rows[i].value);
        cr_expect_eq(why == NULL, rows[i].good, "%s %s: %s", rows[i].oid, rows[i].value,
                     why == NULL ? "fine" : why);
    }
}

Test(chain_extension, values_arrive)
{
    cr_assert_null(
        read_list(FORGE_JOIN(forge_extension("551D13", true, forge_hex("300A0101FF02050100000000")),
                             forge_extension("551D24", true, forge_hex("3006800102810100")),
                             forge_extension("551D36", true, forge_hex("020103")),
                             forge_extension("551D20", false, forge_hex("3006300406022A03")))));
    cr_assert(cert.has_path_len && cert.path_len == INT32_MAX, "longer than any path");
    cr_assert_eq(cert.policies.require_explicit, 2);
    cr_assert_eq(cert.policies.inhibit_any, 3);
    cr_assert(cert.policies.policies.len > 0);
    cr_assert_eq(cert.critical, 1U << CHAIN_BASIC_CONSTRAINTS | 1U << CHAIN_POLICY_CONSTRAINTS |
                                    1U << CHAIN_INHIBIT_ANY);
}

Test(chain_extension, must_staple_is_read)
{
    static const struct {
        const char *value;
        bool must;
    } features[] = {{"3003020105", true},
                    {"3006020111020105", true},
                    {"3003020111", false},
                    {"300402020105", false}, /* 261 */
                    {"3000", false}};

    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        cr_assert_null(read_one("2B06010505070118", features[i].value));
        cr_expect_eq(cert.must_staple, features[i].must, "%s", features[i].value);
    }
}

Test(chain_extension, critical_tls_feature_is_refused)
{
    cr_assert_str_eq(read_list(forge_extension("2B06010505070118", true, forge_hex("3003020105"))),
                     "an unknown critical extension");
}

Test(chain_extension, lists_of_places_arrive)
{
    cr_assert_null(read_list(FORGE_JOIN(
        forge_extension("2B06010505070101", false, forge_hex("300E300C06082B060105050730028200")),
        forge_extension("551D1F", false, forge_hex("30023000")),
        forge_extension("551D2E", false, forge_hex("300430003000")))));
    cr_assert_eq(cert.authority_info.len, 14);
    cr_assert_eq(cert.crl_points.len, 2);
    cr_assert_eq(cert.freshest_points.len, 4);
}
