/* A worker's look at a file, a folder or a download: what is read, and what is not. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/crl_reading.h"
#include "tests/unit/gateway/folder.h"
#include "tests/unit/gateway/papers.h"

static struct folder drop;
static struct crl_reading reading;
static struct trust *trust;

static void setup(void)
{
    folder_make(&drop);
    trust = papers_trust(PAPERS_ROOT);
    reading = (struct crl_reading){.trust = trust, .now_s = io_wall_s()};
}

static void teardown(void)
{
    crl_reading_clear(&reading);
    trust_release(trust);
    (void)chmod(drop.path, 0700);
    folder_remove(&drop);
}

TestSuite(crl_reading, .init = setup, .fini = teardown);

/* The file `name` of the drop folder; NULL: the folder. */
static void look_at(enum crl_source_kind kind, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s%s%s", drop.path, name != NULL ? "/" : "",
                   name != NULL ? name : "");
    reading.kind = kind;
    reading.place = mem_text(path);
}

static void put_crl(const char *name, unsigned number)
{
    struct span crl = papers_crl(&(struct papers_crl){.number = number});
    folder_put(&drop, name, crl.data, crl.len);
}

/* Look again, with what was brought before put away. */
static void look(void)
{
    crl_reading_tidy(&reading);
    crl_reading_run(&reading);
}

static unsigned number_of(const struct crl_file *file)
{
    uint8_t byte = 0;
    cr_assert_not_null(file->intake, "%s", file->fault.note);
    cr_assert_eq(file->intake->count, 1);
    cr_assert(span_at(crl_number(file->intake->arrivals[0].crl), 0, &byte));
    return byte;
}

static void expect_fault(const struct fault *f, enum fault_code code, const char *text)
{
    cr_expect_eq(f->code, code, "%s", f->note);
    cr_expect_not_null(strstr(f->note, text), "%s", f->note);
    cr_expect_not_null(strstr(f->note, drop.path), "%s", f->note);
}

/* ---- a file ---- */

Test(crl_reading, a_file_is_read_and_verified)
{
    put_crl("a", 7);
    look_at(CRL_SOURCE_FILE, "a");
    crl_reading_run(&reading);
    cr_assert_eq(reading.count, 1);
    cr_expect_eq(number_of(&reading.files[0]), 7);
    cr_expect(reading.files[0].intake->arrivals[0].is_verified);
    cr_expect_eq(reading.files[0].fault.code, FAULT_NONE);
    cr_expect(reading.files[0].is_new);
}

Test(crl_reading, a_file_that_is_the_same_is_not_read_again)
{
    put_crl("a", 7);
    look_at(CRL_SOURCE_FILE, "a");
    look();
    look();
    cr_assert_eq(reading.count, 1);
    cr_expect_not(reading.files[0].is_new);
    cr_expect_null(reading.files[0].intake);
    cr_expect_eq(reading.files[0].fault.code, FAULT_NONE);
}

/* A change by one thing at a time: the others are as they were. */

static void set_time(const char *name, int64_t s, long ns)
{
    const struct timespec times[2] = {{.tv_sec = s, .tv_nsec = ns}, {.tv_sec = s, .tv_nsec = ns}};
    cr_assert_eq(utimensat(drop.fd, name, times, 0), 0);
}

static void read_once_at(int64_t s, long ns)
{
    put_crl("a", 7);
    set_time("a", s, ns);
    look_at(CRL_SOURCE_FILE, "a");
    look();
    look();
    cr_assert_null(reading.files[0].intake);
}

Test(crl_reading, another_second_is_a_change)
{
    read_once_at(1000, 5);
    set_time("a", 1001, 5);
    look();
    cr_expect_eq(number_of(&reading.files[0]), 7);
}

Test(crl_reading, another_nanosecond_is_a_change)
{
    read_once_at(1000, 5);
    set_time("a", 1000, 6);
    look();
    cr_expect_eq(number_of(&reading.files[0]), 7);
}

Test(crl_reading, another_size_is_a_change)
{
    struct span pem = papers_crl(&(struct papers_crl){.number = 8, .is_pem = true});
    read_once_at(1000, 5);
    folder_put(&drop, "a", pem.data, pem.len);
    set_time("a", 1000, 5);
    look();
    cr_expect_eq(number_of(&reading.files[0]), 8);
}

/* A signature of ECDSA is 70 to 72 bytes: the copy has the length of the first one. */
Test(crl_reading, another_inode_is_a_change)
{
    uint8_t bytes[4096];
    read_once_at(1000, 5);
    size_t len = folder_get(&drop, "a", bytes, sizeof(bytes));
    folder_put(&drop, "b", bytes, len);
    set_time("b", 1000, 5);
    cr_assert_eq(renameat(drop.fd, "b", drop.fd, "a"), 0);
    look();
    cr_expect_eq(number_of(&reading.files[0]), 7);
}

