#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/build.h"
#include "conf/check.h"
#include "tests/unit/conf/fixture.h"

Test(build, fills_gateway_and_trust)
{
    struct fixture f;
    fixture_build(&f, "[gateway]\nname = ward-3b\nstate_dir = s\ncontrol = /run/x.sock\n"
                      "log_format = json\nlog_level = warning\n"
                      "[trust t]\nanchors = a.pem\nintermediates = i.pem\nrevocation = off\n"
                      "tls_min = 1.2\n"
                      "[device d]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP);
    cr_assert_eq(problems_count(f.problems), 0);
    cr_assert_str_eq(f.conf.gateway.name, "ward-3b");
    cr_assert_str_eq(f.conf.gateway.state_dir, "/etc/w/s");
    cr_assert_str_eq(f.conf.gateway.control, "/run/x.sock");
    cr_assert_eq(f.conf.gateway.log_format, CONF_LOG_JSON);
    cr_assert_eq(f.conf.gateway.log_level, CONF_LOG_WARNING);
    cr_assert_eq(f.conf.trust_count, 1);
    cr_assert_str_eq(f.conf.trusts[0].name, "t");
    cr_assert_str_eq(f.conf.trusts[0].anchors, "/etc/w/a.pem");
    cr_assert_str_eq(f.conf.trusts[0].intermediates, "/etc/w/i.pem");
    cr_assert_eq(f.conf.trusts[0].tls_min, TLS_VERSION_1_2);
    cr_assert_eq(f.conf.trusts[0].revocation, CONF_REVOCATION_OFF);
    cr_assert_eq(f.conf.gateway.clock, CONF_CLOCK_FLOOR);
    cr_assert_null(f.conf.gateway.fetch_proxy);
    cr_assert_eq(f.conf.trusts[0].line, 7);
    cr_assert_str_eq(f.conf.trusts[0].file, "t.conf");
    cr_assert_eq(f.conf.device_count, 1);
    fixture_end(&f);
}

Test(build, tls_is_1_3_unless_written_otherwise)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE FIXTURE_MLLP);
    cr_assert_eq(f.conf.trusts[0].tls_min, TLS_VERSION_1_3);
    cr_assert_null(f.conf.trusts[0].intermediates);
    cr_assert_eq(f.conf.gateway.log_level, CONF_LOG_INFO);
    cr_assert_eq(f.conf.gateway.log_format, CONF_LOG_TEXT);
    cr_assert_str_eq(f.conf.gateway.state_dir, "/var/lib/wardgate");
    fixture_end(&f);
}

