#include "certs/crl_intake.h"

#include <stdio.h>
#include <string.h>

#include "certs/cert.h"
#include "certs/crl_guess.h"
#include "certs/digest.h"
#include "certs/dn.h"
#include "certs/path.h"
#include "certs/pem.h"
#include "certs/reasons.h"

static const char crl_label[] = "X509 CRL";

/* One crl_intake_read. */
struct reading {
    const struct span *cas; /* the first `anchors` of them are anchors */
    size_t ca_count;
    size_t anchors;
    unsigned allows;
    int64_t now_s;
    struct crl_intake *out;
    struct reasons why; /* of the last attempt */
};

static int refuse(struct fault *f, const char *why)
{
    return fault_set(f, FAULT_BAD_CERT, FAULT_SIDE_CERTIFICATE, "CRL: ", why);
}

/* The way from a CA of the trust up to its anchor. Loading has found one for every CA, but that was
 * at its own time: whatever has ended since then vouches for nothing. */
static bool find_path(struct reading *r, size_t at, const struct cert_view *view, struct path *out)
{
    const struct path_settings settings = {
        .now_s = r->now_s, .purpose = PATH_ANY, .allows_loose_cas = true};
    const struct path_input in = {.leaf = r->cas[at],
                                  .pool = &r->cas[r->anchors],
                                  .pool_count = r->ca_count - r->anchors,
                                  .anchors = r->cas,
                                  .anchor_count = r->anchors};

    if (at >= r->anchors) {
        return path_validate(&in, &settings, out, &r->why);
    }
    if (r->now_s < view->not_before_s || r->now_s > view->not_after_s) {
        reasons_add(&r->why, REASONS_REFUSE, -1, "the anchor that issued it is not valid now",
                    NULL);
        return false;
    }
    out->certs[0] = r->cas[at];
    out->count = 1;
    return true;
}

/* Has this CA, or a key that it vouches for, signed the CRL? */
static bool has_signed(struct reading *r, size_t at, const struct cert_view *view,
                       struct crl_arrival *a)
{
    struct path path;
    struct span signer;
    struct cert_view signer_view;
    struct crl_authority authority = {.now_s = r->now_s, .is_strict = true, .allows = r->allows};

    r->why.count = 0;
    if (!find_path(r, at, view, &path)) {
        return false;
    }
    /* No `signers`: a trust holds CAs only, and those may sign as what they are. */
    authority.path = path.certs;
    authority.path_count = path.count;
    return crl_verify(a->crl, &authority, &signer, -1, &r->why) &&
           cert_view_read(signer, &signer_view) && digest_sha256(signer_view.key_info, a->signer);
}

static const char *last_reason(const struct reading *r)
{
    const char *decision = reasons_decision(&r->why);

    if (decision != NULL) {
        return decision;
    }
    return r->why.count > 0 ? r->why.lines[r->why.count - 1].text : "out of memory";
}

/* The CRL's issuer is one of the trust's CAs, by name; a CA that got a new key is there twice. An
 * indirect CRL is its issuer's own, too: whose certificates it lists is up to crl_ask. */
static void verify(struct reading *r, struct crl_arrival *a)
{
    char issuer[CRL_INTAKE_WHY_MAX / 2];

    cert_name_text(crl_issuer(a->crl), issuer, sizeof(issuer));
    (void)snprintf(a->why, sizeof(a->why), "no CA of this trust has its issuer's name, %s", issuer);
    for (size_t i = 0; i < r->ca_count; i++) {
        struct cert_view view;
        if (!cert_view_read(r->cas[i], &view) || !dn_equal(view.subject, crl_issuer(a->crl))) {
            continue;
        }
        if (has_signed(r, i, &view, a)) {
            a->is_verified = true;
            a->why[0] = '\0';
            return;
        }
        (void)snprintf(a->why, sizeof(a->why), "%s", last_reason(r));
    }
}

static void judge(struct reading *r, struct crl_arrival *a)
{
    int64_t this_update_s = crl_this_update_s(a->crl);

    if (this_update_s > r->now_s && this_update_s - r->now_s > CRL_INTAKE_SKEW_S) {
        a->is_future = true;
        (void)snprintf(a->why, sizeof(a->why),
                       "its thisUpdate lies %lld s ahead; are the clocks right, here and there?",
                       (long long)(this_update_s - r->now_s));
        return;
    }
    verify(r, a);
}

/* One DER becomes one arrival. */
static int add(struct reading *r, struct span der, struct fault *f)
{
    struct crl_arrival *a = &r->out->arrivals[r->out->count];
    const char *kind;
    struct fault inner = {0};

    if (r->out->count == CRL_INTAKE_MAX) {
        return refuse(f, "more than 64 in one file");
    }
    memset(a, 0, sizeof(*a));
    a->crl = crl_new(der, &inner);
    if (a->crl != NULL) {
        r->out->count++;
        judge(r, a);
        return 0;
    }
    kind = inner.code == FAULT_MEMORY ? NULL : crl_guess_kind(der);
    if (kind != NULL) {
        return refuse(f, kind);
    }
    return fault_set(f, inner.code, inner.side, inner.note, NULL);
}

/* A block of another kind (a CA's certificate beside its CRL) is no mistake. */
static int add_block(struct reading *r, struct pem_block *block, struct fault *f)
{
    int code = 0;

    if (strcmp(block->label, crl_label) == 0) {
        code = add(r, span_of(block->der, block->len), f);
    }
    pem_block_free(block);
    return code;
}

static int refuse_pem(struct span text, struct fault *f)
{
    const char *kind = crl_guess_kind(text);

    return refuse(f, kind != NULL ? kind : "broken PEM");
}

static int read_pem(struct reading *r, struct span text, struct fault *f)
{
    const struct span all = text;
    struct pem_block block;

    for (;;) {
        int code;
        switch (pem_block_take(&text, &block)) {
        case PEM_END:
            return r->out->count > 0 ? 0 : refuse_pem(all, f);
        case PEM_BROKEN:
            return refuse_pem(text, f);
        case PEM_MEMORY:
            return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "CRL: ", "out of memory");
        case PEM_BLOCK:
            break;
        }
        code = add_block(r, &block, f);
        if (code != 0) {
            return code;
        }
    }
}

int crl_intake_read(struct span bytes, const struct trust *trust, int64_t now_s,
                    struct crl_intake *out, struct fault *f)
{
    struct reading r = {.allows = trust_allows(trust), .now_s = now_s, .out = out};
    int code;

    r.ca_count = trust_cas(trust, &r.cas, &r.anchors);
    out->count = 0;
    code = crl_guess_is_pem(bytes) ? read_pem(&r, bytes, f) : add(&r, bytes, f);
    if (code != 0) {
        crl_intake_clear(out);
    }
    return code;
}

void crl_intake_clear(struct crl_intake *in)
{
    for (size_t i = 0; i < in->count; i++) {
        struct crl_arrival *a = &in->arrivals[i];
        if (a->is_verified) {
            (void)crl_forget_source(a->crl); /* without memory for it: it is kept, no more */
        }
        crl_release(a->crl);
        a->crl = NULL;
    }
    in->count = 0;
}
