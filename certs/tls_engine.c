#include "certs/tls_engine.h"

#include <assert.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "certs/identity_der.h"
#include "certs/mem.h"
#include "certs/trust_context.h"

/* Wipe and give back what only the handshake needed. */
static void end_handshake(struct tls_engine *e)
{
    if (e->handshake != NULL) {
        mem_free(e->handshake->allow);
        mem_free(e->handshake->staple);
        mem_free(e->handshake);
        e->handshake = NULL;
    }
}

static int no_memory(struct fault *f)
{
    return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "out of memory for a TLS link", NULL);
}

static int copy_rules(struct tls_engine *e, const struct tls_settings *settings)
{
    e->handshake = mem_new(1, sizeof(*e->handshake));
    if (e->handshake == NULL) {
        return FAULT_MEMORY;
    }
    e->handshake->allow = mem_new(settings->allow_count, sizeof(*settings->allow));
    if (e->handshake->allow == NULL) {
        return FAULT_MEMORY;
    }
    memcpy(e->handshake->allow, settings->allow, settings->allow_count * sizeof(*settings->allow));
    e->handshake->allow_count = settings->allow_count;
    return 0;
}

/* Our certificate, chain and key, and the name that we ask for. The library copies them for the
 * time of the handshake. */
static bool load_identity(WOLFSSL *ssl, const struct tls_settings *settings)
{
    struct span chain = identity_chain_der(settings->identity);
    struct span key = identity_key_der(settings->identity);
    const char *name = settings->server_name;

    if (wolfSSL_use_certificate_chain_buffer_format(ssl, chain.data, (long)chain.len,
                                                    WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS ||
        wolfSSL_use_PrivateKey_buffer(ssl, key.data, (long)key.len, WOLFSSL_FILETYPE_ASN1) !=
            WOLFSSL_SUCCESS) {
        return false;
    }
    return settings->role != TLS_CLIENT || name == NULL ||
           wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, name, (word16)strlen(name)) ==
               WOLFSSL_SUCCESS;
}

/* The length of records is a client's to ask for. */
static bool ask_short_records(WOLFSSL *ssl, const struct tls_settings *settings)
{
    return settings->role != TLS_CLIENT || !settings->wants_short ||
           wolfSSL_UseMaxFragment(ssl, WOLFSSL_MFL_2_9) == WOLFSSL_SUCCESS;
}

static int make_ssl(struct tls_engine *e, const struct tls_settings *settings, struct fault *f)
{
    struct WOLFSSL_CTX *ctx = trust_context(e->trust, e->role, f);

    if (ctx == NULL) {
        return FAULT_MEMORY;
    }
    e->ssl = wolfSSL_new(ctx);
    /* The pair was tried when the identity was loaded: what fails now is memory. */
    if (e->ssl == NULL || !load_identity(e->ssl, settings) ||
        !ask_short_records(e->ssl, settings)) {
        return no_memory(f);
    }
    if (e->role == TLS_CLIENT) {
        wolfSSL_KeepArrays(e->ssl); /* come_up says what for */
    }
    wolfSSL_SetIOReadCtx(e->ssl, e);
    wolfSSL_SetIOWriteCtx(e->ssl, e);
    wolfSSL_SetCertCbCtx(e->ssl, e);
    return tls_staple_connect(e) ? 0 : no_memory(f);
}

struct tls_engine *tls_engine_new(const struct tls_settings *settings, struct fault *f)
{
    struct tls_engine *e = mem_new(1, sizeof(*e));

    /* Without a rule nobody could come in; the configuration does not allow that. */
    assert(settings->allow_count > 0 && settings->allow != NULL);
    if (e == NULL) {
        (void)no_memory(f);
        return NULL;
    }
    e->role = settings->role;
    e->identity = identity_hold(settings->identity);
    e->trust = trust_hold(settings->trust);
    if (copy_rules(e, settings) != 0 || !tls_staple_load(e, settings->staple)) {
        (void)no_memory(f);
        tls_engine_free(e);
        return NULL;
    }
    if (make_ssl(e, settings, f) != 0) {
        tls_engine_free(e);
        return NULL;
    }
    return e;
}

void tls_engine_free(struct tls_engine *e)
{
    if (e == NULL) {
        return;
    }
    wolfSSL_free(e->ssl);
    end_handshake(e);
    tls_engine_forget_chain(e);
    identity_release(e->identity);
    trust_release(e->trust);
    mem_free(e);
}

