/* Modbus links of a session: the device is on a bus, or it is a master itself. */
#include <stdio.h>

#include "gateway/session_private.h"

bool session_modbus_is(const struct session *s)
{
    return s->host->bus != NULL || s->host->master != NULL;
}

/* The last answer is through. */
static void session_modbus_idle(void *self)
{
    struct session *s = self;
    session_local_drain_on(s);
    session_check_finished(s);
}

void session_modbus_open(struct session *s)
{
    const struct modbus_link_owner owner = {
        .up = &s->host->up,
        .down = &s->host->down,
        .on_idle = session_modbus_idle,
        .self = s,
        .cert = inquiry_leaf(&s->seat),
        .is_client = s->host->conf->listens,
        .on_denied = session_log_denied,
    };
    s->modbus = s->host->master != NULL ? modbus_link_of_master(s->host->master, s->secure, &owner)
                                        : modbus_link_new(s->host->bus, s->secure, &owner);
    if (s->modbus == NULL) {
        struct fault f = {0};
        fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a Modbus link", NULL);
        session_break(s, &f);
        return;
    }
    session_secure_name_master(s);
    struct inquiry_state verdict;
    inquiry_look(&s->seat, &verdict);
    modbus_link_allow_writes(s->modbus, verdict.may_write);
}

bool session_modbus_drain(const struct session *s)
{
    return modbus_link_drain(s->modbus);
}

void session_modbus_snapshot(const struct session *s, struct snapshot_link *out)
{
    struct bus_look look;
    if (s->modbus == NULL || !modbus_link_look(s->modbus, &look)) {
        return;
    }
    out->is_master = true;
    out->has_rules = look.has_rules;
    out->requests = look.requests;
    out->denied = look.denied;
    out->failed = look.failed;
    (void)snprintf(out->roles, sizeof out->roles, "%s", look.roles); /* all of them fit */
    (void)snprintf(out->role, sizeof out->role, "%s", look.role);
    (void)snprintf(out->role_fault, sizeof out->role_fault, "%s", look.form);
}
