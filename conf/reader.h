/*
 * Reader: INI text becomes a list of sections with their entries, names checked against the table.
 *
 * Floor 2; inih lives behind this header. inih tells no line numbers, cuts long lines silently and
 * glues an indented line to the key above it, so a line reader of our own stands before it: it
 * counts, refuses, and keeps the sections. Several texts can be read into one reader. No files.
 *
 * In a reload, a device's section that stands in the same file with the same text as before is only
 * compared, not taken apart: whoever looks at all sections minds `known`, and reader_find takes
 * apart what it finds.
 */
#ifndef WARDGATE_READER_H
#define WARDGATE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/index.h"
#include "conf/keys.h"
#include "conf/pool.h"
#include "conf/problems.h"
#include "protocols/bytes.h"

struct conf;
struct conf_device;

enum {
    READER_LINE_MAX = 190,              /* bytes of a line without its end */
    READER_TEXT_MAX = 16 * 1024 * 1024, /* bytes of one text; a device needs about 400 */
};

/* One value of a key. A list's items are entries of their own, in the order of the text. */
struct reader_entry {
    const struct keys_row *row;
    const char *key;   /* as written: row->name, but for a key with a name inside */
    const char *about; /* that name; NULL: none */
    const char *value; /* without blanks at its ends, never empty */
    int line;
};

struct reader_section {
    enum keys_section kind;
    const char *name; /* "" for [gateway] */
    const char *file; /* as shown in problems */
    const char *dir;  /* absolute folder that relative paths in it start from */
    int line;         /* of its header */
    struct span text; /* as it was written, with its header, up to the next one; in the pool */
    const struct conf_device *known; /* which reads the same in `before`, and `entries` are not
                                        there yet; else NULL */
    struct reader_entry *entries;
    size_t entry_count;
    size_t entry_cap; /* private to reader.c */
};

/* Where a text comes from. */
struct reader_source {
    /* Put up to `cap` bytes into `to`; 0 at the end. Any cuts. */
    size_t (*read)(void *from, char *to, size_t cap);
    void *from;
    const char *file; /* as shown in problems; lives as long as the reader */
    const char *dir;  /* absolute; lives as long as the reader */
    size_t len;       /* of the text, as far as is known: it then needs no more room than that */
};

struct reader {
    struct pool *pool;                /* strings and arrays come from here; borrowed */
    struct problems *problems;        /* borrowed */
    struct reader_section **sections; /* in the order of the texts */
    size_t count;
    size_t cap;           /* private to reader.c */
    struct index by_name; /* private to reader.c: the sections */
    /* A configuration that was read from the same main file: its devices' sections are known. NULL:
     * none are. Borrowed; may be set before the first text. */
    const struct conf *before;
};

/* Start with no sections, and none known. */
void reader_init(struct reader *r, struct pool *pool, struct problems *problems);

/* Read one text. What is wrong with it becomes problems; what is right is kept. Returns 0, or -1
 * when memory ran out (a problem says so) . */
int reader_read(struct reader *r, const struct reader_source *source);

/* The section with its entries, or NULL. */
struct reader_section *reader_find(struct reader *r, enum keys_section kind, const char *name);

/* Take a known section apart after all, so that it has its entries. When memory runs out a problem
 * says so, and some are missing. Others stay as they are. */
void reader_take_apart(struct reader *r, struct reader_section *s);

/* The entry of that key at or after *at, or NULL; *at is then behind it. Start with *at = 0. */
const struct reader_entry *reader_next(const struct reader_section *s, enum keys_id id, size_t *at);

/* The first entry of that key, or NULL. */
const struct reader_entry *reader_get(const struct reader_section *s, enum keys_id id);

#endif
