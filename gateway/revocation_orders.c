/* Orders of a person: refresh, block, unblock, break-glass; and what of them outlives a restart. */
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/log.h"
#include "gateway/revocation_private.h"

enum {
    ORDER_SOURCES_MS = 90 * 1000, /* a source that is silent has a shorter deadline itself */
    ORDER_NAME_MAX = 190,         /* one that failed, with its note */
    ORDER_REST_MAX = 40,          /* how many more */
};

static const char blocks_file[] = "blocks.json";

static void orders_finish(struct order_slot *slot)
{
    struct revocation_order order = slot->order;
    char error[sizeof slot->error];
    memcpy(error, slot->error, sizeof error);
    const struct revocation_report report = {.error = error[0] != '\0' ? error : NULL,
                                             .count = slot->count};
    slot->is_used = false;
    order.done(order.owner, &report);
}

/* ---- the store ---- */

static void orders_on_file(void *owner, const char *name, struct span content)
{
    struct revocation *r = owner;
    struct fault f = {0};
    (void)name; /* the only one */
    int code = blocks_read_json(r->blocks, content, &f);
    r->is_broken = code == FAULT_MEMORY;
    if (code != 0) {
        log_fault(CONF_LOG_ERROR, NULL, "block-list-damaged", &f);
    }
}

static void orders_on_damaged(void *owner, const char *name, const char *why)
{
    struct revocation *r = owner;
    const struct log_field fields[] = {LOG_TEXT("file", name), LOG_TEXT("note", why)};
    r->is_broken = r->is_broken || strstr(why, store_file_no_memory) != NULL;
    log_event(CONF_LOG_ERROR, NULL, "block-list-damaged", fields, 2);
}

void revocation_load_blocks(struct revocation *r)
{
    if (r->store != NULL) {
        store_load(r->store, blocks_file, orders_on_file, orders_on_damaged, r);
    }
}

static void orders_on_stored(void *owner, const struct fault *f)
{
    struct order_slot *slot = owner;
    slot->waits_for_store = false;
    if (f != NULL) {
        (void)snprintf(slot->error, sizeof slot->error,
                       "in force, but not stored, so it ends with this run: %.120s", f->note);
    }
    if (slot->revocation->closing) {
        orders_finish(slot); /* no sweep comes any more */
    } else {
        revocation_kick(slot->revocation);
    }
}

static void orders_on_kept(void *owner, const struct fault *f)
{
    (void)owner;
    if (f != NULL) {
        log_fault(CONF_LOG_ERROR, NULL, "state-not-stored", f);
    }
}

void revocation_store_blocks(struct revocation *r, struct order_slot *slot)
{
    char *text = r->store != NULL ? blocks_json(r->blocks) : NULL;
    if (text == NULL) {
        if (slot != NULL) {
            (void)snprintf(slot->error, sizeof slot->error,
                           "in force, but not stored, so it ends with this run: %s",
                           r->store != NULL ? "no memory" : "the state folder is unusable");
        }
        return;
    }
    if (slot != NULL) {
        slot->waits_for_store = store_put(r->store, blocks_file, span_of_text(text),
                                          orders_on_stored, slot);
        if (!slot->waits_for_store) {
            (void)snprintf(slot->error, sizeof slot->error, "%s",
                           "in force, but not stored, so it ends with this run: no memory");
        }
    } else {
        (void)store_put(r->store, blocks_file, span_of_text(text), orders_on_kept, r);
    }
    mem_free(text);
}

/* ---- the slots ---- */

static struct order_slot *orders_take_slot(struct revocation *r,
                                           const struct revocation_order *order, struct fault *f)
{
    for (size_t i = 0; i < ORDERS_MAX && !r->closing; i++) {
        struct order_slot *slot = &r->orders[i];
        if (!slot->is_used) {
            *slot = (struct order_slot){.is_used = true, .order = *order, .revocation = r};
            slot->deadline_ms = io_now_ms(r->io) + ORDER_SOURCES_MS;
            slot->cut_before = r->cut;
            return slot;
        }
    }
    fault_set(f, FAULT_LIMIT, FAULT_SIDE_SELF,
              r->closing ? "the gateway is stopping" : "too many orders at once; try again", NULL);
    return NULL;
}

