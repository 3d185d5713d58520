/*
 * Configuration: an INI file becomes a frozen struct; two of them can be compared.
 *
 * Floor 2. conf_load makes everything and conf_free releases it; nothing changes in between. The
 * gateway holds one running configuration; a reload makes a second one and swaps.
 */
#ifndef WARDGATE_CONF_H
#define WARDGATE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/identity.h"
#include "certs/judge.h"
#include "certs/names.h"
#include "certs/trust.h"
#include "conf/index.h"
#include "conf/problems.h"
#include "conf/shared.h"
#include "protocols/modbus_policy.h"

enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };

enum conf_log_level { CONF_LOG_ERROR, CONF_LOG_WARNING, CONF_LOG_INFO, CONF_LOG_DEBUG };

/* When the wall clock is believed. */
enum conf_clock { CONF_CLOCK_FLOOR, CONF_CLOCK_SYNCED, CONF_CLOCK_TRUST };

/* [gateway] */
struct conf_gateway {
    char *name;
    char *state_dir;
    char *control; /* path of the control socket */
    enum conf_log_format log_format;
    enum conf_log_level log_level;
    enum conf_clock clock;
    char *fetch_proxy; /* URL; NULL: none */
};

/* What a link needs to be told of its certificates. */
enum conf_revocation {
    CONF_REVOCATION_HARD,  /* a fresh good status of each */
    CONF_REVOCATION_GRACE, /* or one that was good until grace_s ago */
    CONF_REVOCATION_SOFT,  /* that none is revoked, as far as is known */
    CONF_REVOCATION_OFF,   /* nothing */
};

/* One place of CRLs. */
enum conf_crl_kind { CONF_CRL_FILE, CONF_CRL_FOLDER, CONF_CRL_URL };

struct conf_crl {
    enum conf_crl_kind kind;
    char *text; /* absolute path without a / at its end, or URL */
    int line;   /* of the trust's file */
};

/* Who is asked with OCSP. */
enum conf_ocsp {
    CONF_OCSP_OFF,
    CONF_OCSP_AIA, /* whom the certificate names, when it is one of fetch_hosts */
    CONF_OCSP_URL, /* ocsp_url */
};

/* A host to which URLs of certificates are followed. */
struct conf_fetch_host {
    char *host;    /* lower case; IP addresses as inet_ntop prints them, without brackets */
    uint16_t port; /* 0: any */
};

/* [trust NAME] */
struct conf_trust {
    char *name;
    char *anchors;
    char *intermediates; /* NULL: none */
    enum conf_revocation revocation;
    uint32_t grace_s;  /* counts only where a device's `revocation` is grace */
    char *crl_signers; /* NULL: none */
    struct conf_crl *crls;
    size_t crl_count;
    bool has_crl; /* private to conf: `crl` is written, be it right or wrong */
    enum conf_ocsp ocsp;
    char *ocsp_url; /* NULL but with CONF_OCSP_URL */
    bool nonce_required;
    bool follow_cdp;
    struct conf_fetch_host *fetch_hosts; /* not empty with follow_cdp and CONF_OCSP_AIA */
    size_t fetch_host_count;
    uint32_t check_timeout_ms;
    bool is_strict_profile; /* false: path_settings.allows_loose_cas */
    unsigned allows;        /* weak algorithms: SIGNATURE_ALLOWS_ bits; 0: none */
    struct span policy;     /* path_settings.required_policy; empty: none. In the pool */
    bool requires_eku;      /* path_settings.requires_eku */
    enum tls_version tls_min;
    struct trust *trust;   /* loaded and held; NULL when loading failed (a problem was noted) */
    const char *canonical; /* the section as text, less what its devices inherit: for comparing */
    struct span text;      /* private to conf: the section as it was written */
    const char *file;      /* where the section stands */
    int line;
};

/* One of a role's `match`. */
struct conf_match {
    char *role;            /* of the certificate's extension; NULL: `name` counts */
    struct name_rule name; /* of its subjectAltName */
};

/* [role NAME] */
struct conf_role {
    char *name;
    struct conf_match *matches; /* 1.. */
    size_t match_count;
    const char *file;
    int line;
};

/* What roles may do with one Modbus device, and who has which role. */
struct conf_access {
    struct modbus_policy policy;   /* a rule's role is its place in `roles` */
    const struct conf_role *roles; /* all of the configuration */
    size_t role_count;             /* up to MODBUS_POLICY_ROLES_MAX */
    uint64_t counted;              /* bit per role that says anything about the device */
};

