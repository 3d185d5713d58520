#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/endpoint_private.h"
#include "tests/unit/gateway/bench.h"

static struct bench bench;
static struct ear ear;

static void setup(void)
{
    bench_init(&bench);
    ear_init(&ear, FAULT_SIDE_SERVER);
}

static void teardown(void)
{
    endpoint_free(ear.ep);
    cr_expect_not(ear.is_late);
    bench_end(&bench);
}

TestSuite(endpoint_dial, .init = setup, .fini = teardown);

static void dial(const char *host, uint16_t port, uint32_t timeout_ms)
{
    char name[256];
    struct fault f;
    const struct conf_address to = {.host = name, .port = port};
    (void)snprintf(name, sizeof(name), "%s", host);
    ear.ep = endpoint_dial(&bench.io, &to, timeout_ms, &ear.owner, &f);
    cr_assert_not_null(ear.ep);
    memset(name, 0, sizeof(name)); /* the address was copied */
}

Test(endpoint_dial, opens_from_the_loop_and_carries_bytes)
{
    char got[8] = "";
    char peer[32];
    uint16_t port = 0;
    int listener = bench_listen_plain(&port);
    dial("127.0.0.1", port, 5000);
    cr_expect_eq(ear.opened, 0, "heard from inside a call");
    bench_run_until(&bench, &ear.opened, 1);
    (void)snprintf(peer, sizeof(peer), "127.0.0.1:%u", (unsigned)port);
    cr_expect_str_eq(endpoint_peer(ear.ep), peer);
    int fd = bench_accept_plain(&bench, listener);
    endpoint_write(ear.ep, span_of_text("hello"));
    cr_expect_eq(bench_read(&bench, fd, got, 5), 5);
    cr_expect_str_eq(got, "hello");
    cr_expect_null(ear.ep->dial, "its memory is not needed any more");
    bench_close(&bench, &ear);
    close(fd);
    close(listener);
}

Test(endpoint_dial, tries_every_address_of_a_name)
{
    uint16_t port = 0;
    int listener = bench_listen_plain(&port); /* IPv4 only: ::1 refuses first where it exists */
    dial("localhost", port, 5000);
    bench_run_until(&bench, &ear.opened, 1);
    cr_expect_str_eq(endpoint_peer_host(ear.ep), "127.0.0.1");
    bench_close(&bench, &ear);
    close(listener);
}

Test(endpoint_dial, tells_that_nobody_listens)
{
    char peer[32];
    uint16_t port = 0;
    int listener = bench_listen_plain(&port);
    close(listener);
    dial("127.0.0.1", port, 5000);
    bench_run_until(&bench, &ear.closed, 1);
    (void)snprintf(peer, sizeof(peer), "127.0.0.1:%u", (unsigned)port);
    cr_expect_eq(ear.cause.code, FAULT_REFUSED);
    cr_expect_eq(ear.cause.side, FAULT_SIDE_SERVER);
    cr_expect_eq(strncmp(ear.cause.note, peer, strlen(peer)), 0, "%s", ear.cause.note);
    cr_expect_eq(ear.opened, 0);
}

Test(endpoint_dial, tells_that_the_name_has_no_address)
{
    dial("no-such-host.invalid", 802, 10000); /* RFC 6761: never exists */
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_RESOLVE);
    cr_expect_not_null(strstr(ear.cause.note, "no-such-host.invalid:802"));
}

/* A listener whose backlog is full drops further SYNs: a host that does not answer. */
static int listen_deaf(uint16_t *port, int *fillers, size_t count)
{
    int fd = bench_listen_plain(port);
    cr_assert_eq(listen(fd, 0), 0);
    bench.port = *port;
    for (size_t i = 0; i < count; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        to.sin_port = htons(*port);
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], (const struct sockaddr *)&to, sizeof(to));
    }
    return fd;
}

