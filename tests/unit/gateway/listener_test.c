#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/hello.h"
#include "certs/mem.h"
#include "gateway/listener.h"
#include "gateway/log.h"
#include "gateway/stall.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/link_fixture.h"

static struct bench bench;
static struct listener *listener;
static struct capture errors;
static struct conf_address address;
static char loopback[] = "127.0.0.1";

static enum listener_answer answer; /* what the owner says */
static unsigned hellos, locals, closed;
static bool makes_turns_long; /* each connection that is shown to the owner does */
static char name[HELLO_NAME_MAX];
static bool had_name;
static size_t hello_len;
static struct ear taken;

static enum listener_answer on_local(void *owner, struct listener *l, struct endpoint *ep)
{
    (void)owner;
    (void)l;
    locals++;
    if (makes_turns_long) {
        uint64_t end_ns = uv_hrtime() + (uint64_t)(IO_TURN_MS + 2) * 1000000;
        while (uv_hrtime() < end_ns) {
        }
        bench.io.turn_count = IO_TURN_FREE;
    }
    if (answer == LISTENER_TAKEN) {
        ear_init(&taken, FAULT_SIDE_DEVICE);
        taken.ep = ep;
        endpoint_adopt(ep, taken.owner.events, &taken);
    }
    return answer;
}

static enum listener_answer on_hello(void *owner, struct listener *l,
                                     const struct listener_hello *hello)
{
    hellos++;
    had_name = hello->name != NULL;
    hello_len = hello->bytes.len;
    (void)snprintf(name, sizeof(name), "%s", had_name ? hello->name : "");
    enum listener_answer said = on_local(owner, l, hello->ep);
    locals--;
    return said;
}

static void on_closed(void *owner, struct listener *l)
{
    (void)owner;
    listener_free(l);
    closed++;
}

static const struct listener_events events = {on_local, on_hello, on_closed};

/* Short, for the test that waits for it; no other may depend on how fast the machine is. */
static uint32_t patience_ms = 20000;

static struct listener *make(bool secure, struct fault *f)
{
    struct listener_settings settings = {
        .address = &address, .secure = secure, .hello_timeout_ms = patience_ms, .events = &events};
    return listener_new(&bench.io, &settings, f);
}

/* The kernel's choice of a port is not the listener's to give: take one that was free just now. */
static void begin(bool secure)
{
    struct fault f;
    address = (struct conf_address){.host = loopback, .port = fixture_dead_port()};
    listener = make(secure, &f);
    cr_assert_not_null(listener, "%s", f.note);
    bench.port = address.port; /* for bench_connect */
}

static void setup(void)
{
    log_setup(CONF_LOG_TEXT, CONF_LOG_WARNING);
    capture_start(&errors, STDERR_FILENO);
    bench_init(&bench);
}

static void teardown(void)
{
    if (listener != NULL) {
        listener_close(listener);
        bench_run_until(&bench, &closed, 1);
    }
    if (taken.ep != NULL) {
        bench_close(&bench, &taken);
    }
    bench_end(&bench);
    (void)capture_end(&errors);
}

TestSuite(listener, .init = setup, .fini = teardown);

/* A ClientHello as our own client makes it. */
static struct span hello_of(const char *server_name)
{
    static uint8_t memory[TLS_HANDSHAKE_ROOM];
    struct identity *id = fixture_identity("bms");
    struct trust *trust = fixture_trust(REVOCATION_OFF);
    struct name_rule allow;
    struct fault f;
    cr_assert_eq(name_rule_parse("dns:pump-12.ward.example", &allow, &f), 0);
    struct tls_settings settings = {.role = TLS_CLIENT,
                                    .identity = id,
                                    .trust = trust,
                                    .allow = &allow,
                                    .allow_count = 1,
                                    .server_name = server_name};
    struct tls_engine *engine = tls_engine_new(&settings, &f);
    struct span nothing = span_of(NULL, 0);
    struct room out = room_of(memory, sizeof(memory));
    cr_assert_eq(tls_engine_handshake(engine, &nothing, &out, &f), TLS_MORE);
    tls_engine_free(engine);
    identity_release(id);
    trust_release(trust);
    return room_span(&out);
}