/* How the gateway reaches the device. */
enum conf_port_kind {
    CONF_PORT_SERIAL,     /* serial:PATH */
    CONF_PORT_TCP,        /* tcp:HOST:PORT, the gateway dials */
    CONF_PORT_TCP_LISTEN, /* tcp-listen:ADDRESS:PORT, the device dials */
};

/* HOST:PORT; IPv6 addresses stand in brackets in the file and without them here. */
struct conf_address {
    char *host;
    uint16_t port;
};

struct conf_port {
    enum conf_port_kind kind;
    char *path;                  /* serial */
    struct conf_address address; /* tcp, tcp-listen */
    char *text;                  /* as written, for messages and as the key of a shared bus */
};

enum conf_parity {
    CONF_PARITY_NONE,
    CONF_PARITY_EVEN,
    CONF_PARITY_ODD,
    CONF_PARITY_MARK,
    CONF_PARITY_SPACE,
};

enum conf_flow { CONF_FLOW_NONE, CONF_FLOW_RTSCTS, CONF_FLOW_XONXOFF, CONF_FLOW_RS485 };

/* line = 9600 8E1 rtscts */
struct conf_line {
    uint32_t rate;     /* bits per second, 50..4000000, any the driver takes */
    uint8_t data_bits; /* 5..8 */
    enum conf_parity parity;
    uint8_t stop_bits; /* 1..2 */
    enum conf_flow flow;
    bool has_echo; /* echo = discard: what is sent comes back */
};

enum conf_protocol {
    CONF_PROTOCOL_RAW,
    CONF_PROTOCOL_GAP,
    CONF_PROTOCOL_LINE,
    CONF_PROTOCOL_MLLP,
    CONF_PROTOCOL_MODBUS_RTU,
    CONF_PROTOCOL_MODBUS_TCP,
    CONF_PROTOCOL_MODBUS_ASCII,
};

enum conf_start { CONF_START_ALWAYS, CONF_START_DATA };

enum conf_while_down { CONF_DOWN_DROP, CONF_DOWN_BLOCK };

enum { CONF_UNITS = 256 };

/* unit_map: which unit of the side that answers the master's unit stands for; -1 for none. */
struct conf_unit_map {
    int16_t bus_unit[CONF_UNITS];
};

/* How the device is told from a stranger on its port. */
enum conf_expect_kind {
    CONF_EXPECT_ID,         /* id "PATTERN": vendor, product code and revision of function 2B/0E */
    CONF_EXPECT_SLAVE_ID,   /* slave-id "PATTERN": what function 11 answers */
    CONF_EXPECT_REGISTER,   /* register ADDRESS = VALUE: a holding register */
    CONF_EXPECT_INPUT,      /* input ADDRESS = VALUE: an input register */
    CONF_EXPECT_USB_SERIAL, /* usb-serial PATTERN: the serial number of the USB adapter */
};

struct conf_expect {
    enum conf_expect_kind kind;
    char *pattern; /* see protocols/pattern.h; NULL for registers */
    uint16_t address, value;
    char *text; /* as written, for people */
};

/* [device NAME] */
struct conf_device {
    char *name;
    char *description; /* "" when not given */
    struct conf_port port;
    char **from; /* allowed source addresses of tcp-listen, as inet_ntop prints them */
    size_t from_count;
    struct conf_line line;
    enum conf_protocol protocol;
    bool is_master; /* Modbus: the device asks, the server that is dialled answers */
    struct conf_unit_map *unit_map; /* NULL: no unit, see conf_unit */
    struct conf_expect *expect;     /* all must hold; none: whoever is on the port is the device */
    size_t expect_count;
    bool listens; /* true: `listen`, the hospital dials in; false: `connect` */
    struct conf_address listen;
    struct conf_address *connect;
    size_t connect_count;
    char *server_name;       /* connect: name expected instead of the host; listen: SNI that chooses
                                this device besides its certificate's dNSNames. NULL: not given */
    struct name_rule *allow; /* connect without `allow`: none, as the server_name or the host that
                                is dialled is the rule then */
    size_t allow_count;
    char *certificate;
    char *key;
    struct identity_files files; /* private to conf: these two when they were read */
    char *trust_name;
    struct identity *identity;              /* loaded and held */
    struct trust *trust;                    /* held; the same object as the conf_trust's */
    const struct conf_trust *trust_section; /* lives as long as the device */
    enum conf_revocation revocation;        /* the device's own or the trust's: what counts */
    uint32_t grace_s;                       /* likewise; 0 unless revocation is grace */
    bool writes_need_good;                  /* Modbus: writes pass only on a verdict of good */
    enum conf_start start;
    enum conf_while_down while_down;
    bool writes_allowed;
    uint32_t gap_ms;    /* silence that ends a message (gap), or the wait after CR (line) */
    uint32_t max_frame; /* bytes */
    uint32_t max_links; /* links at once of this device */
    uint32_t response_timeout_ms;
    uint32_t char_timeout_ms;    /* modbus-ascii: the longest pause inside a frame */
    uint32_t request_timeout_ms; /* of waiting in the queue, from the arrival on */
    uint32_t write_lease_ms;     /* 0: anybody may write at any time */
    uint32_t dial_timeout_ms;
    uint32_t handshake_timeout_ms;
    uint32_t idle_timeout_ms; /* 0: never */
    uint32_t drain_timeout_ms;
    uint32_t retry_min_ms;
    uint32_t retry_max_ms;
    const struct conf_access *access; /* Modbus; NULL: no role section is about the device. Not part
                                         of what is compared: a changed role restarts nothing */
    char *canonical;  /* the section as sorted "key=value" lines, absolute paths: for comparing */
    struct span text; /* private to conf: the section as it was written */
    const char *file;
    int line_number; /* of the section's header */
};

