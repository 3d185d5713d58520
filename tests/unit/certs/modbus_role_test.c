#include <string.h>

#include <criterion/criterion.h>

#include "certs/chain_cert.h"
#include "certs/modbus_role.h"
#include "tests/unit/certs/forge.h"

#define OID "2B0601040183890C862201"

static struct span utf8(const char *text)
{
    return forge_text(0x0C, text);
}

static struct span extension(struct span value)
{
    return forge_extension(OID, false, value);
}

static struct span certificate(struct span first, struct span second)
{
    const struct forge recipe = {.subject = "monitor", .issuer = "CA", .extra = {first, second}};
    return forge_cert(&recipe);
}

/* What the certificate whose role extension holds `value` says. */
static struct modbus_role role_of(struct span value)
{
    struct modbus_role role;
    modbus_role_read(certificate(extension(value), span_of(NULL, 0)), &role);
    return role;
}

static void expect_none(struct span value, enum modbus_role_form form)
{
    struct modbus_role role = role_of(value);
    cr_expect_eq(role.form, form, "form %d instead of %d", (int)role.form, (int)form);
    cr_expect_str_eq(role.text, "");
}

Test(modbus_role, is_the_whole_string_of_the_extension)
{
    struct modbus_role role = role_of(utf8("Operator"));
    cr_expect_eq(role.form, MODBUS_ROLE_GOOD);
    cr_expect_str_eq(role.text, "Operator");
    role = role_of(utf8("Operator,Service"));
    cr_expect_str_eq(role.text, "Operator,Service", "no list: R-65");
}

Test(modbus_role, reads_the_known_bytes)
{
    struct span known = forge_hex("301906"
                                  "0B2B0601040183890C862201"
                                  "040A0C084F70657261746F72");
    struct modbus_role role;
    modbus_role_read(certificate(known, span_of(NULL, 0)), &role);
    cr_expect_eq(role.form, MODBUS_ROLE_GOOD);
    cr_expect_str_eq(role.text, "Operator");
}

Test(modbus_role, no_extension_is_no_role)
{
    struct modbus_role role;
    modbus_role_read(certificate(span_of(NULL, 0), span_of(NULL, 0)), &role);
    cr_expect_eq(role.form, MODBUS_ROLE_NONE);
    const struct forge bare = {.subject = "m", .issuer = "CA", .leave_out = FORGE_NOTHING};
    modbus_role_read(forge_cert(&bare), &role);
    cr_expect_eq(role.form, MODBUS_ROLE_NONE);
}

Test(modbus_role, another_oid_is_no_role)
{
    struct modbus_role role;
    struct span near = forge_extension("2B0601040183890C862202", false, utf8("Operator"));
    modbus_role_read(certificate(near, span_of(NULL, 0)), &role);
    cr_expect_eq(role.form, MODBUS_ROLE_NONE);
}

Test(modbus_role, refuses_two)
{
    struct modbus_role role;
    modbus_role_read(certificate(extension(utf8("Operator")), extension(utf8("Service"))), &role);
    cr_expect_eq(role.form, MODBUS_ROLE_TWO);
    cr_expect_str_eq(role.text, "");
    modbus_role_read(certificate(extension(utf8("Operator")), extension(utf8("Operator"))), &role);
    cr_expect_eq(role.form, MODBUS_ROLE_TWO, "also twice the same");
}

Test(modbus_role, refuses_other_types_of_string)
{
    expect_none(forge_text(0x13, "Operator"), MODBUS_ROLE_TYPE); /* PrintableString */
    expect_none(forge_text(0x16, "Operator"), MODBUS_ROLE_TYPE); /* IA5String */
    expect_none(FORGE_SEQUENCE(utf8("Operator")), MODBUS_ROLE_TYPE);
}

Test(modbus_role, refuses_an_empty_one)
{
    expect_none(utf8(""), MODBUS_ROLE_EMPTY);
}

