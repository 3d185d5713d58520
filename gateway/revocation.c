/* The life of revocation: what it is made of, what is due each second, and the sweep. */
#include "gateway/revocation.h"

#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "certs/signature.h"
#include "gateway/log.h"
#include "gateway/revocation_private.h"

enum {
    TICK_MS = 1000,
    SWEEP_BUDGET_NS = 4 * 1000 * 1000, /* of one turn of the loop: the links' bytes go on between */
    INQUIRY_UNUSED_S = 3600,
    TIDY_EVERY_S = 60,
    CLOCK_KEPT_EVERY_S = 900,
};

static void revocation_on_sweep(uv_timer_t *timer);
static void revocation_on_tick(uv_timer_t *timer);

void revocation_kick(struct revocation *r)
{
    if (r->started && !r->closing && uv_is_active((uv_handle_t *)&r->sweep) == 0) {
        (void)uv_timer_start(&r->sweep, revocation_on_sweep, 0, 0); /* fails only when closing */
    }
}

void revocation_wake_in(struct revocation *r, uint64_t ms)
{
    if (r->started && !r->closing && ms < uv_timer_get_due_in(&r->tick)) {
        (void)uv_timer_start(&r->tick, revocation_on_tick, ms, TICK_MS);
    }
}

void revocation_hex(struct span bytes, char *to, size_t cap)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;
    uint8_t byte = 0;
    for (size_t i = 0; span_at(bytes, i, &byte) && used + 2 < cap; i++) {
        to[used++] = digits[byte >> 4];
        to[used++] = digits[byte & 15];
    }
    to[used] = '\0';
}

/* ---- the sweep ---- */

static bool revocation_is_busy(const struct revocation *r)
{
    for (const struct knowledge *k = r->knowledge; k != NULL; k = k->next) {
        if (knowledge_is_busy(k)) {
            return true;
        }
    }
    return false;
}

static void revocation_on_sweep(uv_timer_t *timer)
{
    struct revocation *r = timer->data;
    if (r->closing) {
        return;
    }
    uint64_t began_ns = uv_hrtime();
    bool has_more = true;
    while (has_more && uv_hrtime() - began_ns < SWEEP_BUDGET_NS) {
        has_more = inquiry_work(r);
    }
    if (has_more) {
        /* A timer of 1 ms and not 0: sockets come in between. */
        (void)uv_timer_start(&r->sweep, revocation_on_sweep, 1, 0);
        return;
    }
    revocation_orders_work(r, !revocation_is_busy(r));
}

/* ---- each second ---- */

static void revocation_end_grants(struct revocation *r, int64_t now_s)
{
    struct blocks_grant ended;
    bool has_changed = false;
    while (blocks_expire(r->blocks, now_s, &ended)) {
        const struct log_field fields[] = {LOG_TEXT("reason", ended.reason)};
        log_event(CONF_LOG_WARNING, ended.device, "break-glass-ended", fields, 1);
        has_changed = true;
    }
    if (has_changed) {
        revocation_store_blocks(r, NULL);
        inquiry_mark_due(r, NULL);
    }
}

static void revocation_on_tick(uv_timer_t *timer)
{
    struct revocation *r = timer->data;
    if (r->closing) {
        return;
    }
    revocation_clock_look(r);
    int64_t now_s = io_wall_s();
    revocation_end_grants(r, now_s);
    for (struct knowledge *k = r->knowledge; k != NULL; k = k->next) {
        ocsp_watch_work(k, now_s);
        if (now_s % TIDY_EVERY_S == 0) {
            knowledge_tidy(k, now_s);
        }
    }
    if (now_s % CLOCK_KEPT_EVERY_S == 0) {
        revocation_clock_keep(r);
    }
    if (now_s % TIDY_EVERY_S == 0) {
        inquiry_free_unused(r, now_s - INQUIRY_UNUSED_S, INQUIRY_IDLE_MAX);
    }
    inquiry_mark_timed(r, now_s);
    revocation_kick(r);
}

/* ---- the block list, as the judge wants it ---- */

