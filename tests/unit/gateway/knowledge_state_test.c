/* What is known after a new start, from the state folder, and what of it is not believed. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/know_rig.h"

#define TYPE  "application/ocsp-response"
#define MARKS "trust-hospital/marks.json"

static struct know_rig rig;
static struct span leaf;
static struct span root;

static void setup(void)
{
    know_rig_open(&rig);
    leaf = papers_leaf(5, NULL, NULL);
    root = papers_root(PAPERS_ROOT);
}

static void teardown(void)
{
    know_rig_close(&rig);
}

TestSuite(knowledge_state, .init = setup, .fini = teardown);

/* A life of the gateway in which it read this CRL. Later ones have no source. */
static void live_with_crl(unsigned number)
{
    know_rig_put(&rig, "a", number);
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_assert_eq(know_rig_number(&rig, NULL), number);
    know_rig_stop(&rig);
    rig.section.crl_count = 0;
}

static void live_with_answer(enum ocsp_answer status)
{
    rig.section.ocsp = CONF_OCSP_URL;
    know_rig_start(&rig);
    struct ocsp_watch *w = ocsp_watch_see(rig.knowledge, leaf, root, io_wall_s());
    cr_assert(ocsp_watch_need(w));
    const struct papers_answer a = {
        .cert = leaf, .status = status, .nonce = span_of(w->nonce, sizeof(w->nonce))};
    know_rig_answer(&rig, papers_answer(&a), TYPE);
    know_rig_settle(&rig);
    know_rig_stop(&rig);
}

/* The one file of the state whose name begins so. */
static const char *state_file(const char *kind)
{
    static char name[STORE_NAME_MAX];
    int fd = openat(rig.state.fd, "trust-hospital", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    cr_assert_not_null(dir);
    name[0] = '\0';
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strncmp(e->d_name, kind, strlen(kind)) == 0) {
            (void)snprintf(name, sizeof(name), "trust-hospital/%.80s", e->d_name);
        }
    }
    (void)closedir(dir);
    cr_assert_neq(name[0], '\0', "no %s", kind);
    return name;
}

static void damage(const char *name)
{
    folder_put(&rig.state, name, "wardgate 1 sha256=00", 20);
}

static void write_state(const char *name, struct span content)
{
    struct fault f = {0};
    cr_assert_eq(store_file_write(rig.state.fd, name, content, &f), 0, "%s", f.note);
}

static bool has_answer(void)
{
    return evidence_answer_of(rig.knowledge->evidence, leaf).len > 0;
}

static size_t count_marks(void)
{
    const struct evidence_mark *marks = NULL;
    return evidence_marks(rig.knowledge->evidence, &marks);
}

/* ---- CRLs ---- */

Test(knowledge_state, a_crl_is_known_after_a_new_start)
{
    live_with_crl(7);
    know_rig_start(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 7, "before anything was read");
}

Test(knowledge_state, an_older_crl_is_refused_after_a_new_start)
{
    live_with_crl(7);
    know_rig_put(&rig, "a", 6);
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    cr_expect_eq(know_rig_said(&rig, "crl-older"), 1);
}

Test(knowledge_state, an_older_crl_is_refused_also_when_the_stored_one_is_damaged)
{
    char name[STORE_NAME_MAX + 16];
    live_with_crl(7);
    (void)snprintf(name, sizeof(name), "%s.damaged", state_file("crl-"));
    damage(state_file("crl-"));
    know_rig_put(&rig, "a", 6);
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 0);
    cr_expect(folder_has(&rig.state, name), "it is set aside");
    cr_expect_eq(know_rig_said(&rig, "crl-older"), 1);
}

Test(knowledge_state, a_damaged_file_is_told)
{
    live_with_crl(7);
    damage(state_file("crl-"));
    know_rig_start(&rig);
    cr_expect_eq(know_rig_said(&rig, "state-damaged"), 1);
}

Test(knowledge_state, a_stored_crl_is_its_own_mark)
{
    live_with_crl(7);
    damage(MARKS);
    know_rig_put(&rig, "a", 6);
    know_rig_add(&rig, CONF_CRL_FILE, "a");
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
    cr_expect(folder_has(&rig.state, MARKS ".damaged"));
}

Test(knowledge_state, a_file_that_is_no_crl_is_told)
{
    write_state("trust-hospital/crl-00.crl", span_of_text("no CRL"));
    know_rig_start(&rig);
    cr_expect_eq(know_rig_said(&rig, "state-damaged"), 1);
    cr_expect_eq(know_rig_number(&rig, NULL), 0);
}

Test(knowledge_state, a_stored_crl_of_a_stranger_is_not_believed)
{
    write_state("trust-hospital/crl-00.crl",
                papers_crl(&(struct papers_crl){.number = 7, .key = PAPERS_STRANGE}));
    know_rig_start(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 0);
}

