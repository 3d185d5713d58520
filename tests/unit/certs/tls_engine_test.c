#include <malloc.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "certs/mem.h"
#include "certs/tls_engine.h"
#include "pair.h"

/* Every test of this file in TLS 1.3, with an old client (1.2), and with an old server (1.2). */
enum { FLAVOURS = 3 };

static struct pair_setup flavour(size_t number)
{
    struct pair_setup s = {
        .allows_tls12 = number != 0,
        .client_is_old = number == 1,
        .server_is_old = number == 2,
        .server_name = "hl7.hospital.example",
    };

    return s;
}

static void link_up(struct pair *p, const struct pair_setup *setup)
{
    pair_link(p, setup);
    cr_assert_eq(p->client.result, TLS_DONE, "%s", p->client.fault.note);
    cr_assert_eq(p->server.result, TLS_DONE, "%s", p->server.fault.note);
}

static uint8_t message[TLS_PLAIN_MAX];

/* Bytes that show where they belong. */
static struct span fill_message(size_t len)
{
    for (size_t i = 0; i < len; i++) {
        message[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    return span_of(message, len);
}

static void check_received(const struct pair_end *end, size_t len)
{
    cr_assert_eq(end->plain_len, len);
    cr_assert_eq(memcmp(end->plain, message, len), 0);
}

static void write_both_ways(struct pair *p, size_t len)
{
    struct span text = fill_message(len);

    p->client.plain_len = 0;
    p->server.plain_len = 0;
    cr_assert_eq(pair_write(p, &p->client, &p->server, text), 0);
    cr_assert_eq(pair_write(p, &p->server, &p->client, text), 0);
    cr_assert_eq(pair_read(p, &p->server, &p->client), TLS_MORE, "%s", p->server.fault.note);
    cr_assert_eq(pair_read(p, &p->client, &p->server), TLS_MORE, "%s", p->client.fault.note);
    check_received(&p->server, len);
    check_received(&p->client, len);
}

Test(tls_engine, knows_its_peer)
{
    for (size_t i = 0; i < FLAVOURS; i++) {
        struct pair p;
        struct pair_setup s = flavour(i);
        const struct tls_peer *peer;

        pair_open(&p, &s);
        cr_assert_null(tls_engine_peer(p.client.engine));
        pair_handshake(&p);
        peer = tls_engine_peer(p.server.engine);
        cr_assert_not_null(peer, "%s", p.server.fault.note);
        cr_assert_str_eq(peer->leaf.subject, "CN=Building management,O=Hospital");
        cr_assert_str_eq(peer->matched, "dns:bms.hospital.example");
        cr_assert_eq(peer->version, i == 0 ? TLS_VERSION_1_3 : TLS_VERSION_1_2);
        cr_assert(strncmp(peer->suite, "TLS_", 4) == 0, "%s", peer->suite);
        cr_assert_eq(peer->chain_count, 1);
        pair_close(&p);
    }
}

Test(tls_engine, keeps_the_chain_until_it_is_forgotten)
{
    struct pair p;
    struct pair_setup s = {.server = "pump-12", .client_allow = "dns:pump-12.ward.example"};
    const struct tls_peer *peer;

    link_up(&p, &s);
    peer = tls_engine_peer(p.client.engine);
    cr_assert_eq(peer->chain_count, 2);
    cr_assert(peer->chain[0].len > 300 && peer->chain[1].len > 300);
    cr_assert_eq(peer->chain[0].data[0], 0x30);
    tls_engine_forget_chain(p.client.engine);
    cr_assert_eq(peer->chain_count, 0);
    cr_assert_null(peer->chain[0].data);
    cr_assert_str_eq(peer->leaf.subject, "CN=Device pump-12,OU=Ward 3B,O=Hospital");
    pair_close(&p);
}

Test(tls_engine, links_rsa_and_ec_ends_in_every_mix)
{
    static const char *const NAMES[][2] = {
        {"bms", "hl7-rsa"}, {"bms-rsa", "hl7"}, {"bms-rsa", "hl7-rsa"}};

    for (size_t i = 0; i < FLAVOURS * 3; i++) {
        struct pair p;
        struct pair_setup s = flavour(i % FLAVOURS);
        s.client = NAMES[i / FLAVOURS][0];
        s.server = NAMES[i / FLAVOURS][1];
        link_up(&p, &s);
        write_both_ways(&p, 1000);
        pair_close(&p);
    }
}

Test(tls_engine, does_not_care_where_the_bytes_are_cut)
{
    static const size_t CUTS[] = {1, 2, 5, 6, 64, 257, 1000};

    for (size_t i = 0; i < FLAVOURS * sizeof(CUTS) / sizeof(CUTS[0]); i++) {
        struct pair p;
        struct pair_setup s = flavour(i % FLAVOURS);
        s.cut = CUTS[i / FLAVOURS];
        link_up(&p, &s);
        write_both_ways(&p, 700);
        pair_close(&p);
    }
}

/* A link up to the server's first flight, whose bytes are then cut at one place. */
Test(tls_engine, takes_a_cut_at_every_byte_of_the_servers_flight)
{
    struct pair p;
    struct pair_setup s = flavour(0);
    size_t total = 0;
    static uint8_t memory[TLS_HANDSHAKE_ROOM];

    for (size_t cut = 1; total == 0 || cut < total; cut += 11) {
        struct room out = room_of(memory, sizeof(memory));
        struct span none = {NULL, 0};
        struct span first;
        struct span rest;
        pair_open(&p, &s);
        cr_assert_eq(tls_engine_handshake(p.client.engine, &none, &out, NULL), TLS_MORE);
        rest = room_span(&out);
        struct room flight = room_of(p.client.inbox, PAIR_INBOX_MAX);
        cr_assert_eq(tls_engine_handshake(p.server.engine, &rest, &flight, NULL), TLS_MORE);
        total = flight.len;
        first = span_first(room_span(&flight), cut);
        rest = span_after(room_span(&flight), cut);
        out = room_of(memory, sizeof(memory));
        cr_assert_eq(tls_engine_handshake(p.client.engine, &first, &out, NULL), TLS_MORE);
        cr_assert_eq(first.len, 0);
        cr_assert_eq(tls_engine_handshake(p.client.engine, &rest, &out, NULL), TLS_DONE);
        rest = room_span(&out);
        cr_assert_eq(tls_engine_handshake(p.server.engine, &rest, &flight, NULL), TLS_DONE);
        pair_close(&p);
    }
    cr_assert(total > 700);
}

Test(tls_engine, makes_one_record_of_one_write)
{
    static const size_t LENGTHS[] = {1, 2, 1000, TLS_PLAIN_MAX};

    for (size_t i = 0; i < FLAVOURS * 4; i++) {
        struct pair p;
        struct pair_setup s = flavour(i % FLAVOURS);
        struct span in;
        uint8_t type = 0;
        uint16_t version;
        uint16_t len = 0;
        link_up(&p, &s);
        cr_assert_eq(pair_write(&p, &p.client, &p.server, fill_message(LENGTHS[i / FLAVOURS])), 0);
        in = pair_inbox(&p.server);
        cr_assert(span_take_u8(&in, &type) && span_take_u16(&in, &version) &&
                  span_take_u16(&in, &len));
        cr_assert_eq(type, 23);
        cr_assert_eq(in.len, len, "more than one record");
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
        check_received(&p.server, LENGTHS[i / FLAVOURS]);
        pair_close(&p);
    }
}

Test(tls_engine, gives_at_most_one_record_at_a_time)
{
    struct pair p;
    struct pair_setup s = flavour(0);
    static uint8_t memory[TLS_PLAIN_MAX];
    static uint8_t answer[TLS_CIPHER_MAX];
    struct span in;

    link_up(&p, &s);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(pair_write(&p, &p.client, &p.server, fill_message(100)), 0);
    }
    in = pair_inbox(&p.server);
    for (int i = 0; i < 3; i++) {
        struct room plain = room_of(memory, sizeof(memory));
        struct room out = room_of(answer, sizeof(answer));
        cr_assert_eq(tls_engine_read(p.server.engine, &in, &plain, &out, NULL), TLS_DONE);
        cr_assert_eq(plain.len, 100);
    }
    cr_assert_eq(in.len, 0);
    pair_close(&p);
}

Test(tls_engine, hands_a_record_out_in_pieces_when_the_room_is_small)
{
    struct pair p;
    struct pair_setup s = flavour(0);
    uint8_t memory[40];
    static uint8_t answer[TLS_CIPHER_MAX];
    size_t total = 0;
    struct span in;
    enum tls_result result;

    link_up(&p, &s);
    cr_assert_eq(pair_write(&p, &p.client, &p.server, fill_message(100)), 0);
    in = pair_inbox(&p.server);
    do {
        struct room plain = room_of(memory, sizeof(memory));
        struct room out = room_of(answer, sizeof(answer));
        result = tls_engine_read(p.server.engine, &in, &plain, &out, NULL);
        cr_assert_eq(memcmp(memory, message + total, plain.len), 0);
        total += plain.len;
    } while (result == TLS_DONE);
    cr_assert_eq(result, TLS_MORE);
    cr_assert_eq(total, 100);
    pair_close(&p);
}

/* In one TCP segment: the client's last flight and its first data. */
Test(tls_engine, leaves_bytes_behind_the_handshake_for_the_read)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = flavour(i);
        static uint8_t memory[2 * TLS_HANDSHAKE_ROOM];
        struct room flight = room_of(memory, sizeof(memory));
        struct room out = room_of(p.client.inbox, 0);
        struct span in = {NULL, 0};
        static uint8_t scratch[TLS_HANDSHAKE_ROOM];
        pair_open(&p, &s);
        cr_assert_eq(tls_engine_handshake(p.client.engine, &in, &flight, NULL), TLS_MORE);
        for (int round = 0; p.client.result == TLS_MORE && round < 4; round++) {
            in = room_span(&flight);
            out = room_of(scratch, sizeof(scratch));
            p.server.result = tls_engine_handshake(p.server.engine, &in, &out, NULL);
            flight = room_of(memory, sizeof(memory));
            in = room_span(&out);
            p.client.result = tls_engine_handshake(p.client.engine, &in, &flight, NULL);
        }
        cr_assert_eq(p.client.result, TLS_DONE);
        if (p.server.result == TLS_MORE) { /* 1.3: the client speaks last */
            cr_assert_eq(tls_engine_write(p.client.engine, fill_message(50), &flight, NULL), 0);
            in = room_span(&flight);
            out = room_of(scratch, sizeof(scratch));
            cr_assert_eq(tls_engine_handshake(p.server.engine, &in, &out, NULL), TLS_DONE);
            cr_assert(in.len > 50);
            struct room plain = room_of(p.server.plain, TLS_PLAIN_MAX);
            cr_assert_eq(tls_engine_read(p.server.engine, &in, &plain, &out, NULL), TLS_DONE);
            cr_assert_eq(plain.len, 50);
        }
        pair_close(&p);
    }
}

