#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/link_desk.h"
#include "tests/unit/gateway/link_fixture.h"

static struct desk desk;
static struct chair one;
static struct desk_order order;
static struct fault fault;
static char url[64];

static void setup(void)
{
    desk_open(&desk);
    chair_init(&one, &desk, "pump-12", CONF_REVOCATION_HARD);
    desk_order_init(&order, &desk.ward);
}

static void teardown(void)
{
    inquiry_leave(&one.seat);
    (void)desk_close(&desk);
}

TestSuite(revocation_orders, .init = setup, .fini = teardown);

static struct revocation *gate(void)
{
    return desk.ward.revocation;
}

static bool is_stored(const char *words)
{
    char path[128];
    char text[4096] = "";
    (void)snprintf(path, sizeof(path), "%s/blocks.json", desk.ward.folder);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    (void)!fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    return strstr(text, words) != NULL;
}

static void on_ended(void *owner)
{
    struct ward *w = owner;
    w->closed++;
}

/* As after a restart; the one before is closed and gone. */
static void begin_again(void)
{
    struct fault f = {0};
    const struct revocation_settings settings = {
        .io = &desk.bench.io, .conf = &desk.ward.conf, .on_closed = on_ended, .owner = &desk.ward};
    desk.ward.closed = 0;
    desk.ward.revocation = revocation_new(&settings, &f);
    cr_assert_not_null(desk.ward.revocation);
    revocation_start(desk.ward.revocation);
}

/* ---- block ---- */

static void look_at_disk(struct desk_order *o)
{
    cr_expect(is_stored("lost in the yard"), "answered before it was stored");
    cr_expect_not(chair_look(&one)->accepted, "answered before it was in force");
    o->hook = NULL;
}

Test(revocation_orders, a_block_is_in_force_and_stored_before_it_is_answered)
{
    struct identity *id = fixture_identity("hl7");
    one.conf.revocation = CONF_REVOCATION_SOFT;
    cr_assert(chair_sit(&one, "hl7")->accepted);
    order.hook = look_at_disk;
    cr_assert_eq(revocation_block(gate(), identity_facts(id)->serial, "lost in the yard",
                                  &order.order, &fault),
                 0);
    cr_expect_eq(order.done, 0, "answered from inside the call");
    desk_order_wait(&order);
    cr_expect_not(order.failed, "%s", order.error);
    cr_expect_eq(order.count, 1, "links that it cut");
    identity_release(id);
}

Test(revocation_orders, a_block_that_cuts_nobody_says_so)
{
    cr_assert_eq(revocation_block(gate(), "pump-12", "lost", &order.order, &fault), 0);
    desk_order_wait(&order);
    cr_expect_eq(order.count, 0);
}

static size_t slots_used(void)
{
    size_t used = 0;
    for (size_t i = 0; i < ORDERS_MAX; i++) {
        used += gate()->orders[i].is_used ? 1 : 0;
    }
    return used;
}

static void expect_refused(int code, enum fault_code expected)
{
    cr_expect_eq(code, expected, "%s", fault.note);
    cr_expect_eq(fault.code, expected);
    cr_expect_eq(slots_used(), 0, "the place of a refused order is lost");
    desk_settle(&desk);
    cr_expect_eq(order.done, 0, "refused and answered");
}

Test(revocation_orders, what_makes_no_sense_is_refused_and_changes_nothing)
{
    struct revocation_grant grant = {"nobody", "x", 600};
    expect_refused(revocation_block(gate(), "no such thing", "x", &order.order, &fault),
                   FAULT_CONFIG);
    expect_refused(revocation_block(gate(), "pump-12", "", &order.order, &fault), FAULT_CONFIG);
    expect_refused(revocation_unblock(gate(), "pump-12", &order.order, &fault), FAULT_CONFIG);
    expect_refused(revocation_break_glass(gate(), &grant, &order.order, &fault), FAULT_CONFIG);
    grant = (struct revocation_grant){"pump-12", "x", 59};
    expect_refused(revocation_break_glass(gate(), &grant, &order.order, &fault), FAULT_CONFIG);
    grant.for_s = 24 * 3600 + 1;
    expect_refused(revocation_break_glass(gate(), &grant, &order.order, &fault), FAULT_CONFIG);
    grant.for_s = 0;
    expect_refused(revocation_break_glass(gate(), &grant, &order.order, &fault), FAULT_CONFIG);
    cr_expect_not(is_stored(""));
}

Test(revocation_orders, a_device_of_that_name_wins_over_a_serial)
{
    static char name[] = "AB12";
    struct conf_device device = {.name = name};
    ward_use_devices(&desk.ward, &device, 1);
    desk_block(&desk, "AB12");
    cr_expect(revocation_is_blocked(gate(), "AB12"));
}

