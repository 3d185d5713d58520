/* The arguments of an order, whatever the bytes are: what is accepted is within its bounds, and
 * written and read again it is the same. The first byte chooses the order. */
#include <assert.h>
#include <string.h>

#include "gateway/order_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct order first;
    struct order again;
    struct fault f;
    char request[CONTROL_REQUEST_MAX];
    uint8_t choice = 0;

    (void)span_take_u8(&in, &choice);
    enum control_request what = (enum control_request)(choice % (CONTROL_BREAK_GLASS + 1));
    if (order_text_read(what, in, &first, &f) != 0) {
        return 0;
    }
    assert(first.for_s == 0 ||
           (first.for_s >= ORDER_TEXT_FOR_MIN_S && first.for_s <= ORDER_TEXT_FOR_MAX_S));
    assert((first.subject[0] == '\0') == (what == CONTROL_REFRESH));
    assert(order_text_write(&first, request));
    assert(strchr(request, '\n') == NULL);
    const char *arguments = request + strlen(control_word(what));
    arguments += *arguments == ' ';
    assert(order_text_read(what, span_of_text(arguments), &again, &f) == 0);
    assert(strcmp(first.subject, again.subject) == 0 && strcmp(first.reason, again.reason) == 0 &&
           first.for_s == again.for_s);
    return 0;
}
