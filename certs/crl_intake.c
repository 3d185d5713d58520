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
    const struct span *signers; /* of the trust: the other certificates that may sign CRLs */
    size_t signer_count;
    unsigned allows;
    int64_t now_s;
    struct crl_intake *out;
    struct reasons why; /* of the last attempt */
};

static int refuse(struct fault *f, const char *why)
{
    return fault_set(f, FAULT_BAD_CERT, FAULT_SIDE_CERTIFICATE, "CRL: ", why);
}

/* From a certificate up to an anchor, over the trust's own CAs. */
static bool validate(struct reading *r, struct span cert, struct path *out)
{
    const struct path_settings settings = {
        .now_s = r->now_s, .purpose = PATH_ANY, .allows_loose_cas = true};
    const struct path_input in = {.leaf = cert,
                                  .pool = &r->cas[r->anchors],
                                  .pool_count = r->ca_count - r->anchors,
                                  .anchors = r->cas,
                                  .anchor_count = r->anchors};

    return path_validate(&in, &settings, out, &r->why);
}

/* The way from a CA of the trust up to its anchor. Loading has found one for every CA, but that was
 * at its own time: whatever has ended since then vouches for nothing. */
static bool find_path(struct reading *r, size_t at, const struct cert_view *view, struct path *out)
{
    if (at >= r->anchors) {
        return validate(r, r->cas[at], out);
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

/* The CAs of a path, and who signs for them: the judge asks by the same rules again, with the path
 * of the certificate in question. */
static struct crl_authority authority_of(const struct reading *r, const struct span *path,
                                         size_t count)
{
    return (struct crl_authority){.path = path,
                                  .path_count = count,
                                  .signers = r->signers,
                                  .signer_count = r->signer_count,
                                  .now_s = r->now_s,
                                  .is_strict = true,
                                  .allows = r->allows};
}

static bool is_genuine(struct reading *r, const struct crl_authority *authority,
                       struct crl_arrival *a)
{
    struct span signer;
    struct cert_view signer_view;

    return crl_verify(a->crl, authority, &signer, -1, &r->why) &&
           cert_view_read(signer, &signer_view) && digest_sha256(signer_view.key_info, a->signer);
}

/* Has this CA, or a key that it vouches for, signed the CRL? */
static bool has_signed(struct reading *r, size_t at, const struct cert_view *view,
                       struct crl_arrival *a)
{
    struct path path;
    struct crl_authority authority;

    r->why.count = 0;
    if (!find_path(r, at, view, &path)) {
        return false;
    }
    authority = authority_of(r, path.certs, path.count);
    return is_genuine(r, &authority, a);
}

/* The same for a CRL signer of the CRL's own name: who issued it vouches for it. */
static bool has_signer_signed(struct reading *r, size_t at, struct crl_arrival *a)
{
    struct path path;
    struct crl_authority authority;

    r->why.count = 0;
    if (!validate(r, r->signers[at], &path)) {
        return false;
    }
    authority = authority_of(r, &path.certs[1], path.count - 1);
    authority.signers = &r->signers[at];
    authority.signer_count = 1;
    return is_genuine(r, &authority, a);
}

static const char *last_reason(const struct reading *r)
{
    const char *decision = reasons_decision(&r->why);

    if (decision != NULL) {
        return decision;
    }
    return r->why.count > 0 ? r->why.lines[r->why.count - 1].text : "out of memory";
}

static void accept(struct crl_arrival *a)
{
    a->is_verified = true;
    a->why[0] = '\0';
}

/* The CRL's issuer is one of the trust's CAs, by name; a CA that got a new key is there twice. An
 * indirect CRL is its issuer's own, too: whose certificates it lists is up to crl_ask. */
static void verify_by_cas(struct reading *r, struct crl_arrival *a)
{
    for (size_t i = 0; i < r->ca_count && !a->is_verified; i++) {
        struct cert_view view;
        if (!cert_view_read(r->cas[i], &view) || !dn_equal(view.subject, crl_issuer(a->crl))) {
            continue;
        }
        if (has_signed(r, i, &view, a)) {
            accept(a);
        } else {
            (void)snprintf(a->why, sizeof(a->why), "%s", last_reason(r));
        }
    }
}

/* An indirect CRL may bear the name of its signer, which is no CA. */
static void verify_by_signers(struct reading *r, struct crl_arrival *a)
{
    for (size_t i = 0; i < r->signer_count && !a->is_verified; i++) {
        struct cert_view view;
        if (!cert_view_read(r->signers[i], &view) || !dn_equal(view.subject, crl_issuer(a->crl))) {
            continue;
        }
        if (has_signer_signed(r, i, a)) {
            accept(a);
        } else {
            (void)snprintf(a->why, sizeof(a->why), "%s", last_reason(r));
        }
    }
}

static void verify(struct reading *r, struct crl_arrival *a)
{
    char issuer[CRL_INTAKE_WHY_MAX / 2];

    cert_name_text(crl_issuer(a->crl), issuer, sizeof(issuer));
    (void)snprintf(a->why, sizeof(a->why), "no CA of this trust has its issuer's name, %s", issuer);
    verify_by_cas(r, a);
    if (crl_is_indirect(a->crl)) {
        verify_by_signers(r, a);
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
    r.signer_count = trust_crl_signers(trust, &r.signers);
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