Test(revocation_orders, without_memory_to_store_it_is_in_force_and_says_so)
{
    unsigned unstored = 0;
    for (uint32_t nth = 1; nth < 20; nth++) {
        desk_order_init(&order, &desk.ward);
        (void)mem_fail_nth(nth);
        int code = revocation_block(gate(), "pump-12", "lost", &order.order, &fault);
        uint32_t left = mem_fail_nth(0);
        if (code == 0) {
            cr_expect(revocation_is_blocked(gate(), "pump-12"));
            desk_order_wait(&order);
            cr_expect_eq(order.failed, left == 0, "allocation %u", nth);
            unstored += order.failed ? 1 : 0;
        }
        if (left > 0) {
            break;
        }
        cr_expect(code != 0 || strstr(order.error, "not stored") != NULL, "%s", order.error);
    }
    cr_expect_geq(unstored, 2, "the text, and the write");
}

static void lose_folder(void)
{
    struct revocation *first = desk.ward.revocation;
    begin_again(); /* while the folder is in use */
    cr_assert_null(desk.ward.revocation->store);
    revocation_close(first);
    bench_run_until(&desk.bench, &desk.ward.closed, 1);
    revocation_free(first);
    desk.ward.closed = 0;
}

Test(revocation_orders, without_a_folder_it_is_in_force_and_says_so)
{
    lose_folder();
    cr_assert_eq(revocation_block(gate(), "pump-12", "lost", &order.order, &fault), 0);
    desk_order_wait(&order);
    cr_expect(order.failed);
    cr_expect_not_null(strstr(order.error, "state folder is unusable"), "%s", order.error);
    cr_expect(revocation_is_blocked(gate(), "pump-12"));
}

/* ---- refresh ---- */

Test(revocation_orders, a_refresh_without_sources_is_done_at_once)
{
    cr_assert_eq(revocation_refresh(gate(), &order.order, &fault), 0);
    desk_order_wait(&order);
    cr_expect(!order.failed && order.count == 0);
}

static char file[128];

static void use_file(void)
{
    (void)snprintf(file, sizeof(file), "%s",
                   press_crl_file(&desk.press, &(struct press_list){.ca = "root", .number = 1}));
    desk_use_source(&desk, CONF_CRL_FILE, file);
}

static void expect_cut(struct desk_order *o)
{
    cr_expect_not(chair_look(&one)->accepted, "answered before it was read");
    cr_expect_eq(one.told, 1, "answered before the link was told");
    o->hook = NULL;
}

Test(revocation_orders, a_refresh_is_answered_when_its_news_is_in_force)
{
    use_file();
    cr_assert_eq(revocation_refresh(gate(), &order.order, &fault), 0);
    desk_order_wait(&order);
    cr_expect_eq(order.count, 1);
    cr_assert(chair_sit(&one, "hl7")->accepted, "%s", one.now.sentence);
    (void)press_crl_file(&desk.press,
                         &(struct press_list){.ca = "root", .number = 2, .revokes = "hl7"});
    desk_order_init(&order, &desk.ward);
    order.hook = expect_cut;
    cr_assert_eq(revocation_refresh(gate(), &order.order, &fault), 0);
    desk_order_wait(&order);
    cr_expect_not(order.failed, "%s", order.error);
    cr_expect_null(order.hook);
}

Test(revocation_orders, a_refresh_names_the_source_that_failed)
{
    static char nowhere[] = "/nonexistent/ca.crl";
    desk_use_source(&desk, CONF_CRL_FILE, nowhere);
    cr_assert_eq(revocation_refresh(gate(), &order.order, &fault), 0);
    desk_order_wait(&order);
    cr_expect(order.failed);
    cr_expect_not_null(strstr(order.error, nowhere), "%s", order.error);
    cr_expect_eq(order.count, 0);
}

/* So many files that are not there, and with `and_good` one that is: its CRL is good. */
static void use_files(size_t missing, bool and_good)
{
    static struct conf_crl crls[16];
    static char places[16][64];
    for (size_t i = 0; i < missing; i++) {
        (void)snprintf(places[i], sizeof(places[i]), "/nonexistent/source-%02zu/of/many/ca.crl", i);
        crls[i] = (struct conf_crl){.kind = CONF_CRL_FILE, .text = places[i]};
    }
    if (and_good) {
        const struct press_list list = {.ca = "root", .number = 1};
        (void)snprintf(file, sizeof(file), "%s", press_crl_file(&desk.press, &list));
        crls[missing] = (struct conf_crl){.kind = CONF_CRL_FILE, .text = file};
    }
    desk.ward.section.crls = crls;
    desk.ward.section.crl_count = missing + (and_good ? 1 : 0);
    revocation_use(gate(), &desk.ward.conf);
    cr_assert_eq(revocation_refresh(gate(), &order.order, &fault), 0);
    desk_order_wait(&order);
    cr_expect(order.failed);
    cr_expect_eq(order.count, and_good ? 1U : 0U);
}

static size_t files_named(size_t missing)
{
    size_t named = 0;
    for (size_t i = 0; i < missing; i++) {
        char word[32];
        (void)snprintf(word, sizeof(word), "source-%02zu/", i);
        named += strstr(order.error, word) != NULL ? 1 : 0;
    }
    return named;
}

Test(revocation_orders, a_refresh_names_each_source_that_failed)
{
    use_files(3, true);
    cr_expect_eq(files_named(3), 3, "%s", order.error);
    cr_expect_null(strstr(order.error, " more"), "%s", order.error);
}

