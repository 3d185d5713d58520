/*
 * What bytes are that should have been a CRL, in words for who has to put it right: an HTML page of
 * a captive portal, a certificate, a download that was cut.
 *
 * Floor 1, pure, any thread, fuzzed through crl_intake. Only looks at forms and never at content.
 */
#ifndef WARDGATE_CRL_GUESS_H
#define WARDGATE_CRL_GUESS_H

#include <stdbool.h>

#include "protocols/bytes.h"

/* Does it have to be read as PEM? DER of any length that a CRL can have is not, whatever texts it
 * contains. */
bool crl_guess_is_pem(struct span bytes);

/* For what crl_new or pem_block_take refused, or for PEM without a CRL in it: "it is an HTML page,
 * not a CRL". Constant text; NULL: nothing better is known than what they said. */
const char *crl_guess_kind(struct span bytes);

#endif
