#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/port_holder.h"
#include "tests/unit/gateway/bench.h"

static char path[80], why[PORT_HOLDER_WHY_MAX];

Test(port_holder, takes_a_port_that_is_free_and_gives_it_back)
{
    int far = bench_open_pty(path, sizeof(path));
    int first = port_holder_take(path, why);
    cr_assert_geq(first, 0);
    cr_expect_eq(port_holder_take(path, why), -1);
    close(first);
    first = port_holder_take(path, why);
    cr_expect_geq(first, 0);
    close(first);
    close(far);
}

Test(port_holder, names_the_process_that_has_locked_it)
{
    char wanted[120];
    int far = bench_open_pty(path, sizeof(path));
    int other = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    cr_assert_eq(flock(other, LOCK_EX | LOCK_NB), 0);
    cr_expect_eq(port_holder_take(path, why), -1);
    (void)snprintf(wanted, sizeof(wanted), ", process %ld", (long)getpid());
    cr_expect_not_null(strstr(why, wanted), "%s", why);
    cr_expect_not_null(strstr(why, " is held by "), "%s", why);
    close(other);
    close(far);
}

Test(port_holder, refuses_what_is_no_serial_port)
{
    cr_expect_eq(port_holder_take("/dev/null", why), -1);
    cr_expect_str_eq(why, "/dev/null is no serial port");
    cr_expect_eq(port_holder_take("/dev/nothing-here", why), -1);
    cr_expect_str_eq(why, "/dev/nothing-here: No such file or directory");
}
