#include <string.h>

#include <criterion/criterion.h>

#include "certs/ocsp_inside.h"
#include "ocsp_case.h"

Test(ocsp_parse, reads_an_answer_of_openssl)
{
    struct ocsp_basic basic;
    struct ocsp_single single;
    size_t count = 0;

    cr_assert_null(ocsp_parse_response(ocsp_case_file("three.ocsp"), &basic));
    cr_expect(basic.responder_name.len > 0);
    cr_expect_eq(basic.responder_key.len, 0);
    cr_expect_eq(basic.nonce.len, 0);
    cr_expect(span_equal(basic.certs, ocsp_case_file("responder.der")));
    while (basic.singles.len > 0) {
        cr_assert(ocsp_parse_single(&basic.singles, &single));
        cr_expect_eq(single.status, count == 1 ? OCSP_REVOKED : OCSP_GOOD);
        cr_expect(single.is_hash_known && single.hash == OCSP_SHA1);
        cr_expect_eq(single.serial.len, 2);
        cr_expect(single.has_next_update);
        cr_expect_eq(single.next_update_s, single.this_update_s + INT64_C(30) * 86400);
        count++;
    }
    cr_expect_eq(count, 3);
}

Test(ocsp_parse, reads_nonce_key_and_sha256)
{
    struct ocsp_basic basic;
    struct ocsp_single single;

    cr_assert_null(ocsp_parse_response(ocsp_case_file("nonce.ocsp"), &basic));
    cr_expect_eq(basic.nonce.len, 16);
    cr_assert(ocsp_parse_single(&basic.singles, &single));
    cr_expect(single.is_hash_known && single.hash == OCSP_SHA256);
    cr_assert_null(ocsp_parse_response(ocsp_case_file("good-by-key.ocsp"), &basic));
    cr_expect_eq(basic.responder_key.len, 20);
    cr_expect_eq(basic.responder_name.len, 0);
}

/* Also when somebody has put an answer beside the error. */
Test(ocsp_parse, takes_an_error_for_nothing_else)
{
    static const char *const names[] = {
        "error-1.ocsp",      "error-2.ocsp",      "error-3.ocsp",      "error-4.ocsp",
        "error-5.ocsp",      "error-6.ocsp",      "made-error-1.ocsp", "made-error-2.ocsp",
        "made-error-3.ocsp", "made-error-4.ocsp", "made-error-5.ocsp", "made-error-6.ocsp"};
    struct ocsp_basic basic;
    const char *why;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        why = ocsp_parse_response(ocsp_case_file(names[i]), &basic);
        cr_assert_not_null(why, "%s", names[i]);
        cr_expect_eq(strncmp(why, "the responder ", 14), 0, "%s: %s", names[i], why);
    }
    why = ocsp_parse_response(ocsp_case_file("error-3.ocsp"), &basic);
    cr_expect_str_eq(why, "the responder says tryLater");
}

Test(ocsp_parse, refuses_what_is_not_strictly_right)
{
    static const struct {
        const char *answer;
        const char *why;
    } rows[] = {
        {"made-type.ocsp", "its type is not id-pkix-ocsp-basic"},
        {"made-version.ocsp", "its ResponseData is broken"},
        {"made-produced-utc.ocsp", "its ResponseData is broken"},
        {"made-false.ocsp", "its ResponseData is broken"},
        {"made-nonce-twice.ocsp", "its ResponseData is broken"},
        {"made-nonce-bare.ocsp", "its nonce is broken"},
        {"made-critical.ocsp", "it has a critical extension that is not known here"},
        {"device.der", "it is not an OCSPResponse"},
    };
    struct ocsp_basic basic;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *why = ocsp_parse_response(ocsp_case_file(rows[i].answer), &basic);
        cr_assert_not_null(why, "%s", rows[i].answer);
        cr_expect_str_eq(why, rows[i].why, "%s: %s", rows[i].answer, why);
    }
}

Test(ocsp_parse, refuses_bytes_behind_the_answer)
{
    uint8_t bytes[4096];
    struct room longer = room_of(bytes, sizeof(bytes));
    struct ocsp_basic basic;

    cr_assert(room_put(&longer, ocsp_case_file("good.ocsp")) && room_put_u8(&longer, 0));
    cr_expect_not_null(ocsp_parse_response(room_span(&longer), &basic));
}

Test(ocsp_parse, leaves_a_broken_single_where_it_is)
{
    struct ocsp_basic basic;
    struct ocsp_single single;
    struct span before;

    cr_assert_null(ocsp_parse_response(ocsp_case_file("made-status-3.ocsp"), &basic));
    before = basic.singles;
    cr_expect_not(ocsp_parse_single(&basic.singles, &single));
    cr_expect(span_equal(before, basic.singles));
}
