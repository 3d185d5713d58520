#include "certs/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/coding.h>

#include "certs/mem.h"

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";

static int cannot_open(struct fault *f, const char *path, const char *why)
{
    (void)fault_set(f, FAULT_OPEN, FAULT_SIDE_CERTIFICATE, path, ": ");
    fault_add(f, why);
    return FAULT_OPEN;
}

/* Read `len` bytes; false when the file gives fewer. */
static bool read_all(int fd, uint8_t *data, size_t len)
{
    size_t have = 0;

    while (have < len) {
        ssize_t got = read(fd, data + have, len - have);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        have += (size_t)got;
    }
    return true;
}

/* The file behind fd, whose facts are in *st. */
static int read_open_file(int fd, const char *path, struct pem_file *out, struct fault *f)
{
    struct stat st;
    struct pem_file file;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return cannot_open(f, path, "not a regular file");
    }
    if (st.st_size <= 0 || st.st_size > PEM_FILE_MAX) {
        return cannot_open(f, path, st.st_size <= 0 ? "the file is empty" : "the file is too long");
    }
    file.len = (size_t)st.st_size;
    file.mode = (unsigned)st.st_mode & 07777U;
    file.stamp = stamp_of(&st);
    file.data = mem_new(file.len, 1);
    if (file.data == NULL) {
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, path, ": out of memory");
    }
    if (!read_all(fd, file.data, file.len)) {
        pem_file_free(&file);
        return cannot_open(f, path, "cannot be read");
    }
    *out = file;
    return 0;
}

int pem_file_read(const char *path, struct pem_file *out, struct fault *f)
{
    /* O_NONBLOCK: a FIFO by mistake must not hang the gateway; fstat then refuses it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int code;

    if (fd < 0) {
        return cannot_open(f, path, strerror(errno));
    }
    code = read_open_file(fd, path, out, f);
    (void)close(fd); /* nothing was written */
    return code;
}

void pem_file_free(struct pem_file *file)
{
    mem_wipe_free(file->data, file->len);
    file->data = NULL;
    file->len = 0;
}

/* Where `word` stands in `text`, or text.len. */
static size_t find(struct span text, const char *word)
{
    size_t len = strlen(word);

    for (size_t at = 0; text.len >= len && at <= text.len - len; at++) {
        if (memcmp(text.data + at, word, len) == 0) {
            return at;
        }
    }
    return text.len;
}

/* "LABEL-----" at the front of *text. */
static bool take_label(struct span *text, char label[PEM_LABEL_MAX])
{
    size_t len = find(*text, dashes);
    struct span name;

    if (len == text->len || len == 0 || len >= PEM_LABEL_MAX || !span_take(text, len, &name)) {
        return false;
    }
    if (find(name, "\n") != name.len) {
        return false;
    }
    memcpy(label, name.data, name.len);
    label[name.len] = '\0';
    *text = span_after(*text, strlen(dashes));
    return true;
}

/* The base64 body. An encrypted key of the old form has header lines in it ("Proc-Type:"), which
 * are not base64 and so make it broken. */
static enum pem_result decode(struct span body, struct pem_block *out)
{
    size_t cap = body.len; /* three bytes of four characters: always enough */
    word32 len = (word32)cap;

    out->der = mem_new(cap, 1);
    if (out->der == NULL) {
        return cap == 0 ? PEM_BROKEN : PEM_MEMORY;
    }
    if (Base64_Decode(body.data, (word32)body.len, out->der, &len) != 0 || len == 0) {
        mem_wipe_free(out->der, cap);
        out->der = NULL;
        return PEM_BROKEN;
    }
    out->len = len;
    return PEM_BLOCK;
}

enum pem_result pem_block_take(struct span *text, struct pem_block *out)
{
    struct pem_block block = {.der = NULL};
    struct span at = span_after(*text, find(*text, begin_mark));
    struct span body;
    char end_label[PEM_LABEL_MAX];
    enum pem_result result;

    if (at.len == 0) {
        return PEM_END;
    }
    at = span_after(at, strlen(begin_mark));
    if (!take_label(&at, block.label)) {
        return PEM_BROKEN;
    }
    body = span_first(at, find(at, end_mark));
    at = span_after(at, body.len);
    if (at.len == 0) {
        return PEM_BROKEN; /* cut file */
    }
    at = span_after(at, strlen(end_mark));
    if (!take_label(&at, end_label) || strcmp(block.label, end_label) != 0) {
        return PEM_BROKEN;
    }
    result = decode(body, &block);
    if (result == PEM_BLOCK) {
        *text = at;
        *out = block;
    }
    return result;
}

void pem_block_free(struct pem_block *block)
{
    mem_wipe_free(block->der, block->len);
    block->der = NULL;
    block->len = 0;
}

/* ---- a file of certificates ---- */

static int refuse(struct fault *f, const char *path, const char *why)
{
    (void)fault_set(f, FAULT_BAD_CERT, FAULT_SIDE_CERTIFICATE, path, ": ");
    fault_add(f, why);
    return FAULT_BAD_CERT;
}

/* One file on its way to `take`. */
struct delivery {
    const char *path;
    pem_take_fn take;
    void *owner;
};

static int deliver(const struct delivery *d, struct span text, struct fault *f)
{
    size_t found = 0;

    for (;;) {
        struct pem_block block;
        int code;
        switch (pem_block_take(&text, &block)) {
        case PEM_END:
            return found > 0 ? 0
                             : refuse(f, d->path,
                                      "holds no certificate; right: -----BEGIN CERTIFICATE-----");
        case PEM_BROKEN:
            return refuse(f, d->path, "broken PEM");
        case PEM_MEMORY:
            return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, d->path, ": out of memory");
        case PEM_BLOCK:
            break;
        }
        if (strcmp(block.label, "CERTIFICATE") != 0) {
            pem_block_free(&block);
            continue;
        }
        found++;
        code = d->take(d->owner, &block, f);
        if (code != 0) {
            return code;
        }
    }
}

int pem_certificates_read(const char *path, pem_take_fn take, void *owner, struct fault *f)
{
    const struct delivery d = {path, take, owner};
    struct pem_file file = {.data = NULL};
    int code = pem_file_read(path, &file, f);

    if (code != 0) {
        return code;
    }
    code = deliver(&d, span_of(file.data, file.len), f);
    pem_file_free(&file);
    return code;
}
