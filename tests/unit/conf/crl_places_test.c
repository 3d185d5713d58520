#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "conf/crl_places.h"
#include "tests/unit/conf/fixture.h"

enum { TEXT_MAX = 1024 };

/* Build a trust whose one line of CRLs names NAME below the test's folder, and look. */
static struct conf_crl look(struct fixture *f, const char *name)
{
    char text[TEXT_MAX];
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = a\ncrl = %s/%s\n"
                   "[device d]\ncertificate = c\nkey = k\ntrust = t\n%s",
                   fixture_folder(), name, FIXTURE_MLLP);
    fixture_build(f, text);
    cr_assert_eq(problems_count(f->problems), 0);
    crl_places_look(&f->conf, f->problems);
    return f->conf.trusts[0].crls[0];
}

static void is_refused(const char *name, const char *shown, const char *wrong, const char *right)
{
    struct fixture f;
    char line[TEXT_MAX];
    (void)look(&f, name);
    (void)snprintf(line, sizeof(line), "t.conf:5: crl = %s/%s %s; right: %s", fixture_folder(),
                   shown, wrong, right);
    fixture_expect(&f, (const char *const[]){line, NULL});
    fixture_end(&f);
}

#define RIGHT "a CRL there, or a folder for CRLs, readable by this user"

/* What a path with something behind it is taken for. */
static void is_kind(const char *name, enum conf_crl_kind kind)
{
    struct fixture f;
    (void)fixture_write("drop/ca.crl", "x");
    cr_expect_eq(look(&f, name).kind, kind, "%s", name);
    fixture_expect(&f, (const char *const[]){NULL});
    fixture_end(&f);
}

Test(crl_places, tells_files_from_folders)
{
    is_kind("drop/ca.crl", CONF_CRL_FILE);
    is_kind("drop", CONF_CRL_FOLDER);
    is_kind("drop/", CONF_CRL_FOLDER);
}

Test(crl_places, refuses_a_place_that_is_missing)
{
    is_refused("ca.crl", "ca.crl", "cannot be read: No such file or directory", RIGHT);
    is_refused("drop/", "drop", "cannot be read: No such file or directory", RIGHT);
}

Test(crl_places, refuses_a_file_that_was_meant_as_a_folder)
{
    (void)fixture_write("ca.crl", "x");
    is_refused("ca.crl/", "ca.crl", "is no folder",
               "a folder, or the path of a file without / behind");
}

Test(crl_places, refuses_what_is_neither_file_nor_folder)
{
    char path[TEXT_MAX];
    (void)snprintf(path, sizeof(path), "%s/pipe", fixture_folder());
    cr_assert_eq(mkfifo(path, 0600), 0);
    is_refused("pipe", "pipe", "is neither a file nor a folder", RIGHT);
}

Test(crl_places, refuses_what_this_user_may_not_read)
{
    if (geteuid() == 0) {
        cr_skip("root may read everything");
    }
    cr_assert_eq(chmod(fixture_write("ca.crl", "x"), 0), 0);
    is_refused("ca.crl", "ca.crl", "cannot be read: Permission denied", RIGHT);
}

Test(crl_places, leaves_urls_alone)
{
    struct fixture f;
    fixture_build(&f, "[gateway]\nname = g\n[trust t]\nanchors = a\ncrl = http://h/x\n"
                      "[device d]\ncertificate = c\nkey = k\ntrust = t\n" FIXTURE_MLLP);
    crl_places_look(&f.conf, f.problems);
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.trusts[0].crls[0].kind, CONF_CRL_URL);
    fixture_end(&f);
}