/* One more that failed: named while there is room, and counted. */
static void orders_add_failure(struct order_slot *slot, const char *place, const char *note)
{
    size_t len = strlen(slot->error);
    slot->failed++;
    if (sizeof slot->error - len > ORDER_NAME_MAX + ORDER_REST_MAX) {
        (void)snprintf(&slot->error[len], ORDER_NAME_MAX, "%s%.60s: %.120s", len > 0 ? "; " : "",
                       place, note);
        slot->named++;
    }
}

static void orders_tell_rest(struct order_slot *slot)
{
    size_t len = strlen(slot->error);
    if (slot->failed > slot->named) {
        (void)snprintf(&slot->error[len], ORDER_REST_MAX, "; and %zu more",
                       slot->failed - slot->named);
    }
}

static void orders_judge_source(const struct source *s, struct order_slot *slot)
{
    if (s->closing) {
        return;
    }
    if (s->told.code == FAULT_NONE && !s->is_reading) {
        slot->count++;
    } else {
        orders_add_failure(slot, s->place,
                           s->told.code != FAULT_NONE ? s->told.note : "no answer in time");
    }
}

/* Hundreds of certificates at one responder that is silent are one trouble: the same note is told
 * once. */
static void orders_judge_answers(const struct knowledge *k, struct order_slot *slot)
{
    const char *told = "";
    for (const struct ocsp_watch *w = ocsp_watch_trouble(k, NULL); w != NULL;
         w = ocsp_watch_trouble(k, w)) {
        if (strcmp(w->trouble.note, told) != 0) {
            orders_add_failure(slot, "OCSP", w->trouble.note);
            told = w->trouble.note;
        }
    }
    if (k->owed_count > 0) {
        char note[120];
        (void)snprintf(note, sizeof note, "%zu certificates of trust %.30s are not asked yet",
                       k->owed_count, k->name);
        orders_add_failure(slot, "OCSP", note);
    }
}

/* What a refresh has to say of sources that failed. */
static void orders_judge_refresh(struct revocation *r, struct order_slot *slot)
{
    slot->count = 0;
    for (const struct knowledge *k = r->knowledge; k != NULL; k = k->next) {
        for (const struct source *s = k->sources; s != NULL; s = s->next) {
            orders_judge_source(s, slot);
        }
        orders_judge_answers(k, slot);
    }
    orders_tell_rest(slot);
}

void revocation_orders_work(struct revocation *r, bool is_quiet)
{
    for (size_t i = 0; i < ORDERS_MAX; i++) {
        struct order_slot *slot = &r->orders[i];
        bool is_late = io_now_ms(r->io) >= slot->deadline_ms;
        if (!slot->is_used || slot->waits_for_store ||
            (slot->is_refresh && !is_quiet && !is_late)) {
            continue;
        }
        if (slot->is_refresh) {
            orders_judge_refresh(r, slot);
        } else {
            slot->count = (size_t)(r->cut - slot->cut_before);
        }
        orders_finish(slot);
    }
}

void revocation_orders_end(struct revocation *r)
{
    for (size_t i = 0; i < ORDERS_MAX; i++) {
        struct order_slot *slot = &r->orders[i];
        if (slot->is_used && !slot->waits_for_store) {
            (void)snprintf(slot->error, sizeof slot->error, "the gateway is stopping");
            orders_finish(slot);
        }
    }
}

/* ---- orders ---- */

int revocation_refresh(struct revocation *r, const struct revocation_order *order, struct fault *f)
{
    struct order_slot *slot = orders_take_slot(r, order, f);
    if (slot == NULL) {
        return f->code;
    }
    slot->is_refresh = true;
    for (struct knowledge *k = r->knowledge; k != NULL; k = k->next) {
        knowledge_refresh(k);
    }
    revocation_kick(r);
    return 0;
}

static bool orders_is_device(const struct revocation *r, const char *name)
{
    return conf_find_device(r->conf, name) != NULL;
}

