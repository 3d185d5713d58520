/* PEM or DER, whatever the bytes are, against a trust of one CA: what is verified is not from the
 * future and has a signer, and everything else says why not. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "certs/crl_intake.h"

enum { NOW_S = 1767268800 }; /* the corpus was made for 2026-01-01 */

static const char ca[] = "-----BEGIN CERTIFICATE-----\n"
                         "MIIBTzCB9qADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBFJvb3QwHhcN\n"
                         "MjAwMTAxMDAwMDAwWhcNNDkxMjMxMjM1OTU5WjAPMQ0wCwYDVQQDDARSb290MFkw\n"
                         "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEfPJ7GI0DT36KUjgDBLUaw8CJaeJ38hs1\n"
                         "pgtI/EdmmXgHd1UQ247QQCk9msafdDDbun2t5jzpgimeBLedInhz0aNDMEEwDwYD\n"
                         "VR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwDQYDVR0OBAYEBFVVVQEwDwYD\n"
                         "VR0jBAgwBoAEVVVVATAKBggqhkjOPQQDAgNIADBFAiBFJMWntqiOUbc5Xt3R8shK\n"
                         "3iVF/TAc7PQPxNgGClTV9wIhALrkU9KF/HcADcwsCUaoBOiUx5LdyN97pkHTbSkc\n"
                         "apnz\n"
                         "-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A trust reads files. */
static struct trust *load(void)
{
    char path[] = "/tmp/fuzz-crl-intake-XXXXXX";
    int fd = mkstemp(path);
    struct trust_settings settings = {.name = "fuzz", .anchors = path, .tls_min = TLS_VERSION_1_2};
    struct fault f = {0};
    struct trust *t;

    assert(fd >= 0 && write(fd, ca, sizeof(ca) - 1) == (ssize_t)sizeof(ca) - 1);
    (void)close(fd);
    t = trust_load(&settings, NOW_S, &f);
    (void)unlink(path);
    if (t == NULL) {
        (void)fprintf(stderr, "%s\n", f.note);
        abort();
    }
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct trust *trust;
    static struct crl_intake in;
    struct fault f = {0};

    if (trust == NULL) {
        trust = load();
    }
    if (crl_intake_read(span_of(data, size), trust, NOW_S, &in, &f) != 0) {
        assert(f.code == FAULT_BAD_CERT && f.note[0] != '\0' && in.count == 0);
        return 0;
    }
    assert(in.count > 0 && in.count <= CRL_INTAKE_MAX);
    for (size_t i = 0; i < in.count; i++) {
        const struct crl_arrival *a = &in.arrivals[i];
        assert(a->is_verified == (a->why[0] == '\0') && !(a->is_verified && a->is_future));
        assert(!a->is_verified || crl_this_update_s(a->crl) <= NOW_S + CRL_INTAKE_SKEW_S);
    }
    crl_intake_clear(&in);
    return 0;
}
