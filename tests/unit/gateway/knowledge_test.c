/* One trust's CRLs: what is taken, what waits, what is told, and which sources there are. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/know_rig.h"

#define TYPE "application/pkix-crl"

static struct know_rig rig;

static void setup(void)
{
    know_rig_open(&rig);
}

static void teardown(void)
{
    know_rig_close(&rig);
}

TestSuite(knowledge, .init = setup, .fini = teardown);

static void put_of(const struct papers_crl *c)
{
    struct span crl = papers_crl(c);
    folder_put(&rig.drop, "a", crl.data, crl.len);
}

/* A file with this CRL, and revocation that has read it. */
static void start(unsigned number)
{
    know_rig_put(&rig, "a", number);
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
}

static unsigned count_sources(void)
{
    unsigned count = 0;
    for (const struct source *s = rig.knowledge->sources; s != NULL; s = s->next) {
        count += s->closing ? 0 : 1;
    }
    return count;
}

/* ---- what is taken ---- */

Test(knowledge, takes_a_crl_and_says_so_once)
{
    start(7);
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    cr_expect_eq(know_rig_said(&rig, "crl-taken"), 1);
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_said(&rig, "crl-taken"), 0);
}

Test(knowledge, takes_a_newer_crl)
{
    start(7);
    know_rig_put(&rig, "a", 8);
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 8);
    cr_expect_eq(know_rig_said(&rig, "crl-taken"), 2);
}

Test(knowledge, refuses_an_older_crl_with_an_error)
{
    start(7);
    (void)know_rig_said(&rig, "crl-taken");
    know_rig_put(&rig, "a", 6);
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    cr_expect_eq(know_rig_said(&rig, "<3>"), 1);
    know_rig_refresh(&rig);
    cr_expect_geq(know_rig_said(&rig, "crl-older"), 1);
}

Test(knowledge, a_crl_of_a_stranger_is_not_taken)
{
    put_of(&(struct papers_crl){.key = PAPERS_STRANGE, .number = 7});
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 0);
    cr_expect_eq(know_rig_said(&rig, "crl-taken"), 0);
}

Test(knowledge, a_crl_from_the_future_is_refused_and_looked_at_again)
{
    put_of(&(struct papers_crl){.number = 7, .from_s = 4000});
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 0);
    cr_expect_eq(know_rig_said(&rig, "crl-refused"), 1);
    /* The file is the same; the time is another one. That it is refused is no news. */
    for (unsigned i = 0; i < 3; i++) {
        knowledge_tidy(rig.knowledge, io_wall_s());
        cr_expect(knowledge_is_busy(rig.knowledge), "it is looked at again");
        know_rig_settle(&rig);
    }
    cr_expect_eq(know_rig_said(&rig, "crl-refused"), 0);
    put_of(&(struct papers_crl){.number = 8, .from_s = 5000});
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_said(&rig, "crl-refused"), 1, "another one is");
    put_of(&(struct papers_crl){.number = 9});
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 9);
    put_of(&(struct papers_crl){.number = 8, .from_s = 5000});
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_said(&rig, "crl-refused"), 1, "it was well meanwhile");
}

Test(knowledge, what_was_taken_is_not_read_again_by_tidying)
{
    start(7);
    knowledge_tidy(rig.knowledge, io_wall_s());
    cr_expect_not(knowledge_is_busy(rig.knowledge));
}

/* ---- what waits for its issuer ---- */

static void start_sub(unsigned number)
{
    put_of(&(struct papers_crl){.issuer = "Sub", .key = PAPERS_SUB, .number = number});
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
}

static bool show_issuer(void)
{
    struct path path = {.count = 3};
    path.certs[0] = papers_leaf(5, NULL, NULL);
    path.certs[1] = papers_sub();
    path.certs[2] = papers_root(PAPERS_ROOT);
    const struct evidence_showing shown = {.path = &path, .now_s = io_wall_s()};
    return evidence_settle(rig.knowledge->evidence, &shown, knowledge_on_settled, rig.knowledge);
}

