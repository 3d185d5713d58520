#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/store_file.h"
#include "tests/unit/gateway/folder.h"

static struct folder dir;

static void set_up(void)
{
    folder_make(&dir);
}

static void tear_down(void)
{
    folder_remove(&dir);
}

TestSuite(store_file, .init = set_up, .fini = tear_down);

#define SHA256_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define FILE_OF_ABC   "wardgate 1 sha256=" SHA256_OF_ABC " length=3\nabc"

static void put(const char *name, const char *text)
{
    struct fault f = {.code = FAULT_NONE};
    cr_assert_eq(store_file_write(dir.fd, name, span_of_text(text), &f), 0, "%s", f.note);
}

/* What the store reads under a name equals this text. */
static void expect_content(const char *name, const char *text)
{
    struct store_file file;
    cr_assert_eq(store_file_read(dir.fd, name, &file), STORE_FILE_GOOD, "%s: %s", name, file.why);
    cr_expect(span_equal(file.content, span_of_text(text)), "%s", name);
    mem_free(file.bytes);
}

static void expect_state(const char *name, enum store_file_state state, const char *why)
{
    struct store_file file;
    cr_expect_eq(store_file_read(dir.fd, name, &file), state, "%s", name);
    cr_expect_null(file.bytes);
    cr_expect_not_null(strstr(file.why, why), "%s: %s", name, file.why);
}

Test(store_file, knows_its_names)
{
    static const char *const good[] = {"a", "crl/3f2a.crl", "marks", "a-b_c.d", "0/0"};
    static const char *const bad[] = {"",     "/",    "/a",         "a/",    "a/b/c",   ".",
                                      "..",   "../a", "a/..",       ".lock", "a/.b",    "A",
                                      "a b",  "a\n",  "a\x80",      "a.tmp", "a/b.tmp", "a.damaged",
                                      "a\\b", "a:b",  "c/a.damaged"};
    char long_name[STORE_NAME_MAX + 1];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        cr_expect(store_file_is_name(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_not(store_file_is_name(bad[i]), "%s", bad[i]);
    }
    memset(long_name, 'a', sizeof(long_name));
    long_name[STORE_NAME_MAX] = '\0';
    cr_expect_not(store_file_is_name(long_name));
    long_name[STORE_NAME_MAX - 1] = '\0';
    cr_expect(store_file_is_name(long_name));
}

Test(store_file, knows_what_is_left_of_a_write)
{
    cr_expect(store_file_is_leftover("a.tmp"));
    cr_expect(store_file_is_leftover("crl/3f2a.crl.tmp"));
    cr_expect_not(store_file_is_leftover("a"));
    cr_expect_not(store_file_is_leftover(".tmp"));
    cr_expect_not(store_file_is_leftover("A.tmp"));
    cr_expect_not(store_file_is_leftover("a.tmp.tmp"));
}

Test(store_file, writes_what_people_can_read)
{
    char text[256];
    put("a", "abc");
    size_t len = folder_get(&dir, "a", text, sizeof(text));
    cr_expect_eq(len, strlen(FILE_OF_ABC));
    cr_expect_eq(memcmp(text, FILE_OF_ABC, strlen(FILE_OF_ABC)), 0);
    cr_expect_eq(folder_count(&dir, "."), 1);
    struct stat st;
    cr_assert_eq(fstatat(dir.fd, "a", &st, 0), 0);
    cr_expect_eq(st.st_mode & 0777, 0600);
}

Test(store_file, reads_what_it_wrote)
{
    put("a", "abc");
    put("crl/b", "new\nline");
    put("crl/b", "");
    expect_content("a", "abc");
    expect_content("crl/b", "");
    put("a", "another");
    expect_content("a", "another");
    cr_expect_eq(folder_count(&dir, "crl"), 1);
    expect_state("c", STORE_FILE_NONE, "");
    expect_state("c/d", STORE_FILE_NONE, "");
    expect_state("a/b", STORE_FILE_NONE, "");
}

Test(store_file, sees_what_is_damaged)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "does not begin"},
        {"abc", "does not begin"},
        {"wardgate 2 sha256=" SHA256_OF_ABC " length=3\nabc", "does not begin"},
        {"wardgate 1 sha256=" SHA256_OF_ABC " length=3", "does not begin"},
        {"wardgate 1 sha256=" SHA256_OF_ABC " length=3\nabd", "do not fit"},
        {"wardgate 1 sha256=" SHA256_OF_ABC " length=3\nab", "do not fit"},
        {"wardgate 1 sha256=" SHA256_OF_ABC " length=3\nabcd", "do not fit"},
        {"wardgate 1 sha256=" SHA256_OF_ABC " length=4\nabc", "do not fit"},
        {"wardgate 1 sha256=" SHA256_OF_ABC " length=03\nabc", "do not fit"},
        {"wardgate 1 sha256=\nabc", "do not fit"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        folder_put(&dir, "a", rows[i].text, strlen(rows[i].text));
        expect_state("a", STORE_FILE_DAMAGED, rows[i].why);
    }
    folder_put(&dir, "a", FILE_OF_ABC, strlen(FILE_OF_ABC));
    expect_content("a", "abc");
}

