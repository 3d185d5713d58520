/*
 * The one table of configuration keys: section, name, type, default, floor, ceiling, help.
 *
 * Floor 2, frozen data. The reader, `wardgate check --help-config` and the key table of
 * wardgate.conf(5) all come from it.
 */
#ifndef WARDGATE_KEYS_H
#define WARDGATE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum keys_section { KEYS_GATEWAY, KEYS_TRUST, KEYS_ROLE, KEYS_DEVICE, KEYS_SECTIONS };

/* Every key, in the order of the table. */
enum keys_id {
    KEYS_GATEWAY_NAME,
    KEYS_STATE_DIR,
    KEYS_CONTROL,
    KEYS_LOG_FORMAT,
    KEYS_LOG_LEVEL,
    KEYS_INCLUDE,
    KEYS_CLOCK,
    KEYS_FETCH_PROXY,

    KEYS_ANCHORS,
    KEYS_INTERMEDIATES,
    KEYS_REVOCATION,
    KEYS_GRACE,
    KEYS_CRL,
    KEYS_CRL_SIGNERS,
    KEYS_OCSP,
    KEYS_OCSP_NONCE,
    KEYS_FOLLOW_CDP,
    KEYS_FETCH_HOSTS,
    KEYS_CHECK_TIMEOUT,
    KEYS_CA_PROFILE,
    KEYS_RSA_MIN,
    KEYS_ALLOW_SHA1,
    KEYS_POLICY,
    KEYS_REQUIRE_EKU,
    KEYS_TLS_MIN,

    KEYS_MATCH,
    KEYS_ROLE_READ,
    KEYS_ROLE_WRITE,
    KEYS_ROLE_WHEN,
    KEYS_ROLE_DEVICE_READ,
    KEYS_ROLE_DEVICE_WRITE,
    KEYS_ROLE_DEVICE_WHEN,

    KEYS_DESCRIPTION,
    KEYS_PORT,
    KEYS_FROM,
    KEYS_LINE,
    KEYS_ECHO,
    KEYS_PROTOCOL,
    KEYS_SIDE,
    KEYS_UNIT_MAP,
    KEYS_EXPECT,
    KEYS_WRITES,
    KEYS_WRITE_LEASE,
    KEYS_GAP,
    KEYS_MAX_FRAME,
    KEYS_LISTEN,
    KEYS_CONNECT,
    KEYS_SERVER_NAME,
    KEYS_ALLOW,
    KEYS_CERTIFICATE,
    KEYS_KEY,
    KEYS_DEVICE_TRUST,
    KEYS_DEVICE_REVOCATION,
    KEYS_DEVICE_GRACE,
    KEYS_WRITE_REVOCATION,
    KEYS_START,
    KEYS_WHILE_DOWN,
    KEYS_MAX_LINKS,
    KEYS_RESPONSE_TIMEOUT,
    KEYS_CHAR_TIMEOUT,
    KEYS_REQUEST_TIMEOUT,
    KEYS_DIAL_TIMEOUT,
    KEYS_HANDSHAKE_TIMEOUT,
    KEYS_IDLE_TIMEOUT,
    KEYS_DRAIN_TIMEOUT,
    KEYS_RETRY_MIN,
    KEYS_RETRY_MAX,
    KEYS_COUNT,
};

/* How a value is written. */
enum keys_type {
    KEYS_TYPE_TEXT,       /* any text */
    KEYS_TYPE_NAME,       /* letters, digits, - _ . */
    KEYS_TYPE_PATH,       /* a file or folder, relative to the file that names it */
    KEYS_TYPE_DURATION,   /* 500ms 10s 5m 24h; kept in milliseconds */
    KEYS_TYPE_SIZE,       /* 4096 4KiB 2MiB; kept in bytes */
    KEYS_TYPE_NUMBER,     /* digits */
    KEYS_TYPE_CHOICE,     /* one of `words`; kept as its place among them */
    KEYS_TYPE_PORT,       /* serial:PATH, tcp:HOST:PORT, tcp-listen:ADDRESS:PORT */
    KEYS_TYPE_LINE,       /* 9600 8E1 rtscts */
    KEYS_TYPE_UNITS,      /* 1, 3-5, 10>1 */
    KEYS_TYPE_ADDRESS,    /* IP address and port */
    KEYS_TYPE_SERVER,     /* host and port */
    KEYS_TYPE_SOURCE,     /* IP address */
    KEYS_TYPE_HOST,       /* host name or IP address */
    KEYS_TYPE_PEER,       /* dns:NAME, uri:URI, ip:ADDRESS */
    KEYS_TYPE_URL,        /* http://HOST… or https://HOST… */
    KEYS_TYPE_CRL,        /* a path as above, or such a URL */
    KEYS_TYPE_OCSP,       /* such a URL, aia or off */
    KEYS_TYPE_FETCH_HOST, /* host or host and port */
    KEYS_TYPE_OID,        /* 1.3.6.1.4.1.99999.1 */
    KEYS_TYPE_EXPECT,     /* id "Acme*", register 0x0100 = 0x1234 … */
    KEYS_TYPE_MATCH,      /* role:NAME, or as PEER */
    KEYS_TYPE_RULE,       /* holding 0-99, coils 3, unit 2 input 0-31, function 43, all, none */
    KEYS_TYPE_WINDOW,     /* mon-fri 07:00-19:00 */
};

