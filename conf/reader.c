#include "conf/reader.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <ini.h>

#include "conf/text.h"
#include "conf/values.h"

enum {
    CHUNK = 4096,
    SAY_MAX = 512,                   /* any sentence about a line of at most 190 bytes */
    LINE_SIZE = READER_LINE_MAX + 2, /* with the line's end and the NUL */
    INIH_SIZE_MIN = LINE_SIZE,       /* the buffer that inih must bring: it cuts what is longer */
};

#define EVERY_SECTION "[gateway], [trust NAME], [role NAME] or [device NAME]"

/* A key as it is written. */
struct written {
    const struct keys_row *row;
    const char *key, *about; /* as in struct reader_entry */
};

/* One text on its way through inih. */
struct pass {
    struct reader *reader;
    const struct reader_source *source;
    struct reader_section *section; /* that lines belong to; NULL: none yet, or a refused one */
    bool skipping;                  /* the header was refused: its keys are not looked at */
    bool no_memory;
    int line;    /* number of the line that inih has */
    int waiting; /* number of a line that inih should find a key in, 0: none */
    size_t total;
    char chunk[CHUNK];
    size_t chunk_len, chunk_at;
};

static void refuse(struct pass *p, int line, const char *wrong, const char *right)
{
    problems_add(p->reader->problems, p->source->file, line, wrong, right);
}

static void run_out(struct pass *p)
{
    if (!p->no_memory) {
        refuse(p, p->line, "not enough memory to read on", "free some memory and try again");
    }
    p->no_memory = true;
}

void reader_init(struct reader *r, struct pool *pool, struct problems *problems)
{
    *r = (struct reader){.pool = pool, .problems = problems};
    index_init(&r->by_name, pool);
}

struct reader_section *reader_find(const struct reader *r, enum keys_section kind, const char *name)
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

/* ---- Sections ---- */

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

static struct reader_section *add_section(struct pass *p, enum keys_section kind, const char *name)
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
static void refuse_kind(struct pass *p, const char *inside, const char *nearest)
{
    char wrong[SAY_MAX];
    char right[SAY_MAX];
    (void)snprintf(wrong, sizeof(wrong), "unknown section [%s]", inside);
    (void)snprintf(right, sizeof(right), "%s%s%s" EVERY_SECTION, nearest != NULL ? "perhaps " : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? ", as in " : "");
    refuse(p, p->line, wrong, right);
}

/* May a section of this kind and name begin here? */
static bool is_fresh_section(struct pass *p, enum keys_section kind, const char *name)
{
    char wrong[SAY_MAX];
    const char *word = keys_section_word(kind);
    if (kind == KEYS_GATEWAY && name[0] != '\0') {
        refuse(p, p->line, "[gateway] takes no name here", "[gateway], and in it name = NAME");
        return false;
    }
    if (kind != KEYS_GATEWAY && !values_is_name(name)) {
        (void)snprintf(wrong, sizeof(wrong), "[%s %s] has no proper name", word, name);
        refuse(p, p->line, wrong, "a name of 1 to 63 letters, digits, - _ or .");
        return false;
    }
    const struct reader_section *old = reader_find(p->reader, kind, name);
    if (old != NULL) {
        (void)snprintf(wrong, sizeof(wrong), "[%s%s%s] is there already, at %.200s:%d", word,
                       name[0] != '\0' ? " " : "", name, old->file, old->line);
        refuse(p, p->line, wrong, "one section of each name");
        return false;
    }
    return true;
}

/* `inside`: what stands between the brackets, without blanks at its ends. */
static void open_section(struct pass *p, const char *inside)
{
    enum keys_section kind = KEYS_GATEWAY;
    const char *nearest = NULL;
    size_t word_len = strcspn(inside, " \t");
    p->section = NULL;
    p->skipping = true;
    if (!keys_section_find(inside, word_len, &kind, &nearest)) {
        refuse_kind(p, inside, nearest);
        return;
    }
    const char *name = text_skip_blanks(&inside[word_len]);
    if (!is_fresh_section(p, kind, name)) {
        return;
    }
    p->section = add_section(p, kind, name);
    if (p->section == NULL) {
        run_out(p);
        return;
    }
    p->skipping = false;
}

