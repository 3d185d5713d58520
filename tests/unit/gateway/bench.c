#include "tests/unit/gateway/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/pages.h"

enum { DEADLINE_MS = 50000 };

static void ear_on_any(struct ear *ear, enum ear_event event, struct span data)
{
    ear->events++;
    if (ear->closed > 0) {
        ear->is_late = true;
    }
    switch (event) {
    case EAR_OPEN:
        ear->opened++;
        break;
    case EAR_SECURE:
        ear->secured++;
        break;
    case EAR_DATA:
        if (ear->data == NULL) {
            ear->data = pages_take(EAR_DATA_MAX);
        }
        if (ear->len < EAR_DATA_MAX) {
            size_t room = EAR_DATA_MAX - ear->len;
            memcpy(ear->data + ear->len, data.data, data.len < room ? data.len : room);
        }
        ear->len += data.len;
        break;
    case EAR_EOF:
        ear->eofs++;
        break;
    case EAR_DRAINED:
        ear->drained++;
        break;
    case EAR_CLOSED:
        ear->closed++;
        break;
    }
    if (ear->hook != NULL) {
        ear->hook(ear, event, data);
    }
}

static void ear_on_open(void *owner)
{
    ear_on_any(owner, EAR_OPEN, span_of(NULL, 0));
}

static void ear_on_secure(void *owner)
{
    ear_on_any(owner, EAR_SECURE, span_of(NULL, 0));
}

static void ear_on_data(void *owner, struct span data)
{
    ear_on_any(owner, EAR_DATA, data);
}

static void ear_on_eof(void *owner)
{
    ear_on_any(owner, EAR_EOF, span_of(NULL, 0));
}

static void ear_on_drained(void *owner)
{
    ear_on_any(owner, EAR_DRAINED, span_of(NULL, 0));
}

static void ear_on_closed(void *owner, const struct fault *cause)
{
    struct ear *ear = owner;
    ear->cause = *cause;
    ear_on_any(ear, EAR_CLOSED, span_of(NULL, 0));
}

static const struct endpoint_events ear_events = {
    .on_open = ear_on_open,
    .on_secure = ear_on_secure,
    .on_data = ear_on_data,
    .on_eof = ear_on_eof,
    .on_drained = ear_on_drained,
    .on_closed = ear_on_closed,
};

void ear_init(struct ear *ear, enum fault_side side)
{
    memset(ear, 0, sizeof(*ear));
    ear->owner.events = &ear_events;
    ear->owner.self = ear;
    ear->owner.side = side;
}

bool ear_heard(const struct ear *ear, const char *text)
{
    return ear->len == strlen(text) && (ear->len == 0 || memcmp(ear->data, text, ear->len) == 0);
}

static void bench_on_deadline(uv_timer_t *timer)
{
    struct bench *b = timer->data;
    b->is_late = true;
}

void bench_init(struct bench *b)
{
    struct fault f;
    memset(b, 0, sizeof(*b));
    cr_assert_eq(io_init(&b->io, &f), 0);
    uv_timer_init(&b->io.loop, &b->deadline);
    b->deadline.data = b;
    uv_timer_start(&b->deadline, bench_on_deadline, DEADLINE_MS, 0);
}

void bench_end(struct bench *b)
{
    uv_close((uv_handle_t *)&b->deadline, NULL);
    if (b->has_listener) {
        uv_close((uv_handle_t *)&b->listener, NULL);
    }
    /* Whatever is still open keeps this from ending: Criterion's time-out then shows it. */
    uv_run(&b->io.loop, UV_RUN_DEFAULT);
    cr_assert_eq(io_deinit(&b->io), 0, "the loop is not empty");
}

void bench_turn(struct bench *b)
{
    uv_run(&b->io.loop, UV_RUN_NOWAIT);
    cr_assert_not(b->is_late, "too late");
}

/* Not UV_RUN_ONCE: after a timer that told what is waited for, that goes on to wait for input. */
static void bench_turn_and_wait(struct bench *b)
{
    enum { MOST_MS = 2 }; /* what a callback began to watch is not in the descriptor yet */

    bench_turn(b);
    struct pollfd p = {.fd = uv_backend_fd(&b->io.loop), .events = POLLIN};
    (void)poll(&p, 1, uv_backend_timeout(&b->io.loop) == 0 ? 0 : MOST_MS);
}

void bench_run_until(struct bench *b, const unsigned *flag, unsigned least)
{
    while (*flag < least) {
        bench_turn_and_wait(b);
    }
}

