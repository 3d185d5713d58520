#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/control.h"
#include "tests/unit/pages.h"

static char folder[] = "/tmp/wardgate-test-XXXXXX";
static char path[64], lock[72];
static struct io io;
static struct control *control;
static struct control_path taken;
static struct fault f;

/* What the owner was told. */
static struct {
    struct control_client *clients[2 * CONTROL_CLIENTS_MAX];
    enum control_request what;
    char arguments[CONTROL_REQUEST_MAX];
    size_t asked, closed;
    const char *answer; /* NULL: later */
} owner;

static void on_request(void *o, struct control_client *client, enum control_request what,
                       struct span arguments)
{
    (void)o;
    owner.clients[owner.asked++] = client;
    owner.what = what;
    (void)snprintf(owner.arguments, sizeof(owner.arguments), "%.*s", (int)arguments.len,
                   arguments.len > 0 ? (const char *)arguments.data : "");
    if (owner.answer != NULL) {
        control_answer(client, owner.answer);
    }
}

static void on_closed(void *o)
{
    (void)o;
    owner.closed++;
}

static const struct control_events events = {on_request, on_closed};

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the gateway does */
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/c", folder);
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    cr_assert_eq(io_init(&io, &f), 0);
    cr_assert_eq(control_path_take(&taken, path, &f), 0, "%s", f.note);
    control = control_open(&io, &taken, &events, NULL);
    cr_assert_not_null(control);
    owner.answer = "{\"ok\":true}\n";
}

static void tear_down(void)
{
    control_close(control);
    control_close(control);
    uv_run(&io.loop, UV_RUN_DEFAULT);
    cr_expect_eq(owner.closed, 1);
    control_free(control);
    cr_expect_eq(io_deinit(&io), 0);
    unlink(lock);
    cr_expect_eq(rmdir(folder), 0, "the socket was left behind");
}

TestSuite(control, .init = set_up, .fini = tear_down);

static int dial(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void turn(void)
{
    for (int i = 0; i < 20; i++) {
        uv_run(&io.loop, UV_RUN_NOWAIT);
    }
}

static int ask(const char *line)
{
    int fd = dial();
    cr_assert_eq(write(fd, line, strlen(line)), (ssize_t)strlen(line));
    turn();
    return fd;
}

/* All that came, and whether the other end closed. */
static const char *answer_of(int fd, bool *ended)
{
    static char text[512];
    size_t len = 0;
    ssize_t n = 0;
    while ((n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT)) > 0) {
        len += (size_t)n;
    }
    *ended = n == 0;
    text[len] = '\0';
    return text;
}

static void expect_answer(int fd, const char *wanted)
{
    bool ended = false;
    cr_expect_str_eq(answer_of(fd, &ended), wanted);
    cr_expect(ended, "still open after: %s", wanted);
    close(fd);
}

Test(control, hands_each_request_to_its_owner)
{
    expect_answer(ask("status\n"), "{\"ok\":true}\n");
    cr_expect_eq(owner.what, CONTROL_STATUS);
    expect_answer(ask("reload\n"), "{\"ok\":true}\n");
    cr_expect_eq(owner.what, CONTROL_RELOAD);
    cr_expect_eq(owner.asked, 2);
    cr_expect_str_eq(owner.arguments, "");
}

Test(control, hands_orders_over_with_their_arguments_unread)
{
    static const struct {
        const char *line, *arguments;
        enum control_request what;
    } rows[] = {
        {"refresh\n", "", CONTROL_REFRESH},
        {"block {\"what\":\"a b\"}\n", "{\"what\":\"a b\"}", CONTROL_BLOCK},
        {"unblock nonsense\n", "nonsense", CONTROL_UNBLOCK},
        {"break-glass \n", "", CONTROL_BREAK_GLASS},
        {"break-glass\n", "", CONTROL_BREAK_GLASS},
        {"block  {}\n", " {}", CONTROL_BLOCK},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_answer(ask(rows[i].line), "{\"ok\":true}\n");
        cr_expect_eq(owner.what, rows[i].what, "%s", rows[i].line);
        cr_expect_str_eq(owner.arguments, rows[i].arguments);
        cr_expect_eq(
            strncmp(control_word(rows[i].what), rows[i].line, strlen(control_word(rows[i].what))),
            0);
    }
}

