#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/store.h"
#include "tests/unit/gateway/bench.h"
#include "tests/unit/gateway/folder.h"

/* Who put something, and what it heard. */
struct putter {
    unsigned done, failed;
    struct fault last;
    struct store *store;
    const char *then; /* put this when it is done */
    bool then_close;
};

static struct bench bench;
static struct folder dir;
static struct store *store;
static struct fault fault;
static unsigned closed;
static char heard[1024]; /* what store_load told, in the order of names */
static unsigned damaged;

static void set_up(void)
{
    bench_init(&bench);
    folder_make(&dir);
    fault_clear(&fault);
    closed = 0;
    store = store_open(&bench.io, dir.path, &fault);
    cr_assert_not_null(store, "%s", fault.note);
}

static void on_closed(void *owner)
{
    unsigned *count = owner;
    (*count)++;
}

static void close_store(void)
{
    if (store != NULL) {
        unsigned now = 0;
        store_close(store, on_closed, &now);
        cr_expect_eq(now, 0, "never from within the call");
        bench_run_until(&bench, &now, 1);
        store_free(store);
    }
    store = NULL;
}

static void tear_down(void)
{
    close_store();
    bench_end(&bench);
    folder_remove(&dir);
}

TestSuite(store, .init = set_up, .fini = tear_down);

static void on_done(void *owner, const struct fault *f)
{
    struct putter *p = owner;
    p->done++;
    if (f != NULL) {
        p->failed++;
        p->last = *f;
    }
    if (p->then != NULL) {
        const char *text = p->then;
        p->then = NULL;
        cr_expect(store_put(p->store, "then", span_of_text(text), on_done, p));
    }
    if (p->then_close) {
        p->then_close = false;
        store_close(p->store, on_closed, &closed);
    }
}

static void put(const char *name, const char *text, struct putter *p)
{
    cr_expect(store_put(store, name, span_of_text(text), on_done, p));
}

static void on_file(void *owner, const char *name, struct span content)
{
    (void)owner;
    size_t used = strlen(heard);
    (void)snprintf(heard + used, sizeof(heard) - used, "%s=%.*s;", name, (int)content.len,
                   (const char *)content.data);
}

static void on_damaged(void *owner, const char *name, const char *why)
{
    (void)owner;
    size_t used = strlen(heard);
    (void)snprintf(heard + used, sizeof(heard) - used, "!%s;", name);
    damaged++;
    cr_expect_gt(strlen(why), 10);
}

static const char *load(const char *prefix)
{
    heard[0] = '\0';
    damaged = 0;
    store_load(store, prefix, on_file, on_damaged, NULL);
    return heard;
}

static bool is_idle(void *arg)
{
    (void)arg;
    return !store_is_busy(store);
}

static void wait_idle(void)
{
    bench_run_while_not(&bench, is_idle, NULL);
}

Test(store, writes_and_tells_it_once_from_the_loop)
{
    struct putter p = {.done = 0};
    put("crl/a", "abc", &p);
    cr_expect_eq(p.done, 0);
    cr_expect(store_is_busy(store));
    bench_run_until(&bench, &p.done, 1);
    wait_idle();
    cr_expect_eq(p.done, 1);
    cr_expect_eq(p.failed, 0);
    cr_expect_str_eq(load(""), "crl/a=abc;");
}

Test(store, does_only_the_last_of_those_that_wait)
{
    struct putter p = {.done = 0};
    struct putter other = {.done = 0};
    put("a", "1", &p); /* begins at once */
    put("b", "x", &other);
    put("a", "2", &p);
    put("a", "3", &p);
    put("a", "4", &p);
    bench_run_until(&bench, &p.done, 1);
    cr_expect_eq(p.done, 1);
    bench_run_until(&bench, &p.done, 4);
    wait_idle();
    cr_expect_eq(p.done, 4);
    cr_expect_eq(other.done, 1);
    cr_expect_str_eq(load("a"), "a=4;");
    cr_expect_str_eq(load("b"), "b=x;");
}

Test(store, removes_in_turn_with_writes)
{
    struct putter p = {.done = 0};
    put("a", "1", &p);
    put("a", "2", &p);
    cr_expect(store_remove(store, "a"));
    put("b", "1", &p);
    cr_expect(store_remove(store, "b"));
    put("b", "2", &p);
    cr_expect(store_remove(store, "none"));
    wait_idle();
    cr_expect_eq(p.done, 4);
    cr_expect_eq(p.failed, 0);
    cr_expect_str_eq(load(""), "b=2;");
}

