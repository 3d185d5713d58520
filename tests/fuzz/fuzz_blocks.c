/* The block list as it is stored: what is taken comes back as the same text. */
#include <stdlib.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault f = {.code = FAULT_NONE};
    const struct blocks_entry *entries;
    struct blocks *b = blocks_new();
    struct blocks *again = blocks_new();
    require(b != NULL && again != NULL);
    if (blocks_read_json(b, span_of(data, size), &f) == 0) {
        char *text = blocks_json(b);
        require(text != NULL);
        require(blocks_read_json(again, span_of_text(text), &f) == 0);
        char *same = blocks_json(again);
        require(same != NULL && strcmp(text, same) == 0);
        mem_free(text);
        mem_free(same);
    } else {
        require(f.code != FAULT_NONE && blocks_entries(b, &entries) == 0);
    }
    blocks_free(b);
    blocks_free(again);
    return 0;
}
