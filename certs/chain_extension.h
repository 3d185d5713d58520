/*
 * The extensions of a certificate, strictly read. For chain_cert.c and modbus_role.c.
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

/* Extension ::= SEQUENCE { extnID OID, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }:
 * the first one of the list's content. False: it is broken. */
bool chain_extension_take(struct span *list, struct span *oid, bool *is_critical,
                          struct span *value);

#endif
