#include "certs/evidence.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certs/cert.h"
#include "certs/evidence_inside.h"
#include "certs/mem.h"

enum { FIRST_CAP = 8, NAME_MAX = 96, TIME_MAX = 24, HEX_MAX = 2 * EVIDENCE_NUMBER_MAX };

struct evidence *evidence_new(void)
{
    return mem_new(1, sizeof(struct evidence));
}

void evidence_free(struct evidence *e)
{
    if (e == NULL) {
        return;
    }
    for (size_t i = 0; i < e->crl_count; i++) {
        crl_release(e->crls[i].crl);
    }
    mem_free(e->crls);
    mem_free(e->sides);
    mem_free(e->marks);
    evidence_free_answers(e);
    mem_free(e);
}

int evidence_compare_ids(const struct evidence_id *a, const struct evidence_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool evidence_make_place(void **array, size_t *cap, size_t count, size_t size)
{
    size_t wanted = *cap == 0 ? FIRST_CAP : 2 * *cap;
    void *bigger;

    if (count < *cap) {
        return true;
    }
    bigger = mem_grow(*array, count, wanted, size);
    if (bigger == NULL) {
        return false;
    }
    *array = bigger;
    *cap = wanted;
    return true;
}

int evidence_find_crl(const struct evidence *e, const struct evidence_id *id)
{
    for (size_t i = 0; i < e->crl_count; i++) {
        if (evidence_compare_ids(&e->crls[i].id, id) == 0) {
            return (int)i;
        }
    }
    return EVIDENCE_NOWHERE;
}

void evidence_remove_crl(struct evidence *e, size_t at)
{
    crl_release(e->crls[at].crl);
    e->crl_count--;
    /* The order is kept: it says who has waited longest. */
    memmove(&e->crls[at], &e->crls[at + 1], (e->crl_count - at) * sizeof(e->crls[0]));
    memmove(&e->sides[at], &e->sides[at + 1], (e->crl_count - at) * sizeof(e->sides[0]));
}

/* Both arrays have one capacity; when only the first could grow, it grows no more the next time. */
static bool make_crl_place(struct evidence *e)
{
    void *crls = e->crls;
    void *sides = e->sides;
    size_t crl_cap = e->crl_cap;
    size_t side_cap = e->crl_cap;
    bool has_place = evidence_make_place(&crls, &crl_cap, e->crl_count, sizeof(e->crls[0]));

    e->crls = crls;
    if (!has_place || !evidence_make_place(&sides, &side_cap, e->crl_count, sizeof(e->sides[0]))) {
        return false;
    }
    e->sides = sides;
    e->crl_cap = side_cap;
    return true;
}

bool evidence_fill_crl(struct evidence *e, size_t at, struct crl *c, const char *source)
{
    struct evidence_crl *to = &e->crls[at];
    struct crl *before = to->crl;
    struct evidence_id origin = {{0}};

    if (!digest_sha256(span_of_text(source), origin.bytes)) {
        return false;
    }
    e->sides[at].origin = origin;

    to->crl = crl_hold(c);
    crl_release(before);
    (void)snprintf(to->source, sizeof(to->source), "%s", source);
    cert_name_text(crl_issuer(c), to->issuer, sizeof(to->issuer));
    return true;
}

bool evidence_append_crl(struct evidence *e, struct crl *c, const struct evidence_id *id,
                         const char *source)
{
    size_t at = e->crl_count;

    assert(e->crl_count < EVIDENCE_CRLS_MAX);
    if (!make_crl_place(e)) {
        return false;
    }
    memset(&e->crls[at], 0, sizeof(e->crls[at]));
    memset(&e->sides[at], 0, sizeof(e->sides[at]));
    e->crls[at].id = *id;
    if (!evidence_fill_crl(e, at, c, source)) {
        return false;
    }
    e->crl_count++;
    return true;
}

bool evidence_name_crl(const struct crl *c, const uint8_t *signer, struct evidence_id *id)
{
    /* 'C', base or delta, and three digests: nothing else has the same bytes. */
    uint8_t bytes[2 + 3 * DIGEST_LEN] = {'C', crl_is_delta(c) ? 1 : 0};

    memcpy(&bytes[2], signer, DIGEST_LEN);
    return digest_sha256(crl_issuer(c), &bytes[2 + DIGEST_LEN]) &&
           digest_sha256(crl_scope_value(c), &bytes[2 + 2 * DIGEST_LEN]) &&
           digest_sha256(span_of(bytes, sizeof(bytes)), id->bytes);
}

static void put_hex(struct span number, char out[HEX_MAX + 1])
{
    size_t len = 0;
    uint8_t byte;

    out[0] = '\0';
    while (len < HEX_MAX && span_take_u8(&number, &byte)) {
        len += (size_t)snprintf(&out[len], 3, "%02x", byte);
    }
}

static void put_time(int64_t at_s, char out[TIME_MAX])
{
    time_t at = (time_t)at_s;
    struct tm parts;

    out[0] = '\0';
    if (gmtime_r(&at, &parts) == NULL ||
        strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        out[0] = '\0';
    }
}

static enum evidence_taken refuse_older(const struct crl *c, const struct evidence_mark *mark,
                                        struct fault *f)
{
    char own[HEX_MAX + 1];
    char known[HEX_MAX + 1];
    char own_time[TIME_MAX];
    char known_time[TIME_MAX];
    char issuer[NAME_MAX];
    char note[2 * FAULT_NOTE_MAX]; /* all of it: the fault cuts at its end */
    struct span number = span_of(mark->number, mark->number_len);
    bool is_higher = evidence_compare_numbers(crl_number(c), number) > 0;

    put_hex(crl_number(c), own);
    put_hex(number, known);
    put_time(crl_this_update_s(c), own_time);
    put_time(mark->this_update_s, known_time);
    cert_name_text(crl_issuer(c), issuer, sizeof(issuer));
    (void)snprintf(note, sizeof(note), "CRL %s of %s is older than CRL %s of %s%s; issuer ", own,
                   own_time, known, known_time, is_higher ? " in spite of its higher number" : "");
    (void)fault_set(f, FAULT_BAD_CERT, FAULT_SIDE_CERTIFICATE, note, issuer);
    return EVIDENCE_OLDER;
}

enum evidence_taken evidence_weigh_crl(const struct evidence *e, const struct crl *c,
                                       const struct evidence_id *id, struct fault *f)
{
    const struct evidence_mark *mark = evidence_mark_find(e, id);
    int64_t this_update_s = crl_this_update_s(c);
    int order;
    int at;

    if (mark == NULL) {
        return EVIDENCE_NEW;
    }
    order = evidence_compare_numbers(crl_number(c), span_of(mark->number, mark->number_len));
    if (order < 0 || this_update_s < mark->this_update_s) {
        return refuse_older(c, mark, f);
    }
    if (order > 0 || this_update_s > mark->this_update_s) {
        return EVIDENCE_NEW;
    }
    /* A mark may have outlived its CRL: then this is it. */
    at = evidence_find_crl(e, id);
    if (at == EVIDENCE_NOWHERE || crl_this_update_s(e->crls[at].crl) != this_update_s ||
        evidence_compare_numbers(crl_number(e->crls[at].crl), crl_number(c)) != 0) {
        return EVIDENCE_NEW;
    }
    return EVIDENCE_SAME;
}

bool evidence_mark_crl(struct evidence *e, const struct crl *c, const struct evidence_id *id)
{
    struct span number = crl_number(c);
    struct evidence_mark mark = {.id = *id, .this_update_s = crl_this_update_s(c)};

    assert(number.len <= sizeof(mark.number)); /* crl.c has refused longer ones */
    if (number.len > 0) {
        memcpy(mark.number, number.data, number.len);
    }
    mark.number_len = number.len;
    return evidence_raise_mark(e, &mark);
}

enum evidence_taken evidence_refuse(enum fault_code code, const char *why, struct fault *f)
{
    (void)fault_set(f, code, code == FAULT_BAD_CERT ? FAULT_SIDE_CERTIFICATE : FAULT_SIDE_SELF, why,
                    NULL);
    return EVIDENCE_REFUSED;
}

/* A place for a CRL of a kind that was not there before. Its mark comes last: where it cannot be
 * set, nothing is taken. */
static enum evidence_taken put_first(struct evidence *e, struct crl *c,
                                     const struct evidence_id *id, const char *source,
                                     struct fault *f)
{
    if (e->crl_count == EVIDENCE_CRLS_MAX && !evidence_drop_pending(e, NULL)) {
        return evidence_refuse(FAULT_LIMIT, "more than 1024 CRLs under one trust", f);
    }
    if (!evidence_append_crl(e, c, id, source)) {
        return evidence_refuse(FAULT_MEMORY, "no memory for a CRL", f);
    }
    if (!evidence_mark_crl(e, c, id)) {
        evidence_remove_crl(e, e->crl_count - 1);
        return evidence_refuse(FAULT_LIMIT, "no memory or no room for the mark of a CRL", f);
    }
    e->crls[e->crl_count - 1].is_verified = true;
    return EVIDENCE_NEW;
}

static enum evidence_taken put_next(struct evidence *e, size_t at, struct crl *c,
                                    const char *source, struct fault *f)
{
    if (!evidence_mark_crl(e, c, &e->crls[at].id) || !evidence_fill_crl(e, at, c, source)) {
        return evidence_refuse(FAULT_MEMORY, "no memory for a CRL", f);
    }
    return EVIDENCE_NEW;
}

static enum evidence_taken put_verified(struct evidence *e, const struct crl_arrival *arrival,
                                        const char *source, struct evidence_id *id, struct fault *f)
{
    struct evidence_id own;
    struct evidence_id pending;
    enum evidence_taken taken;
    int at;

    if (!evidence_name_crl(arrival->crl, arrival->signer, &own) ||
        !evidence_name_pending(arrival->crl, source, &pending)) {
        return evidence_refuse(FAULT_MEMORY, "no memory for a CRL", f);
    }
    taken = evidence_weigh_crl(e, arrival->crl, &own, f);
    if (taken == EVIDENCE_NEW) {
        at = evidence_find_crl(e, &own);
        taken = at == EVIDENCE_NOWHERE ? put_first(e, arrival->crl, &own, source, f)
                                       : put_next(e, (size_t)at, arrival->crl, source, f);
    }
    if (taken == EVIDENCE_REFUSED) {
        return taken;
    }
    *id = own;
    /* It came once more, and now somebody vouches for it: it waits no more. */
    at = evidence_find_crl(e, &pending);
    if (at != EVIDENCE_NOWHERE) {
        evidence_remove_crl(e, (size_t)at);
    }
    e->generation += taken == EVIDENCE_NEW ? 1 : 0;
    return taken;
}

enum evidence_taken evidence_put_crl(struct evidence *e, const struct crl_arrival *arrival,
                                     const char *source, struct evidence_id *id, struct fault *f)
{
    if (arrival->is_future) {
        return evidence_refuse(FAULT_NOT_YET, arrival->why, f);
    }
    return arrival->is_verified ? put_verified(e, arrival, source, id, f)
                                : evidence_put_pending(e, arrival, source, id, f);
}

size_t evidence_crls(const struct evidence *e, const struct evidence_crl **out)
{
    *out = e->crls;
    return e->crl_count;
}

uint64_t evidence_generation(const struct evidence *e)
{
    return e->generation;
}
