#include "tests/unit/certs/evidence_case.h"

#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/cert.h"
#include "certs/digest.h"

enum { ROOT_KEY = 9 };

static struct span ca_cert(const char *subject, unsigned key)
{
    const struct crl_make_cert spec = {.subject = subject,
                                       .issuer = "Root",
                                       .key = key,
                                       .issuer_key = ROOT_KEY,
                                       .is_ca = true,
                                       .usage = CRL_USAGE_CA};

    return crl_make_certificate(&spec);
}

struct crl *evidence_case_crl(const struct evidence_case *c)
{
    char this_update[32];
    struct span none = span_of(NULL, 0);
    struct crl_make_list list = {.issuer = c->issuer != NULL ? c->issuer : "CA",
                                 .key = c->key != 0 ? c->key : 1,
                                 .version = 1,
                                 .this_update = this_update,
                                 .next_update = "20260201000000Z",
                                 .extensions = c->more};
    struct crl *crl;
    struct fault f = {0};

    (void)snprintf(this_update, sizeof(this_update), "202601%s000000Z",
                   c->day != NULL ? c->day : "01");
    if (c->number > 0) {
        list.extensions = crl_make_join(list.extensions, crl_make_number(c->number));
    }
    list.extensions = crl_make_join(
        list.extensions,
        crl_make_join(c->scope.len > 0 ? crl_make_extension(0x1C, true, c->scope) : none,
                      c->is_delta ? crl_make_extension(0x1B, true, CRL_BYTES(2, 1, 1)) : none));
    crl = crl_new(crl_make_crl(&list), &f);
    cr_assert_not_null(crl, "%s", f.note);
    return crl;
}

static void digest_key(unsigned key, uint8_t *out)
{
    struct cert_view view;

    cr_assert(cert_view_read(ca_cert("CA", key), &view));
    cr_assert(digest_sha256(view.key_info, out));
}

struct evidence_case_result evidence_case_put(struct evidence *e, const struct evidence_case *c)
{
    struct evidence_case_result r = {.taken = EVIDENCE_REFUSED};
    struct crl_arrival a = {.crl = evidence_case_crl(c), .is_verified = !c->is_pending};

    if (a.is_verified) {
        digest_key(c->key != 0 ? c->key : 1, a.signer);
    }
    r.taken = evidence_put_crl(e, &a, c->source != NULL ? c->source : "a.crl", &r.id, &r.f);
    crl_release(a.crl);
    return r;
}

size_t evidence_case_count(const struct evidence *e, size_t *verified)
{
    const struct evidence_crl *crls;
    size_t count = evidence_crls(e, &crls);

    *verified = 0;
    for (size_t i = 0; i < count; i++) {
        *verified += crls[i].is_verified ? 1 : 0;
    }
    return count;
}

unsigned evidence_case_number(const struct evidence *e, const struct evidence_id *id)
{
    const struct evidence_crl *crls;
    size_t count = evidence_crls(e, &crls);
    unsigned number = 0;

    for (size_t i = 0; i < count; i++) {
        uint8_t byte = 0;
        if (crls[i].is_verified && memcmp(&crls[i].id, id, sizeof(*id)) == 0) {
            cr_assert_eq(number, 0, "two CRLs of one id");
            cr_assert(span_at(crl_number(crls[i].crl), 0, &byte));
            number = byte;
        }
    }
    return number;
}

void evidence_case_path(unsigned ca_key, struct path *path)
{
    const struct crl_make_cert leaf = {
        .subject = "leaf", .issuer = "CA", .key = 5, .issuer_key = ca_key, .usage = CRL_USAGE_LEAF};

    path->certs[0] = crl_make_certificate(&leaf);
    path->certs[1] = ca_cert("CA", ca_key);
    path->certs[2] = ca_cert("Root", ROOT_KEY);
    path->count = 3;
}
