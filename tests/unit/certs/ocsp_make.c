#include "tests/unit/certs/ocsp_make.h"

#include <criterion/criterion.h>

#include "certs/ocsp_inside.h"
#include "tests/unit/certs/crl_make.h"
#include "tests/unit/certs/forge.h"

static struct span time_of(const char *text)
{
    return crl_make_der(0x18, span_of_text(text));
}

static struct span status_of(const struct ocsp_make *spec)
{
    struct span info = time_of("20250102030405Z");

    if (spec->status == OCSP_GOOD) {
        return CRL_BYTES(0x80, 0);
    }
    if (spec->status == OCSP_UNKNOWN) {
        return CRL_BYTES(0x82, 0);
    }
    if (spec->reason >= 0) {
        info = crl_make_join(info, crl_make_der(0xA0, CRL_BYTES(0x0A, 1, (uint8_t)spec->reason)));
    }
    return crl_make_der(0xA1, info);
}

static struct span id_of(const struct cert_view *cert, const struct cert_view *issuer)
{
    struct span algorithm = CRL_BYTES(0x30, 9, 6, 5, 0x2B, 0x0E, 3, 2, 0x1A, 5, 0);
    struct ocsp_id id;
    struct span hashes;

    cr_assert(ocsp_id_make(cert, issuer, OCSP_SHA1, &id));
    hashes = crl_make_join(crl_make_der(4, span_of(id.name, id.hash_len)),
                           crl_make_der(4, span_of(id.key, id.hash_len)));
    return crl_make_der(
        0x30, crl_make_join(crl_make_join(algorithm, hashes), crl_make_der(2, cert->serial)));
}

static struct span nonce_of(const struct ocsp_make *spec)
{
    struct span oid = CRL_BYTES(6, 9, 0x2B, 6, 1, 5, 5, 7, 0x30, 1, 2);
    struct span value = crl_make_der(4, crl_make_der(4, spec->nonce));

    return crl_make_der(0xA1, crl_make_der(0x30, crl_make_der(0x30, crl_make_join(oid, value))));
}

struct span ocsp_make_answer(const struct ocsp_make *spec)
{
    struct span type = CRL_BYTES(6, 9, 0x2B, 6, 1, 5, 5, 7, 0x30, 1, 1);
    struct cert_view cert;
    struct cert_view issuer;
    struct span single;
    struct span data;

    cr_assert(cert_view_read(spec->cert, &cert) && cert_view_read(spec->issuer, &issuer));
    single = crl_make_join(id_of(&cert, &issuer), status_of(spec));
    single = crl_make_join(single, time_of(spec->this_update));
    if (spec->next_update != NULL) {
        single = crl_make_join(single, crl_make_der(0xA0, time_of(spec->next_update)));
    }
    data = crl_make_join(crl_make_der(0xA1, issuer.subject), time_of(spec->this_update));
    data = crl_make_join(data, crl_make_der(0x30, crl_make_der(0x30, single)));
    if (spec->nonce.len > 0) {
        data = crl_make_join(data, nonce_of(spec));
    }
    data = crl_make_der(0x30, data);
    data = spec->is_forged ? forge_signed(data, spec->issuer_key)
                           : crl_make_signed(data, spec->issuer_key);
    data = crl_make_der(0x30, crl_make_join(type, crl_make_der(4, data)));
    return crl_make_der(0x30, crl_make_join(CRL_BYTES(0x0A, 1, 0), crl_make_der(0xA0, data)));
}
