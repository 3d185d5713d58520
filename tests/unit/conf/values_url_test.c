#include <string.h>

#include <criterion/criterion.h>

#include "conf/values.h"

static const char *url_error(const char *text)
{
    const char *path = NULL;
    struct values_error why = {"?", "?"};
    return values_url(text, &path, &why) == 0 ? NULL : why.wrong;
}

static const char *path_of(const char *text)
{
    const char *path = NULL;
    struct values_error why;
    cr_assert_eq(values_url(text, &path, &why), 0, "%s", text);
    return path;
}

Test(values_url, takes_http_and_https)
{
    cr_expect_str_eq(path_of("http://pki.hospital.example/ca.crl"), "/ca.crl");
    cr_expect_str_eq(path_of("https://pki.hospital.example:8443/a/b?c=d&e=%2C"), "/a/b?c=d&e=%2C");
    cr_expect_str_eq(path_of("http://10.0.0.1"), "");
    cr_expect_str_eq(path_of("http://[fd00::1]:80/"), "/");
    cr_expect_str_eq(path_of("http://h?q=me@x"), "?q=me@x", "no user: behind the host");
}

Test(values_url, refuses_other_schemes)
{
    static const char *const WRONG[] = {"ldap://ldap.hospital.example/cn=ca",
                                        "file:///etc/passwd",
                                        "ftp://h/x",
                                        "HTTP://h/x",
                                        "http:/h/x",
                                        "h/x",
                                        ""};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        const char *wrong = url_error(WRONG[i]);
        cr_assert_not_null(wrong, "%s", WRONG[i]);
        cr_expect_str_eq(wrong, "is no http or https URL", "%s", WRONG[i]);
    }
}

Test(values_url, refuses_bytes_that_no_url_has)
{
    static const char *const WRONG[] = {"http://h/a b",  "http://h/#a",  "http://h/\xc3\xa9",
                                        "http://h/<a>",  "http://h/\"a", "http://h/\\a",
                                        "http://h/%4",   "http://h/%",   "http://h/%zz",
                                        "http://h/%20%", "http://h/a|b", "http://h/{a}"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        const char *wrong = url_error(WRONG[i]);
        cr_assert_not_null(wrong, "%s", WRONG[i]);
        cr_expect_str_eq(wrong, "has bytes that no URL has", "%s", WRONG[i]);
    }
}

Test(values_url, refuses_a_user)
{
    cr_expect_str_eq(url_error("http://me:secret@h/x"), "names a user");
    cr_expect_str_eq(url_error("http://trusted.example@evil.example/x"), "names a user");
}

Test(values_url, sees_a_user_in_what_is_no_url)
{
    cr_expect(values_url_has_user("http://me:secret@h"));
    cr_expect(values_url_has_user("ftp://me@h/<x>"));
    cr_expect(values_url_has_user("me:secret@h"));
    cr_expect_not(values_url_has_user("http://h/@"));
    cr_expect_not(values_url_has_user("http://h?@"));
    cr_expect_not(values_url_has_user("http://h#@"));
    cr_expect_not(values_url_has_user(""));
}

Test(values_url, refuses_what_is_no_host)
{
    static const char *const WRONG[] = {"http://",      "http:///x",       "http://h:/x",
                                        "http://h:0/x", "http://h:65536",  "http://fd00::1/x",
                                        "http://[h]/x", "http://[fd00::1", "http://a..b/x",
                                        "http://*.h/x", "http://h:80:80/"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        const char *wrong = url_error(WRONG[i]);
        cr_assert_not_null(wrong, "%s", WRONG[i]);
        cr_expect_str_eq(wrong, "names no possible host", "%s", WRONG[i]);
    }
}

Test(values_url, takes_no_more_than_a_line_holds)
{
    char text[400] = "http://h/";
    memset(&text[9], 'a', sizeof(text) - 10);
    text[190] = '\0';
    cr_expect_null(url_error(text));
    text[190] = 'a';
    text[191] = '\0';
    cr_expect_not_null(url_error(text));
    text[191] = 'a';
    cr_expect_not_null(url_error(text));
    memset(&text[7], 'a', sizeof(text) - 8);
    cr_expect_not_null(url_error(text), "a host without end");
}

