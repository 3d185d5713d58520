#include "conf/keys.h"

#include <string.h>

#include "conf/conf.h"

#define PROTOCOL(p) (1U << (CONF_PROTOCOL_##p))
#define MODBUS      (PROTOCOL(MODBUS_RTU) | PROTOCOL(MODBUS_TCP))
#define STREAMS     (PROTOCOL(RAW) | PROTOCOL(GAP) | PROTOCOL(LINE) | PROTOCOL(MLLP))
#define CONNECT     (1U << KEYS_ROLE_CONNECT)

enum {
    MS = 1,
    SECOND = 1000 * MS,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
    KIB = 1024,
    MIB = 1024 * KIB,
};

/* A new key is one row here, one use in build.c or build_device.c, and a line of the man page. */
static const struct keys_row table[KEYS_COUNT] = {
    /* [gateway] */
    {
        .id = KEYS_GATEWAY_NAME,
        .section = KEYS_GATEWAY,
        .name = "name",
        .type = KEYS_TYPE_NAME,
        .is_required = true,
        .help = "What this gateway is called in logs and in its status.",
    },
    {
        .id = KEYS_STATE_DIR,
        .section = KEYS_GATEWAY,
        .name = "state_dir",
        .type = KEYS_TYPE_PATH,
        .fallback = "/var/lib/wardgate",
        .help = "Folder for what outlives a restart.",
    },
    {
        .id = KEYS_CONTROL,
        .section = KEYS_GATEWAY,
        .name = "control",
        .type = KEYS_TYPE_PATH,
        .fallback = "/run/wardgate/control.sock",
        .help = "Socket that `wardgate status` and `wardgate reload` talk to. Its path is at most "
                "107 bytes long.",
    },
    {
        .id = KEYS_LOG_FORMAT,
        .section = KEYS_GATEWAY,
        .name = "log_format",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "text",
        .words = {"text", "json"},
        .help = "Log lines as key=value pairs or as one JSON object each.",
    },
    {
        .id = KEYS_LOG_LEVEL,
        .section = KEYS_GATEWAY,
        .name = "log_level",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "info",
        .words = {"error", "warning", "info", "debug"},
        .help = "The least important lines that are still written. Payload is written at no level.",
    },
    {
        .id = KEYS_INCLUDE,
        .section = KEYS_GATEWAY,
        .name = "include",
        .type = KEYS_TYPE_PATH,
        .is_list = true,
        .help = "Folder whose *.conf files are read too, in lexical order. They hold trust and "
                "device sections, and name no further folders.",
    },

    /* [trust NAME] */
    {
        .id = KEYS_ANCHORS,
        .section = KEYS_TRUST,
        .name = "anchors",
        .type = KEYS_TYPE_PATH,
        .is_required = true,
        .help = "PEM file with one or more root certificates that a peer's chain must end at.",
    },
    {
        .id = KEYS_INTERMEDIATES,
        .section = KEYS_TRUST,
        .name = "intermediates",
        .type = KEYS_TYPE_PATH,
        .fallback_words = "none",
        .help = "PEM file with intermediate CA certificates, for peers that send only their leaf.",
    },
    {
        .id = KEYS_REVOCATION,
        .section = KEYS_TRUST,
        .name = "revocation",
        .type = KEYS_TYPE_CHOICE,
        .is_required = true,
        .words = {"off"},
        .right = "revocation = off, as checking is not in this version yet and that must be "
                 "written out",
        .help = "How peers' certificates are checked for revocation. Checking is not in this "
                "version yet, and that must be written out: off is the only value.",
    },
    {
        .id = KEYS_TLS_MIN,
        .section = KEYS_TRUST,
        .name = "tls_min",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "1.3",
        .words = {"1.2", "1.3"},
        .help = "The oldest TLS version that a peer may speak.",
    },

    /* [device NAME] */
    {
        .id = KEYS_DESCRIPTION,
        .section = KEYS_DEVICE,
        .name = "description",
        .type = KEYS_TYPE_TEXT,
        .fallback_words = "none",
        .help = "What the device is and where it stands, for people. A blank and a semicolon "
                "begin a comment here too.",
    },
    {
        .id = KEYS_PORT,
        .section = KEYS_DEVICE,
        .name = "port",
        .type = KEYS_TYPE_PORT,
        .is_required = true,
        .help = "Where the device is: serial:PATH, tcp:HOST:PORT (the gateway dials the device) "
                "or tcp-listen:ADDRESS:PORT (the device dials the gateway).",
    },
    {
        .id = KEYS_FROM,
        .section = KEYS_DEVICE,
        .name = "from",
        .type = KEYS_TYPE_SOURCE,
        .is_list = true,
        .fallback_words = "anyone, on a loopback address only",
        .ports = 1U << CONF_PORT_TCP_LISTEN,
        .help = "Addresses that the device may dial from. Required unless the gateway listens "
                "on a loopback address.",
    },
    {
        .id = KEYS_LINE,
        .section = KEYS_DEVICE,
        .name = "line",
        .type = KEYS_TYPE_LINE,
        .ports = 1U << CONF_PORT_SERIAL,
        .help = "Required for a serial port: bits per second (50 to 4000000, any that the driver "
                "takes), data bits 5 to 8 with parity N, E, O, M or S and 1 or 2 stop bits, and "
                "then rtscts, xonxoff or rs485 where the device has it.",
    },
    {
        .id = KEYS_PROTOCOL,
        .section = KEYS_DEVICE,
        .name = "protocol",
        .type = KEYS_TYPE_CHOICE,
        .is_required = true,
        .words = {"raw", "gap", "line", "mllp", "modbus-rtu", "modbus-tcp"},
        .help = "Where a message ends: raw (at every read), gap (after silence), line (CR, LF or "
                "both), mllp (HL7), modbus-rtu (the device is a unit on a serial line), "
                "modbus-tcp.",
    },
    {
        .id = KEYS_UNIT_MAP,
        .section = KEYS_DEVICE,
        .name = "unit_map",
        .type = KEYS_TYPE_UNITS,
        .is_list = true,
        .protocols = MODBUS,
        .help = "Required for Modbus: the units that exist at the device. 1 and 1-4 keep their "
                "numbers; 10>1 lets the hospital's unit 10 stand for unit 1. Any other unit is "
                "answered with exception 0A.",
    },
    {
        .id = KEYS_WRITES,
        .section = KEYS_DEVICE,
        .name = "writes",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "deny",
        .words = {"deny", "allow"},
        .protocols = MODBUS,
        .help = "Whether requests that may change something in the device pass. Denied ones are "
                "answered with exception 01.",
    },
    {
        .id = KEYS_GAP,
        .section = KEYS_DEVICE,
        .name = "gap",
        .type = KEYS_TYPE_DURATION,
        .fallback = "20ms",
        .floor = 1 * MS,
        .ceiling = 10 * SECOND,
        .protocols = PROTOCOL(GAP) | PROTOCOL(LINE),
        .help = "Silence that ends a message (gap), or the wait for LF after CR (line).",
    },
    {
        .id = KEYS_MAX_FRAME,
        .section = KEYS_DEVICE,
        .name = "max_frame",
        .type = KEYS_TYPE_SIZE,
        .fallback_words = "4KiB, with mllp 2MiB",
        .floor = 16,
        .ceiling = 64 * MIB,
        .protocols = PROTOCOL(GAP) | PROTOCOL(LINE) | PROTOCOL(MLLP),
        .help = "The longest message, its framing included. What is longer is dropped and "
                "counted.",
    },
    {
        .id = KEYS_LISTEN,
        .section = KEYS_DEVICE,
        .name = "listen",
        .type = KEYS_TYPE_ADDRESS,
        .help = "Address where the hospital dials in with TLS. Several devices may share one: "
                "the server name that the hospital asks for then chooses the device. Either "
                "listen or connect is required.",
    },
    {
        .id = KEYS_CONNECT,
        .section = KEYS_DEVICE,
        .name = "connect",
        .type = KEYS_TYPE_SERVER,
        .is_list = true,
        .help = "Hospital servers that the gateway dials with TLS, the first one first. Either "
                "listen or connect is required.",
    },
    {
        .id = KEYS_SERVER_NAME,
        .section = KEYS_DEVICE,
        .name = "server_name",
        .type = KEYS_TYPE_HOST,
        .fallback_words = "with connect, the host of the entry in use",
        .help = "With connect: the name that is asked for and that the server's certificate must "
                "carry. With listen: a name that chooses this device, besides those in its "
                "certificate.",
    },
    {
        .id = KEYS_ALLOW,
        .section = KEYS_DEVICE,
        .name = "allow",
        .type = KEYS_TYPE_PEER,
        .is_list = true,
        .fallback_words = "with connect, the name of the server",
        .help = "Peers that may use the link, by a subjectAltName of their certificate: "
                "dns:NAME, uri:URI or ip:ADDRESS. Required with listen.",
    },
    {
        .id = KEYS_CERTIFICATE,
        .section = KEYS_DEVICE,
        .name = "certificate",
        .type = KEYS_TYPE_PATH,
        .is_required = true,
        .help = "PEM file with the device's own certificate, and then its chain.",
    },
    {
        .id = KEYS_KEY,
        .section = KEYS_DEVICE,
        .name = "key",
        .type = KEYS_TYPE_PATH,
        .is_required = true,
        .help = "PEM file with the private key of that certificate, of mode 0600 or stricter.",
    },
    {
        .id = KEYS_DEVICE_TRUST,
        .section = KEYS_DEVICE,
        .name = "trust",
        .type = KEYS_TYPE_NAME,
        .is_required = true,
        .help = "The trust section that judges the peers of this device.",
    },
    {
        .id = KEYS_START,
        .section = KEYS_DEVICE,
        .name = "start",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "always",
        .words = {"always", "data"},
        .roles = CONNECT,
        .help = "When to dial: always keep the link up, or dial when the device sends something.",
    },
    {
        .id = KEYS_WHILE_DOWN,
        .section = KEYS_DEVICE,
        .name = "while_down",
        .type = KEYS_TYPE_CHOICE,
        .fallback_words = "drop with serial, else block",
        .words = {"drop", "block"},
        .protocols = STREAMS,
        .help = "What happens to the device's bytes while there is no link: drop them (counted "
                "and logged as loss), or leave them unread so that the device waits.",
    },
    {
        .id = KEYS_MAX_LINKS,
        .section = KEYS_DEVICE,
        .name = "max_links",
        .type = KEYS_TYPE_NUMBER,
        .fallback = "16",
        .floor = 1,
        .ceiling = 1024,
        .help = "Links of this device at the same time.",
    },
    {
        .id = KEYS_RESPONSE_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "response_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "1s",
        .floor = 10 * MS,
        .ceiling = 60 * SECOND,
        .protocols = MODBUS,
        .help = "How long the device may take to answer a request.",
    },
    {
        .id = KEYS_DIAL_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "dial_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "5s",
        .floor = 100 * MS,
        .ceiling = 5 * MINUTE,
        .help = "How long it may take to look up and reach a server, or a TCP device.",
    },
    {
        .id = KEYS_HANDSHAKE_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "handshake_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "10s",
        .floor = 100 * MS,
        .ceiling = 5 * MINUTE,
        .help = "How long the TLS handshake may take.",
    },
    {
        .id = KEYS_IDLE_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "idle_timeout",
        .type = KEYS_TYPE_DURATION,
        .or_never = true,
        .fallback = "never",
        .floor = 100 * MS,
        .ceiling = 24 * HOUR,
        .help = "A link over which nothing passed for so long is closed.",
    },
    {
        .id = KEYS_DRAIN_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "drain_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "5s",
        .floor = 100 * MS,
        .ceiling = 5 * MINUTE,
        .help = "How long a link that is to end may take to send what it holds.",
    },
    {
        .id = KEYS_RETRY_MIN,
        .section = KEYS_DEVICE,
        .name = "retry_min",
        .type = KEYS_TYPE_DURATION,
        .fallback = "1s",
        .floor = 100 * MS,
        .ceiling = 10 * MINUTE,
        .roles = CONNECT,
        .help = "Upper bound of the first wait before dialling again; it doubles from try to try.",
    },
    {
        .id = KEYS_RETRY_MAX,
        .section = KEYS_DEVICE,
        .name = "retry_max",
        .type = KEYS_TYPE_DURATION,
        .fallback = "60s",
        .floor = 100 * MS,
        .ceiling = 1 * HOUR,
        .roles = CONNECT,
        .help = "Upper bound of every wait before dialling again; not less than retry_min.",
    },
};