int tls_engine_receive(struct WOLFSSL *ssl, char *to, int len, void *engine)
{
    struct tls_engine *e = engine;
    struct span part;
    size_t want = (size_t)len;

    (void)ssl;
    assert(len >= 0);
    if (e->in == NULL || e->in->len == 0 || want == 0) {
        return WOLFSSL_CBIO_ERR_WANT_READ;
    }
    if (want > e->in->len) {
        want = e->in->len;
    }
    if (!span_take(e->in, want, &part)) {
        return WOLFSSL_CBIO_ERR_GENERAL;
    }
    memcpy(to, part.data, part.len);
    if (e->handshake != NULL) {
        e->handshake->has_heard = true;
    }
    return (int)part.len;
}

int tls_engine_send(struct WOLFSSL *ssl, char *from, int len, void *engine)
{
    struct tls_engine *e = engine;

    (void)ssl;
    assert(len >= 0);
    /* The library keeps what does not fit, without a bound: a peer could make it grow for ever. */
    if (e->out == NULL || !room_put(e->out, span_of(from, (size_t)len))) {
        e->is_overfull = true;
        return WOLFSSL_CBIO_ERR_WANT_WRITE;
    }
    if (e->handshake != NULL && e->handshake->has_heard) {
        e->handshake->answer_len += (size_t)len;
    }
    return len;
}

static enum tls_result fail(struct tls_engine *e, int error, struct fault *f)
{
    e->is_broken = true;
    (void)tls_fault_fill(e, error, f);
    return TLS_FAILED;
}

/* A call after TLS_FAILED: the link is over, whatever comes. */
static enum tls_result refuse_broken(struct fault *f)
{
    (void)fault_set(f, FAULT_INTERNAL, FAULT_SIDE_SELF, "the TLS link has failed before", NULL);
    return TLS_FAILED;
}

/* Did the server ask for our certificate? The library does not tell; but who was asked has sent at
 * least that many bytes after the server's first word, and Finished alone is far shorter. */
static bool was_asked(const struct tls_engine *e)
{
    return e->role == TLS_SERVER || e->handshake->answer_len >= identity_chain_der(e->identity).len;
}

/* The handshake is done: what is known of the peer stays, everything else goes. */
static enum tls_result come_up(struct tls_engine *e, struct fault *f)
{
    int suite = wolfSSL_get_current_cipher_suite(e->ssl);

    /* The verify callback has seen and accepted the leaf, or the link does not come up: no path
     * through the library (a resumption, a setting that was missed) may go around it. */
    if (e->peer.chain_count == 0 || wolfSSL_session_reused(e->ssl) != 0) {
        e->is_broken = true;
        (void)fault_set(f, FAULT_NO_CERT, FAULT_SIDE_CERTIFICATE, "the peer was not verified",
                        NULL);
        return TLS_FAILED;
    }
    /* A server that does not ask lets anybody in, and takes our device's data for anybody's. */
    if (!was_asked(e)) {
        e->is_broken = true;
        (void)fault_set(f, FAULT_TLS, FAULT_SIDE_SERVER,
                        "the server asked for no certificate that is ours; right: mutual TLS",
                        NULL);
        return TLS_FAILED;
    }
    e->peer.version = strcmp(wolfSSL_get_version(e->ssl), "TLSv1.3") == 0 ? TLS_VERSION_1_3
                                                                          : TLS_VERSION_1_2;
    /* Behind the handshake of TLS 1.3 a server sends tickets. When its records are short, one comes
     * in pieces, and the library puts them together only in memory that it gives back by now. */
    if (e->role == TLS_CLIENT && e->peer.version == TLS_VERSION_1_2) {
        wolfSSL_FreeArrays(e->ssl);
    }
    e->peer.suite = wolfSSL_get_cipher_name_iana_from_suite((unsigned char)(suite >> 8),
                                                            (unsigned char)(suite & 0xFF));
    /* A client would keep its copy of certificate and private key as long as the link lives. */
    (void)wolfSSL_UnloadCertsKeys(e->ssl); /* fails only without a WOLFSSL */
    end_handshake(e);
    return TLS_DONE;
}

enum tls_result tls_engine_handshake(struct tls_engine *e, struct span *in, struct room *out,
                                     struct fault *f)
{
    int ret;
    int error;