Test(values_url, tells_a_url_from_a_path)
{
    cr_expect(values_is_url("http://h/x"));
    cr_expect(values_is_url("ldap://h/x"), "to be refused as one");
    cr_expect_not(values_is_url("/etc/crl/ca.crl"));
    cr_expect_not(values_is_url("http:/x"));
}

Test(values_url, takes_hosts_with_and_without_a_port)
{
    struct values_address a;
    struct values_error why;
    cr_assert_eq(values_fetch_host("PKI.Hospital.example", &a, &why), 0);
    cr_expect_str_eq(a.host, "pki.hospital.example");
    cr_expect_eq(a.port, 0);
    cr_expect_not(a.is_ip);
    cr_assert_eq(values_fetch_host("pki.hospital.example:8080", &a, &why), 0);
    cr_expect_eq(a.port, 8080);
    cr_assert_eq(values_fetch_host("[FD00:0::1]", &a, &why), 0);
    cr_expect_str_eq(a.host, "fd00::1");
    cr_expect_eq(a.port, 0);
    cr_expect(a.is_ip);
    cr_assert_eq(values_fetch_host("[fd00::1]:80", &a, &why), 0);
    cr_expect_eq(a.port, 80);
}

Test(values_url, refuses_hosts_that_are_none)
{
    static const char *const WRONG[] = {"",    ":80",    "h:0",        "h:x",   "h:",  "fd00::1",
                                        "*.h", "h/x",    "http://h/x", "a b",   "[h]", "[]",
                                        "[",   "[::1]x", "h:80:80",    "[::1]:"};
    struct values_address a = {.port = 7};
    struct values_error why;
    char big[400];
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        cr_expect_eq(values_fetch_host(WRONG[i], &a, &why), -1, "%s", WRONG[i]);
    }
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    cr_expect_eq(values_fetch_host(big, &a, &why), -1);
    cr_expect_eq(a.port, 7, "written only on success");
}

static void is_oid(const char *text, const char *bytes, size_t len)
{
    struct values_oid oid;
    struct values_error why;
    cr_assert_eq(values_oid(text, &oid, &why), 0, "%s", text);
    cr_assert_eq(oid.len, len, "%s: %zu", text, oid.len);
    cr_expect_eq(memcmp(oid.bytes, bytes, len), 0, "%s", text);
}

/* The right bytes are those of `openssl asn1parse -genstr OID:…`. */
Test(values_url, turns_an_oid_into_its_der)
{
    is_oid("2.5.29.32.0", "\x55\x1d\x20\x00", 4);
    is_oid("1.3.6.1.4.1.99999.1", "\x2b\x06\x01\x04\x01\x86\x8d\x1f\x01", 9);
    is_oid("0.0", "\x00", 1);
    is_oid("1.39", "\x4f", 1);
    is_oid("2.999", "\x88\x37", 2);
    is_oid("2.4294967295.4294967295", "\x90\x80\x80\x80\x4f\x8f\xff\xff\xff\x7f", 10);
    is_oid("1.2.127.128", "\x2a\x7f\x81\x00", 4);
}

Test(values_url, refuses_what_is_no_oid)
{
    static const char *const WRONG[] = {
        "",        "1",    "1.",           "1.2.",           ".1.2", "3.1",    "1.40",
        "0.40",    "1..2", "1.2..3",       "1.2.x",          "a.b",  "1.2.03", "1.2 3",
        "OID:1.2", "1.-2", "1.4294967296", "1.2.4294967296", "01.2"};
    struct values_oid oid = {.len = 7};
    struct values_error why;
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        cr_expect_eq(values_oid(WRONG[i], &oid, &why), -1, "%s", WRONG[i]);
    }
    cr_expect_eq(oid.len, 7, "written only on success");
}

Test(values_url, an_oid_fits_whatever_a_line_holds)
{
    char text[400];
    struct values_oid oid;
    struct values_error why;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = i % 2 == 0 ? '1' : '.';
    }
    text[189] = '\0';
    cr_assert_eq(values_oid(text, &oid, &why), 0);
    cr_expect_eq(oid.len, 94);
    text[189] = '.';
    text[191] = '\0';
    cr_expect_eq(values_oid(text, &oid, &why), -1);
}
