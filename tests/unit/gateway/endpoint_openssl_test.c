/* TLS endpoints against a peer that is not our TLS code: the openssl command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <criterion/criterion.h>

#include "gateway/endpoint.h"
#include "tests/unit/gateway/bench.h"
#include "tests/unit/gateway/bench_tls.h"
#include "tests/unit/gateway/child.h"

static struct bench bench;
static struct bench_tls tls;
static struct ear ear;
static struct child child;

static void setup(void)
{
    bench_init(&bench);
    bench_tls_init(&tls);
    ear_init(&ear, FAULT_SIDE_SERVER);
}

static void teardown(void)
{
    child_stop(&child);
    endpoint_free(ear.ep);
    cr_expect_not(ear.is_late);
    bench_tls_deinit(&tls);
    bench_end(&bench);
}

TestSuite(endpoint_openssl, .init = setup, .fini = teardown, .timeout = 60);

static void accept_client(const char *identity, const char *version)
{
    char cert[64];
    char key[64];
    char to[32];
    bench_listen(&bench);
    bench.next = &ear;
    (void)snprintf(to, sizeof(to), "127.0.0.1:%u", (unsigned)bench.port);
    (void)snprintf(cert, sizeof(cert), "build/pki/%s.pem", identity);
    (void)snprintf(key, sizeof(key), "build/pki/%s.key", identity);
    const char *const argv[] = {"openssl",
                                "s_client",
                                "-connect",
                                to,
                                "-cert",
                                cert,
                                "-key",
                                key,
                                "-cert_chain",
                                cert,
                                "-CAfile",
                                "build/pki/root.pem",
                                "-verify_return_error",
                                "-nocommands",
                                version,
                                NULL};
    child_start(&child, argv);
    bench_run_until(&bench, &bench.connections, 1);
    endpoint_start_tls(ear.ep, bench_tls_engine(&tls, TLS_SERVER, NULL), span_of(NULL, 0));
}

/* most: plain text in one record of the server; it gives session tickets. */
static void dial_pieces(const char *version, const char *verify, const char *most)
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
                                verify,
                                "-Verify",
                                "3",
                                "-verify_return_error",
                                "-max_send_frag",
                                most,
                                version,
                                NULL};
    child_start(&child, argv);
    child_until(&bench, &child, "ACCEPT 127.0.0.1:");
    const char *at = strstr(child.text, "ACCEPT 127.0.0.1:") + strlen("ACCEPT 127.0.0.1:");
    bench_dial(&bench, &ear, (uint16_t)strtoul(at, NULL, 10));
    bench_run_until(&bench, &ear.opened, 1);
    endpoint_start_tls(ear.ep, bench_tls_engine(&tls, TLS_CLIENT, NULL), span_of(NULL, 0));
}

static void dial_server(const char *version, const char *verify)
{
    dial_pieces(version, verify, "16384");
}

static void swap_texts(void)
{
    bench_run_until(&bench, &ear.secured, 1);
    endpoint_read_start(ear.ep);
    endpoint_write(ear.ep, span_of_text("from the gateway\n"));
    child_until(&bench, &child, "from the gateway");
    child_put(&child, "from openssl\n");
    while (!ear_heard(&ear, "from openssl\n")) {
        bench_turn(&bench);
    }
}

Test(endpoint_openssl, serves_a_client_of_tls13)
{
    accept_client("pump-12", "-tls1_3");
    swap_texts();
    bench_close(&bench, &ear);
    child_until(&bench, &child, "closed");
}

Test(endpoint_openssl, serves_a_client_of_tls12)
{
    accept_client("pump-12", "-tls1_2");
    swap_texts();
    bench_close(&bench, &ear);
    child_until(&bench, &child, "closed");
}

Test(endpoint_openssl, client_that_is_refused_reads_the_alert)
{
    accept_client("pump-12-expired", "-tls1_3");
    child_until(&bench, &child, "alert certificate expired");
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_EXPIRED);
}

Test(endpoint_openssl, client_of_an_old_version_reads_the_alert)
{
    accept_client("pump-12", "-tls1_1");
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_TLS_VERSION, "%s", ear.cause.note);
    cr_expect_eq(ear.secured, 0);
}

Test(endpoint_openssl, dials_a_server_of_tls13)
{
    dial_server("-tls1_3", "build/pki/root.pem");
    swap_texts();
    endpoint_finish(ear.ep); /* s_server answers close_notify with its own */
    bench_run_until(&bench, &ear.eofs, 1);
    bench_close(&bench, &ear);
}

Test(endpoint_openssl, dials_a_server_of_tls12)
{
    dial_server("-tls1_2", "build/pki/root.pem");
    swap_texts();
    endpoint_finish(ear.ep);
    bench_run_until(&bench, &ear.eofs, 1);
    bench_close(&bench, &ear);
}

/* In TLS 1.3 its tickets come behind the handshake, longer than a record. */
Test(endpoint_openssl, dials_a_server_that_sends_in_small_pieces)
{
    dial_pieces("-tls1_3", "build/pki/root.pem", "512");
    swap_texts();
    endpoint_finish(ear.ep);
    bench_run_until(&bench, &ear.eofs, 1);
    bench_close(&bench, &ear);
}

Test(endpoint_openssl, hears_that_the_server_refused_our_certificate)
{
    dial_server("-tls1_3", "build/pki/other.pem");
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_OWN_REFUSED, "%s", ear.cause.note);
    cr_expect_eq(ear.cause.side, FAULT_SIDE_CERTIFICATE);
}

Test(endpoint_openssl, hears_the_refusal_of_tls12_too)
{
    dial_server("-tls1_2", "build/pki/other.pem");
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_OWN_REFUSED, "%s", ear.cause.note);
    cr_expect_eq(ear.secured, 0);
}

Test(endpoint_openssl, client_that_leaves_in_good_order_is_heard)
{
    accept_client("pump-12", "-tls1_3");
    swap_texts();
    cr_assert_eq(shutdown(child.fd, SHUT_WR), 0);
    bench_run_until(&bench, &ear.eofs, 1);
    endpoint_write(ear.ep, span_of_text("nobody reads this\n"));
    endpoint_finish(ear.ep);
    bench_close(&bench, &ear);
    cr_expect_eq(ear.cause.code, FAULT_NONE);
}

Test(endpoint_openssl, server_that_leaves_without_close_notify_is_heard)
{
    dial_server("-tls1_3", "build/pki/root.pem");
    swap_texts();
    child_put(&child, "Q\n"); /* s_server just closes its socket */
    bench_run_until(&bench, &ear.closed, 1);
    cr_expect_eq(ear.cause.code, FAULT_TRUNCATED);
}