Test(listener, hands_a_devices_connection_on_at_once)
{
    begin(false);
    answer = LISTENER_TAKEN;
    int fd = bench_connect(&bench);
    bench_run_until(&bench, &locals, 1);
    endpoint_write(taken.ep, span_of_text("hi"));
    char got[2];
    cr_expect_eq(bench_read(&bench, fd, got, 2), 2);
    close(fd);
}

Test(listener, closes_a_devices_connection_that_is_not_wanted)
{
    begin(false);
    answer = LISTENER_REFUSED;
    int fd = bench_connect(&bench);
    cr_expect(bench_sees_end(&bench, fd));
    cr_expect_eq(locals, 1);
    close(fd);
}

Test(listener, reads_the_server_name_and_hands_the_hello_on)
{
    begin(true);
    answer = LISTENER_TAKEN;
    struct span hello = hello_of("pump-12.ward.example");
    int fd = bench_connect(&bench);
    cr_assert_eq(write(fd, hello.data, hello.len), (ssize_t)hello.len);
    bench_run_until(&bench, &hellos, 1);
    cr_expect_str_eq(name, "pump-12.ward.example");
    cr_expect_eq(hello_len, hello.len);
    close(fd);
}

Test(listener, a_hello_without_a_name_is_told_so)
{
    begin(true);
    answer = LISTENER_TAKEN;
    struct span hello = hello_of(NULL);
    int fd = bench_connect(&bench);
    cr_assert_eq(write(fd, hello.data, hello.len), (ssize_t)hello.len);
    bench_run_until(&bench, &hellos, 1);
    cr_expect_not(had_name);
    close(fd);
}

Test(listener, a_hello_may_come_byte_by_byte)
{
    begin(true);
    answer = LISTENER_TAKEN;
    struct span hello = hello_of("pump-12.ward.example");
    int fd = bench_connect(&bench);
    /* The name may be known before the last byte is there; nothing that came may be missing. */
    size_t sent = 0;
    while (sent < hello.len && hellos == 0) {
        cr_assert_eq(write(fd, hello.data + sent, 1), 1);
        sent++;
        bench_turn(&bench);
    }
    bench_run_until(&bench, &hellos, 1);
    cr_expect_eq(hello_len, sent);
    cr_expect_gt(sent, hello.len / 2);
    cr_expect_str_eq(name, "pump-12.ward.example");
    close(fd);
}

Test(listener, an_unknown_name_gets_the_alert_and_then_the_end)
{
    begin(true);
    answer = LISTENER_UNKNOWN;
    struct span hello = hello_of("nobody.ward.example");
    int fd = bench_connect(&bench);
    uint8_t got[HELLO_ALERT_LEN];
    cr_assert_eq(write(fd, hello.data, hello.len), (ssize_t)hello.len);
    cr_assert_eq(bench_read(&bench, fd, got, sizeof(got)), sizeof(got));
    cr_expect_eq(memcmp(got, HELLO_ALERT_UNRECOGNIZED_NAME, sizeof(got)), 0);
    cr_expect_eq(got[0], 21); /* alert */
    cr_expect_eq(got[5], 2);  /* fatal */
    cr_expect_eq(got[6], 112);
    cr_expect(bench_sees_end(&bench, fd));
    close(fd);
}

Test(listener, an_unwanted_hospital_is_closed)
{
    begin(true);
    answer = LISTENER_REFUSED;
    struct span hello = hello_of(NULL);
    int fd = bench_connect(&bench);
    cr_assert_eq(write(fd, hello.data, hello.len), (ssize_t)hello.len);
    cr_expect(bench_sees_end(&bench, fd));
    cr_expect_eq(hellos, 1);
    close(fd);
}

