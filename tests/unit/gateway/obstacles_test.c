#include <stdio.h>

#include <criterion/criterion.h>

#include "gateway/obstacles.h"

static struct obstacles all;
static struct obstacle one, two;

Test(obstacles, who_needs_the_same_must_wait)
{
    cr_expect_not(obstacles_has(&all, "pump-12"));
    obstacles_put(&all, &one, "pump-12");
    cr_expect(obstacles_has(&all, "pump-12"));
    cr_expect_not(obstacles_has(&all, "pump-1"));
    cr_expect(obstacles_remove(&one));
    cr_expect_not(obstacles_has(&all, "pump-12"));
    cr_expect_not(obstacles_remove(&one));
}

Test(obstacles, several_stand_in_one_way)
{
    obstacles_put(&all, &one, "serial:/dev/ttyS0");
    obstacles_put(&all, &two, "serial:/dev/ttyS0");
    (void)obstacles_remove(&one);
    cr_expect(obstacles_has(&all, "serial:/dev/ttyS0"));
    (void)obstacles_remove(&two);
    cr_expect_not(obstacles_has(&all, "serial:/dev/ttyS0"));
    /* And in the other order. */
    obstacles_put(&all, &one, "serial:/dev/ttyS0");
    obstacles_put(&all, &two, "serial:/dev/ttyS0");
    (void)obstacles_remove(&two);
    cr_expect(obstacles_has(&all, "serial:/dev/ttyS0"));
    (void)obstacles_remove(&one);
    cr_expect_not(obstacles_has(&all, "serial:/dev/ttyS0"));
}

/* Some of them hang in the same list. */
Test(obstacles, only_the_same_text_must_wait)
{
    obstacles_put(&all, &one, "pump-12");
    for (unsigned i = 0; i < 10 * OBSTACLES_LISTS; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "d%u", i);
        cr_assert_not(obstacles_has(&all, name));
    }
}
