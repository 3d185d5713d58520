#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/fetcher_private.h"

static char host[FETCHER_HOST_MAX];
static uint16_t port;
static struct fault fault;

Test(fetcher_url, tells_the_host_in_lower_case)
{
    static const struct {
        const char *url, *host;
        uint16_t port;
    } rows[] = {
        {"http://crl.example/a.crl", "crl.example", 80},
        {"HTTP://CRL.Example:8080/A.crl?b=c#d", "crl.example", 8080},
        {"https://crl.example/", "crl.example", 443},
        {"https://127.0.0.1:1/", "127.0.0.1", 1},
        {"http://[::1]:80/x", "::1", 80},
        {"http://a.example?@b.example/", "a.example", 80},
        {"http://a.example#@b.example/", "a.example", 80},
        {"http://a.example/@b.example/", "a.example", 80},
        {"http://2130706433/", "127.0.0.1", 80},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(fetcher_url_host(rows[i].url, host, &port, &fault), 0, "%s", rows[i].url);
        cr_expect_str_eq(host, rows[i].host, "%s: %s", rows[i].url, host);
        cr_expect_eq(port, rows[i].port, "%s: %u", rows[i].url, (unsigned)port);
    }
}

Test(fetcher_url, refuses_every_other_scheme)
{
    static const char *const urls[] = {
        "ftp://a.example/", "file:///etc/passwd", "ldap://a.example/",  "gopher://a.example/",
        "a.example/x.crl",  "//a.example/x",      "dict://a.example/d", "httpx://a.example/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        cr_expect_eq(fetcher_url_host(urls[i], host, &port, &fault), FAULT_CONFIG, "%s", urls[i]);
        cr_expect_eq(fault.side, FAULT_SIDE_CONFIGURATION);
    }
}

Test(fetcher_url, refuses_a_name_and_password_and_never_repeats_them)
{
    static const char *const urls[] = {"http://user:secret@a.example/", "http://secret@a.example/",
                                       "http://:secret@a.example/",
                                       "http://user:sec ret@a.example/", "http://user:secret@/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        cr_expect_eq(fetcher_url_host(urls[i], host, &port, &fault), FAULT_CONFIG, "%s", urls[i]);
        cr_expect_null(strstr(fault.note, "ret"), "%s", fault.note);
    }
}

Test(fetcher_url, refuses_what_is_no_url)
{
    char endless[1000] = "http://";
    memset(endless + 7, 'a', sizeof(endless) - 8);
    const char *const urls[] = {"",
                                "http://",
                                "http://?x",
                                "http://a b/",
                                "http://a.example/\r\nX: y",
                                "http://a.example:99999/",
                                "http://a.example:x/",
                                "http://[::1/",
                                endless};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        cr_expect_eq(fetcher_url_host(urls[i], host, &port, NULL), FAULT_CONFIG, "%s", urls[i]);
    }
}

Test(fetcher_url, has_a_name_that_leaves_room_in_a_note)
{
    struct fetcher_url at;
    char url[400] = "http://a.example/";
    memset(url + 17, 'x', 300);
    cr_assert_eq(fetcher_url_read(url, &at, &fault), 0);
    cr_expect_eq(strlen(at.name), FETCHER_NAME_MAX - 1);
    cr_expect_str_eq(at.name + FETCHER_NAME_MAX - 4, "...");
    cr_expect_str_eq(at.url, url);
    cr_expect_eq(at.port, 80);
    mem_free(at.url);
}

Test(fetcher_url, leaves_its_output_alone_without_memory)
{
    struct fetcher_url at = {.port = 7};
    mem_fail_nth(1);
    cr_expect_eq(fetcher_url_read("http://a.example/", &at, &fault), FAULT_MEMORY);
    cr_expect_eq(at.port, 7);
}

Test(fetcher_url, tells_whom_a_redirect_names)
{
    static const char base[] = "http://a.example/x/y";
    cr_expect(fetcher_url_target(base, "http://B.example:8/", host));
    cr_expect_str_eq(host, "b.example");
    cr_expect(fetcher_url_target(base, "//c.example/", host));
    cr_expect_str_eq(host, "c.example");
    cr_expect(fetcher_url_target(base, "../z", host));
    cr_expect_str_eq(host, "a.example");
    cr_expect_not(fetcher_url_target(base, "file:///etc/passwd", host));
    cr_expect_not(fetcher_url_target(base, "http://user:secret@b.example/", host));
    cr_expect_not(fetcher_url_target(base, "http://[::1/", host));
}
