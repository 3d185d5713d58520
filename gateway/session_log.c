/* What a session tells the log: its states, the end of each link, and what was lost. */
#include "certs/signature.h"
#include "gateway/log.h"
#include "gateway/session_private.h"

void session_log_state(const struct session *s)
{
    bool broken = s->state == SESSION_STATE_CLOSING && s->cause.code != FAULT_NONE;
    bool up = s->state == SESSION_STATE_UP;
    bool has_peer = s->peer_text[0] != '\0' && s->state != SESSION_STATE_WAITING;
    const struct tls_peer *peer = session_secure_peer(s);
    struct inquiry_state verdict;
    bool judged = up && session_verdict(s, &verdict);
    bool off = s->host->conf->revocation == CONF_REVOCATION_OFF;
    struct log_field fields[] = {
        LOG_TEXT("state", session_table_state_name(s->state)),
        LOG_TEXT("peer", has_peer ? s->peer_text : ""),
        LOG_TEXT("server", has_peer ? "" : session_server(s)),
        LOG_TEXT("peer_subject", up && peer != NULL ? peer->leaf.subject : ""),
        LOG_TEXT("peer_serial", up ? s->peer_serial : ""),
        LOG_TEXT("allowed_by", up && peer != NULL ? peer->matched : ""),
        LOG_TEXT("suite", up && peer != NULL ? peer->suite : ""),
        LOG_TEXT("verdict", judged ? verdict_name(verdict.kind) : ""),
        LOG_TEXT("evidence", judged ? verdict.evidence : ""),
        LOG_TEXT("revocation", judged && off ? "OFF" : ""),
        LOG_TEXT("weak_allowed", up ? signature_allows_text(trust_allows(s->host->trust)) : ""),
        LOG_TEXT("cause", broken ? fault_code_name(s->cause.code) : ""),
        LOG_TEXT("side", broken ? fault_side_name(s->cause.side) : ""),
    };
    log_event(CONF_LOG_INFO, s->host->conf->name, "link-state", fields,
              sizeof fields / sizeof fields[0]);
}

void session_log_denied(void *self, const struct bus_denial *denial)
{
    const struct session *s = self;
    bool is_last = denial->function == 0 && denial->range[0] == '\0';
    struct log_field fields[] = {
        LOG_TEXT("peer", s->peer_text),
        LOG_TEXT("peer_serial", s->peer_serial),
        LOG_TEXT("roles", denial->roles),
        LOG_TEXT("peer_role", denial->role),
        LOG_TEXT("peer_role_fault", denial->form),
        LOG_TEXT("range", denial->range),
        LOG_TEXT("rule", denial->rule),
        LOG_TEXT("why", denial->why),
        LOG_NUMBER("untold", denial->untold),
        LOG_NUMBER("unit", denial->unit),
        LOG_NUMBER("function", denial->function),
    };
    size_t count = sizeof fields / sizeof fields[0];
    log_event(CONF_LOG_WARNING, s->host->conf->name, is_last ? "requests-denied" : "request-denied",
              fields, is_last ? count - 2 : count);
}

bool session_ended_well(enum fault_code code)
{
    return code == FAULT_NONE || code == FAULT_CLOSED || code == FAULT_STOPPED ||
           code == FAULT_IDLE || code == FAULT_REPLACED;
}

void session_log_end(const struct session *s)
{
    bool failed = s->cause.code != FAULT_NONE;
    struct log_field fields[] = {
        LOG_TEXT("peer", s->peer_text[0] != '\0' ? s->peer_text : session_server(s)),
        LOG_TEXT("peer_serial", s->peer_serial),
        LOG_NUMBER("device_to_server_bytes", s->up.here.bytes),
        LOG_NUMBER("server_to_device_bytes", s->down.here.bytes),
        LOG_NUMBER("duration_ms", s->was_up ? io_now_ms(s->host->io) - s->up_at_ms : 0),
        LOG_NUMBER("lost_bytes", s->was_up ? s->up.here.lost + s->down.here.lost : 0),
        LOG_TEXT("cause", failed ? fault_code_name(s->cause.code) : "finished"),
        LOG_TEXT("side", failed ? fault_side_name(s->cause.side) : ""),
        LOG_TEXT("text", failed ? fault_text(&s->cause) : ""),
        LOG_TEXT("note", failed ? s->cause.note : ""),
    };
    log_event(session_ended_well(s->cause.code) ? CONF_LOG_INFO : CONF_LOG_WARNING,
              s->host->conf->name, s->was_up ? "link-ended" : "link-failed", fields,
              sizeof fields / sizeof fields[0]);
}

void session_tell_drop(struct session_host *host)
{
    if (!host->drop_told) {
        struct log_field field = LOG_TEXT("note", "the device speaks and no link is up");
        host->drop_told = true;
        log_event(CONF_LOG_WARNING, host->conf->name, "data-dropped", &field, 1);
    }
}

void session_tell_lost(struct session *s)
{
    uint64_t lost = s->host->up.lost + s->host->down.lost;
    if (lost > s->host->lost_told) {
        struct log_field field = LOG_NUMBER("lost_bytes", lost - s->host->lost_told);
        log_event(CONF_LOG_WARNING, s->host->conf->name, "data-lost", &field, 1);
    }
    s->host->lost_told = lost;
    s->host->drop_told = false;
}
