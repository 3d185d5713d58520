#include "gateway/status.h"

#include <string.h>

#include "certs/mem.h"
#include "gateway/jsontext.h"
#include "gateway/status_modbus.h"
#include "gateway/status_revocation.h"

static bool set_flag(json_t *object, const char *key, bool flag)
{
    return json_object_set_new(object, key, json_boolean(flag)) == 0;
}

/* Both directions of one counter. NULL: no memory. */
static json_t *both_ways(uint64_t to_server, uint64_t to_device)
{
    json_t *object = json_object();
    if (!jsontext_set_count(object, "device_to_server", to_server) ||
        !jsontext_set_count(object, "server_to_device", to_device)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* What is known of the revocation of whom the object is about. */
static bool set_verdict(json_t *object, const char *verdict, const char *evidence, int64_t until_s)
{
    return jsontext_set(object, "verdict", verdict) && jsontext_set(object, "evidence", evidence) &&
           jsontext_set_time(object, "verdict_until", until_s);
}

static json_t *certificate_object(const struct snapshot_device *d)
{
    json_t *object = json_object();
    if (!jsontext_set(object, "subject", d->certificate.subject) ||
        !jsontext_set(object, "issuer", d->certificate.issuer) ||
        !jsontext_set(object, "serial", d->certificate.serial) ||
        !jsontext_set(object, "fingerprint", d->certificate.fingerprint) ||
        !jsontext_set_time(object, "not_before", d->certificate.not_before_s) ||
        !jsontext_set_time(object, "not_after", d->certificate.not_after_s) ||
        !jsontext_set_number(object, "days_left", d->days_left) ||
        !set_verdict(object, d->own_verdict, d->own_evidence, d->own_until_s)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *fault_object(const struct fault *f, int64_t at_s)
{
    if (f->code == FAULT_NONE) {
        return json_null();
    }
    json_t *object = json_object();
    if (!jsontext_set(object, "code", fault_code_name(f->code)) ||
        !jsontext_set(object, "side", fault_side_name(f->side)) ||
        !jsontext_set(object, "text", fault_text(f)) || !jsontext_set(object, "note", f->note) ||
        !jsontext_set_time(object, "at", at_s)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* What is known of a link's other end; all empty when there is no link. */
static bool set_peer(json_t *object, const struct snapshot_link *link)
{
    static const struct snapshot_link nobody = {0};
    const struct snapshot_link *l = link != NULL ? link : &nobody;
    return jsontext_set(object, "peer", l->peer) &&
           jsontext_set(object, "peer_subject", l->peer_subject) &&
           jsontext_set(object, "peer_serial", l->peer_serial) &&
           jsontext_set(object, "tls", l->tls) && jsontext_set(object, "suite", l->suite) &&
           set_verdict(object, l->verdict, l->evidence, l->verdict_until_s);
}

static json_t *links_array(const struct snapshot_device *d)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < d->link_count; i++) {
        json_t *object = json_object();
        bool is_made = jsontext_set(object, "state", d->links[i].state) &&
                       jsontext_set_time(object, "since", d->links[i].since_s) &&
                       set_peer(object, &d->links[i]) &&
                       status_modbus_set_link(object, &d->links[i]);
        /* json_array_append_new takes the object over, also when it fails. */
        if (!is_made || json_array_append_new(array, json_incref(object)) != 0) {
            json_decref(array);
            array = NULL;
        }
        json_decref(object);
    }
    return array;
}

static const struct snapshot_link *main_link(const struct snapshot_device *d)
{
    for (size_t i = 0; i < d->link_count; i++) {
        if (strcmp(d->links[i].state, "up") == 0) {
            return &d->links[i];
        }
    }
    return d->link_count > 0 ? &d->links[0] : NULL;
}

static const char *revocation_word(const struct snapshot_device *d)
{
    if (d->revocation != NULL) {
        return d->revocation;
    }
    return d->revocation_off ? "off" : "on";
}

static bool set_state(json_t *object, const struct snapshot_device *d)
{
    return jsontext_set(object, "name", d->name) &&
           jsontext_set(object, "description", d->description) &&
           jsontext_set(object, "port", d->port) && jsontext_set(object, "protocol", d->protocol) &&
           jsontext_set(object, "state", d->state) && jsontext_set(object, "words", d->words) &&
           jsontext_set_time(object, "since", d->since_s) &&
           set_flag(object, "port_open", d->port_open) &&
           jsontext_set(object, "identity", d->identity != NULL ? d->identity : "") &&
           jsontext_set(object, "revocation", revocation_word(d)) &&
           set_flag(object, "blocked", d->is_blocked) &&
           jsontext_set_time(object, "break_glass_until", d->break_glass_until_s);
}

static bool set_counters(json_t *object, const struct snapshot_device *d)
{
    return json_object_set_new(object, "bytes",
                               both_ways(d->device_to_server_bytes, d->server_to_device_bytes)) ==
               0 &&
           json_object_set_new(
               object, "messages",
               both_ways(d->device_to_server_messages, d->server_to_device_messages)) == 0 &&
           jsontext_set_count(object, "lost_bytes", d->lost_bytes) &&
           jsontext_set_count(object, "junk_bytes", d->junk_bytes) &&
           jsontext_set_count(object, "line_errors", d->line_errors) &&
           jsontext_set_count(object, "sessions", d->sessions) &&
           jsontext_set_count(object, "refusals", d->refusals);
}

static json_t *device_object(const struct snapshot_device *d)
{
    json_t *object = json_object();
    if (!set_state(object, d) || !set_peer(object, main_link(d)) ||
        json_object_set_new(object, "certificate", certificate_object(d)) != 0 ||
        !set_counters(object, d) || !status_modbus_set(object, d) ||
        json_object_set_new(object, "last_fault",
                            fault_object(&d->last_fault, d->last_fault_at_s)) != 0 ||
        json_object_set_new(object, "links", links_array(d)) != 0 ||
        !jsontext_set_count(object, "link_total", d->link_total)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *gateway_object(const struct snapshot *s)
{
    json_t *object = json_object();
    if (!jsontext_set(object, "name", s->name) || !jsontext_set(object, "version", s->version) ||
        !jsontext_set_count(object, "generation", s->generation) ||
        !jsontext_set_time(object, "loaded_at", s->loaded_at_s) ||
        !jsontext_set_time(object, "now", s->now_s) || !jsontext_set(object, "clock", s->clock) ||
        !set_flag(object, "clock_trusted", s->clock_trusted) ||
        !jsontext_set_count(object, "stall_ms", s->stall_ms) ||
        !jsontext_set_count(object, "unchecked", s->unchecked)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* `len` bytes more. */
static void add_text(struct status_text *t, const char *text, size_t len)
{
    if (t->has_failed) {
        return;
    }
    if (t->room - t->len <= len) { /* one for the end */
        size_t room = 2 * (t->len + len + 1);
        /* Not mem_grow: to copy megabytes takes tens of milliseconds where memory comes slowly. */
        char *more = mem_library_resize(t->text, room);
        if (more == NULL) {
            t->has_failed = true;
            return;
        }
        t->text = more;
        t->room = room;
    }
    memcpy(t->text + t->len, text, len);
    t->len += len;
}

/* The object without the `left_off` bytes of its end, which it gives back. NULL: no memory. */
static void add_object(struct status_text *t, json_t *object, size_t left_off)
{
    char *text = jsontext_dump(object);
    json_decref(object);
    if (text == NULL) {
        t->has_failed = true;
    } else {
        add_text(t, text, strlen(text) - left_off);
    }
    mem_free(text);
}

void status_begin(struct status_text *t, const struct snapshot *s)
{
    static const char devices[] = ",\"devices\":[";
    json_t *root = json_object();
    status_forget(t);
    bool is_made = json_object_set_new(root, "gateway", gateway_object(s)) == 0 &&
                   status_revocation_set(root, s);
    t->has_failed = !is_made;
    add_object(t, root, strlen("}\n"));
    add_text(t, devices, strlen(devices));
}

void status_add_devices(struct status_text *t, const struct snapshot *s)
{
    for (size_t i = 0; i < s->device_count && !t->has_failed; i++) {
        add_text(t, ",", t->has_devices ? 1 : 0);
        add_object(t, device_object(&s->devices[i]), strlen("\n"));
        t->has_devices = true;
    }
}

char *status_take(struct status_text *t)
{
    static const char end[] = "]}\n";
    add_text(t, end, sizeof end); /* with its NUL */
    char *text = t->has_failed ? NULL : t->text;
    if (text != NULL) {
        t->text = NULL;
    }
    status_forget(t);
    return text;
}

void status_forget(struct status_text *t)
{
    mem_free(t->text);
    *t = (struct status_text){.text = NULL};
}
