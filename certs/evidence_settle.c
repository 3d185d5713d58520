#include <string.h>

#include "certs/cert.h"
#include "certs/dn.h"
#include "certs/evidence_inside.h"
#include "certs/path.h"

/* One evidence_settle. */
struct walk {
    const struct evidence_showing *shown;
    struct evidence_id names[PATH_MAX_CERTS]; /* of the path from that certificate upwards */
    evidence_tell_fn tell;
    void *owner;
};

static const char no_memory[] = "no memory for a CRL";

bool evidence_name_pending(const struct crl *c, const char *source, struct evidence_id *id)
{
    uint8_t bytes[2 + 4 * DIGEST_LEN] = {'P', crl_is_delta(c) ? 1 : 0};

    return digest_sha256(span_of_text(source), &bytes[2]) &&
           digest_sha256(crl_issuer(c), &bytes[2 + DIGEST_LEN]) &&
           digest_sha256(crl_scope_value(c), &bytes[2 + 2 * DIGEST_LEN]) &&
           digest_sha256(crl_key_id(c), &bytes[2 + 3 * DIGEST_LEN]) &&
           digest_sha256(span_of(bytes, sizeof(bytes)), id->bytes);
}

static bool is_of(const struct evidence *e, size_t at, const struct evidence_id *origin)
{
    return !e->crls[at].is_verified &&
           (origin == NULL || evidence_compare_ids(&e->sides[at].origin, origin) == 0);
}

/* How many wait, and how much memory they take; of one origin or of all (NULL). */
static size_t count_pending(const struct evidence *e, const struct evidence_id *origin,
                            size_t *memory)
{
    size_t count = 0;

    *memory = 0;
    for (size_t i = 0; i < e->crl_count; i++) {
        if (is_of(e, i, origin)) {
            count++;
            *memory += crl_memory(e->crls[i].crl);
        }
    }
    return count;
}

bool evidence_drop_pending(struct evidence *e, const struct evidence_id *origin)
{
    for (size_t i = 0; i < e->crl_count; i++) {
        if (is_of(e, i, origin)) {
            evidence_remove_crl(e, i);
            return true;
        }
    }
    return false;
}

static bool has_room(const struct evidence *e, size_t memory)
{
    size_t used;

    return count_pending(e, NULL, &used) < EVIDENCE_PENDING_MAX &&
           e->crl_count < EVIDENCE_CRLS_MAX && memory <= EVIDENCE_PENDING_MEMORY_MAX &&
           used <= EVIDENCE_PENDING_MEMORY_MAX - memory;
}

/* Nobody vouches for what is pending, so a source that brings much of it drives out its own and
 * nothing else. */
static bool make_room(struct evidence *e, size_t memory, const struct evidence_id *origin)
{
    size_t used;

    while (count_pending(e, origin, &used) >= EVIDENCE_PENDING_SOURCE_MAX || !has_room(e, memory)) {
        if (!evidence_drop_pending(e, origin)) {
            return false;
        }
    }
    return true;
}

/* What is refused before anything is looked at. */
static enum evidence_taken refuse_pending(const struct crl_arrival *arrival, struct fault *f)
{
    struct span der = crl_der(arrival->crl);

    if (crl_defect(arrival->crl) != NULL) {
        (void)evidence_refuse(FAULT_BAD_CERT, "the CRL ", f);
        fault_add(f, crl_defect(arrival->crl));
        return EVIDENCE_REFUSED;
    }
    if (der.len == 0 || der.len > EVIDENCE_PENDING_LEN_MAX) {
        return evidence_refuse(FAULT_LIMIT,
                               "a CRL of more than 4 MB whose issuer is not at hand; right: its "
                               "issuer's certificate in `intermediates`",
                               f);
    }
    return EVIDENCE_PENDING;
}

enum evidence_taken evidence_put_pending(struct evidence *e, const struct crl_arrival *arrival,
                                         const char *source, struct evidence_id *id,
                                         struct fault *f)
{
    enum evidence_taken taken = refuse_pending(arrival, f);
    struct evidence_id own;
    struct evidence_id origin;
    int at;