Test(knowledge, a_crl_whose_issuer_only_a_peer_shows_waits_and_then_counts)
{
    unsigned waiting = 0;
    start_sub(7);
    cr_expect_eq(know_rig_number(&rig, &waiting), 0);
    cr_expect_eq(waiting, 1);
    cr_expect_eq(know_rig_said(&rig, "crl-waits"), 1);
    cr_expect(show_issuer());
    cr_expect_eq(know_rig_number(&rig, &waiting), 7);
    cr_expect_eq(waiting, 0);
    cr_expect_eq(know_rig_said(&rig, "crl-taken"), 1);
    cr_expect(rig.knowledge->marks_dirty, "its mark is to be stored");
}

Test(knowledge, an_older_one_that_waited_is_an_error_and_not_taken)
{
    start_sub(7);
    cr_assert(show_issuer());
    put_of(&(struct papers_crl){.issuer = "Sub", .key = PAPERS_SUB, .number = 6});
    know_rig_refresh(&rig);
    (void)show_issuer();
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    cr_expect_eq(know_rig_said(&rig, "crl-older"), 1);
}

/* ---- troubles ---- */

Test(knowledge, a_missing_file_is_told_once_and_its_coming_once)
{
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_said(&rig, "crl-source-failed"), 1);
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_said(&rig, "crl-source-failed"), 0);
    know_rig_put(&rig, "a", 7);
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_said(&rig, "crl-source-works"), 1);
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_said(&rig, "crl-source-works"), 0);
}

Test(knowledge, another_trouble_of_the_same_source_is_told)
{
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    folder_put(&rig.drop, "a", "half", 4);
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_said(&rig, "crl-source-failed"), 2);
}

