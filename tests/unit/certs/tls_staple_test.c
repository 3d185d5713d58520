#include <malloc.h>
#include <string.h>

#include <criterion/criterion.h>
#include <wolfssl/options.h>

#include "certs/mem.h"
#include "certs/tls_engine.h"
#include "certs/tls_facts.h"
#include "pair.h"

/* Nothing on the way reads a staple, so any bytes will do. */
static struct span staple(char mark, size_t len)
{
    static uint8_t memory[2][TLS_STAPLE_MAX + 1];
    static unsigned next;
    uint8_t *bytes = memory[next++ % 2];

    cr_assert_leq(len, sizeof(memory[0]));
    memset(bytes, mark, len);
    return span_of(bytes, len);
}

static bool is_same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* What the client of a link got; the link is over afterwards. */
static void check_got(const struct pair_setup *s, struct span wanted)
{
    struct pair p;

    pair_link_up(&p, s);
    cr_assert(is_same(tls_engine_peer(p.client.engine)->staple, wanted), "%zu bytes instead of %zu",
              tls_engine_peer(p.client.engine)->staple.len, wanted.len);
    cr_assert_eq(tls_engine_peer(p.server.engine)->staple.len, 0);
    cr_assert_gt(tls_engine_peer(p.client.engine)->chain_count, 0);
    pair_write_both_ways(&p, 1000);
    pair_close(&p);
}

Test(tls_staple, link_without_staple_comes_up)
{
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct pair_setup s = pair_flavour(i);
        check_got(&s, span_of(NULL, 0));
    }
}

#ifndef WARDGATE_STAPLE
Test(tls_staple, library_that_cannot_says_so_and_sends_none)
{
    struct pair_setup s = pair_flavour(0);

    cr_assert_not(tls_facts_staples());
    s.server_staple = staple('A', 1800);
    check_got(&s, span_of(NULL, 0));
}
#else

Test(tls_staple, of_the_server_reaches_the_client_as_it_is)
{
    static const size_t LENGTHS[] = {1, 1800, TLS_STAPLE_MAX};

    cr_assert(tls_facts_staples());
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        for (size_t k = 0; k < sizeof(LENGTHS) / sizeof(LENGTHS[0]); k++) {
            struct pair_setup s = pair_flavour(i);
            s.server_staple = staple('A', LENGTHS[k]);
            check_got(&s, s.server_staple);
        }
    }
}

Test(tls_staple, reaches_the_client_in_small_pieces)
{
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct pair_setup s = pair_flavour(i);
        s.cut = 7;
        s.server_staple = staple('A', 1800);
        check_got(&s, s.server_staple);
    }
}

Test(tls_staple, that_is_too_long_is_not_sent)
{
    struct pair_setup s = pair_flavour(0);
    struct pair p;

    s.server_staple = staple('A', TLS_STAPLE_MAX + 1);
    pair_link_up(&p, &s);
    cr_assert_lt(p.client.end, TLS_STAPLE_MAX);
    pair_close(&p);
}

/* The peer's, which is not bound to our limits. */
Test(tls_staple, that_is_too_long_is_not_kept)
{
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct pair_setup s = pair_flavour(i);
        struct pair p;
        struct tls_handshake *h;
        pair_open(&p, &s);
        h = p.server.engine->handshake;
        h->staple_len = TLS_STAPLE_MAX + 1;
        h->staple = mem_new(h->staple_len, 1);
        cr_assert_not_null(h->staple);
        pair_handshake(&p);
        cr_assert_eq(p.client.result, TLS_DONE, "%s", p.client.fault.note);
        cr_assert_eq(tls_engine_peer(p.client.engine)->staple.len, 0);
        pair_close(&p);
    }
}

