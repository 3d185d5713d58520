#include <stdint.h>

#include "certs/chain_cert.h"
#include "certs/constraints.h"
#include "certs/dn.h"
#include "certs/mem.h"
#include "certs/path.h"
#include "certs/path_check.h"
#include "certs/signature.h"

/* Why the search could not go on from a certificate; a higher one tells more. */
enum dead_end {
    NO_ISSUER,
    OTHER_KEY_ID,
    BAD_SIGNATURE,
    UNKNOWN_ALGORITHM,
    TOO_LONG,
};

struct candidate {
    struct chain_cert cert;
    bool is_readable;
};

/* One certificate of the path that is being built, and how far the search for its issuer is. */
struct step {
    const struct chain_cert *cert;
    size_t next; /* the next candidate to look at */
    enum dead_end dead_end;
};

struct search {
    const struct path_input *in;
    const struct path_settings *settings;
    struct candidate *candidates; /* anchors first, then the pool: the shortest path first */
    size_t candidate_count;
    struct chain_cert leaf;
    struct step steps[PATH_MAX_CERTS];
    size_t count;
    unsigned signatures_left;
    unsigned work_left;
    /* the failure that tells most: a whole path that was refused, or else the longest part of one
     */
    const struct chain_cert *refused[PATH_MAX_CERTS];
    size_t refused_count;
    const struct chain_cert *dead_cert;
    size_t dead_level;
    enum dead_end dead_end;
};

static bool is_anchor(const struct search *s, size_t at)
{
    return at < s->in->anchor_count;
}

/* Keep the dead end that lies farthest up. */
static void note_dead_end(struct search *s)
{
    size_t level = s->count - 1;
    enum dead_end found = s->steps[level].dead_end;

    if (s->dead_cert == NULL || level > s->dead_level ||
        (level == s->dead_level && found > s->dead_end)) {
        s->dead_cert = s->steps[level].cert;
        s->dead_level = level;
        s->dead_end = found;
    }
}

/* Is a certificate with this subject and this key in the path already? Then going on would only
 * turn in a circle. */
static bool is_in_path(const struct search *s, const struct chain_cert *c)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct cert_view *view = &s->steps[i].cert->view;
        if (span_equal(view->key_info, c->view.key_info) &&
            dn_equal(view->subject, c->view.subject)) {
            return true;
        }
    }
    return false;
}

/* The key identifiers choose between issuers of the same name. They are a hint in RFC 5280 4.2.1.1,
 * and a rule here, but where rules for CAs are not asked for. */
static bool key_ids_fit(const struct search *s, const struct chain_cert *child,
                        const struct chain_cert *issuer)
{
    bool is_hint = s->settings->purpose == PATH_ANY || s->settings->allows_loose_cas;

    return is_hint || child->authority_key.len == 0 || issuer->subject_key.len == 0 ||
           span_equal(child->authority_key, issuer->subject_key);
}

static void tell(struct step *step, enum dead_end found)
{
    if (found > step->dead_end) {
        step->dead_end = found;
    }
}

/* Did the issuer sign the certificate on top of the path? */
static bool has_signed(struct search *s, const struct chain_cert *issuer)
{
    struct step *top = &s->steps[s->count - 1];
    bool weak;

    if (s->signatures_left == 0) {
        return false;
    }
    s->signatures_left--;
    switch (signature_verify(top->cert->algorithm, top->cert->tbs, top->cert->signature,
                             issuer->view.key_info, &weak)) {
    case SIGNATURE_GOOD:
        return true;
    case SIGNATURE_BAD:
        tell(top, BAD_SIGNATURE);
        return false;
    case SIGNATURE_UNSUPPORTED:
        tell(top, UNKNOWN_ALGORITHM);
        return false;
    }
    return false;
}

static bool is_issuer(struct search *s, const struct candidate *candidate)
{
    struct step *top = &s->steps[s->count - 1];

    if (!candidate->is_readable ||
        !dn_equal(top->cert->view.issuer, candidate->cert.view.subject) ||
        is_in_path(s, &candidate->cert)) {
        return false;
    }
    if (!key_ids_fit(s, top->cert, &candidate->cert)) {
        tell(top, OTHER_KEY_ID);
        return false;
    }
    if (s->count == PATH_MAX_CERTS) {
        tell(top, TOO_LONG);
        return false;
    }
    return has_signed(s, &candidate->cert);
}

static void push(struct search *s, const struct chain_cert *cert)
{
    s->steps[s->count] = (struct step){.cert = cert};
    s->count++;
}

static void list_path(const struct search *s, const struct chain_cert *out[PATH_MAX_CERTS])
{
    for (size_t i = 0; i < s->count; i++) {
        out[i] = s->steps[i].cert;
    }
}

/* The path has reached an anchor. */
static bool is_accepted(struct search *s)
{
    const struct chain_cert *certs[PATH_MAX_CERTS];

    list_path(s, certs);
    if (path_check(certs, s->count, s->settings, &s->work_left, NULL)) {
        return true;
    }
    if (s->refused_count == 0) {
        list_path(s, s->refused);
        s->refused_count = s->count;
    }
    return false;
}

