/* What a unit of a serial line still owes. An input is that of the model. */
#include "tests/fuzz/modbus_debt_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)debt_model_run(span_of(data, size));
    return 0;
}
