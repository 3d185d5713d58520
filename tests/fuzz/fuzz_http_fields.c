/* Values of HTTP headers: never out of bounds, and what is called plain is. */
#include <assert.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/http_fields.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_new(size + 1, 1);
    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    int64_t age = http_fields_max_age(text);
    assert(age >= -1 && age <= HTTP_FIELDS_AGE_MAX_S);
    if (http_fields_is_plain(text, 64)) {
        assert(strlen(text) > 0 && strlen(text) < 64 && strpbrk(text, "\r\n\t\x7f") == NULL);
    }
    if (http_fields_is_type(text, "text/html")) {
        assert(strlen(text) >= strlen("text/html"));
    }
    mem_free(text);
    return 0;
}
