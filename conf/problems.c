#include "conf/problems.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"

struct problem {
    char *text; /* as it is shown */
    char *file;
    int line;
};

struct problems {
    struct problem *list; /* always in the order of file and line */
    size_t count;
    size_t cap;
    bool no_memory; /* at least one problem could not be kept */
};

static const char *const no_memory_text =
    "not enough memory to check the whole configuration; free some memory and try again";

struct problems *problems_new(void)
{
    return mem_new(1, sizeof(struct problems));
}

void problems_free(struct problems *p)
{
    if (p == NULL) {
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        mem_free(p->list[i].text);
        mem_free(p->list[i].file);
    }
    mem_free(p->list);
    mem_free(p);
}

/* Print one problem into `to`; returns its length without the NUL, like snprintf. */
static int print_problem(char *to, size_t cap, const struct problem *at, const char *wrong,
                         const char *right)
{
    const char *separator = right != NULL ? "; right: " : "";
    const char *tail = right != NULL ? right : "";
    if (at->line > 0) {
        return snprintf(to, cap, "%s:%d: %s%s%s", at->file, at->line, wrong, separator, tail);
    }
    return snprintf(to, cap, "%s: %s%s%s", at->file, wrong, separator, tail);
}

/* The text of one problem in memory of its own, NULL when there is none. */
static char *make_text(const struct problem *at, const char *wrong, const char *right)
{
    int len = print_problem(NULL, 0, at, wrong, right);
    if (len < 0) {
        return NULL;
    }
    char *text = mem_new((size_t)len + 1, 1);
    if (text != NULL) {
        (void)print_problem(text, (size_t)len + 1, at, wrong, right); /* fits: just measured */
    }
    return text;
}

/* Room for one more; false when there is no memory. */
static bool make_room(struct problems *p)
{
    if (p->count < p->cap) {
        return true;
    }
    size_t cap = p->cap == 0 ? 16 : p->cap * 2;
    struct problem *list = mem_grow(p->list, p->count, cap, sizeof(*list));
    if (list == NULL) {
        return false;
    }
    p->list = list;
    p->cap = cap;
    return true;
}

/* Does `a` come behind `b`? Of two on one line, the one noted first stays first. */
static bool comes_behind(const struct problem *a, const struct problem *b)
{
    int by_file = strcmp(a->file, b->file);
    return by_file > 0 || (by_file == 0 && a->line > b->line);
}

/* Put it where it belongs. Problems come almost in order, so the walk from the end is short. */
static void insert(struct problems *p, struct problem fresh)
{
    size_t at = p->count;
    while (at > 0 && comes_behind(&p->list[at - 1], &fresh)) {
        p->list[at] = p->list[at - 1];
        at--;
    }
    p->list[at] = fresh;
    p->count++;
}

void problems_add(struct problems *p, const char *file, int line, const char *wrong,
                  const char *right)
{
    if (!make_room(p)) {
        p->no_memory = true;
        return;
    }
    struct problem fresh = {.file = mem_text(file), .line = line};
    fresh.text = fresh.file != NULL ? make_text(&fresh, wrong, right) : NULL;
    if (fresh.text == NULL) {
        mem_free(fresh.file);
        p->no_memory = true;
        return;
    }
    insert(p, fresh);
}

size_t problems_count(const struct problems *p)
{
    return p->count + (p->no_memory ? 1 : 0);
}

const char *problems_text(const struct problems *p, size_t at)
{
    if (at >= p->count) {
        return no_memory_text;
    }
    return p->list[at].text;
}
