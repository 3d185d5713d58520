#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/control_path.h"

static char folder[] = "/tmp/wardgate-test-XXXXXX";
static char path[64], lock[72];
static struct control_path p, second;
static struct fault f;

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/c", folder);
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
}

static void tear_down(void)
{
    unlink(path);
    unlink(lock);
    cr_expect_eq(rmdir(folder), 0, "something was left over");
}

TestSuite(control_path, .init = set_up, .fini = tear_down);

Test(control_path, makes_a_socket_of_mode_0660_whatever_the_umask)
{
    struct stat st;
    umask(0);
    cr_assert_eq(control_path_take(&p, path, &f), 0, "%s", f.note);
    cr_assert_eq(stat(path, &st), 0);
    cr_expect(S_ISSOCK(st.st_mode));
    cr_expect_eq(st.st_mode & 0777, 0660);
    cr_expect_eq(umask(0), 0, "the umask was not put back");
    control_path_remove(&p);
    cr_expect_neq(stat(path, &st), 0);
    control_path_release(&p);
}

Test(control_path, refuses_the_path_of_a_living_gateway)
{
    cr_assert_eq(control_path_take(&p, path, &f), 0);
    cr_expect_eq(control_path_take(&second, path, &f), FAULT_BUSY);
    cr_expect_not_null(strstr(f.note, "another wardgate runs with this control socket"));
    struct stat st;
    cr_expect_eq(stat(path, &st), 0, "the living one lost its socket");
    control_path_remove(&p);
    control_path_release(&p);
}

Test(control_path, replaces_the_socket_of_a_dead_gateway)
{
    cr_assert_eq(control_path_take(&p, path, &f), 0);
    control_path_release(&p); /* as the kernel does for a process that was killed */
    cr_expect_eq(control_path_take(&second, path, &f), 0, "%s", f.note);
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    (void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_expect_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    control_path_remove(&second);
    control_path_release(&second);
}

Test(control_path, refuses_a_path_where_a_file_stands)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    cr_expect_eq(control_path_take(&p, path, &f), FAULT_OPEN);
    cr_expect_not_null(strstr(f.note, "no socket"), "%s", f.note);
    struct stat st;
    cr_expect_eq(stat(path, &st), 0, "the file is gone");
}

Test(control_path, refuses_a_folder_that_is_not_there)
{
    cr_expect_eq(control_path_take(&p, "/tmp/wardgate-no-such-folder/c", &f), FAULT_OPEN);
    cr_expect_not_null(strstr(f.note, "No such file"), "%s", f.note);
}

Test(control_path, refuses_a_path_that_does_not_fit_an_address)
{
    static const char start[] = "/tmp/wardgate-no-such-folder/";
    char huge[CONTROL_PATH_MAX + 1];
    memset(huge, 'x', CONTROL_PATH_MAX);
    memcpy(huge, start, sizeof(start) - 1);
    huge[CONTROL_PATH_MAX] = '\0';
    cr_expect_eq(control_path_take(&p, huge, &f), FAULT_OPEN);
    cr_expect_not_null(strstr(f.note, "too long"), "%s", f.note);
}

Test(control_path, does_not_follow_a_link_to_lock)
{
    cr_assert_eq(symlink("/tmp/wardgate-no-such-file", lock), 0);
    cr_expect_eq(control_path_take(&p, path, &f), FAULT_OPEN);
}
