/*
 * Is this the private key of that certificate? Computed, not asked: wolfSSL 5.5.4 said "yes"
 * to two different P-256 keys.
 *
 * Floor 1, private to certs/.
 */
#ifndef WARDGATE_KEY_PAIR_H
#define WARDGATE_KEY_PAIR_H

#include <stdbool.h>

#include "certs/cert.h"
#include "protocols/bytes.h"

/* key_der: PKCS#8, SEC1 or PKCS#1. The public half is made from the private one (what the file says
 * about it is not believed) and compared with the certificate's. False also when the key cannot
 * be read. */
bool key_pair_matches(struct span key_der, const struct cert_view *view);

#endif