Test(crl_reading, a_missing_file_is_a_fault_and_new_only_once)
{
    look_at(CRL_SOURCE_FILE, "a");
    look();
    cr_assert_eq(reading.count, 1);
    expect_fault(&reading.files[0].fault, FAULT_OPEN, "No such file");
    cr_expect(reading.files[0].is_new);
    cr_expect(reading.files[0].is_there, "it is looked for again");
    look();
    cr_expect_not(reading.files[0].is_new);
    expect_fault(&reading.files[0].fault, FAULT_OPEN, "No such file");
}

Test(crl_reading, a_file_that_comes_late_is_read)
{
    look_at(CRL_SOURCE_FILE, "a");
    look();
    put_crl("a", 7);
    look();
    cr_expect_eq(number_of(&reading.files[0]), 7);
    cr_expect_eq(reading.files[0].fault.code, FAULT_NONE);
}

/* The very same one: that it was away for a while is no change of its time. */
Test(crl_reading, a_file_that_comes_back_is_read)
{
    read_once_at(1000, 5);
    cr_assert_eq(renameat(drop.fd, "a", drop.fd, "b"), 0);
    look();
    cr_expect(reading.files[0].is_new);
    cr_assert_eq(renameat(drop.fd, "b", drop.fd, "a"), 0);
    look();
    cr_expect_eq(number_of(&reading.files[0]), 7);
}

/* A link to itself: what may not be read is readable for root. */
Test(crl_reading, a_file_that_cannot_be_opened_is_a_fault_until_it_can)
{
    cr_assert_eq(symlinkat("a", drop.fd, "a"), 0);
    look_at(CRL_SOURCE_FILE, "a");
    look();
    expect_fault(&reading.files[0].fault, FAULT_OPEN, "Too many levels");
    cr_assert_eq(unlinkat(drop.fd, "a", 0), 0);
    put_crl("a", 7);
    look();
    cr_expect_eq(number_of(&reading.files[0]), 7);
}

Test(crl_reading, refuses_a_file_over_64_mib_unread)
{
    folder_put(&drop, "a", "", 0);
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/a", drop.path);
    cr_assert_eq(truncate(path, (off_t)CRL_READING_FILE_MAX + 1), 0);
    look_at(CRL_SOURCE_FILE, "a");
    look();
    expect_fault(&reading.files[0].fault, FAULT_TOO_LONG, "64 MiB");
    cr_expect_null(reading.files[0].intake);
}

Test(crl_reading, a_half_written_file_is_a_fault_and_read_when_it_is_whole)
{
    struct span crl = papers_crl(&(struct papers_crl){.number = 7});
    folder_put(&drop, "a", crl.data, crl.len / 2);
    look_at(CRL_SOURCE_FILE, "a");
    look();
    expect_fault(&reading.files[0].fault, FAULT_BAD_CERT, "/a: ");
    cr_expect_null(reading.files[0].intake);
    look();
    cr_expect_not(reading.files[0].is_new, "it is told once");
    expect_fault(&reading.files[0].fault, FAULT_BAD_CERT, "/a: ");
    folder_put(&drop, "a", crl.data, crl.len);
    look();
    cr_expect_eq(number_of(&reading.files[0]), 7);
    cr_expect_eq(reading.files[0].fault.code, FAULT_NONE);
}

Test(crl_reading, an_empty_file_is_a_fault)
{
    folder_put(&drop, "a", "", 0);
    look_at(CRL_SOURCE_FILE, "a");
    look();
    expect_fault(&reading.files[0].fault, FAULT_BAD_CERT, "/a: ");
}

Test(crl_reading, a_pipe_does_not_hold_it)
{
    cr_assert_eq(mkfifoat(drop.fd, "a", 0600), 0);
    look_at(CRL_SOURCE_FILE, "a");
    look();
    expect_fault(&reading.files[0].fault, FAULT_OPEN, "is no file");
}

Test(crl_reading, a_folder_is_no_file)
{
    look_at(CRL_SOURCE_FILE, NULL);
    look();
    expect_fault(&reading.files[0].fault, FAULT_OPEN, "is no file");
}

/* ---- a folder ---- */

static const char *name_of(size_t at)
{
    return reading.files[at].path + strlen(drop.path) + 1;
}

Test(crl_reading, a_folder_gives_its_crl_pem_and_der_files_in_order)
{
    static const char *const names[] = {"c.pem",  "b.der", "a.crl",     ".hidden.crl", "d.txt",
                                        "e.crl~", "crl",   "f.crl.tmp", ".crl",        "G.CRL"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        put_crl(names[i], 7);
    }
    look_at(CRL_SOURCE_FOLDER, NULL);
    look();
    cr_assert_eq(reading.count, 3);
    cr_expect_str_eq(name_of(0), "a.crl");
    cr_expect_str_eq(name_of(1), "b.der");
    cr_expect_str_eq(name_of(2), "c.pem");
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(number_of(&reading.files[i]), 7);
    }
    cr_expect_eq(reading.fault.code, FAULT_NONE);
}

Test(crl_reading, an_empty_folder_is_no_fault)
{
    look_at(CRL_SOURCE_FOLDER, NULL);
    look();
    cr_expect_eq(reading.count, 0);
    cr_expect_eq(reading.fault.code, FAULT_NONE);
}