Test(tls_engine, reads_on_after_its_own_shutdown)
{
    for (size_t i = 0; i < FLAVOURS * 2; i++) {
        struct pair p;
        struct pair_setup s = flavour(i % FLAVOURS);
        struct pair_end *first = i < FLAVOURS ? &p.client : &p.server;
        struct pair_end *second = i < FLAVOURS ? &p.server : &p.client;
        link_up(&p, &s);
        cr_assert_eq(pair_shutdown(first, second), 0);
        cr_assert_eq(pair_read(&p, second, first), TLS_CLOSED);
        /* The second end still has much to say. */
        for (int round = 0; round < 3; round++) {
            first->plain_len = 0;
            cr_assert_eq(pair_write(&p, second, first, fill_message(5000)), 0);
            cr_assert_eq(pair_read(&p, first, second), TLS_MORE, "%s", first->fault.note);
            check_received(first, 5000);
        }
        cr_assert_eq(pair_shutdown(second, first), 0);
        cr_assert_eq(pair_read(&p, first, second), TLS_CLOSED);
        cr_assert_eq(pair_read(&p, second, first), TLS_CLOSED);
        pair_close(&p);
    }
}

Test(tls_engine, shuts_down_once)
{
    struct pair p;
    struct pair_setup s = flavour(0);
    size_t before;

    link_up(&p, &s);
    cr_assert_eq(pair_shutdown(&p.client, &p.server), 0);
    before = p.server.end;
    cr_assert_eq(pair_shutdown(&p.client, &p.server), 0);
    cr_assert_eq(p.server.end, before);
    pair_close(&p);
}

