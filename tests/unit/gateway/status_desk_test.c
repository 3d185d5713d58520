#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/status_desk.h"
#include "tests/unit/gateway/link_town.h"

enum { CROWD = 12 };

static struct town town;
static struct stall stall;
static struct status_desk desk;
static struct control *control;
static struct control_path path;
static unsigned control_closed;
static uint16_t ports[CROWD];

static void on_request(void *owner, struct control_client *client, enum control_request what,
                       struct span arguments)
{
    (void)owner;
    (void)arguments;
    cr_assert_eq(what, CONTROL_STATUS);
    status_desk_ask(&desk, client);
}

static void on_control_closed(void *owner)
{
    (void)owner;
    control_closed++;
}

static const struct control_events events = {on_request, on_control_closed};

/* The devices of the next configuration. */
static void add_crowd(const char *more_of_the_first)
{
    for (size_t i = 0; i < CROWD; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "d%zu", i);
        town_device(&town, name, "pump-12");
        town_line(&town, "port = tcp-listen:127.0.0.1:%u", (unsigned)ports[i]);
        town_line(&town, "protocol = mllp");
        town_line(&town, "connect = 127.0.0.1:%u", (unsigned)town.hospitals[0].port);
        town_line(&town, "start = data");
        town_line(&town, "%s", i == 0 ? more_of_the_first : "");
    }
}

static void set_up(void)
{
    struct fault f;
    char at[96];
    town_init(&town);
    for (size_t i = 0; i < CROWD; i++) {
        ports[i] = fixture_dead_port();
    }
    add_crowd("");
    town_start(&town);
    (void)snprintf(at, sizeof at, "%s/c", town.folder);
    cr_assert_eq(control_path_take(&path, at, &f), 0, "%s", f.note);
    control = control_open(&town.bench.io, &path, &events, NULL);
    cr_assert_not_null(control);
    stall_open(&stall, &town.bench.io, NULL, NULL);
    status_desk_open(&desk, &town.bench.io, town.gateway, &stall);
}

static void tear_down(void)
{
    char lock[104];
    control_close(control);
    status_desk_close(&desk);
    status_desk_close(&desk);
    stall_close(&stall);
    bench_run_until(&town.bench, &control_closed, 1);
    control_free(control);
    (void)snprintf(lock, sizeof lock, "%s/c.lock", town.folder);
    (void)unlink(lock);
    town_end(&town);
}

TestSuite(status_desk, .init = set_up, .fini = tear_down, .timeout = 60);

/* A client that has asked; the desk has heard it. */
static int ask(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s/c", town.folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    cr_assert_eq(write(fd, "status\n", 7), 7);
    size_t before = desk.waiting.count;
    while (desk.waiting.count == before) {
        bench_turn(&town.bench);
    }
    return fd;
}

/* What the client reads, to the end; the caller frees it. */
static json_t *answer(int fd)
{
    enum { ROOM = 262144 };

    char *text = mem_new(ROOM, 1);
    cr_assert_not_null(text);
    size_t len = bench_read(&town.bench, fd, text, ROOM - 1);
    cr_assert_gt(len, 0);
    json_t *root = json_loadb(text, len, 0, NULL);
    cr_assert_not_null(root, "%s", text);
    mem_free(text);
    cr_expect_eq(close(fd), 0);
    return root;
}

static json_int_t gateway_number(const json_t *root, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(root, "gateway"), key));
}

static void expect_each_device_once(const json_t *root)
{
    const json_t *devices = json_object_get(root, "devices");
    bool is_there[CROWD] = {false};
    cr_assert_eq(json_array_size(devices), CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        const json_t *name = json_object_get(json_array_get(devices, i), "name");
        size_t number = strtoul(json_string_value(name) + 1, NULL, 10);
        cr_assert_lt(number, (size_t)CROWD);
        cr_expect_not(is_there[number], "d%zu is there twice", number);
        is_there[number] = true;
    }
}

/* As in a turn that has lasted long: the desk may look at one device. */
static void one_device_in_each_turn(uv_check_t *check)
{
    (void)check;
    town.bench.io.turn_count = IO_TURN_FREE;
    town.bench.io.is_refreshed = true;
    town.bench.io.polled_ms = 0;
}

static uv_check_t slow;

static void slow_down(void)
{
    cr_assert_eq(uv_check_init(&town.bench.io.loop, &slow), 0);
    cr_assert_eq(uv_check_start(&slow, one_device_in_each_turn), 0);
}

