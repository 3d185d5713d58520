/* The configuration reader and what is built of a text: fed whole and in pieces must agree. */
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

static size_t read_text(void *from, char *to, size_t cap)
{
    struct text *t = from;
    size_t len = t->cut == 0 || t->cut > t->len ? t->len : t->cut;
    len = len > cap ? cap : len;
    memcpy(to, t->data, len);
    *t = (struct text){t->data + len, t->len - len, t->cut == 0 ? 0 : t->cut * 5 % 61 + 1};
    return len;
}

static struct problems *run(struct text text)
{
    struct problems *problems = problems_new();
    struct pool *pool = pool_new();
    struct reader reader;
    struct conf conf = {.path = pool_text(pool, "/etc/w/t.conf")};
    struct reader_source source = {read_text, &text, "t.conf", "/etc/w"};
    struct check check = {&conf, &reader, pool, problems};
    reader_init(&reader, pool, problems);
    int result = reader_read(&reader, &source);
    if (result != 0 || build_conf(&conf, &reader, pool, problems, "t.conf") != 0) {
        abort(); /* there is memory enough */
    }
    check_ports(&check);
    check_binds(&check);
    for (size_t i = 0; i < conf.device_count; i++) { /* devices are compared as problems are */
        problems_add(problems, "device", (int)i, conf.devices[i].name, conf.devices[i].canonical);
    }
    pool_free(pool);
    return problems;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problems *whole = run((struct text){data, size, 0});
    struct problems *pieces = run((struct text){data, size, size % 61 + 1});
    for (size_t i = 0; i < problems_count(whole) || i < problems_count(pieces); i++) {
        if (strcmp(problems_text(whole, i), problems_text(pieces, i)) != 0) {
            abort();
        }
    }
    problems_free(whole);
    problems_free(pieces);
    return 0;
}
