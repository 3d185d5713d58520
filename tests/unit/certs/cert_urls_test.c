#include <string.h>

#include <criterion/criterion.h>

#include "certs/cert_urls.h"
#include "tests/unit/certs/forge.h"

#define AIA      "2B06010505070101"
#define CDP      "551D1F"
#define FRESHEST "551D2E"
#define OCSP     "2B06010505073001"
#define ISSUERS  "2B06010505073002"

static struct cert_urls urls;

/* A certificate with one more extension, if any. */
static bool read_with(const char *oid, struct span value)
{
    struct forge recipe = {.subject = "pump", .issuer = "CA", .key = 9, .signer = 1};

    if (oid != NULL) {
        recipe.extra[0] = forge_extension(oid, false, value);
    }
    memset(&urls, 0xAA, sizeof(urls));
    return cert_urls_read(forge_cert(&recipe), &urls);
}

static struct span uri(const char *text)
{
    return forge_text(0x86, text);
}

static struct span access_of(const char *method, struct span name)
{
    return FORGE_SEQUENCE(forge_tlv(6, forge_hex(method)), name);
}

/* A distribution point with these names. */
static struct span point_of(struct span names)
{
    return FORGE_SEQUENCE(forge_tlv(0xA0, forge_tlv(0xA0, names)));
}

static void expect_only(const struct cert_urls_list *list, const char *url)
{
    size_t count = urls.ocsp.count + urls.crls.count + urls.deltas.count;

    cr_expect_eq(count, url == NULL ? 0 : 1);
    if (url != NULL) {
        cr_assert_eq(list->count, 1, "%s", url);
        cr_expect_str_eq(list->urls[0], url);
    }
}

Test(cert_urls, certificate_without_places_has_none)
{
    cr_assert(read_with(NULL, span_of(NULL, 0)));
    expect_only(NULL, NULL);
}

Test(cert_urls, ocsp_is_read_and_the_issuers_place_is_not)
{
    cr_assert(read_with(AIA, FORGE_SEQUENCE(access_of(ISSUERS, uri("http://ca.example/ca.crt")),
                                            access_of(OCSP, uri("http://ocsp.example/")))));
    expect_only(&urls.ocsp, "http://ocsp.example/");
}

Test(cert_urls, crls_and_deltas_are_read)
{
    cr_assert(read_with(CDP, FORGE_SEQUENCE(point_of(uri("https://ca.example/1.crl")))));
    expect_only(&urls.crls, "https://ca.example/1.crl");
    cr_assert(read_with(FRESHEST, FORGE_SEQUENCE(point_of(uri("http://ca.example/d.crl")))));
    expect_only(&urls.deltas, "http://ca.example/d.crl");
}

Test(cert_urls, all_names_of_all_points_are_read_in_order)
{
    cr_assert(read_with(
        CDP,
        FORGE_SEQUENCE(point_of(FORGE_JOIN(uri("ldap://ca.example/x"), uri("http://a.example/"),
                                           uri("http://b.example/"))),
                       point_of(FORGE_JOIN(uri("http://c.example/"), uri("http://a.example/"))))));
    cr_assert_eq(urls.crls.count, 3, "each once");
    cr_expect_str_eq(urls.crls.urls[0], "http://a.example/");
    cr_expect_str_eq(urls.crls.urls[1], "http://b.example/");
    cr_expect_str_eq(urls.crls.urls[2], "http://c.example/");
}

