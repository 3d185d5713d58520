/* Inquiries and their seats: who asks, who is told, and when it is time to ask again. */
#include "gateway/inquiry.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "certs/cert.h"
#include "certs/mem.h"
#include "gateway/revocation_private.h"

enum { INQUIRY_HEADER = 16 }; /* before the chain, in what the key is made of */

/* ---- the answer for one seat: the inquiry's, and what is said of the device ---- */

bool inquiry_is_own(const struct inquiry *q)
{
    return q->who == INQUIRY_OWN_SERVER || q->who == INQUIRY_OWN_CLIENT;
}

/* Nobody knows, or not any more: what break-glass may let pass, and what a clock that is not
 * believed makes of everything. */
static bool inquiry_is_open(const struct inquiry *q)
{
    return q->has_path && (q->kind == VERDICT_UNKNOWN || q->kind == VERDICT_STALE ||
                           q->kind == VERDICT_UNAVAILABLE || q->kind == VERDICT_GOOD);
}

static bool inquiry_is_blocked(const struct inquiry_seat *seat, const char **reason)
{
    const struct revocation *r = seat->inquiry->knowledge->revocation;
    return blocks_has_device(r->blocks, seat->device->name, reason);
}

static bool inquiry_has_grant(const struct inquiry_seat *seat)
{
    const struct revocation *r = seat->inquiry->knowledge->revocation;
    return blocks_grant_of(r->blocks, seat->device->name, io_wall_s()) != NULL;
}

/* Why a clock that nobody believes matters, or NULL. Where nothing is asked the dates of the chain
 * are all there is, and TLS has looked at them. */
static const char *inquiry_clock_doubt(const struct inquiry *q)
{
    const struct revocation *r = q->knowledge->revocation;
    if (q->mode == CONF_REVOCATION_OFF || revocation_clock_is_trusted(r)) {
        return NULL;
    }
    return clock_state_name(clock_state(&r->clock));
}

static struct inquiry_word inquiry_word_of(const struct inquiry_seat *seat)
{
    const struct inquiry *q = seat->inquiry;
    /* Who has had an answer keeps it while somebody else waits for a better one. */
    struct inquiry_word word = {.is_settled = q->is_settled || seat->told.is_settled,
                                .kind = q->kind};
    const char *reason = NULL;
    if (inquiry_is_blocked(seat, &reason)) {
        word.is_settled = true;
        word.kind = VERDICT_REVOKED;
        return word;
    }
    if (inquiry_is_own(q)) {
        word.accepted = q->accepted;
        return word;
    }
    /* A link that is up was judged when the clock was believed: it is not cut because somebody set
     * the clock. None comes up meanwhile; what a grant let up is up by the grant alone. */
    bool was_up = seat->told.is_settled && seat->told.accepted && !seat->told.is_break_glass;
    bool has_doubt = !was_up && inquiry_clock_doubt(q) != NULL;
    word.accepted = q->accepted && !has_doubt;
    word.is_tolerated = word.accepted && q->is_tolerated;
    if (!word.accepted && inquiry_is_open(q) && q->kind != VERDICT_REVOKED &&
        inquiry_has_grant(seat)) {
        word.accepted = true;
        word.is_tolerated = true;
        word.is_break_glass = true;
    }
    if (has_doubt && !word.accepted && q->kind != VERDICT_REVOKED) {
        word.kind = VERDICT_UNAVAILABLE;
    }
    word.may_write = word.accepted && (!seat->device->writes_need_good ||
                                       (q->kind == VERDICT_GOOD && !word.is_break_glass));
    return word;
}

static bool inquiry_word_differs(const struct inquiry_word *a, const struct inquiry_word *b)
{
    return a->is_settled != b->is_settled || a->accepted != b->accepted ||
           a->is_tolerated != b->is_tolerated || a->is_break_glass != b->is_break_glass ||
           a->may_write != b->may_write || a->kind != b->kind;
}

