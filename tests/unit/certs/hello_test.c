#include <string.h>

#include <criterion/criterion.h>

#include "certs/hello.h"
#include "pair.h"

/* A ClientHello as one record, put together from its parts. */
struct maker {
    uint8_t bytes[2048];
    size_t len;
};

static void put(struct maker *m, const void *bytes, size_t len)
{
    memcpy(m->bytes + m->len, bytes, len);
    m->len += len;
}

static void put_u16(struct maker *m, size_t value)
{
    const uint8_t two[] = {(uint8_t)(value >> 8), (uint8_t)(value & 0xFF)};

    put(m, two, 2);
}

static void put_zeros(struct maker *m, size_t len)
{
    memset(m->bytes + m->len, 0, len);
    m->len += len;
}

/* extensions: the whole block with its length, or NULL for none. */
static struct maker make_hello(const uint8_t *extensions, size_t extensions_len)
{
    struct maker m = {.len = 0};
    size_t body = 2 + 32 + 1 + 4 + 2 + extensions_len;
    const uint8_t record[] = {22, 3, 1, (uint8_t)((body + 4) >> 8), (uint8_t)((body + 4) & 0xFF)};
    const uint8_t message[] = {1, 0, (uint8_t)(body >> 8), (uint8_t)(body & 0xFF), 3, 3};
    const uint8_t middle[] = {0, 0, 2, 0x13, 0x01, 1, 0};

    put(&m, record, sizeof(record));
    put(&m, message, sizeof(message));
    put_zeros(&m, 32);
    put(&m, middle, sizeof(middle));
    put(&m, extensions, extensions_len);
    return m;
}

/* With a server_name extension, and another one before it. */
static struct maker make_named(const void *name, size_t name_len)
{
    struct maker e = {.len = 0};

    put_u16(&e, 4 + 2 + 4 + 5 + name_len);
    put_u16(&e, 43); /* supported_versions, whatever is in it */
    put_u16(&e, 2);
    put_u16(&e, 0x0304);
    put_u16(&e, 0); /* server_name */
    put_u16(&e, name_len + 5);
    put_u16(&e, name_len + 3);
    put(&e, "", 1); /* host_name */
    put_u16(&e, name_len);
    put(&e, name, name_len);
    return make_hello(e.bytes, e.len);
}

static struct span span_of_maker(const struct maker *m)
{
    return span_of(m->bytes, m->len);
}

Test(hello, finds_the_name)
{
    struct maker m = make_named("Pump-12.Ward.Example", 20);
    char name[HELLO_NAME_MAX];

    cr_assert_eq(hello_server_name(span_of_maker(&m), name), HELLO_NAME);
    cr_assert_str_eq(name, "pump-12.ward.example");
}

Test(hello, wants_more_at_every_cut)
{
    struct maker m = make_named("pump-12.ward.example", 20);
    char name[HELLO_NAME_MAX] = "untouched";

    for (size_t len = 0; len < m.len; len++) {
        cr_assert_eq(hello_server_name(span_of(m.bytes, len), name), HELLO_MORE, "%zu", len);
        cr_assert_str_eq(name, "untouched");
    }
}

/* RFC 8446 5.1: a handshake message may be cut into records anywhere. */
Test(hello, reads_a_hello_in_several_records)
{
    struct maker m = make_named("pump-12.ward.example", 20);

    for (size_t cut = 1; cut < m.len - 5; cut++) {
        struct maker two = {.len = 0};
        char name[HELLO_NAME_MAX] = "";
        const uint8_t head[] = {22, 3, 1};
        put(&two, head, 3);
        put_u16(&two, cut);
        put(&two, m.bytes + 5, cut);
        put(&two, head, 3);
        put_u16(&two, m.len - 5 - cut);
        put(&two, m.bytes + 5 + cut, m.len - 5 - cut);
        cr_assert_eq(hello_server_name(span_of_maker(&two), name), HELLO_NAME, "%zu", cut);
        cr_assert_str_eq(name, "pump-12.ward.example");
    }
}

Test(hello, says_none_without_a_name)
{
    static const uint8_t OTHER[] = {0, 6, 0, 43, 0, 2, 3, 4};
    static const uint8_t EMPTY[] = {0, 0};
    static const uint8_t OTHER_TYPE[] = {0, 10, 0, 0, 0, 6, 0, 4, 1, 0, 1, 'x'};
    struct maker m[] = {make_hello(OTHER, sizeof(OTHER)), make_hello(EMPTY, sizeof(EMPTY)),
                        make_hello(OTHER_TYPE, sizeof(OTHER_TYPE)), make_hello(OTHER, 0)};
    char name[HELLO_NAME_MAX];

    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(hello_server_name(span_of_maker(&m[i]), name), HELLO_NONE, "%zu", i);
    }
}

