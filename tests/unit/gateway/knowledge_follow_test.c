/* Which URLs of certificates are followed. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/know_rig.h"

static struct know_rig rig;
static char url[64];

static void setup(void)
{
    know_rig_open(&rig);
    rig.section.follow_cdp = true;
    rig.section.fetch_host_count = 1;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/cdp", (unsigned)rig.peer.port);
    know_rig_answer(&rig, papers_crl(&(struct papers_crl){.number = 7}), "application/pkix-crl");
}

static void teardown(void)
{
    know_rig_close(&rig);
}

TestSuite(knowledge_follow, .init = setup, .fini = teardown);

static unsigned count_sources(void)
{
    unsigned count = 0;
    for (const struct source *s = rig.knowledge->sources; s != NULL; s = s->next) {
        count += s->closing ? 0 : 1;
    }
    return count;
}

static void follow(const char *where)
{
    knowledge_follow(rig.knowledge, papers_leaf(5, NULL, where), io_wall_s());
}

Test(knowledge_follow, fetches_what_a_certificate_names_once)
{
    know_rig_start(&rig);
    follow(url);
    follow(url);
    cr_expect_eq(count_sources(), 1);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    cr_expect(http_peer_heard(&rig.peer, "GET /cdp HTTP/1.1"));
    cr_expect_eq(rig.peer.requests, 1);
}

Test(knowledge_follow, nothing_without_follow_cdp)
{
    rig.section.follow_cdp = false;
    know_rig_start(&rig);
    follow(url);
    cr_expect_eq(count_sources(), 0);
}

Test(knowledge_follow, nothing_to_hosts_that_are_not_allowed)
{
    rig.section.fetch_host_count = 0;
    know_rig_start(&rig);
    follow(url);
    cr_expect_eq(count_sources(), 0);
}

Test(knowledge_follow, nothing_under_a_section_that_is_gone)
{
    know_rig_start(&rig);
    knowledge_use(rig.knowledge, NULL);
    follow(url);
    cr_expect_eq(count_sources(), 0);
}

Test(knowledge_follow, nothing_while_the_gateway_ends)
{
    know_rig_start(&rig);
    rig.revocation->closing = true;
    follow(url);
    rig.revocation->closing = false;
    cr_expect_eq(count_sources(), 0);
}

Test(knowledge_follow, no_more_than_64_found_urls)
{
    know_rig_start(&rig);
    for (unsigned i = 0; i < 70; i++) {
        char many[80];
        (void)snprintf(many, sizeof(many), "%s%u", url, i);
        follow(many);
    }
    cr_expect_eq(count_sources(), 64);
}

Test(knowledge_follow, a_found_url_stays_over_a_reload_until_follow_cdp_ends)
{
    know_rig_start(&rig);
    follow(url);
    revocation_use(rig.revocation, &rig.conf);
    cr_expect_eq(count_sources(), 1);
    rig.section.follow_cdp = false;
    revocation_use(rig.revocation, &rig.conf);
    cr_expect_eq(count_sources(), 0);
}

Test(knowledge_follow, a_found_url_goes_when_its_host_is_not_allowed_any_more)
{
    know_rig_start(&rig);
    follow(url);
    rig.section.fetch_host_count = 0;
    revocation_use(rig.revocation, &rig.conf);
    cr_expect_eq(count_sources(), 0);
}

Test(knowledge_follow, a_found_url_goes_when_no_path_named_it_for_30_days)
{
    int64_t now_s = io_wall_s();
    know_rig_start(&rig);
    follow(url);
    knowledge_tidy(rig.knowledge, now_s + WATCH_SEEN_S - 60);
    cr_expect_eq(count_sources(), 1);
    knowledge_tidy(rig.knowledge, now_s + WATCH_SEEN_S + 60);
    cr_expect_eq(count_sources(), 0);
}

Test(knowledge_follow, a_configured_url_does_not_go)
{
    know_rig_add(&rig, CONF_CRL_URL, "/cdp");
    know_rig_start(&rig);
    follow(url);
    cr_expect_eq(count_sources(), 1);
    knowledge_tidy(rig.knowledge, io_wall_s() + WATCH_SEEN_S + 60);
    cr_expect_eq(count_sources(), 1);
}

/* ---- hosts ---- */

static bool allows(const char *where)
{
    return knowledge_allows_url(rig.knowledge, where);
}

Test(knowledge_follow, allows_a_host_at_any_port_or_at_one)
{
    static char name[] = "ca.example";
    rig.host = (struct conf_fetch_host){.host = name};
    know_rig_start(&rig);
    cr_expect(allows("http://ca.example/a"));
    cr_expect(allows("https://CA.example:8443/a"));
    rig.host.port = 80;
    cr_expect(allows("http://ca.example/a"));
    cr_expect_not(allows("https://ca.example/a"));
    cr_expect_not(allows("http://ca.example:81/a"));
}

Test(knowledge_follow, refuses_what_only_looks_like_an_allowed_host)
{
    static const char *const urls[] = {"http://ca.example.org/a",
                                       "http://xca.example/a",
                                       "http://ca.example@other/a",
                                       "http://other/ca.example",
                                       "http://ca.example:x@other/a",
                                       "ftp://ca.example/a",
                                       "ca.example",
                                       "http://other#@ca.example/",
                                       "http://",
                                       "file:///ca.example",
                                       "http://other\\@ca.example/a",
                                       ""};
    static char name[] = "ca.example";
    rig.host = (struct conf_fetch_host){.host = name};
    know_rig_start(&rig);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        cr_expect_not(allows(urls[i]), "%s", urls[i]);
    }
    knowledge_use(rig.knowledge, NULL);
    cr_expect_not(allows("http://ca.example/a"));
}