    if (taken == EVIDENCE_REFUSED) {
        return taken;
    }
    if (!evidence_name_pending(arrival->crl, source, &own) ||
        !digest_sha256(span_of_text(source), origin.bytes)) {
        return evidence_refuse(FAULT_MEMORY, no_memory, f);
    }
    at = evidence_find_crl(e, &own);
    if (at != EVIDENCE_NOWHERE) {
        if (span_equal(crl_der(e->crls[at].crl), crl_der(arrival->crl))) {
            *id = own;
            return EVIDENCE_SAME;
        }
        /* The last that came, whatever it says of its age: nobody vouches for that either, and a
         * forged one from the far future must not keep the genuine one out. */
        evidence_remove_crl(e, (size_t)at);
    }
    if (!make_room(e, crl_memory(arrival->crl), &origin)) {
        return evidence_refuse(FAULT_LIMIT, "too many CRLs whose issuers are not at hand", f);
    }
    if (!evidence_append_crl(e, arrival->crl, &own, source)) {
        return evidence_refuse(FAULT_MEMORY, no_memory, f);
    }
    e->generation++;
    return EVIDENCE_PENDING;
}

void evidence_forget_source(struct evidence *e, const char *source)
{
    struct evidence_id origin;

    if (digest_sha256(span_of_text(source), origin.bytes)) {
        while (evidence_drop_pending(e, &origin)) {
        }
    }
}

/* The name of what the trust adds: who may sign now, and how weakly. A signer whose time comes, or
 * that a reload brings, makes other names: what was tried without it is tried again. */
static bool name_trust(const struct evidence_showing *shown, uint8_t *out)
{
    uint8_t bytes[2 * DIGEST_LEN] = {(uint8_t)shown->allows};

    for (size_t i = 0; i < shown->signer_count; i++) {
        struct cert_view view;
        if (!cert_view_read(shown->signers[i], &view) || shown->now_s < view.not_before_s ||
            shown->now_s > view.not_after_s) {
            continue;
        }
        if (!digest_sha256(shown->signers[i], &bytes[DIGEST_LEN]) ||
            !digest_sha256(span_of(bytes, sizeof(bytes)), bytes)) {
            return false;
        }
    }
    memcpy(out, bytes, DIGEST_LEN);
    return true;
}

/* From the anchor down: the name of a part of the path is made from its certificate and from the
 * name of what lies above it. */
static bool name_path(struct walk *w)
{
    const struct path *path = w->shown->path;
    uint8_t bytes[2 * DIGEST_LEN];

    if (!name_trust(w->shown, &bytes[DIGEST_LEN])) {
        return false;
    }
    for (size_t i = path->count; i > 0; i--) {
        if (!digest_sha256(path->certs[i - 1], bytes) ||
            !digest_sha256(span_of(bytes, sizeof(bytes)), w->names[i - 1].bytes)) {
            return false;
        }
        memcpy(&bytes[DIGEST_LEN], w->names[i - 1].bytes, DIGEST_LEN);
    }
    return true;
}

/* Has this part of a path been found not to sign it? What a signature says does not change, and the
 * loop must not hash the same megabytes for every link. */
