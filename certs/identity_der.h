/*
 * The inside of an identity, for the TLS engine alone: what wolfSSL is given.
 *
 * Floor 1, private to certs/. The spans live as long as the identity is held.
 */
#ifndef WARDGATE_IDENTITY_DER_H
#define WARDGATE_IDENTITY_DER_H

#include "certs/identity.h"
#include "protocols/bytes.h"

/* The private key: PKCS#8, SEC1 or PKCS#1 as it was in the file. */
struct span identity_key_der(const struct identity *id);

#endif
