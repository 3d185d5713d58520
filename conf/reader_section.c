#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/reader_inside.h"
#include "conf/text.h"
#include "conf/values.h"

#define EVERY_SECTION "[gateway], [trust NAME], [role NAME] or [device NAME]"

/* Room for one more section; false when there is no memory. */
static bool make_room(struct reader *r)
{
    if (r->count < r->cap) {
        return true;
    }
    size_t cap = r->cap == 0 ? 64 : r->cap * 2;
    struct reader_section **grown = pool_grow(r->pool, r->sections, r->count, cap,
                                              sizeof(struct reader_section *));
    if (grown == NULL) {
        return false;
    }
    r->sections = grown;
    r->cap = cap;
    return true;
}

static struct reader_section *add_section(struct reader_pass *p, enum keys_section kind,
                                          const char *name)
{
    struct reader *r = p->reader;
    if (!make_room(r)) {
        return NULL;
    }
    struct reader_section *s = pool_take(r->pool, 1, sizeof(*s));
    char *copy = pool_text(r->pool, name);
    if (s == NULL || copy == NULL || !index_add(&r->by_name, text_hash(name, 0))) {
        return NULL;
    }
    *s = (struct reader_section){.kind = kind,
                                 .name = copy,
                                 .file = p->source->file,
                                 .dir = p->source->dir,
                                 .line = p->line};
    r->sections[r->count] = s;
    r->count++;
    return s;
}

/* The word of a header stands for no section. */
static void refuse_kind(struct reader_pass *p, const char *inside, const char *nearest)
{
    char wrong[SAY_MAX];
    char right[SAY_MAX];
    (void)snprintf(wrong, sizeof(wrong), "unknown section [%s]", inside);
    (void)snprintf(right, sizeof(right), "%s%s%s" EVERY_SECTION, nearest != NULL ? "perhaps " : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? ", as in " : "");
    reader_refuse(p, p->line, wrong, right);
}

/* May a section of this kind and name begin here? */
static bool is_fresh_section(struct reader_pass *p, enum keys_section kind, const char *name)
{
    char wrong[SAY_MAX];
    const char *word = keys_section_word(kind);
    if (kind == KEYS_GATEWAY && name[0] != '\0') {
        reader_refuse(p, p->line, "[gateway] takes no name here",
                      "[gateway], and in it name = NAME");
        return false;
    }
    if (kind != KEYS_GATEWAY && !values_is_name(name)) {
        (void)snprintf(wrong, sizeof(wrong), "[%s %s] has no proper name", word, name);
        reader_refuse(p, p->line, wrong, "a name of 1 to 63 letters, digits, - _ or .");
        return false;
    }
    const struct reader_section *old = reader_find_section(p->reader, kind, name);
    if (old != NULL) {
        (void)snprintf(wrong, sizeof(wrong), "[%s%s%s] is there already, at %.200s:%d", word,
                       name[0] != '\0' ? " " : "", name, old->file, old->line);
        reader_refuse(p, p->line, wrong, "one section of each name");
        return false;
    }
    return true;
}

void reader_end_section(struct reader_pass *p, size_t end)
{
    if (p->section != NULL) {
        size_t begin = (size_t)((const char *)p->section->text.data - p->text);
        p->section->text.len = end - begin;
    }
    p->section = NULL;
}

static int count_lines(struct span text)
{
    int count = 0;
    for (size_t at = 0; at < text.len; count++) {
        at += span_find(span_after(text, at), '\n') + 1;
    }
    return count;
}

/* Does the section that begins in this line read as before, up to the next header or the end? Then
 * its lines are passed over. */
static bool pass_over(struct reader_pass *p, struct reader_section *s)
{
    const struct conf *before = p->reader->before;
    const struct conf_device *d = before != NULL && s->kind == KEYS_DEVICE
                                      ? conf_find_device(before, s->name)
                                      : NULL;
    bool is_too_long = p->len > READER_TEXT_MAX; /* which will be said of a line */
    if (d == NULL || is_too_long || d->text.len == 0 || strcmp(d->file, s->file) != 0) {
        return false;
    }
    struct span rest = span_of(&p->text[p->line_at], p->len - p->line_at);
    struct span same = span_first(rest, d->text.len);
    bool ends_line = d->text.data[d->text.len - 1] == '\n';
    bool is_followed = d->text.len < rest.len && ends_line && rest.data[d->text.len] == '[';
    if (!span_equal(same, d->text) || (!is_followed && d->text.len != rest.len)) {
        return false;
    }
    s->known = d;
    s->text = same;
    p->line += count_lines(same) - 1; /* it is in the first one */
    p->at = p->line_at + same.len;
    return true;
}

/* `inside`: what stands between the brackets, without blanks at its ends. */
static void open_section(struct reader_pass *p, const char *inside)
{
    enum keys_section kind = KEYS_GATEWAY;
    const char *nearest = NULL;
    size_t word_len = strcspn(inside, " \t");
    if (!keys_section_find(inside, word_len, &kind, &nearest)) {
        refuse_kind(p, inside, nearest);
        return;
    }
    const char *name = text_skip_blanks(&inside[word_len]);
    if (!is_fresh_section(p, kind, name)) {
        return;
    }
    struct reader_section *s = add_section(p, kind, name);
    if (s == NULL) {
        reader_run_out(p);
        return;
    }
    if (!pass_over(p, s)) {
        s->text = span_of(&p->text[p->line_at], 0); /* its end is not known yet */
        p->section = s;
        p->skipping = false;
    }
}

void reader_take_header(struct reader_pass *p, const char *line)
{
    char inside[LINE_SIZE];
    const char *close = strchr(line, ']');
    const char *behind = close != NULL ? text_skip_blanks(close + 1) : "";
    reader_end_section(p, p->line_at);
    p->skipping = true;
    if (close == NULL || (*behind != '\0' && *behind != ';')) {
        reader_refuse(p, p->line, "the section header does not end with ]",
                      EVERY_SECTION ", and nothing behind but a comment");
        return;
    }
    const char *from = text_skip_blanks(line + 1);
    size_t len = text_trim(from, (size_t)(close - from));
    memcpy(inside, from, len);
    inside[len] = '\0';
    open_section(p, inside);
}