static void speed_up(void)
{
    uv_close((uv_handle_t *)&slow, NULL);
}

Test(status_desk, tells_of_everything)
{
    stall.longest_ns = 7000000;
    json_t *root = answer(ask());
    expect_each_device_once(root);
    cr_expect_eq(gateway_number(root, "generation"), 1);
    cr_expect_geq(gateway_number(root, "stall_ms"), 7);
    cr_expect(json_is_array(json_object_get(root, "trusts")));
    json_decref(root);
}

Test(status_desk, takes_several_turns_of_a_busy_loop)
{
    unsigned turns = 0;
    slow_down();
    int fd = ask();
    while (desk.served.count + desk.waiting.count > 0) {
        bench_turn(&town.bench);
        turns++;
    }
    cr_expect_geq(turns, (unsigned)CROWD);
    json_t *root = answer(fd);
    expect_each_device_once(root);
    json_decref(root);
    speed_up();
}

Test(status_desk, rests_when_nobody_asks)
{
    json_decref(answer(ask()));
    cr_expect_not(uv_is_active((uv_handle_t *)&desk.turn));
}

/* The first one's text has begun: what happens now, the others want to see. */
Test(status_desk, who_asks_meanwhile_gets_the_next_text)
{
    slow_down();
    stall.longest_ns = 0;
    int first = ask();
    while (desk.served.count == 0) {
        bench_turn(&town.bench);
    }
    stall.longest_ns = (uint64_t)3600000 * 1000000;
    int second = ask();
    int third = ask();
    cr_assert_eq(desk.served.count, 1, "the test is too slow");
    json_t *root = answer(first);
    cr_expect_lt(gateway_number(root, "stall_ms"), 3600000);
    json_decref(root);
    while (desk.served.count == 0) {
        bench_turn(&town.bench);
    }
    cr_expect_eq(desk.served.count + desk.waiting.count, 2);
    cr_expect_eq(desk.served.count, 2, "they share one");
    root = answer(second);
    cr_expect_eq(gateway_number(root, "stall_ms"), 3600000);
    json_decref(root);
    root = answer(third);
    cr_expect_eq(gateway_number(root, "stall_ms"), 3600000);
    expect_each_device_once(root);
    json_decref(root);
    speed_up();
}

Test(status_desk, begins_again_when_the_configuration_changes)
{
    slow_down();
    int fd = ask();
    while (desk.text.len < 3000) { /* the first devices are in it */
        bench_turn(&town.bench);
    }
    add_crowd("description = changed");
    town_reload(&town);
    json_t *root = answer(fd);
    cr_expect_eq(gateway_number(root, "generation"), 2);
    cr_expect_leq(json_array_size(json_object_get(root, "devices")), (size_t)CROWD);
    json_decref(root);
    speed_up();
}

/* Whichever allocation fails: the client is told, and the next one gets all. */
Test(status_desk, says_when_there_is_no_memory)
{
    unsigned failures = 0;
    for (uint32_t nth = 1; nth < 60; nth += 3) {
        int fd = ask();
        mem_fail_nth(nth);
        while (desk.served.count + desk.waiting.count > 0) {
            bench_turn(&town.bench);
        }
        bool was_short = mem_fail_nth(0) == 0;
        char got[64] = "";
        size_t len = bench_read(&town.bench, fd, got, sizeof got - 1);
        failures += was_short;
        cr_expect(!was_short || len == 0 || strstr(got, "out of memory") != NULL, "%s", got);
        cr_expect_eq(close(fd), 0);
    }
    cr_expect_gt(failures, 0);
    json_t *root = answer(ask());
    expect_each_device_once(root);
    json_decref(root);
}

Test(status_desk, answers_nobody_after_its_end_but_lets_them_go)
{
    slow_down();
    int first = ask();
    while (desk.served.count == 0) {
        bench_turn(&town.bench);
    }
    int second = ask();
    status_desk_close(&desk);
    cr_expect_eq(desk.served.count + desk.waiting.count, 0);
    char got[64] = "";
    cr_expect_gt(bench_read(&town.bench, first, got, sizeof got - 1), 0);
    cr_expect_not_null(strstr(got, "\"ok\":false"));
    close(first);
    close(second);
    speed_up();
}

Test(status_desk, a_client_that_left_is_no_harm)
{
    slow_down();
    close(ask());
    json_t *root = answer(ask());
    expect_each_device_once(root);
    json_decref(root);
    speed_up();
}