Test(listener, what_is_not_tls_is_closed)
{
    begin(true);
    answer = LISTENER_TAKEN;
    int fd = bench_connect(&bench);
    cr_assert_eq(write(fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
    cr_expect(bench_sees_end(&bench, fd));
    cr_expect_eq(hellos, 0);
    close(fd);
}

Test(listener, an_endless_hello_is_closed)
{
    /* A handshake record that promises 16 MiB of ClientHello. */
    static uint8_t endless[HELLO_MAX * 2] = {22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff};
    for (size_t i = 0x4005; i + 5 < sizeof(endless); i += 0x4005) {
        memcpy(endless + i, endless, 5);
    }
    begin(true);
    answer = LISTENER_TAKEN;
    int fd = bench_connect(&bench);
    size_t done = 0;
    while (done < sizeof(endless)) {
        ssize_t got = write(fd, endless + done, 1000);
        if (got <= 0) {
            break; /* closed already */
        }
        done += (size_t)got;
        bench_turn(&bench);
    }
    cr_expect_eq(hellos, 0);
    cr_expect_leq(done, HELLO_MAX + 4000, "%zu bytes were taken", done);
    close(fd);
}

/* One of a length that may be, in so many records that it is more bytes than are kept. */
Test(listener, a_hello_that_does_not_fit_is_closed)
{
    enum { RECORD = 1005, RECORDS = 17 };

    static uint8_t hello[RECORD * RECORDS];
    const uint8_t record[] = {22, 3, 1, 1000 >> 8, 1000 & 0xff};
    const uint8_t start[] = {1, 0, 0x3f, 0xfc, 3, 3}; /* ClientHello of 16380 bytes, TLS 1.2 */
    for (size_t i = 0; i < RECORDS; i++) {
        memcpy(hello + i * RECORD, record, sizeof(record));
    }
    memcpy(hello + sizeof(record), start, sizeof(start));
    hello[sizeof(record) + sizeof(start) + 33] = 0x3f; /* 16,336 bytes of suites */
    hello[sizeof(record) + sizeof(start) + 34] = 0xd0;
    begin(true);
    int fd = bench_connect(&bench);
    for (size_t i = 0; i < RECORDS; i++) {
        cr_expect_eq(send(fd, hello + i * RECORD, RECORD, MSG_NOSIGNAL), RECORD, "closed at %zu",
                     i);
        bench_turn(&bench);
    }
    uint64_t start_ms = uv_now(&bench.io.loop);
    cr_expect(bench_sees_end(&bench, fd));
    cr_expect_lt(uv_now(&bench.io.loop) - start_ms, patience_ms / 2);
    cr_expect_eq(hellos, 0);
    close(fd);
}

Test(listener, a_silent_stranger_is_closed_after_a_while)
{
    patience_ms = 60;
    begin(true);
    int fd = bench_connect(&bench);
    cr_expect(bench_sees_end(&bench, fd));
    cr_expect_eq(hellos, 0);
    close(fd);
}

Test(listener, a_stranger_that_goes_leaves_nothing_behind)
{
    begin(true);
    int fd = bench_connect(&bench);
    for (int i = 0; i < 5; i++) {
        bench_turn(&bench);
    }
    fixture_reset(fd);
    fd = bench_connect(&bench);
    close(fd);
    for (int i = 0; i < 20; i++) {
        bench_turn(&bench);
    }
    cr_expect_eq(hellos, 0);
}

enum { STRANGERS = 257 };

Test(listener, more_than_256_strangers_at_once_are_too_many)
{
    static int fds[STRANGERS];
    begin(true);
    unsigned ended = 0;
    for (size_t i = 0; i < STRANGERS; i++) {
        fds[i] = bench_connect(&bench);
        bench_turn(&bench);
    }
    /* All but the last wait for their time-out, which is not over yet. */
    for (int turn = 0; turn < 5; turn++) {
        bench_turn(&bench);
    }
    for (size_t i = 0; i < STRANGERS; i++) {
        char one;
        ended += recv(fds[i], &one, 1, MSG_DONTWAIT) == 0 ? 1 : 0;
    }
    cr_expect_eq(ended, 1, "%u were closed", ended);
    for (size_t i = 0; i < STRANGERS; i++) {
        close(fds[i]);
    }
}

Test(listener, closing_ends_strangers_too)
{
    begin(true);
    int fd = bench_connect(&bench);
    for (int i = 0; i < 5; i++) {
        bench_turn(&bench);
    }
    listener_close(listener);
    listener_close(listener);
    bench_run_until(&bench, &closed, 1);
    listener = NULL;
    cr_expect(bench_sees_end(&bench, fd));
    close(fd);
}

Test(listener, tells_why_it_cannot_listen)
{
    struct fault f;
    static char word[] = "localhost";
    begin(true);
    cr_expect_null(make(true, &f), "the address is in use");
    cr_expect_eq(f.code, FAULT_OPEN);
    cr_expect_not_null(strstr(f.note, listener_text(listener)));
    address.host = word;
    cr_expect_null(make(true, &f));
    cr_expect_eq(f.code, FAULT_CONFIG);
    mem_fail_nth(1);
    cr_expect_null(make(true, &f));
    mem_fail_nth(0);
    cr_expect_eq(f.code, FAULT_MEMORY);
    bench_turn(&bench);
}

Test(listener, knows_its_address)
{
    static char six[] = "::1";
    begin(true);
    char text[64];
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)address.port);
    cr_expect_str_eq(listener_text(listener), text);
    cr_expect(listener_is_at(listener, &address));
    cr_expect(listener_is_secure(listener));
    address.port++;
    cr_expect_not(listener_is_at(listener, &address));
    address.port--;
    address.host = six;
    cr_expect_not(listener_is_at(listener, &address));
}

