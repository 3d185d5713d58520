#include "certs/identity.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "certs/cert.h"
#include "certs/cert_file.h"
#include "certs/der.h"
#include "certs/identity_der.h"
#include "certs/key_pair.h"
#include "certs/mem.h"
#include "certs/pem.h"
#include "certs/tls_context.h"

enum {
    CHAIN_COUNT_MAX = 8,
    KEY_MODE_FORBIDDEN = 077, /* any right of group and others */
    DNS_NAME_CAP = 256,
};

struct identity {
    _Atomic uint32_t holders;
    struct cert_facts facts;
    uint8_t *chain; /* DER certificates one after the other, leaf first */
    size_t chain_len;
    uint8_t *key; /* DER; wiped on release */
    size_t key_len;
    char (*dns_names)[DNS_NAME_CAP];
    size_t dns_count;
};

/* While a certificate file is read. */
struct reading {
    const char *path;
    int64_t now_s;
    struct identity *id;
    struct identity_files *files;
    struct cert_view last; /* the certificate before; borrows from a block that is kept */
    struct pem_block blocks[CHAIN_COUNT_MAX];
    size_t count;
};

static int no_memory(struct fault *f, const char *path)
{
    return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, path, ": out of memory");
}

/* All certificates of the files are in their time where the last one is, too. */
static void narrow_time(struct identity_files *files, const struct cert_view *view)
{
    if (view->not_before_s > files->from_s) {
        files->from_s = view->not_before_s;
    }
    if (view->not_after_s < files->until_s) {
        files->until_s = view->not_after_s;
    }
}

/* One certificate block of the file, already in r->blocks[r->count]. */
static int add_certificate(struct reading *r, struct fault *f)
{
    const struct pem_block *block = &r->blocks[r->count];
    const struct cert_file_rules rules = {.path = r->path, .now_s = r->now_s};
    struct cert_view view;

    if (!cert_view_read(span_of(block->der, block->len), &view)) {
        return cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "holds a certificate that cannot be read");
    }
    if (r->count > 0 && !span_equal(r->last.issuer, view.subject)) {
        return cert_file_refuse(
            f, FAULT_BAD_CERT, r->path,
            "wrong order; right: the device's certificate, then its issuer, and so on");
    }
    r->last = view;
    narrow_time(r->files, &view);
    if (r->count == 0 && view.is_ca) {
        return cert_file_refuse_view(f, r->path, &view,
                                     " is a CA's; right: the device's own certificate first");
    }
    return cert_file_check(&rules, &view, f);
}

static int take_certificate(struct reading *r, struct span *text, bool *is_end, struct fault *f)
{
    struct pem_block block;
    int code;

    switch (pem_block_take(text, &block)) {
    case PEM_END:
        *is_end = true;
        return 0;
    case PEM_BROKEN:
        return cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "broken PEM; right: -----BEGIN CERTIFICATE-----");
    case PEM_MEMORY:
        return no_memory(f, r->path);
    case PEM_BLOCK:
        break;
    }
    if (strcmp(block.label, "CERTIFICATE") != 0) {
        pem_block_free(&block); /* parameters, a key, text: not ours to judge */
        return 0;
    }
    if (r->count == CHAIN_COUNT_MAX) {
        pem_block_free(&block);
        return cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "more than 8 certificates in one chain");
    }
    r->blocks[r->count] = block;
    code = add_certificate(r, f);
    r->count++;
    return code;
}

/* The blocks into one piece of memory, as the TLS engine wants them. A root at the end is left
 * out: every peer has it or does not trust it (RFC 8446 4.4.2). */
static int join_chain(struct reading *r, struct fault *f)
{
    size_t count = r->count;
    size_t len = 0;

    if (count > 1 && span_equal(r->last.subject, r->last.issuer)) {
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        len += r->blocks[i].len;
    }
    r->id->chain = mem_new(len, 1);
    if (r->id->chain == NULL) {
        return no_memory(f, r->path);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(r->id->chain + r->id->chain_len, r->blocks[i].der, r->blocks[i].len);
        r->id->chain_len += r->blocks[i].len;
    }
    return 0;
}

