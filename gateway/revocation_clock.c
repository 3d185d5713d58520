/* May the wall clock be believed, and what the last run knew of it. */
#include <inttypes.h>
#include <stdio.h>

#include "gateway/log.h"
#include "gateway/revocation_private.h"

static const char clock_file[] = "clock";

bool revocation_clock_is_trusted(const struct revocation *r)
{
    enum clock_policy policy = CLOCK_POLICY_FLOOR;
    switch (r->conf->gateway.clock) {
    case CONF_CLOCK_FLOOR:
        break;
    case CONF_CLOCK_SYNCED:
        policy = CLOCK_POLICY_SYNCED;
        break;
    case CONF_CLOCK_TRUST:
        policy = CLOCK_POLICY_TRUST;
        break;
    }
    return clock_is_trusted(&r->clock, policy);
}

bool revocation_trusts_clock(const struct revocation *r)
{
    return revocation_clock_is_trusted(r);
}

void revocation_clock_look(struct revocation *r)
{
    struct clock_look look = clock_look_now();
    int64_t back_s = 0;
    bool was_trusted = revocation_clock_is_trusted(r);
    bool has_changed = clock_update(&r->clock, &look, &back_s);
    if (back_s > 0) {
        const struct log_field fields[] = {
            LOG_NUMBER("seconds", back_s),
            LOG_TEXT("state", clock_state_name(clock_state(&r->clock)))};
        log_event(CONF_LOG_ERROR, NULL, "clock-moved-back", fields, 2);
    }
    if (has_changed) {
        bool is_trusted = revocation_clock_is_trusted(r);
        const struct log_field fields[] = {
            LOG_TEXT("state", clock_state_name(clock_state(&r->clock))),
            LOG_TEXT("believed", is_trusted ? "yes" : "no")};
        log_event(is_trusted ? CONF_LOG_INFO : CONF_LOG_ERROR, NULL, "clock-state", fields, 2);
        /* What seemed to be from the future, or over, may be right by now. */
        for (struct knowledge *k = r->knowledge; k != NULL; k = k->next) {
            knowledge_read_anew(k);
        }
    }
    if (has_changed || back_s > 0 || was_trusted != revocation_clock_is_trusted(r)) {
        inquiry_mark_due(r, NULL);
    }
}

/* ---- the last run's clock ---- */

static void revocation_clock_on_file(void *owner, const char *name, struct span content)
{
    struct revocation *r = owner;
    int64_t seen_s = 0;
    uint8_t digit = 0;
    (void)name; /* the only one */
    for (size_t i = 0; i < 12 && span_at(content, i, &digit) && digit >= '0' && digit <= '9'; i++) {
        seen_s = seen_s * 10 + (digit - '0');
    }
    clock_recall(&r->clock, seen_s);
}

void revocation_clock_recall(struct revocation *r)
{
    if (r->store != NULL) {
        /* A damaged one is no more than a clock that was never kept: nothing to tell. */
        store_load(r->store, clock_file, revocation_clock_on_file, NULL, r);
    }
}

void revocation_clock_keep(struct revocation *r)
{
    char text[24];
    if (r->store == NULL || !revocation_clock_is_trusted(r)) {
        return;
    }
    (void)snprintf(text, sizeof text, "%" PRId64 "\n", io_wall_s());
    (void)store_put(r->store, clock_file, span_of_text(text), NULL, NULL); /* or the next time */
}
