#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "certs/tls.h"
#include "gateway/jsontext.h"
#include "gateway/orders.h"
#include "gateway/utc.h"
#include "tests/unit/gateway/instance.h"

/* Orders as they come: through a control socket, to the revocation of a gateway with one device,
 * pump-12, and no source. */
static struct instance one;
static struct io io;
static struct conf *conf;
static struct revocation *revocation;
static struct control *control;
static struct fault f;
static unsigned closed;

static void on_request(void *owner, struct control_client *client, enum control_request what,
                       struct span arguments)
{
    (void)owner;
    orders_take(revocation, client, what, arguments);
}

static void on_closed(void *owner)
{
    (void)owner;
    closed++;
}

static const struct control_events events = {on_request, on_closed};

static void set_up(void)
{
    struct control_path path;
    struct problems *problems = problems_new();
    instance_prepare(&one);
    cr_assert_eq(tls_init(&f), 0);
    cr_assert_eq(io_init(&io, &f), 0);
    conf = conf_load(one.conf, io_wall_s(), problems);
    cr_assert_not_null(conf);
    problems_free(problems);
    struct revocation_settings settings = {.io = &io, .conf = conf, .on_closed = on_closed};
    revocation = revocation_new(&settings, &f);
    cr_assert_not_null(revocation);
    revocation_start(revocation);
    cr_assert_eq(control_path_take(&path, one.control, &f), 0, "%s", f.note);
    control = control_open(&io, &path, &events, NULL);
    cr_assert_not_null(control);
}

static void tear_down(void)
{
    control_close(control);
    revocation_close(revocation);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    cr_expect_eq(closed, 2);
    control_free(control);
    revocation_free(revocation);
    conf_free(conf);
    cr_expect_eq(io_deinit(&io), 0);
    tls_deinit();
    instance_clean(&one);
}

TestSuite(orders, .init = set_up, .fini = tear_down, .timeout = 30);

/* Send a line; the answer, read until the other end closes. NULL when it is no JSON. */
static json_t *ask(const char *line)
{
    static char text[4096];
    size_t len = 0;
    ssize_t n = -1;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", one.control);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    cr_assert_eq(write(fd, line, strlen(line)), (ssize_t)strlen(line));
    while (n != 0) { /* the test's time limit bounds it */
        uv_run(&io.loop, UV_RUN_NOWAIT);
        n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT);
        len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    text[len] = '\0';
    return json_loads(text, 0, NULL);
}

/* The answer to a good order. */
static json_t *ask_well(const char *line)
{
    json_t *root = ask(line);
    cr_assert(json_is_true(json_object_get(root, "ok")), "%s %s", line,
              jsontext_get(root, "error"));
    return root;
}

static void expect_refusal(const char *line, const char *code)
{
    json_t *root = ask(line);
    cr_expect(json_is_false(json_object_get(root, "ok")), "%s", line);
    cr_expect_str_eq(jsontext_get(root, "code"), code, "%s", line);
    cr_expect_neq(jsontext_get(root, "error")[0], '\0', "%s", line);
    json_decref(root);
}

#define BLOCK(what) "block {\"what\":\"" what "\",\"reason\":\"lost\"}\n"

Test(orders, blocks_and_unblocks)
{
    json_t *root = ask_well(BLOCK("pump-12"));
    cr_expect_str_eq(jsontext_get(root, "order"), "block");
    cr_expect_str_eq(jsontext_get(root, "what"), "pump-12");
    cr_expect(json_is_integer(json_object_get(root, "links_cut")));
    json_decref(root);
    json_decref(ask_well(BLOCK("0A:1B")));
    root = ask_well("unblock {\"what\":\"pump-12\"}\n");
    cr_expect_str_eq(jsontext_get(root, "order"), "unblock");
    json_decref(root);
    expect_refusal("unblock {\"what\":\"pump-12\"}\n", "configuration-wrong");
}

Test(orders, refuses_to_block_what_is_nothing)
{
    expect_refusal(BLOCK("no-such-device"), "configuration-wrong");
    expect_refusal("block {\"what\":\"pump-12\"}\n", "configuration-wrong");
    expect_refusal("block {\"what\":\"pump-12\",\"reason\":\"\"}\n", "configuration-wrong");
    expect_refusal("block\n", "configuration-wrong");
    expect_refusal("unblock {\"what\":\"pump-12\"}\n", "configuration-wrong");
}

Test(orders, breaks_the_glass_until_a_time_and_ends_it)
{
    char text[UTC_TEXT_MAX];
    int64_t before_s = io_wall_s();
    json_t *root = ask_well("break-glass {\"device\":\"pump-12\",\"for_s\":60,\"reason\":\"f\"}\n");
    const char *until = jsontext_get(root, "until");
    bool is_right = false;
    for (int64_t at_s = before_s + 60; at_s <= io_wall_s() + 60; at_s++) {
        is_right = is_right || strcmp(utc_text(at_s, text), until) == 0;
    }
    cr_expect(is_right, "%s", until);
    cr_expect_str_eq(jsontext_get(root, "device"), "pump-12");
    json_decref(root);
    root = ask_well("break-glass {\"device\":\"pump-12\",\"for_s\":0}\n");
    cr_expect(json_is_null(json_object_get(root, "until")));
    json_decref(root);
}

Test(orders, refuses_break_glass_that_is_none)
{
    expect_refusal("break-glass {\"device\":\"x\",\"for_s\":60,\"reason\":\"f\"}\n",
                   "configuration-wrong");
    expect_refusal("break-glass {\"device\":\"pump-12\",\"for_s\":59,\"reason\":\"f\"}\n",
                   "configuration-wrong");
    expect_refusal("break-glass {\"device\":\"pump-12\",\"for_s\":60}\n", "configuration-wrong");
}

Test(orders, refreshes)
{
    json_t *root = ask_well("refresh\n");
    cr_expect_eq(jsontext_get_number(root, "sources_read"), 0);
    json_decref(root);
}

Test(orders, says_out_of_memory_and_can_be_asked_again)
{
    for (uint32_t nth = 1; nth < 4; nth++) {
        mem_fail_nth(nth);
        json_t *root = ask(BLOCK("pump-12"));
        (void)mem_fail_nth(0);
        cr_expect(nth > 1 || json_is_false(json_object_get(root, "ok")));
        json_decref(root);
    }
    json_decref(ask_well(BLOCK("pump-12")));
}

static void on_refused(void *owner, struct control_client *client, enum control_request what,
                       struct span arguments)
{
    (void)owner;
    (void)arguments;
    orders_refuse(client, what, "the gateway is stopping");
}

Test(orders, can_be_refused_as_a_whole)
{
    static const struct control_events refusing = {on_refused, on_closed};
    struct control_path path;
    control_close(control);
    while (closed == 0) {
        uv_run(&io.loop, UV_RUN_ONCE);
    }
    control_free(control);
    closed = 0;
    cr_assert_eq(control_path_take(&path, one.control, &f), 0, "%s", f.note);
    control = control_open(&io, &path, &refusing, NULL);
    json_t *root = ask("refresh\n");
    cr_expect_str_eq(jsontext_get(root, "error"), "the gateway is stopping");
    cr_expect_str_eq(jsontext_get(root, "code"), "stopped");
    json_decref(root);
}
