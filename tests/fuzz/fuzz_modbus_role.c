/* The role in a client's certificate: whatever the bytes are, what comes out can stand in a log
 * line and be compared as C compares texts, and only what is one role comes out. */
#include <stdlib.h>
#include <string.h>

#include "certs/modbus_role.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool fact)
{
    if (!fact) {
        abort();
    }
}

/* Do these bytes stand somewhere in the certificate? */
static bool holds(struct span in, const char *text)
{
    struct span wanted = span_of_text(text);
    for (size_t at = 0; at < in.len; at++) {
        if (span_equal(span_first(span_after(in, at), wanted.len), wanted)) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span der = span_of(data, size);
    struct modbus_role role;

    modbus_role_read(der, &role);
    require(strlen(modbus_role_form_text(role.form)) > 0);
    require((role.form == MODBUS_ROLE_GOOD) == (role.text[0] != '\0'));
    for (const char *c = role.text; *c != '\0'; c++) {
        require((unsigned char)*c >= ' ' && *c != 0x7F);
    }
    require(role.text[0] == '\0' || holds(der, role.text));
    return 0;
}