Test(cert_urls, only_http_and_https_without_tricks_are_taken)
{
    static const struct {
        const char *url;
        bool is_taken;
    } rows[] = {
        {"http://x", true},
        {"HTTP://X/y", true},
        {"https://x:8443/?q=%20", true},
        {"http://", false},
        {"https://", false},
        {"http:/x", false},
        {"ftp://x/", false},
        {"file:///etc/passwd", false},
        {"ldap://x/", false},
        {"httpx://x/", false},
        {" http://x/", false},
        {"http://x/ y", false},
        {"http://x/\r\nHost: y", false},
        {"http://x/\t", false},
        {"http://x/\x7F", false},
        {"http://x/\xC3\xA4", false},
        {"", false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_assert(read_with(CDP, FORGE_SEQUENCE(point_of(uri(rows[i].url)))), "%s", rows[i].url);
        expect_only(&urls.crls, rows[i].is_taken ? rows[i].url : NULL);
        cr_assert(read_with(AIA, FORGE_SEQUENCE(access_of(OCSP, uri(rows[i].url)))));
        expect_only(&urls.ocsp, rows[i].is_taken ? rows[i].url : NULL);
    }
    cr_assert(
        read_with(CDP, FORGE_SEQUENCE(point_of(forge_tlv(0x86, span_of("http://x/\0y", 11))))));
    expect_only(NULL, NULL);
}

Test(cert_urls, long_ones_are_left_out)
{
    char text[CERT_URLS_LEN_MAX + 2];

    memset(text, 'x', sizeof(text));
    memcpy(text, "http://", 7);
    text[CERT_URLS_LEN_MAX] = '\0';
    cr_assert(read_with(CDP, FORGE_SEQUENCE(point_of(uri(text)))));
    expect_only(&urls.crls, text);
    text[CERT_URLS_LEN_MAX] = 'x';
    text[CERT_URLS_LEN_MAX + 1] = '\0';
    cr_assert(read_with(CDP, FORGE_SEQUENCE(point_of(uri(text)))));
    expect_only(NULL, NULL);
}

Test(cert_urls, there_is_a_bound)
{
    struct span names = uri("http://0/");
    char text[] = "http://0/";

    for (unsigned i = 1; i < CERT_URLS_MAX + 2; i++) {
        text[7] = (char)('0' + i);
        names = FORGE_JOIN(names, uri(text));
    }
    cr_assert(read_with(CDP, FORGE_SEQUENCE(point_of(names))));
    cr_expect_eq(urls.crls.count, CERT_URLS_MAX);
    cr_expect_str_eq(urls.crls.urls[CERT_URLS_MAX - 1], "http://7/");
}

Test(cert_urls, other_names_and_parts_of_a_point_are_passed_over)
{
    struct span other = forge_text(0x82, "ca.example");
    struct span full = forge_tlv(0xA0, forge_tlv(0xA0, FORGE_JOIN(other, uri("http://x/"))));

    cr_assert(read_with(
        CDP,
        FORGE_SEQUENCE(FORGE_SEQUENCE(full, forge_hex("81020560"),
                                      forge_tlv(0xA2, forge_tlv(0xA4, forge_name("Other")))),
                       FORGE_SEQUENCE(forge_tlv(0xA0, forge_hex("A10A300806035504030C0141"))),
                       FORGE_SEQUENCE(forge_tlv(0xA2, forge_tlv(0xA4, forge_name("Other")))))));
    expect_only(&urls.crls, "http://x/");
}

Test(cert_urls, broken_places_are_none_at_all)
{
    static const char *const points[] = {
        "30023100",                                 /* a SET */
        "300430020500",                             /* no such field */
        "30083006A004A0020500",                     /* a NULL among the names */
        "30063004A002A000",                         /* no names */
        "30043002A000",                             /* neither of the two forms */
        "300A3008A006A0028600A100",                 /* both forms */
        "30123010A00EA00CA60A687474703A2F2F782F79", /* a URL that is constructed */
        "300A3008A004A00286000500",                 /* more behind */
    };

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        cr_expect_not(read_with(CDP, forge_hex(points[i])), "%s", points[i]);
        expect_only(NULL, NULL);
        cr_expect_not(read_with(FRESHEST, forge_hex(points[i])), "%s", points[i]);
        expect_only(NULL, NULL);
    }
    cr_expect(read_with(CDP, forge_hex("30083006A004A0028600")), "an empty URL is only no URL");
}

Test(cert_urls, broken_point_spoils_the_good_ones)
{
    cr_assert_not(read_with(
        CDP, FORGE_SEQUENCE(point_of(uri("http://x/")), FORGE_SEQUENCE(forge_hex("0500")))));
    expect_only(NULL, NULL);
}

Test(cert_urls, certificate_with_a_defect_names_no_place)
{
    cr_assert_not(read_with(AIA, forge_hex("3000")));
    expect_only(NULL, NULL);
    memset(&urls, 0xAA, sizeof(urls));
    cr_assert_not(cert_urls_read(span_of_text("junk"), &urls));
    expect_only(NULL, NULL);
}