/* Depth first, with the path itself as the stack. Every step down costs a signature, and those are
 * counted: whatever the pool holds, the search looks at it 101 times at most. */
static bool run(struct search *s)
{
    push(s, &s->leaf);
    while (s->count > 0) {
        struct step *top = &s->steps[s->count - 1];
        size_t at = top->next;
        if (at == s->candidate_count) {
            note_dead_end(s);
            s->count--;
            continue;
        }
        top->next++;
        if (!is_issuer(s, &s->candidates[at])) {
            continue;
        }
        push(s, &s->candidates[at].cert);
        if (!is_anchor(s, at)) {
            continue;
        }
        if (is_accepted(s)) {
            return true;
        }
        s->count--;
    }
    return false;
}

static const char *dead_end_text(enum dead_end found)
{
    switch (found) {
    case NO_ISSUER:
        return "no trust anchor and no CA certificate at hand has the name ";
    case OTHER_KEY_ID:
        return "the key identifiers do not fit any issuer with the name ";
    case BAD_SIGNATURE:
        return "the signature does not fit the key of the issuer ";
    case UNKNOWN_ALGORITHM:
        return "the signature algorithm is not supported; issuer ";
    case TOO_LONG:
        return "the path is too long; next issuer ";
    }
    return "";
}

/* The reasons of the best candidate: judged once more, this time with the list. */
static void explain(struct search *s, const struct chain_cert *const *certs, size_t count,
                    struct reasons *why)
{
    unsigned work = CONSTRAINTS_WORK_MAX;

    if (why != NULL) {
        (void)path_check(certs, count, s->settings, &work, why);
    }
}

static void explain_refusal(struct search *s, struct reasons *why)
{
    struct cert_facts facts;

    if (s->refused_count > 0) {
        explain(s, s->refused, s->refused_count, why);
        /* Work that ran out only over many paths does not run out on one. */
        if (reasons_decision(why) == NULL) {
            reasons_add(why, REASONS_REFUSE, -1, "too many names and name constraints", NULL);
        }
        return;
    }
    if (s->dead_cert->defect != NULL) {
        reasons_add(why, REASONS_REFUSE, (int)s->dead_level, s->dead_cert->defect, NULL);
        return;
    }
    if (s->signatures_left == 0) {
        reasons_add(why, REASONS_REFUSE, -1, "too many CA certificates to try", NULL);
        return;
    }
    cert_view_facts(&s->dead_cert->view, &facts);
    reasons_add(why, REASONS_REFUSE, (int)s->dead_level, dead_end_text(s->dead_end), facts.issuer);
}

static void explain_path(struct search *s, struct path *out, struct reasons *why)
{
    const struct chain_cert *certs[PATH_MAX_CERTS];

    list_path(s, certs);
    explain(s, certs, s->count, why);
    for (size_t i = 0; i < s->count; i++) {
        out->certs[i] = certs[i]->view.der;
    }
    out->count = s->count;
}

static void read_candidates(struct search *s, struct reasons *why)
{
    for (size_t i = 0; i < s->candidate_count; i++) {
        bool from_anchors = is_anchor(s, i);
        struct span der = from_anchors ? s->in->anchors[i] : s->in->pool[i - s->in->anchor_count];
        s->candidates[i].is_readable = chain_cert_read(der, &s->candidates[i].cert);
        if (!s->candidates[i].is_readable) {
            reasons_add(why, REASONS_NOTE, -1,
                        from_anchors ? "a trust anchor that cannot be read is left out"
                                     : "a CA certificate that cannot be read is left out",
                        NULL);
        }
    }
}

static bool search_path(struct search *s, struct path *out, struct reasons *why)
{
    if (!chain_cert_read(s->in->leaf, &s->leaf)) {
        reasons_add(why, REASONS_REFUSE, 0, "the certificate cannot be read", NULL);
        return false;
    }
    read_candidates(s, why);
    if (!run(s)) {
        explain_refusal(s, why);
        return false;
    }
    explain_path(s, out, why);
    return true;
}

bool path_validate(const struct path_input *in, const struct path_settings *settings,
                   struct path *out, struct reasons *why)
{
    struct search s = {.in = in,
                       .settings = settings,
                       .candidate_count = in->anchor_count + in->pool_count,
                       .signatures_left = PATH_SIGNATURES_MAX,
                       .work_left = CONSTRAINTS_WORK_MAX};
    bool is_good;

    if (in->anchor_count == 0 || in->pool_count > PATH_POOL_MAX) {
        reasons_add(why, REASONS_REFUSE, -1,
                    in->anchor_count == 0 ? "there is no trust anchor"
                                          : "more than 64 CA certificates to build with",
                    NULL);
        return false;
    }
    s.candidates = mem_new(s.candidate_count, sizeof(*s.candidates));
    if (s.candidates == NULL) {
        reasons_add(why, REASONS_REFUSE, -1, "out of memory", NULL);
        return false;
    }
    is_good = search_path(&s, out, why);
    mem_free(s.candidates);
    return is_good;
}
