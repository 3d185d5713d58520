/* What status shows of a device: its counters, and its state in words of a technician. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/device_private.h"

enum {
    DEVICE_SILENT_MS = 10000, /* a device that says nothing for so long is called silent */
    SECONDS_PER_DAY = 86400,
};

/* How much a link's state matters to the one who looks. */
static int device_rank(const struct session *s)
{
    switch (session_state(s)) {
    case SESSION_STATE_UP:
        return 6;
    case SESSION_STATE_CHECKING:
    case SESSION_STATE_HANDSHAKE:
        return 5;
    case SESSION_STATE_DIALING:
        return 4;
    case SESSION_STATE_DRAINING:
    case SESSION_STATE_STOPPING:
        return 3;
    case SESSION_STATE_CLOSING:
    case SESSION_STATE_WAITING:
        return 2;
    case SESSION_STATE_DOWN:
        return 1;
    case SESSION_STATE_ENDED:
    case SESSION_STATES:
        break;
    }
    return 0;
}

static const struct session *device_main_session(const struct device *d)
{
    const struct session *best = NULL;
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        if (best == NULL || device_rank(s) > device_rank(best)) {
            best = s;
        }
    }
    return best;
}

static const struct fault *device_port_fault(const struct device *d)
{
    if (d->host.bus != NULL) {
        return bus_device_fault(d->host.bus);
    }
    if (d->host.master != NULL) {
        return master_fault(d->host.master);
    }
    if (d->port != NULL && port_endpoint(d->port) == NULL) {
        return port_fault(d->port);
    }
    return NULL;
}

static uint64_t device_last_word_ms(const struct device *d)
{
    if (d->host.master != NULL) {
        return master_counters(d->host.master)->last_answer_ms;
    }
    return d->host.bus != NULL ? bus_device_counters(d->host.bus)->last_answer_ms
                               : d->host.device_data_ms;
}

static void device_words_up(const struct device *d, const struct session *s,
                            struct snapshot_device *out)
{
    uint64_t now_ms = io_now_ms(d->settings.io);
    uint64_t last_ms = device_last_word_ms(d);
    uint64_t silent_ms = now_ms - (last_ms != 0 ? last_ms : d->started_ms);
    bool is_there = d->host.master != NULL ? master_is_there(d->host.master)
                                           : d->host.bus != NULL || session_has_local(s);
    if (!is_there) {
        (void)snprintf(out->words, sizeof out->words, "ready; the device is not connected");
    } else if (device_bus_words(d, out)) {
        return;
    } else if (silent_ms < DEVICE_SILENT_MS) {
        (void)snprintf(out->words, sizeof out->words,
                       last_ms != 0 ? "data flows" : "link up, no data yet");
    } else {
        (void)snprintf(out->words, sizeof out->words, "device silent %" PRIu64 " s",
                       silent_ms / 1000);
    }
}

static void device_words_waiting(const struct device *d, const struct session *s,
                                 struct snapshot_device *out)
{
    uint64_t left_s = (session_wait_left_ms(s) + 999) / 1000;
    if (d->port != NULL && !session_has_local(s)) {
        (void)snprintf(out->words, sizeof out->words, "waiting for the device");
    } else if (left_s == 0) {
        (void)snprintf(out->words, sizeof out->words, "waiting for the device's first byte");
    } else if (session_own_refused(s)) {
        (void)snprintf(out->words, sizeof out->words,
                       "server refused our certificate; next try in %" PRIu64 " s", left_s);
    } else {
        (void)snprintf(out->words, sizeof out->words, "waiting %" PRIu64 " s to dial %.100s",
                       left_s, session_server(s));
    }
}

static void device_words_session(const struct device *d, const struct session *s,
                                 struct snapshot_device *out)
{
    enum session_state state = session_state(s);
    (void)snprintf(out->state, sizeof out->state, "%s", session_table_state_name(state));
    struct snapshot_link link;
    session_snapshot(s, &link);
    out->since_s = link.since_s;
    if (state == SESSION_STATE_UP) {
        device_words_up(d, s, out);
    } else if (state == SESSION_STATE_WAITING || state == SESSION_STATE_DOWN) {
        device_words_waiting(d, s, out);
    } else if (state == SESSION_STATE_DIALING) {
        (void)snprintf(out->words, sizeof out->words, "dialing %.100s", link.peer);
    } else if (state == SESSION_STATE_HANDSHAKE || state == SESSION_STATE_CHECKING) {
        (void)snprintf(out->words, sizeof out->words, "TLS handshake with %.100s", link.peer);
    } else {
        (void)snprintf(out->words, sizeof out->words, "link is closing");
    }
}

