#include <string.h>

#include "certs/evidence_inside.h"
#include "certs/mem.h"

enum { PLACE_SIZE = sizeof(void *) }; /* of evidence.answers */

static const char no_memory[] = "no memory for an OCSP answer";

/* Where the answer with this id is, or has to be put. */
static size_t place_of(const struct evidence *e, const struct evidence_id *id, bool *is_there)
{
    size_t low = 0;
    size_t high = e->answer_count;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = evidence_compare_ids(&e->answers[middle]->id, id);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct evidence_held *evidence_find_answer(const struct evidence *e,
                                                 const struct evidence_id *id)
{
    bool is_there;
    size_t at = place_of(e, id, &is_there);

    return is_there ? e->answers[at] : NULL;
}

void evidence_free_answers(struct evidence *e)
{
    for (size_t i = 0; i < e->answer_count; i++) {
        mem_free(e->answers[i]);
    }
    mem_free(e->answers);
    e->answers = NULL;
    e->answer_count = 0;
}

static struct evidence_held *copy(const struct evidence_answer *a, const struct evidence_id *id)
{
    size_t source_len = strlen(a->source);
    struct evidence_held *h;

    if (source_len >= EVIDENCE_SOURCE_MAX) {
        source_len = EVIDENCE_SOURCE_MAX - 1;
    }
    h = mem_new(1, sizeof(*h) + a->response.len + source_len + 1);
    if (h != NULL) {
        h->id = *id;
        h->this_update_s = a->this_update_s;
        h->until_s = a->until_s;
        h->is_revoked = a->is_revoked;
        h->len = a->response.len;
        memcpy(h->bytes, a->response.data, a->response.len);
        memcpy(&h->bytes[h->len], a->source, source_len); /* the NUL is there */
    }
    return h;
}

/* Two answers of the same second: a responder signs the same status again, with another nonce, or
 * the status has just changed. An old "good" must not take a "revoked" back. */
static bool is_better(const struct evidence_answer *a, const struct evidence_held *held)
{
    if (a->is_revoked != held->is_revoked) {
        return a->is_revoked;
    }
    return a->until_s > held->until_s;
}

static enum evidence_taken weigh(const struct evidence *e, const struct evidence_answer *a,
                                 const struct evidence_id *id, struct fault *f)
{
    const struct evidence_mark *mark = evidence_mark_find(e, id);
    const struct evidence_held *held = evidence_find_answer(e, id);

    if (mark != NULL && a->this_update_s < mark->this_update_s) {
        (void)fault_set(f, FAULT_BAD_CERT, FAULT_SIDE_CERTIFICATE,
                        "an OCSP answer that is older than the one known; from ", a->source);
        return EVIDENCE_OLDER;
    }
    if (held != NULL && held->this_update_s == a->this_update_s && !is_better(a, held)) {
        return EVIDENCE_SAME;
    }
    return EVIDENCE_NEW;
}

static void remove_at(struct evidence *e, size_t at)
{
    evidence_mark_remove(e, &e->answers[at]->id);
    mem_free(e->answers[at]);
    e->answer_count--;
    memmove(&e->answers[at], &e->answers[at + 1], (e->answer_count - at) * PLACE_SIZE);
}

/* What had ended before this one began says nothing any more; the longest ended goes first. */
static bool make_room(struct evidence *e, int64_t this_update_s)
{
    size_t first = 0;

    if (e->answer_count < EVIDENCE_ANSWERS_MAX) {
        return true;
    }
    for (size_t i = 1; i < e->answer_count; i++) {
        if (e->answers[i]->until_s < e->answers[first]->until_s) {
            first = i;
        }
    }
    if (e->answers[first]->until_s >= this_update_s) {
        return false;
    }
    remove_at(e, first);
    return true;
}

/* Takes the answer over; false: no memory or no room, it is the caller's then. */
static bool put(struct evidence *e, struct evidence_held *h)
{
    const struct evidence_mark mark = {.id = h->id, .this_update_s = h->this_update_s};
    void *answers = e->answers;
    bool is_there;
    size_t at = place_of(e, &h->id, &is_there);

    if (is_there) {
        if (!evidence_raise_mark(e, &mark)) {
            return false;
        }
        mem_free(e->answers[at]);
        e->answers[at] = h;
        return true;
    }
    if (!make_room(e, h->this_update_s) ||
        !evidence_make_place(&answers, &e->answer_cap, e->answer_count, PLACE_SIZE)) {
        return false;
    }
    e->answers = answers;
    if (!evidence_raise_mark(e, &mark)) {
        return false;
    }
    at = place_of(e, &h->id, &is_there); /* room may have been made in front of it */
    memmove(&e->answers[at + 1], &e->answers[at], (e->answer_count - at) * PLACE_SIZE);
    e->answers[at] = h;
    e->answer_count++;
    return true;
}

enum evidence_taken evidence_put_answer(struct evidence *e, const struct evidence_answer *answer,
                                        struct evidence_id *id, struct fault *f)
{
    struct evidence_id own;
    enum evidence_taken taken;

    if (answer->response.len == 0 || answer->response.len > EVIDENCE_ANSWER_LEN_MAX) {
        return evidence_refuse(FAULT_LIMIT, "an OCSP answer that is empty or longer than 16 KB", f);
    }
    if (!digest_sha256(answer->cert, own.bytes)) {
        return evidence_refuse(FAULT_MEMORY, no_memory, f);
    }
    taken = weigh(e, answer, &own, f);
    if (taken == EVIDENCE_NEW) {
        struct evidence_held *h = copy(answer, &own);
        if (h == NULL) {
            return evidence_refuse(FAULT_MEMORY, no_memory, f);
        }
        if (!put(e, h)) {
            mem_free(h);
            return evidence_refuse(FAULT_LIMIT, "no memory or no room for an OCSP answer", f);
        }
        e->generation++;
    }
    *id = own;
    return taken;
}

bool evidence_answer_look(const struct evidence *e, struct span cert, struct evidence_answer *out)
{
    const struct evidence_held *h;
    struct evidence_id id;

    if (e->answer_count == 0 || !digest_sha256(cert, id.bytes)) {
        return false;
    }
    h = evidence_find_answer(e, &id);
    if (h == NULL) {
        return false;
    }
    *out = (struct evidence_answer){.cert = cert,
                                    .response = span_of(h->bytes, h->len),
                                    .this_update_s = h->this_update_s,
                                    .until_s = h->until_s,
                                    .is_revoked = h->is_revoked,
                                    .source = (const char *)&h->bytes[h->len]};
    return true;
}

struct span evidence_answer_of(const struct evidence *e, struct span cert)
{
    struct evidence_answer found;

    return evidence_answer_look(e, cert, &found) ? found.response : span_of(NULL, 0);
}

bool evidence_answer_until(const struct evidence *e, struct span cert, int64_t *until_s)
{
    struct evidence_answer found;

    if (!evidence_answer_look(e, cert, &found)) {
        return false;
    }
    *until_s = found.until_s;
    return true;
}

size_t evidence_answer_count(const struct evidence *e)
{
    return e->answer_count;
}
