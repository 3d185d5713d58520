#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/port.h"
#include "tests/unit/gateway/bench.h"

/* The owner of a port, and what it heard. */
struct keeper {
    struct port *port;
    unsigned ups, downs, eofs, drained, closed, reads;
    struct fault last;
    char data[256];
    size_t len;
    bool reset_on_eof;
};

static struct bench bench;
static struct keeper keeper;
static char node[PATH_MAX];
static char dir[64];

static const struct conf_line line = {
    .rate = 9600, .data_bits = 8, .parity = CONF_PARITY_NONE, .stop_bits = 1};
static struct conf_port where;

static void on_up(void *owner)
{
    struct keeper *k = owner;
    k->ups++;
    cr_expect_not_null(port_endpoint(k->port));
    endpoint_read_start(port_endpoint(k->port));
}

static void on_data(void *owner, struct span data)
{
    struct keeper *k = owner;
    k->reads++;
    if (k->len + data.len < sizeof(k->data)) {
        memcpy(k->data + k->len, data.data, data.len);
        k->len += data.len;
    }
}

static void on_eof(void *owner)
{
    struct keeper *k = owner;
    k->eofs++;
    if (k->reset_on_eof) {
        port_reset(k->port, true);
    }
}

static void on_drained(void *owner)
{
    struct keeper *k = owner;
    k->drained++;
}

static void on_down(void *owner, const struct fault *f)
{
    struct keeper *k = owner;
    k->downs++;
    k->last = *f;
    cr_expect_null(port_endpoint(k->port));
}

static void on_closed(void *owner)
{
    struct keeper *k = owner;
    k->closed++;
}

static const struct port_events events = {.on_up = on_up,
                                          .on_data = on_data,
                                          .on_eof = on_eof,
                                          .on_drained = on_drained,
                                          .on_down = on_down,
                                          .on_closed = on_closed};