Test(store, tells_a_failure_once_and_goes_on)
{
    struct putter p = {.done = 0};
    struct putter good = {.done = 0};
    cr_assert_eq(mkdirat(dir.fd, "a", 0700), 0);
    put("a", "abc", &p);
    put("b", "abc", &good);
    wait_idle();
    cr_expect_eq(p.done, 1);
    cr_expect_eq(p.failed, 1);
    cr_expect_eq(p.last.code, FAULT_IO);
    cr_expect_eq(good.done, 1);
    cr_expect_eq(good.failed, 0);
}

Test(store, refuses_names_that_are_none_and_what_is_too_long)
{
    struct putter p = {.done = 0};
    uint8_t one = 0; /* not looked at */
    put("../a", "abc", &p);
    bench_run_until(&bench, &p.failed, 1);
    cr_expect_eq(p.last.code, FAULT_INTERNAL);
    put("a", "good", &p);
    put("b", "good", &p);
    cr_expect(store_put(store, "b", (struct span){&one, (size_t)STORE_FILE_CONTENT_MAX + 1},
                        on_done, &p));
    wait_idle();
    cr_expect_eq(p.done, 4);
    cr_expect_eq(p.failed, 2);
    cr_expect_eq(p.last.code, FAULT_TOO_LONG);
    cr_expect_str_eq(load("b"), "b=good;", "what is refused must not replace what waits");
}

Test(store, lets_an_owner_put_again_and_close_from_on_done)
{
    struct putter p = {.store = store, .then = "more"};
    put("a", "abc", &p);
    bench_run_until(&bench, &p.done, 2);
    cr_expect_str_eq(load("then"), "then=more;");
    struct putter q = {.store = store, .then_close = true};
    put("b", "1", &q);
    put("c", "2", &q);
    bench_run_until(&bench, &closed, 1);
    cr_expect_eq(q.done, 2);
    store_free(store);
    store = store_open(&bench.io, dir.path, &fault);
    cr_expect_str_eq(load("c"), "c=2;");
}

Test(store, finishes_what_waits_before_it_closes)
{
    struct putter p = {.done = 0};
    put("a", "1", &p);
    put("b", "2", &p);
    put("b", "3", &p);
    store_close(store, on_closed, &closed);
    cr_expect_not(store_put(store, "c", span_of_text("late"), on_done, &p));
    cr_expect_not(store_remove(store, "a"));
    bench_run_until(&bench, &closed, 1);
    cr_expect_eq(p.done, 3);
    cr_expect_eq(p.failed, 0);
    store_free(store);
    store = store_open(&bench.io, dir.path, &fault);
    cr_expect_str_eq(load("b"), "b=3;");
}

Test(store, makes_its_folder_and_reads_it_again)
{
    char below[128];
    struct stat st;
    struct putter p = {.done = 0};
    close_store();
    (void)snprintf(below, sizeof(below), "%s/state", dir.path);
    mode_t before = umask(0);
    store = store_open(&bench.io, below, &fault);
    (void)umask(before);
    cr_assert_not_null(store);
    cr_assert_eq(stat(below, &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0700);
    put("a", "abc", &p);
    wait_idle();
    close_store();
    store = store_open(&bench.io, below, &fault);
    cr_expect_str_eq(load(""), "a=abc;");
}

Test(store, refuses_a_folder_that_it_cannot_make)
{
    char below[128];
    (void)snprintf(below, sizeof(below), "%s/no/state", dir.path);
    cr_expect_null(store_open(&bench.io, below, &fault));
    cr_expect_eq(fault.code, FAULT_OPEN);
    folder_put(&dir, "file", "x", 1);
    (void)snprintf(below, sizeof(below), "%s/file", dir.path);
    cr_expect_null(store_open(&bench.io, below, &fault));
    cr_expect_eq(fault.code, FAULT_OPEN);
    cr_assert_eq(mkdirat(dir.fd, "bad", 0700), 0);
    cr_assert_eq(mkdirat(dir.fd, "bad/.lock", 0700), 0);
    (void)snprintf(below, sizeof(below), "%s/bad", dir.path);
    cr_expect_null(store_open(&bench.io, below, &fault));
    cr_expect_eq(fault.code, FAULT_OPEN);
}

Test(store, refuses_a_folder_that_others_may_write_in)
{
    static const mode_t modes[] = {0770, 0702, 01777};
    close_store();
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        cr_assert_eq(fchmod(dir.fd, modes[i]), 0);
        cr_expect_null(store_open(&bench.io, dir.path, &fault));
        cr_expect_eq(fault.code, FAULT_OPEN);
        cr_expect_not_null(strstr(fault.note, "others may write"), "%s", fault.note);
    }
    cr_assert_eq(fchmod(dir.fd, 0755), 0);
    store = store_open(&bench.io, dir.path, &fault);
    cr_expect_not_null(store);
}

