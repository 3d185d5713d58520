#include "certs/hello.h"

#include <stdbool.h>

enum {
    RECORD_HANDSHAKE = 22,
    RECORD_VERSION_MAJOR = 3,
    RECORD_MAX = 16384,
    MESSAGE_CLIENT_HELLO = 1,
    MESSAGE_HEADER_LEN = 4,
    CLIENT_VERSION_AND_RANDOM_LEN = 2 + 32,
    SESSION_ID_MAX = 32,
    EXTENSION_SERVER_NAME = 0,
    NAME_TYPE_HOST = 0,
};

/* NOLINTNEXTLINE(readability-identifier-naming): a constant, named like one */
const uint8_t HELLO_ALERT_UNRECOGNIZED_NAME[HELLO_ALERT_LEN] = {
    21,     /* alert */
    3,   3, /* RFC 8446 5.1: the version field of records is 0x0303 */
    0,   2, /* length */
    2,      /* fatal */
    112,    /* unrecognized_name, RFC 6066 section 3 */
};

/* Walks the bytes of the handshake message, which may be cut into several records. */
struct walk {
    struct span rest;   /* records not yet looked at, from a record header on */
    struct span record; /* what is left of the record being read */
    bool is_bad;
};

/* Open the next record. False when it is not whole (or is_bad). */
static bool next_record(struct walk *w)
{
    struct span at = w->rest;
    uint8_t type;
    uint8_t major;
    uint8_t minor;
    uint16_t len;

    /* Wrong bytes are told as soon as they are there: a plain-text client that sends a line and
     * waits must not sit until a deadline. */
    if (span_take_u8(&at, &type) && type != RECORD_HANDSHAKE) {
        w->is_bad = true;
        return false;
    }
    if (span_take_u8(&at, &major) && major != RECORD_VERSION_MAJOR) {
        w->is_bad = true;
        return false;
    }
    if (!span_take_u8(&at, &minor) || !span_take_u16(&at, &len)) {
        return false;
    }
    /* RFC 8446 5.1: no empty handshake fragments, none over 2^14. */
    if (len == 0 || len > RECORD_MAX) {
        w->is_bad = true;
        return false;
    }
    if (!span_take(&at, len, &w->record)) {
        /* Cut within the record: what is there can still be walked. */
        w->record = at;
        w->rest = span_after(at, at.len);
        return w->record.len > 0;
    }
    w->rest = at;
    return true;
}

/* The next byte of the message. False at the end of what is there. */
static bool walk_u8(struct walk *w, uint8_t *out)
{
    if (w->record.len == 0 && !next_record(w)) {
        return false;
    }
    return span_take_u8(&w->record, out);
}

/* A number of `size` bytes. */
static bool walk_number(struct walk *w, unsigned size, size_t *out)
{
    size_t value = 0;

    for (unsigned i = 0; i < size; i++) {
        uint8_t byte;
        if (!walk_u8(w, &byte)) {
            return false;
        }
        value = (value << 8) | byte;
    }
    *out = value;
    return true;
}

static bool walk_skip(struct walk *w, size_t len)
{
    while (len > 0) {
        size_t step;
        if (w->record.len == 0 && !next_record(w)) {
            return false;
        }
        step = len < w->record.len ? len : w->record.len;
        w->record = span_after(w->record, step);
        len -= step;
    }
    return true;
}

/* Take a vector's length prefix (`size` bytes) out of the `left` bytes of its parent, and promise
 * that the vector fits into what is left then. A vector that does not fit is broken. */
static bool walk_length(struct walk *w, unsigned size, size_t *left, size_t *len)
{
    size_t value;

    if (*left < size) {
        w->is_bad = true;
        return false;
    }
    if (!walk_number(w, size, &value)) {
        return false;
    }
    *left -= size;
    if (value > *left) {
        w->is_bad = true;
        return false;
    }
    *len = value;
    return true;
}

/* Skip a vector with a length prefix. */
static bool skip_vector(struct walk *w, unsigned size, size_t *left)
{
    size_t len;

    if (!walk_length(w, size, left, &len) || !walk_skip(w, len)) {
        return false;
    }
    *left -= len;
    return true;
}

/* Letters, digits, '-', '.' and '_': what a device's name can be made of. Anything else, a NUL
 * above all, must not reach a comparison or a log. */
static bool put_name_byte(uint8_t byte, char *out)
{
    if (byte >= 'A' && byte <= 'Z') {
        *out = (char)(byte - 'A' + 'a');
        return true;
    }
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
        byte == '.' || byte == '_') {
        *out = (char)byte;
        return true;
    }
    return false;
}