Test(tls_staple, goes_only_to_a_client_that_asks)
{
    for (size_t i = 0; i < 2; i++) {
        struct pair_setup s = pair_flavour(i);
        size_t sent[2];
        s.client_is_incurious = true;
        for (size_t k = 0; k < 2; k++) {
            struct pair p;
            s.server_staple = k == 0 ? span_of(NULL, 0) : staple('A', 1800);
            pair_link_up(&p, &s);
            sent[k] = p.client.end;
            cr_assert_eq(tls_engine_peer(p.client.engine)->staple.len, 0);
            pair_close(&p);
        }
        cr_assert_lt(sent[1], sent[0] + 100); /* signatures differ by some bytes */
    }
}

/* Identities share the context of a trust, and with it all that the library might remember. */
Test(tls_staple, of_one_identity_never_serves_another)
{
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_2);
        struct pair_setup s = pair_flavour(i);
        struct pair p;
        struct pair q;
        s.server_trust = t;
        s.server_staple = staple('A', 1800);
        pair_open(&p, &s);
        s.server = "hl7b";
        s.client_allow = "dns:hl7b.hospital.example";
        s.server_staple = staple('B', 1700);
        pair_open(&q, &s);
        pair_handshake(&p);
        pair_handshake(&q);
        cr_assert_eq(tls_engine_peer(p.client.engine)->staple.len, 1800);
        cr_assert_eq(tls_engine_peer(p.client.engine)->staple.data[0], 'A');
        cr_assert_eq(tls_engine_peer(q.client.engine)->staple.len, 1700);
        cr_assert_eq(tls_engine_peer(q.client.engine)->staple.data[0], 'B');
        pair_close(&p);
        pair_close(&q);
        s.server_staple = span_of(NULL, 0);
        check_got(&s, s.server_staple);
        trust_release(t);
    }
}

Test(tls_staple, is_the_new_one_once_it_was_replaced_and_none_once_it_is_gone)
{
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_2);
        struct pair_setup s = pair_flavour(i);
        s.server_trust = t;
        s.server_staple = staple('A', 1800);
        check_got(&s, s.server_staple);
        s.server_staple = staple('B', 1800);
        check_got(&s, s.server_staple);
        s.server_staple = span_of(NULL, 0);
        check_got(&s, s.server_staple);
        trust_release(t);
    }
}

Test(tls_staple, stays_until_the_chain_is_forgotten)
{
    struct pair p;
    struct pair_setup s = pair_flavour(0);

    s.server_staple = staple('A', 1800);
    pair_link_up(&p, &s);
    cr_assert_eq(tls_engine_peer(p.client.engine)->staple.len, 1800);
    tls_engine_forget_chain(p.client.engine);
    cr_assert_eq(tls_engine_peer(p.client.engine)->staple.len, 0);
    cr_assert_null(p.client.engine->staple);
    pair_close(&p);
}

/* A client that believes that its server has asked for the status of the client's certificate. */
static void open_mistaken(struct pair *p)
{
    /* wolfSSL's own, not in its public headers: it reads the extensions of a message. Here those of
     * a CertificateRequest (13) with a status_request (5) that no server has sent. */
    int TLSX_Parse(struct WOLFSSL * ssl, const uint8_t *input, uint16_t length, /* NOLINT */
                   uint8_t type, void *suites);
    static const uint8_t asked[] = {0, 5, 0, 5, 1, 0, 0, 0, 0};
    static uint64_t suites[256]; /* wanted, but not looked at for this extension */
    struct pair_setup s = pair_flavour(0);

    s.server_staple = staple('A', 1800);
    s.client_staple = staple('B', 1700);
    pair_open(p, &s);
    cr_assert_eq(TLSX_Parse(p->client.engine->ssl, asked, sizeof(asked), 13, suites), 0);
}

/* RFC 8446 section 4.4.2: the extensions of a Certificate message must have been asked for. The
 * library would take it, and lose the memory of the server's own staple with it. */
Test(tls_staple, of_a_client_that_nobody_asked_is_refused)
{
    struct pair p;

    open_mistaken(&p);
    pair_handshake(&p);
    cr_assert_eq(p.server.result, TLS_FAILED);
    cr_assert_eq(tls_engine_peer(p.client.engine)->staple.data[0], 'A');
    pair_close(&p);
}

