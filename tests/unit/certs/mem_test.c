#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"

Test(mem, gives_zeroed_memory)
{
    unsigned char *p = mem_new(3, 5);

    cr_assert_not_null(p);
    for (int i = 0; i < 15; i++) {
        cr_assert_eq(p[i], 0);
    }
    mem_free(p);
}

Test(mem, refuses_nothing_and_too_much)
{
    cr_assert_null(mem_new(0, 8));
    cr_assert_null(mem_new(8, 0));
    cr_assert_null(mem_new(SIZE_MAX / 2, 3));
}

Test(mem, keeps_the_items_when_an_array_grows)
{
    int *items = mem_new(2, sizeof(*items));
    int *more;

    cr_assert_not_null(items);
    items[0] = 7;
    items[1] = 8;
    more = mem_grow(items, 2, 4, sizeof(*items));
    cr_assert_not_null(more);
    cr_assert(more[0] == 7 && more[1] == 8 && more[2] == 0 && more[3] == 0);
    mem_free(more);
}

Test(mem, leaves_the_array_alone_when_it_cannot_grow)
{
    int *items = mem_new(1, sizeof(*items));

    cr_assert_not_null(items);
    items[0] = 7;
    (void)mem_fail_nth(1);
    cr_assert_null(mem_grow(items, 1, 2, sizeof(*items)));
    cr_assert_null(mem_grow(items, 3, 2, sizeof(*items)));
    cr_assert_eq(items[0], 7);
    mem_free(items);
}

Test(mem, copies_texts)
{
    char *copy = mem_text("pump-12");

    cr_assert_str_eq(copy, "pump-12");
    mem_free(copy);
    (void)mem_fail_nth(1);
    cr_assert_null(mem_text("pump-12"));
}

Test(mem, frees_null)
{
    mem_free(NULL);
    mem_wipe_free(NULL, 10);
    mem_library_free(NULL);
}

Test(mem, fails_the_nth_allocation_alone)
{
    void *p[4];

    (void)mem_fail_nth(3);
    p[0] = mem_new(1, 1);
    p[1] = mem_library_new(1);
    p[2] = mem_library_resize(NULL, 1);
    p[3] = mem_new(1, 1);
    cr_assert(p[0] != NULL && p[1] != NULL && p[2] == NULL && p[3] != NULL);
    cr_assert_eq(mem_fail_nth(5), 0, "the countdown has ended");
    cr_assert_eq(mem_fail_nth(0), 5);
    mem_free(p[0]);
    mem_library_free(p[1]);
    mem_free(p[3]);
}
