#include "certs/trust.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "certs/cert.h"
#include "certs/cert_file.h"
#include "certs/crl_signers.h"
#include "certs/mem.h"
#include "certs/pem.h"
#include "certs/signature.h"
#include "certs/tls_context.h"
#include "certs/trust_context.h"

enum { ROLES = 2, CA_COUNT_MAX = 64 };

/* One CA that is trusted: an anchor, or an intermediate that an anchor vouched for at load. */
struct trusted_ca {
    struct pem_block block;
    struct cert_view view; /* borrows from the block */
};

struct trust {
    _Atomic uint32_t holders;
    char *name;
    enum tls_version tls_min;
    enum revocation_mode revocation;
    bool is_strict_about_cas;
    unsigned allows;
    bool requires_eku;
    uint8_t *policy;
    size_t policy_len;
    struct trusted_ca cas[CA_COUNT_MAX];
    struct span cas_der[CA_COUNT_MAX];
    size_t count;
    size_t anchor_count; /* the first so many are anchors */
    struct crl_signers crl_signers;
    struct WOLFSSL_CTX *contexts[ROLES];
    bool is_dirty[ROLES]; /* a peer's CAs could not be taken out: see trust_context */
};

/* While a file is read. */
struct reading {
    struct trust *trust;
    const char *path;
    int64_t now_s;
    bool is_anchor;
};

/* What must hold for a certificate that will vouch for others. */
static int check_ca(const struct reading *r, const struct cert_view *view, struct fault *f)
{
    const struct cert_file_rules rules = {
        .path = r->path, .now_s = r->now_s, .allows = r->trust->allows, .is_anchor = r->is_anchor};

    if (!view->is_ca || (view->has_key_usage && !view->may_sign_certs)) {
        return cert_file_refuse_view(
            f, r->path, view, " is no CA; right: a certificate with basicConstraints CA:TRUE");
    }
    if (view->limits_other_names) {
        return cert_file_refuse_view(f, r->path, view,
                                     " has name constraints that cannot be checked (URI, IP)");
    }
    return cert_file_check(&rules, view, f);
}

/* An anchor stands for itself; an intermediate must come from one, or from one read before. */
static int check_place(const struct reading *r, const struct cert_view *view, struct fault *f)
{
    bool is_self_issued = span_equal(view->subject, view->issuer);

    if (r->is_anchor && !is_self_issued) {
        return cert_file_refuse_view(
            f, r->path, view, " is no root; right: put it into `intermediates`, its root here");
    }
    if (!r->is_anchor &&
        (is_self_issued || !tls_context_is_issued(r->trust->contexts[TLS_SERVER], view->der))) {
        return cert_file_refuse_view(f, r->path, view,
                                     " was not issued by an anchor or an intermediate before it");
    }
    return 0;
}

static int add_to_contexts(const struct reading *r, const struct cert_view *view, struct fault *f)
{
    for (size_t role = 0; role < ROLES; role++) {
        if (!tls_context_add_ca(r->trust->contexts[role], view->der)) {
            return cert_file_refuse_view(f, r->path, view, " is refused by the TLS library");
        }
    }
    return 0;
}

/* Is the very same certificate there already? Bundles often repeat one. */
static bool is_known(const struct trust *t, struct span der)
{
    for (size_t i = 0; i < t->count; i++) {
        if (span_equal(t->cas_der[i], der)) {
            return true;
        }
    }
    return false;
}

/* Takes the block over, with success or without. */
static int add_ca(void *owner, struct pem_block *block, struct fault *f)
{
    const struct reading *r = owner;
    struct trust *t = r->trust;
    struct cert_view view;
    int code = 0;

    if (!cert_view_read(span_of(block->der, block->len), &view)) {
        code = cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "holds a certificate that cannot be read");
    } else if (is_known(t, view.der)) {
        pem_block_free(block);
        return 0;
    } else if (t->count == CA_COUNT_MAX) {
        code = cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "more than 64 CA certificates in one trust");
    }
    if (code == 0) {
        code = check_ca(r, &view, f);
    }
    if (code == 0) {
        code = check_place(r, &view, f);
    }
    if (code == 0) {
        code = add_to_contexts(r, &view, f);
    }
    if (code != 0) {
        pem_block_free(block);
        return code;
    }
    t->cas[t->count].block = *block;
    t->cas[t->count].view = view;
    t->cas_der[t->count] = view.der;
    t->count++;
    return 0;
}

/* After the CAs, which vouch for them. */
static int load_crl_signers(struct trust *t, const char *path, int64_t now_s, struct fault *f)
{
    const struct crl_signers_rules rules = {.cas = t->cas_der,
                                            .ca_count = t->count,
                                            .anchor_count = t->anchor_count,
                                            .allows = t->allows,
                                            .now_s = now_s};

    return path == NULL ? 0 : crl_signers_load(&t->crl_signers, path, &rules, f);
}

/* Contexts first: they judge who issued an intermediate. */
static int fill(struct trust *t, const struct trust_settings *settings, int64_t now_s,
                struct fault *f)
{
    struct reading anchors = {t, settings->anchors, now_s, true};
    struct reading intermediates = {t, settings->intermediates, now_s, false};
    int code;

