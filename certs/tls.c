#include "certs/tls.h"

#include <sys/auxv.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/memory.h>

#include "certs/mem.h"
#include "certs/processor.h"

int tls_init(struct fault *f)
{
    int code = processor_check(processor_needs(), getauxval(AT_HWCAP), f);
    if (code != 0) {
        return code; /* before the library runs anything */
    }
    /* One door to the heap for the library too, so that tests can make its Nth allocation fail. */
    if (wolfSSL_SetAllocators(mem_library_new, mem_library_free, mem_library_resize) != 0 ||
        wolfSSL_Init() != WOLFSSL_SUCCESS) {
        return fault_set(f, FAULT_INTERNAL, FAULT_SIDE_SELF, "the TLS library does not start",
                         NULL);
    }
    return 0;
}

void tls_deinit(void)
{
    (void)wolfSSL_Cleanup(); /* the process is about to end: nobody could act on a failure */
}