/* A clock that woke up before what was stored: as in 1970, but nearer. */
static void write_tomorrow(bool has_mark)
{
    const struct papers_crl spec = {.number = 7, .from_s = 864000, .until_s = 1728000};
    struct span crl = papers_crl(&spec);
    struct crl_intake in;
    struct evidence_id id;
    struct fault f = {0};
    char text[DIGEST_TEXT_MAX];
    char marks[256];
    struct evidence *e = evidence_new();
    cr_assert_eq(crl_intake_read(crl, rig.trust, io_wall_s() + 900000, &in, &f), 0, "%s", f.note);
    cr_assert_eq(evidence_put_crl(e, &in.arrivals[0], "a", &id, &f), EVIDENCE_NEW);
    digest_text(id.bytes, text);
    (void)snprintf(marks, sizeof(marks),
                   "{\"marks\":[{\"id\":\"%s\",\"number\":\"07\",\"this_update\":%lld}],"
                   "\"version\":1}",
                   text, (long long)crl_this_update_s(in.arrivals[0].crl));
    crl_intake_clear(&in);
    evidence_free(e);
    write_state("trust-hospital/crl-00.crl", crl);
    if (has_mark) {
        write_state(MARKS, span_of_text(marks));
    }
}

Test(knowledge_state, a_board_that_wakes_up_in_the_past_does_not_lose_its_evidence)
{
    write_tomorrow(true);
    know_rig_start(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 7);
}

Test(knowledge_state, what_no_mark_vouches_for_is_from_the_future)
{
    write_tomorrow(false);
    know_rig_start(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 0);
}

/* ---- marks ---- */

Test(knowledge_state, marks_that_cannot_be_read_are_told_and_the_others_count)
{
    static const char text[] =
        "{\"marks\":["
        "{\"id\":\"0000000000000000000000000000000000000000000000000000000000000001\","
        "\"number\":\"0A\",\"this_update\":5},"
        "{\"id\":\"00\",\"number\":\"0A\",\"this_update\":5},"
        "{\"id\":\"zz00000000000000000000000000000000000000000000000000000000000001\","
        "\"number\":\"0A\",\"this_update\":5},"
        "{\"id\":\"0000000000000000000000000000000000000000000000000000000000000002\","
        "\"number\":\"0A0\",\"this_update\":5},"
        "{\"id\":\"0000000000000000000000000000000000000000000000000000000000000003\","
        "\"number\":\"000000000000000000000000000000000000000000\",\"this_update\":5},"
        "{\"id\":\"0000000000000000000000000000000000000000000000000000000000000004\","
        "\"number\":\"0A\",\"this_update\":\"5\"},"
        "{\"id\":\"0000000000000000000000000000000000000000000000000000000000000005\","
        "\"this_update\":5},7],\"version\":1}";
    write_state(MARKS, span_of_text(text));
    know_rig_start(&rig);
    cr_expect_eq(count_marks(), 1);
    cr_expect_eq(know_rig_said(&rig, "cannot be read"), 1);
}

Test(knowledge_state, a_number_that_is_too_long_is_told)
{
    static const char text[] =
        "{\"marks\":["
        "{\"id\":\"0000000000000000000000000000000000000000000000000000000000000003\","
        "\"number\":\"000000000000000000000000000000000000000000\",\"this_update\":5}],"
        "\"version\":1}";
    write_state(MARKS, span_of_text(text));
    know_rig_start(&rig);
    cr_expect_eq(count_marks(), 0);
    cr_expect_eq(know_rig_said(&rig, "cannot be read"), 1);
}

Test(knowledge_state, marks_that_are_no_json_are_told)
{
    write_state(MARKS, span_of_text("[1"));
    know_rig_start(&rig);
    cr_expect_eq(know_rig_said(&rig, "cannot be read"), 1);
}

Test(knowledge_state, the_mark_of_an_answer_is_stored_at_the_end)
{
    live_with_answer(OCSP_GOOD);
    damage(state_file("ocsp-"));
    know_rig_start(&rig);
    cr_expect_not(has_answer());
    cr_expect_eq(count_marks(), 1);
}

/* ---- answers ---- */

Test(knowledge_state, an_answer_is_known_after_a_new_start_and_asked_for_soon)
{
    live_with_answer(OCSP_GOOD);
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    know_rig_start(&rig);
    cr_expect(has_answer());
    struct ocsp_watch *w = ocsp_watch_see(rig.knowledge, leaf, root, io_wall_s());
    cr_assert_not_null(w);
    cr_expect_leq(w->due_ms, io_now_ms(&rig.bench.io) + 1);
    cr_expect_neq(w->due_ms, 0);
}

Test(knowledge_state, an_older_answer_is_refused_after_a_new_start)
{
    live_with_answer(OCSP_REVOKED);
    know_rig_start(&rig);
    const struct papers_answer older = {.cert = leaf, .status = OCSP_GOOD, .from_s = -1000};
    struct evidence_answer answer = {0};
    cr_expect_not(ocsp_watch_offer(rig.knowledge, leaf, root, papers_answer(&older)));
    cr_assert(evidence_answer_look(rig.knowledge->evidence, leaf, &answer));
    cr_expect(answer.is_revoked);
}

