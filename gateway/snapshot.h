/*
 * What status shows: a plain copy of the gateway's state at one moment.
 *
 * Floor 3. Filled by gateway.c, device_status.c and revocation.c for the control socket; ended with
 * snapshot_free. `const char *` is borrowed: it lives until the loop runs on. Arrays belong to the
 * snapshot. Moments are seconds since 1970, 0 for never or none.
 */
#ifndef WARDGATE_SNAPSHOT_H
#define WARDGATE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/identity.h"
#include "protocols/fault.h"

enum { SNAPSHOT_EVIDENCE_MAX = 160, SNAPSHOT_PLACE_MAX = 256, SNAPSHOT_TROUBLE_MAX = 200 };

/* One secure link of a device. */
struct snapshot_link {
    char state[16]; /* "up", "dialing", "handshake", "checking", "waiting" … */
    char peer[128]; /* ADDRESS:PORT */
    char peer_subject[256];
    char peer_serial[64];
    char tls[16]; /* "TLSv1.3", "" before the handshake */
    char suite[48];
    char verdict[24]; /* of the peer: "good", "not checked" … "" before CHECKING */
    char evidence[SNAPSHOT_EVIDENCE_MAX]; /* what the verdict rests on: "CRL 1C of …"; may be "" */
    int64_t verdict_until_s;              /* asked again then, at the latest; 0: no end */
    int64_t since_s;
    bool is_master;  /* it asks a Modbus device: what follows means something */
    bool has_rules;  /* on that device only roles may do anything */
    char roles[256]; /* role sections that it belongs to: "Service, Operator" */
    char role[256];  /* what its certificate says; "": none, as: */
    char role_fault[64];
    uint64_t requests, denied, failed; /* made; answered here by 01; by another exception */
};

enum { SNAPSHOT_LINKS_MAX = 16, SNAPSHOT_SILENT_MAX = 8 };

/* What became of the writes to a Modbus device; sent ones are confirmed, refused, unknown, or on
 * the wire now. */
struct snapshot_writes {
    uint64_t sent, confirmed, refused, unknown, unsent;
};

/* What became of the requests to a Modbus device, or of one that is a master. */
struct snapshot_requests {
    uint64_t sent, answered;
    uint64_t denied, malformed, busy, unavailable, no_answer; /* exceptions 01, 03, 06, 0A, 0B */
};

/* A unit that does not answer. */
struct snapshot_silent {
    unsigned unit;
    int64_t again_in_s; /* 0: with the next read */
};

struct snapshot_device {
    const char *name;
    const char *description;
    const char *port;
    const char *protocol;
    char state[16];         /* of the link that matters most: up before handshake before waiting,
                               or "listening", "device-gone" */
    char words[160];        /* "device silent 42 s", "waiting 8 s to dial hl7a" */
    bool port_open;         /* the device's side is there */
    const char *identity;   /* "bound", "stranger", "silent", "asking", "away"; "": not asked for */
    int64_t since_s;        /* wall clock when `state` began */
    bool revocation_off;    /* shown as "off" or "on" when `revocation` is NULL */
    const char *revocation; /* "hard", "grace", "soft", "off" */
    struct cert_facts certificate;
    int64_t days_left;
    char own_verdict[24]; /* of its own certificate; "": not asked yet */
    char own_evidence[SNAPSHOT_EVIDENCE_MAX];
    int64_t own_until_s;
    int64_t break_glass_until_s; /* 0: no grant is in force */
    bool is_blocked;
    uint64_t device_to_server_bytes, device_to_server_messages;
    uint64_t server_to_device_bytes, server_to_device_messages;
    uint64_t lost_bytes;  /* dropped while the link was down, cut messages */
    uint64_t junk_bytes;  /* belonged to no frame */
    uint64_t line_errors; /* parity, framing, overrun */
    uint64_t sessions;    /* links that reached UP since the start */
    uint64_t refusals;    /* peers that were refused */
    bool has_bus;         /* Modbus, side = unit: what follows means something */
    bool is_master; /* Modbus, side = master: of what follows requests, late answers, masters */
    struct snapshot_requests requests;
    uint64_t late_answers, collisions;
    size_t masters; /* that are connected */
    struct snapshot_writes writes;
    char lease_holder[200]; /* who alone may write now; "": nobody */
    int64_t lease_until_s;
    struct snapshot_silent silent[SNAPSHOT_SILENT_MAX];
    size_t silent_total;     /* there may be more than are shown */
    struct fault last_fault; /* code NONE: never had one */
    int64_t last_fault_at_s;
    struct snapshot_link *links; /* borrowed: they are the snapshot's */
    size_t link_count;           /* how many are shown: SNAPSHOT_LINKS_MAX at most */
    size_t link_total;           /* how many there are */
};

/* One CRL that is held under a trust. */
struct snapshot_crl {
    char issuer[256];
    char number[44]; /* hexadecimal; "": it has none */
    int64_t this_update_s;
    int64_t next_update_s; /* 0: it names none */
    size_t entries;
    bool is_delta;
    bool is_verified; /* false: it waits for a path that shows its issuer, and counts for nothing */
    char source[SNAPSHOT_PLACE_MAX];
};

/* One value of `crl`: where CRLs come from. */
struct snapshot_source {
    char place[SNAPSHOT_PLACE_MAX];
    const char *kind;                   /* "file", "folder", "url" */
    int64_t last_good_s;                /* 0: never */
    int64_t next_s;                     /* when it is read again; 0: when it changes */
    char trouble[SNAPSHOT_TROUBLE_MAX]; /* of the last reading; "": none */
};

struct snapshot_trust {
    const char *name;
    const char *revocation; /* "hard", "grace", "soft", "off" */
    const char *weak;       /* algorithms that are let in; "": none */
    struct snapshot_crl *crls;
    size_t crl_count;
    struct snapshot_source *sources;
    size_t source_count;
    size_t answers; /* OCSP answers held */
};

/* One entry of the block list. */
struct snapshot_block {
    const char *kind; /* "serial", "fingerprint", "device" */
    const char *value, *reason;
    int64_t at_s;
};

/* Break-glass of one device. */
struct snapshot_grant {
    const char *device, *reason;
    int64_t at_s, until_s;
};

struct snapshot {
    const char *name;
    const char *version;
    uint64_t generation;
    int64_t loaded_at_s;
    int64_t now_s;
    const char *clock; /* "unset", "floor", "synced", "drifted"; NULL: nobody looks at it */
    bool clock_trusted;
    uint64_t stall_ms;  /* the longest time that the loop was busy in one turn */
    uint64_t unchecked; /* open sessions without a verdict: must be 0 */
    struct snapshot_device *devices;
    size_t device_count;
    struct snapshot_link *links; /* of all devices: most have one */
    struct snapshot_trust *trusts;
    size_t trust_count;
    struct snapshot_block *blocks;
    size_t block_count;
    struct snapshot_grant *grants;
    size_t grant_count;
};

/* Give the arrays back; an empty snapshot is fine, and *s is one afterwards. */
void snapshot_free(struct snapshot *s);

#endif
