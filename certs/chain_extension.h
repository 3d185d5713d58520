/*
 * The extensions of a certificate, strictly read. Inside of chain_cert.c and for its tests.
 *
 * Floor 1, pure.
 */
#ifndef WARDGATE_CHAIN_EXTENSION_H
#define WARDGATE_CHAIN_EXTENSION_H

#include "certs/chain_cert.h"
#include "protocols/bytes.h"

/* Read the content of [3] Extensions into c, whose view is already there. NULL, or what is wrong.
 */
const char *chain_extension_read_all(struct span wrapped, struct chain_cert *c);

#endif
