#include <string.h>

#include <criterion/criterion.h>

#include "certs/tls_engine.h"
#include "pair.h"

/* A record with a fatal alert in the clear, as a peer sends it before keys exist. */
static struct span alert_record(uint8_t code)
{
    static uint8_t record[] = {21, 3, 3, 0, 2, 2, 0};

    record[6] = code;
    return span_of(record, sizeof(record));
}

/* The client has sent its hello; the answer is this alert. has_read: as if data had come before. */
static struct fault client_fault_of(uint8_t code, bool has_read)
{
    struct pair p;
    struct pair_setup s = {0};
    static uint8_t memory[TLS_HANDSHAKE_ROOM];
    struct room out = room_of(memory, sizeof(memory));
    struct span in = {NULL, 0};
    struct fault f = {0};

    pair_open(&p, &s);
    cr_assert_eq(tls_engine_handshake(p.client.engine, &in, &out, &f), TLS_MORE);
    p.client.engine->has_read = has_read;
    in = alert_record(code);
    cr_assert_eq(tls_engine_handshake(p.client.engine, &in, &out, &f), TLS_FAILED);
    pair_close(&p);
    return f;
}

Test(tls_fault, tells_alerts_about_our_certificate_apart)
{
    static const uint8_t OWN[] = {42, 43, 44, 45, 46, 48, 49, 116};

    for (size_t i = 0; i < sizeof(OWN); i++) {
        struct fault f = client_fault_of(OWN[i], false);
        cr_assert_eq(f.code, FAULT_OWN_REFUSED, "%d: %s", OWN[i], f.note);
        cr_assert_eq(f.side, FAULT_SIDE_CERTIFICATE);
    }
}

/* The peer had accepted us; now it ends the link with the same alert. */
Test(tls_fault, does_not_call_an_alert_after_data_a_refusal)
{
    struct fault f = client_fault_of(44, true);

    cr_assert_eq(f.code, FAULT_TLS, "%s", f.note);
    cr_assert_not_null(strstr(f.note, "revoked"));
}

Test(tls_fault, tells_other_alerts_apart)
{
    static const struct {
        uint8_t alert;
        enum fault_code code;
        const char *in_note;
    } CASES[] = {
        {10, FAULT_TLS, "unexpected message"}, {40, FAULT_TLS, "handshake failure"},
        {47, FAULT_TLS, "illegal parameter"},  {70, FAULT_TLS_VERSION, "version"},
        {80, FAULT_TLS, "internal error"},     {112, FAULT_TLS, "name we asked for"},
        {123, FAULT_TLS, "alert 123"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct fault f = client_fault_of(CASES[i].alert, false);
        cr_assert_eq(f.code, CASES[i].code, "%d: %s", CASES[i].alert, f.note);
        cr_assert_eq(f.side, FAULT_SIDE_SERVER);
        cr_assert_not_null(strstr(f.note, CASES[i].in_note), "%s", f.note);
    }
}

Test(tls_fault, tells_the_version_apart)
{
    for (int i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = {.client_is_old = i == 0, .server_is_old = i == 1};
        pair_link(&p, &s);
        cr_assert_eq(p.client.result, TLS_FAILED);
        cr_assert_eq(p.server.result, TLS_FAILED);
        cr_assert_eq(p.client.fault.code, FAULT_TLS_VERSION, "%s", p.client.fault.note);
        cr_assert_eq(p.server.fault.code, FAULT_TLS_VERSION, "%s", p.server.fault.note);
        pair_close(&p);
    }
}

/* TLS 1.3: the client is up, and only then the server judges (RFC 8446, 4.4.2.4). */
Test(tls_fault, knows_a_refusal_that_comes_after_the_handshake)
{
    struct pair p;
    struct pair_setup s = {.client = "bms-other"};

    pair_link(&p, &s);
    cr_assert_eq(p.client.result, TLS_DONE, "the handshake must end well for the client");
    cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_FAILED);
    cr_assert_eq(p.client.fault.code, FAULT_OWN_REFUSED, "%s", p.client.fault.note);
    cr_assert_eq(p.client.fault.side, FAULT_SIDE_CERTIFICATE);
    pair_close(&p);
}

/* The same when the client has already written: its bytes were never read. */
Test(tls_fault, knows_a_refusal_after_a_write)
{
    struct pair p;
    struct pair_setup s = {.client = "bms-other"};

    pair_open(&p, &s);
    pair_handshake(&p);
    cr_assert_eq(p.client.result, TLS_DONE);
    cr_assert_eq(pair_write(&p, &p.client, &p.server, span_of_text("PING")), 0);
    cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_FAILED);
    cr_assert_eq(p.client.fault.code, FAULT_OWN_REFUSED, "%s", p.client.fault.note);
    pair_close(&p);
}