/* The dNSName SANs of the leaf that are whole texts. */
static int copy_dns_names(struct identity *id, struct span san, const char *path, struct fault *f)
{
    struct span value;
    unsigned kind;

    while (cert_san_take(&san, &kind, &value)) {
        void *bigger;
        if (kind != CERT_SAN_DNS || value.len == 0 || value.len >= DNS_NAME_CAP ||
            memchr(value.data, '\0', value.len) != NULL) {
            continue;
        }
        bigger = mem_grow(id->dns_names, id->dns_count, id->dns_count + 1, DNS_NAME_CAP);
        if (bigger == NULL) {
            return no_memory(f, path);
        }
        id->dns_names = bigger;
        memcpy(id->dns_names[id->dns_count], value.data, value.len);
        id->dns_count++;
    }
    return 0;
}

/* Keep what the leaf says; its view is read again because r->last has gone on to the root. */
static int keep_leaf(struct reading *r, struct fault *f)
{
    struct cert_view leaf;

    if (!cert_view_read(span_of(r->blocks[0].der, r->blocks[0].len), &leaf)) {
        return cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "holds a certificate that cannot be read");
    }
    cert_view_facts(&leaf, &r->id->facts);
    return copy_dns_names(r->id, leaf.san, r->path, f);
}

static int read_chain(struct reading *r, struct span text, struct fault *f)
{
    bool is_end = false;

    while (!is_end) {
        int code = take_certificate(r, &text, &is_end, f);
        if (code != 0) {
            return code;
        }
    }
    if (r->count == 0) {
        return cert_file_refuse(f, FAULT_BAD_CERT, r->path,
                                "holds no certificate; right: -----BEGIN CERTIFICATE-----");
    }
    return 0;
}

static int load_chain(struct identity *id, struct identity_files *files, int64_t now_s,
                      struct fault *f)
{
    struct reading r = {.path = files->certificate, .now_s = now_s, .id = id, .files = files};
    struct pem_file file;
    int code = pem_file_read(r.path, &file, f);

    if (code != 0) {
        return code;
    }
    files->certificate_stamp = file.stamp;
    code = read_chain(&r, span_of(file.data, file.len), f);
    if (code == 0) {
        code = join_chain(&r, f);
    }
    if (code == 0) {
        code = keep_leaf(&r, f);
    }
    for (size_t i = 0; i < r.count; i++) {
        pem_block_free(&r.blocks[i]);
    }
    pem_file_free(&file);
    return code;
}

static bool is_key_label(const char *label)
{
    return strcmp(label, "PRIVATE KEY") == 0 || strcmp(label, "EC PRIVATE KEY") == 0 ||
           strcmp(label, "RSA PRIVATE KEY") == 0;
}

/* The first private key in the text. Other blocks (EC PARAMETERS, a certificate) may stand before.
 */
static int take_key(struct identity *id, const char *path, struct span text, struct fault *f)
{
    for (;;) {
        struct pem_block block;
        switch (pem_block_take(&text, &block)) {
        case PEM_END:
            return cert_file_refuse(f, FAULT_KEY, path,
                                    "holds no private key; right: PEM, PKCS#8 or SEC1");
        case PEM_BROKEN:
            return cert_file_refuse(f, FAULT_KEY, path,
                                    "broken PEM, or an encrypted key; right: a plain key");
        case PEM_MEMORY:
            return no_memory(f, path);
        case PEM_BLOCK:
            break;
        }
        if (is_key_label(block.label)) {
            id->key = block.der;
            id->key_len = block.len;
            return 0;
        }
        if (strcmp(block.label, "ENCRYPTED PRIVATE KEY") == 0) {
            pem_block_free(&block);
            return cert_file_refuse(f, FAULT_KEY, path,
                                    "is encrypted; right: a plain key with mode 0600");
        }
        pem_block_free(&block);
    }
}

