#include "certs/processor.h"

#include <wolfssl/options.h>

unsigned long processor_needs(void)
{
#if defined(__aarch64__) && defined(WOLFSSL_ARMASM)
    return PROCESSOR_AES | PROCESSOR_PMULL | PROCESSOR_SHA2;
#else
    return 0;
#endif
}

int processor_check(unsigned long needs, unsigned long has, struct fault *f)
{
    if ((needs & ~has) != 0) {
        return fault_set(f, FAULT_INTERNAL, FAULT_SIDE_SELF,
                         "built for a processor with AES and SHA-2 instructions, which this one "
                         "lacks: build it here, or with ARM_CRYPTO=no",
                         NULL);
    }
    return 0;
}
