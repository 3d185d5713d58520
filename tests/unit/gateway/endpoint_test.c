#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/endpoint.h"
#include "gateway/endpoint_private.h"
#include "tests/unit/gateway/bench.h"

static struct bench bench;
static struct ear ear;
static struct ear second;

static const struct conf_line line = {
    .rate = 9600, .data_bits = 8, .parity = CONF_PARITY_NONE, .stop_bits = 1};

static int open_serial(struct ear *to)
{
    char path[64];
    struct fault f;
    int master = bench_open_pty(path, sizeof(path));
    to->ep = endpoint_open_serial(&bench.io, path, &line, &to->owner, &f);
    cr_assert_not_null(to->ep, "%s", f.note);
    cr_expect_str_eq(endpoint_peer(to->ep), path);
    cr_expect_str_eq(endpoint_peer_host(to->ep), "");
    return master;
}

static void setup(void)
{
    bench_init(&bench);
    ear_init(&ear, FAULT_SIDE_DEVICE);
    ear_init(&second, FAULT_SIDE_SERVER);
}

static void teardown(void)
{
    endpoint_free(ear.ep);
    endpoint_free(second.ep);
    cr_expect_not(ear.is_late);
    cr_expect_not(second.is_late);
    bench_end(&bench);
}

TestSuite(endpoint, .init = setup, .fini = teardown);

Test(endpoint, open_serial_is_open_at_once_and_carries_bytes)
{
    char got[8] = "";
    int master = open_serial(&ear);
    cr_expect_eq(ear.opened, 0);
    endpoint_read_start(ear.ep);
    cr_assert_eq(write(master, "ping", 4), 4);
    bench_run_until(&bench, &ear.events, 1);
    cr_expect(ear_heard(&ear, "ping"));
    endpoint_write(ear.ep, span_of_text("pong"));
    cr_expect_eq(bench_read(&bench, master, got, 4), 4);
    cr_expect_str_eq(got, "pong");
    bench_close(&bench, &ear);
    close(master);
}

Test(endpoint, open_serial_tells_why_it_cannot)
{
    struct fault f;
    cr_expect_null(endpoint_open_serial(&bench.io, "/dev/no-such-port", &line, &ear.owner, &f));
    cr_expect_eq(f.code, FAULT_OPEN);
    cr_expect_eq(f.side, FAULT_SIDE_DEVICE);
}

Test(endpoint, unplugged_is_a_fault_of_the_device)
{
    int master = open_serial(&ear);
    endpoint_read_start(ear.ep);
    close(master);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_GONE);
    cr_expect_eq(ear.cause.side, FAULT_SIDE_DEVICE);
    cr_expect_not_null(strstr(ear.cause.note, "unplugged"));
}

Test(endpoint, unplugged_is_noticed_while_reading_is_stopped)
{
    int master = open_serial(&ear);
    close(master);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_GONE);
}

Test(endpoint, unplugged_is_noticed_when_writing)
{
    int master = open_serial(&ear);
    close(master);
    endpoint_write(ear.ep, span_of_text("anybody?"));
    cr_expect_eq(ear.closed, 0, "heard from inside a call");
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_GONE);
}

Test(endpoint, closed_serial_port_can_be_opened_by_others)
{
    struct fault f;
    char path[64];
    int master = bench_open_pty(path, sizeof(path));
    ear.ep = endpoint_open_serial(&bench.io, path, &line, &ear.owner, &f);
    cr_assert_not_null(ear.ep);
    cr_expect_null(endpoint_open_serial(&bench.io, path, &line, &second.owner, &f));
    cr_expect_eq(f.code, FAULT_BUSY);
    bench_close(&bench, &ear);
    ear_init(&ear, FAULT_SIDE_DEVICE);
    ear.ep = endpoint_open_serial(&bench.io, path, &line, &ear.owner, &f);
    cr_assert_not_null(ear.ep);
    bench_close(&bench, &ear);
    close(master);
}