Test(control, takes_a_request_as_long_as_its_bound)
{
    char line[CONTROL_REQUEST_MAX + 1];
    (void)snprintf(line, sizeof(line), "block %0*d\n", CONTROL_REQUEST_MAX - 7, 0);
    cr_assert_eq(strlen(line), CONTROL_REQUEST_MAX);
    expect_answer(ask(line), "{\"ok\":true}\n");
    cr_expect_eq(strlen(owner.arguments), CONTROL_REQUEST_MAX - 7);
}

Test(control, takes_a_request_in_pieces)
{
    int fd = ask("sta");
    cr_expect_eq(owner.asked, 0);
    cr_assert_eq(write(fd, "tus\nmore", 8), 8);
    turn();
    expect_answer(fd, "{\"ok\":true}\n");
}

Test(control, refuses_words_that_it_does_not_know)
{
    const char *bad[] = {"stop\n",       "\n",          "statu\n",     "statuss\n",
                         "STATUS\n",     "status \n",   "status {}\n", "reload {}\n",
                         "refresh {}\n", " block {}\n", "blockx {}\n", "block\t{}\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_answer(ask(bad[i]), "{\"ok\":false,\"error\":\"unknown request\"}\n");
    }
    cr_expect_eq(owner.asked, 0);
}

Test(control, refuses_a_request_without_end)
{
    char huge[CONTROL_REQUEST_MAX + 1];
    memset(huge, 's', CONTROL_REQUEST_MAX);
    huge[CONTROL_REQUEST_MAX] = '\0';
    expect_answer(ask(huge), "{\"ok\":false,\"error\":\"request too long\"}\n");
    cr_expect_eq(owner.asked, 0);
}

Test(control, lets_an_owner_answer_later)
{
    owner.answer = NULL;
    int fd = ask("reload\n");
    bool ended = true;
    cr_expect_str_eq(answer_of(fd, &ended), "");
    cr_expect_not(ended);
    control_answer(owner.clients[0], "{}\n");
    turn();
    expect_answer(fd, "{}\n");
}

Test(control, says_out_of_memory_for_no_answer)
{
    owner.answer = NULL;
    int fd = ask("status\n");
    control_answer(owner.clients[0], NULL);
    turn();
    expect_answer(fd, "{\"ok\":false,\"error\":\"out of memory\"}\n");
}

Test(control, survives_a_client_that_went_away)
{
    owner.answer = NULL;
    close(ask("status\n"));
    close(ask(""));
    control_answer(owner.clients[0], "{}\n");
    turn();
    owner.answer = "{\"ok\":true}\n";
    expect_answer(ask("status\n"), "{\"ok\":true}\n");
}

Test(control, takes_a_text_over)
{
    owner.answer = NULL;
    int fd = ask("status\n");
    control_answer_owned(owner.clients[0], mem_text("{}\n"));
    turn();
    expect_answer(fd, "{}\n");
    fd = ask("status\n");
    control_answer_owned(owner.clients[1], NULL);
    turn();
    expect_answer(fd, "{\"ok\":false,\"error\":\"out of memory\"}\n");
}

/* A client asks, the control closes, and then comes the owner's answer, which nobody hears. */
static void answer_too_late(void (*answer)(struct control_client *client))
{
    owner.answer = NULL;
    int fd = ask("status\n");
    control_close(control);
    turn();
    cr_expect_eq(owner.closed, 0);
    answer(owner.clients[0]);
    turn();
    cr_expect_eq(owner.closed, 1);
    expect_answer(fd, "");
}

static void answer_copied(struct control_client *client)
{
    control_answer(client, "{}\n");
}

static void answer_owned(struct control_client *client)
{
    control_answer_owned(client, mem_text("{}\n"));
}