/* A line that begins with '['. */
static void take_header(struct pass *p, const char *line)
{
    char inside[LINE_SIZE];
    const char *close = strchr(line, ']');
    const char *behind = close != NULL ? text_skip_blanks(close + 1) : "";
    p->section = NULL;
    p->skipping = true;
    if (close == NULL || (*behind != '\0' && *behind != ';')) {
        refuse(p, p->line, "the section header does not end with ]",
               EVERY_SECTION ", and nothing behind but a comment");
        return;
    }
    const char *from = text_skip_blanks(line + 1);
    size_t len = text_trim(from, (size_t)(close - from));
    memcpy(inside, from, len);
    inside[len] = '\0';
    open_section(p, inside);
}

/* ---- Keys ---- */

static void add_entry(struct pass *p, const struct written *w, const char *value, size_t len)
{
    struct reader_section *s = p->section;
    if (s->entry_count == s->entry_cap) {
        size_t cap = s->entry_cap == 0 ? 16 : s->entry_cap * 2;
        struct reader_entry *grown = pool_grow(p->reader->pool, s->entries, s->entry_count, cap,
                                               sizeof(*grown));
        if (grown == NULL) {
            run_out(p);
            return;
        }
        s->entries = grown;
        s->entry_cap = cap;
    }
    char *copy = pool_text_len(p->reader->pool, value, len);
    if (copy == NULL) {
        run_out(p);
        return;
    }
    s->entries[s->entry_count] = (struct reader_entry){
        .row = w->row, .key = w->key, .about = w->about, .value = copy, .line = p->line};
    s->entry_count++;
}

static void refuse_key(struct pass *p, const char *name)
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
    refuse(p, p->line, wrong, right);
}

/* Items of a list stand between commas. */
static void take_items(struct pass *p, const struct written *w, const char *value)
{
    for (;;) {
        size_t whole = strcspn(value, ",");
        const char *item = text_skip_blanks(value);
        size_t skipped = (size_t)(item - value);
        size_t len = skipped < whole ? text_trim(item, whole - skipped) : 0;
        if (len == 0) {
            char wrong[SAY_MAX];
            (void)snprintf(wrong, sizeof(wrong), "%s has an empty item in its list", w->key);
            refuse(p, p->line, wrong, "items with one comma between them");
            return;
        }
        add_entry(p, w, item, len);
        if (value[whole] == '\0') {
            return;
        }
        value += whole + 1;
    }
}

static void take_value(struct pass *p, const struct written *w, const char *value)
{
    char wrong[SAY_MAX];
    const struct reader_entry *old = reader_get(p->section, w->row->id);
    if (value[0] == '\0') {
        (void)snprintf(wrong, sizeof(wrong), "%s has no value", w->key);
        refuse(p, p->line, wrong, "a value, or no line at all");
    } else if (w->row->is_list) {
        take_items(p, w, value);
    } else if (old != NULL) {
        (void)snprintf(wrong, sizeof(wrong), "%s is there already, in line %d", w->key, old->line);
        refuse(p, p->line, wrong, "one line: this key takes one value");
    } else {
        add_entry(p, w, value, strlen(value));
    }
}

/* A key with a name inside is kept with that; false when there is no memory. */
static bool note_key(struct pass *p, struct written *w, const char *name)
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
    struct pass *p = user;
    (void)section;
    p->waiting = 0;
    if (p->skipping) {
        return 1;
    }
    if (p->section == NULL) {
        refuse(p, p->line, "a key before any section", "[gateway] above it");
        return 1;
    }
    struct written w = {.row = keys_find(p->section->kind, name)};
    if (w.row == NULL) {
        refuse_key(p, name);
    } else if (!note_key(p, &w, name)) {
        run_out(p);
    } else {
        take_value(p, &w, value);
    }
    return 1;
}

/* ---- Lines ---- */

/* The next byte of the text; -1 at its end. */
static int next_byte(struct pass *p)
{
    if (p->chunk_at == p->chunk_len) {
        p->chunk_at = 0;
        p->chunk_len = p->source->read(p->source->from, p->chunk, sizeof(p->chunk));
        if (p->chunk_len == 0) {
            return -1;
        }
    }
    p->total++;
    unsigned char byte = (unsigned char)p->chunk[p->chunk_at];
    p->chunk_at++;
    return byte;
}

