/*
 * The role of a Modbus/TCP Security client, as its certificate says it.
 *
 * Floor 1, pure, fuzzed. MODBUS/TCP Security v36: an extension with the OID below holds one
 * UTF8String, and the whole string is the one role. A certificate that says it in any
 * other way has no role: that is no reason to end the link, and none to allow anything.
 */
#ifndef WARDGATE_MODBUS_ROLE_H
#define WARDGATE_MODBUS_ROLE_H

#include <stdbool.h>

#include "protocols/bytes.h"

#define MODBUS_ROLE_OID "1.3.6.1.4.1.50316.802.1"

enum { MODBUS_ROLE_LEN_MAX = 255 }; /* bytes */

/* What was found. All but GOOD mean: no role. */
enum modbus_role_form {
    MODBUS_ROLE_GOOD,
    MODBUS_ROLE_NONE,    /* no such extension */
    MODBUS_ROLE_TWO,     /* two of them, or more */
    MODBUS_ROLE_TYPE,    /* another type, such as PrintableString */
    MODBUS_ROLE_EMPTY,   /* a string of no bytes */
    MODBUS_ROLE_BARE,    /* no DER element in the extension's OCTET STRING */
    MODBUS_ROLE_TAIL,    /* bytes behind the string */
    MODBUS_ROLE_CONTROL, /* a NUL or another control character */
    MODBUS_ROLE_UTF8,    /* not UTF-8 */
    MODBUS_ROLE_LONG,    /* more than MODBUS_ROLE_LEN_MAX bytes */
    MODBUS_ROLE_BROKEN,  /* the certificate's extensions cannot be read */
};

struct modbus_role {
    enum modbus_role_form form;
    char text[MODBUS_ROLE_LEN_MAX + 1]; /* UTF-8; "" unless GOOD */
};

/* Read the role of a certificate (DER, of the client itself). *out is always written. */
void modbus_role_read(struct span cert_der, struct modbus_role *out);

/* Is this the content of the OID above? Of all extensions it alone may stand in a certificate
 * twice without making the chain malformed, as this reader says what two of them mean. */
bool modbus_role_is_oid(struct span oid);

/* "no role extension", "two role extensions" …: for the log. Never NULL. */
const char *modbus_role_form_text(enum modbus_role_form form);

#endif