Test(tls_engine, says_nothing_when_shut_down_before_the_handshake)
{
    struct pair p;
    struct pair_setup s = flavour(0);

    pair_open(&p, &s);
    cr_assert_eq(pair_shutdown(&p.client, &p.server), 0);
    cr_assert_eq(p.server.end, 0);
    pair_close(&p);
}

Test(tls_engine, answers_a_key_update)
{
    struct pair p;
    struct pair_setup s = flavour(0);
    static uint8_t memory[TLS_CIPHER_MAX];

    link_up(&p, &s);
    for (int i = 0; i < 5; i++) {
        struct room out = room_of(memory, sizeof(memory));
        size_t before;
        write_both_ways(&p, 300);
        p.client.engine->out = &out;
        cr_assert_eq(wolfSSL_update_keys(p.client.engine->ssl), WOLFSSL_SUCCESS);
        p.client.engine->out = NULL;
        memcpy(p.server.inbox + p.server.end, memory, out.len);
        p.server.end += out.len;
        before = p.client.end;
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
        cr_assert(p.client.end > before, "no KeyUpdate came back");
    }
    write_both_ways(&p, 300);
    pair_close(&p);
}

/* A flood of KeyUpdates in one read wants more answers than there is room for: the link fails and
 * nothing overflows. */