Test(knowledge, a_file_that_goes_is_told_and_what_it_said_stays)
{
    know_rig_put(&rig, "a.crl", 7);
    know_rig_add(&rig, CONF_CRL_FOLDER, "");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_assert_eq(unlinkat(rig.drop.fd, "a.crl", 0), 0);
    know_rig_refresh(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    cr_expect_eq(know_rig_said(&rig, "crl-file-gone"), 1);
}

Test(knowledge, what_waited_goes_with_its_file)
{
    unsigned waiting = 0;
    struct span crl = papers_crl(
        &(struct papers_crl){.issuer = "Sub", .key = PAPERS_SUB, .number = 7});
    folder_put(&rig.drop, "a.crl", crl.data, crl.len);
    know_rig_add(&rig, CONF_CRL_FOLDER, "");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    (void)know_rig_number(&rig, &waiting);
    cr_expect_eq(waiting, 1);
    cr_assert_eq(unlinkat(rig.drop.fd, "a.crl", 0), 0);
    know_rig_refresh(&rig);
    (void)know_rig_number(&rig, &waiting);
    cr_expect_eq(waiting, 0);
}

/* ---- how long it is good ---- */

static int64_t next_of_first(void)
{
    struct crl_source_facts facts;
    crl_source_tell(rig.knowledge->sources->reader, &facts);
    return facts.next_s - io_wall_s();
}

static void start_url(const struct papers_crl *c)
{
    know_rig_answer(&rig, papers_crl(c), TYPE);
    know_rig_add(&rig, CONF_CRL_URL, "/crl");
    know_rig_start(&rig);
    know_rig_settle(&rig);
}

Test(knowledge, a_url_is_asked_again_at_half_of_its_crls_life)
{
    start_url(&(struct papers_crl){.number = 7, .until_s = 1000});
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    cr_expect(next_of_first() >= 445 && next_of_first() <= 550, "%d", (int)next_of_first());
}

Test(knowledge, the_same_crl_again_is_taken_too)
{
    start_url(&(struct papers_crl){.number = 7, .until_s = 1000});
    know_rig_refresh(&rig);
    cr_expect(next_of_first() >= 445 && next_of_first() <= 550, "%d", (int)next_of_first());
}

Test(knowledge, what_was_refused_is_asked_for_again_soon)
{
    start_url(&(struct papers_crl){.number = 7, .until_s = 1000});
    know_rig_answer(&rig, papers_crl(&(struct papers_crl){.number = 6}), TYPE);
    know_rig_refresh(&rig);
    cr_expect_leq(next_of_first(), 120, "%d", (int)next_of_first());
}

/* ---- what is under way ---- */

Test(knowledge, there_is_hope_until_each_source_was_read_once)
{
    http_peer_says(&rig.peer, HTTP_LEAVE, "");
    know_rig_add(&rig, CONF_CRL_URL, "/crl");
    know_rig_start(&rig);
    cr_expect(knowledge_is_hopeful(rig.knowledge));
    cr_expect(knowledge_is_busy(rig.knowledge));
    know_rig_settle(&rig);
    cr_expect_not(knowledge_is_hopeful(rig.knowledge), "it failed; nobody waits for the next");
    knowledge_refresh(rig.knowledge);
    cr_expect(knowledge_is_busy(rig.knowledge));
    cr_expect_not(knowledge_is_hopeful(rig.knowledge));
}

Test(knowledge, reading_anew_reads_what_did_not_change)
{
    start_url(&(struct papers_crl){.number = 7});
    knowledge_read_anew(rig.knowledge);
    know_rig_settle(&rig);
    cr_expect_eq(rig.peer.requests, 2);
}

Test(knowledge, closes_with_a_download_under_way)
{
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    know_rig_add(&rig, CONF_CRL_URL, "/crl");
    know_rig_start(&rig);
    bench_run_until(&rig.bench, &rig.peer.requests, 1);
}

Test(knowledge, closes_with_a_reading_under_way)
{
    know_rig_put(&rig, "a", 7);
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    bench_turn(&rig.bench);
}

/* ---- a reload ---- */

Test(knowledge, sources_follow_the_configuration)
{
    start(7);
    know_rig_put(&rig, "b", 8);
    rig.section.crl_count = 0;
    know_rig_add(&rig, CONF_CRL_FILE, "b");
    revocation_use(rig.revocation, &rig.conf);
    cr_expect_eq(count_sources(), 1);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 8);
}

Test(knowledge, a_source_that_stays_is_not_read_again)
{
    start(7);
    revocation_use(rig.revocation, &rig.conf);
    cr_expect_not(knowledge_is_busy(rig.knowledge));
    cr_expect_eq(count_sources(), 1);
}

Test(knowledge, a_place_of_another_kind_is_another_source)
{
    start(7);
    rig.crls[0].kind = CONF_CRL_FOLDER;
    cr_assert_eq(unlinkat(rig.drop.fd, "a", 0), 0);
    cr_assert_eq(mkdirat(rig.drop.fd, "a", 0700), 0);
    know_rig_put(&rig, "a/b.crl", 8);
    revocation_use(rig.revocation, &rig.conf);
    cr_expect_eq(count_sources(), 1);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 8);
}

Test(knowledge, a_section_that_is_gone_has_no_sources_and_keeps_what_it_knows)
{
    start(7);
    struct conf without = rig.conf;
    without.trust_count = 0;
    revocation_use(rig.revocation, &without);
    cr_expect_eq(count_sources(), 0);
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    revocation_use(rig.revocation, &rig.conf);
    cr_expect_eq(count_sources(), 1);
}

Test(knowledge, other_anchors_read_everything_anew)
{
    unsigned waiting = 0;
    start(7);
    struct trust *other = papers_trust(PAPERS_STRANGE);
    rig.section.trust = other;
    put_of(&(struct papers_crl){.number = 8, .key = PAPERS_STRANGE});
    revocation_use(rig.revocation, &rig.conf);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, &waiting), 8);
    trust_release(other);
}
