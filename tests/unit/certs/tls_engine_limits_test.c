#include <malloc.h>

#include <criterion/criterion.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "certs/mem.h"
#include "certs/tls_engine.h"
#include "pair.h"

/* Our client never asks for it; our server refuses it to those who ask. */
Test(tls_engine_limits, never_resumes)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i);
        pair_link_up(&p, &s);
        pair_write_both_ways(&p, 10);
#ifndef NO_SESSION_CACHE
        /* Debian's library hands a session out even so: offer it to the next link. */
        WOLFSSL_SESSION *session = wolfSSL_get1_session(p.client.engine->ssl);
        pair_close(&p);
        pair_open(&p, &s);
        (void)wolfSSL_set_session(p.client.engine->ssl, session);
        wolfSSL_SESSION_free(session);
#else
        pair_close(&p);
        pair_open(&p, &s);
#endif
        pair_handshake(&p);
        cr_assert_eq(p.server.result, TLS_DONE, "%s", p.server.fault.note);
        cr_assert_eq(wolfSSL_session_reused(p.server.engine->ssl), 0);
        cr_assert_eq(tls_engine_peer(p.server.engine)->chain_count, 1);
        pair_close(&p);
    }
}

/* Whatever path through the library might skip the verify callback: the link stays down. */
Test(tls_engine_limits, does_not_come_up_when_nobody_was_verified)
{
    for (size_t i = 0; i < PAIR_FLAVOURS * 2; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i % PAIR_FLAVOURS);
        struct pair_end *blind = i < PAIR_FLAVOURS ? &p.server : &p.client;
        pair_open(&p, &s);
        wolfSSL_set_verify(blind->engine->ssl, WOLFSSL_VERIFY_NONE, NULL);
        pair_handshake(&p);
        cr_assert_eq(blind->result, TLS_FAILED);
        cr_assert_eq(blind->fault.code, FAULT_NO_CERT, "%s", blind->fault.note);
        cr_assert_null(tls_engine_peer(blind->engine));
        pair_close(&p);
    }
}

/* How many records lie in what an end has received; none of them is longer than allowed. */
static size_t count_records(const struct pair_end *end, size_t bound)
{
    struct span in = pair_inbox(end);
    size_t count = 0;

    while (in.len > 0) {
        struct span body;
        uint8_t type = 0;
        uint16_t version;
        uint16_t len = 0;
        cr_assert(span_take_u8(&in, &type) && span_take_u16(&in, &version) &&
                  span_take_u16(&in, &len) && span_take(&in, len, &body));
        cr_assert_leq(len, bound);
        count++;
    }
    return count;
}

/* 512 bytes of plain text each way, and what a record adds to them (nonce, tag, type). */
Test(tls_engine_limits, client_that_wants_short_records_gets_and_sends_them)
{
    static const size_t FLAVOURS[] = {0, 2}; /* those whose client is ours */

    for (size_t i = 0; i < 4; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(FLAVOURS[i % 2]);
        bool is_short = i < 2;
        s.client_wants_short = is_short;
        pair_link_up(&p, &s);
        cr_assert_eq(pair_write(&p, &p.client, &p.server, pair_message(2000)), 0);
        cr_expect_eq(count_records(&p.server, is_short ? 512 + 24 : 2048), is_short ? 4 : 1);
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
        pair_check_received(&p.server, 2000);
        cr_assert_eq(pair_write(&p, &p.server, &p.client, pair_message(2000)), 0);
        cr_expect_eq(count_records(&p.client, is_short ? 512 + 24 : 2048), is_short ? 4 : 1);
        cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_MORE);
        pair_check_received(&p.client, 2000);
        pair_close(&p);
    }
}

/* Mutual always: such a server would take anybody's data for our device's. */
Test(tls_engine_limits, refuses_a_server_that_asks_for_no_certificate)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i == 0 ? 0 : 2);
        s.client = i == 0 ? "bms" : "pump-12";
        s.server_allow = "dns:pump-12.ward.example";
        pair_open(&p, &s);
        wolfSSL_set_verify(p.server.engine->ssl, WOLFSSL_VERIFY_NONE, NULL);
        pair_handshake(&p);
        cr_assert_eq(p.client.result, TLS_FAILED);
        cr_assert_eq(p.client.fault.code, FAULT_TLS, "%s", p.client.fault.note);
        cr_assert_eq(p.client.fault.side, FAULT_SIDE_SERVER);
        cr_assert_null(tls_engine_peer(p.client.engine));
        pair_close(&p);
    }
}

