#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/canonical.h"
#include "tests/unit/conf/fixture.h"

/* Both texts mean the same for their first device. */
static bool is_same(const char *a, const char *b)
{
    struct fixture fa;
    struct fixture fb;
    fixture_build(&fa, a);
    fixture_build(&fb, b);
    bool same = strcmp(fa.conf.devices[0].canonical, fb.conf.devices[0].canonical) == 0;
    fixture_end(&fa);
    fixture_end(&fb);
    return same;
}

#define BASE FIXTURE_DEVICE FIXTURE_MLLP

Test(canonical, has_sorted_lines_with_absolute_paths_and_the_trust)
{
    struct fixture f;
    fixture_build(&f, BASE "dial_timeout = 2s\nmax_frame = 1KiB\nconnect = i.example:2\n");
    const char *text = f.conf.devices[0].canonical;
    static const char BEGIN[] =
        "allow=\ncertificate=/etc/w/c\nchar_timeout=1000\nconnect=h.example:1, i.example:2\n"
        "description=\ndial_timeout=2000\ndrain_timeout=5000\n";
    cr_assert_eq(strncmp(text, BEGIN, strlen(BEGIN)), 0, "%s", text);
    cr_assert_not_null(strstr(text, "\nmax_frame=1024\n"));
    cr_assert_not_null(strstr(text, "\nidle_timeout=0\n"));
    cr_assert_not_null(strstr(text, "\ntrust=t\n"));
    cr_assert_not_null(strstr(text, "\ntrust.anchors=/etc/w/a\n"));
    cr_assert_not_null(strstr(text, "\ntrust.tls_min=1.3\n"));
    fixture_end(&f);
}

Test(canonical, the_same_meaning_reads_the_same)
{
    cr_assert(is_same(BASE, BASE "; a comment\n\n"));
    cr_assert(is_same(BASE, "\n\n" BASE "retry_min = 1s\nidle_timeout = never\n"));
    cr_assert(is_same(BASE "dial_timeout = 60s\n", BASE "dial_timeout = 1m\n"));
    cr_assert(is_same(BASE "allow = dns:a.example, dns:b.example\n",
                      BASE "allow = dns:a.example\nallow = dns:b.example\n"));
    cr_assert(is_same(BASE "max_frame = 1MiB\n", BASE "max_frame = 1024KiB\n"));
}

Test(canonical, another_meaning_reads_otherwise)
{
    cr_assert_not(is_same(BASE, BASE "description = x\n"));
    cr_assert_not(is_same(BASE, BASE "retry_min = 2s\n"));
    cr_assert_not(is_same(BASE, BASE "connect = i.example:2\n"));
    cr_assert_not(is_same(BASE "connect = i.example:2, j.example:2\n",
                          BASE "connect = j.example:2, i.example:2\n"));
    cr_assert_not(is_same(BASE, BASE "while_down = drop\n"));
}

Test(canonical, the_trusts_section_belongs_to_it)
{
    static const char A[] =
        "[gateway]\nname = g\n[device d]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP
        "[trust t]\nanchors = a\nrevocation = off\n";
    static const char B[] =
        "[gateway]\nname = g\n[device d]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP
        "[trust t]\nanchors = a\nrevocation = off\ntls_min = 1.2\n";
    static const char C[] = "[gateway]\nname = other\n[device d]\ncertificate = c\nkey = k\n"
                            "trust = t\n" FIXTURE_MLLP
                            "[trust t]\nanchors = a\nrevocation = off\ntls_min = 1.3\n";
    cr_assert_not(is_same(A, B));
    cr_assert(is_same(A, C));
}

#define TWO(trust_lines, device_lines)                                                             \
    "[gateway]\nname = g\n[trust t]\nanchors = a\n" trust_lines                                    \
    "[device d]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP device_lines

Test(canonical, what_a_device_inherits_stands_once_and_as_its_own)
{
    struct fixture f;
    fixture_build(&f, TWO("crl = c.crl, http://h/x\nrevocation = soft\n", ""));
    const char *text = f.conf.devices[0].canonical;
    cr_expect_not_null(strstr(text, "\nrevocation=soft\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\ngrace=86400000\n"), "%s", text);
    cr_expect_not_null(strstr(text, "\ntrust.crl=/etc/w/c.crl, http://h/x\n"), "%s", text);
    cr_expect_null(strstr(text, "trust.revocation"), "%s", text);
    cr_expect_null(strstr(text, "trust.grace"), "%s", text);
    fixture_end(&f);
    cr_expect(is_same(TWO("crl = a\n", ""), TWO("crl = a\n", "revocation = hard\n")));
    cr_expect(is_same(TWO("crl = a\n", "revocation = soft\n"),
                      TWO("crl = a\nrevocation = off\n", "revocation = soft\n")),
              "a device that the change does not concern");
    cr_expect_not(is_same(TWO("crl = a\n", ""), TWO("crl = a\nrevocation = off\n", "")));
    cr_expect_not(is_same(TWO("crl = a\n", ""), TWO("crl = a\n", "revocation = off\n")));
    cr_expect_not(is_same(TWO("crl = a\nrevocation = grace\n", ""),
                          TWO("crl = a\nrevocation = grace\ngrace = 1h\n", "")));
}

Test(canonical, every_source_of_evidence_counts)
{
    static const char *const LINES[] = {
        "crl = b\n",
        "ocsp = http://h/\n",
        "check_timeout = 6s\n",
        "ca_profile = strict\n",
        "rsa_min = 1024\n",
        "allow_sha1 = yes\n",
        "policy = 1.2.3\n",
        "follow_cdp = yes\nfetch_hosts = h\n",
    };
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "[gateway]\nname = g\n[trust t]\nanchors = a\n"
                       "crl = a\n%s[device d]\ncertificate = c\nkey = k\ntrust = t\n%s",
                       LINES[i], FIXTURE_MLLP);
        cr_expect_not(is_same(TWO("crl = a\n", ""), text), "%s", LINES[i]);
    }
}

Test(canonical, each_device_has_the_text_of_its_own_trust)
{
    struct fixture f;
    fixture_build(&f, "[gateway]\nname = g\n"
                      "[trust t]\nanchors = a\nrevocation = soft\n"
                      "[trust u]\nanchors = b\nrevocation = grace\n"
                      "[device d]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP
                      "[device e]\ncertificate = c\nkey = k\ntrust = u\n" FIXTURE_MLLP
                      "[device g]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP);
    const struct conf_device *d = f.conf.devices;
    cr_assert_not_null(strstr(d[0].canonical, "\ntrust.anchors=/etc/w/a\n"));
    cr_assert_not_null(strstr(d[0].canonical, "\nrevocation=soft\n"));
    cr_assert_not_null(strstr(d[1].canonical, "\ntrust.anchors=/etc/w/b\n"));
    cr_assert_not_null(strstr(d[1].canonical, "\nrevocation=grace\n"));
    cr_assert_str_eq(d[0].canonical, d[2].canonical);
    fixture_end(&f);
}

Test(canonical, says_when_there_is_no_memory)
{
    struct fixture f;
    fixture_build(&f, BASE);
    struct canonical *c = canonical_new(f.pool);
    cr_assert_not_null(c);
    /* The pool's block is full: the next piece needs a new one. */
    while (pool_take(f.pool, 1, 16) != NULL) {
        mem_fail_nth(1);
    }
    mem_fail_nth(1);
    cr_assert_null(canonical_new(f.pool));
    mem_fail_nth(1);
    cr_assert_null(canonical_device(c, f.reader.sections[2], NULL, f.pool));
    mem_fail_nth(0);
    fixture_end(&f);
}