/* Take one line without its end (LF or CR LF) into `to` (LINE_SIZE bytes). False at the text's end.
 * *len is its true length, of which no more than READER_LINE_MAX + 1 bytes are kept. */
static bool take_line(struct pass *p, char *to, size_t *len)
{
    size_t seen = 0;
    int byte = next_byte(p);
    if (byte < 0) {
        return false;
    }
    while (byte >= 0 && byte != '\n') {
        if (seen <= READER_LINE_MAX) {
            to[seen] = (char)byte;
        }
        seen++;
        byte = next_byte(p);
    }
    if (seen > 0 && seen <= READER_LINE_MAX + 1 && to[seen - 1] == '\r') {
        seen--;
    }
    to[seen <= READER_LINE_MAX ? seen : READER_LINE_MAX] = '\0';
    *len = seen;
    return true;
}

/* Is this line fit to be looked at? */
static bool is_sound(struct pass *p, const char *line, size_t len)
{
    const char *content = text_skip_blanks(line);
    if (len > READER_LINE_MAX) {
        refuse(p, p->line, "the line is longer than 190 bytes",
               "a shorter line; a key that takes a list may be repeated");
    } else if (text_has_control(line, len)) {
        refuse(p, p->line, "the line holds a control character", "plain text in UTF-8");
    } else if (!text_is_utf8(line, len)) {
        refuse(p, p->line, "the line is not UTF-8", "plain text in UTF-8");
    } else if (content != line && *content != '\0' && *content != ';' && *content != '#') {
        refuse(p, p->line, "the line is indented", "keys and sections at the left margin");
    } else {
        return true;
    }
    return false;
}

/* Does inih get this line? */
static bool look_at(struct pass *p, const char *line)
{
    const char *content = text_skip_blanks(line);
    if (*content == '\0' || *content == ';' || *content == '#') {
        return false;
    }
    if (*content == '[') {
        take_header(p, line);
        return false;
    }
    if (content[strcspn(content, "=:")] == ':') {
        /* inih takes a colon for an equals sign; a forgotten "port =" must not become a key. */
        refuse(p, p->line, "there is a colon where = should be", "KEY = VALUE");
        return false;
    }
    p->waiting = p->line;
    return true;
}

/* inih had a line that should hold a key, and found none. */
static void settle(struct pass *p)
{
    if (p->waiting != 0) {
        refuse(p, p->waiting, "neither a section nor a key with its value",
               "[SECTION] or KEY = VALUE; comments begin with ;");
    }
    p->waiting = 0;
}

/* fgets for inih: the next line, or an empty one in place of a line that it must not see. */
static char *next_line(char *to, int size, void *stream)
{
    struct pass *p = stream;
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put U+FEFF in front */
    char line[LINE_SIZE];
    size_t len = 0;
    settle(p);
    if (size < INIH_SIZE_MIN) {
        refuse(p, 0, "this machine's inih takes shorter lines than a configuration has",
               "an inih built for lines of 200 bytes");
        return NULL;
    }
    if (p->no_memory || !take_line(p, line, &len)) {
        return NULL;
    }
    p->line++;
    if (p->total > READER_TEXT_MAX) {
        refuse(p, p->line, "the file is longer than 16 MiB", "a configuration file");
        return NULL;
    }
    bool marked = p->line == 1 && len <= READER_LINE_MAX && strncmp(line, mark, 3) == 0;
    const char *text = marked ? &line[3] : line;
    len -= marked ? 3 : 0;
    bool fit = is_sound(p, text, len) && look_at(p, text);
    (void)snprintf(to, (size_t)size, "%s\n", fit ? text : ""); /* fits: INIH_SIZE_MIN */
    return to;
}

int reader_read(struct reader *r, const struct reader_source *source)
{
    struct pass p = {.reader = r, .source = source};
    size_t before = problems_count(r->problems);
    int result = ini_parse_stream(next_line, &p, on_key, &p);
    /* Whatever inih minds is noted already, as our line reader is the stricter one. */
    if (result != 0 && problems_count(r->problems) == before) {
        refuse(&p, p.line, "the file cannot be read as INI text", "[SECTION] and KEY = VALUE");
    }
    return p.no_memory ? -1 : 0;
}
