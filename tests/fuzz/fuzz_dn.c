/* Distinguished names: two of them, the first as long as the first byte says. */
#include <stdlib.h>

#include "certs/dn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span input = span_of(data, size);
    uint8_t len;
    if (!span_take_u8(&input, &len)) {
        return 0;
    }
    struct span a = span_first(input, len);
    struct span b = span_after(input, len);
    bool same = dn_equal(a, b);
    require(same == dn_equal(b, a));
    require(same == (dn_is_within(a, b) && dn_is_within(b, a)));
    /* A name that can be read equals itself, and lies within itself. */
    require(dn_equal(a, a) == dn_is_within(a, a));
    require(!dn_is_within(a, b) || (dn_equal(a, a) && dn_equal(b, b)));
    require(!dn_is_empty(a) || dn_equal(a, a));
    return 0;
}