    t->name = mem_text(settings->name);
    t->policy = mem_new(settings->policy.len + 1, 1); /* none at all is no lack of memory */
    if (t->name == NULL || t->policy == NULL) {
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "out of memory for a trust", NULL);
    }
    if (settings->policy.len > 0) {
        memcpy(t->policy, settings->policy.data, settings->policy.len);
    }
    t->policy_len = settings->policy.len;
    for (size_t role = 0; role < ROLES; role++) {
        t->contexts[role] = tls_context_new((enum tls_role)role, settings->tls_min, t->allows, f);
        if (t->contexts[role] == NULL) {
            return FAULT_MEMORY;
        }
    }
    code = pem_certificates_read(anchors.path, add_ca, &anchors, f);
    t->anchor_count = t->count;
    if (code == 0 && intermediates.path != NULL) {
        code = pem_certificates_read(intermediates.path, add_ca, &intermediates, f);
    }
    return code != 0 ? code : load_crl_signers(t, settings->crl_signers, now_s, f);
}

struct trust *trust_load(const struct trust_settings *settings, int64_t now_s, struct fault *f)
{
    struct trust *t = mem_new(1, sizeof(*t));

    if (t == NULL) {
        (void)fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "out of memory for a trust", NULL);
        return NULL;
    }
    t->holders = 1;
    t->tls_min = settings->tls_min;
    t->revocation = settings->revocation;
    t->is_strict_about_cas = settings->is_strict_about_cas;
    t->allows = settings->allows;
    t->requires_eku = settings->requires_eku;
    if (fill(t, settings, now_s, f) != 0) {
        trust_release(t);
        return NULL;
    }
    return t;
}

struct trust *trust_hold(struct trust *t)
{
    assert(t->holders > 0 && t->holders < UINT32_MAX);
    t->holders++;
    return t;
}

void trust_release(struct trust *t)
{
    if (t == NULL) {
        return;
    }
    assert(t->holders > 0);
    if (atomic_fetch_sub(&t->holders, 1) > 1) {
        return;
    }
    for (size_t role = 0; role < ROLES; role++) {
        tls_context_free(t->contexts[role]);
    }
    for (size_t i = 0; i < t->count; i++) {
        pem_block_free(&t->cas[i].block);
    }
    crl_signers_clear(&t->crl_signers);
    mem_free(t->name);
    mem_free(t->policy);
    mem_free(t);
}

const char *trust_name(const struct trust *t)
{
    return t->name;
}

enum revocation_mode trust_revocation(const struct trust *t)
{
    return t->revocation;
}

bool trust_is_strict_about_cas(const struct trust *t)
{
    return t->is_strict_about_cas;
}

unsigned trust_allows(const struct trust *t)
{
    return t->allows;
}

bool trust_requires_eku(const struct trust *t)
{
    return t->requires_eku;
}

struct span trust_policy(const struct trust *t)
{
    return span_of(t->policy, t->policy_len);
}

size_t trust_cas(const struct trust *t, const struct span **out, size_t *anchors)
{
    *out = t->cas_der;
    *anchors = t->anchor_count;
    return t->count;
}

size_t trust_crl_signers(const struct trust *t, const struct span **out)
{
    *out = t->crl_signers.der;
    return t->crl_signers.count;
}

int trust_differs(const struct trust *a, const struct trust *b)
{
    if (a->tls_min != b->tls_min || a->revocation != b->revocation || a->count != b->count ||
        a->anchor_count != b->anchor_count || a->is_strict_about_cas != b->is_strict_about_cas ||
        a->allows != b->allows || a->requires_eku != b->requires_eku ||
        !span_equal(trust_policy(a), trust_policy(b)) || strcmp(a->name, b->name) != 0 ||
        crl_signers_differ(&a->crl_signers, &b->crl_signers)) {
        return 1;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!span_equal(a->cas_der[i], b->cas_der[i])) {
            return 1;
        }
    }
    return 0;
}

struct WOLFSSL_CTX *trust_context(struct trust *t, enum tls_role role, struct fault *f)
{
    /* After a failure (no memory) the manager may hold too much or too little: nothing is decided
     * with it before it is whole again. */
    if (t->is_dirty[role]) {
        trust_forget_peer_cas(t, role);
    }
    if (t->is_dirty[role]) {
        (void)fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "out of memory for trust ", t->name);
        return NULL;
    }
    return t->contexts[role];
}

void trust_forget_peer_cas(struct trust *t, enum tls_role role)
{
    t->is_dirty[role] = !tls_context_forget_peer_cas(t->contexts[role], t->cas_der, t->count);
}

bool trust_is_issuer_in_time(const struct trust *t, struct span issuer, int64_t now_s,
                             bool *is_known_name)
{
    *is_known_name = false;
    for (size_t i = 0; i < t->count; i++) {
        const struct cert_view *view = &t->cas[i].view;
        if (!span_equal(view->subject, issuer)) {
            continue;
        }
        *is_known_name = true;
        if (now_s >= view->not_before_s && now_s <= view->not_after_s) {
            return true;
        }
    }
    return false;
}
