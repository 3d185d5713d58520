#include "certs/tls_context.h"

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/version.h>

#include "certs/identity_der.h"
#include "certs/signature.h"
#include "certs/tls_engine.h"
#include "certs/tls_suites.h"

/* No session is ever resumed: a resumed one skips the peer's certificate and with it every check
 * and verdict. Off before the first connection, in both roles and versions. */
static bool refuse_resumption(WOLFSSL_CTX *ctx, enum tls_role role)
{
#ifdef HAVE_SESSION_TICKET
    /* Debian's library; our own build has no tickets at all. */
    if (role == TLS_SERVER && (wolfSSL_CTX_no_ticket_TLSv13(ctx) != 0 ||
                               wolfSSL_CTX_NoTicketTLSv12(ctx) != WOLFSSL_SUCCESS)) {
        return false;
    }
#endif
#ifndef NO_SESSION_CACHE
    if (wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF) != WOLFSSL_SUCCESS) {
        return false;
    }
#endif
    (void)ctx;
    (void)role;
    return true;
}

static bool set_rules(WOLFSSL_CTX *ctx, enum tls_role role, enum tls_version min)
{
    int lowest = min == TLS_VERSION_1_3 ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2;

    if (wolfSSL_CTX_SetMinVersion(ctx, lowest) != WOLFSSL_SUCCESS ||
        wolfSSL_CTX_set_cipher_list(ctx, TLS_SUITES) != WOLFSSL_SUCCESS ||
        !refuse_resumption(ctx, role) || !tls_staple_prepare(ctx)) {
        return false;
    }
    /* Without FAIL_IF_NO_PEER_CERT a server takes clients that have no certificate. */
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           tls_verify_peer);
    wolfSSL_CTX_SetIORecv(ctx, tls_engine_receive);
    wolfSSL_CTX_SetIOSend(ctx, tls_engine_send);
    return true;
}

/* Said out loud, too, where it is the library's default: Debian's takes RSA of 1024 bits. */
static bool set_key_size(WOLFSSL_CTX *ctx, unsigned allows)
{
    bool is_low = (allows & (unsigned)SIGNATURE_ALLOWS_RSA_1024) != 0;

    return wolfSSL_CTX_SetMinRsaKey_Sz(ctx, is_low ? 1024 : 2048) == WOLFSSL_SUCCESS;
}

struct WOLFSSL_CTX *tls_context_new(enum tls_role role, enum tls_version min, unsigned allows,
                                    struct fault *f)
{
    /* Not the methods for 1.3 alone: such a client finds the answer of an old server malformed and
     * cannot tell its operator that the version is what is wrong. */
    WOLFSSL_METHOD *method = role == TLS_CLIENT ? wolfSSLv23_client_method()
                                                : wolfSSLv23_server_method();
    WOLFSSL_CTX *ctx = method == NULL ? NULL : wolfSSL_CTX_new(method);

    /* wolfSSL_CTX_new has freed the method when it failed. */
    if (ctx == NULL) {
        (void)fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "out of memory for a TLS context", NULL);
        return NULL;
    }
    if (!set_rules(ctx, role, min) || !set_key_size(ctx, allows)) {
        (void)fault_set(f, FAULT_INTERNAL, FAULT_SIDE_SELF, "the TLS library refuses our rules",
                        NULL);
        wolfSSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

void tls_context_free(struct WOLFSSL_CTX *ctx)
{
    wolfSSL_CTX_free(ctx);
}

bool tls_context_add_ca(struct WOLFSSL_CTX *ctx, struct span der)
{
    /* The dates are the trust's business: it checks them against the clock that it is given. */
    int ret = wolfSSL_CTX_load_verify_buffer_ex(ctx, der.data, (long)der.len, WOLFSSL_FILETYPE_ASN1,
                                                0, WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY);

#ifdef WOLFSSL_TRUST_PEER_CERT
    /* Debian's library also notes every CA as a peer to be accepted unseen, even when expired. */
    if (wolfSSL_CTX_Unload_trust_peers(ctx) != WOLFSSL_SUCCESS) {
        return false;
    }
#endif
    return ret == WOLFSSL_SUCCESS;
}

bool tls_context_is_issued(struct WOLFSSL_CTX *ctx, struct span der)
{
    return wolfSSL_CertManagerVerifyBuffer(wolfSSL_CTX_GetCertManager(ctx), der.data, (long)der.len,
                                           WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS;
}

bool tls_context_forget_peer_cas(struct WOLFSSL_CTX *ctx, const struct span *cas, size_t count)
{
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CTX_GetCertManager(ctx);

#if LIBWOLFSSL_VERSION_HEX >= 0x05006000
    (void)cas;
    (void)count;
    return wolfSSL_CertManagerUnloadIntermediateCerts(manager) == WOLFSSL_SUCCESS;
#else
    /* 5.5.4 cannot tell what a peer sent from what we loaded: everything goes and ours comes back.
     */
    if (wolfSSL_CertManagerUnloadCAs(manager) != WOLFSSL_SUCCESS) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!tls_context_add_ca(ctx, cas[i])) {
            return false;
        }
    }
    return true;
#endif
}

/* Give certificate and key to a context that exists for this test only. */
static int try_identity(WOLFSSL_CTX *ctx, const struct identity *id, const char *path,
                        struct fault *f)
{
    struct span chain = identity_chain_der(id);
    struct span key = identity_key_der(id);

    if (wolfSSL_CTX_use_certificate_chain_buffer_format(ctx, chain.data, (long)chain.len,
                                                        WOLFSSL_FILETYPE_ASN1) != WOLFSSL_SUCCESS) {
        return fault_set(f, FAULT_BAD_CERT, FAULT_SIDE_CERTIFICATE, path,
                         ": the certificate of this key cannot be used");
    }
    if (wolfSSL_CTX_use_PrivateKey_buffer(ctx, key.data, (long)key.len, WOLFSSL_FILETYPE_ASN1) !=
        WOLFSSL_SUCCESS) {
        return fault_set(f, FAULT_KEY, FAULT_SIDE_CERTIFICATE, path,
                         ": cannot be used; right: an RSA or EC key of the certificate's kind");
    }
    return 0;
}

int tls_context_try_identity(const struct identity *id, const char *path, struct fault *f)
{
    WOLFSSL_CTX *ctx = tls_context_new(TLS_SERVER, TLS_VERSION_1_3, 0, f);
    int code;

    if (ctx == NULL) {
        return FAULT_MEMORY;
    }
    code = try_identity(ctx, id, path, f);
    wolfSSL_CTX_free(ctx);
    return code;
}
