#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/pem.h"
#include "pair.h"

static enum pem_result take(const char *text, struct pem_block *out)
{
    struct span in = span_of_text(text);

    return pem_block_take(&in, out);
}

Test(pem, takes_blocks_and_skips_what_is_between)
{
    static const char TEXT[] =
        "Subject: someone\n"
        "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n"
        "junk\n"
        "-----BEGIN EC PRIVATE KEY-----\r\n/w==\r\n-----END EC PRIVATE KEY-----";
    struct span in = span_of_text(TEXT);
    struct pem_block block;

    cr_assert_eq(pem_block_take(&in, &block), PEM_BLOCK);
    cr_assert_str_eq(block.label, "CERTIFICATE");
    cr_assert(block.len == 3 && block.der[0] == 0 && block.der[1] == 1 && block.der[2] == 2);
    pem_block_free(&block);
    cr_assert_eq(pem_block_take(&in, &block), PEM_BLOCK);
    cr_assert_str_eq(block.label, "EC PRIVATE KEY");
    cr_assert(block.len == 1 && block.der[0] == 0xFF);
    pem_block_free(&block);
    cr_assert_eq(pem_block_take(&in, &block), PEM_END);
}

Test(pem, refuses_broken_blocks)
{
    static const char *const CASES[] = {
        "-----BEGIN X-----\nAAEC\n",                        /* cut */
        "-----BEGIN X-----\nAAEC\n-----END Y-----\n",       /* another end */
        "-----BEGIN X-----\nA*EC\n-----END X-----\n",       /* no base64 */
        "-----BEGIN X-----\n-----END X-----\n",             /* empty */
        "-----BEGIN -----\nAAEC\n-----END -----\n",         /* no label */
        "-----BEGIN X\nY-----\nAAEC\n-----END X\nY-----\n", /* a label of two lines */
        "-----BEGIN AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-----\nAAEC\n",
        "-----BEGIN EC KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAEC\n-----END EC KEY-----",
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct pem_block block;
        cr_assert_eq(take(CASES[i], &block), PEM_BROKEN, "case %zu", i);
    }
}

Test(pem, finds_nothing_in_nothing)
{
    struct pem_block block;

    cr_assert_eq(take("", &block), PEM_END);
    cr_assert_eq(take("-----BEGIN", &block), PEM_END);
}

Test(pem, reads_a_file)
{
    struct pem_file file;
    struct fault f = {0};

    cr_assert_eq(pem_file_read(pair_path("pump-12", ".key"), &file, &f), 0, "%s", f.note);
    cr_assert_eq(file.mode, 0600);
    cr_assert_gt(file.len, 200);
    pem_file_free(&file);
    cr_assert_null(file.data);
}

static void check_refused(const char *path, const char *why)
{
    struct pem_file file;
    struct fault f = {0};

    cr_assert_eq(pem_file_read(path, &file, &f), FAULT_OPEN, "%s", path);
    cr_assert_eq(f.side, FAULT_SIDE_CERTIFICATE);
    cr_assert_eq(strncmp(f.note, path, strlen(path)), 0, "%s", f.note);
    cr_assert_not_null(strstr(f.note, why), "%s", f.note);
}

Test(pem, refuses_what_is_no_file_of_sane_size)
{
    char dir[] = "/tmp/wardgate-pem-XXXXXX";
    char path[64];
    int fd;

    cr_assert_not_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/x", dir);
    check_refused(path, "No such file");
    check_refused(dir, "regular");
    cr_assert_eq(mkfifo(path, 0600), 0);
    check_refused(path, "regular"); /* and does not hang */
    (void)unlink(path);
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    check_refused(path, "empty");
    cr_assert_eq(ftruncate(fd, PEM_FILE_MAX + 1), 0);
    check_refused(path, "long");
    (void)close(fd);
    (void)unlink(path);
    (void)rmdir(dir);
}
