#include <string.h>

#include <criterion/criterion.h>

#include "certs/processor.h"

enum { ALL = PROCESSOR_AES | PROCESSOR_PMULL | PROCESSOR_SHA2 };

Test(processor, fits_when_it_has_all_and_more)
{
    cr_assert_eq(processor_check(ALL, ALL, NULL), 0);
    cr_assert_eq(processor_check(ALL, ~0UL, NULL), 0);
}

Test(processor, is_not_asked_for_what_the_library_asks_by_itself)
{
    cr_assert_eq(processor_check(0, 0, NULL), 0);
#ifdef __x86_64__
    cr_assert_eq(processor_needs(), 0);
#endif
}

Test(processor, refuses_when_any_one_is_missing)
{
    static const unsigned long missing[] = {PROCESSOR_AES, PROCESSOR_PMULL, PROCESSOR_SHA2, ALL};
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        struct fault f;
        cr_expect_eq(processor_check(ALL, ~missing[i], &f), FAULT_INTERNAL, "row %zu", i);
        cr_expect_eq(f.side, FAULT_SIDE_SELF);
        cr_expect_not_null(strstr(f.note, "ARM_CRYPTO=no"), "a note that is cut helps nobody");
    }
}
