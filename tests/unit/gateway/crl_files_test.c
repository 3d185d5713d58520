#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/crl_files.h"
#include "tests/unit/gateway/drop_folder.h"

static struct drop_folder folder;
static struct crl_listing listing;
static struct fault fault;

static void setup(void)
{
    drop_folder_make(&folder);
}

static void teardown(void)
{
    crl_files_free(&listing);
    drop_folder_remove(&folder);
}

TestSuite(crl_files, .init = setup, .fini = teardown);

static void put(const char *name)
{
    drop_folder_put(&folder, name, "x", 1, 60);
}

static void expect_files(const char *const *names, size_t count)
{
    cr_assert_eq(crl_files_list(folder.path, true, &listing, &fault), 0, "%s", fault.note);
    cr_assert_eq(listing.count, count);
    for (size_t i = 0; i < count; i++) {
        cr_expect_str_eq(listing.files[i].path, drop_folder_path(&folder, names[i]));
    }
}

Test(crl_files, lists_what_may_be_a_crl_by_name)
{
    static const char *const names[] = {"A.CRL", "b.pem", "c.der", "d.crl"};
    put("d.crl");
    put("A.CRL");
    put("c.der");
    put("b.pem");
    put("e.crl.tmp");
    put("README");
    put("crl");
    put(".crl");
    put(".hidden.crl");
    expect_files(names, 4);
}

Test(crl_files, an_empty_folder_is_no_fault)
{
    expect_files(NULL, 0);
}

Test(crl_files, lists_the_first_of_too_many_and_says_so)
{
    char name[16];
    for (unsigned i = 0; i < CRL_FILES_MAX + 3; i++) {
        /* Not in their order. */
        (void)snprintf(name, sizeof(name), "%03u.crl", (i * 97) % (CRL_FILES_MAX + 3));
        put(name);
    }
    cr_expect_eq(crl_files_list(folder.path, true, &listing, &fault), FAULT_LIMIT);
    cr_assert_eq(listing.count, CRL_FILES_MAX);
    cr_expect_str_eq(listing.files[0].path, drop_folder_path(&folder, "000.crl"));
    cr_expect_str_eq(listing.files[CRL_FILES_MAX - 1].path, drop_folder_path(&folder, "255.crl"));
    cr_expect_not_null(strstr(fault.note, "more than 256 files"), "%s", fault.note);
}

Test(crl_files, tells_what_is_not_there)
{
    const char *path = drop_folder_path(&folder, "none");
    cr_expect_eq(crl_files_list(path, true, &listing, &fault), FAULT_OPEN);
    cr_expect_not_null(strstr(fault.note, "none: does not exist"), "%s", fault.note);
    cr_expect_eq(listing.count, 0);
    cr_expect_eq(crl_files_list(path, false, &listing, &fault), FAULT_OPEN);
    cr_expect_not_null(strstr(fault.note, "none: does not exist"), "%s", fault.note);
    cr_expect_eq(listing.count, 0);
}

Test(crl_files, a_mark_tells_one_content_from_another)
{
    struct crl_mark marks[4];
    size_t count = 0;
    for (unsigned i = 0; i < 4; i++) {
        drop_folder_put(&folder, i == 3 ? "new" : "a.crl", "xy", i == 1 ? 2 : 1, i == 2 ? 90 : 60);
        if (i == 3) {
            char new_path[400];
            (void)snprintf(new_path, sizeof(new_path), "%s", drop_folder_path(&folder, "new"));
            cr_assert_eq(rename(new_path, drop_folder_path(&folder, "a.crl")), 0);
        }
        cr_assert_eq(crl_files_list(drop_folder_path(&folder, "a.crl"), false, &listing, &fault),
                     0);
        marks[count] = listing.files[0].seen;
        count++;
        crl_files_free(&listing);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            cr_expect_eq(crl_files_is_same(&marks[i], &marks[j]), i == j, "%zu and %zu", i, j);
        }
    }
    /* Each part alone makes it another. */
    for (unsigned part = 0; part < 4; part++) {
        struct crl_mark other = marks[0];
        other.dev += part == 0;
        other.ino += part == 1;
        other.size += part == 2;
        other.mtime_ns += part == 3;
        cr_expect_not(crl_files_is_same(&marks[0], &other), "part %u", part);
    }
}

static uint8_t *load(const char *name)
{
    struct crl_mark mark;
    bool is_settled = false;
    size_t len = 0;
    return crl_files_load(drop_folder_path(&folder, name), &len, &mark, &is_settled, &fault);
}

