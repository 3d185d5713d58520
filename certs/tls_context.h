/*
 * One WOLFSSL_CTX per trust and role: every rule that does not depend on the single connection.
 *
 * Floor 1, private to certs/. A context belongs to the trust that made it; engines borrow it while
 * they hold the trust.
 */
#ifndef WARDGATE_TLS_CONTEXT_H
#define WARDGATE_TLS_CONTEXT_H

#include "certs/identity.h"
#include "certs/tls.h"
#include "certs/trust.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

struct WOLFSSL_CTX; /* wolfSSL's own tag */

/* A context without any CA. allows: SIGNATURE_ALLOWS_ bits for the peer's certificates and those
 * that it will trust; SHA-1 the library takes anyway, our own checks do not. NULL with FAULT_MEMORY
 * or FAULT_INTERNAL. tls_init must have run. */
struct WOLFSSL_CTX *tls_context_new(enum tls_role role, enum tls_version min, unsigned allows,
                                    struct fault *f);

/* NULL is fine. */
void tls_context_free(struct WOLFSSL_CTX *ctx);

/* Trust this CA certificate. True on success. */
bool tls_context_add_ca(struct WOLFSSL_CTX *ctx, struct span der);

/* Did a CA of this context issue the certificate (signature, path length, time)? */
bool tls_context_is_issued(struct WOLFSSL_CTX *ctx, struct span der);

/* Forget the CAs that a peer sent in its handshake: wolfSSL keeps them in the shared manager, where
 * they would vouch for later peers that do not send them. cas: what the context must still trust
 * afterwards. True on success; on false the context trusts too little and must not be used. */
bool tls_context_forget_peer_cas(struct WOLFSSL_CTX *ctx, const struct span *cas, size_t count);

/* Does wolfSSL take this identity's certificate and key? 0, FAULT_KEY, FAULT_BAD_CERT,
 * FAULT_MEMORY; the note begins with `path`, the key's. */
int tls_context_try_identity(const struct identity *id, const char *path, struct fault *f);

#endif
