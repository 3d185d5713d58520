#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/endpoint_private.h"
#include "tests/unit/gateway/bench.h"
#include "tests/unit/gateway/bench_tls.h"

static struct bench bench;
static struct bench_tls tls;
static struct ear ear; /* the end under test */
static struct far far;

static void setup(void)
{
    bench_init(&bench);
    bench_tls_init(&tls);
    ear_init(&ear, FAULT_SIDE_SERVER);
    far_init(&far, -1, NULL);
}

static void teardown(void)
{
    far_deinit(&far);
    endpoint_free(ear.ep);
    cr_expect_not(ear.is_late);
    bench_tls_deinit(&tls);
    bench_end(&bench);
}

TestSuite(endpoint_tls, .init = setup, .fini = teardown, .timeout = 60);

/* A TCP connection: `ear` is the end under test in this role, `far` the other; both have engines,
 * nothing was sent yet. */
static void join(enum tls_role role, const char *allow, const char *far_allow)
{
    enum tls_role other = role == TLS_CLIENT ? TLS_SERVER : TLS_CLIENT;
    int fd = bench_pair(&bench, &ear);
    far_init(&far, fd, bench_tls_engine(&tls, other, far_allow));
    endpoint_start_tls(ear.ep, bench_tls_engine(&tls, role, allow), span_of(NULL, 0));
}

static void link_up(enum tls_role role)
{
    join(role, NULL, NULL);
    far_shake(&bench, &far);
    bench_run_until(&bench, &ear.secured, 1);
    while (ear.ep->tls_has_more) {
        bench_turn(&bench);
    }
}

static void swap_texts(enum tls_role role)
{
    link_up(role);
    cr_expect_str_eq(tls_engine_peer(endpoint_tls(ear.ep))->matched,
                     role == TLS_CLIENT ? "dns:hl7.hospital.example" : "dns:pump-12.ward.example");
    endpoint_read_start(ear.ep);
    far_put(&far, "from afar");
    far_send(&far);
    bench_run_until(&bench, &ear.events, 2);
    cr_expect(ear_heard(&ear, "from afar"));
    endpoint_write(ear.ep, span_of_text("from here"));
    while (far.len < 9) {
        bench_turn(&bench);
        far_step(&far);
    }
    cr_expect_arr_eq(far.plain, "from here", 9);
    bench_close(&bench, &ear);
    bool *said_goodbye = &far.saw_notify;
    far_until(&bench, &far, said_goodbye);
    far_until(&bench, &far, &far.saw_fin);
}

Test(endpoint_tls, client_carries_bytes_and_says_goodbye)
{
    swap_texts(TLS_CLIENT);
}

Test(endpoint_tls, server_carries_bytes_and_says_goodbye)
{
    swap_texts(TLS_SERVER);
}

Test(endpoint_tls, takes_bytes_that_were_read_before_it_began)
{
    static uint8_t hello[16384];
    int fd = bench_pair(&bench, &ear);
    far_init(&far, fd, bench_tls_engine(&tls, TLS_CLIENT, NULL));
    far_step(&far);
    endpoint_read_start(ear.ep);
    bench_run_until(&bench, &ear.events, 1);
    size_t len = ear.len;
    memcpy(hello, ear.data, len);
    endpoint_read_stop(ear.ep);
    endpoint_start_tls(ear.ep, bench_tls_engine(&tls, TLS_SERVER, NULL), span_of(hello, len));
    memset(hello, 0, sizeof(hello)); /* they were copied */
    cr_expect_eq(ear.events, 1, "heard from inside a call");
    far_shake(&bench, &far);
    bench_run_until(&bench, &ear.secured, 1);
    bench_close(&bench, &ear);
}

Test(endpoint_tls, data_right_behind_the_handshake_waits_for_read_start)
{
    join(TLS_SERVER, NULL, NULL);
    while (!far.is_secure) {
        far.holds = true; /* until the last flight is known */
        far_step(&far);
        if (!far.is_secure) {
            far_send(&far);
        }
        bench_turn(&bench);
    }
    far_put(&far, "early");
    far_put(&far, " bird");
    far_send(&far);
    bench_run_until(&bench, &ear.secured, 1);
    for (int i = 0; i < 10; i++) {
        bench_turn(&bench);
    }
    cr_expect_eq(ear.events, 1);
    endpoint_read_start(ear.ep);
    cr_expect_eq(ear.events, 1, "heard from inside a call");
    bench_run_until(&bench, &ear.events, 3);
    cr_expect(ear_heard(&ear, "early bird"));
    far_put(&far, " sings");
    far_send(&far);
    bench_run_until(&bench, &ear.events, 4);
    cr_expect(ear_heard(&ear, "early bird sings"), "what was held stopped the reading for ever");
    bench_close(&bench, &ear);
}

static void stop_after_each(struct ear *e, enum ear_event event, struct span data)
{
    (void)data;
    if (event == EAR_DATA) {
        endpoint_read_stop(e->ep);
    }
}

