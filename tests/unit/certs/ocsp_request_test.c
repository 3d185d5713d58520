#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/ocsp_inside.h"
#include "ocsp_case.h"

extern char **environ;

static const uint8_t nonce_bytes[OCSP_NONCE_LEN] = {0x80, 1, 2, 3, 4, 5};

struct exchange {
    char request[64];
    char answer[64];
};

static void write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "wb");

    cr_assert_not_null(file);
    cr_assert_eq(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    cr_assert_eq(fclose(file), 0);
}

/* Hand a request to OpenSSL's responder, which knows the devices of the index. */
static void answer_request(const struct exchange *x)
{
    const char *const arguments[] = {"openssl",   "ocsp",
                                     "-index",    "build/pki-ocsp/index",
                                     "-CA",       "build/pki-ocsp/ca.pem",
                                     "-rsigner",  "build/pki-ocsp/responder.pem",
                                     "-rkey",     "build/pki-ocsp/responder.key",
                                     "-ndays",    "1",
                                     "-noverify", "-reqin",
                                     x->request,  "-respout",
                                     x->answer,   NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;

    cr_assert_eq(posix_spawn_file_actions_init(&actions), 0);
    cr_assert_eq(posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0), 0);
    cr_assert_eq(posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0), 0);
    cr_assert_eq(posix_spawnp(&child, "openssl", &actions, NULL,
                              (char *const *)(uintptr_t)arguments, environ),
                 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

/* Ask OpenSSL about a certificate with our request, judge its answer with our judge. */
static enum ocsp_answer ask(const char *cert, enum ocsp_hash hash, struct span nonce)
{
    struct ocsp_question q = ocsp_case_question(cert, "ca.der");
    uint8_t bytes[OCSP_REQUEST_MAX];
    uint8_t answer[4096];
    struct room request = room_of(bytes, sizeof(bytes));
    struct exchange x;
    enum ocsp_answer result;
    const char *why;
    FILE *file;
    size_t len;

    cr_assert(ocsp_request(q.cert, q.issuer, hash, nonce, &request));
    (void)snprintf(x.request, sizeof(x.request), "/tmp/wardgate-ocsp-%ld.req", (long)getpid());
    (void)snprintf(x.answer, sizeof(x.answer), "/tmp/wardgate-ocsp-%ld.rsp", (long)getpid());
    write_file(x.request, room_span(&request));
    answer_request(&x);
    file = fopen(x.answer, "rb");
    cr_assert_not_null(file);
    len = fread(answer, 1, sizeof(answer), file);
    (void)fclose(file);
    (void)unlink(x.request);
    (void)unlink(x.answer);
    q.nonce = nonce;
    q.skew_s = INT64_C(365) * 86400; /* the PKI may have been made long ago */
    result = ocsp_case_ask(span_of(answer, len), &q, &why);
    cr_expect_neq(result, OCSP_NOTHING, "%s", why);
    return result;
}

Test(ocsp_request, is_understood_by_openssl)
{
    struct span nonce = span_of(nonce_bytes, sizeof(nonce_bytes));
    struct span none = span_of(NULL, 0);

    cr_expect_eq(ask("device.der", OCSP_SHA1, nonce), OCSP_GOOD);
    cr_expect_eq(ask("device.der", OCSP_SHA256, nonce), OCSP_GOOD);
    cr_expect_eq(ask("device.der", OCSP_SHA1, none), OCSP_GOOD);
    cr_expect_eq(ask("revoked.der", OCSP_SHA256, nonce), OCSP_REVOKED);
    cr_expect_eq(ask("lost.der", OCSP_SHA1, none), OCSP_UNKNOWN);
}

/* The same bytes as OpenSSL's own request. */
Test(ocsp_request, equals_that_of_openssl)
{
    uint8_t bytes[OCSP_REQUEST_MAX];
    struct room request = room_of(bytes, sizeof(bytes));

    cr_assert(ocsp_request(ocsp_case_file("device.der"), ocsp_case_file("ca.der"), OCSP_SHA1,
                           span_of(NULL, 0), &request));
    cr_expect(span_equal(room_span(&request), ocsp_case_file("device.req")));
}

Test(ocsp_request, needs_sound_certificates_and_room)
{
    struct span cert = ocsp_case_file("device.der");
    struct span issuer = ocsp_case_file("ca.der");
    struct span none = span_of(NULL, 0);
    uint8_t bytes[OCSP_REQUEST_MAX];
    struct room request = room_of(bytes, sizeof(bytes));
    struct room small = room_of(bytes, 60);

    cr_expect_not(ocsp_request(none, issuer, OCSP_SHA1, none, &request));
    cr_expect_not(ocsp_request(cert, none, OCSP_SHA1, none, &request));
    cr_expect_not(ocsp_request(cert, ocsp_case_file("other.der"), OCSP_SHA1, none, &request));
    cr_expect_not(ocsp_request(cert, issuer, OCSP_SHA1, none, &small));
    cr_expect_eq(request.len, 0);
    cr_expect_eq(small.len, 0);
}

Test(ocsp_request, hashes_the_bits_of_a_key_only)
{
    uint8_t hash[OCSP_HASH_MAX];
    size_t len;

    cr_expect_not(ocsp_id_key(span_of(NULL, 0), OCSP_SHA1, hash, &len));
    cr_expect_not(ocsp_id_key(ocsp_case_file("device.der"), OCSP_SHA1, hash, &len));
}