struct conf {
    char *path; /* of the main file, absolute */
    struct conf_gateway gateway;
    struct conf_trust *trusts;
    size_t trust_count;
    struct conf_role *roles;
    size_t role_count;
    struct conf_device *devices;
    size_t device_count;
    struct problems *warnings; /* what is allowed, and hardly meant */
    /* private to conf: */
    struct index by_name; /* the devices */
    struct pool *pool;    /* owns all that is this configuration's alone: arrays, trusts, roles */
    struct shared shared; /* what came of the devices' sections */
};

/* Read the file, its includes, every certificate and key. now_s: wall clock in seconds since 1970.
 * Returns a configuration, or NULL when anything at all is wrong: every problem is then in
 * *problems (which the caller made with problems_new and frees). tls_init must have run. */
struct conf *conf_load(const char *path, int64_t now_s, struct problems *problems);

/* The same for a reload. `before` (NULL: none) is the configuration in force, only read; it must
 * live until this returns. A trust or identity whose files and settings are the same is taken over
 * from it, held once more: what was found out with it stays good. So is what came of a device's
 * section when nobody has touched its text, nor its trust's. Certificates and keys that nobody has
 * touched since are looked at and not read; for that, now_s must be the clock of the files'
 * times. */
struct conf *conf_load_anew(const char *path, int64_t now_s, const struct conf *before,
                            struct problems *problems);

/* Releases everything including identities and trusts. NULL is fine. */
void conf_free(struct conf *c);

/* Read only what finds the running gateway: the control path of the file. Returns a new string
 * (caller frees with mem_free) or NULL with problems. */
char *conf_find_control(const char *path, struct problems *problems);

/* The device of that section, NULL: none. */
const struct conf_device *conf_find_device(const struct conf *c, const char *name);

/* Which unit of the side that answers a master's unit (0 to 255) stands for; -1: none. */
int16_t conf_unit(const struct conf_device *d, unsigned unit);

/* The role of that section, NULL: none. */
const struct conf_role *conf_find_role(const struct conf *c, const char *name);

/* The roles of a peer that count for a device, bit per role. cert_der: its certificate; role: what
 * that says in its role extension, "" for none. Nobody has a role because of an empty text. */
uint64_t conf_access_roles(const struct conf_access *a, struct span cert_der, const char *role);

/* The same for a peer with this one subjectAltName and no role in its certificate. */
uint64_t conf_access_roles_of_name(const struct conf_access *a, const struct name_rule *name);

/* What a reload must do for one device. */
enum conf_change {
    CONF_SAME,        /* nothing differs */
    CONF_CREDENTIALS, /* same section, new certificate, key or trust files: for the next link */
    CONF_CHANGED,     /* the section (or its trust's section) differs: restart the device */
};
enum conf_change conf_compare_device(const struct conf_device *a, const struct conf_device *b);

/* Say both sections the same? Not what is in their files. NULL: there is no section, which is like
 * no other. What devices inherit is theirs. */
bool conf_trust_is_same(const struct conf_trust *a, const struct conf_trust *b);

/* Words for messages and status: "serial", "mllp" … Never NULL. */
const char *conf_protocol_name(enum conf_protocol p);

/* Is it one of the Modbus protocols? */
bool conf_is_modbus(enum conf_protocol p);

/* "hard", "grace", "soft", "off". Never NULL. */
const char *conf_revocation_name(enum conf_revocation r);

/* The same for the judge; what is none of them is judged as hard. */
enum judge_policy conf_judge_policy(enum conf_revocation r);

#endif