Test(tls_engine, fails_when_an_answer_has_no_room)
{
    struct pair p;
    struct pair_setup s = flavour(0);
    struct room out;
    struct room answers;
    struct room plain;
    uint8_t memory[20];
    struct span in;

    link_up(&p, &s);
    out = room_of(p.server.inbox, PAIR_INBOX_MAX);
    p.client.engine->out = &out;
    cr_assert_eq(wolfSSL_update_keys(p.client.engine->ssl), WOLFSSL_SUCCESS);
    p.client.engine->out = NULL;
    in = room_span(&out);
    answers = room_of(memory, sizeof(memory));
    plain = room_of(p.server.plain, TLS_PLAIN_MAX);
    cr_assert_eq(tls_engine_read(p.server.engine, &in, &plain, &answers, &p.server.fault),
                 TLS_FAILED);
    cr_assert_eq(p.server.fault.code, FAULT_TLS, "%s", p.server.fault.note);
    pair_close(&p);
}

Test(tls_engine, refuses_a_changed_record)
{
    for (size_t i = 0; i < FLAVOURS * 3; i++) {
        struct pair p;
        struct pair_setup s = flavour(i % FLAVOURS);
        size_t before;
        link_up(&p, &s);
        cr_assert_eq(pair_write(&p, &p.client, &p.server, fill_message(100)), 0);
        /* the record's length stays as it is: header, body, tag */
        p.server.inbox[p.server.start + (size_t[]){5, 60, 110}[i / FLAVOURS]] ^= 1;
        before = p.client.end;
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_FAILED);
        cr_assert_eq(p.server.fault.code, FAULT_TLS, "%s", p.server.fault.note);
        cr_assert_eq(p.server.plain_len, 0);
        cr_assert(p.client.end > before, "no alert");
        /* and it stays failed */
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_FAILED);
        cr_assert_lt(pair_write(&p, &p.server, &p.client, fill_message(10)), 0);
        cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_FAILED);
        cr_assert_eq(p.client.fault.code, FAULT_TLS, "%s", p.client.fault.note);
        pair_close(&p);
    }
}

Test(tls_engine, refuses_a_record_twice)
{
    for (size_t i = 0; i < FLAVOURS; i++) {
        struct pair p;
        struct pair_setup s = flavour(i);
        size_t len;
        link_up(&p, &s);
        cr_assert_eq(pair_write(&p, &p.client, &p.server, fill_message(100)), 0);
        len = pair_inbox(&p.server).len;
        memcpy(p.server.inbox + p.server.end, p.server.inbox + p.server.start, len);
        p.server.end += len;
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_FAILED);
        cr_assert_eq(p.server.plain_len, 100);
        pair_close(&p);
    }
}

Test(tls_engine, waits_for_the_rest_of_a_cut_record)
{
    struct pair p;
    struct pair_setup s = flavour(0);
    size_t end;

    link_up(&p, &s);
    cr_assert_eq(pair_write(&p, &p.client, &p.server, fill_message(100)), 0);
    end = p.server.end;
    p.server.end -= 1;
    cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
    cr_assert_eq(p.server.plain_len, 0);
    p.server.end = end;
    cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
    check_received(&p.server, 100);
    pair_close(&p);
}