/* The host name itself, `len` bytes. */
static enum hello_result read_name(struct walk *w, size_t len, char *name)
{
    char text[HELLO_NAME_MAX];

    if (len == 0 || len >= HELLO_NAME_MAX) {
        return HELLO_BAD;
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t byte;
        if (!walk_u8(w, &byte)) {
            return w->is_bad ? HELLO_BAD : HELLO_MORE;
        }
        if (!put_name_byte(byte, &text[i])) {
            return HELLO_BAD;
        }
    }
    for (size_t i = 0; i < len; i++) {
        name[i] = text[i];
    }
    name[len] = '\0';
    return HELLO_NAME;
}

static enum hello_result more_or_bad(const struct walk *w)
{
    return w->is_bad ? HELLO_BAD : HELLO_MORE;
}

/* The server_name extension: a list of names; RFC 6066 allows one of each type. */
static enum hello_result read_server_name(struct walk *w, size_t len, char *name)
{
    size_t list;

    if (!walk_length(w, 2, &len, &list)) {
        return more_or_bad(w);
    }
    if (list != len) {
        return HELLO_BAD;
    }
    while (list > 0) {
        size_t type;
        size_t host;
        if (!walk_number(w, 1, &type)) {
            return more_or_bad(w);
        }
        list--;
        if (!walk_length(w, 2, &list, &host)) {
            return more_or_bad(w);
        }
        if (type == NAME_TYPE_HOST) {
            return read_name(w, host, name);
        }
        if (!walk_skip(w, host)) {
            return more_or_bad(w);
        }
        list -= host;
    }
    return HELLO_NONE;
}

/* The extensions block; `left` bytes of the message are left before it. */
static enum hello_result read_extensions(struct walk *w, size_t left, char *name)
{
    size_t extensions;

    if (left == 0) {
        return HELLO_NONE; /* TLS 1.2 allows a hello without extensions */
    }
    if (!walk_length(w, 2, &left, &extensions)) {
        return more_or_bad(w);
    }
    if (extensions != left) {
        return HELLO_BAD;
    }
    while (extensions > 0) {
        size_t type;
        size_t len;
        if (extensions < 2) {
            return HELLO_BAD;
        }
        if (!walk_number(w, 2, &type)) {
            return more_or_bad(w);
        }
        extensions -= 2;
        if (!walk_length(w, 2, &extensions, &len)) {
            return more_or_bad(w);
        }
        if (type == EXTENSION_SERVER_NAME) {
            return read_server_name(w, len, name);
        }
        if (!walk_skip(w, len)) {
            return more_or_bad(w);
        }
        extensions -= len;
    }
    return HELLO_NONE;
}

/* The ClientHello from its message header on. */
static enum hello_result read_message(struct walk *w, char *name)
{
    size_t type;
    size_t left;
    size_t session_id;

    if (!walk_number(w, 1, &type)) {
        return more_or_bad(w);
    }
    if (type != MESSAGE_CLIENT_HELLO) {
        return HELLO_BAD;
    }
    if (!walk_number(w, 3, &left)) {
        return more_or_bad(w);
    }
    if (left > HELLO_MAX - MESSAGE_HEADER_LEN || left < CLIENT_VERSION_AND_RANDOM_LEN) {
        return HELLO_BAD;
    }
    if (!walk_skip(w, CLIENT_VERSION_AND_RANDOM_LEN)) {
        return more_or_bad(w);
    }
    left -= CLIENT_VERSION_AND_RANDOM_LEN;
    if (!walk_length(w, 1, &left, &session_id)) {
        return more_or_bad(w);
    }
    if (session_id > SESSION_ID_MAX) {
        return HELLO_BAD;
    }
    if (!walk_skip(w, session_id)) {
        return more_or_bad(w);
    }
    left -= session_id;
    /* cipher_suites, then legacy_compression_methods */
    if (!skip_vector(w, 2, &left) || !skip_vector(w, 1, &left)) {
        return more_or_bad(w);
    }
    return read_extensions(w, left, name);
}

enum hello_result hello_server_name(struct span in, char *name)
{
    struct walk w = {in, {NULL, 0}, false};
    enum hello_result result = read_message(&w, name);

    if (result == HELLO_MORE && in.len >= HELLO_MAX) {
        return HELLO_BAD;
    }
    return result;
}