Test(revocation_orders, a_refresh_counts_the_failed_sources_that_it_has_no_room_for)
{
    char rest[32];
    use_files(15, true);
    size_t named = files_named(15);
    cr_expect(named >= 3 && named < 15, "%zu: %s", named, order.error);
    (void)snprintf(rest, sizeof(rest), "; and %zu more", 15 - named);
    const char *end = strstr(order.error, rest);
    cr_assert_not_null(end, "%s", order.error);
    cr_expect_str_eq(end, rest, "it is the end");
}

static void be_silent(void)
{
    desk_silent_url(url, sizeof(url));
    desk_use_source(&desk, CONF_CRL_URL, url);
}

Test(revocation_orders, a_refresh_waits_for_a_source_but_not_for_ever)
{
    be_silent();
    cr_assert_eq(revocation_refresh(gate(), &order.order, &fault), 0);
    for (unsigned i = 0; i < 20; i++) {
        revocation_kick(gate());
        bench_turn(&desk.bench);
    }
    cr_expect_eq(order.done, 0);
    gate()->orders[0].deadline_ms = io_now_ms(&desk.bench.io);
    desk_tick(&desk);
    cr_expect_eq(order.done, 1);
    cr_expect(order.failed && order.count == 0, "it was never read");
    cr_expect_not_null(strstr(order.error, "no answer in time"), "%s", order.error);
}

Test(revocation_orders, a_block_does_not_wait_for_a_source)
{
    be_silent();
    desk_block(&desk, "pump-12");
}

/* ---- many, and the end ---- */

Test(revocation_orders, too_many_at_once_are_refused)
{
    static struct desk_order many[ORDERS_MAX];
    struct revocation_grant grant = {"pump-12", "x", 600};
    be_silent();
    for (size_t i = 0; i < ORDERS_MAX; i++) {
        desk_order_init(&many[i], &desk.ward);
        cr_assert_eq(revocation_refresh(gate(), &many[i].order, &fault), 0);
    }
    cr_expect_eq(revocation_refresh(gate(), &order.order, &fault), FAULT_LIMIT);
    cr_expect_eq(revocation_block(gate(), "pump-12", "x", &order.order, &fault), FAULT_LIMIT);
    cr_expect_eq(revocation_unblock(gate(), "pump-12", &order.order, &fault), FAULT_LIMIT);
    cr_expect_eq(revocation_break_glass(gate(), &grant, &order.order, &fault), FAULT_LIMIT);
    cr_expect_not(revocation_is_blocked(gate(), "pump-12"));
    cr_expect_eq(revocation_grant_until_s(gate(), "pump-12"), 0);
    cr_expect_eq(order.done, 0);
    for (size_t i = 0; i < ORDERS_MAX; i++) {
        gate()->orders[i].deadline_ms = 0;
    }
    desk_tick(&desk);
    for (size_t i = 0; i < ORDERS_MAX; i++) {
        cr_expect_eq(many[i].done, 1);
    }
}

Test(revocation_orders, who_waits_is_answered_when_the_gateway_ends)
{
    struct desk_order stored;
    desk_order_init(&stored, &desk.ward);
    be_silent();
    cr_assert_eq(revocation_refresh(gate(), &order.order, &fault), 0);
    cr_assert_eq(revocation_block(gate(), "pump-12", "lost in the yard", &stored.order, &fault), 0);
    revocation_close(gate());
    cr_expect_eq(order.done, 1);
    cr_expect_str_eq(order.error, "the gateway is stopping");
    cr_expect_eq(revocation_refresh(gate(), &order.order, &fault), FAULT_LIMIT);
    cr_expect_not_null(strstr(fault.note, "stopping"), "%s", fault.note);
    bench_run_until(&desk.bench, &desk.ward.closed, 1);
    cr_expect_eq(stored.done, 1, "nobody told who had blocked");
    cr_expect(is_stored("lost in the yard"), "what is to be stored is stored");
    revocation_free(gate());
    begin_again();
    cr_expect(revocation_is_blocked(gate(), "pump-12"));
}

/* ---- what is on the disk ---- */

Test(revocation_orders, a_damaged_list_is_an_alarm_and_no_end)
{
    char path[128];
    desk_block(&desk, "pump-12");
    revocation_close(gate());
    bench_run_until(&desk.bench, &desk.ward.closed, 1);
    revocation_free(gate());
    (void)snprintf(path, sizeof(path), "%s/blocks.json", desk.ward.folder);
    FILE *torn = fopen(path, "w");
    cr_assert_not_null(torn);
    (void)fputs("{", torn);
    cr_assert_eq(fclose(torn), 0);
    begin_again();
    cr_expect_not(revocation_is_blocked(gate(), "pump-12"));
    cr_expect(chair_ask(&one, INQUIRY_PEER_SERVER, "hl7", span_of(NULL, 0)));
    inquiry_leave(&one.seat);
    cr_expect_not_null(strstr(desk_close(&desk), "block-list-damaged"));
    desk_open(&desk); /* for the teardown */
}
