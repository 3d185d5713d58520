#include "tests/unit/certs/crl_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/coding.h>

#include "tests/unit/certs/forge.h"

enum { PEM_MAX = 64 * 1024 };

static struct span number_extension(unsigned number)
{
    const uint8_t content[] = {2, 1, (uint8_t)number};

    return number == 0 ? span_of(NULL, 0)
                       : forge_extension("551D14", false, span_of(content, sizeof(content)));
}

struct span crl_case_crl(const struct crl_case *c)
{
    const char *this_update = c->this_update != NULL ? c->this_update : "20260101000000Z";
    const char *next_update = c->next_update != NULL ? c->next_update : "20260201000000Z";
    struct span extensions = FORGE_JOIN(number_extension(c->number), c->extensions);
    struct span wrapped = extensions.len > 0 ? forge_tlv(0xA0, FORGE_SEQUENCE(extensions))
                                             : span_of(NULL, 0);

    return forge_signed(FORGE_SEQUENCE(forge_hex("020101"), forge_hex("300A06082A8648CE3D040302"),
                                       forge_name(c->issuer), forge_text(0x18, this_update),
                                       forge_text(0x18, next_update), wrapped),
                        c->key);
}

struct span crl_case_pem(const char *label, struct span der)
{
    static uint8_t text[PEM_MAX];
    char line[80];
    word32 len = sizeof(text);
    struct span head;

    cr_assert_eq(Base64_Encode(der.data, (word32)der.len, text, &len), 0);
    (void)snprintf(line, sizeof(line), "-----BEGIN %s-----\n", label);
    head = FORGE_JOIN(span_of_text(line), span_of(text, len));
    (void)snprintf(line, sizeof(line), "-----END %s-----\n", label);
    return FORGE_JOIN(head, span_of_text(line));
}

void crl_case_write(char path[32], const struct span *certs, size_t count)
{
    int fd;

    (void)snprintf(path, 32, "/tmp/crl-case-XXXXXX");
    fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    for (size_t i = 0; i < count; i++) {
        struct span pem = crl_case_pem("CERTIFICATE", certs[i]);
        cr_assert_eq(write(fd, pem.data, pem.len), (ssize_t)pem.len);
    }
    (void)close(fd);
}

void crl_case_remove(const char *path)
{
    (void)unlink(path);
}

struct span crl_case_signer(const char *subject, unsigned key, const char *issuer, unsigned signer)
{
    const struct forge f = {.subject = subject,
                            .issuer = issuer,
                            .key = key,
                            .signer = signer,
                            .leave_out = FORGE_NO_USAGE | FORGE_NO_EKU | FORGE_NO_SAN,
                            .extra = {forge_extension("551D0F", true, forge_hex("03020102"))}};

    return forge_cert(&f);
}

struct trust *crl_case_trust_of(const struct crl_case_cas *cas)
{
    char paths[3][32];
    struct trust_settings settings = {
        .name = "ward", .anchors = paths[0], .tls_min = TLS_VERSION_1_2};
    struct fault f = {0};
    struct trust *t;

    crl_case_write(paths[0], cas->anchors, cas->anchor_count);
    if (cas->intermediate_count > 0) {
        crl_case_write(paths[1], cas->intermediates, cas->intermediate_count);
        settings.intermediates = paths[1];
    }
    if (cas->signer_count > 0) {
        crl_case_write(paths[2], cas->signers, cas->signer_count);
        settings.crl_signers = paths[2];
    }
    t = trust_load(&settings, CRL_CASE_NOW_S, &f);
    crl_case_remove(paths[0]);
    if (cas->intermediate_count > 0) {
        crl_case_remove(paths[1]);
    }
    if (cas->signer_count > 0) {
        crl_case_remove(paths[2]);
    }
    cr_assert_not_null(t, "%s", f.note);
    return t;
}

struct trust *crl_case_trust(const struct span *anchors, size_t anchor_count,
                             const struct span *intermediates, size_t intermediate_count)
{
    const struct crl_case_cas cas = {.anchors = anchors,
                                     .anchor_count = anchor_count,
                                     .intermediates = intermediates,
                                     .intermediate_count = intermediate_count};

    return crl_case_trust_of(&cas);
}