Test(crl_reading, only_what_changed_in_a_folder_is_read)
{
    put_crl("a.crl", 7);
    put_crl("b.crl", 8);
    look_at(CRL_SOURCE_FOLDER, NULL);
    look();
    put_crl("c.crl", 9);
    cr_assert_eq(unlinkat(drop.fd, "b.crl", 0), 0);
    put_crl("b.crl", 10);
    set_time("b.crl", 1000, 5);
    look();
    cr_assert_eq(reading.count, 3);
    cr_expect_null(reading.files[0].intake);
    cr_expect_eq(number_of(&reading.files[1]), 10);
    cr_expect_eq(number_of(&reading.files[2]), 9);
}

Test(crl_reading, a_file_that_left_a_folder_is_told_and_then_forgotten)
{
    put_crl("a.crl", 7);
    put_crl("b.crl", 8);
    look_at(CRL_SOURCE_FOLDER, NULL);
    look();
    cr_assert_eq(unlinkat(drop.fd, "a.crl", 0), 0);
    look();
    cr_assert_eq(reading.count, 2);
    cr_expect_not(reading.files[0].is_there);
    cr_expect(reading.files[1].is_there);
    look();
    cr_assert_eq(reading.count, 1);
    cr_expect_str_eq(name_of(0), "b.crl");
}

Test(crl_reading, one_bad_file_does_not_hide_the_others)
{
    put_crl("b.crl", 7);
    folder_put(&drop, "a.crl", "<html>", 6);
    look_at(CRL_SOURCE_FOLDER, NULL);
    look();
    cr_assert_eq(reading.count, 2);
    expect_fault(&reading.files[0].fault, FAULT_BAD_CERT, "a.crl");
    cr_expect_eq(number_of(&reading.files[1]), 7);
}

Test(crl_reading, reads_256_files_of_a_folder_and_says_so)
{
    struct span crl = papers_crl(&(struct papers_crl){.number = 7});
    for (unsigned i = 0; i < CRL_SOURCE_FILES_MAX + 2; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%03u.crl", i);
        folder_put(&drop, name, crl.data, crl.len);
    }
    look_at(CRL_SOURCE_FOLDER, NULL);
    look();
    cr_expect_eq(reading.count, CRL_SOURCE_FILES_MAX);
    cr_expect_str_eq(name_of(255), "255.crl");
    expect_fault(&reading.fault, FAULT_LIMIT, "more than 256");
}

Test(crl_reading, a_folder_that_is_gone_is_a_fault_and_its_files_are_not_gone)
{
    char away[128];
    put_crl("a.crl", 7);
    look_at(CRL_SOURCE_FOLDER, NULL);
    look();
    (void)snprintf(away, sizeof(away), "%s-away", drop.path);
    cr_assert_eq(rename(drop.path, away), 0);
    look();
    expect_fault(&reading.fault, FAULT_OPEN, "No such file");
    cr_expect(reading.files[0].is_there);
    cr_expect_not(reading.files[0].is_new);
    cr_assert_eq(rename(away, drop.path), 0);
    look();
    cr_expect_eq(reading.fault.code, FAULT_NONE);
    cr_assert_eq(reading.count, 1);
    cr_expect_null(reading.files[0].intake, "it is the same one");
}

/* ---- a download ---- */

static void download(struct span body)
{
    struct room room;
    reading.kind = CRL_SOURCE_URL;
    if (reading.place == NULL) {
        reading.place = mem_text("http://ca.example/a.crl");
    }
    reading.body = mem_new(body.len, 1);
    reading.body_len = body.len;
    room = room_of(reading.body, body.len);
    cr_assert(room_put(&room, body));
    crl_reading_run(&reading);
}

Test(crl_reading, a_download_is_always_new)
{
    struct span crl = papers_crl(&(struct papers_crl){.number = 7});
    for (int i = 0; i < 2; i++) {
        download(crl);
        cr_assert_eq(reading.count, 1);
        cr_expect_eq(number_of(&reading.files[0]), 7);
        cr_expect(reading.files[0].is_new);
        cr_expect_str_eq(reading.files[0].path, "http://ca.example/a.crl");
        crl_reading_tidy(&reading);
        cr_expect_null(reading.body);
    }
}

Test(crl_reading, a_download_that_is_no_crl_is_a_fault_until_one_comes)
{
    download(span_of_text("<html><body>Sign in</body></html>"));
    cr_expect_eq(reading.files[0].fault.code, FAULT_BAD_CERT);
    cr_expect_not_null(strstr(reading.files[0].fault.note, "http://ca.example/a.crl: "));
    cr_expect_null(reading.files[0].intake);
    crl_reading_tidy(&reading);
    download(papers_crl(&(struct papers_crl){.number = 7}));
    cr_expect_eq(reading.files[0].fault.code, FAULT_NONE);
    cr_expect_eq(number_of(&reading.files[0]), 7);
}
