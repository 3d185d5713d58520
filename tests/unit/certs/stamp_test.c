#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/stamp.h"

static const struct stamp known = {.device = 1,
                                   .inode = 2,
                                   .mode = S_IFREG | 0600,
                                   .size = 3,
                                   .modified = {.tv_sec = 100, .tv_nsec = 5},
                                   .changed = {.tv_sec = 200, .tv_nsec = 6}};

Test(stamp, each_part_of_it_counts)
{
    struct stamp others[8];
    for (size_t i = 0; i < 8; i++) {
        others[i] = known;
    }
    cr_assert(stamp_is_same(&known, &others[0]));
    others[0].device++;
    others[1].inode++;
    others[2].mode |= 040;
    others[3].size++;
    others[4].modified.tv_sec++;
    others[5].modified.tv_nsec++;
    others[6].changed.tv_sec++;
    others[7].changed.tv_nsec++;
    for (size_t i = 0; i < 8; i++) {
        cr_expect_not(stamp_is_same(&known, &others[i]), "part %zu", i);
    }
}

Test(stamp, is_settled_when_both_times_are_older_than_a_step)
{
    struct stamp s = {.modified = {.tv_sec = 100}, .changed = {.tv_sec = 200}};
    cr_assert(stamp_is_settled(&s, 203));
    cr_assert_not(stamp_is_settled(&s, 202));
    cr_assert_not(stamp_is_settled(&s, 200));
    cr_assert_not(stamp_is_settled(&s, 150), "times ahead of the clock");
    s.modified.tv_sec = 300;
    cr_assert_not(stamp_is_settled(&s, 302));
    cr_assert(stamp_is_settled(&s, 303));
}

Test(stamp, is_at_the_file_and_at_what_leads_to_it)
{
    char path[] = "/tmp/wardgate-stamp-XXXXXX";
    char other[] = "/tmp/wardgate-stamp-XXXXXX";
    char leads[sizeof(path) + 8];
    struct stat st;
    int fd = mkstemp(path);
    int other_fd = mkstemp(other);
    cr_assert(fd >= 0 && other_fd >= 0);
    cr_assert_eq(fstat(fd, &st), 0);
    struct stamp s = stamp_of(&st);
    (void)snprintf(leads, sizeof(leads), "%s.link", path);
    cr_assert_eq(symlink(path, leads), 0);
    cr_assert(stamp_is_at(&s, path));
    cr_assert(stamp_is_at(&s, leads));
    cr_assert_not(stamp_is_at(&s, other));
    cr_assert_not(stamp_is_at(&s, "/tmp"));
    cr_assert_eq(write(fd, "x", 1), 1);
    cr_assert_not(stamp_is_at(&s, path));
    cr_assert_eq(unlink(path), 0);
    cr_assert_not(stamp_is_at(&s, path));
    cr_assert_not(stamp_is_at(&s, leads));
    cr_assert_eq(unlink(leads), 0);
    cr_assert_eq(unlink(other), 0);
    cr_assert_eq(close(fd), 0);
    cr_assert_eq(close(other_fd), 0);
}