void inquiry_look(const struct inquiry_seat *seat, struct inquiry_state *out)
{
    const struct inquiry *q = seat->inquiry;
    const char *reason = NULL;
    *out = (struct inquiry_state){.kind = VERDICT_UNAVAILABLE};
    if (q == NULL) {
        return;
    }
    struct inquiry_word word = inquiry_word_of(seat);
    out->is_settled = word.is_settled;
    out->accepted = word.accepted;
    out->is_tolerated = word.is_tolerated;
    out->is_break_glass = word.is_break_glass;
    out->may_write = word.may_write;
    out->kind = word.kind;
    out->valid_until_s = q->valid_until_s;
    const char *doubt = inquiry_clock_doubt(q);
    memcpy(out->evidence, q->evidence, sizeof out->evidence);
    out->is_blocked = q->is_blocked;
    if (inquiry_is_blocked(seat, &reason)) {
        out->is_blocked = true;
        (void)snprintf(out->sentence, sizeof out->sentence, "the device is blocked here: %.200s",
                       reason);
        out->evidence[0] = '\0';
    } else if (doubt != NULL && !word.accepted && inquiry_is_open(q)) {
        (void)snprintf(out->sentence, sizeof out->sentence,
                       "the clock is not believed (%s): no date can be judged", doubt);
    } else {
        memcpy(out->sentence, q->sentence, sizeof out->sentence);
        out->time = q->time;
    }
}

struct span inquiry_leaf(const struct inquiry_seat *seat)
{
    return seat->inquiry != NULL ? seat->inquiry->chain[0] : span_of(NULL, 0);
}

struct span inquiry_staple(const struct inquiry_seat *seat)
{
    const struct inquiry *q = seat != NULL ? seat->inquiry : NULL;
    int64_t until_s = 0;
    if (q == NULL || q->kind != VERDICT_GOOD ||
        !evidence_answer_until(q->knowledge->evidence, q->chain[0], &until_s) ||
        until_s <= io_wall_s()) {
        return span_of(NULL, 0);
    }
    return evidence_answer_of(q->knowledge->evidence, q->chain[0]);
}

/* ---- telling ---- */

static void inquiry_tell_later(struct revocation *r, struct inquiry_seat *seat)
{
    if (seat->tell_slot != NULL) {
        return;
    }
    seat->tell_next = r->to_tell;
    seat->tell_slot = &r->to_tell;
    if (r->to_tell != NULL) {
        r->to_tell->tell_slot = &seat->tell_next;
    }
    r->to_tell = seat;
}

static void inquiry_tell_never(struct inquiry_seat *seat)
{
    if (seat->tell_slot == NULL) {
        return;
    }
    *seat->tell_slot = seat->tell_next;
    if (seat->tell_next != NULL) {
        seat->tell_next->tell_slot = seat->tell_slot;
    }
    seat->tell_slot = NULL;
    seat->tell_next = NULL;
}

/* The answer was made anew: who has another one now? */
static void inquiry_compare(struct inquiry *q)
{
    for (struct inquiry_seat *seat = q->seats; seat != NULL; seat = seat->next) {
        struct inquiry_word word = inquiry_word_of(seat);
        if (inquiry_word_differs(&word, &seat->told)) {
            bool is_cut = seat->told.is_settled && seat->told.accepted && !word.accepted;
            bool is_first = seat->tell_slot == NULL;
            q->knowledge->revocation->cut += is_cut && is_first && !inquiry_is_own(q) ? 1 : 0;
            inquiry_tell_later(q->knowledge->revocation, seat);
        }
    }
}

static void inquiry_tell(struct inquiry_seat *seat)
{
    struct inquiry_word word = inquiry_word_of(seat);
    inquiry_tell_never(seat);
    if (!inquiry_word_differs(&word, &seat->told)) {
        return; /* it has changed back meanwhile */
    }
    seat->told = word;
    seat->on_verdict(seat->owner); /* the seat may be gone now */
}

bool inquiry_work(struct revocation *r)
{
    /* First all answers, then all news: an order can say how many links it cuts, whatever cuts them
     * first. */
    struct inquiry *q = r->due;
    if (q == NULL && r->to_tell != NULL) {
        inquiry_tell(r->to_tell);
        return true;
    }
    if (q == NULL) {
        return false;
    }
    r->due = q->due_next;
    q->due_next = NULL;
    q->is_due = false;
    if (q->seats != NULL) {
        inquiry_ask(q);
        inquiry_compare(q);
    } else {
        q->ask_at_s = 0; /* whoever comes next asks */
    }
    return true;
}