/* The list has changed: it is stored, and everybody is asked again. */
static void orders_enforce(struct revocation *r, struct order_slot *slot)
{
    revocation_take_blocks(r);
    revocation_store_blocks(r, slot);
    inquiry_mark_due(r, NULL);
    revocation_kick(r);
}

static void orders_log(const char *event, const char *device, const char *what, const char *reason,
                       int64_t until_s)
{
    const struct log_field fields[] = {LOG_TEXT("what", what), LOG_TEXT("reason", reason),
                                       LOG_NUMBER("until", until_s)};
    log_event(CONF_LOG_WARNING, device, event, fields, until_s != 0 ? 3 : 2);
}

int revocation_block(struct revocation *r, const char *what, const char *reason,
                     const struct revocation_order *order, struct fault *f)
{
    const struct blocks_order wanted = {.what = what,
                                        .reason = reason,
                                        .now_s = io_wall_s(),
                                        .is_device = orders_is_device(r, what)};
    struct order_slot *slot = orders_take_slot(r, order, f);
    if (slot == NULL) {
        return f->code;
    }
    int code = revocation_make_room(r, 1)
                   ? blocks_add(r->blocks, &wanted, f)
                   : fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory to block", NULL);
    if (code != 0) {
        slot->is_used = false;
        return code;
    }
    orders_log("blocked", NULL, what, reason, 0);
    orders_enforce(r, slot);
    return 0;
}

int revocation_unblock(struct revocation *r, const char *what, const struct revocation_order *order,
                       struct fault *f)
{
    struct order_slot *slot = orders_take_slot(r, order, f);
    if (slot == NULL) {
        return f->code;
    }
    int code = blocks_remove(r->blocks, what, f);
    if (code != 0) {
        slot->is_used = false;
        return code;
    }
    orders_log("unblocked", NULL, what, "", 0);
    orders_enforce(r, slot);
    return 0;
}

/* 0, or a fault code. */
static int orders_end_grant(struct revocation *r, const char *device, struct fault *f)
{
    struct blocks_grant ended;
    if (!blocks_end_grant(r->blocks, device, &ended)) {
        return fault_set(f, FAULT_CONFIG, FAULT_SIDE_CONFIGURATION,
                         "no break-glass is in force for ", device);
    }
    orders_log("break-glass-ended", device, "", ended.reason, 0);
    return 0;
}

static int orders_begin_grant(struct revocation *r, const struct revocation_grant *grant,
                              struct fault *f)
{
    int64_t now_s = io_wall_s();
    const struct blocks_order wanted = {.what = grant->device,
                                        .reason = grant->reason,
                                        .now_s = now_s,
                                        .until_s = now_s + grant->for_s};
    if (!orders_is_device(r, grant->device)) {
        return fault_set(f, FAULT_CONFIG, FAULT_SIDE_CONFIGURATION,
                         "no such device is configured: ", grant->device);
    }
    int code = blocks_grant(r->blocks, &wanted, f);
    if (code == 0) {
        orders_log("break-glass", grant->device, "", grant->reason, wanted.until_s);
    }
    return code;
}

int revocation_break_glass(struct revocation *r, const struct revocation_grant *grant,
                           const struct revocation_order *order, struct fault *f)
{
    struct order_slot *slot = orders_take_slot(r, order, f);
    if (slot == NULL) {
        return f->code;
    }
    int code = grant->for_s == 0 ? orders_end_grant(r, grant->device, f)
                                 : orders_begin_grant(r, grant, f);
    if (code != 0) {
        slot->is_used = false;
        return code;
    }
    orders_enforce(r, slot);
    return 0;
}

bool revocation_is_blocked(const struct revocation *r, const char *device)
{
    const char *reason = NULL;
    return blocks_has_device(r->blocks, device, &reason);
}

int64_t revocation_grant_until_s(const struct revocation *r, const char *device)
{
    const struct blocks_grant *grant = blocks_grant_of(r->blocks, device, io_wall_s());
    return grant != NULL ? grant->until_s : 0;
}
