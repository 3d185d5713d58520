#include "certs/modbus_role.h"

#include <string.h>

#include "certs/chain_extension.h"
#include "certs/der.h"

static const uint8_t role_oid[] = {0x2B, 6, 1, 4, 1, 0x83, 0x89, 0x0C, 0x86, 0x22, 1};

bool modbus_role_is_oid(struct span oid)
{
    return span_equal(oid, span_of(role_oid, sizeof role_oid));
}

/* Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { …, [3] Extensions }, … }. The list's
 * content; empty when there is none. False: broken. */
static bool find_extensions(struct span der, struct span *list)
{
    struct span certificate;
    struct span tbs;

    *list = span_of(NULL, 0);
    if (!der_take_tag(&der, DER_SEQUENCE, &certificate) ||
        !der_take_tag(&certificate, DER_SEQUENCE, &tbs)) {
        return false;
    }
    while (tbs.len > 0) {
        struct span value;
        uint8_t tag;
        if (!der_take(&tbs, &tag, &value)) {
            return false;
        }
        /* Only the last field has this tag, and a version has [0]. */
        if (tag == DER_CONTEXT_CONSTRUCTED(3)) {
            return der_take_tag(&value, DER_SEQUENCE, list) && value.len == 0;
        }
    }
    return true;
}

/* Is every character whole, and none a control character? A NUL would cut the role short for
 * whoever compares it as C does; a line's end would forge a line of the log. */
static enum modbus_role_form judge_text(struct span text)
{
    while (text.len > 0) {
        uint32_t character;
        if (!der_take_utf8(&text, &character) || (character >= 0xD800 && character <= 0xDFFF)) {
            return MODBUS_ROLE_UTF8;
        }
        if (character < ' ' || character == 0x7F) {
            return MODBUS_ROLE_CONTROL;
        }
    }
    return MODBUS_ROLE_GOOD;
}

/* extnValue's content: exactly one UTF8String. */
static enum modbus_role_form read_value(struct span value, struct modbus_role *out)
{
    enum modbus_role_form form;
    struct span text;
    uint8_t tag;

    if (!der_take(&value, &tag, &text)) {
        return MODBUS_ROLE_BARE;
    }
    if (tag != DER_UTF8_STRING) {
        return MODBUS_ROLE_TYPE;
    }
    if (value.len != 0) {
        return MODBUS_ROLE_TAIL;
    }
    if (text.len == 0) {
        return MODBUS_ROLE_EMPTY;
    }
    if (text.len > MODBUS_ROLE_LEN_MAX) {
        return MODBUS_ROLE_LONG;
    }
    form = judge_text(text);
    if (form == MODBUS_ROLE_GOOD) {
        memcpy(out->text, text.data, text.len);
        out->text[text.len] = '\0';
    }
    return form;
}

void modbus_role_read(struct span cert_der, struct modbus_role *out)
{
    struct span list;
    struct span role;
    size_t count = 0;

    *out = (struct modbus_role){.form = MODBUS_ROLE_BROKEN};
    if (!find_extensions(cert_der, &list)) {
        return;
    }
    while (list.len > 0) {
        struct span oid;
        struct span value;
        bool is_critical;
        if (!chain_extension_take(&list, &oid, &is_critical, &value)) {
            return;
        }
        if (modbus_role_is_oid(oid)) {
            role = value;
            count++;
        }
    }
    if (count != 1) {
        out->form = count == 0 ? MODBUS_ROLE_NONE : MODBUS_ROLE_TWO;
        return;
    }
    out->form = read_value(role, out);
}

const char *modbus_role_form_text(enum modbus_role_form form)
{
    static const char *const texts[] = {
        [MODBUS_ROLE_GOOD] = "one role",
        [MODBUS_ROLE_NONE] = "no role extension",
        [MODBUS_ROLE_TWO] = "two role extensions",
        [MODBUS_ROLE_TYPE] = "the role is no UTF8String",
        [MODBUS_ROLE_EMPTY] = "the role is empty",
        [MODBUS_ROLE_BARE] = "the role extension holds no DER string",
        [MODBUS_ROLE_TAIL] = "bytes behind the role",
        [MODBUS_ROLE_CONTROL] = "a control character in the role",
        [MODBUS_ROLE_UTF8] = "the role is not UTF-8",
        [MODBUS_ROLE_LONG] = "the role is longer than 255 bytes",
        [MODBUS_ROLE_BROKEN] = "the certificate's extensions cannot be read",
    };

    return (size_t)form < sizeof texts / sizeof texts[0] ? texts[form] : "";
}
