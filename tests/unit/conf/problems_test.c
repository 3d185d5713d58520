#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/problems.h"

Test(problems, reads_as_file_line_wrong_and_right)
{
    struct problems *p = problems_new();
    problems_add(p, "a.conf", 3, "gap = 1 is out of range", "1ms to 10s");
    problems_add(p, "b.conf", 0, "cannot be read", NULL);
    cr_assert_eq(problems_count(p), 2);
    cr_assert_str_eq(problems_text(p, 0), "a.conf:3: gap = 1 is out of range; right: 1ms to 10s");
    cr_assert_str_eq(problems_text(p, 1), "b.conf: cannot be read");
    problems_free(p);
}

Test(problems, come_in_the_order_of_file_and_line)
{
    struct problems *p = problems_new();
    problems_add(p, "b", 1, "fourth", NULL);
    problems_add(p, "a", 9, "second", NULL);
    problems_add(p, "a", 9, "third", NULL);
    problems_add(p, "a", 2, "first", NULL);
    problems_add(p, "b", 30, "fifth", NULL);
    cr_assert_str_eq(problems_text(p, 0), "a:2: first");
    cr_assert_str_eq(problems_text(p, 1), "a:9: second");
    cr_assert_str_eq(problems_text(p, 2), "a:9: third");
    cr_assert_str_eq(problems_text(p, 3), "b:1: fourth");
    cr_assert_str_eq(problems_text(p, 4), "b:30: fifth");
    problems_free(p);
}

Test(problems, keeps_copies)
{
    char file[] = "a";
    char wrong[] = "bad";
    struct problems *p = problems_new();
    problems_add(p, file, 1, wrong, NULL);
    file[0] = 'x';
    wrong[0] = 'x';
    cr_assert_str_eq(problems_text(p, 0), "a:1: bad");
    problems_free(p);
}

Test(problems, takes_many)
{
    struct problems *p = problems_new();
    for (int i = 0; i < 1000; i++) {
        problems_add(p, "f", i + 1, "x", NULL);
    }
    cr_assert_eq(problems_count(p), 1000);
    cr_assert_str_eq(problems_text(p, 999), "f:1000: x");
    problems_free(p);
}

Test(problems, counts_what_it_had_no_memory_for)
{
    for (unsigned nth = 1; nth <= 3; nth++) {
        struct problems *p = problems_new();
        mem_fail_nth(nth);
        problems_add(p, "f", 1, "lost", "found");
        mem_fail_nth(0);
        cr_assert_eq(problems_count(p), 1, "a lost problem must not look like none");
        cr_assert_not_null(problems_text(p, 0));
        problems_add(p, "f", 1, "kept", NULL);
        cr_assert_eq(problems_count(p), 2);
        cr_assert_str_eq(problems_text(p, 0), "f:1: kept");
        problems_free(p);
    }
    problems_free(NULL);
}
