/*
 * Section: the values of one section, with a problem for each that is wrong.
 *
 * Floor 2. A view lives on the stack of the function that makes something of a section.
 */
#ifndef WARDGATE_SECTION_H
#define WARDGATE_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/keys.h"
#include "conf/pool.h"
#include "conf/problems.h"
#include "conf/reader.h"
#include "conf/values.h"

struct section {
    const struct reader_section *text; /* borrowed */
    struct pool *pool;                 /* borrowed: where strings go */
    struct problems *problems;         /* borrowed */
    uint32_t number[KEYS_COUNT];       /* durations, sizes, numbers, choices; the default where the
                                          key is missing or wrong, 0 without a default */
    bool no_memory;
};

enum { SECTION_SAY_MAX = 512 };

/* Look at a section: note required keys that are missing (against the header's line) and read its
 * durations, sizes, numbers and choices. */
void section_open(struct section *s, const struct reader_section *text, struct pool *pool,
                  struct problems *problems);

/* The entry of a key, NULL when it is not there. */
const struct reader_entry *section_entry(const struct section *s, enum keys_id id);

/* A choice is there and is one of its words, so that `number` holds what was written. */
bool section_has_choice(const struct section *s, enum keys_id id);

/* Note a problem: with an entry as "KEY = VALUE WRONG; RIGHT" against its line; with NULL as
 * "[SECTION] WRONG; RIGHT" against the header's. right NULL: the key's form says it. */
void section_refuse(struct section *s, const struct reader_entry *entry, const char *wrong,
                    const char *right);

/* The same for what a parser of values.h said. */
void section_refuse_value(struct section *s, const struct reader_entry *entry,
                          const struct values_error *why);

/* A copy of a text in the pool. NULL: no memory, which is noted once. */
char *section_copy(struct section *s, const char *text);

/* The text of a key, or its default; NULL when there is neither or no memory. In the pool. */
char *section_text(struct section *s, enum keys_id id);

/* The same for a path, made absolute; and for one item of a list of paths. */
char *section_path(struct section *s, enum keys_id id);
char *section_item_path(struct section *s, const struct reader_entry *entry);

/* A copy of the URL in the pool; *path is what stands behind its host, in the entry. NULL: it is
 * none, which is noted, or no memory. */
char *section_url(struct section *s, const struct reader_entry *entry, const char **path);

/* Out of memory: noted once as a problem. */
void section_run_out(struct section *s);

#endif