static int load_key(struct identity *id, struct identity_files *files, struct fault *f)
{
    const char *path = files->key;
    struct pem_file file;
    int code = pem_file_read(path, &file, f);

    if (code != 0) {
        return code;
    }
    files->key_stamp = file.stamp;
    if ((file.mode & KEY_MODE_FORBIDDEN) != 0) {
        code = cert_file_refuse(f, FAULT_KEY, path, "others may read this key; right: chmod 600");
    } else {
        code = take_key(id, path, span_of(file.data, file.len), f);
    }
    pem_file_free(&file);
    return code;
}

/* Is the key the one of the leaf, and can the TLS library use both? */
static int check_key(const struct identity *id, const char *path, struct fault *f)
{
    struct span chain = identity_chain_der(id);
    struct span leaf;
    struct cert_view view;

    if (!der_take_whole(&chain, &leaf) || !cert_view_read(leaf, &view) ||
        !key_pair_matches(identity_key_der(id), &view)) {
        return cert_file_refuse(f, FAULT_KEY, path,
                                "is not the key of the certificate; right: its own key");
    }
    return tls_context_try_identity(id, path, f);
}

struct identity *identity_load(const char *cert_path, const char *key_path, int64_t now_s,
                               struct fault *f)
{
    struct identity_files files = {.certificate = cert_path, .key = key_path};

    return identity_load_anew(&files, now_s, NULL, f);
}

struct identity *identity_load_anew(struct identity_files *files, int64_t now_s,
                                    struct identity *before, struct fault *f)
{
    struct identity_files read = *files;
    struct identity *id = mem_new(1, sizeof(*id));

    if (id == NULL) {
        (void)no_memory(f, files->certificate);
        return NULL;
    }
    id->holders = 1;
    read.from_s = INT64_MIN;
    read.until_s = INT64_MAX;
    if (load_chain(id, &read, now_s, f) != 0 || load_key(id, &read, f) != 0) {
        identity_release(id);
        return NULL;
    }
    bool is_known = before != NULL && identity_differs(before, id) == 0;
    if (!is_known && check_key(id, read.key, f) != 0) {
        identity_release(id);
        return NULL;
    }
    read.is_settled = stamp_is_settled(&read.certificate_stamp, now_s) &&
                      stamp_is_settled(&read.key_stamp, now_s);
    *files = read;
    if (is_known) {
        identity_release(id);
        return identity_hold(before); /* its key was tried */
    }
    return id;
}

bool identity_files_stand(const struct identity_files *before, struct identity_files *files,
                          int64_t now_s)
{
    struct identity_files same = *before;

    if (!before->is_settled || now_s < before->from_s || now_s > before->until_s ||
        !stamp_is_at(&before->certificate_stamp, files->certificate) ||
        !stamp_is_at(&before->key_stamp, files->key)) {
        return false;
    }
    same.certificate = files->certificate;
    same.key = files->key;
    *files = same;
    return true;
}

struct identity *identity_hold(struct identity *id)
{
    assert(id->holders > 0 && id->holders < UINT32_MAX);
    id->holders++;
    return id;
}

void identity_release(struct identity *id)
{
    if (id == NULL) {
        return;
    }
    assert(id->holders > 0);
    if (atomic_fetch_sub(&id->holders, 1) > 1) {
        return;
    }
    mem_wipe_free(id->key, id->key_len);
    mem_free(id->chain);
    mem_free(id->dns_names);
    mem_free(id);
}

const struct cert_facts *identity_facts(const struct identity *id)
{
    return &id->facts;
}

const char *identity_dns_name(const struct identity *id, size_t at)
{
    return at < id->dns_count ? id->dns_names[at] : NULL;
}

struct span identity_chain_der(const struct identity *id)
{
    return span_of(id->chain, id->chain_len);
}

struct span identity_key_der(const struct identity *id)
{
    return span_of(id->key, id->key_len);
}

int identity_differs(const struct identity *a, const struct identity *b)
{
    return !span_equal(identity_chain_der(a), identity_chain_der(b)) ||
           !span_equal(identity_key_der(a), identity_key_der(b));
}