bool revocation_make_room(struct revocation *r, size_t more)
{
    const struct blocks_entry *entries = NULL;
    size_t wanted = blocks_entries(r->blocks, &entries) + more + 1;
    if (wanted <= r->judge_block_room) {
        return true;
    }
    struct judge_block *bigger = mem_grow(r->judge_blocks, r->judge_block_count, 2 * wanted,
                                          sizeof *bigger);
    if (bigger == NULL) {
        return false;
    }
    r->judge_blocks = bigger;
    r->judge_block_room = 2 * wanted;
    return true;
}

void revocation_take_blocks(struct revocation *r)
{
    const struct blocks_entry *entries = NULL;
    size_t count = blocks_entries(r->blocks, &entries);
    assert(count <= r->judge_block_room); /* revocation_make_room came first */
    r->judge_block_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].kind == BLOCKS_DEVICE) {
            continue;
        }
        struct judge_block *made = &r->judge_blocks[r->judge_block_count++];
        made->kind = entries[i].kind == BLOCKS_SERIAL ? JUDGE_BLOCK_SERIAL
                                                      : JUDGE_BLOCK_FINGERPRINT;
        made->value = span_of(entries[i].bytes, entries[i].len);
        made->reason = entries[i].reason;
    }
}

/* ---- life ---- */

/* Nobody shall have to find out by chance: for each configuration that comes into force, the trusts
 * under which nothing is asked or weak algorithms are let in, and the devices whose own section
 * takes them out. */
static void revocation_tell_off(const struct conf *conf)
{
    for (size_t i = 0; i < conf->trust_count; i++) {
        if (conf->trusts[i].revocation == CONF_REVOCATION_OFF) {
            const struct log_field field = LOG_TEXT("trust", conf->trusts[i].name);
            log_event(CONF_LOG_WARNING, NULL, "revocation-off", &field, 1);
        }
        const char *weak = signature_allows_text(conf->trusts[i].allows);
        if (weak[0] != '\0') {
            const struct log_field fields[] = {LOG_TEXT("trust", conf->trusts[i].name),
                                               LOG_TEXT("allowed", weak)};
            log_event(CONF_LOG_WARNING, NULL, "weak-algorithms", fields, 2);
        }
    }
    for (size_t i = 0; i < conf->device_count; i++) {
        const struct conf_device *device = &conf->devices[i];
        if (device->revocation == CONF_REVOCATION_OFF &&
            device->trust_section->revocation != CONF_REVOCATION_OFF) {
            const struct log_field field = LOG_TEXT("trust", device->trust_name);
            log_event(CONF_LOG_WARNING, device->name, "revocation-off", &field, 1);
        }
    }
}

/* A knowledge for each [trust] section; what is there stays. False: no memory. */
static bool revocation_add_knowledge(struct revocation *r)
{
    for (size_t i = 0; i < r->conf->trust_count; i++) {
        const struct conf_trust *conf = &r->conf->trusts[i];
        if (knowledge_find(r, conf->name) != NULL) {
            continue;
        }
        struct knowledge *k = knowledge_new(r, conf);
        if (k == NULL) {
            return false;
        }
        k->next = r->knowledge;
        r->knowledge = k;
        knowledge_load(k);
    }
    return true;
}

static void revocation_free_parts(struct revocation *r)
{
    inquiry_free_unused(r, INT64_MAX, 0);
    while (r->knowledge != NULL) {
        struct knowledge *k = r->knowledge;
        r->knowledge = k->next;
        knowledge_free(k);
    }
    blocks_free(r->blocks);
    mem_free(r->judge_blocks);
    mem_free(r->why);
    mem_free(r);
}

