/* A file of the state folder: nothing but what was written is taken for whole. */
#include <stdlib.h>

#include "gateway/store_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span content = span_of(NULL, 0);
    const char *why = NULL;
    struct span whole = span_of(data, size);
    enum store_file_state state = store_file_check(whole, &content, &why);
    require(state == STORE_FILE_GOOD || (state == STORE_FILE_DAMAGED && why != NULL));
    if (state == STORE_FILE_GOOD) {
        /* The content is the end of the file, and one byte less is damaged. */
        require(content.len < size);
        require(span_equal(span_after(whole, size - content.len), content));
        require(store_file_check(span_first(whole, size - 1), &content, &why) ==
                STORE_FILE_DAMAGED);
    }
    return 0;
}
