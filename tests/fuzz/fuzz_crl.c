/* A CRL, a delta and a certificate, whatever the bytes are: everything listed is found, and nothing
 * is good that is listed. The first four bytes are the lengths of the CRL and of the delta. */
#include <assert.h>

#include "certs/cert.h"
#include "certs/crl_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct crl *take_crl(struct span *from, uint16_t len)
{
    struct span der = *from;

    (void)span_take(from, len, &der);
    return crl_new(der, NULL);
}

static void ask(const struct crl *c, const struct crl *delta, struct span cert)
{
    struct crl_question q = {.cert = cert, .delta = delta, .now_s = 1767225600};
    struct crl_authority a = {.path = &cert, .path_count = 1, .signers = &cert, .signer_count = 1};
    struct crl_evidence evidence;
    struct reasons why = {.count = 0};
    struct cert_view view;
    enum crl_answer answer = crl_ask(c, &q, &evidence, &why);

    assert(why.count > 0);
    (void)crl_verify(c, &a, NULL, 0, &why);
    if (answer == CRL_GOOD || answer == CRL_PART) {
        assert(cert_view_read(cert, &view) && evidence.until_s >= q.now_s && !c->is_delta);
        assert(delta != NULL || crl_table_find(c, view.serial, view.issuer) == NULL);
    }
    for (size_t i = 0; i < c->table.count; i++) {
        const struct crl_entry *e = &c->table.entries[i];
        struct span serial = span_of(e->serial, e->serial_len);
        assert(e->issuer != 0 || crl_table_find(c, serial, c->head.issuer) != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    uint16_t len = 0;
    uint16_t delta_len = 0;
    struct crl *c;
    struct crl *delta;

    (void)(span_take_u16(&in, &len) && span_take_u16(&in, &delta_len));
    c = take_crl(&in, len);
    delta = take_crl(&in, delta_len);
    if (c != NULL) {
        ask(c, delta, in);
        assert(crl_forget_source(c));
        ask(c, NULL, in);
    }
    crl_release(c);
    crl_release(delta);
    return 0;
}
