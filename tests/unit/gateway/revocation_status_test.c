#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/revocation.h"
#include "tests/unit/gateway/know_rig.h"
#include "tests/unit/gateway/link_desk.h"

static struct know_rig rig;
static struct conf_trust sections[3];

static void set_up(void)
{
    know_rig_open(&rig);
}

static void tear_down(void)
{
    know_rig_close(&rig);
}

TestSuite(revocation_status, .init = set_up, .fini = tear_down, .timeout = 30);

Test(revocation_status, tells_the_trusts_in_the_order_of_the_configuration)
{
    static char names[3][12] = {"one", "two", "three"};
    struct snapshot snapshot = {0};
    for (size_t i = 0; i < 3; i++) {
        sections[i] = rig.section;
        sections[i].name = names[i];
    }
    rig.section.name = names[0];
    rig.conf.trusts = sections;
    rig.conf.trust_count = 3;
    know_rig_start(&rig);
    cr_expect_eq(revocation_snapshot(rig.revocation, &snapshot), 0);
    cr_assert_eq(snapshot.trust_count, 3);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_str_eq(snapshot.trusts[i].name, names[i]);
    }
    snapshot_free(&snapshot);
}

Test(revocation_status, tells_a_crl_with_its_source_and_a_source_with_its_trouble)
{
    struct snapshot snapshot = {0};
    know_rig_add(&rig, CONF_CRL_FILE, "root.crl");
    know_rig_add(&rig, CONF_CRL_FILE, "none.crl");
    know_rig_put(&rig, "root.crl", 7);
    know_rig_start(&rig);
    know_rig_settle(&rig);
    cr_expect_eq(revocation_snapshot(rig.revocation, &snapshot), 0);
    cr_assert_eq(snapshot.trust_count, 1);
    const struct snapshot_trust *trust = &snapshot.trusts[0];
    cr_assert_eq(trust->crl_count, 1);
    cr_expect_str_eq(trust->crls[0].number, "07");
    cr_expect_not_null(strstr(trust->crls[0].source, "/root.crl"));
    cr_assert_eq(trust->source_count, 2);
    for (size_t i = 0; i < 2; i++) {
        bool is_missing = strstr(trust->sources[i].place, "none.crl") != NULL;
        cr_expect_eq(trust->sources[i].trouble[0] != '\0', is_missing, "%s: %s",
                     trust->sources[i].place, trust->sources[i].trouble);
        cr_expect_eq(trust->sources[i].last_good_s == 0, is_missing);
    }
    snapshot_free(&snapshot);
}

/* ---- each figure ---- */

static struct desk desk;
static struct snapshot shown;

static void setup(void)
{
    desk_open(&desk);
}

static void teardown(void)
{
    snapshot_free(&shown);
    (void)desk_close(&desk);
}

TestSuite(revocation_status_figures, .init = setup, .fini = teardown);

static const struct snapshot_trust *look(void)
{
    snapshot_free(&shown);
    cr_assert_eq(revocation_snapshot(desk.ward.revocation, &shown), 0);
    cr_assert_eq(shown.trust_count, 1);
    return &shown.trusts[0];
}

Test(revocation_status_figures, an_empty_one)
{
    const struct snapshot_trust *t = look();
    cr_expect_str_eq(t->name, "hospital");
    cr_expect_str_eq(t->revocation, "hard");
    cr_expect_eq(t->crl_count + t->source_count + t->answers, 0);
    cr_expect_eq(shown.block_count + shown.grant_count, 0);
    cr_expect(shown.clock_trusted);
    cr_expect_not_null(shown.clock);
}

Test(revocation_status_figures, each_crl_with_its_number_dates_and_source)
{
    desk_learn(&desk, &(struct press_list){.ca = "root", .number = 0x1C, .revokes = "hl7"});
    desk_learn(&desk, &(struct press_list){.ca = "int", .number = 2});
    const struct snapshot_trust *t = look();
    cr_assert_eq(t->crl_count, 2);
    const struct snapshot_crl *root = &t->crls[t->crls[0].is_verified ? 0 : 1];
    const struct snapshot_crl *waits = &t->crls[t->crls[0].is_verified ? 1 : 0];
    cr_expect_not_null(strstr(root->issuer, "Hospital Root CA"));
    cr_expect_str_eq(root->number, "1C");
    cr_expect_eq(root->entries, 1);
    cr_expect_not(root->is_delta);
    cr_expect_str_eq(root->source, "a test");
    cr_expect(root->this_update_s < io_wall_s() && root->next_update_s > io_wall_s());
    cr_expect_not(waits->is_verified);
    cr_expect_not_null(strstr(waits->issuer, "Hospital Device CA"));
    cr_expect_eq(waits->entries, 0);
}