    assert(e->is_broken || e->handshake != NULL);
    if (e->is_broken) {
        return refuse_broken(f);
    }
    e->in = in;
    e->out = out;
    ret = e->role == TLS_CLIENT ? wolfSSL_connect(e->ssl) : wolfSSL_accept(e->ssl);
    e->in = NULL;
    e->out = NULL;
    error = ret == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(e->ssl, ret);
    /* Before anything else happens in this process: nobody but this peer may profit. */
    if (e->handshake->has_peer_ca) {
        trust_forget_peer_cas(e->trust, e->role);
        e->handshake->has_peer_ca = false;
    }
    if (ret == WOLFSSL_SUCCESS) {
        return come_up(e, f);
    }
    if (error == WOLFSSL_ERROR_WANT_READ) {
        return TLS_MORE;
    }
    return fail(e, error, f);
}

enum tls_result tls_engine_read(struct tls_engine *e, struct span *in, struct room *plain,
                                struct room *out, struct fault *f)
{
    size_t left = room_left(plain);
    int ret;
    int error;

    assert(e->is_broken || e->handshake == NULL);
    assert(left > 0);
    if (e->is_broken) {
        return refuse_broken(f);
    }
    if (e->is_closed) {
        return TLS_CLOSED;
    }
    e->in = in;
    e->out = out;
    ret = wolfSSL_read(e->ssl, &plain->data[plain->len],
                       left > TLS_PLAIN_MAX ? (int)TLS_PLAIN_MAX : (int)left);
    e->in = NULL;
    e->out = NULL;
    if (e->is_overfull) {
        return fail(e, WOLFSSL_ERROR_WANT_WRITE, f);
    }
    if (ret > 0) {
        plain->len += (size_t)ret;
        e->has_read = true;
        return TLS_DONE;
    }
    error = wolfSSL_get_error(e->ssl, ret);
    if (error == WOLFSSL_ERROR_WANT_READ) {
        return TLS_MORE;
    }
    if (error == WOLFSSL_ERROR_ZERO_RETURN) {
        e->is_closed = true;
        return TLS_CLOSED;
    }
    return fail(e, error, f);
}

int tls_engine_write(struct tls_engine *e, struct span plain, struct room *out, struct fault *f)
{
    int ret;

    assert(plain.len > 0 && plain.len <= TLS_PLAIN_MAX);
    assert(e->is_broken || (e->handshake == NULL && !e->is_shut));
    if (e->is_broken) {
        (void)refuse_broken(f);
        return FAULT_INTERNAL;
    }
    /* Half a record in `out` could never be taken back, so the room is looked at first. */
    if (room_left(out) < plain.len + (TLS_CIPHER_MAX - TLS_PLAIN_MAX)) {
        return fault_set(f, FAULT_INTERNAL, FAULT_SIDE_SELF, "no room for a TLS record", NULL);
    }
    e->out = out;
    ret = wolfSSL_write(e->ssl, plain.data, (int)plain.len);
    e->out = NULL;
    if (ret != (int)plain.len) {
        e->is_broken = true;
        return tls_fault_fill(e, wolfSSL_get_error(e->ssl, ret), f);
    }
    return 0;
}

int tls_engine_shutdown(struct tls_engine *e, struct room *out, struct fault *f)
{
    int ret;

    if (e->is_shut) {
        return 0;
    }
    e->is_shut = true;
    if (e->is_broken || e->handshake != NULL) {
        return 0; /* a fatal alert has gone, or there is nothing yet to close in good order */
    }
    e->out = out;
    ret = wolfSSL_shutdown(e->ssl);
    e->out = NULL;
    if (ret != WOLFSSL_SUCCESS && ret != WOLFSSL_SHUTDOWN_NOT_DONE) {
        e->is_broken = true;
        return tls_fault_fill(e, wolfSSL_get_error(e->ssl, ret), f);
    }
    return 0;
}

const struct tls_peer *tls_engine_peer(const struct tls_engine *e)
{
    return e->handshake == NULL ? &e->peer : NULL;
}

void tls_engine_drop_chain(struct tls_engine *e)
{
    mem_free(e->chain);
    e->chain = NULL;
    memset(e->peer.chain, 0, sizeof(e->peer.chain));
    e->peer.chain_count = 0;
}

void tls_engine_forget_chain(struct tls_engine *e)
{
    tls_engine_drop_chain(e);
    mem_free(e->staple);
    e->staple = NULL;
    e->peer.staple = span_of(NULL, 0);
}
