#include "conf/keys.h"

#include <string.h>

#include "conf/keys_inside.h"

enum {
    SECOND = 1000, /* ms */
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
};

/* Of [gateway] and [trust NAME]; those of [role NAME] are in keys_role.c, those of [device NAME] in
 * keys_device.c. A new key is one row, one use in build.c, build_trust.c, build_role.c or
 * build_device.c, and a line of the man page. */
static const struct keys_row table[KEYS_ROLE_FIRST] = {
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

    {
        .id = KEYS_CLOCK,
        .section = KEYS_GATEWAY,
        .name = "clock",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "floor",
        .words = {"floor", "synced", "trust"},
        .help = "When the wall clock is believed: once it is not earlier than the build and the "
                "newest evidence that is stored (floor), only while the kernel says that it is "
                "synchronised (synced), or always (trust). Dates are judged with no other clock.",
    },
    {
        .id = KEYS_FETCH_PROXY,
        .section = KEYS_GATEWAY,
        .name = "fetch_proxy",
        .type = KEYS_TYPE_URL,
        .fallback_words = "none; the environment is not asked",
        .help = "HTTP proxy through which CRLs and OCSP responses are fetched, without a path.",
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
        .fallback = "hard",
        .words = {"hard", "grace", "soft", "off"},
        .help = "What a link needs: a fresh good status of every certificate (hard), one that was "
                "good until `grace` ago (grace), no revoked certificate (soft), or nothing (off). "
                "See REVOCATION.",
    },
    {
        .id = KEYS_GRACE,
        .section = KEYS_TRUST,
        .name = "grace",
        .type = KEYS_TYPE_DURATION,
        .fallback = "24h",
        .floor = 1 * MINUTE,
        .ceiling = 30U * 24 * HOUR,
        .help = "How long the last known good status holds past its end; only with revocation = "
                "grace.",
    },
    {
        .id = KEYS_CRL,
        .section = KEYS_TRUST,
        .name = "crl",
        .type = KEYS_TYPE_CRL,
        .is_list = true,
        .fallback_words = "none",
        .help = "Where CRLs are: a file, a drop folder (a path that ends in / or leads to a "
                "folder), whose files are read again when they change, or an http or https URL.",
    },
    {
        .id = KEYS_CRL_SIGNERS,
        .section = KEYS_TRUST,
        .name = "crl_signers",
        .type = KEYS_TYPE_PATH,
        .fallback_words = "none: each CA signs its CRL itself",
        .help = "PEM file with the certificates that sign CRLs in place of a CA of this trust. See "
                "REVOCATION.",
    },
    {
        .id = KEYS_OCSP,
        .section = KEYS_TRUST,
        .name = "ocsp",
        .type = KEYS_TYPE_OCSP,
        .fallback = "off",
        .help = "The OCSP responder that is asked about every certificate of this trust; aia: the "
                "one that the certificate itself names, of a valid chain and in fetch_hosts; or "
                "off.",
    },
    {
        .id = KEYS_OCSP_NONCE,
        .section = KEYS_TRUST,
        .name = "ocsp_nonce",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "optional",
        .words = {"required", "optional"},
        .help = "Whether an answer without our nonce counts. Responders that sign beforehand never "
                "have it; one that is there must be ours either way.",
    },
    {
        .id = KEYS_FOLLOW_CDP,
        .section = KEYS_TRUST,
        .name = "follow_cdp",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "no",
        .words = {"no", "yes"},
        .help = "Whether CRLs are also fetched from where the certificates of a valid chain say, "
                "in fetch_hosts only.",
    },
    {
        .id = KEYS_FETCH_HOSTS,
        .section = KEYS_TRUST,
        .name = "fetch_hosts",
        .type = KEYS_TYPE_FETCH_HOST,
        .is_list = true,
        .fallback_words = "none",
        .help = "The only hosts to which URLs of certificates are followed, each with its port or "
                "for any. Required with follow_cdp = yes and with ocsp = aia.",
    },
    {
        .id = KEYS_CHECK_TIMEOUT,
        .section = KEYS_TRUST,
        .name = "check_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "5s",
        .floor = SECOND / 2,
        .ceiling = 30 * SECOND,
        .help = "How long a new link may wait for the status of a peer that is not known yet.",
    },
    {
        .id = KEYS_CA_PROFILE,
        .section = KEYS_TRUST,
        .name = "ca_profile",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "loose",
        .words = {"loose", "strict"},
        .help = "Whether certificates must also keep the rules that RFC 5280 makes for CAs and not "
                "for who validates (strict), or may come from a simple tool (loose).",
    },
    {
        .id = KEYS_RSA_MIN,
        .section = KEYS_TRUST,
        .name = "rsa_min",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "2048",
        .words = {"2048", "1024"},
        .help = "The fewest bits of an RSA key in the chains, CRLs and OCSP answers of this trust. "
                "1024 can be broken by who has much money: see WEAK ALGORITHMS.",
    },
    {
        .id = KEYS_ALLOW_SHA1,
        .section = KEYS_TRUST,
        .name = "allow_sha1",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "no",
        .words = {"no", "yes"},
        .help = "Whether certificates, CRLs and OCSP answers of this trust may be signed with "
                "SHA-1, for which forgeries are known: see WEAK ALGORITHMS.",
    },
    {
        .id = KEYS_POLICY,
        .section = KEYS_TRUST,
        .name = "policy",
        .type = KEYS_TYPE_OID,
        .fallback_words = "none",
        .help = "A certificate policy that a peer's chain must be valid for. Policies are not "
                "mapped.",
    },
    {
        .id = KEYS_REQUIRE_EKU,
        .section = KEYS_TRUST,
        .name = "require_eku",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "no",
        .words = {"no", "yes"},
        .help = "Whether a peer's certificate must name its purpose, serverAuth or clientAuth, in "
                "extendedKeyUsage, and digitalSignature in keyUsage (yes), or may leave out what "
                "it is for (no).",
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
};

static const char *const section_words[KEYS_SECTIONS] = {"gateway", "trust", "role", "device"};

const struct keys_row *keys_get(enum keys_id id)
{
    if ((int)id < (int)KEYS_ROLE_FIRST) {
        return &table[id];
    }
    return (int)id < (int)KEYS_DEVICE_FIRST ? &keys_role_rows[id - KEYS_ROLE_FIRST]
                                            : &keys_device_rows[id - KEYS_DEVICE_FIRST];
}

bool keys_part(const struct keys_row *row, const char *name, size_t *at, size_t *len)
{
    static const char place[] = ".NAME.";
    const char *found = strstr(row->name, place);
    size_t whole = strlen(name);
    if (found == NULL) {
        return false;
    }
    size_t head = (size_t)(found - row->name) + 1; /* with the first dot */
    const char *tail = &found[strlen(place) - 1];  /* with the second one */
    if (whole <= head + strlen(tail) || strncmp(name, row->name, head) != 0 ||
        strcmp(&name[whole - strlen(tail)], tail) != 0) {
        return false;
    }
    *at = head;
    *len = whole - head - strlen(tail);
    return true;
}

const struct keys_row *keys_find(enum keys_section section, const char *name)
{
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        const struct keys_row *row = keys_get((enum keys_id)i);
        size_t at = 0;
        size_t len = 0;
        if (row->section == section &&
            (strcmp(row->name, name) == 0 || keys_part(row, name, &at, &len))) {
            return row;
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
    if (section == KEYS_ROLE && strncmp(name, "device.", strlen("device.")) == 0) {
        return "device.NAME.read, device.NAME.write or device.NAME.when";
    }
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        const struct keys_row *row = keys_get((enum keys_id)i);
        if (row->section == section && is_nearer(row->name, name, strlen(name), &best)) {
            nearest = row->name;
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
    }
    for (size_t i = 0; i < KEYS_SECTIONS; i++) {
        if (is_nearer(section_words[i], word, len, &best)) {
            near = section_words[i];
        }
    }
    *nearest = near;
    return false;
}
