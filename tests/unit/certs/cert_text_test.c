#include <string.h>

#include <criterion/criterion.h>

#include "certs/cert.h"
#include "certs/der.h"
#include "pair.h"

Test(cert_text, tells_the_facts)
{
    struct pem_block block = pair_certificate("pump-12");
    struct cert_view v;
    struct cert_facts facts;

    cr_assert(cert_view_read(span_of(block.der, block.len), &v));
    cert_view_facts(&v, &facts);
    cr_assert_str_eq(facts.subject, "CN=Device pump-12,OU=Ward 3B,O=Hospital");
    cr_assert_str_eq(facts.issuer, "CN=Hospital Device CA,O=Hospital");
    cr_assert_eq(facts.not_after_s, v.not_after_s);
    cr_assert_eq(strlen(facts.fingerprint), 64);
    cr_assert_eq(strspn(facts.fingerprint, "0123456789abcdef"), 64);
    cr_assert_eq(strspn(facts.serial, "0123456789ABCDEF"), strlen(facts.serial));
    cr_assert_geq(strlen(facts.serial), 2);
    pem_block_free(&block);
}

/* A view with this subject and nothing else that counts. */
static void facts_of(const uint8_t *subject, size_t len, struct cert_facts *out)
{
    static const uint8_t SERIAL[] = {0x00, 0x9A, 0x01};
    struct cert_view v = {.subject = span_of(subject, len),
                          .issuer = span_of(subject, len),
                          .serial = span_of(SERIAL, sizeof(SERIAL)),
                          .der = span_of(subject, len)};

    cert_view_facts(&v, out);
}

/* SEQUENCE { SET { SEQUENCE { OID cn, STRING value } } } */
static size_t one_cn(uint8_t *out, uint8_t tag, const char *value, size_t value_len)
{
    uint8_t len = (uint8_t)value_len;
    const uint8_t head[] = {0x30, (uint8_t)(len + 11),
                            0x31, (uint8_t)(len + 9),
                            0x30, (uint8_t)(len + 7),
                            0x06, 3,
                            0x55, 4,
                            3,    tag,
                            len};

    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), value, value_len);
    return sizeof(head) + value_len;
}

Test(cert_text, writes_names_so_that_they_cannot_lie)
{
    static const struct {
        uint8_t tag;
        const char *value;
        const char *want;
    } CASES[] = {
        {DER_UTF8_STRING, "pump", "CN=pump"},
        {DER_UTF8_STRING, "a,O=Evil", "CN=a\\,O\\=Evil"},
        {DER_UTF8_STRING, "line\nbreak", "CN=line\\0Abreak"},
        {DER_UTF8_STRING, "\x1b[31mred", "CN=\\1B[31mred"},
        {DER_UTF8_STRING, "K\xC3\xBChn", "CN=K\xC3\xBChn"},
        {DER_UTF8_STRING, "\xC2\x85next", "CN=\\C2\\85next"},       /* control code U+0085 */
        {DER_UTF8_STRING, "\xE2\x80\xAEgnp", "CN=\\E2\\80\\AEgnp"}, /* turns the text around */
        {DER_UTF8_STRING, "\xC3", "CN=\\C3"},                       /* cut character */
        {DER_UTF8_STRING, "\xC0\xAF", "CN=\\C0\\AF"},               /* overlong */
        {DER_PRINTABLE_STRING, "K\xC3\xBChn", "CN=K\\C3\\BChn"},    /* not UTF-8 by its type */
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        uint8_t name[100];
        struct cert_facts facts;
        facts_of(name, one_cn(name, CASES[i].tag, CASES[i].value, strlen(CASES[i].value)), &facts);
        cr_assert_str_eq(facts.subject, CASES[i].want, "%s", facts.subject);
    }
}

Test(cert_text, shows_a_nul_inside_a_name)
{
    uint8_t name[100];
    struct cert_facts facts;

    facts_of(name, one_cn(name, DER_UTF8_STRING, "a\0b", 3), &facts);
    cr_assert_str_eq(facts.subject, "CN=a\\00b");
}

Test(cert_text, writes_unknown_attributes_in_dots)
{
    static const uint8_t NAME[] = {0x30, 16, 0x31, 14, 0x30, 12,   0x06, 7, 0x2B,
                                   0x06, 1,  4,    1,  0x82, 0x37, 0x0C, 1, 'x'};
    struct cert_facts facts;

    facts_of(NAME, sizeof(NAME), &facts);
    cr_assert_str_eq(facts.subject, "1.3.6.1.4.1.311=x");
}

Test(cert_text, leaves_the_sign_byte_of_a_serial_out)
{
    uint8_t name[100];
    struct cert_facts facts;

    facts_of(name, one_cn(name, DER_UTF8_STRING, "x", 1), &facts);
    cr_assert_str_eq(facts.serial, "9A01");
}

Test(cert_text, cuts_a_long_name_between_characters)
{
    char value[110];
    uint8_t name[4 * 125];
    size_t len = 4;
    struct cert_facts facts;

    /* four attributes of 100 two-byte characters and more */
    for (size_t i = 0; i < sizeof(value); i += 2) {
        memcpy(value + i, "\xC3\xBC", 2);
    }
    for (int i = 0; i < 3; i++) {
        uint8_t one[130];
        size_t one_len = one_cn(one, DER_UTF8_STRING, value, sizeof(value));
        memcpy(name + len, one + 2, one_len - 2);
        len += one_len - 2;
    }
    name[0] = 0x30;
    name[1] = 0x82;
    name[2] = (uint8_t)((len - 4) >> 8);
    name[3] = (uint8_t)((len - 4) & 0xFF);
    facts_of(name, len, &facts);
    len = strlen(facts.subject);
    cr_assert(len > 240 && len < sizeof(facts.subject), "%zu", len);
    cr_assert_eq((uint8_t)facts.subject[len - 1], 0xBC, "a whole character at the end");
}

Test(cert_text, survives_a_broken_name)
{
    static const uint8_t BROKEN[] = {0x30, 5, 0x31, 3, 0x30, 9, 0x06};
    struct cert_facts facts;

    facts_of(BROKEN, sizeof(BROKEN), &facts);
    cr_assert_str_eq(facts.subject, "");
    facts_of(BROKEN, 1, &facts);
    cr_assert_str_eq(facts.subject, "");
}

Test(cert_text, writes_a_name_alone)
{
    static const uint8_t NAME[] = {0x30, 0x0C, 0x31, 0x0A, 0x30, 8, 6, 3, 0x55, 4, 3, 0x0C, 1, 'x'};
    char out[8];

    cert_name_text(span_of(NAME, sizeof(NAME)), out, sizeof(out));
    cr_assert_str_eq(out, "CN=x");
    cert_name_text(span_of(NAME, 5), out, sizeof(out));
    cr_assert_str_empty(out);
    cert_name_text(span_of(NAME, sizeof(NAME)), out, 1);
    cr_assert_str_empty(out);
}