Test(endpoint_dial, gives_up_at_its_deadline)
{
    int fillers[4];
    uint16_t port = 0;
    int listener = listen_deaf(&port, fillers, 4);
    uint64_t begin = uv_hrtime();
    dial("127.0.0.1", port, 300);
    bench_run_until(&bench, &ear.closed, 1);
    uint64_t took_ms = (uv_hrtime() - begin) / 1000000;
    cr_expect_eq(ear.cause.code, FAULT_TIMEOUT);
    cr_expect_geq(took_ms, 290);
    cr_expect_leq(took_ms, 3000);
    for (size_t i = 0; i < 4; i++) {
        close(fillers[i]);
    }
    close(listener);
}

Test(endpoint_dial, one_deaf_address_leaves_time_for_the_next)
{
    int fillers[4];
    uint16_t deaf = 0;
    uint16_t port = 0;
    int listener = bench_listen_plain(&port);
    int deaf_listener = listen_deaf(&deaf, fillers, 4);
    struct sockaddr_in at[2];
    struct addrinfo list[2];
    memset(at, 0, sizeof(at));
    memset(list, 0, sizeof(list));
    for (size_t i = 0; i < 2; i++) {
        at[i].sin_family = AF_INET;
        at[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at[i].sin_port = htons(i == 0 ? deaf : port);
        list[i].ai_addr = (struct sockaddr *)&at[i];
    }
    list[0].ai_next = &list[1];
    /* Behind the resolver's back, before the first attempt is over: two addresses. */
    dial("127.0.0.1", deaf, 1000);
    ear.ep->dial->next = &list[1];
    endpoint_start_timer(ear.ep, 200, 0);
    bench_run_until(&bench, &ear.opened, 1);
    cr_expect_eq(ear.closed, 0);
    bench_close(&bench, &ear);
    for (size_t i = 0; i < 4; i++) {
        close(fillers[i]);
    }
    close(deaf_listener);
    close(listener);
}

Test(endpoint_dial, close_while_connecting_is_heard_once)
{
    int fillers[4];
    uint16_t port = 0;
    int listener = listen_deaf(&port, fillers, 4);
    dial("127.0.0.1", port, 10000);
    bench_turn(&bench);
    bench_close(&bench, &ear);
    cr_expect_eq(ear.opened, 0);
    cr_expect_eq(ear.cause.code, FAULT_NONE);
    for (size_t i = 0; i < 4; i++) {
        close(fillers[i]);
    }
    close(listener);
}

Test(endpoint_dial, close_while_resolving_is_heard_once)
{
    dial("no-such-host.invalid", 802, 10000);
    bench_close(&bench, &ear);
    cr_expect_eq(ear.events, 1);
}

Test(endpoint_dial, close_between_two_attempts_is_heard_once)
{
    uint16_t port = 0;
    int listener = bench_listen_plain(&port);
    close(listener);
    dial("127.0.0.1", port, 5000);
    /* Until the refused attempt's handle is being closed. */
    while (ear.ep->has_stream && ear.closed == 0) {
        uv_run(&bench.io.loop, UV_RUN_ONCE);
    }
    endpoint_close(ear.ep, NULL);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.closed, 1);
}

Test(endpoint_dial, survives_each_failing_allocation)
{
    struct fault f;
    char host[] = "127.0.0.1";
    uint16_t port = 0;
    uint32_t nth = 1;
    int listener = bench_listen_plain(&port);
    const struct conf_address to = {.host = host, .port = port};
    for (;; nth++) {
        mem_fail_nth(nth);
        ear.ep = endpoint_dial(&bench.io, &to, 5000, &ear.owner, &f);
        mem_fail_nth(0);
        if (ear.ep != NULL) {
            break;
        }
        cr_expect_eq(f.code, FAULT_MEMORY);
        bench_turn(&bench);
        bench_turn(&bench);
    }
    cr_expect_eq(nth, 4, "object, name and dial");
    bench_run_until(&bench, &ear.opened, 1);
    bench_close(&bench, &ear);
    close(listener);
}