void bench_run_while_not(struct bench *b, bool (*is_so)(void *arg), void *arg)
{
    while (!is_so(arg)) {
        bench_turn_and_wait(b);
    }
}

void bench_close(struct bench *b, struct ear *ear)
{
    endpoint_close(ear->ep, NULL);
    bench_run_until(b, &ear->closed, 1);
    endpoint_free(ear->ep);
    ear->ep = NULL;
    cr_assert_eq(ear->closed, 1);
    cr_assert_not(ear->is_late);
}

static void bench_on_connection(uv_stream_t *listener, int status)
{
    struct bench *b = listener->data;
    cr_assert_eq(status, 0);
    cr_assert_not_null(b->next);
    fault_clear(&b->accept_fault);
    b->next->ep = endpoint_accept(&b->io, listener, &b->next->owner, &b->accept_fault);
    b->connections++;
}

static bool bench_listen_at(struct bench *b, const struct sockaddr *at)
{
    struct sockaddr_storage got;
    int len = sizeof(got);
    uv_tcp_init(&b->io.loop, &b->listener);
    b->listener.data = b;
    b->has_listener = true;
    if (uv_tcp_bind(&b->listener, at, 0) != 0) {
        return false;
    }
    cr_assert_eq(uv_listen((uv_stream_t *)&b->listener, 16, bench_on_connection), 0);
    cr_assert_eq(uv_tcp_getsockname(&b->listener, (struct sockaddr *)&got, &len), 0);
    b->port = ntohs(((const struct sockaddr_in *)&got)->sin_port); /* the same place in IPv6 */
    return true;
}

void bench_listen(struct bench *b)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert(bench_listen_at(b, (const struct sockaddr *)&at));
}

bool bench_listen_dual(struct bench *b)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    return bench_listen_at(b, (const struct sockaddr *)&at);
}

int bench_connect(struct bench *b)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    to.sin_port = htons(b->port);
    /* The kernel's backlog answers; the loop need not run. */
    cr_assert_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

int bench_listen_plain(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&at, len), 0);
    cr_assert_eq(listen(fd, 16), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

int bench_accept_plain(struct bench *b, int listener)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
            return fd;
        }
        struct pollfd p = {.fd = listener, .events = POLLIN};
        (void)poll(&p, 1, 1);
        bench_turn(b);
    }
}

void bench_dial(struct bench *b, struct ear *ear, uint16_t port)
{
    char host[] = "127.0.0.1";
    const struct conf_address to = {.host = host, .port = port};
    struct fault f;
    ear->ep = endpoint_dial(&b->io, &to, 5000, &ear->owner, &f);
    cr_assert_not_null(ear->ep);
}

int bench_pair(struct bench *b, struct ear *ear)
{
    if (!b->has_listener) {
        bench_listen(b);
    }
    unsigned before = b->connections;
    b->next = ear;
    int fd = bench_connect(b);
    bench_run_until(b, &b->connections, before + 1);
    cr_assert_not_null(ear->ep);
    return fd;
}

size_t bench_read(struct bench *b, int fd, void *into, size_t len)
{
    uint8_t *to = into;
    size_t have = 0;
    while (have < len) {
        ssize_t got = read(fd, to + have, len - have);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            break;
        }
        if (got > 0) {
            have += (size_t)got;
            continue;
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        (void)poll(&p, 1, 1);
        bench_turn(b);
    }
    return have;
}

bool bench_sees_end(struct bench *b, int fd)
{
    uint8_t one[256];
    for (;;) {
        ssize_t got = read(fd, one, sizeof(one));
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            return got == 0;
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        (void)poll(&p, 1, 1);
        bench_turn(b);
    }
}

int bench_open_pty(char *path, size_t cap)
{
    int master = -1;
    int slave = -1;
    char name[64];
    cr_assert_eq(openpty(&master, &slave, name, NULL, NULL), 0);
    cr_assert_eq(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    (void)snprintf(path, cap, "%s", name);
    close(slave);
    return master;
}

size_t bench_take_descriptors(int *taken, size_t most)
{
    struct rlimit few;
    size_t count = 0;

    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &few), 0);
    few.rlim_cur = most;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int fd = dup(0); fd >= 0; fd = dup(0)) {
        cr_assert_lt(count, most);
        taken[count] = fd;
        count++;
    }
    cr_assert_gt(count, 0U);
    count--;
    (void)close(taken[count]);
    return count;
}
