#include "gateway/pen.h"

#include <stdint.h>

/* A terminal that is narrower than this cannot be helped: nothing is wrapped. */
enum { INDENT = 2, NARROWEST = 14 };

static const char *const colours[] = {
    [PEN_PLAIN] = "",       [PEN_GOOD] = "\033[32m", [PEN_CARE] = "\033[33m",
    [PEN_BAD] = "\033[31m", [PEN_DIM] = "\033[2m",
};

struct span pen_take_line(struct span *text, size_t width)
{
    size_t columns = 0;
    size_t end = 0;
    size_t blank = 0;
    uint8_t byte = 0;
    while (end < text->len) {
        (void)span_at(*text, end, &byte); /* inside */
        bool is_start = (byte & 0xc0) != 0x80;
        if (is_start && columns == width) {
            break;
        }
        columns += is_start;
        blank = byte == ' ' ? end : blank;
        end++;
    }
    (void)span_at(*text, end, &byte);
    if (end < text->len && byte != ' ' && blank > 0) {
        end = blank;
    }
    struct span line = span_first(*text, end);
    *text = span_after(*text, end);
    while (span_at(*text, 0, &byte) && byte == ' ') {
        *text = span_after(*text, 1);
    }
    return line;
}

size_t pen_columns(struct span text)
{
    size_t columns = 0;
    uint8_t byte = 0;
    while (span_take_u8(&text, &byte)) {
        columns += (byte & 0xc0) != 0x80;
    }
    return columns;
}

void pen_put(const struct pen *pen, struct span text, enum pen_colour colour)
{
    bool is_coloured = pen->is_coloured && colour != PEN_PLAIN && text.len > 0;
    (void)fprintf(pen->to, "%s%.*s%s", is_coloured ? colours[colour] : "", (int)text.len,
                  (const char *)text.data, is_coloured ? "\033[0m" : "");
}

void pen_put_note(const struct pen *pen, const char *text, enum pen_colour colour)
{
    struct span rest = span_of_text(text);
    size_t width = pen->columns > INDENT + NARROWEST ? pen->columns - INDENT : SIZE_MAX;
    while (rest.len > 0) {
        (void)fprintf(pen->to, "%*s", INDENT, "");
        pen_put(pen, pen_take_line(&rest, width), colour);
        (void)fprintf(pen->to, "\n");
    }
}
