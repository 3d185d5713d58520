#include <string.h>

#include "certs/evidence_inside.h"

int evidence_compare_numbers(struct span a, struct span b)
{
    /* Shortest form and not negative (crl.c has seen to it): the longer one is the larger. */
    if (a.len != b.len) {
        return a.len < b.len ? -1 : 1;
    }
    return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

/* Where the id is, or has to be put. */
static size_t place_of(const struct evidence *e, const struct evidence_id *id, bool *is_there)
{
    size_t low = 0;
    size_t high = e->mark_count;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = evidence_compare_ids(&e->marks[middle].id, id);
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

const struct evidence_mark *evidence_mark_find(const struct evidence *e,
                                               const struct evidence_id *id)
{
    bool is_there;
    size_t at = place_of(e, id, &is_there);

    return is_there ? &e->marks[at] : NULL;
}

static void remove_at(struct evidence *e, size_t at)
{
    e->mark_count--;
    memmove(&e->marks[at], &e->marks[at + 1], (e->mark_count - at) * sizeof(e->marks[0]));
}

void evidence_mark_remove(struct evidence *e, const struct evidence_id *id)
{
    bool is_there;
    size_t at = place_of(e, id, &is_there);

    if (is_there) {
        remove_at(e, at);
    }
}

/* Of marks of answers that are not held any more the oldest goes: what lies below it has ended long
 * ago. A mark of a CRL (every CRL that is ever verified has a number) never goes. */
static bool make_room(struct evidence *e)
{
    size_t oldest = e->mark_count;

    if (e->mark_count < EVIDENCE_MARKS_MAX) {
        return true;
    }
    for (size_t i = 0; i < e->mark_count; i++) {
        const struct evidence_mark *m = &e->marks[i];
        if (m->number_len == 0 && evidence_find_answer(e, &m->id) == NULL &&
            (oldest == e->mark_count || m->this_update_s < e->marks[oldest].this_update_s)) {
            oldest = i;
        }
    }
    if (oldest == e->mark_count) {
        return false;
    }
    remove_at(e, oldest);
    return true;
}

struct evidence_mark *evidence_mark_take(struct evidence *e, const struct evidence_id *id)
{
    bool is_there;
    size_t at = place_of(e, id, &is_there);
    void *marks = e->marks;

    if (is_there) {
        return &e->marks[at];
    }
    if (!make_room(e) ||
        !evidence_make_place(&marks, &e->mark_cap, e->mark_count, sizeof(e->marks[0]))) {
        return NULL;
    }
    e->marks = marks;
    at = place_of(e, id, &is_there); /* room may have been made in front of it */
    memmove(&e->marks[at + 1], &e->marks[at], (e->mark_count - at) * sizeof(e->marks[0]));
    e->mark_count++;
    e->marks[at] = (struct evidence_mark){.id = *id, .this_update_s = INT64_MIN};
    return &e->marks[at];
}

bool evidence_raise_mark(struct evidence *e, const struct evidence_mark *mark)
{
    struct evidence_mark *own;
    struct span number = span_of(mark->number, mark->number_len);

    if (mark->number_len > EVIDENCE_NUMBER_MAX) {
        return false;
    }
    own = evidence_mark_take(e, &mark->id);
    if (own == NULL) {
        return false;
    }
    if (evidence_compare_numbers(number, span_of(own->number, own->number_len)) > 0) {
        memcpy(own->number, mark->number, mark->number_len);
        own->number_len = mark->number_len;
    }
    if (mark->this_update_s > own->this_update_s) {
        own->this_update_s = mark->this_update_s;
    }
    return true;
}

size_t evidence_marks(const struct evidence *e, const struct evidence_mark **out)
{
    *out = e->marks;
    return e->mark_count;
}
