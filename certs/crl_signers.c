#include "certs/crl_signers.h"

#include "certs/cert_file.h"
#include "certs/crl_cert.h"
#include "certs/path.h"
#include "certs/reasons.h"

/* One crl_signers_load. */
struct reading {
    struct crl_signers *to;
    const char *path;
    const struct crl_signers_rules *rules;
};

/* What it may do. A CA that is put here by mistake would be asked about its own CRLs only, so the
 * mistake is told. */
static int check_rights(const struct reading *r, const struct crl_cert *c, struct fault *f)
{
    if (c->view.is_ca || c->view.may_sign_certs) {
        return cert_file_refuse_view(f, r->path, &c->view,
                                     " is a CA; right: put it into `intermediates`");
    }
    if (!c->view.has_key_usage || !c->may_sign_crls) {
        return cert_file_refuse_view(f, r->path, &c->view,
                                     " may not sign CRLs; right: keyUsage with cRLSign");
    }
    if (c->has_unknown_critical) {
        return cert_file_refuse_view(f, r->path, &c->view,
                                     " has a critical extension that is not known");
    }
    return 0;
}

/* Over the CAs of the trust, and no others: what a peer brings vouches for nothing here. */
static int check_path(const struct reading *r, const struct cert_view *view, struct fault *f)
{
    const struct crl_signers_rules *rules = r->rules;
    const struct path_settings settings = {
        .now_s = rules->now_s, .purpose = PATH_ANY, .allows_loose_cas = true};
    const struct path_input in = {.leaf = view->der,
                                  .pool = &rules->cas[rules->anchor_count],
                                  .pool_count = rules->ca_count - rules->anchor_count,
                                  .anchors = rules->cas,
                                  .anchor_count = rules->anchor_count};
    struct path path;

    if (!path_validate(&in, &settings, &path, NULL)) {
        return cert_file_refuse_view(f, r->path, view,
                                     " has no path to an anchor; right: its CA in `intermediates`");
    }
    return 0;
}

static bool is_known(const struct crl_signers *s, struct span der)
{
    for (size_t i = 0; i < s->count; i++) {
        if (span_equal(s->der[i], der)) {
            return true;
        }
    }
    return false;
}

static int check(const struct reading *r, struct span der, struct fault *f)
{
    const struct cert_file_rules rules = {
        .path = r->path, .now_s = r->rules->now_s, .allows = r->rules->allows};
    struct crl_cert c;
    int code;

    if (!crl_cert_read(der, &c)) {
        return cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "holds a certificate that cannot be read");
    }
    code = check_rights(r, &c, f);
    if (code == 0) {
        code = cert_file_check(&rules, &c.view, f);
    }
    if (code == 0) {
        code = check_path(r, &c.view, f);
    }
    if (code == 0 && r->to->count == CRL_SIGNERS_MAX) {
        code = cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "more than 16 CRL signers in one trust");
    }
    return code;
}

/* Takes the block over, with success or without. */
static int add(void *owner, struct pem_block *block, struct fault *f)
{
    const struct reading *r = owner;
    struct crl_signers *to = r->to;
    struct span der = span_of(block->der, block->len);
    bool is_new = !is_known(to, der);
    int code = is_new ? check(r, der, f) : 0;

    if (!is_new || code != 0) {
        pem_block_free(block);
        return code;
    }
    to->blocks[to->count] = *block;
    to->der[to->count] = der;
    to->count++;
    return 0;
}

int crl_signers_load(struct crl_signers *s, const char *path, const struct crl_signers_rules *rules,
                     struct fault *f)
{
    struct reading r = {s, path, rules};

    return pem_certificates_read(path, add, &r, f);
}

void crl_signers_clear(struct crl_signers *s)
{
    for (size_t i = 0; i < s->count; i++) {
        pem_block_free(&s->blocks[i]);
    }
    s->count = 0;
}

bool crl_signers_differ(const struct crl_signers *a, const struct crl_signers *b)
{
    if (a->count != b->count) {
        return true;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!span_equal(a->der[i], b->der[i])) {
            return true;
        }
    }
    return false;
}