/* A device that dials in is there while a connection of it is. */
static bool device_is_there(const struct device *d, const struct fault *gone)
{
    if (d->host.conf->port.kind != CONF_PORT_TCP_LISTEN) {
        return gone == NULL;
    }
    if (d->host.master != NULL) {
        return master_is_there(d->host.master);
    }
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        if (session_has_local(s)) {
            return true;
        }
    }
    return false;
}

static void device_words(const struct device *d, struct snapshot_device *out)
{
    const struct fault *gone = device_port_fault(d);
    const struct session *s = device_main_session(d);
    out->port_open = device_is_there(d, gone);
    out->since_s = d->port_since_s;
    if (d->stopping) {
        (void)snprintf(out->state, sizeof out->state, "stopping");
        (void)snprintf(out->words, sizeof out->words, "stopping");
    } else if (d->host.is_withdrawn) {
        (void)snprintf(out->state, sizeof out->state, "withdrawn");
        (void)snprintf(out->words, sizeof out->words, "%s",
                       out->is_blocked ? "blocked here" : "its certificate is revoked or over");
    } else if (gone != NULL) {
        (void)snprintf(out->state, sizeof out->state, "device-gone");
        (void)snprintf(out->words, sizeof out->words, "%s",
                       gone->code != FAULT_NONE ? fault_text(gone) : "opening the device's port");
    } else if (d->host.is_unbound) {
        device_binding_snapshot(d, out);
    } else if (s != NULL) {
        device_words_session(d, s, out);
    } else if (d->host.conf->listens) {
        (void)snprintf(out->state, sizeof out->state, "listening");
        (void)snprintf(out->words, sizeof out->words, "no peer is connected");
    } else {
        (void)snprintf(out->state, sizeof out->state, "down");
        (void)snprintf(out->words, sizeof out->words, "waiting for the device to connect");
    }
}

static void device_snapshot_counters(struct device *d, struct snapshot_device *out)
{
    const struct session_host *h = &d->host;
    out->device_to_server_bytes = h->up.bytes;
    out->device_to_server_messages = h->up.messages;
    out->server_to_device_bytes = h->down.bytes;
    out->server_to_device_messages = h->down.messages;
    out->lost_bytes = h->up.lost + h->down.lost;
    out->junk_bytes = h->up.junk + h->down.junk;
    out->sessions = h->sessions;
    out->refusals = h->refusals;
    out->last_fault = h->last_fault;
    out->last_fault_at_s = h->last_fault_at_s;
    if (h->bus != NULL) {
        out->junk_bytes += bus_device_counters(h->bus)->junk_bytes;
        out->line_errors = bus_device_counters(h->bus)->line_errors;
    } else if (h->master != NULL) {
        out->junk_bytes += master_counters(h->master)->junk_bytes;
        out->line_errors = master_counters(h->master)->line_errors;
    } else if (d->port != NULL) {
        out->line_errors = port_line_errors(d->port);
    }
}

size_t device_shown_links(const struct device *d)
{
    size_t count = 0;
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        count++;
    }
    return count < SNAPSHOT_LINKS_MAX ? count : SNAPSHOT_LINKS_MAX;
}

static void device_snapshot_links(const struct device *d, struct snapshot_device *out)
{
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        if (out->link_count < SNAPSHOT_LINKS_MAX) {
            session_snapshot(s, &out->links[out->link_count++]);
        }
        out->link_total++;
    }
}

void device_snapshot(struct device *d, struct snapshot_device *out, struct snapshot_link *links)
{
    const struct conf_device *conf = d->host.conf;
    *out = (struct snapshot_device){
        .name = conf->name,
        .description = conf->description,
        .port = conf->port.text,
        .protocol = conf_protocol_name(conf->protocol),
        .revocation_off = conf->revocation == CONF_REVOCATION_OFF,
        .certificate = *identity_facts(d->host.identity),
        .links = links,
    };
    int64_t left_s = out->certificate.not_after_s - io_wall_s();
    out->days_left = left_s >= 0 ? left_s / SECONDS_PER_DAY : -1;
    out->identity = d->binding != NULL ? binding_state_name(binding_state(d->binding)) : "";
    device_own_snapshot(d, out);
    device_words(d, out);
    device_snapshot_counters(d, out);
    device_bus_snapshot(d, out);
    device_master_snapshot(d, out);
    device_snapshot_links(d, out);
}
