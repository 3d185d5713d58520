#include "certs/reasons.h"

#include <stdint.h>
#include <string.h>

static const char full[] = "more was found; the list of reasons is full";

/* Append `text` as far as it fits; the line stays NUL-terminated. Names inside come from
 * certificates: a control byte must not reach a terminal or break a log line. */
static size_t add_text(char line[REASONS_LINE_MAX], size_t len, const char *text)
{
    for (; *text != '\0' && len < REASONS_LINE_MAX - 1; text++) {
        uint8_t byte = (uint8_t)*text;
        line[len] = *text;
        if (byte < 0x20 || byte == 0x7F) {
            line[len] = '?';
        }
        len++;
    }
    line[len] = '\0';
    return len;
}

/* The new line, with its words; NULL: the list is full, or there is none. */
static struct reasons_line *append(struct reasons *r, enum reasons_mark mark, int level,
                                   const char *a, const char *b)
{
    struct reasons_line *line;
    size_t len;

    if (r == NULL) {
        return NULL;
    }
    if (r->count == REASONS_MAX) {
        /* What decided must not get lost behind 256 notes. */
        if (mark != REASONS_REFUSE || reasons_decision(r) != NULL) {
            return NULL;
        }
        r->count--;
    }
    line = &r->lines[r->count];
    r->count++;
    line->mark = mark;
    line->code = REASONS_PLAIN;
    line->level = level;
    if (r->count == REASONS_MAX && mark != REASONS_REFUSE) {
        line->mark = REASONS_NOTE;
        line->level = -1;
        (void)add_text(line->text, 0, full);
        return line;
    }
    len = add_text(line->text, 0, a);
    if (b != NULL) {
        (void)add_text(line->text, len, b);
    }
    return line;
}

void reasons_add(struct reasons *r, enum reasons_mark mark, int level, const char *a, const char *b)
{
    (void)append(r, mark, level, a, b); /* full is full */
}

void reasons_refuse(struct reasons *r, enum reasons_code code, int level, const char *text)
{
    struct reasons_line *line = append(r, REASONS_REFUSE, level, text, NULL);

    if (line != NULL) {
        line->code = code;
    }
}

static const struct reasons_line *find_decision(const struct reasons *r)
{
    for (size_t i = 0; r != NULL && i < r->count; i++) {
        if (r->lines[i].mark == REASONS_REFUSE) {
            return &r->lines[i];
        }
    }
    return NULL;
}

const char *reasons_decision(const struct reasons *r)
{
    const struct reasons_line *line = find_decision(r);

    return line != NULL ? line->text : NULL;
}

enum reasons_code reasons_decision_code(const struct reasons *r)
{
    const struct reasons_line *line = find_decision(r);

    return line != NULL ? line->code : REASONS_PLAIN;
}
