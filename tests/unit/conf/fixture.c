#include "tests/unit/conf/fixture.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/tls.h"
#include "conf/build.h"
#include "conf/check.h"

enum { PATH_SIZE = 512, PKI_PATHS = 4 };

size_t fixture_text_read(void *from, char *to, size_t cap)
{
    struct fixture_text *t = from;
    size_t len = t->len < t->cut ? t->len : t->cut;
    len = len < cap ? len : cap;
    memcpy(to, t->text, len);
    t->text += len;
    t->len -= len;
    return len;
}

void fixture_begin(struct fixture *f)
{
    *f = (struct fixture){.pool = pool_new(), .problems = problems_new()};
    cr_assert_not_null(f->pool);
    cr_assert_not_null(f->problems);
    f->conf.warnings = problems_new();
    cr_assert_not_null(f->conf.warnings);
    reader_init(&f->reader, f->pool, f->problems);
}

void fixture_read_bytes(struct fixture *f, const char *bytes, size_t len, size_t cut)
{
    struct fixture_text text = {.text = bytes, .len = len, .cut = cut};
    struct reader_source source = {
        .read = fixture_text_read, .from = &text, .file = "t.conf", .dir = "/etc/w"};
    cr_assert_eq(reader_read(&f->reader, &source), 0);
}

void fixture_read(struct fixture *f, const char *text)
{
    fixture_read_bytes(f, text, strlen(text), 4096);
}

void fixture_build(struct fixture *f, const char *text)
{
    fixture_begin(f);
    fixture_read(f, text);
    f->conf.path = pool_text(f->pool, "/etc/w/t.conf");
    cr_assert_eq(build_conf(&f->conf, &f->reader, f->pool, f->problems, "t.conf"), 0);
    struct check check = {&f->conf, &f->reader, f->pool, f->problems};
    check_ports(&check);
    check_binds(&check);
    check_roles(&check);
}

static bool has_line(const struct problems *told, const char *line)
{
    for (size_t i = 0; i < problems_count(told); i++) {
        if (strcmp(problems_text(told, i), line) == 0) {
            return true;
        }
    }
    return false;
}

bool fixture_says(const struct fixture *f, const char *line)
{
    return has_line(f->problems, line);
}

static void expect_lines(const struct problems *told, const char *const *lines)
{
    size_t count = 0;
    bool right = true;
    for (; lines[count] != NULL; count++) {
        right = right && has_line(told, lines[count]);
    }
    right = right && count == problems_count(told);
    if (!right) {
        for (size_t i = 0; i < problems_count(told); i++) {
            cr_log_warn("said:     %s", problems_text(told, i));
        }
        for (size_t i = 0; i < count; i++) {
            cr_log_warn("expected: %s", lines[i]);
        }
    }
    cr_assert(right, "other problems than expected (%zu)", count);
}

void fixture_expect(const struct fixture *f, const char *const *lines)
{
    expect_lines(f->problems, lines);
}

void fixture_expect_warnings(const struct fixture *f, const char *const *lines)
{
    expect_lines(f->conf.warnings, lines);
}

void fixture_expect_one(const char *text, const char *line)
{
    struct fixture f;
    const char *lines[2] = {line, NULL};
    fixture_build(&f, text);
    fixture_expect(&f, lines);
    fixture_end(&f);
}

static char folder[PATH_SIZE];

/* The folder and all in it, from the leaves up. */
static void remove_folder(void)
{
    char *roots[] = {folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL, NULL);
    if (walk == NULL) {
        return;
    }
    for (FTSENT *entry = fts_read(walk); entry != NULL; entry = fts_read(walk)) {
        if (entry->fts_info != FTS_D) {
            (void)remove(entry->fts_path);
        }
    }
    (void)fts_close(walk);
    folder[0] = '\0';
}

void fixture_end(struct fixture *f)
{
    pool_free(f->pool);
    problems_free(f->problems);
    problems_free(f->conf.warnings);
    if (folder[0] != '\0') {
        remove_folder();
    }
}

const char *fixture_folder(void)
{
    if (folder[0] == '\0') {
        (void)snprintf(folder, sizeof(folder), "/tmp/wardgate-conf-XXXXXX");
        cr_assert_not_null(mkdtemp(folder));
    }
    return folder;
}

const char *fixture_write(const char *name, const char *text)
{
    static char path[2 * PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", fixture_folder(), name);
    for (char *slash = strchr(&path[strlen(folder) + 1], '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* may be there already */
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
    return path;
}

const char *fixture_pki(const char *name)
{
    static char paths[PKI_PATHS][PATH_SIZE];
    static size_t next;
    char here[PATH_SIZE / 2];
    char *path = paths[next++ % PKI_PATHS];
    cr_assert_not_null(getcwd(here, sizeof(here)));
    (void)snprintf(path, PATH_SIZE, "%s/build/pki%s%s", here, name[0] != '\0' ? "/" : "", name);
    return path;
}

struct conf *fixture_load(struct fixture *f, const char *path)
{
    struct fault fault;
    fixture_begin(f);
    cr_assert_eq(tls_init(&fault), 0);
    return conf_load(path, (int64_t)time(NULL), f->problems);
}