Test(store, refuses_a_second_gateway)
{
    cr_expect_null(store_open(&bench.io, dir.path, &fault));
    cr_expect_eq(fault.code, FAULT_BUSY);
    cr_expect_not_null(strstr(fault.note, "another wardgate uses it"), "%s", fault.note);
    cr_expect_not_null(strstr(fault.note, dir.path), "%s", fault.note);
    close_store();
    store = store_open(&bench.io, dir.path, &fault);
    cr_expect_not_null(store);
}

Test(store, sets_damaged_files_aside_and_tells_it)
{
    struct putter p = {.done = 0};
    put("crl/good", "abc", &p);
    wait_idle();
    folder_put(&dir, "crl/bad", "abc", 3);
    const char *all = load("");
    cr_expect_not_null(strstr(all, "crl/good=abc;"));
    cr_expect_not_null(strstr(all, "!crl/bad;"));
    cr_expect(folder_has(&dir, "crl/bad.damaged"));
    cr_expect_not(folder_has(&dir, "crl/bad"));
    cr_expect_str_eq(load(""), "crl/good=abc;");
    /* An older one goes; nobody needs to listen. */
    folder_put(&dir, "crl/bad", "newer", 5);
    store_load(store, "", on_file, NULL, NULL);
    char text[8];
    cr_expect_eq(folder_get(&dir, "crl/bad.damaged", text, sizeof(text)), 5);
}

Test(store, leaves_what_it_cannot_read)
{
    struct putter p = {.done = 0};
    put("a", "abc", &p);
    wait_idle();
    mem_fail_nth(1);
    cr_expect_str_eq(load(""), "!a;");
    cr_expect_str_eq(load(""), "a=abc;");
}

Test(store, passes_over_what_is_not_its_own)
{
    struct putter p = {.done = 0};
    put("a", "abc", &p);
    put("sub/a", "abc", &p);
    wait_idle();
    cr_assert_eq(symlinkat("a", dir.fd, "link"), 0);
    cr_assert_eq(symlinkat("sub", dir.fd, "sublink"), 0);
    cr_assert_eq(mkfifoat(dir.fd, "fifo", 0600), 0);
    cr_assert_eq(mkdirat(dir.fd, "sub/deeper", 0700), 0);
    folder_put(&dir, "README", "for people", 10);
    folder_put(&dir, ".hidden", "x", 1);
    cr_expect_str_eq(load("a"), "a=abc;");
    cr_expect_str_eq(load("sub"), "sub/a=abc;");
    (void)load("");
    cr_expect_eq(damaged, 0);
    cr_expect(folder_has(&dir, "README"));
    cr_expect(folder_has(&dir, "link"));
}

Test(store, removes_what_a_write_that_was_cut_off_has_left)
{
    folder_put(&dir, "a.tmp", "wardg", 5);
    folder_put(&dir, "NOT-OURS.tmp", "x", 1);
    cr_assert_eq(mkdirat(dir.fd, "crl", 0700), 0);
    folder_put(&dir, "crl/b.tmp", "", 0);
    cr_expect_str_eq(load(""), "");
    cr_expect_not(folder_has(&dir, "a.tmp"));
    cr_expect_not(folder_has(&dir, "crl/b.tmp"));
    cr_expect(folder_has(&dir, "NOT-OURS.tmp"));
}

Test(store, bears_that_there_is_no_memory)
{
    struct putter p = {.done = 0};
    close_store();
    mem_fail_nth(1);
    cr_expect_null(store_open(&bench.io, dir.path, &fault));
    cr_expect_eq(fault.code, FAULT_MEMORY);
    store = store_open(&bench.io, dir.path, &fault);
    for (uint32_t i = 1; i <= 3; i++) {
        mem_fail_nth(i);
        cr_expect_not(store_put(store, "a", span_of_text("abc"), on_done, &p));
    }
    mem_fail_nth(1);
    cr_expect_not(store_remove(store, "a"));
    mem_fail_nth(0);
    cr_expect_not(store_is_busy(store));
    cr_expect_eq(p.done, 0);
}

Test(store, needs_no_loop_when_nothing_was_put)
{
    store_free(store);
    store_free(NULL);
    store = store_open(&bench.io, dir.path, &fault);
    cr_expect_not_null(store);
}
