/* The configuration reader and what is built of a text: fed whole and in pieces must agree, and so
 * must a text alone and one that takes over what it can from the text before it. The text before
 * ends with a byte 0xFF; where there is none, it is the same one. */
#include <stdlib.h>
#include <string.h>

#include "conf/build.h"
#include "conf/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    const uint8_t *data;
    size_t len;
    size_t cut; /* length of the next piece; 0: all at once */
};

/* What came of a text. */
struct made {
    struct pool *pool;
    struct problems *problems;
    struct conf conf;
};

static size_t read_text(void *from, char *to, size_t cap)
{
    struct text *t = from;
    size_t len = t->cut == 0 || t->cut > t->len ? t->len : t->cut;
    len = len > cap ? cap : len;
    memcpy(to, t->data, len);
    *t = (struct text){t->data + len, t->len - len, t->cut == 0 ? 0 : t->cut * 5 % 61 + 1};
    return len;
}

static struct made make(struct text text, const struct conf *before)
{
    struct made m = {.pool = pool_new(), .problems = problems_new()};
    struct reader reader;
    m.conf.path = pool_text(m.pool, "/etc/w/t.conf");
    struct reader_source source = {
        .read = read_text, .from = &text, .file = "t.conf", .dir = "/etc/w"};
    struct check check = {&m.conf, &reader, m.pool, m.problems};
    reader_init(&reader, m.pool, m.problems);
    reader.before = before;
    int result = reader_read(&reader, &source);
    if (result != 0 || build_conf(&m.conf, &reader, m.pool, m.problems, "t.conf") != 0) {
        abort(); /* there is memory enough */
    }
    check_ports(&check);
    check_binds(&check);
    return m;
}

static void end(struct made *m)
{
    problems_free(m->problems);
    pool_free(m->pool);
}

static void expect_equal(const struct made *a, const struct made *b)
{
    size_t told = problems_count(a->problems);
    if (told != problems_count(b->problems) || a->conf.device_count != b->conf.device_count) {
        abort();
    }
    for (size_t i = 0; i < told; i++) {
        if (strcmp(problems_text(a->problems, i), problems_text(b->problems, i)) != 0) {
            abort();
        }
    }
    for (size_t i = 0; i < a->conf.device_count; i++) {
        const struct conf_device *d = &a->conf.devices[i];
        const struct conf_device *e = &b->conf.devices[i];
        bool has_text = d->canonical != NULL && e->canonical != NULL;
        if (strcmp(d->name, e->name) != 0 || d->line_number != e->line_number ||
            (d->canonical == NULL) != (e->canonical == NULL) ||
            (has_text && strcmp(d->canonical, e->canonical) != 0)) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *mark = size > 0 ? memchr(data, 0xFF, size) : NULL;
    struct text before = {data, mark != NULL ? (size_t)(mark - data) : size, 0};
    struct text after = before;
    if (mark != NULL) {
        after = (struct text){mark + 1, size - before.len - 1, 0};
    }
    struct text in_pieces = {after.data, after.len, size % 61 + 1};
    struct made old = make(before, NULL);
    struct made whole = make(after, NULL);
    struct made pieces = make(in_pieces, NULL);
    expect_equal(&whole, &pieces);
    if (problems_count(old.problems) == 0) { /* else it is not in force */
        struct made next = make(after, &old.conf);
        expect_equal(&whole, &next);
        end(&next);
    }
    end(&pieces);
    end(&whole);
    end(&old);
    return 0;
}