/* The parts that hold no handle. NULL: no memory. */
static struct revocation *revocation_make(const struct revocation_settings *settings)
{
    struct revocation *r = mem_new(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->io = settings->io;
    r->conf = settings->conf;
    r->on_closed = settings->on_closed;
    r->owner = settings->owner;
    r->blocks = blocks_new();
    r->why = mem_new(1, sizeof *r->why);
    struct clock_look look = clock_look_now();
    clock_init(&r->clock, clock_build_s(), &look);
    if (r->blocks == NULL || r->why == NULL) {
        revocation_free_parts(r);
        return NULL;
    }
    return r;
}

static void revocation_on_part_closed(void *owner)
{
    revocation_handle_gone(owner);
}

static void revocation_open_store(struct revocation *r)
{
    struct fault f = {0};
    r->store = store_open(r->io, r->conf->gateway.state_dir, &f);
    if (r->store == NULL) {
        /* The links run on; but what is learned and what is blocked is forgotten at the end.
         * Without memory to open it nobody knows who is blocked. */
        r->is_broken = f.code == FAULT_MEMORY;
        log_fault(CONF_LOG_ERROR, NULL, "state-folder-unusable", &f);
        return;
    }
    r->handles++;
}

struct revocation *revocation_new(const struct revocation_settings *settings, struct fault *f)
{
    struct revocation *r = revocation_make(settings);
    if (r == NULL) {
        fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for revocation", NULL);
        return NULL;
    }
    (void)uv_timer_init(&r->io->loop, &r->tick); /* can not fail (libuv 1.44) */
    (void)uv_timer_init(&r->io->loop, &r->sweep);
    r->tick.data = r;
    r->sweep.data = r;
    r->handles = 2;
    r->fetcher = fetcher_new(r->io, r->conf->gateway.fetch_proxy, revocation_on_part_closed, r);
    if (r->fetcher != NULL) {
        r->handles++;
    }
    revocation_open_store(r);
    revocation_load_blocks(r);
    revocation_clock_recall(r);
    if (r->fetcher == NULL || !revocation_add_knowledge(r)) {
        log_event(CONF_LOG_ERROR, NULL, "revocation-short-of-memory", NULL, 0);
    }
    if (!revocation_make_room(r, 0)) {
        r->is_broken = true;
    } else {
        revocation_take_blocks(r);
    }
    if (r->is_broken) {
        log_event(CONF_LOG_ERROR, NULL, "block-list-lost", NULL, 0);
    }
    revocation_tell_off(r->conf);
    return r;
}

void revocation_start(struct revocation *r)
{
    r->started = true;
    (void)uv_timer_start(&r->tick, revocation_on_tick, TICK_MS, TICK_MS);
    for (struct knowledge *k = r->knowledge; k != NULL; k = k->next) {
        knowledge_start(k);
    }
    revocation_clock_look(r);
}

void revocation_use(struct revocation *r, const struct conf *conf)
{
    bool is_other_clock = conf->gateway.clock != r->conf->gateway.clock;
    r->conf = conf;
    revocation_tell_off(conf);
    bool has_proxy = r->fetcher == NULL || fetcher_use_proxy(r->fetcher, conf->gateway.fetch_proxy);
    if (!revocation_add_knowledge(r) || !has_proxy) {
        log_event(CONF_LOG_ERROR, NULL, "revocation-short-of-memory", NULL, 0);
    }
    for (struct knowledge *k = r->knowledge; k != NULL; k = k->next) {
        const struct conf_trust *before = k->conf;
        const struct conf_trust *section = NULL;
        for (size_t i = 0; i < conf->trust_count; i++) {
            section = strcmp(conf->trusts[i].name, k->name) == 0 ? &conf->trusts[i] : section;
        }
        knowledge_use(k, section);
        /* All others were asked under the same rules; what files brought asks by itself. */
        if (is_other_clock || !conf_trust_is_same(before, section)) {
            inquiry_mark_due(r, k);
        }
    }
}

void revocation_handle_gone(struct revocation *r)
{
    assert(r->handles > 0);
    r->handles--;
    if (r->handles == 0 && r->closing) {
        r->on_closed(r->owner);
    }
}

static void revocation_on_handle_closed(uv_handle_t *handle)
{
    revocation_handle_gone(handle->data);
}

void revocation_close(struct revocation *r)
{
    if (r->closing) {
        return;
    }
    r->closing = true;
    revocation_orders_end(r);
    revocation_clock_keep(r);
    for (struct knowledge *k = r->knowledge; k != NULL; k = k->next) {
        knowledge_close(k);
    }
    if (r->fetcher != NULL) {
        fetcher_close(r->fetcher);
    }
    if (r->store != NULL) {
        store_close(r->store, revocation_on_part_closed, r);
    }
    uv_close((uv_handle_t *)&r->tick, revocation_on_handle_closed);
    uv_close((uv_handle_t *)&r->sweep, revocation_on_handle_closed);
}

void revocation_free(struct revocation *r)
{
    if (r == NULL) {
        return;
    }
    fetcher_free(r->fetcher);
    store_free(r->store);
    revocation_free_parts(r);
}