Test(build, refuses_a_file_without_gateway_or_devices)
{
    struct fixture f;
    const char *lines[] = {
        "t.conf: there is no [gateway] section; right: [gateway], and in it name = NAME",
        "t.conf: there is no device; right: a section [device NAME] for each device", NULL};
    fixture_build(&f, "");
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(build, refuses_a_gateway_without_a_proper_name)
{
    struct fixture f;
    fixture_build(&f, "[gateway]\n");
    cr_assert(fixture_says(&f, "t.conf:1: [gateway] has no name; right: name = a name of 1 to 63 "
                               "letters, digits, - _ or ."));
    fixture_end(&f);
    fixture_build(&f, "[gateway]\nname = ward 3\n");
    cr_assert(fixture_says(&f, "t.conf:2: name = ward 3 is not a name; right: a name of 1 to 63 "
                               "letters, digits, - _ or ."));
    fixture_end(&f);
}

Test(build, refuses_a_control_path_that_no_socket_takes)
{
    char text[400];
    char path[128];
    struct fixture f;
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[107] = '\0';
    (void)snprintf(text, sizeof(text), "[gateway]\nname = g\ncontrol = %s\n", path);
    fixture_build(&f, text);
    cr_assert_eq(problems_count(f.problems), 1, "107 bytes are fine");
    fixture_end(&f);
    path[107] = 'a';
    path[108] = '\0';
    (void)snprintf(text, sizeof(text), "[gateway]\nname = g\ncontrol = %s\n", path);
    fixture_build(&f, text);
    cr_assert_eq(problems_count(f.problems), 2);
    cr_assert_null(f.conf.gateway.control);
    fixture_end(&f);
}

Test(build, refuses_a_trust_that_is_not_there)
{
    fixture_expect_one(
        "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n"
        "[device d]\ncertificate = c\nkey = k\ntrust = u\n" FIXTURE_MLLP,
        "t.conf:9: trust = u names no trust section; right: a section [trust u] with "
        "its anchors");
}

Test(build, finds_a_trust_that_stands_behind_its_device)
{
    struct fixture f;
    fixture_build(
        &f, "[gateway]\nname = g\n[device d]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP
            "[trust t]\nanchors = a\nrevocation = off\n");
    cr_assert_eq(problems_count(f.problems), 0);
    fixture_end(&f);
}

/* [gateway] with two lines of its own, a trust without revocation, and a device. */
#define PROXY(url)                                                                                 \
    "[gateway]\nname = g\nclock = synced\nfetch_proxy = " url                                      \
    "\n[trust t]\nanchors = a\nrevocation = off\n"                                                 \
    "[device d]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP

Test(build, takes_clock_and_proxy)
{
    struct fixture f;
    fixture_build(&f, PROXY("http://10.0.0.1:3128/"));
    cr_assert_eq(problems_count(f.problems), 0);
    cr_assert_eq(f.conf.gateway.clock, CONF_CLOCK_SYNCED);
    cr_assert_str_eq(f.conf.gateway.fetch_proxy, "http://10.0.0.1:3128/");
    fixture_end(&f);
}

Test(build, refuses_a_proxy_that_is_none)
{
    fixture_expect_one(PROXY("10.0.0.1:3128"),
                       "t.conf:4: fetch_proxy = 10.0.0.1:3128 is no http or https URL; right: "
                       "http://HOST/PATH or https://HOST/PATH");
    fixture_expect_one(PROXY("http://me:secret@10.0.0.1"),
                       "t.conf:4: fetch_proxy names a user in its URL; right: a URL without USER@");
    fixture_expect_one(PROXY("http://10.0.0.1/x"),
                       "t.conf:4: fetch_proxy = http://10.0.0.1/x has a path, which no proxy has; "
                       "right: http://HOST:PORT");
}

Test(build, example_file_is_right_but_for_its_certificates)
{
    static char text[20000];
    struct fixture f;
    FILE *file = fopen("conf/wardgate.conf.example", "r");
    cr_assert_not_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    fixture_build(&f, text);
    fixture_expect(&f, (const char *const[]){NULL});
    cr_assert_eq(f.conf.device_count, 5);
    fixture_end(&f);
}

/* Read and build under a failing allocation; the number of problems, or -1 when none failed. */
static int build_failing(const char *text, uint32_t nth)
{
    struct fixture f;
    struct fixture_text from = {.text = text, .len = strlen(text), .cut = 4096};
    struct reader_source source = {
        .read = fixture_text_read, .from = &from, .file = "t.conf", .dir = "/etc/w"};
    fixture_begin(&f);
    f.conf.path = pool_text(f.pool, "/etc/w/t.conf");
    mem_fail_nth(nth);
    int result = reader_read(&f.reader, &source);
    if (result == 0) {
        result = build_conf(&f.conf, &f.reader, f.pool, f.problems, "t.conf");
    }
    mem_fail_nth(0);
    int count = (int)problems_count(f.problems);
    cr_assert_eq(result == 0, count == 0, "allocation %u: %d, %d problems", nth, result, count);
    fixture_end(&f);
    return count;
}

Test(build, any_allocation_may_fail)
{
    /* Many devices: the pool then asks for memory at many different places. */
    static char text[60000] = "[gateway]\nname = g\nfetch_proxy = http://p:1\n[trust t]\n"
                              "anchors = a\ncrl = a, b/, http://h/x\nocsp = http://h/\n"
                              "follow_cdp = yes\nfetch_hosts = h, i:1\npolicy = 1.2.3\n";
    for (int i = 0; i < 150; i++) {
        size_t used = strlen(text);
        (void)snprintf(&text[used], sizeof(text) - used,
                       "[device d%d]\ncertificate = c\nkey = k\ntrust = t\n"
                       "port = tcp-listen:10.0.0.1:%d\nfrom = 10.0.0.2, fd00::1\nprotocol = mllp\n"
                       "connect = h.example:1, i.example:2\nallow = dns:h.example\n"
                       "server_name = h.example\ndescription = Bed %d\n",
                       i, i + 1, i);
    }
    uint32_t nth = 1;
    while (build_failing(text, nth) > 0) {
        nth++;
    }
    cr_assert_gt(nth, 20, "the walk ended early");
}