Test(tls_engine, refuses_bytes_that_are_no_tls)
{
    static const char *const TEXTS[] = {"MSH|^~\\&|MONITOR|ICU|", "GET / HTTP/1.1\r\n\r\n",
                                        "\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01"};

    for (size_t i = 0; i < 6; i++) {
        struct pair p;
        struct pair_setup s = flavour(0);
        struct pair_end *end = i < 3 ? &p.client : &p.server;
        struct span in = span_of(TEXTS[i % 3], 12);
        static uint8_t memory[TLS_HANDSHAKE_ROOM];
        struct room out = room_of(memory, sizeof(memory));
        pair_open(&p, &s);
        cr_assert_eq(tls_engine_handshake(end->engine, &in, &out, &end->fault), TLS_FAILED);
        cr_assert(end->fault.code == FAULT_TLS || end->fault.code == FAULT_TLS_VERSION, "%s",
                  end->fault.note);
        cr_assert_eq(end->fault.side, FAULT_SIDE_SERVER);
        cr_assert_eq(tls_engine_handshake(end->engine, &in, &out, &end->fault), TLS_FAILED);
        pair_close(&p);
    }
}

Test(tls_engine, writes_nothing_without_room)
{
    struct pair p;
    struct pair_setup s = flavour(0);
    static uint8_t memory[200];
    struct room out = room_of(memory, sizeof(memory));

    link_up(&p, &s);
    cr_assert_eq(tls_engine_write(p.client.engine, fill_message(100), &out, NULL), FAULT_INTERNAL);
    cr_assert_eq(out.len, 0);
    write_both_ways(&p, 100);
    pair_close(&p);
}

/* A peer may ask for short records (RFC 6066): then one write is several, and all fit. */
Test(tls_engine, has_room_for_the_smallest_fragments)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = flavour(i);
        pair_open(&p, &s);
        cr_assert_eq(wolfSSL_UseMaxFragment(p.client.engine->ssl, WOLFSSL_MFL_2_9),
                     WOLFSSL_SUCCESS);
        pair_handshake(&p);
        cr_assert_eq(p.server.result, TLS_DONE, "%s", p.server.fault.note);
        cr_assert_eq(pair_write(&p, &p.server, &p.client, fill_message(TLS_PLAIN_MAX)), 0);
        cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_MORE);
        check_received(&p.client, TLS_PLAIN_MAX);
        pair_close(&p);
    }
}

/* Our client never asks for it; our server refuses it to those who ask. */
Test(tls_engine, never_resumes)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = flavour(i);
        link_up(&p, &s);
        write_both_ways(&p, 10);
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

/* The engines of one trust: what they cost when they sit idle. */
enum { MANY = 100 };

static size_t heap_in_use(void)
{
    return mallinfo2().uordblks;
}

Test(tls_engine, costs_little_when_idle)
{
    static struct pair pairs[MANY];
    struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_3);
    struct pair_setup s = {
        .client_trust = t, .server_trust = t, .server_name = "hl7.hospital.example"};
    size_t before;
    size_t each;

    link_up(&pairs[0], &s); /* the first one also pays for the library's tables */
    pair_close(&pairs[0]);
    before = heap_in_use();
    for (size_t i = 0; i < MANY; i++) {
        link_up(&pairs[i], &s);
        write_both_ways(&pairs[i], 2000);
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

/* The Nth allocation fails, for every N: the link fails in good order or comes up whole. */
Test(tls_engine, survives_running_out_of_memory, .timeout = 120)
{
    struct fault f = {0};
    bool is_whole = false;

    cr_assert_eq(tls_init(&f), 0);
    for (size_t i = 0; i < FLAVOURS; i++) {
        struct pair_setup s = flavour(i);
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
                (void)pair_write(&p, &p.client, &p.server, fill_message(100));
                (void)pair_read(&p, &p.server, &p.client);
            }
            is_whole = mem_fail_nth(0) > 0;
            cr_assert(!is_whole || p.server.plain_len == 100);
            pair_close(&p);
        }
    }
}