/* ---- making and freeing ---- */

static struct inquiry **inquiry_bucket(struct revocation *r, const uint8_t *key)
{
    return &r->inquiries[revocation_bucket(key, INQUIRY_BUCKETS)];
}

static struct inquiry *inquiry_find(struct revocation *r, const struct knowledge *k,
                                    const uint8_t *key)
{
    struct inquiry *q = *inquiry_bucket(r, key);
    while (q != NULL && (q->knowledge != k || memcmp(q->key, key, DIGEST_LEN) != 0)) {
        q = q->next;
    }
    return q;
}

static void inquiry_free(struct inquiry *q)
{
    trust_release(q->trust);
    mem_free(q->der);
    mem_free(q);
}

/* Cut the copied chain into its certificates. */
static void inquiry_cut_chain(struct inquiry *q, const struct inquiry_question *question)
{
    size_t at = INQUIRY_HEADER;
    for (size_t i = 0; i < question->count; i++) {
        q->chain[i] = span_of(q->der + at, question->chain[i].len);
        at += question->chain[i].len;
    }
    q->count = question->count;
}

/* An inquiry with its key, not in any list. NULL: no memory. */
static struct inquiry *inquiry_make(struct knowledge *k, const struct inquiry_question *question)
{
    const struct conf_device *conf = question->device;
    struct inquiry *q = mem_new(1, sizeof *q);
    size_t len = INQUIRY_HEADER;
    for (size_t i = 0; i < question->count; i++) {
        len += question->chain[i].len;
    }
    uint8_t *der = mem_new(len, 1);
    if (q == NULL || der == NULL) {
        mem_free(q);
        mem_free(der);
        return NULL;
    }
    *q = (struct inquiry){.knowledge = k,
                          .who = question->who,
                          .mode = conf->revocation,
                          .grace_s = conf->grace_s,
                          .der = der,
                          .kind = VERDICT_UNAVAILABLE};
    struct room room = room_of(der, len);
    (void)room_put_u8(&room, (uint8_t)q->who); /* all of it was counted above */
    (void)room_put_u8(&room, (uint8_t)q->mode);
    (void)room_put_u8(&room, (uint8_t)question->count);
    for (size_t i = 0; i < sizeof q->grace_s; i++) {
        (void)room_put_u8(&room, (uint8_t)((uint64_t)q->grace_s >> (8 * i)));
    }
    room.len = INQUIRY_HEADER;
    for (size_t i = 0; i < question->count; i++) {
        (void)room_put(&room, question->chain[i]);
    }
    inquiry_cut_chain(q, question);
    struct cert_view leaf;
    q->leaf_not_after_s = cert_view_read(q->chain[0], &leaf) ? leaf.not_after_s : 0;
    if (!digest_sha256(room_span(&room), q->key)) {
        inquiry_free(q);
        return NULL;
    }
    return q;
}

/* The inquiry for this question: one that is there, or a new one. */
static struct inquiry *inquiry_get(struct revocation *r, struct knowledge *k,
                                   const struct inquiry_question *question)
{
    struct inquiry *mine = inquiry_make(k, question);
    if (mine == NULL) {
        return NULL;
    }
    struct inquiry *known = inquiry_find(r, k, mine->key);
    if (known != NULL) {
        inquiry_free(mine);
        return known;
    }
    struct inquiry **bucket = inquiry_bucket(r, mine->key);
    mine->next = *bucket;
    *bucket = mine;
    r->inquiry_count++;
    return mine;
}

/* ---- seats ---- */

static bool inquiry_is_fresh(const struct inquiry *q)
{
    return q->is_settled && !q->is_due && q->kind != VERDICT_UNKNOWN && q->kind != VERDICT_STALE &&
           q->kind != VERDICT_UNAVAILABLE && io_wall_s() < q->ask_at_s;
}

