#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

#include "conf/reader_inside.h"
#include "conf/text.h"
#include "conf/values.h"

enum {
    ROOM_MIN = 4096,           /* for a text whose length is not known */
    INIH_SIZE_MIN = LINE_SIZE, /* the buffer that inih must bring: it cuts what is longer */
};

/* A key as it is written. */
struct written {
    const struct keys_row *row;
    const char *key, *about; /* as in struct reader_entry */
};

void reader_refuse(struct reader_pass *p, int line, const char *wrong, const char *right)
{
    problems_add(p->reader->problems, p->source->file, line, wrong, right);
}

void reader_run_out(struct reader_pass *p)
{
    if (!p->no_memory) {
        reader_refuse(p, p->line, "not enough memory to read on", "free some memory and try again");
    }
    p->no_memory = true;
}

void reader_init(struct reader *r, struct pool *pool, struct problems *problems)
{
    *r = (struct reader){.pool = pool, .problems = problems};
    index_init(&r->by_name, pool, 0);
}

struct reader_section *reader_find_section(const struct reader *r, enum keys_section kind,
                                           const char *name)
{
    uint64_t hash = text_hash(name, 0);
    size_t at = 0;
    size_t i = 0;
    while (index_next(&r->by_name, hash, &at, &i)) {
        struct reader_section *s = r->sections[i];
        if (s->kind == kind && strcmp(s->name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

const struct reader_entry *reader_next(const struct reader_section *s, enum keys_id id, size_t *at)
{
    for (size_t i = *at; i < s->entry_count; i++) {
        if (s->entries[i].row->id == id) {
            *at = i + 1;
            return &s->entries[i];
        }
    }
    *at = s->entry_count;
    return NULL;
}

const struct reader_entry *reader_get(const struct reader_section *s, enum keys_id id)
{
    size_t at = 0;
    return reader_next(s, id, &at);
}

/* ---- Keys ---- */

static void add_entry(struct reader_pass *p, const struct written *w, const char *value, size_t len)
{
    struct reader_section *s = p->section;
    if (s->entry_count == s->entry_cap) {
        size_t cap = s->entry_cap == 0 ? 16 : s->entry_cap * 2;
        struct reader_entry *grown = pool_grow(p->reader->pool, s->entries, s->entry_count, cap,
                                               sizeof(*grown));
        if (grown == NULL) {
            reader_run_out(p);
            return;
        }
        s->entries = grown;
        s->entry_cap = cap;
    }
    char *copy = pool_text_len(p->reader->pool, value, len);
    if (copy == NULL) {
        reader_run_out(p);
        return;
    }
    s->entries[s->entry_count] = (struct reader_entry){
        .row = w->row, .key = w->key, .about = w->about, .value = copy, .line = p->line};
    s->entry_count++;
}

static void refuse_key(struct reader_pass *p, const char *name)
{
    enum keys_section kind = p->section->kind;
    const char *nearest = keys_nearest(kind, name);
    char wrong[SAY_MAX];
    char right[SAY_MAX];
    (void)snprintf(wrong, sizeof(wrong), "unknown key %s in a %s section", name,
                   keys_section_word(kind));
    (void)snprintf(right, sizeof(right), "a key that wardgate check --help-config lists");
    for (int other = 0; other < KEYS_SECTIONS; other++) {
        if (nearest == NULL && keys_find((enum keys_section)other, name) != NULL) {
            (void)snprintf(right, sizeof(right), "the same key in a %s section",
                           keys_section_word((enum keys_section)other));
        }
    }
    if (nearest != NULL) {
        (void)snprintf(right, sizeof(right), "perhaps %s", nearest);
    }
    reader_refuse(p, p->line, wrong, right);
}

/* Items of a list stand between commas. */
static void take_items(struct reader_pass *p, const struct written *w, const char *value)
{
    for (;;) {
        size_t whole = strcspn(value, ",");
        const char *item = text_skip_blanks(value);
        size_t skipped = (size_t)(item - value);
        size_t len = skipped < whole ? text_trim(item, whole - skipped) : 0;
        if (len == 0) {
            char wrong[SAY_MAX];
            (void)snprintf(wrong, sizeof(wrong), "%s has an empty item in its list", w->key);
            reader_refuse(p, p->line, wrong, "items with one comma between them");
            return;
        }
        add_entry(p, w, item, len);
        if (value[whole] == '\0') {
            return;
        }
        value += whole + 1;
    }
}

static void take_value(struct reader_pass *p, const struct written *w, const char *value)
{
    char wrong[SAY_MAX];
    const struct reader_entry *old = reader_get(p->section, w->row->id);
    if (value[0] == '\0') {
        (void)snprintf(wrong, sizeof(wrong), "%s has no value", w->key);
        reader_refuse(p, p->line, wrong, "a value, or no line at all");
    } else if (w->row->is_list) {
        take_items(p, w, value);
    } else if (old != NULL) {
        (void)snprintf(wrong, sizeof(wrong), "%s is there already, in line %d", w->key, old->line);
        reader_refuse(p, p->line, wrong, "one line: this key takes one value");
    } else {
        add_entry(p, w, value, strlen(value));
    }
}

/* A key with a name inside is kept with that; false when there is no memory. */
static bool note_key(struct reader_pass *p, struct written *w, const char *name)
{
    struct pool *pool = p->reader->pool;
    size_t at = 0;
    size_t len = 0;
    w->key = w->row->name;
    if (!keys_part(w->row, name, &at, &len)) {
        return true;
    }
    w->key = pool_text(pool, name);
    w->about = pool_text_len(pool, &name[at], len);
    return w->key != NULL && w->about != NULL;
}

/* inih found a key. `section` is inih's own idea, cut at 49 letters: ours is used. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct reader_pass *p = user;
    (void)section;
    p->waiting = 0;
    if (p->skipping) {
        return 1;
    }
    if (p->section == NULL) {
        reader_refuse(p, p->line, "a key before any section", "[gateway] above it");
        return 1;
    }
    struct written w = {.row = keys_find(p->section->kind, name)};
    if (w.row == NULL) {
        refuse_key(p, name);
    } else if (!note_key(p, &w, name)) {
        reader_run_out(p);
    } else {
        take_value(p, &w, value);
    }
    return 1;
}

/* ---- Lines ---- */

/* Take one line without its end (LF or CR LF) into `to` (LINE_SIZE bytes). False at the text's end.
 * *len is its true length, of which no more than READER_LINE_MAX bytes are kept. */
static bool take_line(struct reader_pass *p, char *to, size_t *len)
{
    struct span rest = span_of(&p->text[p->at], p->len - p->at);
    if (rest.len == 0) {
        return false;
    }
    size_t seen = span_find(rest, '\n');
    p->line_at = p->at;
    p->at += seen < rest.len ? seen + 1 : seen;
    uint8_t last = 0;
    if (seen > 0 && seen <= READER_LINE_MAX + 1 && span_at(rest, seen - 1, &last) && last == '\r') {
        seen--;
    }
    size_t kept = seen <= READER_LINE_MAX ? seen : READER_LINE_MAX;
    memcpy(to, rest.data, kept);
    to[kept] = '\0';
    *len = seen;
    return true;
}

/* Is this line fit to be looked at? */
static bool is_sound(struct reader_pass *p, const char *line, size_t len)
{
    const char *content = text_skip_blanks(line);
    if (len > READER_LINE_MAX) {
        reader_refuse(p, p->line, "the line is longer than 190 bytes",
                      "a shorter line; a key that takes a list may be repeated");
    } else if (text_has_control(line, len)) {
        reader_refuse(p, p->line, "the line holds a control character", "plain text in UTF-8");
    } else if (!text_is_utf8(line, len)) {
        reader_refuse(p, p->line, "the line is not UTF-8", "plain text in UTF-8");
    } else if (content != line && *content != '\0' && *content != ';' && *content != '#') {
        reader_refuse(p, p->line, "the line is indented", "keys and sections at the left margin");
    } else {
        return true;
    }
    return false;
}

/* Does inih get this line? */
static bool look_at(struct reader_pass *p, const char *line, size_t len)
{
    const char *content = text_skip_blanks(line);
    if (!is_sound(p, line, len)) {
        if (*line == '[') { /* what follows belongs to a section that nobody can name */
            reader_end_section(p, p->line_at);
            p->skipping = true;
        }
        return false;
    }
    if (*content == '\0' || *content == ';' || *content == '#') {
        return false;
    }
    if (*content == '[') {
        reader_take_header(p, line);
        return false;
    }
    if (content[strcspn(content, "=:")] == ':') {
        /* inih takes a colon for an equals sign; a forgotten "port =" must not become a key. */
        reader_refuse(p, p->line, "there is a colon where = should be", "KEY = VALUE");
        return false;
    }
    p->waiting = p->line;
    return true;
}

/* inih had a line that should hold a key, and found none. */
static void settle(struct reader_pass *p)
{
    if (p->waiting != 0) {
        reader_refuse(p, p->waiting, "neither a section nor a key with its value",
                      "[SECTION] or KEY = VALUE; comments begin with ;");
    }
    p->waiting = 0;
}

/* fgets for inih: the next line, or an empty one in place of a line that it must not see. */
static char *next_line(char *to, int size, void *stream)
{
    struct reader_pass *p = stream;
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put U+FEFF in front */
    char line[LINE_SIZE] = ""; /* clang-tidy 14 does not see that take_line fills it */
    size_t len = 0;
    settle(p);
    if (size < INIH_SIZE_MIN) {
        reader_refuse(p, 0, "this machine's inih takes shorter lines than a configuration has",
                      "an inih built for lines of 200 bytes");
        return NULL;
    }
    if (p->no_memory || !take_line(p, line, &len)) {
        return NULL;
    }
    p->line++;
    if (p->at > READER_TEXT_MAX) {
        reader_refuse(p, p->line, "the file is longer than 16 MiB", "a configuration file");
        return NULL;
    }
    bool marked = p->line == 1 && len <= READER_LINE_MAX && strncmp(line, mark, 3) == 0;
    const char *text = marked ? &line[3] : line;
    len -= marked ? 3 : 0;
    bool fit = look_at(p, text, len);
    (void)snprintf(to, (size_t)size, "%s\n", fit ? text : ""); /* fits: INIH_SIZE_MIN */
    return to;
}

/* The lines from p->at on. */
static void read_lines(struct reader_pass *p)
{
    size_t before = problems_count(p->reader->problems);
    int result = ini_parse_stream(next_line, p, on_key, p);
    /* Whatever inih minds is noted already, as our line reader is the stricter one. */
    if (result != 0 && problems_count(p->reader->problems) == before) {
        reader_refuse(p, p->line, "the file cannot be read as INI text",
                      "[SECTION] and KEY = VALUE");
    }
    reader_end_section(p, p->len);
}

/* The whole text, or one byte more than may be. False: no memory. */
static bool fetch_text(struct reader_pass *p)
{
    size_t most = (size_t)READER_TEXT_MAX + 1;
    size_t cap = p->source->len > 0 && p->source->len < most ? p->source->len + 1 : ROOM_MIN;
    char *text = pool_take(p->reader->pool, cap, 1);
    size_t got = 1;
    while (text != NULL && got > 0 && p->len < most) {
        if (p->len == cap) {
            cap = 2 * cap < most ? 2 * cap : most;
            text = pool_grow(p->reader->pool, text, p->len, cap, 1);
            continue;
        }
        got = p->source->read(p->source->from, &text[p->len], cap - p->len);
        p->len += got;
    }
    p->text = text;
    return text != NULL;
}

int reader_read(struct reader *r, const struct reader_source *source)
{
    struct reader_pass p = {.reader = r, .source = source};
    if (fetch_text(&p)) {
        read_lines(&p);
    } else {
        reader_run_out(&p);
    }
    return p.no_memory ? -1 : 0;
}

void reader_take_apart(struct reader *r, struct reader_section *s)
{
    if (s->known == NULL) {
        return;
    }
    const struct reader_source source = {.file = s->file, .dir = s->dir};
    struct reader_pass p = {.reader = r,
                            .source = &source,
                            .section = s,
                            .line = s->line,
                            .text = (const char *)s->text.data,
                            .len = s->text.len};
    size_t header = span_find(s->text, '\n');
    p.at = header < s->text.len ? header + 1 : header;
    s->known = NULL;
    read_lines(&p);
}

struct reader_section *reader_find(struct reader *r, enum keys_section kind, const char *name)
{
    struct reader_section *s = reader_find_section(r, kind, name);
    if (s != NULL) {
        reader_take_apart(r, s);
    }
    return s;
}
