#include <string.h>

#include <criterion/criterion.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "certs/mem.h"
#include "certs/tls_engine.h"
#include "pair.h"

Test(tls_engine, knows_its_peer)
{
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i);
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

    pair_link_up(&p, &s);
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

    for (size_t i = 0; i < PAIR_FLAVOURS * 3; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i % PAIR_FLAVOURS);
        s.client = NAMES[i / PAIR_FLAVOURS][0];
        s.server = NAMES[i / PAIR_FLAVOURS][1];
        pair_link_up(&p, &s);
        pair_write_both_ways(&p, 1000);
        pair_close(&p);
    }
}

Test(tls_engine, does_not_care_where_the_bytes_are_cut)
{
    static const size_t CUTS[] = {1, 2, 5, 6, 64, 257, 1000};

    for (size_t i = 0; i < PAIR_FLAVOURS * sizeof(CUTS) / sizeof(CUTS[0]); i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i % PAIR_FLAVOURS);
        s.cut = CUTS[i / PAIR_FLAVOURS];
        pair_link_up(&p, &s);
        pair_write_both_ways(&p, 700);
        pair_close(&p);
    }
}

/* A link up to the server's first flight, whose bytes are then cut at one place. */
Test(tls_engine, takes_a_cut_at_every_byte_of_the_servers_flight)
{
    struct pair p;
    struct pair_setup s = pair_flavour(0);
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

    for (size_t i = 0; i < PAIR_FLAVOURS * 4; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i % PAIR_FLAVOURS);
        struct span in;
        uint8_t type = 0;
        uint16_t version;
        uint16_t len = 0;
        pair_link_up(&p, &s);
        cr_assert_eq(pair_write(&p, &p.client, &p.server, pair_message(LENGTHS[i / PAIR_FLAVOURS])),
                     0);
        in = pair_inbox(&p.server);
        cr_assert(span_take_u8(&in, &type) && span_take_u16(&in, &version) &&
                  span_take_u16(&in, &len));
        cr_assert_eq(type, 23);
        cr_assert_eq(in.len, len, "more than one record");
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
        pair_check_received(&p.server, LENGTHS[i / PAIR_FLAVOURS]);
        pair_close(&p);
    }
}

