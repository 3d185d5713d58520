/*
 * The server name (SNI) in a ClientHello, read before a TLS engine exists: it chooses the device,
 * and with it the certificate and the trust that the engine will have.
 *
 * Floor 1, pure and fuzzed. RFC 8446 section 4.1.2, RFC 6066 section 3.
 */
#ifndef WARDGATE_HELLO_H
#define WARDGATE_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"

enum hello_result {
    HELLO_MORE, /* not whole yet */
    HELLO_NAME, /* *name is filled: lower case, NUL-terminated */
    HELLO_NONE, /* a whole ClientHello without a host_name */
    HELLO_BAD,  /* not a ClientHello, or broken */
};

enum {
    HELLO_NAME_MAX = 256,  /* with the NUL */
    HELLO_MAX = 16384 + 5, /* a ClientHello that is still not whole after these bytes is BAD */
    HELLO_ALERT_LEN = 7,
};

/* Look at the first bytes of a connection (all of them from its start each time; the hello may
 * come in several records). name: HELLO_NAME_MAX bytes, written only with HELLO_NAME. An answer
 * comes as soon as the bytes decide it, and more bytes do not change it. */
enum hello_result hello_server_name(struct span in, char *name);

/* The record with the fatal alert unrecognized_name (112). */
/* NOLINTNEXTLINE(readability-identifier-naming): a constant, named like one */
extern const uint8_t HELLO_ALERT_UNRECOGNIZED_NAME[HELLO_ALERT_LEN];

#endif
