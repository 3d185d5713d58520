#include <string.h>

#include <criterion/criterion.h>

#include "certs/key_pair.h"
#include "certs/mem.h"
#include "pair.h"

static struct pem_block load_key(const char *name)
{
    struct pem_file file;
    struct pem_block block;
    struct span text;

    cr_assert_eq(pem_file_read(pair_path(name, ".key"), &file, NULL), 0);
    text = span_of(file.data, file.len);
    cr_assert_eq(pem_block_take(&text, &block), PEM_BLOCK);
    pem_file_free(&file);
    return block;
}

static bool matches(const char *certificate, const char *key)
{
    struct pem_block cert = pair_certificate(certificate);
    struct pem_block secret = load_key(key);
    struct cert_view view;
    bool result;

    cr_assert(cert_view_read(span_of(cert.der, cert.len), &view));
    result = key_pair_matches(span_of(secret.der, secret.len), &view);
    pem_block_free(&cert);
    pem_block_free(&secret);
    return result;
}

Test(key_pair, matches_in_every_form)
{
    cr_assert(matches("pump-12", "pump-12"));
    cr_assert(matches("pump-12", "pump-12.sec1"));
    cr_assert(matches("pump-12-rsa", "pump-12-rsa"));
    cr_assert(matches("pump-12-rsa", "pump-12-rsa.pkcs1"));
}

Test(key_pair, refuses_the_key_of_another)
{
    cr_assert_not(matches("pump-12", "monitor-7"));
    cr_assert_not(matches("pump-12-rsa", "monitor-7-rsa"));
    cr_assert_not(matches("pump-12", "pump-12-rsa"));
    cr_assert_not(matches("pump-12-rsa", "pump-12"));
}

/* SEC1 carries the public half beside the private one: the file's word for it is not taken. */
Test(key_pair, does_not_believe_the_files_public_half)
{
    struct pem_block mine = load_key("pump-12.sec1");
    struct pem_block other = load_key("monitor-7");
    struct pem_block cert = pair_certificate("pump-12");
    struct cert_view view;

    cr_assert(cert_view_read(span_of(cert.der, cert.len), &view));
    /* SEQUENCE { 1, OCTET STRING 32 bytes at 7.., [0], [1] }; in PKCS#8 the same lies at 26 + 7 */
    cr_assert(mine.len > 39 && mine.der[5] == 0x04 && mine.der[6] == 32);
    memcpy(mine.der + 7, other.der + 36, 32);
    cr_assert_not(key_pair_matches(span_of(mine.der, mine.len), &view));
    pem_block_free(&mine);
    pem_block_free(&other);
    pem_block_free(&cert);
}

Test(key_pair, refuses_every_cut)
{
    struct pem_block key = load_key("pump-12");
    struct pem_block cert = pair_certificate("pump-12");
    struct cert_view view;

    cr_assert(cert_view_read(span_of(cert.der, cert.len), &view));
    for (size_t len = 0; len < 60; len++) {
        cr_assert_not(key_pair_matches(span_of(key.der, len), &view), "%zu", len);
    }
    pem_block_free(&key);
    pem_block_free(&cert);
}
