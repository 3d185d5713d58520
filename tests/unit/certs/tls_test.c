#include <criterion/criterion.h>

#include "certs/mem.h"
#include "certs/tls.h"

Test(tls, starts_and_ends)
{
    cr_assert_eq(tls_init(NULL), 0);
    tls_deinit();
}
