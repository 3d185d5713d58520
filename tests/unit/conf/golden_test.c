/* Golden pairs: tests/unit/conf/golden/NAME.in is checked as `wardgate check` would, and NAME.out
 * is what that says. What differs is left in build/golden/NAME.out, to be looked at and copied. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/conf/fixture.h"

#define FOLDER "tests/unit/conf/golden"

enum { TEXT_MAX = 32768, PATH_MAX_HERE = 512 };

/* Append a line with this machine's folder written as @ROOT@. */
static void append(char *to, const char *line, const char *root)
{
    while (*line != '\0') {
        size_t used = strlen(to);
        if (strncmp(line, root, strlen(root)) == 0) {
            (void)snprintf(&to[used], TEXT_MAX - used, "@ROOT@");
            line += strlen(root);
        } else {
            (void)snprintf(&to[used], TEXT_MAX - used, "%c", *line);
            line++;
        }
    }
    (void)snprintf(&to[strlen(to)], TEXT_MAX - strlen(to), "\n");
}

static void check_text(const char *path, char *to)
{
    struct fixture f;
    char root[PATH_MAX_HERE];
    cr_assert_not_null(getcwd(root, sizeof(root)));
    struct conf *c = fixture_load(&f, path);
    for (size_t i = 0; i < problems_count(f.problems); i++) {
        append(to, problems_text(f.problems, i), root);
    }
    if (c != NULL) {
        char line[100];
        (void)snprintf(line, sizeof(line), "good: %zu devices, %zu trusts", c->device_count,
                       c->trust_count);
        append(to, line, root);
    }
    conf_free(c);
    fixture_end(&f);
}

static void read_text(const char *path, char *to)
{
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        size_t len = fread(to, 1, TEXT_MAX - 1, file);
        to[len] = '\0';
        (void)fclose(file);
    }
}

static void keep(const char *name, const char *text)
{
    char path[PATH_MAX_HERE];
    (void)mkdir("build/golden", 0777);
    (void)snprintf(path, sizeof(path), "build/golden/%s.out", name);
    FILE *file = fopen(path, "w");
    if (file != NULL) {
        (void)fputs(text, file);
        (void)fclose(file);
    }
}

static bool is_right(const char *name)
{
    static char said[TEXT_MAX];
    static char expected[TEXT_MAX];
    char path[PATH_MAX_HERE];
    said[0] = '\0';
    expected[0] = '\0';
    (void)snprintf(path, sizeof(path), FOLDER "/%s.in", name);
    check_text(path, said);
    (void)snprintf(path, sizeof(path), FOLDER "/%s.out", name);
    read_text(path, expected);
    if (strcmp(said, expected) == 0) {
        return true;
    }
    keep(name, said);
    cr_log_warn("%s.in says otherwise than %s.out: compare build/golden/%s.out", name, name, name);
    return false;
}

static int is_in(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return len > 3 && strcmp(&entry->d_name[len - 3], ".in") == 0;
}

Test(golden, every_pair_fits)
{
    struct dirent **found = NULL;
    int count = scandir(FOLDER, &found, is_in, alphasort);
    int wrong = 0;
    cr_assert_geq(count, 8, "where are the pairs?");
    for (int i = 0; i < count; i++) {
        found[i]->d_name[strlen(found[i]->d_name) - 3] = '\0';
        wrong += is_right(found[i]->d_name) ? 0 : 1;
        free(found[i]);
    }
    free(found);
    cr_assert_eq(wrong, 0, "%d pairs differ", wrong);
}
