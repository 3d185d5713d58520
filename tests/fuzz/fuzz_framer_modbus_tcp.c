#include "tests/fuzz/framer_cuts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return framer_cuts_compare(FRAMER_MODBUS_TCP, data, size);
}
