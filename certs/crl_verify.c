#include <string.h>

#include "certs/crl.h"
#include "certs/crl_cert.h"
#include "certs/crl_inside.h"
#include "certs/dn.h"
#include "certs/mem.h"
#include "certs/signature.h"

enum { CHECKS_MAX = 32 }; /* signatures that one question may cost, whatever is in `signers` */

/* One crl_verify. */
struct inquiry {
    const struct crl *crl;
    const struct crl_authority *authority;
    bool is_other; /* an indirect CRL of another issuer than the certificate's */
    unsigned checks;
    const char *last; /* why the last candidate was no signer; NULL: there was none */
};

static void remember_key(struct crl_memo *memo, struct span key_info, bool is_weak)
{
    uint8_t *copy = mem_new(key_info.len, 1);

    if (copy != NULL) { /* otherwise it is asked again, no more */
        memcpy(copy, key_info.data, key_info.len);
        mem_free(memo->key_info);
        memo->key_info = copy;
        memo->key_info_len = key_info.len;
        memo->is_weak = is_weak;
    }
}

/* Has this key signed the CRL? */
static bool is_signed_with(struct inquiry *q, struct span key_info)
{
    const struct crl *c = q->crl;
    bool is_weak = false;

    if (c->memo->key_info != NULL &&
        span_equal(span_of(c->memo->key_info, c->memo->key_info_len), key_info)) {
        is_weak = c->memo->is_weak;
    } else {
        enum signature_result result;
        if (c->tbs.len == 0 || q->checks == CHECKS_MAX) {
            q->last = "is not signed with the key that it was checked with first";
            return false;
        }
        q->checks++;
        result = signature_verify(c->algorithm, c->tbs, c->signature, key_info, &is_weak);
        if (result != SIGNATURE_GOOD) {
            q->last = result == SIGNATURE_BAD ? "is not signed with the issuer's key"
                                              : "has a signature of an unknown kind";
            return false;
        }
        remember_key(c->memo, key_info, is_weak);
    }
    if (q->authority->is_strict && !signature_is_strong(is_weak, key_info, q->authority->allows)) {
        q->last = "has a signature that is too weak";
        return false;
    }
    return true;
}

/* authorityKeyIdentifier, as far as both sides have it (RFC 5280 4.2.1.1). */
static bool is_key_meant(const struct crl_head *head, const struct crl_cert *signer)
{
    if (head->key_id.len > 0 && signer->key_id.len > 0 &&
        !span_equal(head->key_id, signer->key_id)) {
        return false;
    }
    return head->key_serial.len == 0 || (span_equal(head->key_serial, signer->view.serial) &&
                                         crl_scope_lists(head->key_issuer, signer->view.issuer));
}

/* A certificate that is trusted: does it bear the CRL's name, may it sign, and did it? */
static bool has_signed(struct inquiry *q, const struct crl_cert *signer)
{
    const struct crl *c = q->crl;

    if (!dn_equal(c->head.issuer, signer->view.subject)) {
        return false;
    }
    if (!is_key_meant(&c->head, signer)) {
        q->last = "names another key of its issuer";
        return false;
    }
    if (signer->view.has_key_usage && !signer->may_sign_crls) {
        q->last = "comes from an issuer that may not sign CRLs (no cRLSign)";
        return false;
    }
    return is_signed_with(q, signer->view.key_info);
}

/* Is a certificate of `signers` issued by this one of the path, by name and key? */
static bool is_issued_by(struct inquiry *q, const struct crl_cert *signer,
                         const struct crl_cert *issuer)
{
    bool is_weak = false;

    if (!dn_equal(signer->view.issuer, issuer->view.subject) || q->checks == CHECKS_MAX) {
        return false;
    }
    q->checks++;
    if (signature_verify(signer->algorithm, signer->tbs, signer->signature, issuer->view.key_info,
                         &is_weak) != SIGNATURE_GOOD) {
        return false;
    }
    return !q->authority->is_strict ||
           signature_is_strong(is_weak, issuer->view.key_info, q->authority->allows);
}