Test(hello, refuses_names_that_are_no_host_names)
{
    static const struct {
        const char *name;
        size_t len;
    } CASES[] = {
        {"", 0}, {"a b", 3}, {"a\0b", 3}, {"a\nb", 3}, {"\xC3\xBC", 2}, {"a/b", 3}, {"*.a.b", 5},
    };

    char name[HELLO_NAME_MAX] = "untouched";
    char longest[300];

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct maker m = make_named(CASES[i].name, CASES[i].len);
        cr_assert_eq(hello_server_name(span_of_maker(&m), name), HELLO_BAD, "%zu", i);
    }
    memset(longest, 'a', sizeof(longest));
    struct maker fits = make_named(longest, HELLO_NAME_MAX - 1);
    struct maker over = make_named(longest, HELLO_NAME_MAX);
    cr_assert_eq(hello_server_name(span_of_maker(&over), name), HELLO_BAD);
    cr_assert_str_eq(name, "untouched");
    cr_assert_eq(hello_server_name(span_of_maker(&fits), name), HELLO_NAME);
}

/* Told at the first byte that is wrong, without waiting for more. */
Test(hello, refuses_other_protocols_at_once)
{
    static const char *const TEXTS[] = {"M", "GET / HTTP/1.1", "\x0bMSH|", "\x80\x2e\x01"};
    static const uint8_t NOT_TLS[] = {22, 9};
    static const uint8_t EMPTY_RECORD[] = {22, 3, 1, 0, 0};
    static const uint8_t LONG_RECORD[] = {22, 3, 1, 0x40, 1};
    static const uint8_t SERVER_HELLO[] = {22, 3, 3, 0, 50, 2};
    char name[HELLO_NAME_MAX];

    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(hello_server_name(span_of_text(TEXTS[i]), name), HELLO_BAD, "%zu", i);
    }
    cr_assert_eq(hello_server_name(span_of(NOT_TLS, 2), name), HELLO_BAD);
    cr_assert_eq(hello_server_name(span_of(EMPTY_RECORD, 5), name), HELLO_BAD);
    cr_assert_eq(hello_server_name(span_of(LONG_RECORD, 5), name), HELLO_BAD);
    cr_assert_eq(hello_server_name(span_of(SERVER_HELLO, 6), name), HELLO_BAD);
}

/* Each length field in turn says more than its parent holds. */
Test(hello, refuses_lengths_that_do_not_fit)
{
    struct maker good = make_named("pump-12.ward.example", 20);
    /* session id, suites, compression, extensions, extension, list, name: their low bytes */
    static const size_t AT[] = {43, 45, 48, 51, 61, 63, 66};
    char name[HELLO_NAME_MAX];

    for (size_t i = 0; i < sizeof(AT) / sizeof(AT[0]); i++) {
        struct maker m = good;
        m.bytes[AT[i]] = 0xFF;
        cr_assert_eq(hello_server_name(span_of_maker(&m), name), HELLO_BAD, "%zu", AT[i]);
    }
    struct maker m = good;
    m.bytes[8] = 10; /* the message itself */
    cr_assert_eq(hello_server_name(span_of_maker(&m), name), HELLO_BAD);
    m = good;
    m.bytes[6] = 1; /* 64 KiB */
    cr_assert_eq(hello_server_name(span_of_maker(&m), name), HELLO_BAD);
}

Test(hello, gives_up_when_too_much_came)
{
    static uint8_t bytes[HELLO_MAX];
    char name[HELLO_NAME_MAX];

    memcpy(bytes, (const uint8_t[]){22, 3, 1, 0x40, 0, 1, 0, 0x40, 0x01, 3, 3}, 11);
    bytes[5 + 4 + 34 + 1] = 0x3F; /* suites that fill the record and go on in the next */
    bytes[5 + 4 + 34 + 2] = 0xD9;
    cr_assert_eq(hello_server_name(span_of(bytes, sizeof(bytes) - 1), name), HELLO_MORE);
    cr_assert_eq(hello_server_name(span_of(bytes, sizeof(bytes)), name), HELLO_BAD);
}

Test(hello, reads_what_our_own_client_sends)
{
    for (int i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = {.server_name = "pump-12.ward.example", .allows_tls12 = i == 1};
        static uint8_t memory[TLS_HANDSHAKE_ROOM];
        struct room out = room_of(memory, sizeof(memory));
        struct span in = {NULL, 0};
        char name[HELLO_NAME_MAX] = "";
        pair_open(&p, &s);
        cr_assert_eq(tls_engine_handshake(p.client.engine, &in, &out, NULL), TLS_MORE);
        cr_assert_eq(hello_server_name(room_span(&out), name), HELLO_NAME);
        cr_assert_str_eq(name, "pump-12.ward.example");
        pair_close(&p);
    }
}

Test(hello, has_the_alert_for_unknown_names)
{
    static const uint8_t WANT[] = {21, 3, 3, 0, 2, 2, 112};

    cr_assert_eq(memcmp(HELLO_ALERT_UNRECOGNIZED_NAME, WANT, sizeof(WANT)), 0);
}