/* A client's is for servers that ask (GnuTLS, Go); ours do not. */
Test(tls_staple, of_a_client_stays_at_home)
{
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct pair_setup s = pair_flavour(i);
        s.client_staple = staple('A', 1800);
        check_got(&s, span_of(NULL, 0));
    }
}

/* Exchanges of the library that the patch does not know: a verdict of its own, a fetch. */
Test(tls_staple, library_can_look_up_nothing)
{
    struct pair p;
    struct pair_setup s = pair_flavour(0);
    unsigned char *got = NULL;
    unsigned char request[] = {1};

    s.server_staple = staple('A', 1800);
    pair_open(&p, &s);
    cr_assert_eq(tls_staple_exchange(p.server.engine, "http://ca", 9, request, 1, &got), -1);
    cr_assert_eq(tls_staple_exchange(NULL, NULL, 0, NULL, 0, &got), -1);
    pair_handshake(&p);
    cr_assert_eq(tls_staple_exchange(p.server.engine, NULL, 0, NULL, 0, &got), -1);
    cr_assert_null(got);
    pair_close(&p);
}

Test(tls_staple, first_of_several_is_kept)
{
    struct pair p;
    struct pair_setup s = pair_flavour(0);
    unsigned char first[] = "first";
    unsigned char second[] = "second";

    pair_open(&p, &s);
    cr_assert_eq(tls_staple_exchange(p.client.engine, NULL, 0, first, 5, NULL), 0);
    cr_assert_eq(tls_staple_exchange(p.client.engine, NULL, 0, second, 6, NULL), 0);
    cr_assert(is_same(p.client.engine->peer.staple, span_of_text("first")));
    pair_close(&p);
}

/* The Nth allocation fails, for every N: no staple, or no link, but never a false one. */
Test(tls_staple, survives_running_out_of_memory, .timeout = 120)
{
    cr_assert_eq(tls_init(NULL), 0);
    for (size_t i = 0; i < PAIR_FLAVOURS; i++) {
        struct pair_setup s = pair_flavour(i);
        bool is_whole = false;
        s.server_staple = staple('A', 1800);
        for (uint32_t nth = 1; !is_whole; nth++) {
            struct pair p;
            pair_open(&p, &s);
            (void)mem_fail_nth(nth);
            pair_handshake(&p);
            is_whole = mem_fail_nth(0) > 0;
            if (p.client.result == TLS_DONE) {
                struct span got = tls_engine_peer(p.client.engine)->staple;
                cr_assert(got.len == 0 || is_same(got, s.server_staple));
                cr_assert(!is_whole || got.len > 0);
            }
            pair_close(&p);
        }
    }
}

#    ifndef __SANITIZE_ADDRESS__
enum { MANY = 50 };

static size_t heap_of_links(struct span answer)
{
    static struct pair pairs[MANY];
    struct trust *t = pair_trust("root", NULL, TLS_VERSION_1_3);
    struct pair_setup s = {.client_trust = t, .server_trust = t, .server_staple = answer};
    size_t before;
    size_t used;

    pair_link_up(&pairs[0], &s); /* the first one also pays for the library's tables */
    pair_close(&pairs[0]);
    before = mallinfo2().uordblks;
    for (size_t i = 0; i < MANY; i++) {
        pair_link_up(&pairs[i], &s);
        tls_engine_forget_chain(pairs[i].client.engine);
        tls_engine_forget_chain(pairs[i].server.engine);
    }
    used = mallinfo2().uordblks - before;
    for (size_t i = 0; i < MANY; i++) {
        pair_close(&pairs[i]);
    }
    trust_release(t);
    return used / MANY;
}

Test(tls_staple, costs_nothing_once_the_link_is_up)
{
    size_t without = heap_of_links(span_of(NULL, 0));
    size_t with = heap_of_links(staple('A', 1800));

    cr_assert_leq(with, without + 64, "%zu bytes, without a staple %zu", with, without);
}
#    endif
#endif
