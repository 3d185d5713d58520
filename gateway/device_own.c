/* A device's own certificate: judged like a peer's, and not presented once it is revoked or over.
 */
#include <stdio.h>
#include <string.h>

#include "certs/der.h"
#include "gateway/device_private.h"
#include "gateway/log.h"

/* Whatever a technician did about it takes effect by itself: links that wait dial again. */
static void device_own_resume(struct device *d)
{
    struct session *next = NULL;
    for (struct session *s = d->sessions; s != NULL; s = next) {
        next = *session_next_slot(s);
        enum session_state state = session_state(s);
        bool is_ready = !d->host.is_unbound && (d->port == NULL || session_has_local(s));
        if (is_ready && (state == SESSION_STATE_DOWN || state == SESSION_STATE_WAITING)) {
            session_start(s);
        }
    }
}

static void device_own_cut(struct device *d, const struct fault *f)
{
    struct session *next = NULL;
    for (struct session *s = d->sessions; s != NULL; s = next) {
        next = *session_next_slot(s);
        if (session_is_alive(s)) {
            session_break(s, f);
        }
    }
}

static void device_own_weigh(struct device *d)
{
    struct inquiry_state now;
    inquiry_look(&d->own_seat, &now);
    bool is_refused = d->own_seat.inquiry != NULL && now.is_settled && !now.accepted;
    if (is_refused == d->host.is_withdrawn) {
        return;
    }
    d->host.is_withdrawn = is_refused;
    if (!is_refused) {
        log_event(CONF_LOG_INFO, d->host.conf->name, "own-certificate-good-again", NULL, 0);
        device_own_resume(d);
        return;
    }
    struct fault f = {0};
    enum fault_code code = now.is_blocked                ? FAULT_BLOCKED
                           : now.kind == VERDICT_REVOKED ? FAULT_REVOKED
                                                         : FAULT_EXPIRED;
    fault_set(&f, code, FAULT_SIDE_SELF, now.sentence, NULL);
    device_note_fault(d, &f);
    log_fault(CONF_LOG_ERROR, d->host.conf->name, "own-certificate-withdrawn", &f);
    device_own_cut(d, &f);
}

static void device_own_on_verdict(void *owner)
{
    struct device *d = owner;
    if (!d->stopping) {
        device_own_weigh(d);
    }
}

void device_own_ask(struct device *d)
{
    struct span chain[TLS_CHAIN_MAX];
    struct span rest = identity_chain_der(d->host.identity);
    size_t count = 0;
    while (count < TLS_CHAIN_MAX && der_take_whole(&rest, &chain[count])) {
        count++;
    }
    const struct inquiry_question question = {
        .trust = d->host.trust,
        .device = d->host.conf,
        .who = d->host.conf->listens ? INQUIRY_OWN_SERVER : INQUIRY_OWN_CLIENT,
        .chain = chain,
        .count = count,
    };
    inquiry_leave(&d->own_seat);
    d->own_seat.on_verdict = device_own_on_verdict;
    d->own_seat.owner = d;
    if (count == 0 || !inquiry_join(d->settings.revocation, &d->own_seat, &question)) {
        struct fault f = {0};
        fault_set(&f, FAULT_MEMORY, FAULT_SIDE_SELF,
                  "the device's own certificate cannot be watched: no memory", NULL);
        log_fault(CONF_LOG_ERROR, d->host.conf->name, "own-certificate-unwatched", &f);
    }
    device_own_weigh(d);
}

void device_own_snapshot(const struct device *d, struct snapshot_device *out)
{
    struct inquiry_state now;
    const char *name = d->host.conf->name;
    out->revocation = conf_revocation_name(d->host.conf->revocation);
    out->is_blocked = revocation_is_blocked(d->settings.revocation, name);
    out->break_glass_until_s = revocation_grant_until_s(d->settings.revocation, name);
    if (d->own_seat.inquiry == NULL) {
        return;
    }
    inquiry_look(&d->own_seat, &now);
    (void)snprintf(out->own_verdict, sizeof out->own_verdict, "%s",
                   now.is_blocked ? "blocked" : verdict_name(now.kind));
    (void)snprintf(out->own_evidence, sizeof out->own_evidence, "%.*s", SNAPSHOT_EVIDENCE_MAX - 1,
                   now.evidence);
    out->own_until_s = now.is_blocked || now.valid_until_s == INT64_MAX ? 0 : now.valid_until_s;
}

size_t device_unchecked(const struct device *d)
{
    size_t count = 0;
    for (struct session *s = d->sessions; s != NULL; s = *session_next_slot(s)) {
        count += session_is_unchecked(s) ? 1 : 0;
    }
    return count;
}
