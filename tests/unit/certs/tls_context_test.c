#include <criterion/criterion.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "certs/tls_context.h"
#include "pair.h"

static struct span der_of(const struct pem_block *block)
{
    return span_of(block->der, block->len);
}

Test(tls_context, knows_what_its_cas_have_issued)
{
    WOLFSSL_CTX *ctx = tls_context_new(TLS_SERVER, TLS_VERSION_1_3, 0, NULL);
    struct pem_block root = pair_certificate("root");
    struct pem_block inter = pair_certificate("int");
    struct pem_block other = pair_certificate("int-other");

    cr_assert_not_null(ctx);
    cr_assert_not(tls_context_is_issued(ctx, der_of(&inter)));
    cr_assert(tls_context_add_ca(ctx, der_of(&root)));
    cr_assert(tls_context_is_issued(ctx, der_of(&inter)));
    /* the same names, another key */
    cr_assert_not(tls_context_is_issued(ctx, der_of(&other)));
    pem_block_free(&root);
    pem_block_free(&inter);
    pem_block_free(&other);
    tls_context_free(ctx);
}

Test(tls_context, keeps_its_own_cas_when_it_forgets_a_peers)
{
    WOLFSSL_CTX *ctx = tls_context_new(TLS_CLIENT, TLS_VERSION_1_2, 0, NULL);
    struct pem_block root = pair_certificate("root");
    struct pem_block inter = pair_certificate("int");
    struct pem_block leaf = pair_certificate("pump-12");
    struct span cas[] = {der_of(&root), der_of(&inter)};

    cr_assert(tls_context_add_ca(ctx, cas[0]));
    cr_assert(tls_context_add_ca(ctx, cas[1]));
    cr_assert(tls_context_forget_peer_cas(ctx, cas, 2));
    cr_assert(tls_context_is_issued(ctx, cas[1]));
    cr_assert(tls_context_is_issued(ctx, der_of(&leaf)));
    pem_block_free(&root);
    pem_block_free(&inter);
    pem_block_free(&leaf);
    tls_context_free(ctx);
}

/* The cipher suites of a ClientHello. */
static struct span hello_suites(struct span hello)
{
    struct span id;
    struct span suites;
    uint8_t len;
    uint16_t suites_len;

    /* record header, message header, version, random */
    hello = span_after(hello, 5 + 4 + 2 + 32);
    cr_assert(span_take_u8(&hello, &len) && span_take(&hello, len, &id));
    cr_assert(span_take_u16(&hello, &suites_len) && span_take(&hello, suites_len, &suites));
    return suites;
}

/* A suite without forward secrecy or without authenticated encryption must not even be offered. */
Test(tls_context, offers_only_aead_suites_with_forward_secrecy)
{
    static const uint16_t GOOD[] = {
        0x1301, 0x1302, 0x1303, 0xC02B, 0xC02C,
        0xCCA9, 0xC02F, 0xC030, 0xCCA8, 0x00FF /* RFC 5746: no renegotiation */};

    for (int i = 0; i < 2; i++) {
        struct pair p;
        struct pair_setup s = {.allows_tls12 = i == 1};
        static uint8_t memory[TLS_HANDSHAKE_ROOM];
        struct room out = room_of(memory, sizeof(memory));
        struct span in = {NULL, 0};
        struct span suites;
        uint16_t suite;
        int count = 0;
        pair_open(&p, &s);
        cr_assert_eq(tls_engine_handshake(p.client.engine, &in, &out, NULL), TLS_MORE);
        suites = hello_suites(room_span(&out));
        while (span_take_u16(&suites, &suite)) {
            bool is_good = false;
            for (size_t k = 0; k < sizeof(GOOD) / sizeof(GOOD[0]); k++) {
                is_good = is_good || GOOD[k] == suite;
            }
            cr_assert(is_good, "suite %04X", suite);
            count++;
        }
        cr_assert_geq(count, 3);
        pair_close(&p);
    }
}
