/* WARDGATE_STAPLE: the library is our own build with certs/wolfssl-staple.patch. */
#include <string.h>

/* options.h must come before every other header of wolfSSL: not sorted. */
/* clang-format off */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
/* clang-format on */

#include "certs/mem.h"
#include "certs/tls_engine.h"

bool tls_staple_load(struct tls_engine *e, struct span staple)
{
    struct tls_handshake *h = e->handshake;

    if (staple.len == 0 || staple.len > TLS_STAPLE_MAX) {
        return true;
    }
    h->staple = mem_new(staple.len, 1);
    if (h->staple == NULL) {
        return false;
    }
    memcpy(h->staple, staple.data, staple.len);
    h->staple_len = staple.len;
    return true;
}

/* The first one counts: a server that staples for several certificates begins with its own. Whose
 * it is, the judge sees. No memory: no evidence, which is nothing that a peer could profit from. */
static void keep(struct tls_engine *e, struct span staple)
{
    if (e->staple != NULL || staple.len == 0 || staple.len > TLS_STAPLE_MAX) {
        return;
    }
    e->staple = mem_new(staple.len, 1);
    if (e->staple == NULL) {
        return;
    }
    memcpy(e->staple, staple.data, staple.len);
    e->peer.staple = span_of(e->staple, staple.len);
}

/* NOLINTNEXTLINE(readability-function-size): wolfSSL's signature */
int tls_staple_exchange(void *engine, const char *url, int url_len, unsigned char *from, int len,
                        unsigned char **to)
{
    struct tls_engine *e = engine;

    (void)url_len;
    /* With a URL it would be the library that wants to know, for a verdict of its own. */
    if (e == NULL || e->handshake == NULL || url != NULL) {
        return -1;
    }
    if (to == NULL) {
        if (from != NULL && len > 0) {
            keep(e, span_of(from, (size_t)len));
        }
        return 0;
    }
    if (e->handshake->staple == NULL) {
        return -1;
    }
    *to = e->handshake->staple; /* the library copies it */
    return (int)e->handshake->staple_len;
}

bool tls_staple_connect(struct tls_engine *e)
{
#ifdef WARDGATE_STAPLE
    if (wolfSSL_SetOCSP_Cb(e->ssl, tls_staple_exchange, NULL, e) != WOLFSSL_SUCCESS) {
        return false;
    }
    return e->role == TLS_SERVER ||
           wolfSSL_UseOCSPStapling(e->ssl, WOLFSSL_CSR_OCSP, 0) == WOLFSSL_SUCCESS;
#else
    (void)e;
    return true;
#endif
}

bool tls_staple_prepare(struct WOLFSSL_CTX *ctx)
{
#ifdef WARDGATE_STAPLE
    /* Enabling installs a callback that fetches from the network, blocking: replaced at once. */
    return wolfSSL_CTX_EnableOCSPStapling(ctx) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_SetOCSP_Cb(ctx, tls_staple_exchange, NULL, NULL) == WOLFSSL_SUCCESS;
#else
    (void)ctx;
    return true;
#endif
}