Test(endpoint_tls, read_stop_in_the_middle_of_a_read_keeps_the_rest)
{
    link_up(TLS_CLIENT);
    ear.hook = stop_after_each;
    far_put(&far, "one ");
    far_put(&far, "two ");
    far_put(&far, "three");
    endpoint_read_start(ear.ep);
    far_send(&far);
    for (unsigned heard = 2; heard <= 4; heard++) {
        bench_run_until(&bench, &ear.events, heard);
        for (int i = 0; i < 5; i++) {
            bench_turn(&bench);
        }
        cr_expect_eq(ear.events, heard, "more came after read_stop");
        endpoint_read_start(ear.ep);
    }
    cr_expect(ear_heard(&ear, "one two three"));
    bench_close(&bench, &ear);
}

static void close_after_first(struct ear *e, enum ear_event event, struct span data)
{
    (void)data;
    if (event == EAR_DATA) {
        endpoint_close(e->ep, NULL);
    }
}

Test(endpoint_tls, close_in_the_middle_of_a_read_is_the_end)
{
    link_up(TLS_CLIENT);
    ear.hook = close_after_first;
    far_put(&far, "one ");
    far_put(&far, "two");
    far_put_notify(&far);
    endpoint_read_start(ear.ep);
    far_send(&far);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect(ear_heard(&ear, "one "));
    cr_expect_eq(ear.eofs, 0);
}

Test(endpoint_tls, close_notify_is_a_clean_end_and_writing_goes_on)
{
    link_up(TLS_CLIENT);
    endpoint_read_start(ear.ep);
    far_put(&far, "bye");
    far_put_notify(&far);
    far_send(&far);
    bench_run_until(&bench, &ear.eofs, 1);
    cr_expect(ear_heard(&ear, "bye"));
    endpoint_write(ear.ep, span_of_text("last"));
    endpoint_finish(ear.ep);
    far_until(&bench, &far, &far.saw_fin);
    cr_expect_eq(far.len, 4);
    cr_expect(far.saw_notify);
    cr_expect_eq(ear.closed, 0, "the owner decides when it is over");
    close(far.fd);
    far.fd = -1;
    for (int i = 0; i < 10; i++) {
        bench_turn(&bench);
    }
    cr_expect_eq(ear.closed, 0);
    cr_expect_eq(ear.eofs, 1);
    bench_close(&bench, &ear);
    cr_expect_eq(ear.cause.code, FAULT_NONE);
}

Test(endpoint_tls, end_of_tcp_without_close_notify_is_a_fault)
{
    link_up(TLS_CLIENT);
    endpoint_read_start(ear.ep);
    far_put(&far, "cut");
    far_send(&far);
    cr_assert_eq(shutdown(far.fd, SHUT_WR), 0);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_TRUNCATED);
    cr_expect_eq(ear.cause.side, FAULT_SIDE_SERVER);
    cr_expect(ear_heard(&ear, "cut"));
    cr_expect_eq(ear.eofs, 0);
}

Test(endpoint_tls, end_of_tcp_in_the_handshake_is_a_fault)
{
    join(TLS_CLIENT, NULL, NULL);
    bench_turn(&bench);
    cr_assert_eq(shutdown(far.fd, SHUT_WR), 0);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_TRUNCATED);
    cr_expect_not_null(strstr(ear.cause.note, "handshake"));
}

Test(endpoint_tls, refusal_of_our_certificate_is_heard_before_the_first_read_start)
{
    /* TLS 1.3: our handshake is done before the server has judged us. */
    join(TLS_CLIENT, NULL, "dns:somebody-else.example");
    far_until(&bench, &far, &far.saw_error);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_OWN_REFUSED, "%s", ear.cause.note);
}

Test(endpoint_tls, refusal_of_our_certificate_is_heard_though_writes_fail_first)
{
    join(TLS_CLIENT, NULL, "dns:somebody-else.example");
    while (ear.secured == 0) {
        bench_turn(&bench);
        if (ear.secured == 0) {
            far_step(&far);
        }
    }
    endpoint_read_start(ear.ep);
    endpoint_write(ear.ep, span_of_text("a message of ours"));
    far_until(&bench, &far, &far.saw_error);
    close(far.fd); /* with our message unread: a reset follows the alert */
    far.fd = -1;
    for (int i = 0; i < 3 && ear.closed == 0; i++) {
        endpoint_write(ear.ep, span_of_text("and another"));
    }
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_OWN_REFUSED, "%s", ear.cause.note);
}

