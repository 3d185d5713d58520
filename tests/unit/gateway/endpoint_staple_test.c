/* Stapled OCSP answers to and from peers that are not our TLS code: OpenSSL and GnuTLS. None of
 * them sees that the answer is about another certificate, for none is told to verify it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/tls_facts.h"
#include "gateway/endpoint.h"
#include "tests/unit/gateway/bench.h"
#include "tests/unit/gateway/bench_tls.h"
#include "tests/unit/gateway/child.h"

#define ANSWER "build/pki-ocsp/good.ocsp"

static struct bench bench;
static struct bench_tls tls;
static struct ear ear;
static struct child child;
static uint8_t answer[16384];
static char address[32];
static char port[8];

static size_t read_file(const char *path, uint8_t *to, size_t cap)
{
    FILE *file = fopen(path, "rb");
    size_t len;

    cr_assert_not_null(file, "%s", path);
    len = fread(to, 1, cap, file);
    (void)fclose(file);
    return len;
}

static void setup(void)
{
    bench_init(&bench);
    bench_tls_init(&tls);
    ear_init(&ear, FAULT_SIDE_SERVER);
    tls.staple = span_of(answer, read_file(ANSWER, answer, sizeof(answer)));
    cr_assert_gt(tls.staple.len, 100);
    bench_listen(&bench);
    bench.next = &ear;
    (void)snprintf(port, sizeof(port), "%u", (unsigned)bench.port);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%s", port);
    if (!tls_facts_staples()) {
        cr_skip_test("this TLS library does not staple");
    }
}

static void teardown(void)
{
    child_stop(&child);
    endpoint_free(ear.ep);
    cr_expect_not(ear.is_late);
    bench_tls_deinit(&tls);
    bench_end(&bench);
}

TestSuite(endpoint_staple, .init = setup, .fini = teardown, .timeout = 60);

static void accept_child(const char *const *argv)
{
    child_start(&child, argv);
    bench_run_until(&bench, &bench.connections, 1);
    endpoint_start_tls(ear.ep, bench_tls_engine(&tls, TLS_SERVER, NULL), span_of(NULL, 0));
    bench_run_until(&bench, &ear.secured, 1);
}

static void accept_openssl(const char *version, const char *groups, const char *text)
{
    const char *const argv[] = {"openssl",
                                "s_client",
                                "-connect",
                                address,
                                "-cert",
                                "build/pki/pump-12.pem",
                                "-key",
                                "build/pki/pump-12.key",
                                "-cert_chain",
                                "build/pki/pump-12.pem",
                                "-CAfile",
                                "build/pki/root.pem",
                                "-verify_return_error",
                                "-nocommands",
                                "-status",
                                "-groups",
                                groups,
                                version,
                                NULL};
    accept_child(argv);
    child_until(&bench, &child, text);
    bench_close(&bench, &ear);
}

static void dial_openssl(const char *version)
{
    const char *const argv[] = {"openssl",
                                "s_server",
                                "-accept",
                                "127.0.0.1:0",
                                "-cert",
                                "build/pki/hl7.pem",
                                "-key",
                                "build/pki/hl7.key",
                                "-CAfile",
                                "build/pki/root.pem",
                                "-Verify",
                                "3",
                                "-verify_return_error",
                                "-status_file",
                                ANSWER,
                                version,
                                NULL};
    const char *at;
    struct span got;

    tls.staple = span_of(NULL, 0);
    child_start(&child, argv);
    child_until(&bench, &child, "ACCEPT 127.0.0.1:");
    at = strstr(child.text, "ACCEPT 127.0.0.1:") + strlen("ACCEPT 127.0.0.1:");
    bench_dial(&bench, &ear, (uint16_t)strtoul(at, NULL, 10));
    bench_run_until(&bench, &ear.opened, 1);
    endpoint_start_tls(ear.ep, bench_tls_engine(&tls, TLS_CLIENT, NULL), span_of(NULL, 0));
    bench_run_until(&bench, &ear.secured, 1);
    got = tls_engine_peer(endpoint_tls(ear.ep))->staple;
    cr_assert_eq(got.len, read_file(ANSWER, answer, sizeof(answer)));
    cr_assert_eq(memcmp(got.data, answer, got.len), 0);
    bench_close(&bench, &ear);
}

/* gnutls-cli writes down what it was stapled. */
static void accept_gnutls(const char *priority)
{
    static uint8_t got[sizeof(answer)];
    char folder[] = "/tmp/wardgate-staple-XXXXXX";
    char save[sizeof(folder) + 32];
    char path[sizeof(folder) + 16];
    const char *const argv[] = {"gnutls-cli",
                                "--insecure",
                                "--priority",
                                priority,
                                "--x509certfile",
                                "build/pki/pump-12.pem",
                                "--x509keyfile",
                                "build/pki/pump-12.key",
                                save,
                                "--port",
                                port,
                                "127.0.0.1",
                                NULL};
    size_t len;

    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/answer", folder);
    (void)snprintf(save, sizeof(save), "--save-ocsp=%s", path);
    accept_child(argv);
    child_until(&bench, &child, "- Handshake was completed");
    len = read_file(path, got, sizeof(got));
    (void)unlink(path);
    (void)rmdir(folder);
    cr_assert_eq(len, tls.staple.len, "%zu bytes", len);
    cr_assert_eq(memcmp(got, tls.staple.data, len), 0);
    bench_close(&bench, &ear);
}

Test(endpoint_staple, reaches_openssl_by_tls13)
{
    accept_openssl("-tls1_3", "P-256", "OCSP Response Status: successful");
}

Test(endpoint_staple, reaches_openssl_by_tls12)
{
    accept_openssl("-tls1_2", "P-256", "OCSP Response Status: successful");
}

/* X448 is what it offers a key for, and none of ours: HelloRetryRequest. */
Test(endpoint_staple, reaches_openssl_with_its_second_hello)
{
    accept_openssl("-tls1_3", "X448:P-256", "OCSP Response Status: successful");
}

Test(endpoint_staple, openssl_hears_that_there_is_none_by_tls13)
{
    tls.staple = span_of(NULL, 0);
    accept_openssl("-tls1_3", "P-256", "OCSP response: no response sent");
}

Test(endpoint_staple, openssl_hears_that_there_is_none_by_tls12)
{
    tls.staple = span_of(NULL, 0);
    accept_openssl("-tls1_2", "P-256", "OCSP response: no response sent");
}

Test(endpoint_staple, reaches_gnutls_by_tls13)
{
    accept_gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.3");
}

Test(endpoint_staple, reaches_gnutls_by_tls12)
{
    accept_gnutls("NORMAL:-VERS-ALL:+VERS-TLS1.2");
}

Test(endpoint_staple, comes_from_openssl_by_tls13)
{
    dial_openssl("-tls1_3");
}

Test(endpoint_staple, comes_from_openssl_by_tls12)
{
    dial_openssl("-tls1_2");
}