static void setup(void)
{
    bench_init(&bench);
    memset(&keeper, 0, sizeof(keeper));
    (void)snprintf(dir, sizeof(dir), "/tmp/wardgate-port-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    (void)snprintf(node, sizeof(node), "%s/port0", dir);
}

static void teardown(void)
{
    unlink(node);
    rmdir(dir);
    bench_end(&bench);
}

TestSuite(port, .init = setup, .fini = teardown);

static void make_serial(void)
{
    const struct port_settings settings = {.port = &where, .line = &line, .dial_timeout_ms = 1000};
    where.kind = CONF_PORT_SERIAL;
    where.path = node;
    keeper.port = port_new(&bench.io, &settings, &events, &keeper);
    cr_assert_not_null(keeper.port);
}

static void make_tcp(uint16_t port)
{
    static char host[] = "127.0.0.1";
    const struct port_settings settings = {.port = &where, .line = &line, .dial_timeout_ms = 1000};
    where.kind = CONF_PORT_TCP;
    where.address.host = host;
    where.address.port = port;
    keeper.port = port_new(&bench.io, &settings, &events, &keeper);
    cr_assert_not_null(keeper.port);
}

static void finish(void)
{
    port_close(keeper.port);
    port_close(keeper.port);
    cr_expect_eq(keeper.closed, 0, "heard from inside a call");
    bench_run_until(&bench, &keeper.closed, 1);
    port_free(keeper.port);
    cr_expect_eq(keeper.closed, 1);
}

static int plug_in(void)
{
    char path[64];
    int master = bench_open_pty(path, sizeof(path));
    unlink(node);
    cr_assert_eq(symlink(path, node), 0);
    return master;
}

Test(port, opens_from_the_loop_once)
{
    int master = plug_in();
    make_serial();
    bench_turn(&bench);
    cr_expect_eq(keeper.ups, 0);
    cr_expect_null(port_endpoint(keeper.port));
    port_start(keeper.port);
    port_start(keeper.port);
    cr_expect_eq(keeper.ups, 0, "heard from inside a call");
    bench_run_until(&bench, &keeper.ups, 1);
    cr_expect_eq(port_fault(keeper.port)->code, FAULT_NONE);
    cr_assert_eq(write(master, "hi", 2), 2);
    bench_run_until(&bench, &keeper.reads, 1);
    cr_expect_str_eq(keeper.data, "hi");
    finish();
    cr_expect_eq(keeper.ups, 1);
    close(master);
}

Test(port, tells_once_that_the_node_is_missing)
{
    make_serial();
    port_start(keeper.port);
    bench_run_until(&bench, &keeper.downs, 1);
    cr_expect_eq(keeper.last.code, FAULT_OPEN);
    cr_expect_eq(port_fault(keeper.port)->code, FAULT_OPEN);
    port_reset(keeper.port, true); /* look again, twice */
    bench_turn(&bench);
    port_reset(keeper.port, true);
    bench_turn(&bench);
    bench_turn(&bench);
    cr_expect_eq(keeper.downs, 1);
    finish();
}

Test(port, reopens_within_two_seconds_of_the_nodes_return)
{
    int master = plug_in();
    make_serial();
    port_start(keeper.port);
    bench_run_until(&bench, &keeper.ups, 1);
    for (unsigned i = 1; i <= 2; i++) {
        unlink(node);
        close(master);
        bench_run_until(&bench, &keeper.downs, i);
        cr_expect_eq(keeper.last.code, FAULT_GONE);
        cr_expect_eq(keeper.last.side, FAULT_SIDE_DEVICE);
        master = plug_in(); /* most likely with another number */
        uint64_t begin = uv_hrtime();
        bench_run_until(&bench, &keeper.ups, i + 1);
        cr_expect_leq((uv_hrtime() - begin) / 1000000, 2000);
    }
    keeper.len = 0;
    cr_assert_eq(write(master, "again", 5), 5);
    bench_run_until(&bench, &keeper.reads, 1);
    cr_expect_eq(memcmp(keeper.data, "again", 5), 0);
    finish();
    close(master);
}

Test(port, says_that_another_program_holds_the_port_and_waits_for_it)
{
    struct ear other;
    struct fault f;
    int master = plug_in();
    ear_init(&other, FAULT_SIDE_DEVICE);
    other.ep = endpoint_open_serial(&bench.io, node, &line, &other.owner, &f);
    cr_assert_not_null(other.ep);
    make_serial();
    port_start(keeper.port);
    bench_run_until(&bench, &keeper.downs, 1);
    cr_expect_eq(keeper.last.code, FAULT_BUSY);
    bench_close(&bench, &other);
    bench_run_until(&bench, &keeper.ups, 1);
    finish();
    close(master);
}

Test(port, dials_a_device_again_after_it_went_away)
{
    uint16_t port = 0;
    int listener = bench_listen_plain(&port);
    make_tcp(port);
    port_start(keeper.port);
    bench_run_until(&bench, &keeper.ups, 1);
    int fd = bench_accept_plain(&bench, listener);
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(fd);
    bench_run_until(&bench, &keeper.downs, 1);
    cr_expect_eq(keeper.last.code, FAULT_RESET);
    uint64_t begin = uv_hrtime();
    bench_run_until(&bench, &keeper.ups, 2);
    uint64_t took_ms = (uv_hrtime() - begin) / 1000000;
    cr_expect_geq(took_ms, 450, "no storm");
    cr_expect_leq(took_ms, 2000);
    finish();
    close(listener);
}

Test(port, refused_dial_is_told_once_and_tried_again)
{
    uint16_t port = 0;
    int listener = bench_listen_plain(&port);
    close(listener);
    make_tcp(port);
    port_start(keeper.port);
    bench_run_until(&bench, &keeper.downs, 1);
    cr_expect_eq(keeper.last.code, FAULT_REFUSED);
    port_reset(keeper.port, true);
    for (int i = 0; i < 20; i++) {
        bench_turn(&bench);
    }
    cr_expect_eq(keeper.downs, 1);
    finish();
}

Test(port, reset_makes_a_new_connection_without_on_down)
{
    uint16_t port = 0;
    int listener = bench_listen_plain(&port);
    make_tcp(port);
    keeper.reset_on_eof = true;
    port_start(keeper.port);
    bench_run_until(&bench, &keeper.ups, 1);
    int fd = bench_accept_plain(&bench, listener);
    cr_assert_eq(shutdown(fd, SHUT_WR), 0);
    bench_run_until(&bench, &keeper.ups, 2);
    cr_expect_eq(keeper.eofs, 1);
    cr_expect_eq(keeper.downs, 0);
    cr_expect(bench_sees_end(&bench, fd));
    finish();
    close(fd);
    close(listener);
}

Test(port, close_before_start_and_in_the_middle_of_a_dial)
{
    uint16_t port = 0;
    make_tcp(9);
    finish();
    memset(&keeper, 0, sizeof(keeper));
    int listener = bench_listen_plain(&port);
    make_tcp(port);
    port_start(keeper.port);
    bench_turn(&bench); /* it dials now */
    finish();
    cr_expect_eq(keeper.downs, 0);
    close(listener);
}

Test(port, survives_each_failing_allocation)
{
    int master = plug_in();
    const struct port_settings settings = {.port = &where, .line = &line};
    mem_fail_nth(1);
    cr_expect_null(port_new(&bench.io, &settings, &events, &keeper));
    make_serial();
    port_start(keeper.port);
    mem_fail_nth(1); /* the endpoint */
    bench_run_until(&bench, &keeper.downs, 1);
    mem_fail_nth(0);
    cr_expect_eq(keeper.last.code, FAULT_MEMORY);
    bench_run_until(&bench, &keeper.ups, 1);
    finish();
    port_free(NULL);
    close(master);
}
