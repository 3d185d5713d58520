#include "gateway/verify_objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "certs/der.h"
#include "certs/mem.h"
#include "certs/pem.h"

/* A file in memory. */
struct content {
    uint8_t *data;
    size_t len;
    size_t room;
};

static int refuse(struct fault *f, enum fault_code code, const char *path, const char *why)
{
    (void)fault_set(f, code, FAULT_SIDE_CERTIFICATE, path, ": ");
    fault_add(f, why);
    return code;
}

static int refuse_memory(struct fault *f)
{
    return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "out of memory", NULL);
}

/* Room for more, doubled each time. */
static bool grow(struct content *c)
{
    size_t room = c->room == 0 ? 8192 : 2 * c->room;
    uint8_t *data = mem_grow(c->data, c->len, room, 1);

    if (data == NULL) {
        return false;
    }
    c->data = data;
    c->room = room;
    return true;
}

static int read_stream(FILE *file, const char *path, struct content *c, struct fault *f)
{
    while (feof(file) == 0) {
        if (c->len == c->room && !grow(c)) {
            return refuse_memory(f);
        }
        c->len += fread(c->data + c->len, 1, c->room - c->len, file);
        if (ferror(file) != 0) {
            return refuse(f, FAULT_OPEN, path, strerror(errno));
        }
        if (c->len > VERIFY_FILE_MAX) {
            return refuse(f, FAULT_OPEN, path, "longer than 64 MiB");
        }
    }
    return 0;
}

static bool grow_objects(struct verify_objects *o)
{
    size_t room = o->room == 0 ? 16 : 2 * o->room;
    struct span *items = mem_grow(o->items, o->count, room, sizeof(*items));
    uint8_t **owned;

    if (items == NULL) {
        return false;
    }
    o->items = items;
    owned = mem_grow(o->owned, o->count, room, sizeof(*owned));
    if (owned == NULL) {
        return false;
    }
    o->owned = owned;
    o->room = room;
    return true;
}

static int add_copy(struct verify_objects *to, struct span bytes, struct fault *f)
{
    uint8_t *copy;

    if (to->count == to->room && !grow_objects(to)) {
        return refuse_memory(f);
    }
    copy = mem_new(bytes.len + 1, 1); /* an empty PEM block is an object, too */
    if (copy == NULL) {
        return refuse_memory(f);
    }
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    to->owned[to->count] = copy;
    to->items[to->count] = span_of(copy, bytes.len);
    to->count++;
    return 0;
}

/* DER first: a certificate may well contain a text that looks like the beginning of PEM. */
static bool is_pem(struct span content)
{
    struct span rest = content;
    struct span whole;
    struct pem_block block;
    enum pem_result result;

    if (der_take_whole(&rest, &whole) && rest.len == 0) {
        return false;
    }
    rest = content;
    result = pem_block_take(&rest, &block);
    if (result == PEM_BLOCK) {
        pem_block_free(&block);
    }
    return result != PEM_END;
}

static int add_blocks(struct verify_objects *to, struct span text, const char *path,
                      const char *label, struct fault *f)
{
    size_t before = to->count;
    int code = 0;

    while (code == 0) {
        struct pem_block block;
        enum pem_result result = pem_block_take(&text, &block);
        if (result == PEM_END) {
            break;
        }
        if (result != PEM_BLOCK) {
            return result == PEM_MEMORY ? refuse_memory(f)
                                        : refuse(f, FAULT_BAD_CERT, path, "broken PEM");
        }
        if (strcmp(block.label, label) == 0) {
            code = add_copy(to, span_of(block.der, block.len), f);
        }
        pem_block_free(&block);
    }
    if (code == 0 && to->count == before) {
        (void)refuse(f, FAULT_BAD_CERT, path, "holds no ");
        fault_add(f, label);
        return FAULT_BAD_CERT;
    }
    return code;
}

int verify_objects_read(struct verify_objects *to, const char *path, const char *label,
                        struct fault *f)
{
    FILE *file = fopen(path, "rb");
    struct content c = {.data = NULL};
    int code;

    if (file == NULL) {
        return refuse(f, FAULT_OPEN, path, strerror(errno));
    }
    code = read_stream(file, path, &c, f);
    (void)fclose(file); /* nothing was written */
    if (code == 0 && c.len == 0) {
        code = refuse(f, FAULT_BAD_CERT, path, "the file is empty");
    } else if (code == 0) {
        struct span content = span_of(c.data, c.len);
        code = is_pem(content) ? add_blocks(to, content, path, label, f) : add_copy(to, content, f);
    }
    mem_wipe_free(c.data, c.room); /* a careless user may have put a key into it */
    return code;
}

int verify_objects_add(struct verify_objects *to, const struct span *items, size_t count,
                       struct fault *f)
{
    for (size_t i = 0; i < count; i++) {
        int code = add_copy(to, items[i], f);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

void verify_objects_free(struct verify_objects *o)
{
    for (size_t i = 0; i < o->count; i++) {
        mem_free(o->owned[i]);
    }
    mem_free(o->items);
    mem_free(o->owned);
    *o = (struct verify_objects){.items = NULL};
}