static bool is_issued_by_path(struct inquiry *q, const struct crl_cert *signer)
{
    for (size_t i = 0; i < q->authority->path_count; i++) {
        struct crl_cert issuer;
        if (crl_cert_read(q->authority->path[i], &issuer) && is_issued_by(q, signer, &issuer)) {
            return true;
        }
    }
    return false;
}

/* What must hold for a certificate that nobody has validated yet. */
static const char *refuse_signer(const struct inquiry *q, const struct crl_cert *signer)
{
    if (!signer->view.has_key_usage || !signer->may_sign_crls) {
        return "comes from a signer that may not sign CRLs (no cRLSign)";
    }
    /* A CA that got a new key under its old name may list only the new key's certificates in the
     * new CRL: it says nothing about the old key's. An indirect one says whose it lists. */
    if (!q->is_other && (signer->view.is_ca || signer->view.may_sign_certs)) {
        return "is signed with another key of its issuer";
    }
    if (q->authority->now_s < signer->view.not_before_s ||
        q->authority->now_s > signer->view.not_after_s) {
        return "comes from a signer whose certificate is not valid now";
    }
    if (signer->has_unknown_critical) {
        return "comes from a signer whose certificate has an unknown critical extension";
    }
    return NULL;
}

static bool ask_signers(struct inquiry *q, struct span *out)
{
    const struct crl_authority *a = q->authority;

    for (size_t i = 0; i < a->signer_count; i++) {
        struct crl_cert signer;
        const char *refusal;
        if (!crl_cert_read(a->signers[i], &signer) ||
            !dn_equal(q->crl->head.issuer, signer.view.subject)) {
            continue;
        }
        refusal = refuse_signer(q, &signer);
        if (refusal != NULL) {
            q->last = refusal;
            continue;
        }
        if (!has_signed(q, &signer)) {
            continue;
        }
        if (is_issued_by_path(q, &signer)) {
            *out = a->signers[i];
            return true;
        }
        q->last = "comes from a signer that no CA of the path has issued";
    }
    return false;
}

/* The path's certificates: the issuer itself, and what lies above it as long as the CA goes on
 * under the same name (a new key and the old one, each vouching for the other); all of them for an
 * indirect CRL of another issuer. */
static bool ask_path(struct inquiry *q, struct span *out)
{
    const struct crl_authority *a = q->authority;

    for (size_t i = 0; i < a->path_count; i++) {
        struct crl_cert signer;
        if (!crl_cert_read(a->path[i], &signer)) {
            return false;
        }
        if (has_signed(q, &signer)) {
            *out = a->path[i];
            return true;
        }
        if (!q->is_other && !dn_equal(signer.view.subject, signer.view.issuer)) {
            return false;
        }
    }
    return false;
}

/* Whatever key has signed it: may it be used at all? */
static const char *refuse_content(struct inquiry *q)
{
    struct crl_cert issuer;

    if (q->crl->defect != NULL) {
        return q->crl->defect;
    }
    if (q->authority->path_count == 0 || !crl_cert_read(q->authority->path[0], &issuer)) {
        return "cannot be checked: the issuer's certificate cannot be read";
    }
    q->is_other = !dn_equal(q->crl->head.issuer, issuer.view.subject);
    if (q->is_other && !q->crl->scope.is_indirect) {
        return "is another issuer's";
    }
    return NULL;
}

bool crl_verify(const struct crl *c, const struct crl_authority *authority, struct span *signer,
                int level, struct reasons *why)
{
    struct inquiry q = {.crl = c, .authority = authority};
    const char *refusal = refuse_content(&q);
    struct span found;
    char label[CRL_LABEL_MAX];

    if (refusal == NULL && (ask_path(&q, &found) || ask_signers(&q, &found))) {
        if (signer != NULL) {
            *signer = found;
        }
        return true;
    }
    if (refusal == NULL) {
        refusal = q.last != NULL ? q.last : "comes from an issuer that is not known here";
    }
    crl_label(c, label);
    reasons_add(why, REASONS_NOTE, level, label, refusal);
    return false;
}
