#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "certs/modbus_role.h"
#include "gateway/bus_private.h"
#include "gateway/permit.h"

enum {
    TELL_MOST = 5,        /* denials of one kind that are told … */
    TELL_SPAN_MS = 60000, /* … in this time */
    TELL_PLACE_MAX = 512, /* "FILE:LINE" */
};

/* Denials of one kind: a master that polls what it may not must not hide its writes. */
struct bus_tally {
    uint64_t since_ms;
    unsigned told;
    uint64_t untold;
};

/* Who a master is. */
struct bus_master {
    struct bus_tally tally[2]; /* [1]: writes */
    uint64_t roles;            /* under the device's present access */
    struct modbus_role role;
    void (*on_denied)(void *owner, const struct bus_denial *denial);
    size_t cert_len;
    uint8_t cert[];
};

/* The gateway's own question, who the device is, needs no role; nor does it ever write. */
static const struct conf_access *access_for(const struct bus_client *c)
{
    return c->asks_identity ? NULL : c->device->access;
}

/* Names that a role section's match is held against may have changed with it. */
static void find_roles(struct bus_client *c)
{
    struct bus_master *m = c->master;
    const struct conf_access *access = c->device->access;

    if (m != NULL) {
        m->roles = access == NULL
                       ? 0
                       : conf_access_roles(access, span_of(m->cert, m->cert_len), m->role.text);
    }
}

bool bus_client_use_peer(struct bus_client *c, const struct bus_peer *peer)
{
    struct bus_master *m = mem_new(1, sizeof *m + peer->cert.len);

    if (m == NULL) {
        return false;
    }
    m->on_denied = peer->on_denied;
    m->cert_len = peer->cert.len;
    if (peer->cert.len > 0) {
        memcpy(m->cert, peer->cert.data, peer->cert.len);
    }
    m->role.form = MODBUS_ROLE_NONE;
    /* the role is the client's; a server that we dial cannot give itself one. */
    if (peer->is_client) {
        modbus_role_read(peer->cert, &m->role);
    }
    mem_free(c->master);
    c->master = m;
    find_roles(c);
    return true;
}

void bus_device_use_time(struct bus_device *d, int32_t (*minute)(void *owner), void *owner)
{
    d->minute = minute;
    d->minute_owner = owner;
}

/* ---- telling ---- */

static void list_roles(const struct bus_client *c, char *to)
{
    const struct conf_access *access = c->device->access;
    uint64_t roles = c->master != NULL ? c->master->roles : 0;
    size_t used = 0;

    to[0] = '\0';
    for (size_t i = 0; access != NULL && i < access->role_count && used < BUS_ROLES_MAX; i++) {
        if ((roles >> i & 1U) != 0) {
            int len = snprintf(&to[used], BUS_ROLES_MAX - used, "%s%s", used > 0 ? ", " : "",
                               access->roles[i].name);
            used += len > 0 ? (size_t)len : 0;
        }
    }
}

static const char *form_of(const struct bus_master *m)
{
    return m->role.form == MODBUS_ROLE_GOOD ? "" : modbus_role_form_text(m->role.form);
}

void bus_client_look(const struct bus_client *c, struct bus_look *out)
{
    *out = (struct bus_look){
        .has_rules = c->device->access != NULL,
        .role = c->master != NULL ? c->master->role.text : "",
        .form = c->master != NULL ? form_of(c->master) : "",
        .requests = c->requests,
        .denied = c->denied,
        .failed = c->failed,
    };
    list_roles(c, out->roles);
}

/* Is there a place in the log for one more of this kind? */
static bool may_tell(struct bus_tally *t, uint64_t now_ms)
{
    if (t->told == 0 || now_ms - t->since_ms >= TELL_SPAN_MS) {
        t->since_ms = now_ms;
        t->told = 0;
    }
    if (t->told == TELL_MOST) {
        t->untold++;
        return false;
    }
    t->told++;
    return true;
}