Test(store_file, sees_each_bit_that_is_changed_and_each_end_that_is_cut)
{
    size_t len = strlen(FILE_OF_ABC);
    uint8_t whole[sizeof(FILE_OF_ABC)];
    struct span content;
    const char *why;
    memcpy(whole, FILE_OF_ABC, len);
    for (size_t i = 0; i < 8 * len; i++) {
        whole[i / 8] ^= (uint8_t)(1u << (i % 8));
        cr_expect_eq(store_file_check(span_of(whole, len), &content, &why), STORE_FILE_DAMAGED);
        whole[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t cut = 0; cut < len; cut++) {
        cr_expect_eq(store_file_check(span_of(whole, cut), &content, &why), STORE_FILE_DAMAGED);
    }
    cr_expect_eq(store_file_check(span_of(whole, len), &content, &why), STORE_FILE_GOOD);
}

Test(store_file, refuses_to_read_what_is_too_large)
{
    folder_put(&dir, "a", "wardgate", 8);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/a", dir.path);
    /* Sparse: it takes no room, and its size is all that is looked at. */
    cr_assert_eq(truncate(path, (off_t)STORE_FILE_CONTENT_MAX + 4096), 0);
    mem_fail_nth(1);
    expect_state("a", STORE_FILE_DAMAGED, "too large");
    cr_expect_eq(mem_fail_nth(0), 1, "memory was asked for");
}

Test(store_file, tells_no_memory_from_damage)
{
    put("a", "abc");
    mem_fail_nth(1);
    expect_state("a", STORE_FILE_UNREADABLE, "out of memory");
    expect_content("a", "abc");
}

Test(store_file, follows_no_link_and_opens_no_device)
{
    char outside[] = "/tmp/wardgate-outside-XXXXXX";
    int fd = mkstemp(outside);
    cr_assert_eq(write(fd, FILE_OF_ABC, strlen(FILE_OF_ABC)), (ssize_t)strlen(FILE_OF_ABC));
    cr_assert_eq(symlinkat(outside, dir.fd, "a"), 0);
    cr_assert_eq(symlinkat("/tmp", dir.fd, "crl"), 0);
    cr_assert_eq(mkfifoat(dir.fd, "f", 0600), 0);
    cr_assert_eq(mkdirat(dir.fd, "d", 0700), 0);
    expect_state("a", STORE_FILE_NONE, "");
    char below[64];
    (void)snprintf(below, sizeof(below), "crl%s", strrchr(outside, '/'));
    expect_state(below, STORE_FILE_NONE, "");
    expect_state("f", STORE_FILE_NONE, "");
    expect_state("d", STORE_FILE_NONE, "");
    /* A link in the place of the file, or of its temporary one, is replaced, not written through.
     */
    cr_assert_eq(symlinkat(outside, dir.fd, "a.tmp"), 0);
    put("a", "mine");
    expect_content("a", "mine");
    cr_expect_eq(lseek(fd, 0, SEEK_END), (off_t)strlen(FILE_OF_ABC));
    (void)close(fd);
    (void)unlink(outside);
}

Test(store_file, writes_through_no_link_of_a_subfolder)
{
    struct folder other;
    struct fault f = {.code = FAULT_NONE};
    folder_make(&other);
    cr_assert_eq(symlinkat(other.path, dir.fd, "crl"), 0);
    cr_expect_eq(store_file_write(dir.fd, "crl/a", span_of_text("abc"), &f), FAULT_IO);
    cr_expect_eq(f.side, FAULT_SIDE_SELF);
    cr_expect_eq(folder_count(&other, "."), 0);
    folder_remove(&other);
}

Test(store_file, keeps_the_old_when_the_disk_is_full)
{
    struct fault f = {.code = FAULT_NONE};
    static char big[100000];
    put("a", "old");
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 50000;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_eq(store_file_write(dir.fd, "a", span_of(big, sizeof(big)), &f), FAULT_IO);
    cr_expect_not_null(strstr(f.note, "cannot write a in the state folder: "), "%s", f.note);
    cr_expect_eq(folder_count(&dir, "."), 1);
    expect_content("a", "old");
}

Test(store_file, leaves_no_temporary_file_when_it_cannot_rename)
{
    struct fault f = {.code = FAULT_NONE};
    cr_assert_eq(mkdirat(dir.fd, "a", 0700), 0);
    cr_expect_eq(store_file_write(dir.fd, "a", span_of_text("abc"), &f), FAULT_IO);
    cr_expect_eq(folder_count(&dir, "."), 1);
}

Test(store_file, says_when_there_is_no_place_for_it)
{
    struct fault f = {.code = FAULT_NONE};
    put("crl", "a file where a folder is wanted");
    cr_expect_eq(store_file_write(dir.fd, "crl/a", span_of_text("abc"), &f), FAULT_IO);
    cr_expect_eq(store_file_remove(dir.fd, "crl/a", &f), FAULT_IO);
    cr_expect_eq(store_file_write(-1, "b/a", span_of_text("abc"), &f), FAULT_IO);
    cr_assert_eq(mkdirat(dir.fd, "a.tmp", 0700), 0);
    cr_expect_eq(store_file_write(dir.fd, "a", span_of_text("abc"), &f), FAULT_IO);
}

Test(store_file, refuses_to_write_what_it_would_not_read)
{
    struct fault f = {.code = FAULT_NONE};
    uint8_t one = 0; /* not looked at */
    const struct span huge = {&one, (size_t)STORE_FILE_CONTENT_MAX + 1};
    cr_expect_eq(store_file_write(dir.fd, "a", huge, &f), FAULT_TOO_LONG);
    cr_expect_eq(folder_count(&dir, "."), 0);
}

Test(store_file, removes)
{
    struct fault f = {.code = FAULT_NONE};
    put("a", "abc");
    put("crl/b", "abc");
    cr_expect_eq(store_file_remove(dir.fd, "a", &f), 0);
    cr_expect_eq(store_file_remove(dir.fd, "crl/b", &f), 0);
    cr_expect_eq(store_file_remove(dir.fd, "crl/b", &f), 0);
    cr_expect_eq(store_file_remove(dir.fd, "none/b", &f), 0);
    cr_expect_not(folder_has(&dir, "a"));
    cr_expect_eq(folder_count(&dir, "crl"), 0);
    cr_expect_eq(store_file_remove(dir.fd, "crl", &f), FAULT_IO); /* a folder is no file */
}

Test(store_file, sets_aside_in_the_place_of_an_older_one)
{
    put("crl/a", "one");
    cr_expect(store_file_set_aside(dir.fd, "crl/a"));
    put("crl/a", "two");
    cr_expect(store_file_set_aside(dir.fd, "crl/a"));
    cr_expect_not(store_file_set_aside(dir.fd, "crl/a"));
    cr_expect_eq(folder_count(&dir, "crl"), 1);
    char text[256];
    size_t len = folder_get(&dir, "crl/a.damaged", text, sizeof(text));
    cr_assert_lt(len, sizeof(text));
    text[len] = '\0';
    cr_expect_not_null(strstr(text, "\ntwo"));
}