/* Which end opens the TLS link. */
enum keys_role { KEYS_ROLE_LISTEN, KEYS_ROLE_CONNECT };

/* The words of the key `side`, as bits: which end of a Modbus line the device is. */
enum keys_side { KEYS_SIDE_UNIT = 1, KEYS_SIDE_MASTER = 2 };

enum { KEYS_WORDS_MAX = 8, KEYS_NEVER = 0 };

struct keys_row {
    enum keys_id id;
    enum keys_section section;
    const char *name;
    enum keys_type type;
    bool is_list;         /* may be repeated, and holds several values separated by commas */
    bool is_required;     /* without condition */
    bool or_never;        /* a duration that may be "never" or 0, both kept as KEYS_NEVER */
    bool is_inherited;    /* of a device: where it is missing, its trust's key of that name holds */
    const char *fallback; /* the default as one would write it; NULL: none, or it depends */
    const char *fallback_words; /* what `fallback` depends on, for people; NULL: nothing to say */
    const char *words[KEYS_WORDS_MAX]; /* of a choice, ends with NULL */
    uint32_t floor, ceiling;           /* of a number, duration (ms) or size (bytes) */
    uint32_t protocols; /* bit per enum conf_protocol that the key has a meaning for; 0: all */
    uint32_t ports;     /* bit per enum conf_port_kind; 0: all */
    uint32_t roles;     /* bit per enum keys_role; 0: both */
    uint32_t sides;     /* bit per word of the key `side` (unit, master); 0: both */
    const char *right;  /* said when the value is missing or wrong; NULL: keys_form says it */
    const char *help;   /* one or two sentences */
};

/* The row of a key. */
const struct keys_row *keys_get(enum keys_id id);

/* The key of that name in a section, or NULL. A row "device.NAME.read" is the key for every name
 * that stands in the place of NAME. */
const struct keys_row *keys_find(enum keys_section section, const char *name);

/* What stands in the place of NAME: `len` bytes of `name` from `at` on. False: the row has no such
 * place, or `name` is none of its names. */
bool keys_part(const struct keys_row *row, const char *name, size_t *at, size_t *len);

/* The known key of the section that `name` is most likely a slip for, or NULL when none is near. */
const char *keys_nearest(enum keys_section section, const char *name);

/* "gateway", "trust", "role", "device". */
const char *keys_section_word(enum keys_section section);

/* The section of that word (`len` bytes of it); false when there is none. *nearest is then the word
 * it may be a slip for, or NULL. */
bool keys_section_find(const char *word, size_t len, enum keys_section *out, const char **nearest);

/* What would be right for a value of this key, e.g. "a duration such as 500ms". `to`: KEYS_FORM_MAX
 * bytes. */
enum { KEYS_FORM_MAX = 192 };

void keys_form(const struct keys_row *row, char *to);

/* The protocols, kinds of port or ends of the link that alone have a use for the key, e.g. "gap,
 * line"; "" when all have. `to`: KEYS_FORM_MAX bytes. */
void keys_applies(const struct keys_row *row, char *to);

/* A number of the key's unit as one would write it: "20ms", "4KiB", "16". `to`: KEYS_NUMBER_MAX
 * bytes. */
enum { KEYS_NUMBER_MAX = 24 };

void keys_number(const struct keys_row *row, uint32_t value, char *to);

/* Print the table for people (`--help-config`) or as roff for the man page. Returns 0, or -1 when
 * writing fails. */
int keys_print_text(FILE *to);
int keys_print_roff(FILE *to);

#endif
