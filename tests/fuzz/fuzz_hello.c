/* The server name of a ClientHello: what was decided from the first bytes stays decided. */
#include <assert.h>
#include <string.h>

#include "certs/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The answer at a cut: not yet, or the same answer as for the whole. */
static void check_cut(struct span in, enum hello_result whole, const char *whole_name)
{
    char name[HELLO_NAME_MAX] = "";
    enum hello_result result = hello_server_name(in, name);

    if (result == HELLO_MORE) {
        assert(in.len < HELLO_MAX);
        return;
    }
    assert(result == whole);
    assert(strcmp(name, whole_name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    char name[HELLO_NAME_MAX] = "";
    enum hello_result whole = hello_server_name(in, name);

    assert((whole == HELLO_NAME) == (name[0] != '\0'));
    assert(strlen(name) < HELLO_NAME_MAX);
    for (const char *c = name; *c != '\0'; c++) {
        assert(*c > ' ' && *c <= '~' && !(*c >= 'A' && *c <= 'Z'));
    }
    /* every cut of a short input, every 97th of a long one */
    for (size_t len = 0; len < size; len += size < 600 ? 1 : 97) {
        check_cut(span_first(in, len), whole, name);
    }
    return 0;
}