static int get_option(struct endpoint *ep, int level, int name)
{
    uv_os_fd_t fd = -1;
    int value = -1;
    socklen_t len = sizeof(value);
    cr_assert_eq(uv_fileno(&ep->u.handle, &fd), 0);
    cr_assert_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

Test(endpoint, accept_names_the_peer_and_keeps_the_connection_alive)
{
    struct sockaddr_in at;
    socklen_t len = sizeof(at);
    char name[64];
    int fd = bench_pair(&bench, &ear);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(name, sizeof(name), "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
    cr_expect_str_eq(endpoint_peer(ear.ep), name);
    cr_expect_str_eq(endpoint_peer_host(ear.ep), "127.0.0.1");
    cr_expect_eq(ear.opened, 0);
    cr_expect_eq(get_option(ear.ep, IPPROTO_TCP, TCP_NODELAY), 1);
    cr_expect_eq(get_option(ear.ep, SOL_SOCKET, SO_KEEPALIVE), 1);
    cr_expect_eq(get_option(ear.ep, IPPROTO_TCP, TCP_KEEPIDLE), 15);
    cr_expect_eq(get_option(ear.ep, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    cr_expect_eq(get_option(ear.ep, IPPROTO_TCP, TCP_KEEPCNT), 3);
    cr_expect_eq(get_option(ear.ep, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    bench_close(&bench, &ear);
    close(fd);
}

Test(endpoint, accepted_ipv4_on_a_dual_stack_listener_looks_like_ipv4)
{
    if (!bench_listen_dual(&bench)) {
        cr_skip_test("no IPv6 here");
    }
    int fd = bench_pair(&bench, &ear);
    cr_expect_str_eq(endpoint_peer_host(ear.ep), "127.0.0.1");
    cr_expect_eq(strncmp(endpoint_peer(ear.ep), "127.0.0.1:", 10), 0);
    bench_close(&bench, &ear);
    close(fd);
}

Test(endpoint, close_keeps_the_first_fault_and_is_heard_once)
{
    struct fault first;
    struct fault other;
    int fd = bench_pair(&bench, &ear);
    fault_set(&first, FAULT_IDLE, FAULT_SIDE_DEVICE, "idle", NULL);
    fault_set(&other, FAULT_STOPPED, FAULT_SIDE_SELF, "stop", NULL);
    endpoint_close(ear.ep, &first);
    endpoint_close(ear.ep, &other);
    cr_expect_eq(ear.closed, 0, "heard from inside a call");
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_IDLE);
    cr_expect_str_eq(ear.cause.note, "idle");
    endpoint_close(ear.ep, &other);
    endpoint_write(ear.ep, span_of_text("dropped"));
    endpoint_read_start(ear.ep);
    endpoint_read_stop(ear.ep);
    endpoint_finish(ear.ep);
    bench_turn(&bench);
    cr_expect_eq(ear.closed, 1);
    close(fd);
}

Test(endpoint, close_without_a_fault_says_none)
{
    int fd = bench_pair(&bench, &ear);
    bench_close(&bench, &ear);
    cr_expect_eq(ear.cause.code, FAULT_NONE);
    close(fd);
}

Test(endpoint, close_ends_the_connection_with_fin_though_input_is_unread)
{
    char got[32] = "";
    int fd = bench_pair(&bench, &ear);
    cr_assert_eq(write(fd, "never read", 10), 10);
    endpoint_write(ear.ep, span_of_text("last words"));
    bench_close(&bench, &ear);
    cr_expect_eq(bench_read(&bench, fd, got, sizeof(got)), 10);
    cr_expect_str_eq(got, "last words");
    struct tcp_info now;
    socklen_t len = sizeof(now);
    cr_expect(bench_sees_end(&bench, fd), "a reset instead of an end");
    cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &now, &len), 0);
    cr_expect_eq(now.tcpi_state, TCP_CLOSE_WAIT, "a reset behind the end");
    close(fd);
}

static void close_in_event(struct ear *e, enum ear_event event, struct span data)
{
    (void)data;
    if (event == EAR_DATA) {
        endpoint_close(e->ep, NULL);
        endpoint_write(e->ep, span_of_text("dropped"));
    }
}

Test(endpoint, close_inside_an_event_is_the_last_event_but_closed)
{
    int fd = bench_pair(&bench, &ear);
    ear.hook = close_in_event;
    endpoint_read_start(ear.ep);
    cr_assert_eq(write(fd, "one", 3), 3);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.events, 2);
    cr_expect_eq(ear.eofs, 0);
    close(fd);
}

static void free_in_closed(struct ear *e, enum ear_event event, struct span data)
{
    (void)data;
    if (event == EAR_CLOSED) {
        endpoint_free(e->ep);
        e->ep = NULL;
    }
}

Test(endpoint, free_inside_on_closed_is_fine)
{
    int fd = bench_pair(&bench, &ear);
    ear.hook = free_in_closed;
    endpoint_close(ear.ep, NULL);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_null(ear.ep);
    endpoint_free(NULL);
    close(fd);
}

Test(endpoint, adopt_gives_the_events_to_another_owner)
{
    int fd = bench_pair(&bench, &ear);
    second.ep = ear.ep;
    ear.ep = NULL;
    endpoint_adopt(second.ep, second.owner.events, &second);
    endpoint_read_start(second.ep);
    cr_assert_eq(write(fd, "x", 1), 1);
    bench_run_until(&bench, &second.events, 1);
    cr_expect(ear_heard(&second, "x"));
    cr_expect_eq(ear.events, 0);
    bench_close(&bench, &second);
    close(fd);
}

Test(endpoint, idle_is_small)
{
    /* 10 KB for an idle link has room for two of them and a TLS engine. */
    cr_expect_leq(sizeof(struct endpoint), 2048);
}

Test(endpoint, open_serial_survives_each_failing_allocation)
{
    char path[64];
    struct fault f;
    int master = bench_open_pty(path, sizeof(path));
    uint32_t nth = 1;
    for (;; nth++) {
        mem_fail_nth(nth);
        ear.ep = endpoint_open_serial(&bench.io, path, &line, &ear.owner, &f);
        mem_fail_nth(0);
        if (ear.ep != NULL) {
            break;
        }
        cr_expect_eq(f.code, FAULT_MEMORY);
        bench_turn(&bench);
        bench_turn(&bench);
    }
    cr_expect_eq(nth, 3, "object and path");
    bench_close(&bench, &ear);
    close(master);
}

Test(endpoint, accept_survives_a_failing_allocation_and_goes_on_listening)
{
    bench_listen(&bench);
    bench.next = &ear;
    int lost = bench_connect(&bench);
    mem_fail_nth(1);
    bench_run_until(&bench, &bench.connections, 1);
    mem_fail_nth(0);
    cr_expect_null(ear.ep);
    cr_expect_eq(bench.accept_fault.code, FAULT_MEMORY);
    cr_expect(bench_sees_end(&bench, lost), "the connection without an endpoint is still there");
    int fd = bench_pair(&bench, &ear);
    bench_close(&bench, &ear);
    close(lost);
    close(fd);
}
