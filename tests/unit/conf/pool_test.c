#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "conf/pool.h"

Test(pool, gives_zeroed_and_aligned_pieces)
{
    struct pool *p = pool_new();
    for (size_t size = 1; size < 200; size += 7) {
        unsigned char *piece = pool_take(p, 3, size);
        cr_assert_not_null(piece);
        cr_assert_eq((uintptr_t)piece % 16, 0);
        for (size_t i = 0; i < 3 * size; i++) {
            cr_assert_eq(piece[i], 0);
        }
        memset(piece, 0xff, 3 * size);
    }
    pool_free(p);
}

Test(pool, gives_pieces_larger_than_a_block)
{
    struct pool *p = pool_new();
    unsigned char *big = pool_take(p, 1000000, 1);
    cr_assert_not_null(big);
    big[999999] = 1;
    cr_assert_not_null(pool_take(p, 1, 1));
    pool_free(p);
}

Test(pool, refuses_nothing_and_too_much)
{
    struct pool *p = pool_new();
    cr_assert_null(pool_take(p, 0, 8));
    cr_assert_null(pool_take(p, 8, 0));
    cr_assert_null(pool_take(p, SIZE_MAX / 2, 3));
    pool_free(p);
}

Test(pool, grows_an_array_and_keeps_its_items)
{
    struct pool *p = pool_new();
    int *a = pool_grow(p, NULL, 0, 2, sizeof(int));
    a[0] = 7;
    a[1] = 8;
    int *b = pool_grow(p, a, 2, 4, sizeof(int));
    cr_assert_eq(b[0], 7);
    cr_assert_eq(b[1], 8);
    cr_assert_eq(b[3], 0);
    pool_free(p);
}

Test(pool, copies_texts_and_beginnings_of_texts)
{
    struct pool *p = pool_new();
    cr_assert_str_eq(pool_text(p, "bed 12"), "bed 12");
    cr_assert_str_eq(pool_text_len(p, "bed 12", 3), "bed");
    cr_assert_str_eq(pool_text(p, ""), "");
    pool_free(p);
}

Test(pool, says_when_there_is_no_memory)
{
    struct pool *p = pool_new();
    mem_fail_nth(1);
    cr_assert_null(pool_take(p, 1, 8));
    mem_fail_nth(1);
    cr_assert_null(pool_text(p, "x"));
    mem_fail_nth(1);
    cr_assert_null(pool_new());
    cr_assert_not_null(pool_take(p, 1, 8));
    pool_free(p);
    pool_free(NULL);
}