Test(endpoint_tls, peer_that_we_refuse_can_read_why)
{
    join(TLS_SERVER, "dns:somebody-else.example", NULL);
    while (!far.is_secure) {
        far_step(&far);
        bench_turn(&bench);
    }
    /* It goes on sending, as a client does that thinks the link is up. */
    far_put(&far, "data that nobody will read");
    far_send(&far);
    far_until(&bench, &far, &far.saw_error);
    cr_expect_eq(far.fault.code, FAULT_OWN_REFUSED, "%s", far.fault.note);
    cr_expect_eq(ear.closed, 0, "it waits for the peer to go, but not for long");
    close(far.fd);
    far.fd = -1;
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_NAME);
    cr_expect_eq(ear.cause.side, FAULT_SIDE_CERTIFICATE);
    cr_expect_eq(ear.secured, 0);
}

Test(endpoint_tls, waits_a_bounded_time_for_a_refused_peer_to_go)
{
    join(TLS_SERVER, "dns:somebody-else.example", NULL);
    far_shake(&bench, &far);
    uint64_t begin = uv_hrtime();
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_leq((uv_hrtime() - begin) / 1000000, 3000);
    cr_expect_eq(ear.cause.code, FAULT_NAME);
}

Test(endpoint_tls, close_while_a_refused_peer_lingers_ends_at_once_with_the_first_fault)
{
    struct fault f;
    join(TLS_SERVER, "dns:somebody-else.example", NULL);
    far_until(&bench, &far, &far.saw_error);
    cr_expect_eq(ear.closed, 0);
    fault_set(&f, FAULT_STOPPED, FAULT_SIDE_SELF, "stop", NULL);
    endpoint_close(ear.ep, &f);
    bench_turn(&bench);
    bench_turn(&bench);
    cr_expect_eq(ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_NAME);
}

Test(endpoint_tls, counts_what_was_decrypted_and_never_delivered)
{
    link_up(TLS_SERVER);
    far_put(&far, "unheard");
    far_send(&far);
    while (endpoint_undelivered(ear.ep) == 0) {
        bench_turn(&bench);
    }
    endpoint_close(ear.ep, NULL);
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(endpoint_undelivered(ear.ep), 7);
    cr_expect_eq(ear.len, 0);
}

Test(endpoint_tls, garbage_is_a_fault)
{
    join(TLS_SERVER, NULL, NULL);
    cr_assert_eq(write(far.fd, "GET / HTTP/1.0\r\n\r\n", 18), 18);
    far_until(&bench, &far, &far.saw_fin);
    close(far.fd);
    far.fd = -1;
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_TLS);
}

Test(endpoint_tls, engine_of_a_closing_endpoint_is_not_lost)
{
    int fd = bench_pair(&bench, &ear);
    endpoint_close(ear.ep, NULL);
    endpoint_start_tls(ear.ep, bench_tls_engine(&tls, TLS_SERVER, NULL), span_of(NULL, 0));
    bench_run_until(&bench, &ear.closed, 1);
    close(fd);
}

Test(endpoint_tls, reset_is_noticed_when_writing_while_reading_is_stopped)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    link_up(TLS_CLIENT);
    endpoint_read_start(ear.ep);
    endpoint_read_stop(ear.ep);
    cr_assert_eq(setsockopt(far.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(far.fd);
    far.fd = -1;
    endpoint_write(ear.ep, span_of_text("anybody?"));
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_RESET);
}

Test(endpoint_tls, one_write_is_one_record)
{
    static uint8_t wire[65536];
    static uint8_t message[16384];
    link_up(TLS_CLIENT);
    endpoint_write(ear.ep, span_of(message, sizeof(message)));
    endpoint_write(ear.ep, span_of(message, 1));
    size_t first = bench_read(&bench, far.fd, wire, 5);
    cr_assert_eq(first, 5);
    size_t len = (size_t)wire[3] * 256 + wire[4];
    cr_expect_geq(len, sizeof(message));
    cr_expect_eq(bench_read(&bench, far.fd, wire, len), len);
    cr_expect_eq(bench_read(&bench, far.fd, wire, 5), 5);
    cr_expect_lt((size_t)wire[3] * 256 + wire[4], 64);
    bench_close(&bench, &ear);
}

/* The bytes of the next record on the wire, without its header. */
static size_t next_record(void)
{
    static uint8_t wire[TLS_CIPHER_MAX];
    cr_assert_eq(bench_read(&bench, far.fd, wire, 5), 5);
    size_t len = (size_t)wire[3] * 256 + wire[4];
    cr_assert_leq(len, sizeof(wire));
    cr_assert_eq(bench_read(&bench, far.fd, wire, len), len);
    return len;
}

Test(endpoint_tls, long_write_is_records_of_full_length_and_the_rest)
{
    static uint8_t message[2 * IO_READ_MAX + 1];
    link_up(TLS_CLIENT);
    endpoint_write(ear.ep, span_of(message, sizeof(message)));
    for (int i = 0; i < 2 * IO_RECORDS; i++) {
        cr_expect_geq(next_record(), (size_t)TLS_PLAIN_MAX);
    }
    cr_expect_lt(next_record(), 64U);
    bench_close(&bench, &ear);
}