/* The engines of one trust: what they cost when they sit idle. */
enum { MANY = 100 };

static size_t heap_in_use(void)
{
    return mallinfo2().uordblks;
}

Test(tls_engine_limits, costs_little_when_idle)
{
    static struct pair pairs[MANY];
    struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_3);
    struct pair_setup s = {
        .client_trust = t, .server_trust = t, .server_name = "hl7.hospital.example"};
    size_t before;
    size_t each;

    pair_link_up(&pairs[0], &s); /* the first one also pays for the library's tables */
    pair_close(&pairs[0]);
    before = heap_in_use();
    for (size_t i = 0; i < MANY; i++) {
        pair_link_up(&pairs[i], &s);
        pair_write_both_ways(&pairs[i], 2000);
        tls_engine_forget_chain(pairs[i].client.engine);
        tls_engine_forget_chain(pairs[i].server.engine);
        mem_free(pairs[i].client.inbox);
        mem_free(pairs[i].client.plain);
        mem_free(pairs[i].server.inbox);
        mem_free(pairs[i].server.plain);
        pairs[i].client.inbox = pairs[i].client.plain = NULL;
        pairs[i].server.inbox = pairs[i].server.plain = NULL;
    }
    each = (heap_in_use() - before) / (2 * MANY);
#if !defined(WARDGATE_WOLFSSL_SYSTEM) && !defined(__SANITIZE_ADDRESS__)

    cr_assert_leq(each, 8192, "%zu bytes for each idle engine (each with an identity)", each);
#endif
    (void)each;
    for (size_t i = 0; i < MANY; i++) {
        pair_close(&pairs[i]);
    }
    trust_release(t);
}

#ifndef WARDGATE_WOLFSSL_SYSTEM /* 5.5.4 itself falls over in wolfSSL_use_PrivateKey_buffer */
Test(tls_engine_limits, survives_running_out_of_memory_at_its_birth)
{
    struct trust *t = pair_trust("root", "int", TLS_VERSION_1_3);
    struct identity *id = pair_identity("pump-12");
    struct name_rule allow;
    struct tls_settings settings = {.role = TLS_CLIENT,
                                    .identity = id,
                                    .trust = t,
                                    .allow = &allow,
                                    .allow_count = 1,
                                    .server_name = "hl7.hospital.example"};
    bool is_whole = false;

    cr_assert_eq(tls_init(NULL), 0);
    cr_assert_eq(name_rule_parse("dns:hl7.hospital.example", &allow, NULL), 0);
    for (uint32_t nth = 1; !is_whole; nth++) {
        struct fault f = {0};
        struct tls_engine *e;
        (void)mem_fail_nth(nth);
        e = tls_engine_new(&settings, &f);
        is_whole = mem_fail_nth(0) > 0;
        cr_assert(e != NULL || f.code == FAULT_MEMORY, "allocation %u: %s", nth, f.note);
        cr_assert(e != NULL || !is_whole);
        tls_engine_free(e);
    }
    identity_release(id);
    trust_release(t);
}

#endif

/* The Nth allocation fails, for every N: the link fails in good order or comes up whole. */
Test(tls_engine_limits, survives_running_out_of_memory, .timeout = 120)
{
    struct fault f = {0};
    bool is_whole = false;

    cr_assert_eq(tls_init(&f), 0);
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct pair_setup s = pair_flavour(i);
        s.client = "pump-12";
        s.server_allow = "dns:pump-12.ward.example";
        is_whole = false;
        for (uint32_t nth = 1; !is_whole; nth++) {
            struct pair p;
            pair_open(&p, &s);
            mem_fail_nth(nth);
            pair_handshake(&p);
            if (p.client.result == TLS_DONE && p.server.result == TLS_DONE) {
                cr_assert_eq(tls_engine_peer(p.server.engine)->chain_count, 2);
                (void)pair_write(&p, &p.client, &p.server, pair_message(100));
                (void)pair_read(&p, &p.server, &p.client);
            }
            is_whole = mem_fail_nth(0) > 0;
            cr_assert(!is_whole || p.server.plain_len == 100);
            pair_close(&p);
        }
    }
}
