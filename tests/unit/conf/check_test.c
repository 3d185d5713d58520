#include <criterion/criterion.h>

#include "conf/check.h"
#include "tests/unit/conf/fixture.h"

Test(check, names_the_line_of_the_key_or_of_the_section)
{
    struct fixture f;
    const char *lines[] = {"t.conf:10: port = tcp:10.0.0.1:5 is odd; right: another",
                           "t.conf:6: [device d] is odd; right: another", NULL};
    fixture_build(&f, FIXTURE_DEVICE FIXTURE_MLLP);
    struct check c = {&f.conf, &f.reader, f.pool, f.problems};
    check_refuse(&c, &f.conf.devices[0], KEYS_PORT, "is odd", "another");
    check_refuse(&c, &f.conf.devices[0], KEYS_GAP, "is odd", "another");
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(check, no_memory_is_a_problem)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE FIXTURE_MLLP);
    struct check c = {&f.conf, &f.reader, f.pool, f.problems};
    check_run_out(&c);
    cr_assert_eq(problems_count(f.problems), 1);
    fixture_end(&f);
}