static const char *const section_words[KEYS_SECTIONS] = {"gateway", "trust", "device"};

const struct keys_row *keys_get(enum keys_id id)
{
    return &table[id];
}

const struct keys_row *keys_find(enum keys_section section, const char *name)
{
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        if (table[i].section == section && strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

enum { SLIP_LEN_MAX = 32 }; /* longer than any known word: a name over this is no slip of one */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be added, dropped or replaced to make `b` of `a` (Levenshtein). */
static size_t distance(const char *a, size_t a_len, const char *b)
{
    size_t row[SLIP_LEN_MAX + 1];
    size_t b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b_len];
}

/* Is `word` a nearer guess for `name` than what is at *best (a distance) so far? */
static bool is_nearer(const char *word, const char *name, size_t len, size_t *best)
{
    if (len > SLIP_LEN_MAX || strlen(word) > SLIP_LEN_MAX) {
        return false;
    }
    size_t found = distance(name, len, word);
    /* Half of the letters wrong is another word, not a slip. */
    if (found >= *best || found > strlen(word) / 2) {
        return false;
    }
    *best = found;
    return true;
}

const char *keys_nearest(enum keys_section section, const char *name)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        if (table[i].section == section && is_nearer(table[i].name, name, strlen(name), &best)) {
            nearest = table[i].name;
        }
    }
    return nearest;
}

const char *keys_section_word(enum keys_section section)
{
    return section_words[section];
}

bool keys_section_find(const char *word, size_t len, enum keys_section *out, const char **nearest)
{
    size_t best = SIZE_MAX;
    const char *near = NULL;
    for (size_t i = 0; i < KEYS_SECTIONS; i++) {
        if (strlen(section_words[i]) == len && memcmp(section_words[i], word, len) == 0) {
            *out = (enum keys_section)i;
            return true;
        }
        if (is_nearer(section_words[i], word, len, &best)) {
            near = section_words[i];
        }
    }
    *nearest = near;
    return false;
}