Test(tls_engine, gives_at_most_one_record_at_a_time)
{
    struct pair p;
    struct pair_setup s = pair_flavour(0);
    static uint8_t memory[TLS_PLAIN_MAX];
    static uint8_t answer[TLS_CIPHER_MAX];
    struct span in;

    pair_link_up(&p, &s);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(pair_write(&p, &p.client, &p.server, pair_message(100)), 0);
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
    struct pair_setup s = pair_flavour(0);
    uint8_t memory[40];
    static uint8_t answer[TLS_CIPHER_MAX];
    size_t total = 0;
    struct span in;
    enum tls_result result;

    pair_link_up(&p, &s);
    cr_assert_eq(pair_write(&p, &p.client, &p.server, pair_message(100)), 0);
    in = pair_inbox(&p.server);
    do {
        struct room plain = room_of(memory, sizeof(memory));
        struct room out = room_of(answer, sizeof(answer));
        result = tls_engine_read(p.server.engine, &in, &plain, &out, NULL);
        cr_assert_eq(memcmp(memory, pair_message(100).data + total, plain.len), 0);
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
        struct pair_setup s = pair_flavour(i);
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
            cr_assert_eq(tls_engine_write(p.client.engine, pair_message(50), &flight, NULL), 0);
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
    for (size_t i = 0; i < PAIR_FLAVOURS * 2; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i % PAIR_FLAVOURS);
        struct pair_end *first = i < PAIR_FLAVOURS ? &p.client : &p.server;
        struct pair_end *second = i < PAIR_FLAVOURS ? &p.server : &p.client;
        pair_link_up(&p, &s);
        cr_assert_eq(pair_shutdown(first, second), 0);
        cr_assert_eq(pair_read(&p, second, first), TLS_CLOSED);
        /* The second end still has much to say. */
        for (int round = 0; round < 3; round++) {
            first->plain_len = 0;
            cr_assert_eq(pair_write(&p, second, first, pair_message(5000)), 0);
            cr_assert_eq(pair_read(&p, first, second), TLS_MORE, "%s", first->fault.note);
            pair_check_received(first, 5000);
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
    struct pair_setup s = pair_flavour(0);
    size_t before;

    pair_link_up(&p, &s);
    cr_assert_eq(pair_shutdown(&p.client, &p.server), 0);
    before = p.server.end;
    cr_assert_eq(pair_shutdown(&p.client, &p.server), 0);
    cr_assert_eq(p.server.end, before);
    pair_close(&p);
}

Test(tls_engine, says_nothing_when_shut_down_before_the_handshake)
{
    struct pair p;
    struct pair_setup s = pair_flavour(0);

    pair_open(&p, &s);
    cr_assert_eq(pair_shutdown(&p.client, &p.server), 0);
    cr_assert_eq(p.server.end, 0);
    pair_close(&p);
}

Test(tls_engine, answers_a_key_update)
{
    struct pair p;
    struct pair_setup s = pair_flavour(0);
    static uint8_t memory[TLS_CIPHER_MAX];

    pair_link_up(&p, &s);
    for (int i = 0; i < 5; i++) {
        struct room out = room_of(memory, sizeof(memory));
        size_t before;
        pair_write_both_ways(&p, 300);
        p.client.engine->out = &out;
        cr_assert_eq(wolfSSL_update_keys(p.client.engine->ssl), WOLFSSL_SUCCESS);
        p.client.engine->out = NULL;
        memcpy(p.server.inbox + p.server.end, memory, out.len);
        p.server.end += out.len;
        before = p.client.end;
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
        cr_assert(p.client.end > before, "no KeyUpdate came back");
    }
    pair_write_both_ways(&p, 300);
    pair_close(&p);
}

/* A flood of KeyUpdates in one read wants more answers than there is room for: the link fails and
 * nothing overflows. */
Test(tls_engine, fails_when_an_answer_has_no_room)
{
    struct pair p;
    struct pair_setup s = pair_flavour(0);
    struct room out;
    struct room answers;
    struct room plain;
    uint8_t memory[20];
    struct span in;

    pair_link_up(&p, &s);
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
    for (size_t i = 0; i < PAIR_FLAVOURS * 3; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i % PAIR_FLAVOURS);
        size_t before;
        pair_link_up(&p, &s);
        cr_assert_eq(pair_write(&p, &p.client, &p.server, pair_message(100)), 0);
        /* the record's length stays as it is: header, body, tag */
        p.server.inbox[p.server.start + (size_t[]){5, 60, 110}[i / PAIR_FLAVOURS]] ^= 1;
        before = p.client.end;
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_FAILED);
        cr_assert_eq(p.server.fault.code, FAULT_TLS, "%s", p.server.fault.note);
        cr_assert_eq(p.server.plain_len, 0);
        cr_assert(p.client.end > before, "no alert");
        /* and it stays failed */
        cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_FAILED);
        cr_assert_lt(pair_write(&p, &p.server, &p.client, pair_message(10)), 0);
        cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_FAILED);
        cr_assert_eq(p.client.fault.code, FAULT_TLS, "%s", p.client.fault.note);
        pair_close(&p);
    }
}

Test(tls_engine, refuses_a_record_twice)
{
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i);
        size_t len;
        pair_link_up(&p, &s);
        cr_assert_eq(pair_write(&p, &p.client, &p.server, pair_message(100)), 0);
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
    struct pair_setup s = pair_flavour(0);
    size_t end;

    pair_link_up(&p, &s);
    cr_assert_eq(pair_write(&p, &p.client, &p.server, pair_message(100)), 0);
    end = p.server.end;
    p.server.end -= 1;
    cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
    cr_assert_eq(p.server.plain_len, 0);
    p.server.end = end;
    cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_MORE);
    pair_check_received(&p.server, 100);
    pair_close(&p);
}

Test(tls_engine, refuses_bytes_that_are_no_tls)
{
    static const char *const TEXTS[] = {"MSH|^~\\&|MONITOR|ICU|", "GET / HTTP/1.1\r\n\r\n",
                                        "\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01"};

    for (size_t i = 0; i < 6; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(0);
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
    struct pair_setup s = pair_flavour(0);
    static uint8_t memory[200];
    struct room out = room_of(memory, sizeof(memory));

    pair_link_up(&p, &s);
    cr_assert_eq(tls_engine_write(p.client.engine, pair_message(100), &out, NULL), FAULT_INTERNAL);
    cr_assert_eq(out.len, 0);
    pair_write_both_ways(&p, 100);
    pair_close(&p);
}

/* A peer may ask for short records (RFC 6066): then one write is several, and all fit. */
Test(tls_engine, has_room_for_the_smallest_fragments)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = pair_flavour(i);
        pair_open(&p, &s);
        cr_assert_eq(wolfSSL_UseMaxFragment(p.client.engine->ssl, WOLFSSL_MFL_2_9),
                     WOLFSSL_SUCCESS);
        pair_handshake(&p);
        cr_assert_eq(p.server.result, TLS_DONE, "%s", p.server.fault.note);
        cr_assert_eq(pair_write(&p, &p.server, &p.client, pair_message(TLS_PLAIN_MAX)), 0);
        cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_MORE);
        pair_check_received(&p.client, TLS_PLAIN_MAX);
        pair_close(&p);
    }
}
