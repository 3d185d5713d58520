#include "conf/section.h"

#include <stdio.h>
#include <string.h>

#include "conf/source.h"

static bool is_scalar(const struct keys_row *row)
{
    return row->type == KEYS_TYPE_DURATION || row->type == KEYS_TYPE_SIZE ||
           row->type == KEYS_TYPE_NUMBER || row->type == KEYS_TYPE_CHOICE;
}

static void refuse_missing(struct section *s, const struct keys_row *row)
{
    char wrong[SECTION_SAY_MAX];
    char right[SECTION_SAY_MAX];
    char form[KEYS_FORM_MAX];
    keys_form(row, form);
    (void)snprintf(wrong, sizeof(wrong), "has no %s", row->name);
    (void)snprintf(right, sizeof(right), "%s = %s", row->name, form);
    section_refuse(s, NULL, wrong, row->right != NULL ? row->right : right);
}

static void take_scalar(struct section *s, const struct keys_row *row,
                        const struct reader_entry *entry)
{
    struct values_error why = {0};
    if (row->fallback != NULL) {
        /* Defaults are right: a unit test reads every one of them. */
        (void)values_scalar(row, row->fallback, &s->number[row->id], &why);
    }
    if (entry != NULL && values_scalar(row, entry->value, &s->number[row->id], &why) != 0) {
        section_refuse_value(s, entry, &why);
    }
}

void section_open(struct section *s, const struct reader_section *text, struct pool *pool,
                  struct problems *problems)
{
    *s = (struct section){.text = text, .pool = pool, .problems = problems};
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        if (row->section != text->kind) {
            continue;
        }
        const struct reader_entry *entry = section_entry(s, row->id);
        if (entry == NULL && row->is_required) {
            refuse_missing(s, row);
        }
        if (is_scalar(row)) {
            take_scalar(s, row, entry);
        }
    }
}

const struct reader_entry *section_entry(const struct section *s, enum keys_id id)
{
    return reader_get(s->text, id);
}

bool section_has_choice(const struct section *s, enum keys_id id)
{
    const struct reader_entry *entry = section_entry(s, id);
    struct values_error why;
    uint32_t place = 0;
    return entry != NULL && values_scalar(entry->row, entry->value, &place, &why) == 0;
}

void section_refuse(struct section *s, const struct reader_entry *entry, const char *wrong,
                    const char *right)
{
    char form[KEYS_FORM_MAX];
    char what[SECTION_SAY_MAX];
    if (entry == NULL) {
        const char *name = s->text->name;
        (void)snprintf(what, sizeof(what), "[%s%s%s] %s", keys_section_word(s->text->kind),
                       name[0] != '\0' ? " " : "", name, wrong);
        problems_add(s->problems, s->text->file, s->text->line, what, right);
        return;
    }
    keys_form(entry->row, form);
    if (right == NULL) {
        right = entry->row->right != NULL ? entry->row->right : form;
    }
    (void)snprintf(what, sizeof(what), "%s = %s %s", entry->key, entry->value, wrong);
    problems_add(s->problems, s->text->file, entry->line, what, right);
}

void section_refuse_value(struct section *s, const struct reader_entry *entry,
                          const struct values_error *why)
{
    section_refuse(s, entry, why->wrong, why->right);
}

void section_run_out(struct section *s)
{
    if (!s->no_memory) {
        section_refuse(s, NULL, "cannot be kept: not enough memory",
                       "free some memory and try again");
    }
    s->no_memory = true;
}

char *section_copy(struct section *s, const char *text)
{
    char *copy = pool_text(s->pool, text);
    if (copy == NULL) {
        section_run_out(s);
    }
    return copy;
}

static const char *value_of(const struct section *s, enum keys_id id)
{
    const struct reader_entry *entry = section_entry(s, id);
    return entry != NULL ? entry->value : keys_get(id)->fallback;
}

char *section_text(struct section *s, enum keys_id id)
{
    const char *value = value_of(s, id);
    return value != NULL ? section_copy(s, value) : NULL;
}

static char *absolute(struct section *s, const struct reader_entry *entry, const char *value)
{
    char *path = source_absolute(s->pool, s->text->dir, value);
    if (path == NULL) {
        /* Too long is as rare as no memory, and as final. */
        section_refuse(s, entry, "gives no usable path", "a shorter path");
        s->no_memory = true;
    }
    return path;
}

char *section_path(struct section *s, enum keys_id id)
{
    const char *value = value_of(s, id);
    return value != NULL ? absolute(s, section_entry(s, id), value) : NULL;
}

char *section_item_path(struct section *s, const struct reader_entry *entry)
{
    return absolute(s, entry, entry->value);
}

char *section_url(struct section *s, const struct reader_entry *entry, const char **path)
{
    struct values_error why;
    if (values_url_has_user(entry->value)) {
        char wrong[SECTION_SAY_MAX];
        /* Without the value: a password would go to the log of a reload. */
        (void)snprintf(wrong, sizeof(wrong), "%s names a user in its URL", entry->row->name);
        problems_add(s->problems, s->text->file, entry->line, wrong, "a URL without USER@");
        return NULL;
    }
    if (values_url(entry->value, path, &why) != 0) {
        section_refuse_value(s, entry, &why);
        return NULL;
    }
    return section_copy(s, entry->value);
}