Test(modbus_role, refuses_bytes_without_their_type)
{
    expect_none(span_of_text("Operator"), MODBUS_ROLE_BARE);
    expect_none(span_of(NULL, 0), MODBUS_ROLE_BARE);
}

Test(modbus_role, refuses_bytes_behind_the_string)
{
    expect_none(FORGE_JOIN(utf8("Operator"), forge_hex("00")), MODBUS_ROLE_TAIL);
    expect_none(FORGE_JOIN(utf8("Operator"), utf8("Service")), MODBUS_ROLE_TAIL);
}

Test(modbus_role, refuses_a_nul_inside)
{
    expect_none(forge_tlv(0x0C, span_of("Operator\0x", 10)), MODBUS_ROLE_CONTROL);
    expect_none(forge_tlv(0x0C, span_of("", 1)), MODBUS_ROLE_CONTROL);
    expect_none(utf8("Operator\nlink-up"), MODBUS_ROLE_CONTROL);
    expect_none(utf8("Operator\x7f"), MODBUS_ROLE_CONTROL);
}

Test(modbus_role, refuses_what_is_not_utf8)
{
    static const char *const broken[] = {
        "\xff",         "Op\xc3",           "\xc0\xaf",         "\xe0\x80\xaf",
        "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\xaf", "\xc3(",
        "\x80",         "\xe2\x82",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        expect_none(utf8(broken[i]), MODBUS_ROLE_UTF8);
    }
    cr_expect_str_eq(role_of(utf8("\xc3\x84rztin \xe2\x82\xac \xf0\x9f\x98\x80")).text,
                     "\xc3\x84rztin \xe2\x82\xac \xf0\x9f\x98\x80");
}

Test(modbus_role, refuses_more_than_255_bytes)
{
    char text[257];
    memset(text, 'r', sizeof text);
    text[256] = '\0';
    expect_none(utf8(text), MODBUS_ROLE_LONG);
    text[255] = '\0';
    cr_expect_eq(role_of(utf8(text)).form, MODBUS_ROLE_GOOD);
}

Test(modbus_role, a_broken_certificate_has_none)
{
    struct span whole = certificate(extension(utf8("Operator")), span_of(NULL, 0));
    struct modbus_role role;
    for (size_t len = 0; len < whole.len; len++) {
        modbus_role_read(span_first(whole, len), &role);
        cr_assert_eq(role.form, MODBUS_ROLE_BROKEN, "%zu bytes", len);
        cr_assert_str_eq(role.text, "");
    }
    /* An extension with something behind its value. */
    struct span odd = forge_tlv(0x30,
                                FORGE_JOIN(forge_tlv(0x06, forge_hex(OID)),
                                           forge_tlv(0x04, utf8("Operator")), forge_hex("0500")));
    modbus_role_read(certificate(odd, span_of(NULL, 0)), &role);
    cr_expect_eq(role.form, MODBUS_ROLE_BROKEN);
}

Test(modbus_role, two_of_them_leave_the_chain_as_it_is)
{
    struct chain_cert c;
    struct span two = certificate(extension(utf8("Operator")), extension(utf8("Service")));
    cr_assert(chain_cert_read(two, &c));
    cr_expect_null(c.defect, "%s", c.defect);
    struct span other = forge_extension("2A0304", false, utf8("x"));
    cr_assert(chain_cert_read(certificate(other, other), &c));
    cr_expect_not_null(c.defect, "any other extension stands there once");
}

Test(modbus_role, each_form_has_words_of_its_own)
{
    for (int a = MODBUS_ROLE_GOOD; a <= MODBUS_ROLE_BROKEN; a++) {
        const char *text = modbus_role_form_text((enum modbus_role_form)a);
        cr_expect_gt(strlen(text), 3);
        for (int b = MODBUS_ROLE_GOOD; b < a; b++) {
            cr_expect_str_neq(text, modbus_role_form_text((enum modbus_role_form)b));
        }
    }
}
