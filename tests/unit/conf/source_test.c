#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "conf/source.h"
#include "tests/unit/conf/fixture.h"

Test(source, makes_paths_absolute_from_the_folder_of_their_file)
{
    struct pool *p = pool_new();
    cr_assert_str_eq(source_absolute(p, "/etc/w", "id/a.pem"), "/etc/w/id/a.pem");
    cr_assert_str_eq(source_absolute(p, "/etc/w", "./a.pem"), "/etc/w/a.pem");
    cr_assert_str_eq(source_absolute(p, "/etc/w", "../a.pem"), "/etc/w/../a.pem");
    cr_assert_str_eq(source_absolute(p, "/etc/w", "/a.pem"), "/a.pem");
    cr_assert_str_eq(source_absolute(p, "/", "a.pem"), "/a.pem");
    pool_free(p);
}

Test(source, refuses_paths_that_are_too_long)
{
    static char path[SOURCE_PATH_SIZE + 1];
    struct pool *p = pool_new();
    memset(path, 'a', sizeof(path) - 1);
    cr_assert_null(source_absolute(p, "/", path));
    path[0] = '/';
    cr_assert_null(source_absolute(p, "/", path));
    path[SOURCE_PATH_SIZE - 1] = '\0';
    cr_assert_not_null(source_absolute(p, "/", path));
    pool_free(p);
}

Test(source, knows_the_folder_of_a_file)
{
    struct pool *p = pool_new();
    char here[SOURCE_PATH_SIZE];
    cr_assert_str_eq(source_folder(p, "/etc/w/a.conf"), "/etc/w");
    cr_assert_str_eq(source_folder(p, "/a.conf"), "/");
    cr_assert_not_null(getcwd(here, sizeof(here)));
    char *path = source_from_here(p, "x.conf");
    cr_assert_eq(strncmp(path, here, strlen(here)), 0);
    cr_assert_str_eq(&path[strlen(here)], "/x.conf");
    cr_assert_str_eq(source_from_here(p, "/x.conf"), "/x.conf");
    pool_free(p);
}

Test(source, reads_a_file_with_its_folder)
{
    struct fixture f;
    fixture_begin(&f);
    const char *path = fixture_write("a.conf", "[gateway]\nname = g\n");
    cr_assert_eq(source_read(&f.reader, path, "shown"), 0);
    cr_assert_str_eq(f.reader.sections[0]->file, "shown");
    cr_assert_str_eq(f.reader.sections[0]->dir, fixture_folder());
    fixture_end(&f);
}

Test(source, says_what_cannot_be_read)
{
    struct fixture f;
    const char *lines[] = {
        "a: cannot be read: No such file or directory; right: a file that this user may read",
        "b: cannot be read: Is a directory; right: a file that this user may read",
        "c: cannot be read: Invalid argument; right: a file that this user may read", NULL};
    fixture_begin(&f);
    cr_assert_eq(source_read(&f.reader, "/nonexistent/x.conf", "a"), -1);
    cr_assert_eq(source_read(&f.reader, "/tmp", "b"), -1);
    cr_assert_eq(source_read(&f.reader, "/dev/null", "c"), -1);
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(source, does_not_wait_for_a_fifo)
{
    struct fixture f;
    fixture_begin(&f);
    const char *path = fixture_write("x", "");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(source_read(&f.reader, path, "fifo"), -1);
    fixture_end(&f);
}

Test(source, lists_conf_files_in_the_order_of_their_bytes)
{
    static const char *const SORTED[] = {"10-b.conf", "9-a.conf", "B.conf", "a.conf"};
    struct fixture f;
    char **names = NULL;
    size_t count = 0;
    fixture_begin(&f);
    (void)fixture_write("a.conf", "");
    (void)fixture_write("B.conf", "");
    (void)fixture_write("9-a.conf", "");
    (void)fixture_write("10-b.conf", "");
    (void)fixture_write(".hidden.conf", "");
    (void)fixture_write(".conf", "");
    (void)fixture_write("a.conf~", "");
    (void)fixture_write("a.conf.bak", "");
    cr_assert_eq(source_list(f.pool, fixture_folder(), &names, &count), 0);
    cr_assert_eq(count, 4);
    for (size_t i = 0; i < count; i++) {
        cr_assert_str_eq(names[i], SORTED[i]);
    }
    fixture_end(&f);
}

Test(source, an_empty_folder_is_fine_and_a_missing_one_is_not)
{
    struct fixture f;
    char **names = NULL;
    size_t count = 7;
    fixture_begin(&f);
    cr_assert_eq(source_list(f.pool, fixture_folder(), &names, &count), 0);
    cr_assert_eq(count, 0);
    cr_assert_eq(source_list(f.pool, "/nonexistent", &names, &count), ENOENT);
    fixture_end(&f);
}