/* A staple that says the same as what is known is no news; another one is judged, fresh or not: it
 * may say "revoked". */
static bool inquiry_has_news(const struct inquiry *q, struct span staple)
{
    return staple.len > 0 && q->mode != CONF_REVOCATION_OFF &&
           !span_equal(staple, evidence_answer_of(q->knowledge->evidence, q->chain[0]));
}

bool inquiry_join(struct revocation *r, struct inquiry_seat *seat,
                  const struct inquiry_question *question)
{
    assert(seat->inquiry == NULL && question->count > 0 && question->count <= TLS_CHAIN_MAX);
    struct knowledge *k = knowledge_find(r, trust_name(question->trust));
    struct inquiry *q = k != NULL && !r->is_broken ? inquiry_get(r, k, question) : NULL;
    if (q == NULL) {
        return false;
    }
    q->used_s = io_wall_s();
    bool has_news = inquiry_has_news(q, question->staple);
    if (has_news || !inquiry_is_fresh(q)) {
        /* Whoever comes now waits for evidence anew, unless it is there already. */
        q->is_settled = false;
        q->deadline_ms = io_now_ms(r->io) + (k->conf != NULL ? k->conf->check_timeout_ms : 0);
        q->staple = has_news ? question->staple : span_of(NULL, 0);
        inquiry_ask(q);
        q->staple = span_of(NULL, 0);
    }
    seat->inquiry = q;
    seat->device = question->device;
    seat->slot = &q->seats;
    seat->next = q->seats;
    if (q->seats != NULL) {
        q->seats->slot = &seat->next;
    }
    q->seats = seat;
    q->seat_count++;
    seat->told = (struct inquiry_word){0};
    seat->told = inquiry_word_of(seat);
    inquiry_compare(q); /* the others hear what was found for this one */
    if (!q->is_settled) {
        revocation_wake_in(r, k->conf != NULL ? k->conf->check_timeout_ms : 0);
    }
    if (r->to_tell != NULL) {
        revocation_kick(r);
    }
    return true;
}

void inquiry_leave(struct inquiry_seat *seat)
{
    struct inquiry *q = seat->inquiry;
    if (q == NULL) {
        return;
    }
    inquiry_tell_never(seat);
    *seat->slot = seat->next;
    if (seat->next != NULL) {
        seat->next->slot = seat->slot;
    }
    seat->inquiry = NULL;
    seat->next = NULL;
    seat->slot = NULL;
    q->seat_count--;
    q->used_s = io_wall_s();
}

/* ---- housekeeping ---- */

static void inquiry_take_from_due(struct revocation *r, struct inquiry *q)
{
    struct inquiry **slot = &r->due;
    while (*slot != NULL && *slot != q) {
        slot = &(*slot)->due_next;
    }
    if (*slot == q) {
        *slot = q->due_next;
    }
}

static bool inquiry_is_unused(const struct revocation *r, const struct inquiry *q,
                              int64_t unused_since_s, size_t most)
{
    bool is_recent = q->used_s > unused_since_s && r->inquiry_count <= most;
    return q->seats == NULL && !is_recent;
}

/* The first one at or after `slot` in its bucket that is not needed any more; or the end. */
static struct inquiry **inquiry_find_unused(const struct revocation *r, struct inquiry **slot,
                                            int64_t unused_since_s, size_t most)
{
    while (*slot != NULL && !inquiry_is_unused(r, *slot, unused_since_s, most)) {
        slot = &(*slot)->next;
    }
    return slot;
}

void inquiry_free_unused(struct revocation *r, int64_t unused_since_s, size_t most)
{
    for (size_t i = 0; i < INQUIRY_BUCKETS; i++) {
        struct inquiry **slot = &r->inquiries[i];
        slot = inquiry_find_unused(r, slot, unused_since_s, most);
        while (*slot != NULL) {
            struct inquiry *q = *slot;
            *slot = q->next;
            inquiry_take_from_due(r, q);
            r->inquiry_count--;
            inquiry_free(q);
            slot = inquiry_find_unused(r, slot, unused_since_s, most);
        }
    }
}