/* A stored answer, put there by hand. */
static void write_answer(struct papers_answer a)
{
    uint8_t bytes[8192];
    struct room room = room_of(bytes, sizeof(bytes));
    a.cert = leaf;
    cr_assert(room_put(&room, leaf) && room_put(&room, root) && room_put(&room, papers_answer(&a)));
    write_state("trust-hospital/ocsp-00.der", room_span(&room));
    rig.section.ocsp = CONF_OCSP_URL;
    know_rig_start(&rig);
}

Test(knowledge_state, an_answer_that_is_over_is_kept_for_a_grace_time)
{
    write_answer(
        (struct papers_answer){.status = OCSP_GOOD, .from_s = -2 * 86400, .until_s = -86400});
    cr_expect(has_answer());
}

static size_t count_answers(void)
{
    size_t count = 0;
    int fd = openat(rig.state.fd, "trust-hospital", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    cr_assert_not_null(dir);
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        count += strncmp(e->d_name, "ocsp-", 5) == 0 ? 1 : 0;
    }
    (void)closedir(dir);
    return count;
}

/* What is left of an answer about a certificate that nobody has seen for 30 days. */
static size_t left_after_a_month(enum ocsp_answer status)
{
    live_with_answer(status);
    cr_assert_eq(count_answers(), 1);
    http_peer_says(&rig.peer, HTTP_SILENT, "");
    know_rig_start(&rig);
    ocsp_watch_tidy(rig.knowledge, io_wall_s() + WATCH_SEEN_S - 10);
    know_rig_settle(&rig);
    cr_assert_eq(count_answers(), 1);
    ocsp_watch_tidy(rig.knowledge, io_wall_s() + WATCH_SEEN_S + 10);
    know_rig_settle(&rig);
    return count_answers();
}

Test(knowledge_state, an_answer_that_nobody_needs_is_removed)
{
    cr_expect_eq(left_after_a_month(OCSP_GOOD), 0);
}

Test(knowledge_state, who_is_revoked_is_not_forgotten)
{
    cr_expect_eq(left_after_a_month(OCSP_REVOKED), 1);
}

Test(knowledge_state, a_restart_does_not_make_an_old_answer_young)
{
    write_answer(
        (struct papers_answer){.status = OCSP_GOOD, .from_s = -2 * 86400, .until_s = -86400});
    cr_assert_eq(rig.knowledge->watch_count, 1);
    ocsp_watch_tidy(rig.knowledge, io_wall_s() + WATCH_SEEN_S - 86400 + 10);
    cr_expect_eq(rig.knowledge->watch_count, 0);
}

Test(knowledge_state, an_answer_of_years_ago_is_not)
{
    write_answer((struct papers_answer){
        .status = OCSP_GOOD, .from_s = -500 * 86400, .until_s = -400 * 86400});
    cr_expect_not(has_answer());
}

Test(knowledge_state, a_stored_answer_is_judged_again)
{
    write_answer((struct papers_answer){.status = OCSP_GOOD, .key = PAPERS_STRANGE});
    cr_expect_not(has_answer());
}

Test(knowledge_state, a_stored_answer_that_is_not_whole_is_told)
{
    uint8_t bytes[4096];
    struct room room = room_of(bytes, sizeof(bytes));
    cr_assert(room_put(&room, leaf) && room_put(&room, root));
    write_state("trust-hospital/ocsp-00.der", leaf);
    write_state("trust-hospital/ocsp-01.der", room_span(&room));
    know_rig_start(&rig);
    cr_expect_eq(know_rig_said(&rig, "state-damaged"), 2);
}

/* ---- folders ---- */

static void live_under(char *name)
{
    rig.section.name = name;
    live_with_crl(7);
    know_rig_start(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 7, "%s", name);
}

Test(knowledge_state, a_name_that_no_file_may_have_has_a_folder)
{
    static char odd[] = "Intensivstation 3 \xc3\xa4";
    live_under(odd);
}

Test(knowledge_state, a_name_with_a_slash_has_a_folder)
{
    static char odd[] = "icu/3";
    live_under(odd);
}

Test(knowledge_state, trusts_do_not_know_what_others_know)
{
    static char other[] = "hospital-2";
    live_with_crl(7);
    rig.section.name = other;
    know_rig_start(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 0);
}

Test(knowledge_state, two_long_names_have_two_folders)
{
    static char one[] = "a-very-long-name-of-a-trust-section-of-this-hospital-1";
    static char two[] = "a-very-long-name-of-a-trust-section-of-this-hospital-2";
    rig.section.name = one;
    live_with_crl(7);
    rig.section.name = two;
    know_rig_start(&rig);
    cr_expect_eq(know_rig_number(&rig, NULL), 0);
}

Test(knowledge_state, runs_without_a_state_folder)
{
    static char nowhere[] = "/proc/nowhere/state";
    rig.conf.gateway.state_dir = nowhere;
    live_with_crl(7);
    cr_expect_eq(know_rig_said(&rig, "state-folder-unusable"), 1);
}
