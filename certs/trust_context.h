/*
 * The inside of a trust, for the TLS engine alone.
 *
 * Floor 1, private to certs/.
 */
#ifndef WARDGATE_TRUST_CONTEXT_H
#define WARDGATE_TRUST_CONTEXT_H

#include <stdbool.h>

#include "certs/tls.h"
#include "certs/trust.h"

struct WOLFSSL_CTX;

/* The context for a role, or NULL with *f. Valid while the trust is held. */
struct WOLFSSL_CTX *trust_context(struct trust *t, enum tls_role role, struct fault *f);

/* A handshake in this role has brought CAs of the peer: take them out again. */
void trust_forget_peer_cas(struct trust *t, enum tls_role role);

/* Is some CA of this trust with the subject `issuer` (a whole Name) within its time at now_s?
 * *is_known: is there any with that name? wolfSSL does not look at the time of what it trusts. */
bool trust_is_issuer_in_time(const struct trust *t, struct span issuer, int64_t now_s,
                             bool *is_known);

#endif