Test(control, waits_with_its_end_for_the_owner)
{
    answer_too_late(answer_copied);
}

/* What leaks here, the sanitizer names. */
Test(control, frees_a_text_that_nobody_hears)
{
    answer_too_late(answer_owned);
}

Test(control, serves_no_more_than_its_bound_at_once_and_all_in_the_end)
{
    int fds[CONTROL_CLIENTS_MAX + 3];
    owner.answer = NULL;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX + 3; i++) {
        fds[i] = ask("status\n");
    }
    cr_expect_eq(owner.asked, CONTROL_CLIENTS_MAX);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX + 3; i++) {
        cr_assert_gt(owner.asked, i, "a waiting client was forgotten");
        control_answer(owner.clients[i], "{}\n");
        turn();
    }
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX + 3; i++) {
        expect_answer(fds[i], "{}\n");
    }
}

/* Nobody waits in a test: what a timer would do in 5 s it does now. */
static void fire_timer(uv_handle_t *handle, void *count)
{
    if (uv_handle_get_type(handle) == UV_TIMER && uv_is_active(handle) != 0) {
        uv_timer_t *timer = (uv_timer_t *)handle;
        cr_expect_leq(uv_timer_get_due_in(timer), CONTROL_CLIENT_MS);
        uv_timer_start(timer, timer->timer_cb, 0, 0);
        *(size_t *)count += 1;
    }
}

Test(control, drops_a_client_that_does_not_ask)
{
    size_t fired = 0;
    int fd = ask("stat");
    uv_walk(&io.loop, fire_timer, &fired);
    cr_expect_eq(fired, 1);
    turn();
    expect_answer(fd, "");
}

enum { LONG = 4 * 1024 * 1024 };

/* An answer that no socket takes at once. */
static int ask_long(void)
{
    char *answer = pages_take(LONG + 1);
    memset(answer, 'x', LONG);
    owner.answer = answer;
    return ask("status\n");
}

/* What there is to be read now. */
static size_t drain(int fd)
{
    static char piece[65536];
    size_t len = 0;
    ssize_t n = 0;
    while ((n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0) {
        len += (size_t)n;
    }
    return len;
}

Test(control, gives_a_client_that_reads_the_time_for_a_long_answer)
{
    size_t fired = 0;
    size_t len = 0;
    int fd = ask_long();
    while (len < LONG) {
        size_t before = fired;
        size_t came = drain(fd);
        cr_assert_gt(came, 0, "closed after %zu bytes", len);
        len += came;
        turn();
        uv_walk(&io.loop, fire_timer, &fired);
        cr_assert_leq(fired, before + 1);
        turn();
    }
    cr_expect_gt(fired, 2);
    close(fd);
}

Test(control, drops_a_client_that_stops_reading)
{
    size_t fired = 0;
    int fd = ask_long();
    for (int i = 0; i < 2; i++) { /* the first time the kernel has taken some */
        uv_walk(&io.loop, fire_timer, &fired);
        turn();
    }
    cr_expect_eq(fired, 2);
    cr_expect_lt(drain(fd), (size_t)LONG);
    uv_walk(&io.loop, fire_timer, &fired);
    cr_expect_eq(fired, 2, "it is still there");
    close(fd);
}

Test(control, gives_its_owner_all_the_time_it_needs)
{
    size_t fired = 0;
    owner.answer = NULL;
    int fd = ask("reload\n");
    uv_walk(&io.loop, fire_timer, &fired);
    cr_expect_eq(fired, 0);
    control_answer(owner.clients[0], "{}\n");
    turn();
    expect_answer(fd, "{}\n");
}

Test(control_memory, leaves_nothing_when_there_is_none)
{
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/c", folder);
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    cr_assert_eq(control_path_take(&taken, path, &f), 0);
    mem_fail_nth(1);
    cr_expect_null(control_open(&io, &taken, &events, NULL));
    unlink(lock);
    cr_expect_eq(rmdir(folder), 0, "the socket was left behind");
}