Test(revocation_status_figures, each_source_and_its_trouble)
{
    static char nowhere[] = "/nonexistent/ca.crl";
    struct desk_order o;
    struct fault f = {0};
    desk_use_source(&desk, CONF_CRL_FILE, nowhere);
    desk_order_init(&o, &desk.ward);
    cr_assert_eq(revocation_refresh(desk.ward.revocation, &o.order, &f), 0);
    desk_order_wait(&o);
    const struct snapshot_trust *t = look();
    cr_assert_eq(t->source_count, 1);
    cr_expect_str_eq(t->sources[0].place, nowhere);
    cr_expect_str_eq(t->sources[0].kind, "file");
    cr_expect_str_neq(t->sources[0].trouble, "");
    cr_expect_eq(t->sources[0].last_good_s, 0);
    desk_use_source(&desk, CONF_CRL_FOLDER, desk.press.folder.path);
    cr_expect_eq(look()->source_count, 1, "one that is on its way out is shown");
    cr_expect_str_eq(shown.trusts[0].sources[0].kind, "folder");
    static char url[] = "http://127.0.0.1:1/ca.crl";
    desk_use_source(&desk, CONF_CRL_URL, url);
    cr_expect_str_eq(look()->sources[0].kind, "url");
}

Test(revocation_status_figures, blocks_and_grants)
{
    desk_block(&desk, "monitor-7");
    desk_block(&desk, "0a:1b");
    desk_block(&desk, "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    desk_grant(&desk, "pump-12", 600);
    (void)look();
    cr_assert_eq(shown.block_count, 3);
    unsigned seen = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct snapshot_block *b = &shown.blocks[i];
        seen |= strcmp(b->kind, "device") == 0 && strcmp(b->value, "monitor-7") == 0 ? 1 : 0;
        seen |= strcmp(b->kind, "serial") == 0 && strcmp(b->value, "A1B") == 0 ? 2 : 0;
        seen |= strcmp(b->kind, "fingerprint") == 0 ? 4 : 0;
        cr_expect_str_eq(b->reason, "it was lost");
        cr_expect_gt(b->at_s, 0);
    }
    cr_expect_eq(seen, 7);
    cr_assert_eq(shown.grant_count, 1);
    cr_expect_str_eq(shown.grants[0].device, "pump-12");
    cr_expect_str_eq(shown.grants[0].reason, "an emergency");
    cr_expect_eq(shown.grants[0].until_s, shown.grants[0].at_s + 600);
}

Test(revocation_status_figures, a_clock_that_is_not_believed)
{
    clock_raise_floor(&desk.ward.revocation->clock, io_wall_s() + 400LL * 86400);
    desk_tick(&desk);
    (void)look();
    cr_expect_not(shown.clock_trusted);
    cr_expect_str_eq(shown.clock, "unset");
}

Test(revocation_status_figures, a_section_that_is_gone_is_not_shown)
{
    desk.ward.conf.trust_count = 0;
    revocation_use(desk.ward.revocation, &desk.ward.conf);
    cr_expect_eq(revocation_snapshot(desk.ward.revocation, &shown), 0);
    cr_expect_eq(shown.trust_count, 0);
}

Test(revocation_status_figures, fails_without_memory_and_leaks_nothing)
{
    desk_block(&desk, "monitor-7");
    desk_learn_good(&desk);
    uint32_t nth = 1;
    for (; nth < 20; nth++) {
        (void)mem_fail_nth(nth);
        int code = revocation_snapshot(desk.ward.revocation, &shown);
        uint32_t left = mem_fail_nth(0);
        snapshot_free(&shown);
        cr_expect_eq(code, left > 0 ? 0 : FAULT_MEMORY, "allocation %u", nth);
        if (left > 0) {
            break;
        }
    }
    cr_expect_eq(nth, 6, "one array each: trusts, CRLs, sources, blocks, grants");
}
