#include "conf/check.h"

#include <stdio.h>

enum { SAY_MAX = 512 };

void check_refuse(const struct check *c, const struct conf_device *d, enum keys_id id,
                  const char *wrong, const char *right)
{
    char text[SAY_MAX];
    const struct reader_section *section = reader_find(c->reader, KEYS_DEVICE, d->name);
    const struct reader_entry *entry = section != NULL ? reader_get(section, id) : NULL;
    if (entry == NULL) {
        (void)snprintf(text, sizeof(text), "[device %s] %s", d->name, wrong);
        problems_add(c->problems, d->file, d->line_number, text, right);
        return;
    }
    /* Of a list, the first item would be shown, which may be the wrong one. */
    bool whole = !entry->row->is_list;
    (void)snprintf(text, sizeof(text), "%s%s%s %s", entry->row->name, whole ? " = " : "",
                   whole ? entry->value : "", wrong);
    problems_add(c->problems, d->file, entry->line, text, right);
}

void check_run_out(const struct check *c)
{
    problems_add(c->problems, c->conf->path, 0, "not enough memory to compare all devices",
                 "free some memory and try again");
}