/* libuv stops listening until a connection is accepted: one that is forgotten is the last one. */
static void lose_one_and_take_one(bool secure)
{
    begin(secure);
    answer = LISTENER_TAKEN;
    int lost = bench_connect(&bench);
    mem_fail_nth(1);
    cr_expect(bench_sees_end(&bench, lost));
    mem_fail_nth(0);
    int fd = bench_connect(&bench);
    if (secure) {
        struct span hello = hello_of("pump-12.ward.example");
        cr_assert_eq(write(fd, hello.data, hello.len), (ssize_t)hello.len);
        bench_run_until(&bench, &hellos, 1);
    } else {
        bench_run_until(&bench, &locals, 1);
    }
    close(lost);
    close(fd);
}

Test(listener, goes_on_after_a_hospitals_connection_without_memory)
{
    lose_one_and_take_one(true);
}

Test(listener, goes_on_after_a_devices_connection_without_memory)
{
    lose_one_and_take_one(false);
}

/* A storm of connections is not taken in one turn of the loop, and none of them is lost. */
Test(listener, takes_in_a_later_turn_what_came_in_a_long_one)
{
    enum { STORM = 5 };

    struct stall stall;
    int fds[STORM];
    begin(false);
    answer = LISTENER_REFUSED;
    makes_turns_long = true;
    stall_open(&stall, &bench.io, NULL, NULL);
    bench_turn(&bench);
    for (size_t i = 0; i < STORM; i++) {
        fds[i] = bench_connect(&bench);
    }
    bench_turn(&bench);
    cr_expect_eq(locals, 1);
    bench_run_until(&bench, &locals, STORM);
    for (size_t i = 0; i < STORM; i++) {
        cr_expect(bench_sees_end(&bench, fds[i]));
        close(fds[i]);
    }
    makes_turns_long = false;
    int fd = bench_connect(&bench);
    bench_run_until(&bench, &locals, STORM + 1);
    close(fd);
    stall_close(&stall);
    bench_turn(&bench);
}

/* Is a connection there before anybody accepts it? */
static bool is_let_in(int fd)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(address.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    (void)connect(fd, (const struct sockaddr *)&to, sizeof(to));
    return poll(&ready, 1, 0) == 1 && (ready.revents & POLLERR) == 0;
}

/* Whose first packet finds no place sends it again after a second. */
Test(listener, has_a_place_for_a_whole_ward_that_dials_at_once)
{
    enum { WARD = 600 };

    static int fds[WARD];
    answer = LISTENER_REFUSED;
    begin(false);
    for (int i = 0; i < WARD; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert_geq(fds[i], 0);
        cr_assert(is_let_in(fds[i]), "connection %d of %d", i, WARD);
    }
    bench_run_until(&bench, &locals, WARD);
    for (int i = 0; i < WARD; i++) {
        close(fds[i]);
    }
}