Test(crl_files, loads_a_file_whole)
{
    struct crl_mark mark;
    bool is_settled = false;
    size_t len = 0;
    drop_folder_put(&folder, "a.crl", "12345", 5, 60);
    uint8_t *bytes = crl_files_load(drop_folder_path(&folder, "a.crl"), &len, &mark, &is_settled,
                                    &fault);
    cr_assert_not_null(bytes, "%s", fault.note);
    cr_expect_eq(len, 5);
    cr_expect_eq(memcmp(bytes, "12345", 5), 0);
    cr_expect(is_settled);
    cr_assert_eq(crl_files_list(folder.path, true, &listing, &fault), 0);
    cr_expect(crl_files_is_same(&mark, &listing.files[0].seen));
    mem_free(bytes);
}

Test(crl_files, an_empty_file_has_no_bytes)
{
    drop_folder_put(&folder, "a.crl", "", 0, 60);
    uint8_t *bytes = load("a.crl");
    cr_expect_not_null(bytes);
    mem_free(bytes);
}

/* A second write within the same tick of the clock would leave no trace. */
Test(crl_files, what_was_written_just_now_is_not_settled)
{
    struct crl_mark mark;
    bool is_settled = true;
    size_t len = 0;
    struct timespec now[2];
    drop_folder_put(&folder, "a.crl", "1", 1, 0);
    (void)clock_gettime(CLOCK_REALTIME, &now[0]);
    now[1] = now[0];
    cr_assert_eq(utimensat(AT_FDCWD, drop_folder_path(&folder, "a.crl"), now, 0), 0);
    uint8_t *bytes = crl_files_load(folder.file, &len, &mark, &is_settled, &fault);
    struct timespec after;
    (void)clock_gettime(CLOCK_REALTIME, &after);
    int64_t took_ms = (after.tv_sec - now[0].tv_sec) * 1000 +
                      (after.tv_nsec - now[0].tv_nsec) / 1000000;
    cr_expect(!is_settled || took_ms > 40);
    mem_free(bytes);
}

Test(crl_files, a_time_that_lies_ahead_is_settled)
{
    struct crl_mark mark;
    bool is_settled = false;
    size_t len = 0;
    put("a.crl");
    struct timespec ahead[2] = {{.tv_sec = 4000000000}, {.tv_sec = 4000000000}};
    cr_assert_eq(utimensat(AT_FDCWD, drop_folder_path(&folder, "a.crl"), ahead, 0), 0);
    uint8_t *bytes = crl_files_load(folder.file, &len, &mark, &is_settled, &fault);
    cr_expect(is_settled);
    mem_free(bytes);
}

static void expect_refused(const char *name, enum fault_code code, const char *text)
{
    cr_expect_null(load(name));
    cr_expect_eq(fault.code, code, "%d: %s", (int)fault.code, fault.note);
    cr_expect_not_null(strstr(fault.note, text), "%s", fault.note);
}

Test(crl_files, refuses_what_is_no_file)
{
    cr_assert_eq(mkdir(drop_folder_path(&folder, "dir.crl"), 0700), 0);
    cr_assert_eq(mkfifo(drop_folder_path(&folder, "pipe.crl"), 0600), 0);
    expect_refused("dir.crl", FAULT_IO, "dir.crl: is not a file");
    expect_refused("pipe.crl", FAULT_IO, "pipe.crl: is not a file");
    expect_refused("none.crl", FAULT_OPEN, "none.crl: does not exist");
    cr_assert_eq(symlink("loop.crl", drop_folder_path(&folder, "loop.crl")), 0);
    expect_refused("loop.crl", FAULT_OPEN, "a link without an end");
}

Test(crl_files, refuses_a_file_that_is_too_long)
{
    put("a.crl");
    cr_assert_eq(truncate(drop_folder_path(&folder, "a.crl"), (off_t)CRL_FILES_BYTES_MAX + 1), 0);
    expect_refused("a.crl", FAULT_TOO_LONG, "longer than 64 MB");
}

Test(crl_files, a_note_has_room_for_what_is_wrong)
{
    char path[300];
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    fault_set(&fault, FAULT_IO, FAULT_SIDE_CERTIFICATE, "what is wrong", NULL);
    crl_files_name_fault(&fault, path);
    cr_expect_not_null(strstr(fault.note, "...: what is wrong"), "%s", fault.note);
}

Test(crl_files, survives_each_failing_allocation)
{
    put("a.crl");
    put("b.crl");
    for (uint32_t nth = 1; nth < 7; nth++) {
        mem_fail_nth(nth);
        cr_expect_eq(crl_files_list(folder.path, true, &listing, &fault), FAULT_MEMORY, "%u", nth);
        cr_expect_eq(listing.count, 0);
    }
    mem_fail_nth(1);
    cr_expect_null(load("a.crl"));
    cr_expect_eq(fault.code, FAULT_MEMORY);
    for (uint32_t nth = 1; nth < 3; nth++) {
        mem_fail_nth(nth);
        cr_expect_eq(crl_files_list(drop_folder_path(&folder, "a.crl"), false, &listing, &fault),
                     FAULT_MEMORY);
    }
}