static bool was_tried(const struct evidence_side *side, const struct evidence_id *name)
{
    for (size_t i = 0; i < side->tried_count && i < EVIDENCE_TRIED_MAX; i++) {
        if (evidence_compare_ids(&side->tried[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_signed(const struct walk *w, size_t level, const struct crl *c,
                       uint8_t signer[DIGEST_LEN])
{
    const struct evidence_showing *shown = w->shown;
    const struct crl_authority authority = {.path = &shown->path->certs[level],
                                            .path_count = shown->path->count - level,
                                            .signers = shown->signers,
                                            .signer_count = shown->signer_count,
                                            .now_s = shown->now_s,
                                            .is_strict = true,
                                            .allows = shown->allows};
    struct span found;
    struct cert_view view;

    return crl_verify(c, &authority, &found, (int)level, NULL) && cert_view_read(found, &view) &&
           digest_sha256(view.key_info, signer);
}

/* May somebody have signed it for this CA of the path? Under the CA's own name; an indirect one
 * also under the name of a CRL signer, and then it is for the path as a whole. */
static bool is_candidate(const struct walk *w, size_t level, const struct crl *c)
{
    const struct evidence_showing *shown = w->shown;
    struct cert_view view;

    if (cert_view_read(shown->path->certs[level], &view) && dn_equal(view.subject, crl_issuer(c))) {
        return true;
    }
    for (size_t i = 0; level == 1 && crl_is_indirect(c) && i < shown->signer_count; i++) {
        if (cert_view_read(shown->signers[i], &view) && dn_equal(view.subject, crl_issuer(c))) {
            return true;
        }
    }
    return false;
}

/* Whoever has signed the CRL in the name of a CA of the path. */
static bool find_signer(struct evidence *e, size_t at, const struct walk *w,
                        uint8_t signer[DIGEST_LEN])
{
    const struct crl *c = e->crls[at].crl;
    struct evidence_side *side = &e->sides[at];

    for (size_t level = 1; level < w->shown->path->count; level++) {
        if (!is_candidate(w, level, c) || was_tried(side, &w->names[level])) {
            continue;
        }
        if (has_signed(w, level, c, signer)) {
            return true;
        }
        side->tried[side->tried_count % EVIDENCE_TRIED_MAX] = w->names[level];
        side->tried_count++;
    }
    return false;
}

static void tell(const struct walk *w, enum evidence_taken taken, const struct evidence_crl *crl)
{
    if (w->tell != NULL) {
        w->tell(w->owner, taken, crl);
    }
}

/* The pending CRL takes the place of the one before it, or is verified where it stands. */
static bool take(struct evidence *e, size_t at, const struct evidence_id *id, const struct walk *w)
{
    struct crl *c = e->crls[at].crl;
    int before = evidence_find_crl(e, id);
    size_t place = before == EVIDENCE_NOWHERE ? at : (size_t)before;

    if (!evidence_mark_crl(e, c, id)) {
        return false; /* it waits on */
    }
    if (before != EVIDENCE_NOWHERE) {
        e->sides[place] = e->sides[at];
        memcpy(e->crls[place].source, e->crls[at].source, sizeof(e->crls[place].source));
        e->crls[at].crl = e->crls[place].crl;
        e->crls[place].crl = c;
        evidence_remove_crl(e, at);
        place -= place > at ? 1 : 0;
    }
    e->crls[place].id = *id;
    e->crls[place].is_verified = true;
    e->generation++;
    tell(w, EVIDENCE_NEW, &e->crls[place]);
    (void)crl_forget_source(e->crls[place].crl); /* without memory for it: it is kept, no more */
    return true;
}

/* True: it waits no more. */
static bool settle_one(struct evidence *e, size_t at, const struct walk *w)
{
    struct crl *c = e->crls[at].crl;
    int64_t this_update_s = crl_this_update_s(c);
    uint8_t signer[DIGEST_LEN];
    struct evidence_id id;
    enum evidence_taken taken;
    int64_t now_s = w->shown->now_s;

    if ((this_update_s > now_s && this_update_s - now_s > CRL_INTAKE_SKEW_S) ||
        !find_signer(e, at, w, signer) || !evidence_name_crl(c, signer, &id)) {
        return false;
    }
    taken = evidence_weigh_crl(e, c, &id, NULL);
    if (taken == EVIDENCE_NEW) {
        return take(e, at, &id, w);
    }
    e->crls[at].id = id;
    tell(w, taken, &e->crls[at]);
    evidence_remove_crl(e, at);
    return true;
}

bool evidence_settle(struct evidence *e, const struct evidence_showing *shown,
                     evidence_tell_fn tell_fn, void *owner)
{
    struct walk w = {.shown = shown, .tell = tell_fn, .owner = owner};
    uint64_t generation = e->generation;
    size_t used;
    size_t i = 0;

    if (count_pending(e, NULL, &used) == 0 || !name_path(&w)) {
        return false;
    }
    while (i < e->crl_count) {
        if (e->crls[i].is_verified || !settle_one(e, i, &w)) {
            i++; /* else another one stands here now, or this one is verified */
        }
    }
    return e->generation != generation;
}
