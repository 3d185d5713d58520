/*
 * What status shows: a plain copy of the gateway's state at one moment.
 *
 * Floor 3. Filled by gateway.c and device.c for the control socket; freed by snapshot_free.
 */
#ifndef WARDGATE_SNAPSHOT_H
#define WARDGATE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/identity.h"
#include "protocols/fault.h"

/* One secure link of a device. */
struct snapshot_link {
    char state[16]; /* "up", "dialing", "handshake", "checking", "waiting" … */
    char peer[128]; /* ADDRESS:PORT */
    char peer_subject[256];
    char peer_serial[64];
    char tls[16]; /* "TLSv1.3", "" before the handshake */
    char suite[48];
    char verdict[24]; /* "not checked" … "" before CHECKING */
    int64_t since_s;
};

enum { SNAPSHOT_LINKS_MAX = 16 };

struct snapshot_device {
    const char *name; /* borrowed from the configuration: valid in this loop turn */
    const char *description;
    const char *port;
    const char *protocol;
    char state[16];  /* of the link that matters most: up before handshake before waiting,
                        or "listening", "device-gone" */
    char words[160]; /* "device silent 42 s", "waiting 8 s to dial hl7a" */
    bool port_open;  /* the device's side is there */
    int64_t since_s; /* wall clock when `state` began */
    bool revocation_off;
    struct cert_facts certificate;
    int64_t days_left;
    uint64_t device_to_server_bytes, device_to_server_messages;
    uint64_t server_to_device_bytes, server_to_device_messages;
    uint64_t lost_bytes;     /* dropped while the link was down, cut messages */
    uint64_t junk_bytes;     /* belonged to no frame */
    uint64_t line_errors;    /* parity, framing, overrun */
    uint64_t sessions;       /* links that reached UP since the start */
    uint64_t refusals;       /* peers that were refused */
    struct fault last_fault; /* code NONE: never had one */
    int64_t last_fault_at_s;
    struct snapshot_link links[SNAPSHOT_LINKS_MAX];
    size_t link_count; /* how many are shown */
    size_t link_total; /* how many there are */
};

struct snapshot {
    const char *name; /* borrowed like the device's strings */
    const char *version;
    uint64_t generation;
    int64_t loaded_at_s;
    int64_t now_s;
    struct snapshot_device *devices;
    size_t device_count;
};

#endif
