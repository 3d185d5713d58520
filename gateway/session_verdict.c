/* The verdict of a session: asked in CHECKING, heard again in UP for as long as the link lives. */
#include <assert.h>
#include <stdio.h>

#include "gateway/log.h"
#include "gateway/session_private.h"

bool session_verdict(const struct session *s, struct inquiry_state *out)
{
    inquiry_look(&s->seat, out);
    return s->seat.inquiry != NULL && out->is_settled;
}

static enum fault_code session_verdict_code(const struct inquiry_state *now)
{
    if (now->is_blocked) {
        return FAULT_BLOCKED;
    }
    if (now->kind == VERDICT_REVOKED) {
        return FAULT_REVOKED;
    }
    switch (now->time) {
    case PATH_TIME_OVER:
        return FAULT_EXPIRED;
    case PATH_TIME_AHEAD:
        return FAULT_NOT_YET;
    case PATH_TIME_FITS:
        break;
    }
    return FAULT_NO_VERDICT;
}

static void session_verdict_refuse(struct session *s, const struct inquiry_state *now)
{
    struct fault f = {0};
    fault_set(&f, session_verdict_code(now), FAULT_SIDE_CERTIFICATE, now->sentence, NULL);
    session_keep_fault(s, &f);
    session_event(s, SESSION_EVENT_REFUSED);
}

/* What does not pass as good leaves its mark, each time. */
static void session_verdict_tell(const struct session *s, const struct inquiry_state *now)
{
    const struct log_field fields[] = {
        LOG_TEXT("peer", s->peer_text),
        LOG_TEXT("peer_serial", s->peer_serial),
        LOG_TEXT("verdict", verdict_name(now->kind)),
        LOG_TEXT("policy", now->is_break_glass ? "break-glass"
                                               : conf_revocation_name(s->host->conf->revocation)),
        LOG_TEXT("note", now->sentence),
    };
    log_event(CONF_LOG_WARNING, s->host->conf->name, "verdict-tolerated", fields,
              sizeof fields / sizeof fields[0]);
}

/* The verdict is there, or it is another one now: in CHECKING it lets the link come up, in UP it
 * ends it or changes what may pass. Elsewhere the link is on its way out already. */
static void session_verdict_weigh(struct session *s)
{
    struct inquiry_state now;
    bool is_open = s->state == SESSION_STATE_CHECKING || s->state == SESSION_STATE_UP;
    inquiry_look(&s->seat, &now);
    if (!is_open || !now.is_settled) {
        return;
    }
    if (!now.accepted) {
        session_verdict_refuse(s, &now);
        return;
    }
    if (now.is_tolerated) {
        session_verdict_tell(s, &now);
    }
    if (s->state == SESSION_STATE_CHECKING) {
        session_event(s, SESSION_EVENT_ACCEPTABLE);
    } else if (s->modbus != NULL) {
        modbus_link_allow_writes(s->modbus, now.may_write);
    }
}

static void session_verdict_on_change(void *owner)
{
    session_verdict_weigh(owner);
}

void session_verdict_ask(struct session *s)
{
    const struct tls_peer *peer = session_secure_peer(s);
    assert(peer != NULL); /* CHECKING follows on_secure: the handshake is done */
    const struct inquiry_question question = {
        .trust = s->host->trust,
        .device = s->host->conf,
        .who = s->host->conf->listens ? INQUIRY_PEER_CLIENT : INQUIRY_PEER_SERVER,
        .chain = peer->chain,
        .count = peer->chain_count,
        .staple = peer->staple,
    };
    s->seat.on_verdict = session_verdict_on_change;
    s->seat.owner = s;
    bool is_asked = peer->chain_count > 0 && inquiry_join(s->host->revocation, &s->seat, &question);
    tls_engine_forget_chain(endpoint_tls(s->secure));
    if (!is_asked) {
        const struct inquiry_state none = {.kind = VERDICT_UNAVAILABLE,
                                           .sentence = "its chain cannot be judged: no memory"};
        session_verdict_refuse(s, &none);
        return;
    }
    session_verdict_weigh(s);
}

void session_verdict_snapshot(const struct session *s, struct snapshot_link *out)
{
    struct inquiry_state now;
    if (!session_verdict(s, &now)) {
        return;
    }
    (void)snprintf(out->verdict, sizeof out->verdict, "%s", verdict_name(now.kind));
    (void)snprintf(out->evidence, sizeof out->evidence, "%.*s", SNAPSHOT_EVIDENCE_MAX - 1,
                   now.evidence);
    out->verdict_until_s = now.valid_until_s < INT64_MAX ? now.valid_until_s : 0;
}

bool session_is_unchecked(const struct session *s)
{
    return s->state == SESSION_STATE_UP && s->seat.inquiry == NULL;
}