/* Once data has come from the peer, it has accepted us: an alert is then the end of a good link. */
Test(tls_fault, does_not_call_a_late_alert_a_refusal)
{
    struct pair p;
    struct pair_setup s = {0};

    pair_link(&p, &s);
    cr_assert_eq(p.client.result, TLS_DONE);
    cr_assert_eq(pair_write(&p, &p.server, &p.client, span_of_text("PONG")), 0);
    cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_MORE);
    /* the server finds a broken record and says so */
    cr_assert_eq(pair_write(&p, &p.client, &p.server, span_of_text("PING")), 0);
    p.server.inbox[p.server.start + 6] ^= 1;
    cr_assert_eq(pair_read(&p, &p.server, &p.client), TLS_FAILED);
    cr_assert_eq(pair_read(&p, &p.client, &p.server), TLS_FAILED);
    cr_assert_eq(p.client.fault.code, FAULT_TLS, "%s", p.client.fault.note);
    pair_close(&p);
}

Test(tls_fault, names_subject_and_serial)
{
    struct pair p;
    struct pair_setup s = {.server = "hl7-expired"};

    pair_link(&p, &s);
    cr_assert_eq(p.client.fault.code, FAULT_EXPIRED);
    cr_assert_not_null(strstr(p.client.fault.note, "CN=Interface engine hl7,O=Hospital, serial "),
                       "%s", p.client.fault.note);
    pair_close(&p);
}

/* A TLS 1.2 hello with one suite, at SUITE_AT. */
enum { SUITE_AT = 46, ALERT_LEN = 7 };

static const uint8_t HELLO[] = {
    22, 3,  1,  0,  45,                                                     /* record */
    1,  0,  0,  41,                                                         /* ClientHello */
    3,  3,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, /* version, random */
    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,         /* random */
    0,                                                                      /* no session id */
    0,  2,  0,  0,                                                          /* the suite */
    1,  0,                                                                  /* no compression */
};

Test(tls_fault, says_when_there_is_no_suite_in_common)
{
    /* NULL, RC4, static RSA with CBC and with GCM, ECDHE with CBC, NULL and RC4 */
    static const uint16_t BAD[] = {0x0002, 0x003B, 0x0005, 0x002F, 0x009C,
                                   0xC009, 0xC013, 0xC006, 0xC010, 0xC007};

    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct pair p;
        struct pair_setup s = {.allows_tls12 = true, .server = i % 2 == 0 ? "hl7" : "hl7-rsa"};
        uint8_t hello[sizeof(HELLO)];
        static uint8_t memory[TLS_HANDSHAKE_ROOM];
        struct room out = room_of(memory, sizeof(memory));
        struct span in = span_of(hello, sizeof(hello));
        struct fault f = {0};
        memcpy(hello, HELLO, sizeof(hello));
        hello[SUITE_AT] = (uint8_t)(BAD[i] >> 8);
        hello[SUITE_AT + 1] = (uint8_t)(BAD[i] & 0xFF);
        pair_open(&p, &s);
        cr_assert_eq(tls_engine_handshake(p.server.engine, &in, &out, &f), TLS_FAILED);
        cr_assert_eq(f.code, FAULT_TLS, "%s", f.note);
        cr_assert_not_null(strstr(f.note, "cipher suite"), "%04X: %s", BAD[i], f.note);
        cr_assert_eq(out.len, ALERT_LEN, "an alert goes out");
        pair_close(&p);
    }
}

Test(tls_fault, refuses_tls11)
{
    for (int i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = {.allows_tls12 = i == 1};
        uint8_t hello[sizeof(HELLO)];
        static uint8_t memory[TLS_HANDSHAKE_ROOM];
        struct room out = room_of(memory, sizeof(memory));
        struct span in = span_of(hello, sizeof(hello));
        struct fault f = {0};
        memcpy(hello, HELLO, sizeof(hello));
        hello[10] = 2; /* client_version 3.2 */
        hello[SUITE_AT] = 0xC0;
        hello[SUITE_AT + 1] = 0x09;
        pair_open(&p, &s);
        cr_assert_eq(tls_engine_handshake(p.server.engine, &in, &out, &f), TLS_FAILED);
        cr_assert_eq(f.code, FAULT_TLS_VERSION, "%s", f.note);
        cr_assert_eq(out.len, ALERT_LEN, "an alert goes out");
        cr_assert_eq(memory[6], 70, "protocol_version, not %d", memory[6]);
        pair_close(&p);
    }
}
