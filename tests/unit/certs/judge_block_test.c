#include <string.h>

#include <criterion/criterion.h>

#include "certs/digest.h"
#include "certs/judge_block.h"
#include "certs/mem.h"
#include "tests/unit/certs/judge_case.h"

TestSuite(judge_block, .init = judge_case_begin, .fini = judge_case_end);

static const char *find_serial(struct span serial, struct span value)
{
    struct judge_block block = {JUDGE_BLOCK_SERIAL, value, "lost"};
    struct judge_evidence evidence = {.blocks = &block, .block_count = 1};
    struct span cert = crl_make_certificate(&(struct crl_make_cert){.subject = "pump",
                                                                    .issuer = "Sub",
                                                                    .key = 3,
                                                                    .issuer_key = 2,
                                                                    .usage = CRL_USAGE_LEAF,
                                                                    .serial = serial});

    return judge_block_find(cert, &evidence);
}

Test(judge_block, serial_is_compared_without_leading_zeros)
{
    cr_expect_str_eq(find_serial(CRL_BYTES(0, 0x9A, 1), CRL_BYTES(0x9A, 1)), "lost");
    cr_expect_str_eq(find_serial(CRL_BYTES(0x1A, 1), CRL_BYTES(0, 0x1A, 1)), "lost");
    cr_expect_null(find_serial(CRL_BYTES(0x1A, 1), CRL_BYTES(0x1A)));
    cr_expect_null(find_serial(CRL_BYTES(0x1A), CRL_BYTES(0x1A, 0)));
    cr_expect_null(find_serial(CRL_BYTES(0x1A), span_of(NULL, 0)));
}

Test(judge_block, fingerprint_is_the_sha256_of_the_der)
{
    uint8_t digest[DIGEST_LEN] = {0};
    struct judge_block block = {JUDGE_BLOCK_FINGERPRINT, span_of(digest, DIGEST_LEN), NULL};
    struct judge_evidence evidence = {.blocks = &block, .block_count = 1};

    cr_assert(digest_sha256(judge_case_cert(1), digest));
    cr_expect_str_eq(judge_block_find(judge_case_cert(1), &evidence), "", "no reason given");
    cr_expect_null(judge_block_find(judge_case_cert(0), &evidence));
    block.value.len--;
    cr_expect_null(judge_block_find(judge_case_cert(1), &evidence));
}

Test(judge_block, every_entry_of_the_list_counts)
{
    struct judge_block blocks[] = {{JUDGE_BLOCK_SERIAL, CRL_BYTES(7), "seven"},
                                   {JUDGE_BLOCK_FINGERPRINT, CRL_BYTES(1, 2), "broken"},
                                   {JUDGE_BLOCK_SERIAL, CRL_BYTES(3), "three"}};
    struct judge_evidence evidence = {.blocks = blocks, .block_count = 3};

    cr_expect_str_eq(judge_block_find(judge_case_cert(0), &evidence), "three");
    evidence.block_count = 2;
    cr_expect_null(judge_block_find(judge_case_cert(0), &evidence));
}

Test(judge_block, what_is_no_certificate_has_only_a_fingerprint)
{
    uint8_t digest[DIGEST_LEN] = {0};
    struct judge_block block = {JUDGE_BLOCK_SERIAL, span_of(NULL, 0), "lost"};
    struct judge_evidence evidence = {.blocks = &block, .block_count = 1};
    struct span junk = span_of_text("junk");

    cr_expect_null(judge_block_find(junk, &evidence));
    cr_assert(digest_sha256(junk, digest));
    block = (struct judge_block){JUDGE_BLOCK_FINGERPRINT, span_of(digest, DIGEST_LEN), "lost"};
    cr_expect_str_eq(judge_block_find(junk, &evidence), "lost");
}
