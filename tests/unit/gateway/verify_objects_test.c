#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/verify_objects.h"

static struct verify_objects found;
static struct fault fault;

/* "AQID" is 01 02 03, "BAU=" is 04 05. */
#define BLOCK(label, text) "-----BEGIN " label "-----\n" text "\n-----END " label "-----\n"
#define DER                "\x30\x05-----"

/* A file with this content is read. */
static int read_text(const void *text, size_t len)
{
    char path[] = "/tmp/wardgate-test-XXXXXX";
    int fd = mkstemp(path);
    int code;

    cr_assert(fd >= 0 && write(fd, text, len) == (ssize_t)len);
    (void)close(fd);
    fault_clear(&fault);
    code = verify_objects_read(&found, path, "X509 CRL", &fault);
    (void)unlink(path);
    return code;
}

static int read_string(const char *text)
{
    return read_text(text, strlen(text));
}

TestSuite(verify_objects);

Test(verify_objects, takes_every_block_of_its_kind)
{
    cr_assert_eq(read_string("words before\n" BLOCK("X509 CRL", "AQID") BLOCK("CERTIFICATE", "AQID")
                                 BLOCK("X509 CRL", "BAU=")),
                 0);
    cr_assert_eq(found.count, 2);
    cr_expect(span_equal(found.items[0], span_of("\1\2\3", 3)));
    cr_expect(span_equal(found.items[1], span_of("\4\5", 2)));
    verify_objects_free(&found);
    cr_expect_eq(found.count, 0);
}

Test(verify_objects, takes_all_else_for_der)
{
    cr_assert_eq(read_string("no PEM at all"), 0);
    cr_assert_eq(read_string(DER), 0);
    cr_assert_eq(found.count, 2);
    cr_expect(span_equal(found.items[1], span_of_text(DER)));
    verify_objects_free(&found);
}

Test(verify_objects, der_with_a_pem_inside_is_der)
{
    static const char inside[] = "\x30\x3C" BLOCK("X509 CRL", "AQID") "padding";

    cr_assert_eq(sizeof(inside) - 1, 0x3C + 2);
    cr_assert_eq(read_text(inside, sizeof(inside) - 1), 0);
    cr_assert_eq(found.count, 1);
    cr_expect_eq(found.items[0].len, sizeof(inside) - 1);
    verify_objects_free(&found);
}

Test(verify_objects, refuses_and_says_why)
{
    cr_expect_eq(read_string(""), FAULT_BAD_CERT);
    cr_expect_not_null(strstr(fault.note, ": the file is empty"), "%s", fault.note);
    cr_expect_eq(read_string(BLOCK("CERTIFICATE", "AQID")), FAULT_BAD_CERT);
    cr_expect_not_null(strstr(fault.note, ": holds no X509 CRL"), "%s", fault.note);
    cr_expect_eq(read_string(BLOCK("X509 CRL", "!")), FAULT_BAD_CERT);
    cr_expect_not_null(strstr(fault.note, ": broken PEM"), "%s", fault.note);
    cr_expect_eq(verify_objects_read(&found, "/nowhere/x", "X509 CRL", &fault), FAULT_OPEN);
    cr_expect_not_null(strstr(fault.note, "/nowhere/x: "), "%s", fault.note);
    cr_expect_eq(verify_objects_read(&found, "/tmp", "X509 CRL", &fault), FAULT_OPEN);
    verify_objects_free(&found);
}

Test(verify_objects, refuses_what_is_too_long)
{
    char path[] = "/tmp/wardgate-test-XXXXXX";
    int fd = mkstemp(path);

    cr_assert(fd >= 0 && ftruncate(fd, VERIFY_FILE_MAX + 1) == 0);
    (void)close(fd);
    cr_expect_eq(verify_objects_read(&found, path, "X509 CRL", &fault), FAULT_OPEN);
    (void)unlink(path);
    verify_objects_free(&found);
}

Test(verify_objects, without_memory_it_says_so)
{
    uint32_t left = 0;
    unsigned failures = 0;

    for (uint32_t nth = 1; nth < 50 && left == 0; nth++) {
        (void)mem_fail_nth(nth);
        int code = read_string(BLOCK("X509 CRL", "AQID"));
        left = mem_fail_nth(0);
        failures += code == FAULT_MEMORY ? 1 : 0;
        cr_expect(code == FAULT_MEMORY || code == 0);
        cr_expect_eq(found.count, code == 0 ? 1 : 0);
        verify_objects_free(&found);
    }
    cr_expect(left > 0 && failures > 2);
}