static void tell(struct bus_client *c, const struct bus_request *q, const struct permit_answer *why)
{
    char roles[BUS_ROLES_MAX];
    char range[PERMIT_TEXT_MAX];
    char place[TELL_PLACE_MAX] = "";
    struct bus_master *m = c->master;

    if (m == NULL || m->on_denied == NULL) {
        return;
    }
    struct bus_tally *t = &m->tally[why->is_write ? 1 : 0];
    if (!may_tell(t, io_now_ms(c->device->bus->io))) {
        return;
    }
    list_roles(c, roles);
    permit_range_text(span_of(q->pdu, q->len), range);
    if (why->rule != NULL) {
        (void)snprintf(place, sizeof place, "%s:%d", why->rule->file, why->rule->line);
    }
    const struct bus_denial denial = {
        .roles = roles,
        .role = m->role.text,
        .form = form_of(m),
        .unit = q->unit,
        .function = q->pdu[0],
        .range = range,
        .rule = place,
        .why = why->why,
        .untold = t->untold,
    };
    t->untold = 0;
    m->on_denied(c->owner, &denial);
}

void bus_policy_forget(struct bus_client *c)
{
    struct bus_master *m = c->master;

    if (m == NULL) {
        return;
    }
    const struct bus_denial last = {.roles = "",
                                    .role = m->role.text,
                                    .form = "",
                                    .range = "",
                                    .rule = "",
                                    .why = "more like the ones that were told",
                                    .untold = m->tally[0].untold + m->tally[1].untold};
    if (last.untold > 0 && m->on_denied != NULL) {
        m->on_denied(c->owner, &last);
    }
    c->master = NULL;
    mem_wipe_free(m, sizeof *m + m->cert_len);
}

/* ---- judging ---- */

static int32_t minute_now(const struct bus_device *d)
{
    return d->minute != NULL ? d->minute(d->minute_owner) : MODBUS_POLICY_NO_TIME;
}

static void judge(const struct bus_client *c, const struct bus_request *q,
                  struct permit_answer *out)
{
    const struct bus_device *d = c->device;
    const struct permit_question question = {
        .takes_writes = d->conf->writes_allowed && !c->asks_identity,
        .is_unproven = c->writes_denied,
        .access = access_for(c),
        .roles = c->master != NULL ? c->master->roles : 0,
        .minute = access_for(c) != NULL ? minute_now(d) : MODBUS_POLICY_NO_TIME,
        .unit = q->bus_unit,
        .pdu = span_of(q->pdu, q->len),
    };

    permit_judge(&question, out);
}

enum modbus_exception bus_policy_judge_master(struct bus_client *c, const struct bus_request *q)
{
    struct permit_answer answer;

    if (access_for(c) == NULL || (c->master != NULL && c->master->roles != 0)) {
        return MODBUS_FINE;
    }
    judge(c, q, &answer);
    tell(c, q, &answer);
    return MODBUS_ILLEGAL_FUNCTION;
}

enum modbus_exception bus_policy_judge(struct bus_client *c, struct bus_request *q)
{
    struct permit_answer answer;

    judge(c, q, &answer);
    q->is_write = answer.is_write;
    if (answer.code == MODBUS_ILLEGAL_FUNCTION) {
        tell(c, q, &answer);
    }
    return answer.code;
}

/* ---- other rules ---- */

/* Judge again what waits, in its order. Who hears a refusal may leave. */
static void judge_waiting(struct bus *b, struct bus_client *c)
{
    struct bus_request q;

    for (size_t left = c->count; left > 0 && bus_queue_has(b, c); left--) {
        if (!bus_queue_take(c, &q)) {
            return;
        }
        enum modbus_exception code = bus_policy_judge(c, &q);
        if (code == MODBUS_FINE && !bus_queue_put(c, &q)) {
            code = MODBUS_BUSY;
        }
        if (code != MODBUS_FINE) {
            bus_client_refuse(c, &q, code);
        }
    }
}

void bus_device_use_access(struct bus_device *d, const struct conf_access *access)
{
    struct bus *b = d->bus;
    struct bus_client *next = NULL;

    d->access = access;
    for (struct bus_client *c = b->first; c != NULL; c = c->next) {
        if (c->device == d) {
            find_roles(c);
        }
    }
    for (struct bus_client *c = b->first; c != NULL; c = next) {
        next = c->next;
        if (c->device == d) {
            judge_waiting(b, c);
        }
        if (next != NULL && !bus_queue_has(b, next)) {
            next = b->first; /* who was judged already is judged alike */
        }
    }
}
